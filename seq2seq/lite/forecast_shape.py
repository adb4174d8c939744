"""What the model.json of a forecaster says: its checks, and the networks that follow from it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from seq2seq.lite.graph import FLOAT32, INT32
from seq2seq.series.windows import Scaling

MOST_STEPS = 100_000
"""Of a context, a horizon, a lag."""
MOST_WIDTH = 1 << 20
MOST_ENTRIES = 1024
"""Of lags, levels and tensors of a state."""
WINDOW, STEP = "window", "step"
"""The networks, as `seq2seq.export.forecast_networks` has them."""
DISTRIBUTIONS = {"quantiles": 0, "gaussian": 2, "student_t": 3, "negative_binomial": 2}
"""Parameters of a step; those of quantiles are as many as the levels."""

Ends = dict[str, tuple[int, tuple[Any, ...]]]
"""Type and shape by name. A name in a shape is a size, equal wherever it occurs; None is any size."""


def check_forecaster(shape: Mapping[str, Any]) -> None:
    """Raises KeyError, TypeError, AttributeError or ValueError for a value of the wrong type or out of bounds."""
    whole(shape["context"], 1, MOST_STEPS)
    whole(shape["horizon"], 1, MOST_STEPS)
    whole(shape["season"], 1, MOST_STEPS)
    _one_of(shape["network"], (WINDOW, STEP))
    _one_of(shape["scaling"], get_args(Scaling))
    _one_of(shape["distribution"], DISTRIBUTIONS)
    if type(shape["scale_feature"]) is not bool:
        raise ValueError("scale_feature is not true or false")
    for value in _list(shape["level"]):
        between(value, 0, 100)
    levels = _list(shape["levels"])
    for value in levels:
        between(value, 0, 1)
    if levels != sorted(set(levels)) or bool(levels) != (shape["distribution"] == "quantiles"):
        raise ValueError("the levels of the quantiles do not ascend, or do not fit the distribution")
    if shape["size"] != (DISTRIBUTIONS[shape["distribution"]] or len(levels)):
        raise ValueError("the size does not fit the distribution")
    lags = _list(shape["lags"])
    for value in lags:
        whole(value, 1, MOST_STEPS)
    if lags != sorted(set(lags)) or bool(lags) != (shape["network"] == STEP):
        raise ValueError("the lags do not fit the network")
    check_networks(shape)


def check_networks(shape: Mapping[str, Any]) -> None:
    """Checks what only the networks themselves know else; errors as `check_forecaster`."""
    steps, inputs = shape["network"] == STEP, dict(shape["inputs"])
    state, batches = (_list(shape[name]) for name in ("state", "batches"))
    for values in (state, batches):
        for value in values:
            whole(value, 1, MOST_WIDTH)
    if bool(state) != steps:
        raise ValueError("the state does not fit the network")
    if not batches or len(set(batches)) < len(batches) or batches[0] != 1 or (len(batches) > 1 and not steps):
        raise ValueError("the batches are not different numbers from 1 on")
    rows = {"target_input": (1 if steps else shape["horizon"], None), "static": (None,), "series": (), "scale": (1,)}
    if not steps:
        rows["source"] = (shape["context"], None)
    needed = set(rows) - {"series", "scale"}
    if not needed <= set(inputs) <= set(rows):
        raise ValueError("the inputs are others")
    if ("scale" in inputs) != (shape["distribution"] == "negative_binomial"):
        raise ValueError("the input scale does not fit the distribution")
    for name, sizes in inputs.items():
        if not isinstance(sizes, list) or len(sizes) != len(rows[name]):
            raise ValueError(f"the input {name} is of another rank")
        for size, expected in zip(sizes, rows[name], strict=True):
            whole(size, expected or 1, expected or MOST_WIDTH)


def networks(shape: Mapping[str, Any]) -> Iterable[tuple[str, tuple[Ends, Ends]]]:
    """Returns inputs and outputs of each network by its name."""
    steps = shape["network"] == STEP
    for rows in shape["batches"]:
        given: Ends = {
            name: (INT32 if name == "series" else FLOAT32, (rows, *sizes)) for name, sizes in shape["inputs"].items()
        }
        state: Ends = {f"state_{number}": (FLOAT32, (rows, width)) for number, width in enumerate(shape["state"])}
        found: Ends = {"parameters": (FLOAT32, (rows, 1 if steps else shape["horizon"], shape["size"]))}
        yield network_name(shape, rows), (given | state, found | state)


def network_name(shape: Mapping[str, Any], rows: int) -> str:
    """Returns the name of the network of so many rows."""
    return f"{STEP}_{rows}" if shape["network"] == STEP else WINDOW


def whole(value: Any, least: int, most: int) -> None:
    """Raises ValueError for anything but a whole number between these."""
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"expected a whole number from {least} to {most}, not {str(value)[:40]}")


def between(value: Any, low: float, high: float) -> None:
    """Raises ValueError for anything but a number between these."""
    if type(value) not in (int, float) or not math.isfinite(value) or not low < value < high:
        raise ValueError(f"expected a number between {low} and {high}, not {str(value)[:40]}")


def _one_of(value: Any, names: Iterable[str]) -> None:
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"expected one of {', '.join(names)}, not {str(value)[:40]}")


def _list(value: Any) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) > MOST_ENTRIES:
        raise ValueError(f"expected a list of at most {MOST_ENTRIES}, not {str(value)[:40]}")
    return value
