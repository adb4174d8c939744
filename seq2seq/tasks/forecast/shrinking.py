"""How much of what a trained network adds to its linear map is kept: what the validation windows bear out."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from seq2seq.run.folder import save_weights
from seq2seq.series.batches import FixedPlan
from seq2seq.series.shrinkage import groups_of, shares
from seq2seq.series.table import Floats
from seq2seq.tasks.forecast.data import Corpus
from seq2seq.tasks.forecast.folder import ForecastRunFolder
from seq2seq.tasks.forecast.network import distribution, make_inputs
from seq2seq.tasks.forecast.recipe import Recipe

_log = logging.getLogger(__name__)


def choose_share(folder: ForecastRunFolder, recipe: Recipe, data: Corpus) -> Floats:
    """Writes the weights of a trained run with the shares that its validation windows bear out.

    They are those of `series.shrinkage.shares`, by squared errors in the units of the network. Quantiles move with
    their middle, deviations stay. A second call finds the same shares.

    Returns:
        `(horizon,)`.
    """
    from seq2seq.inference.forecast_network import KerasDirect

    model, codec = folder.load_model()
    mean = distribution(recipe.model).mean
    table, windows = data.validation
    groups, horizon = groups_of(table, windows, recipe.window.horizon), recipe.window.horizon
    plan = FixedPlan(make_inputs(recipe, codec), codec.standardized(table), windows, max(recipe.batching.size, 256))
    network = KerasDirect(model)

    def located(share: float) -> list[Floats]:
        model.share.assign(np.full(horizon, share, np.float32))
        return [mean(network.parameters(_inputs(plan[step]))) for step in range(len(plan))]

    products, squares = np.zeros((2, groups.max() + 1, horizon))
    first = 0
    # Without the network the location is that of the linear map.
    for step, (without, whole) in enumerate(zip(located(0.0), located(1.0), strict=True)):
        batch = plan[step]
        weights = np.asarray(batch.weights, np.float64)
        lacks = np.where(weights > 0, np.asarray(batch.target_output, np.float64) - without, 0.0)
        own = groups[first : first + len(lacks)]
        first += len(lacks)
        np.add.at(products, own, weights * lacks * (whole - without))
        np.add.at(squares, own, weights * (whole - without) ** 2)
    found = shares(products, squares)
    model.share.assign(found.astype(np.float32))
    save_weights(model, folder.inside(folder.weights_file))
    _log.info("%s", described(found))
    return found


def described(share: Floats) -> str:
    """Returns shares in words: those of a few steps."""
    places = np.unique(np.linspace(0, len(share) - 1, 5).round().astype(int)).tolist()
    return "Share of the network at " + ", ".join(f"step {place + 1}: {share[place]:.2f}" for place in places)


def _inputs(batch: Any) -> dict[str, Any]:
    return {"target_input": batch.target_input, **batch.extras}
