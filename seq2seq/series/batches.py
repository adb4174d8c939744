"""Windows of a table as the inputs of a forecaster. Imports no framework.

A direct forecaster reads the whole context and gives all steps of the horizon; an autoregressive one goes from step to
step. Both get readings that are scaled by their context, with holes filled from before and marked. Before the first
reading a whole context holds that one; single steps hold 0, since to them it is not known yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seq2seq.series.codec import SeriesCodec
from seq2seq.series.table import Booleans, Floats, SeriesTable
from seq2seq.series.windows import (
    Cut,
    Scale,
    Scaling,
    TrainingWindows,
    Windows,
    carried_forward,
    cut_windows,
    is_constant,
    scale_of,
)
from seq2seq.types import Batch

Arrays = dict[str, Any]


@dataclass(frozen=True)
class WindowInputs:
    """What the two kinds of forecasters share."""

    codec: SeriesCodec
    context: int
    """Steps."""
    horizon: int
    """Steps."""
    scaling: Scaling
    scale_feature: bool
    """Whether the logarithm of the scale is a feature. Forecasts then do not scale with their series."""
    counts: bool
    """Whether targets are counts, which stay as they are."""

    def _series(self, table: SeriesTable, windows: Windows, scale: Scale) -> Arrays:
        """Returns the inputs that speak of a window as a whole."""
        size = np.log(scale.scale) / 10 if self.scale_feature else np.zeros_like(scale.scale)
        return {
            "static": _single(np.concatenate([size, self.codec.static(table, windows.series)], axis=1)),
            "series": self.codec.numbers(table)[windows.series].astype(np.int32),
            "scale": _single(scale.scale),
        }

    def _counted(self, context: Floats, observed: Booleans) -> Booleans:
        """Returns which windows training counts, `(rows, 1)`.

        A constant context is forecast as it is, without the network. It has no scale either: what comes after it would
        be as large as a million, and one such window would outweigh all others.
        """
        return np.asarray(observed.any(axis=1, keepdims=True) if self.counts else ~is_constant(context, observed))

    def _target(self, values: Floats, observed: Booleans, scale: Scale) -> Any:
        return _single(np.where(observed, values, 0.0) if self.counts else scale.forward(values, observed))


@dataclass(frozen=True)
class DirectInputs(WindowInputs):
    """The inputs of a `DirectForecaster`."""

    @property
    def source_width(self) -> int:
        """Features of a step of the context: reading, whether it was observed, calendar, covariates."""
        return 2 + self.codec.calendar_width + len(self.codec.columns.covariates)

    @property
    def future_width(self) -> int:
        """Features of a step of the horizon: its place, calendar, known covariates."""
        return 1 + self.codec.calendar_width + len(self.codec.future)

    def inputs(self, table: SeriesTable, windows: Windows) -> tuple[Arrays, Scale, Cut]:
        """Returns the inputs of windows, what they were scaled by, and where they were cut."""
        cut = cut_windows(table, windows, self.context, self.horizon)
        scale = scale_of(cut.context, cut.context_observed, self.scaling)
        # Before its first reading a context holds that one, as the ridge regression of the linear map has it.
        some = np.broadcast_to(cut.context_observed.any(axis=1, keepdims=True), cut.context.shape)
        filled = scale.forward(carried_forward(cut.context, cut.context_observed), some)
        clock = self.codec.clock(table, windows, cut)
        known = self.codec.covariates(table, cut, self.codec.future)
        past = self.codec.covariates(table, cut, self.codec.historic)[:, : self.context]
        source = [filled[..., None], cut.context_observed[..., None], clock[:, : self.context]]
        source += [known[:, : self.context], past]
        rows = len(windows.cuts)
        place = np.broadcast_to(np.linspace(0, 1, self.horizon)[None, :, None], (rows, self.horizon, 1))
        future = [place, clock[:, self.context :], known[:, self.context :]]
        return (
            {
                "source": _single(np.concatenate(source, axis=-1)),
                "source_mask": np.ones((rows, self.context), bool),
                "target_input": _single(np.concatenate(future, axis=-1)),
                **self._series(table, windows, scale),
            },
            scale,
            cut,
        )

    def batch(self, table: SeriesTable, windows: Windows) -> Batch:
        """Returns windows with their horizons as targets."""
        arrays, scale, cut = self.inputs(table, windows)
        weights = cut.target_observed & self._counted(cut.context, cut.context_observed)
        return _batch(arrays, self._target(cut.target, cut.target_observed, scale), weights)


@dataclass(frozen=True)
class StepInputs(WindowInputs):
    """The inputs of an `AutoregressiveForecaster`, which goes over the context and the horizon."""

    lags: tuple[int, ...]
    """Steps back, ascending from 1."""

    @property
    def width(self) -> int:
        """Features of a step: lagged readings, whether the last was observed, calendar, covariates."""
        return len(self.lags) + 1 + self.codec.calendar_width + len(self.codec.columns.covariates)

    @property
    def reach(self) -> int:
        """Readings before a step that its features need."""
        return self.lags[-1]

    def rest(self, table: SeriesTable, windows: Windows, horizon: int) -> tuple[Floats, Cut]:
        """Returns the features beside the readings, `(rows, context + horizon, features)`, and where they were cut.

        Historic covariates are those of the step before; in a horizon, of the last step before the cut.
        """
        cut = cut_windows(table, windows, self.context, horizon)
        past = self.codec.covariates(table, cut, self.codec.historic)
        past[:, self.context :] = past[:, self.context - 1 : self.context]
        past = np.concatenate([np.zeros_like(past[:, :1]), past[:, :-1]], axis=1)
        parts = [self.codec.clock(table, windows, cut), self.codec.covariates(table, cut, self.codec.future), past]
        return np.concatenate(parts, axis=-1), cut

    def readings(self, table: SeriesTable, windows: Windows, horizon: int) -> tuple[Floats, Booleans, Scale]:
        """Returns scaled readings, holes filled from before, `(rows, reach + context + horizon)`; whether they were
        observed; and the scale, which follows from the context alone."""
        wide = cut_windows(table, windows, self.reach + self.context, horizon)
        own = slice(self.reach, None)
        scale = scale_of(wide.context[:, own], wide.context_observed[:, own], self.scaling)
        values = np.concatenate([wide.context, wide.target], axis=1)
        observed = np.concatenate([wide.context_observed, wide.target_observed], axis=1)
        return filled_before(values, observed, scale), observed, scale

    def lagged(self, filled: Floats, observed: Booleans, steps: int) -> Floats:
        """Returns the features of the last `steps` steps that are made of readings up to the one before each.

        Args:
            filled: `(rows, time)`: ends with the reading before the last of these steps, or later ones.
            observed: `(rows, time)`.
            steps: Steps; `time` is at least `reach + steps - 1`.
        """
        end = filled.shape[1]
        columns = [filled[:, end - steps - lag + 1 : end - lag + 1] for lag in self.lags]
        columns.append(observed[:, end - steps : end].astype(np.float64))
        return np.stack(columns, axis=-1)

    def inputs(self, table: SeriesTable, windows: Windows, horizon: int = 0) -> tuple[Arrays, Floats, Booleans, Scale]:
        """Returns the inputs of the steps from the beginning of the context on, for known readings.

        With a horizon of 0 there is one step more than the context: the first of the future.

        Returns:
            Inputs; the filled readings before and within these steps, and whether they were observed; the scale.
        """
        filled, observed, scale = self.readings(table, windows, horizon)
        rest, _ = self.rest(table, windows, max(horizon, 1))
        steps = self.context + horizon if horizon else self.context + 1
        before = slice(None, -1) if horizon else slice(None)
        lagged = self.lagged(filled[:, before], observed[:, before], steps)
        arrays = {
            "target_input": _single(np.concatenate([lagged, rest], axis=-1)),
            **self._series(table, windows, scale),
        }
        return arrays, filled, observed, scale

    def batch(self, table: SeriesTable, windows: Windows) -> Batch:
        """Returns windows whose steps, of context and horizon, are all targets."""
        arrays, _, _, scale = self.inputs(table, windows, self.horizon)
        cut = cut_windows(table, windows, self.context, self.horizon)
        values = np.concatenate([cut.context, cut.target], axis=1)
        observed = np.concatenate([cut.context_observed, cut.target_observed], axis=1)
        # Before the first reading nothing is known: a window begins to count at the second.
        begun = (np.cumsum(observed, axis=1) > 1) & self._counted(cut.context, cut.context_observed)
        return _batch(arrays, self._target(values, observed, scale), observed & begun)


Inputs = DirectInputs | StepInputs


class WindowPlan:
    """The batches of an epoch of windows.

    Args:
        inputs: Makes them.
        table: The series.
        windows: Their order.
        epoch: From 0.
        rank: Which of `size` processes this is: of each batch it gets every `size`-th row.
        size: The number of processes.
    """

    def __init__(
        self, inputs: Inputs, table: SeriesTable, windows: TrainingWindows, epoch: int, rank: int = 0, size: int = 1
    ):
        self.inputs, self.table, self.windows, self.epoch = inputs, table, windows, epoch
        self.rank, self.size = rank, size

    def __len__(self) -> int:
        """Steps of the epoch."""
        return self.windows.steps

    def __getitem__(self, step: int) -> Batch:
        chosen = self.windows.at(self.epoch, step)
        rows = slice(self.rank, None, self.size)
        own = Windows(chosen.series[rows], chosen.cuts[rows])
        if len(own.cuts):
            return self.inputs.batch(self.table, own)
        filler = self.inputs.batch(self.table, Windows(chosen.series[:1], chosen.cuts[:1]))
        return filler._replace(weights=np.zeros_like(filler.weights))

    def length(self, step: int) -> int:
        """Returns the readings that a step predicts, missing ones among them."""
        first = step * self.windows.batch_size
        rows = min(self.windows.batch_size, self.windows.size - first)
        return rows * self.inputs.horizon


class FixedPlan:
    """The batches of windows in their order, for validation.

    Args:
        inputs: Makes them.
        table: The series.
        windows: The windows.
        batch_size: Windows of a batch.
    """

    def __init__(self, inputs: Inputs, table: SeriesTable, windows: Windows, batch_size: int):
        self.inputs, self.table, self.windows, self.batch_size = inputs, table, windows, batch_size

    def __len__(self) -> int:
        return -(-len(self.windows.cuts) // self.batch_size)

    def __getitem__(self, step: int) -> Batch:
        rows = slice(step * self.batch_size, (step + 1) * self.batch_size)
        return self.inputs.batch(self.table, Windows(self.windows.series[rows], self.windows.cuts[rows]))

    def length(self, step: int) -> int:
        """Returns the readings that a step predicts, missing ones among them."""
        return min(self.batch_size, len(self.windows.cuts) - step * self.batch_size) * self.inputs.horizon


def targets_as_text(batch: Batch) -> str:
    """Returns the targets of each row as a line, parted by tabs; nothing where they do not count."""
    rows = zip(batch.target_output, batch.weights, strict=True)
    return "".join(
        "\t".join(f"{value:g}" if weight else "" for value, weight in zip(*row, strict=True)) + "\n" for row in rows
    )


def filled_before(values: Floats, observed: Booleans, scale: Scale) -> Floats:
    """Returns scaled values, `(rows, time)`, whose holes hold the last one before; 0 before the first."""
    begun = np.maximum.accumulate(observed, axis=1)
    return scale.forward(carried_forward(values, observed), begun)


def _batch(arrays: Arrays, target: Any, weights: Booleans) -> Batch:
    extras = {name: part for name, part in arrays.items() if name != "target_input"}
    return Batch(None, arrays["target_input"], target, weights.astype(np.float32), extras)


def _single(values: Floats) -> Any:
    return np.asarray(values, np.float32)


def seasonal_lags(season: int, context: int) -> tuple[int, ...]:
    """Returns the usual lags: the last readings, and those around one and two seasons ago, within the context."""
    near = range(1, min(4, max(context, 1)) + 1)
    around = [cycle * season + shift for cycle in (1, 2) for shift in (-1, 0, 1)] if season > 1 else []
    return tuple(sorted({lag for lag in (*near, *around) if 1 <= lag <= max(context, 1)}))
