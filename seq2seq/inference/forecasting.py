"""Forecasts of windows by trained networks, whatever runs them. Imports no framework."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from seq2seq.series.batches import DirectInputs, StepInputs
from seq2seq.series.codec import SeriesCodec
from seq2seq.series.distributions import Distribution
from seq2seq.series.forecast import Forecast, ModelForecast, SampleForecast, average_forecasts
from seq2seq.series.joining import joined
from seq2seq.series.results import concatenated, forecast_results, to_frame
from seq2seq.series.table import Booleans, Floats, SeriesTable
from seq2seq.series.windows import Scale, Scaling, Windows, blocks, cut_windows, ends, is_constant, last_observed

ROWS = 1024
"""Windows of a call of a direct network; an autoregressive one takes as many paths, at least those of one window."""
PATHS = 8192
"""Sample paths that go on side by side."""
NUMBERS = 1 << 23
"""Numbers of the forecasts that are in memory together."""
MOST_ROWS = 8192
"""Windows that are forecast together, at most."""


def rows_together(horizon: int, samples: int = 1) -> int:
    """Returns how many windows to forecast at once, so that any number of them takes the same memory.

    Args:
        horizon: Steps.
        samples: Sample paths of each window; 1 for a forecast of parameters.
    """
    return max(1, min(MOST_ROWS, NUMBERS // (horizon * max(1, samples))))


class DirectNetwork(Protocol):
    """What runs a direct forecaster."""

    def parameters(self, inputs: Mapping[str, Any]) -> Floats:
        """Returns the parameters of all steps of the horizon, `(rows, horizon, count)`."""


class StepNetwork(Protocol):
    """What runs an autoregressive forecaster."""

    def begin(self, rows: int) -> Any:
        """Returns the state before the first reading."""

    def advance(self, inputs: Mapping[str, Any], state: Any) -> tuple[Floats, Any]:
        """Returns the parameters of some steps, `(rows, time, count)`, and the state after them."""

    def repeat(self, state: Any, times: int) -> Any:
        """Returns the state with each row as many times, next to each other."""


class OwnTest(NamedTuple):
    """A test set of a run."""

    forecaster: Forecaster
    """In the units of the scores, as the tables are."""
    table: SeriesTable
    windows: Windows
    learn_from: SeriesTable | None
    """The training part, where `table` does not hold it."""


class Forecaster:
    """Forecasts the future of series.

    Args:
        networks: One, or several that were trained alike: their forecasts are averaged.
        inputs: What makes their inputs.
        distribution: What their parameters mean.
        season: Steps, for baselines and scaled errors.
        known: Returns the series of training up to their ends, in their own units.
        level: Percent of the intervals that are shown where none are asked for.
        tests: Returns the test sets of the run by name: series in their own units, windows, and the training part
            where these series do not hold it.
    """

    def __init__(
        self,
        networks: Sequence[Any],
        inputs: DirectInputs | StepInputs,
        distribution: Distribution,
        season: int,
        known: Callable[[], SeriesTable],
        level: Sequence[float] = (80, 95),
        tests: Callable[[], Mapping[str, tuple[SeriesTable, Windows, SeriesTable | None]]] = dict,
    ):
        self.networks, self.inputs, self.distribution, self.season = list(networks), inputs, distribution, season
        self.level = tuple(level)
        self._known, self._tests = known, tests

    @property
    def codec(self) -> SeriesCodec:
        return self.inputs.codec

    @property
    def horizon(self) -> int:
        """Steps that it was trained for."""
        return self.inputs.horizon

    @property
    def longest(self) -> int | None:
        """Steps of the longest horizon; None: any."""
        return self.horizon if isinstance(self.inputs, DirectInputs) else None

    @property
    def context(self) -> int:
        """Steps that it reads."""
        return self.inputs.context

    @property
    def samples(self) -> bool:
        """Whether forecasts are sample paths."""
        return isinstance(self.inputs, StepInputs)

    @property
    def columns(self) -> Any:
        """The columns of its tables."""
        return self.codec.columns

    def read(self, data: Any) -> SeriesTable:
        """Returns a file or a frame by the columns and the frequency of training; ValueError says what is wrong."""
        return self.codec.read(data)

    def read_future(self, data: Any) -> SeriesTable:
        """Returns the covariates of steps to come, of a file or a frame; ValueError says what is wrong."""
        return self.codec.future_of(data)

    def own_table(self) -> SeriesTable:
        """Returns the series of training up to their ends."""
        return self._known()

    def own_tests(self) -> dict[str, OwnTest]:
        """Returns the test sets of the run by name, in the units that it is scored in.

        Where series are standardised these are standard deviations of their training parts.
        """
        scored = self if self.codec.standard is None else self.in_training_units()
        units = self.codec.standardized
        return {
            name: OwnTest(scored, units(table), windows, None if past is None else units(past))
            for name, (table, windows, past) in self._tests().items()
        }

    @property
    def scaling(self) -> Scaling:
        """How it scales windows."""
        return self.inputs.scaling

    def in_training_units(self) -> Forecaster:
        """Returns a forecaster of tables as `SeriesCodec.standardized` gives them, and in their units."""
        codec = dataclasses.replace(self.codec, standard=None)
        inputs = dataclasses.replace(self.inputs, codec=codec)
        known = self._known
        return Forecaster(
            self.networks, inputs, self.distribution, self.season, lambda: self.codec.standardized(known()), self.level
        )

    def forecast(
        self,
        data: Any = None,
        horizon: int | None = None,
        level: float | Sequence[float] | None = None,
        *,
        future: Any = None,
        samples: int = 100,
        seed: int = 0,
    ) -> Any:
        """Forecasts the steps after the end of each series.

        Args:
            data: A frame of pandas, polars or pyarrow, or the name of a file, as in training; None: the series of
                training.
            horizon: Steps; None: as in training.
            level: Percent of each interval, or of the only one; None: those of the recipe.
            future: What is known of these steps, if the run has such covariates: a frame or a file.
            samples: Sample paths of each series, of an autoregressive model.
            seed: Of the paths.

        Returns:
            A frame of the kind of `data`, with columns as `forecast-lo-80`.

        Raises:
            ValueError: the data are wrong, or the horizon is beyond what a direct model was trained for.
        """
        table = self.own_table() if data is None else self.read(data)
        known = None if future is None else self.read_future(future)
        shown = self.level if level is None else (level,) if isinstance(level, int | float) else level
        parts = []
        for some in blocks(ends(table), rows_together(self._steps(horizon), samples if self.samples else 1)):
            found = self.predict(table, some, horizon, samples=samples, seed=seed, future=known)
            parts.append(forecast_results(table, some, found, shown, self.columns))
        results = concatenated(parts)
        return to_frame(results, data if data is not None and not isinstance(data, str | Path | SeriesTable) else None)

    def predict(
        self,
        table: SeriesTable,
        windows: Windows,
        horizon: int | None = None,
        *,
        samples: int = 100,
        seed: int = 0,
        future: SeriesTable | None = None,
    ) -> Forecast:
        """Forecasts the horizons of windows from their contexts.

        Args:
            table: The series; covariates that are known ahead of time reach to the end of the horizons.
            windows: Where each forecast begins.
            horizon: Steps; None: as in training.
            samples: Sample paths of each window, of an autoregressive model.
            seed: Of the paths. Those of a window follow from the seed, the name of its series and the time of its cut.
            future: Covariates of steps behind the ends of the series, as `read_future` returns them.

        Raises:
            TableError: the table has another frequency than that of training, or lacks a column.
            ValueError: the horizon is below 1 or beyond what a direct model was trained for; a window has no observed
                reading in its context, or lacks covariates of its horizon.
        """
        steps = self._steps(horizon)
        codec = self.codec
        codec.check(table)
        if future is not None:
            table = joined(table, future, "the future")
        self._check(table, windows, steps)
        mean, deviation = (part[windows.series][:, None] for part in codec.standards(table))
        unit = Scale(mean, deviation)
        table = codec.standardized(table)
        found: list[Forecast] = []
        for member, network in enumerate(self.networks):
            if isinstance(self.inputs, DirectInputs):
                found.append(self._direct(network, table, windows, steps, unit))
            else:
                found.append(self._paths(network, table, windows, steps, unit, samples, [seed, member]))
        return average_forecasts(found)

    def _steps(self, horizon: int | None) -> int:
        steps = self.horizon if horizon is None else horizon
        if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
            raise ValueError(f"Expected a horizon of whole steps, at least 1. Received: {steps!r}")
        if self.longest is not None and steps > self.longest:
            raise ValueError(
                f"This model forecasts {self.longest} steps at once and no more. Received: a horizon of {steps}. Train "
                "with a longer window.horizon, or with model.kind autoregressive, which goes on as far as asked."
            )
        return steps

    def _check(self, table: SeriesTable, windows: Windows, steps: int) -> None:
        cut = cut_windows(table, windows, self.context, steps)
        if not (known := cut.context_observed.any(axis=1)).all():
            name = table.ids[windows.series[int((~known).argmax())]]
            raise ValueError(
                f"Series {name!r} has no observed value in the {self.context} steps before its forecast. Leave it out."
            )
        for name in self.codec.future:
            values = table.covariates[name]
            ahead = cut.inside[:, self.context :]
            rows = np.where(ahead, cut.positions[:, self.context :], 0)
            there = ahead & np.isfinite(values[rows])
            if not there.all():
                row = int((~there).any(axis=1).argmax())
                raise ValueError(
                    f"Covariate {name!r} must be known for the {steps} steps after the end of series "
                    f"{table.ids[windows.series[row]]!r}; it is for {int(there[row].sum())}. Give them with --future "
                    "FILE (from Python future=), a table with the same columns."
                )

    def _direct(
        self, network: DirectNetwork, table: SeriesTable, windows: Windows, steps: int, unit: Scale
    ) -> ModelForecast:
        assert isinstance(self.inputs, DirectInputs)
        parameters, scales = [], []
        for some in blocks(windows, ROWS):
            inputs, scale, cut = self.inputs.inputs(table, some)
            parameters.append(network.parameters(inputs)[:, :steps])
            if self.distribution.counts:
                scales.append(Scale(np.zeros((len(some.cuts), 1)), np.where(_only_zeros(table, some), 0.0, 1.0)))
            else:
                scales.append(_flat_if_constant(scale, cut.context, cut.context_observed))
        location, width = (np.concatenate(parts) for parts in zip(*scales, strict=True))
        scale = Scale(location * unit.scale + unit.location, width * unit.scale)
        return ModelForecast(self.distribution, np.concatenate(parameters), scale)

    def _paths(
        self,
        network: StepNetwork,
        table: SeriesTable,
        windows: Windows,
        steps: int,
        unit: Scale,
        samples: int,
        seed: Sequence[int],
    ) -> SampleForecast:
        if samples < 1:
            raise ValueError(f"Expected at least one sample path. Received: {samples}")
        found = []
        for some in blocks(windows, max(1, PATHS // samples)):
            stamps = table.frequency.stamps(table.starts[some.series], some.cuts)
            draws = [_generator(table.ids[one], int(at), seed) for one, at in zip(some.series, stamps, strict=True)]
            found.append(self._block_of_paths(network, table, some, steps, samples, draws))
        return SampleForecast(np.concatenate(found) * unit.scale[..., None] + unit.location[..., None])

    def _block_of_paths(
        self,
        network: StepNetwork,
        table: SeriesTable,
        windows: Windows,
        steps: int,
        samples: int,
        draws: Sequence[np.random.Generator],
    ) -> Floats:
        """Returns `(rows, steps, samples)`, in the units of the table."""
        maker = self.inputs
        assert isinstance(maker, StepInputs)
        rows = len(windows.cuts)
        arrays, filled, observed, scale = maker.inputs(table, windows)
        own = slice(maker.reach, None)
        constant = _flat_if_constant(scale, scale.back(filled[:, own]), observed[:, own])
        rest, _ = maker.rest(table, windows, steps)
        rest = np.repeat(rest[:, maker.context :], samples, axis=0)
        given, whole = dict(arrays), arrays.pop("target_input")
        # The context of each window once; then its last state for each of its paths.
        state = network.begin(rows)
        if maker.context:
            _, state = network.advance({**given, "target_input": whole[:, : maker.context]}, state)
        state = network.repeat(state, samples)
        arrays = {name: np.repeat(part, samples, axis=0) for name, part in arrays.items()}
        past = np.repeat(filled[:, -maker.reach :], samples, axis=0)
        known = np.repeat(observed[:, -maker.reach :], samples, axis=0)
        path, some = np.zeros((rows, steps, samples)), ~_only_zeros(table, windows)
        for step in range(steps):
            features = np.concatenate([maker.lagged(past, known, 1), rest[:, step : step + 1]], axis=-1)
            arrays["target_input"] = features.astype(np.float32)
            parameters, state = network.advance(arrays, state)
            grouped = parameters[:, 0].reshape(rows, samples, -1)
            drawn = np.stack([self.distribution.draw(part, draw) for part, draw in zip(grouped, draws, strict=True)])
            scaled = drawn / scale.scale if self.distribution.counts else drawn
            path[:, step] = drawn * some if self.distribution.counts else constant.back(drawn)
            past = np.concatenate([past[:, 1:], scaled.reshape(-1, 1)], axis=1)
            known = np.concatenate([known[:, 1:], np.ones((len(known), 1), bool)], axis=1)
        return path


def _generator(name: str, stamp: int, seed: Sequence[int]) -> np.random.Generator:
    # By the time of the cut, not its place: rows that are left out at the beginning change nothing.
    return np.random.default_rng([*seed, zlib.crc32(name.encode()), stamp % 2**64])


def _only_zeros(table: SeriesTable, windows: Windows) -> Booleans:
    """Returns whether the series of each window had nothing but zeros before it, `(rows, 1)`."""
    counts = np.concatenate([[0], np.cumsum(table.observed & (table.values != 0))])
    first = table.offsets[windows.series]
    return np.asarray(counts[first + windows.cuts] == counts[first])[:, None]


def _flat_if_constant(scale: Scale, context: Floats, observed: Booleans) -> Scale:
    """Returns the scale with a width of 0 where all readings of the context are equal: so is their forecast."""
    equal = is_constant(context, observed)
    return Scale(np.where(equal, last_observed(context, observed)[:, None], scale.location), scale.scale * ~equal)
