"""What the model.json of a detector says: its checks. Its networks are those of `lite.forecast_shape`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from seq2seq.lite.forecast_shape import DISTRIBUTIONS, STEP, between, check_networks, whole
from seq2seq.series.alarms import RATE_OF
from seq2seq.series.likelihood import ScoreParts
from seq2seq.series.stream_features import FEATURES

DISTRIBUTION = "student_t"
INPUTS = {"target_input": [1, FEATURES], "static": [1]}
"""Shapes of the inputs without the axis of rows, beside the state."""
MOST_NUMBER = 1e300
MOST_GAP = 1 << 53


def check_detector(shape: Mapping[str, Any]) -> None:
    """Raises KeyError, TypeError, AttributeError or ValueError for a value of the wrong type or out of bounds."""
    for name, expected in (
        ("network", STEP),
        ("distribution", DISTRIBUTION),
        ("size", DISTRIBUTIONS[DISTRIBUTION]),
        ("inputs", INPUTS),
    ):
        if shape[name] != expected:
            raise ValueError(f"{name} is another than {expected}")
    check_networks(shape)
    between(shape["least_scale"], 0, MOST_NUMBER)
    alarms, parts = shape["alarms"], shape["scores"]
    between(alarms["rate"], 0, RATE_OF)
    whole(alarms["gap"], 0, MOST_GAP)
    between(alarms["threshold"], 0, MOST_NUMBER)
    names = {field.name for field in dataclasses.fields(ScoreParts)}
    if len(alarms) != 3 or set(parts) != names or any(type(value) is not bool for value in parts.values()):
        raise ValueError(f"expected rate, gap and threshold of alarms, and of scores true or false: {sorted(names)}")
