"""How much of what a trained network adds to its linear map is kept: what windows it was not trained on bear out."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import numpy as np

from seq2seq.distributed import team
from seq2seq.run.folder import save_weights
from seq2seq.series.batches import FixedPlan
from seq2seq.series.codec import SeriesCodec
from seq2seq.series.shrinkage import FEWEST, groups_of, shares
from seq2seq.series.table import Floats
from seq2seq.series.windows import rolling_origins
from seq2seq.tasks.forecast.data import Corpus, WindowSet, forecastable
from seq2seq.tasks.forecast.folder import ForecastRunFolder
from seq2seq.tasks.forecast.network import distribution, make_inputs
from seq2seq.tasks.forecast.recipe import Recipe

_log = logging.getLogger(__name__)


def choose_share(folder: ForecastRunFolder, recipe: Recipe, data: Corpus) -> Floats:
    """Writes the weights of a trained run with the shares that its validation windows, and maybe its past, bear out.

    They are those of `series.shrinkage.shares`, by squared errors in the units of the network. Quantiles move with
    their middle, deviations stay. A second call finds the same shares.

    Returns:
        `(horizon,)`.
    """
    model, codec = folder.load_model()
    sums = products_and_squares(model, codec, recipe, data.validation)
    if recipe.model.shrink == "history":
        sums = np.concatenate([sums, folder.load_past(recipe.window.horizon)], axis=1)
    found = shares(*sums)
    model.share.assign(found.astype(np.float32))
    save_weights(model, folder.inside(folder.weights_file))
    _log.info("%s", described(found))
    return found


def try_the_past(folder: ForecastRunFolder, recipe: Recipe, data: Corpus) -> None:
    """Trains the recipe on the first half of the training part, and keeps what its network adds in the second half.

    Does nothing where that is known already. Several processes train it together, as they do the run.

    Raises:
        ValueError: the halves are too short.
    """
    from seq2seq.run.train import train
    from seq2seq.tasks import forecast

    if folder.past_file.exists():
        return
    earlier = halved(recipe, data)
    changes = {"model": {"shrink": "validation"}, "training": {"start_from": "", "keep_epochs": 0}}
    sections = {name: getattr(recipe, name).model_copy(update=fields) for name, fields in changes.items()}
    half, before = ForecastRunFolder(folder.inside(folder.past)), recipe.model_copy(update=sections)
    _log.info("Trained first on the older half, to see what the network adds in the newer one:")
    if team.is_leader():
        half.path.mkdir(exist_ok=True)
        half.save_recipe(before, [])
    train(half, before, forecast, earlier)
    _log.info("Now the run itself:")

    def keep() -> None:
        products, squares = products_and_squares(*half.load_model(), before, earlier.validation)
        folder.write_json(folder.past_file, {"products": products.tolist(), "squares": squares.tolist()})

    team.leader_first(keep, lambda: None)


def halved(recipe: Recipe, data: Corpus) -> Corpus:
    """Returns the older half of the training part to learn from, and windows of the newer half for validation.

    Raises:
        ValueError: the older half holds no window, or the newer one fewer groups than `shares` needs.
    """
    window, longest = recipe.window, int(data.train.lengths.max(initial=0))
    context, horizon = max(window.min_context, 1), window.horizon
    later = longest // 2 // horizon * horizon
    too_short = ValueError(
        f"model.shrink history halves the training part, whose longest series has {longest} steps: too few for a "
        f"window of {context} + {horizon} steps and, later, the windows of {FEWEST} horizons or more. "
        "Choose model.shrink validation or none."
    )
    if later < FEWEST * horizon or longest - later < context + horizon:
        raise too_short
    step = max(1, horizon // 4)
    origins = rolling_origins(data.train, horizon, (later - horizon) // step + 1, step, context)
    future = recipe.data.future if recipe.data.corpus == "files" else ()
    held = forecastable(WindowSet(data.train, origins), window, future, "the newer half")
    try:
        groups_of(*held, horizon)
    except ValueError:
        raise too_short from None
    return dataclasses.replace(data, train=data.train.cut(0, -later), validation=held)


def products_and_squares(model: Any, codec: SeriesCodec, recipe: Recipe, held: WindowSet) -> Floats:
    """Returns what `shares` takes, of each group of windows: `(2, groups, horizon)`.

    They are divided by the windows of a group, so that a stretch of the past, where origins are few, counts as much as
    one of validation.
    """
    from seq2seq.inference.forecast_network import KerasDirect

    mean = distribution(recipe.model).mean
    table, windows = held
    groups, horizon = groups_of(table, windows, recipe.window.horizon), recipe.window.horizon
    plan = FixedPlan(make_inputs(recipe, codec), codec.standardized(table), windows, max(recipe.batching.size, 256))
    network = KerasDirect(model)

    def located(share: float) -> list[Floats]:
        model.share.assign(np.full(horizon, share, np.float32))
        return [mean(network.parameters(_inputs(plan[step]))) for step in range(len(plan))]

    sums = np.zeros((2, groups.max() + 1, horizon))
    first = 0
    # Without the network the location is that of the linear map.
    for step, (without, whole) in enumerate(zip(located(0.0), located(1.0), strict=True)):
        batch = plan[step]
        weights = np.asarray(batch.weights, np.float64)
        lacks = np.where(weights > 0, np.asarray(batch.target_output, np.float64) - without, 0.0)
        own = groups[first : first + len(lacks)]
        first += len(lacks)
        np.add.at(sums[0], own, weights * lacks * (whole - without))
        np.add.at(sums[1], own, weights * (whole - without) ** 2)
    return sums * sums.shape[1] / len(groups)


def described(share: Floats) -> str:
    """Returns shares in words: those of a few steps."""
    places = np.unique(np.linspace(0, len(share) - 1, 5).round().astype(int)).tolist()
    return "Share of the network at " + ", ".join(f"step {place + 1}: {share[place]:.2f}" for place in places)


def _inputs(batch: Any) -> dict[str, Any]:
    return {"target_input": batch.target_input, **batch.extras}
