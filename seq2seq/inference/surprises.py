"""What a network says of readings when they come: how unlikely they are. Imports no framework."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from seq2seq.series.distributions import StudentT
from seq2seq.series.stream_features import StreamFeatures, advance_block
from seq2seq.series.table import Booleans, Floats, Integers


class StreamNetwork(Protocol):
    """What runs an `AutoregressiveForecaster` with a Student-t head on `series.stream_features`."""

    def begin(self, rows: int) -> Any:
        """Returns the state before the first reading."""

    def advance(self, features: Floats, mask: Booleans | None, state: Any) -> tuple[Floats, Any]:
        """Returns the parameters of steps, `(rows, time, 3)`, and the state after them.

        Args:
            features: `(rows, time, FEATURES)`.
            mask: `(rows, time)`, True at the left; the state of a row stays as it is after its last step. None: all.
            state: Before the first of these steps.
        """


class Surprises:
    """What a network says of the readings of streams side by side, in constant memory.

    Args:
        network: The trained network.
        days: `(rows,)`: readings of a day in each stream; 0: none.
    """

    def __init__(self, network: StreamNetwork, days: Integers):
        self._network = network
        self._features = StreamFeatures(days)
        self._state = network.begin(len(days))

    def advance(self, values: Floats) -> tuple[Floats, Floats]:
        """Takes the next readings in.

        Args:
            values: `(rows, time)`; a missing one, NaN, changes nothing.

        Returns:
            -log p of each reading in nats, and its distance from the location in scales, `(rows, time)`; 0 for a
            missing one.

        Raises:
            ValueError: a reading is infinite.
        """
        missing = np.isnan(values)
        if not missing.any():
            return self._advance(values, None)
        order = np.argsort(missing, axis=1, kind="stable")  # the missing ones last: the network never sees them
        counts = values.shape[1] - missing.sum(axis=1)
        steps = int(counts.max(initial=0))
        nats, residuals = np.zeros(values.shape), np.zeros(values.shape)
        if steps:
            order, there = order[:, :steps], np.arange(steps) < counts[:, None]
            found = self._advance(np.take_along_axis(values, order, 1), there)
            for whole, part in zip((nats, residuals), found, strict=True):
                np.put_along_axis(whole, order, np.where(there, part, 0.0), 1)
        return nats, residuals

    def _advance(self, values: Floats, there: Booleans | None) -> tuple[Floats, Floats]:
        """Takes readings in, those that are missing at the right."""
        if not values.size:
            return np.zeros(values.shape), np.zeros(values.shape)
        mask = None if there is None or there.all() else there
        features, targets = advance_block(self._features, values)
        parameters, self._state = self._network.advance(features, mask, self._state)
        nats = -StudentT().log_prob(parameters, targets)
        return nats, (targets - parameters[..., 0]) / parameters[..., 1]
