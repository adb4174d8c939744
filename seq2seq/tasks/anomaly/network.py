"""The network of a recipe for anomalies, and what makes scores of its surprises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seq2seq.backend import prepare_keras
from seq2seq.run.folder import RunFolderError
from seq2seq.series.likelihood import ScoreParts
from seq2seq.series.stream_features import FEATURES
from seq2seq.tasks.anomaly.recipe import Alarms, Model


def build_network(model: Model) -> Any:
    """Returns a new, built forecaster of one step: its head sees the features beside the state."""
    prepare_keras()
    from seq2seq.layers.decoder import RNNDecoder
    from seq2seq.layers.distributions import StudentTHead
    from seq2seq.models.forecasters import AutoregressiveForecaster, SeriesEmbedding

    decoder = RNNDecoder(
        model.units,
        cell=model.cell,
        num_layers=model.num_layers,
        attention=None,
        bridge="zero",
        dropout=model.dropout,
        name="decoder",
    )
    head = StudentTHead(least_scale=model.least_scale, name="head")
    series = SeriesEmbedding(0, 0, name="series")
    forecaster = AutoregressiveForecaster(decoder, head, 1, series, read_inputs=True, name="forecaster")
    forecaster.build_parts(FEATURES, 1)
    return forecaster


def score_parts(alarms: Alarms) -> ScoreParts:
    """Returns what makes scores of the surprises of a predictor."""
    return ScoreParts(alarms.level, alarms.drift, alarms.rest, alarms.range_rule, alarms.per_reading)


def check_size(model: Model, path: Path) -> None:
    """RunFolderError if the weights of such a network are more than the file holds: nothing that large shall be made.

    Counted are the matrices that every kind of network has, so it may well have more.
    """
    least = model.num_layers * model.units**2
    if 4 * least > (held := path.stat().st_size):
        raise RunFolderError(
            f"{path}: the weights are damaged or of another model (the recipe's has {4 * least:,} bytes of them or "
            f"more, the file holds {held:,})."
        )
