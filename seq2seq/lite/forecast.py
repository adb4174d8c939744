"""A forecaster on a LiteRT folder; requires only numpy and the LiteRT runtime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.inference.forecasting import Forecaster
from seq2seq.lite.folder import NETWORKS_FILE, LiteFolderError, load_shape
from seq2seq.lite.forecast_shape import STEP, network_name
from seq2seq.lite.kinds import SHAPE_FILE
from seq2seq.lite.networks import open_networks
from seq2seq.series.batches import DirectInputs, StepInputs
from seq2seq.series.codec import CODEC_FILE, SeriesCodec
from seq2seq.series.distributions import distribution_of
from seq2seq.series.table import Floats, SeriesTable

State = dict[str, Any]


def load_forecaster(path: Path) -> Forecaster:
    """Loads a LiteRT folder; raises LiteFolderError for a damaged one."""
    path = Path(path)
    shape = load_shape(path)
    try:
        codec = SeriesCodec.load(path / CODEC_FILE)
    except ValueError as error:
        raise LiteFolderError(str(error)) from error
    inputs = _inputs(shape, codec)
    _check_widths(path, shape, inputs)
    network = LiteSteps(path, shape) if isinstance(inputs, StepInputs) else LiteWindows(path, shape)
    distribution = distribution_of(shape["distribution"], shape["levels"])

    def known() -> SeriesTable:
        raise ValueError(f"{path} holds no series. Give the table to forecast: --input FILE.")

    return Forecaster([network], inputs, distribution, shape["season"], known, shape["level"])


def _inputs(shape: Mapping[str, Any], codec: SeriesCodec) -> DirectInputs | StepInputs:
    names = ("context", "horizon", "scaling", "scale_feature")
    shared = {"codec": codec, "counts": "scale" in shape["inputs"], **{name: shape[name] for name in names}}
    if shape["network"] == STEP:
        return StepInputs(**shared, lags=tuple(shape["lags"]))
    return DirectInputs(**shared)


def _check_widths(path: Path, shape: Mapping[str, Any], inputs: DirectInputs | StepInputs) -> None:
    """Raises LiteFolderError if the columns of the table do not make the inputs of the network."""
    made = {"static": inputs.codec.static_width}
    if isinstance(inputs, DirectInputs):
        made |= {"source": inputs.source_width, "target_input": inputs.future_width}
    else:
        made |= {"target_input": inputs.width}
    for name, width in made.items():
        if width != shape["inputs"][name][-1]:
            raise LiteFolderError(
                f"{path / CODEC_FILE}: its columns give {width:,} numbers of the input {name}; {SHAPE_FILE} says "
                f"{shape['inputs'][name][-1]:,}."
            )


class _Networks:
    """Calls the networks that `seq2seq.export.forecast_networks` describes. One instance serves one thread.

    Args:
        path: A LiteRT folder.
        shape: Its model.json.

    Raises:
        LiteFolderError: no LiteRT runtime is installed, or it refuses the file.
    """

    def __init__(self, path: Path, shape: Mapping[str, Any]):
        self._file = path / NETWORKS_FILE
        self._interpreter, _ = open_networks(path, dict(shape))
        self._runners: dict[int, Any] = {}
        self._shape = shape
        self._inputs: list[str] = list(shape["inputs"])
        self._batches: list[int] = sorted(shape["batches"])

    def _call(self, rows: int, arrays: Mapping[str, Any]) -> State:
        """Calls the network of so many rows."""
        name = network_name(self._shape, rows)
        try:
            if rows not in self._runners:
                self._runners[rows] = self._interpreter.get_signature_runner(name)
            found: State = self._runners[rows](**arrays)
        except (RuntimeError, ValueError, KeyError, TypeError, IndexError) as error:
            raise LiteFolderError(
                f"{self._file}: its network {name} cannot be run ({error}). Export the run again."
            ) from error
        if not np.isfinite(found["parameters"]).all():
            raise LiteFolderError(
                f"{self._file}: its network {name} gives numbers that are not finite. The readings may be far from "
                "those of training; otherwise export the run again."
            )
        return found


class LiteWindows(_Networks):
    """A direct forecaster, as `inference.forecasting.DirectNetwork`; windows go one by one."""

    def parameters(self, inputs: Mapping[str, Any]) -> Floats:
        arrays = {name: inputs[name] for name in self._inputs}
        rows = [
            self._call(1, {name: part[row : row + 1] for name, part in arrays.items()})["parameters"]
            for row in range(len(arrays["source"]))
        ]
        return np.concatenate(rows).astype(np.float64)


class LiteSteps(_Networks):
    """An autoregressive forecaster, as `inference.forecasting.StepNetwork`; rows go by the networks of fixed sizes."""

    def begin(self, rows: int) -> State:
        return {
            f"state_{number}": np.zeros((rows, width), np.float32) for number, width in enumerate(self._shape["state"])
        }

    def advance(self, inputs: Mapping[str, Any], state: State) -> tuple[Floats, State]:
        arrays = {name: inputs[name] for name in self._inputs}
        given = arrays.pop("target_input")
        rows, steps = given.shape[:2]
        parameters = np.zeros((rows, steps, self._shape["size"]))
        after = {name: np.empty_like(part) for name, part in state.items()}
        for start, stop, size in _blocks(rows, self._batches):
            filled = np.minimum(np.arange(start, start + size), stop - 1)  # the last row fills up a block
            fixed = {name: part[filled] for name, part in arrays.items()}
            carried, ahead = {name: part[filled] for name, part in state.items()}, given[filled]
            for step in range(steps):
                found = self._call(size, {**fixed, **carried, "target_input": ahead[:, step : step + 1]})
                parameters[start:stop, step] = found.pop("parameters")[: stop - start, 0]
                carried = found
            for name, part in carried.items():
                after[name][start:stop] = part[: stop - start]
        return parameters, after

    def repeat(self, state: State, times: int) -> State:
        return {name: np.repeat(part, times, axis=0) for name, part in state.items()}

    def select(self, state: State, rows: Sequence[int]) -> State:
        return {name: part[list(rows)] for name, part in state.items()}


def _blocks(rows: int, batches: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yields first row, end, and size of the network of each block; a network with up to three quarters of its rows
    unused is quicker than small ones in turn."""
    start = 0
    while start < rows:
        left = rows - start
        fitting = [size for size in batches if left <= size < 4 * left]
        size = min(fitting) if fitting else max(size for size in batches if size <= left)
        yield start, min(start + size, rows), size
        start += size
