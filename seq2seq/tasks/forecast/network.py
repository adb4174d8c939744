"""The network of a forecasting recipe, what it reads, and what trains it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.backend import prepare_keras
from seq2seq.run.folder import RunFolderError
from seq2seq.series.batches import DirectInputs, Inputs, StepInputs, seasonal_lags
from seq2seq.series.codec import SeriesCodec
from seq2seq.series.distributions import Distribution, distribution_of
from seq2seq.series.frequency import parse_frequency
from seq2seq.series.ridge import fit_ridge
from seq2seq.series.table import SeriesTable
from seq2seq.series.windows import TrainingWindows
from seq2seq.tasks.forecast.recipe import Model, Recipe

KINDS = {"squares": "gaussian"}
"""Names of heads whose distribution has another name."""
_SAMPLE = 20_000
"""Windows that the linear map of lags is fitted to."""


def season_of(recipe: Recipe, codec: SeriesCodec) -> int:
    """Returns the season in steps."""
    return recipe.window.season or parse_frequency(codec.frequency).season


def distribution(recipe: Model) -> Distribution:
    """Returns what the parameters of the head mean."""
    return distribution_of(KINDS.get(recipe.head, recipe.head), recipe.levels)


def make_inputs(recipe: Recipe, codec: SeriesCodec) -> Inputs:
    """Returns what makes the inputs of the network from windows."""
    window, model = recipe.window, recipe.model
    shared: dict[str, Any] = {
        "codec": codec,
        "context": window.context,
        "horizon": window.horizon,
        "scaling": window.scaling,
        "scale_feature": model.scale_feature,
        "counts": distribution(model).counts,
    }
    if model.kind == "direct":
        return DirectInputs(**shared)
    lags = tuple(sorted(set(model.lags))) or seasonal_lags(season_of(recipe, codec), window.context)
    return StepInputs(**shared, lags=lags)


def build_network(recipe: Recipe, inputs: Inputs) -> Any:
    """Returns a new, built forecaster for these inputs."""
    prepare_keras()
    from seq2seq.layers.segments import LinearSkip
    from seq2seq.models.forecasters import AutoregressiveForecaster, DirectForecaster, SeriesEmbedding

    model, codec = recipe.model, inputs.codec
    series = SeriesEmbedding(len(codec.ids), model.series_units, name="series")
    if isinstance(inputs, StepInputs):
        skip = LinearSkip(1, trainable=model.train_skip, name="skip") if model.skip else None
        stepper = AutoregressiveForecaster(
            _decoder(model, "zero"), _head(model, 1), len(inputs.lags), series, skip, name="forecaster"
        )
        stepper.build_parts(inputs.width, codec.static_width)
        return stepper
    from seq2seq.layers.encoder import RNNEncoder
    from seq2seq.layers.segments import SegmentEmbedding

    segment = min(model.segment, inputs.context)
    encoder = RNNEncoder(
        model.units,
        cell=model.cell,
        num_layers=model.num_layers,
        bidirectional=False,
        dropout=model.dropout,
        name="encoder",
    )
    direct = DirectForecaster(
        SegmentEmbedding(segment, model.units, name="frontend"),
        encoder,
        _decoder(model, "copy"),
        _head(model, min(segment, inputs.horizon)),
        inputs.horizon,
        series,
        skip=LinearSkip(inputs.horizon, trainable=model.train_skip, name="skip") if model.skip else None,
        shrinks=model.shrink != "none",
        name="forecaster",
    )
    direct.build_parts(inputs.context, inputs.source_width, inputs.future_width, codec.static_width)
    return direct


def _decoder(model: Model, bridge: Any) -> Any:
    from seq2seq.layers.decoder import RNNDecoder
    from seq2seq.layers.options import AttentionOptions

    return RNNDecoder(
        model.units,
        cell=model.cell,
        num_layers=model.num_layers,
        attention=AttentionOptions() if model.attention else None,
        readout_units=model.units if model.attention else None,
        bridge=bridge,
        dropout=model.dropout,
        name="decoder",
    )


def _head(model: Model, steps: int) -> Any:
    from seq2seq.layers import distributions as heads

    if model.head == "quantiles":
        return heads.QuantileHead(model.levels, steps, name="head")
    if model.head in ("gaussian", "squares"):
        return heads.GaussianHead(steps, model.head == "squares", name="head")
    kind = {"student_t": heads.StudentTHead, "negative_binomial": heads.NegativeBinomialHead}[model.head]
    return kind(steps, name="head")


def fit_skip(recipe: Recipe, inputs: Inputs, table: SeriesTable) -> Any:
    """Returns the ridge regression that the linear map starts from, `(context or lags, horizon or 1)`; None if none."""
    if not recipe.model.skip or inputs.counts:
        return None
    window = recipe.window
    if isinstance(inputs, DirectInputs):
        least = min(window.context, max(window.min_context, 1))
        fitted = fit_ridge(table, window.context, window.horizon, recipe.model.ridge, window.scaling, least)
        return fitted.weights
    size = min(_SAMPLE // (window.context + window.horizon) + 1, 4096)
    windows = TrainingWindows(table, window.horizon, size, recipe.seed, window.min_context)
    gram, cross = np.zeros((len(inputs.lags),) * 2), np.zeros(len(inputs.lags))
    for step in range(min(windows.steps, 20)):
        batch = inputs.batch(table, windows.at(0, step))
        weights = np.asarray(batch.weights, np.float64)
        lagged = np.asarray(batch.target_input[..., : len(inputs.lags)], np.float64)
        gram += np.einsum("rti,rtj,rt->ij", lagged, lagged, weights)
        cross += np.einsum("rti,rt,rt->i", lagged, np.asarray(batch.target_output, np.float64), weights)
    penalty = max(recipe.model.ridge * 1e-2, 1e-6) * np.trace(gram) / len(gram)
    return np.linalg.solve(gram + np.eye(len(gram)) * max(penalty, 1e-9), cross)[:, None]


def build_objective(model: Any) -> Any:
    """Returns what `fit` trains."""
    from seq2seq.training.forecast import ForecastObjective

    return ForecastObjective(model)


def check_size(recipe: Model, path: Path) -> None:
    """RunFolderError if the weights of such a network are more than the file holds: nothing that large shall be made.

    Counted are the matrices that every kind of network has, so it may well have more.
    """
    least = recipe.num_layers * recipe.units**2
    if 4 * least > (held := path.stat().st_size):
        raise RunFolderError(
            f"{path}: the weights are damaged or of another model (the recipe's has {4 * least:,} bytes of them or "
            f"more, the file holds {held:,})."
        )
