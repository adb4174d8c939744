"""A detector of anomalies on a LiteRT folder; requires only numpy and the LiteRT runtime."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.inference.anomalies import AlarmSettings, AnomalyDetector
from seq2seq.lite.folder import NETWORKS_FILE, LiteFolderError, load_shape
from seq2seq.lite.forecast import LiteSteps, State
from seq2seq.series.alarms import NORMAL_FILE, load_normal
from seq2seq.series.likelihood import ScoreParts
from seq2seq.series.streams import STREAMS_FILE, Stream, StreamCodec
from seq2seq.series.table import Booleans, Floats

_ROUNDING = 0.99
"""Share of the least scale that weights of 8 bits keep."""


def load_detector(path: Path) -> AnomalyDetector:
    """Loads a LiteRT folder; raises LiteFolderError for a damaged one."""
    path = Path(path)
    shape = load_shape(path)
    try:
        codec = StreamCodec.load(path / STREAMS_FILE)
    except ValueError as error:
        raise LiteFolderError(str(error)) from error
    return AnomalyDetector(
        LiteStreams(path, shape),
        codec,
        ScoreParts(**shape["scores"]),
        AlarmSettings(**shape["alarms"]),
        partial(_normal, path / NORMAL_FILE),
        partial(_own, path),
    )


def _normal(file: Path) -> list[Floats]:
    try:
        return load_normal(file)
    except ValueError as error:
        raise LiteFolderError(str(error)) from error


def _own(path: Path) -> list[Stream]:
    raise ValueError(f"{path} holds no series. Give the table to look at, --input FILE, or rows with --follow.")


class LiteStreams:
    """The networks of a detector as `inference.surprises.StreamNetwork`. One instance serves one thread.

    Args:
        path: A LiteRT folder.
        shape: Its model.json.

    Raises:
        LiteFolderError: no LiteRT runtime is installed, or it refuses the file.
    """

    def __init__(self, path: Path, shape: Mapping[str, Any]):
        self._file = path / NETWORKS_FILE
        self._steps = LiteSteps(path, shape)
        self._least = _ROUNDING * shape["least_scale"]
        self._size: int = shape["size"]

    def begin(self, rows: int) -> State:
        return self._steps.begin(rows)

    def advance(self, features: Floats, mask: Booleans | None, state: State) -> tuple[Floats, State]:
        rows, steps = features.shape[:2]
        given = {"target_input": features.astype(np.float32), "static": np.zeros((rows, 1), np.float32)}
        if mask is None:
            parameters, after = self._steps.advance(given, state)
        else:
            parameters = np.ones((rows, steps, self._size))
            after = {name: part.copy() for name, part in state.items()}
            counts = mask.sum(axis=1)
            start = 0
            for stop in np.unique(counts[counts > 0]).tolist():  # rows go together as far as the shortest of them
                going = np.flatnonzero(counts >= stop)
                part = {name: array[going] for name, array in given.items()}
                part["target_input"] = part["target_input"][:, start:stop]
                found, carried = self._steps.advance(part, self._steps.select(after, going.tolist()))
                parameters[going, start:stop] = found
                for name, array in carried.items():
                    after[name][going] = array
                start = stop
        if parameters[..., 1].min() < self._least or parameters[..., 2].min() <= 0:
            raise LiteFolderError(f"{self._file}: its scales are smaller than the least one. Export the run again.")
        return parameters, after
