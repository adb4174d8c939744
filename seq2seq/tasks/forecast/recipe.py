"""The recipe of a forecaster: typed, frozen, checked when made; `--help` prints the docstring of each field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from seq2seq.layers.names import CellName
from seq2seq.run import sections
from seq2seq.run.ranges import out_of_range
from seq2seq.run.sections import Section
from seq2seq.series.forecast import interval_levels
from seq2seq.series.frequency import parse_frequency
from seq2seq.series.grid import Irregular
from seq2seq.series.stamps import zone
from seq2seq.series.windows import Scaling

HeadName = Literal["quantiles", "student_t", "gaussian", "squares", "negative_binomial"]
LEAST_INTERVAL = 80
"""Percent of the interval that quantiles cover at least: by those within it the validation windows are scored."""
MOST_STEPS = 100_000
"""Of a context or a horizon."""


class Data(Section):
    """What to learn from."""

    corpus: Literal["seasons", "etth1", "m4_hourly", "m4_weekly", "files"] = "seasons"
    """A data set of the catalogue, or "files" for your own, named below."""
    train: str = ""
    """For "files": a table as CSV, TSV, JSON lines or Parquet, or series of GluonTS; all that is known of the past. The
    last steps of each series choose the best epoch."""
    test: str = ""
    """For "files": a table with the steps that follow, to score at the end; optional."""
    id_column: str = "unique_id"
    """Column with the name of each row's series. A table without the usual one is one series."""
    time_column: str = "ds"
    """Column with time stamps, or with whole numbers that count steps."""
    target_columns: tuple[str, ...] = ("y",)
    """Column of the readings; several are a wide table, a series for each."""
    future: tuple[str, ...] = ()
    """Columns of numbers that are known ahead of time, such as holidays or prices."""
    historic: tuple[str, ...] = ()
    """Columns of numbers that are known of the past alone, such as the weather."""
    static: tuple[str, ...] = ()
    """Columns that are the same in all rows of a series: numbers or strings."""
    frequency: str = ""
    """Spacing of the steps, such as 15min, h, D, B, W, MS; empty is inferred, and said."""
    irregular: Irregular = "error"
    """What to do with stamps that are not on the grid: error; snap, to the nearest; rows, evenly as they come."""
    time_zone: str = ""
    """IANA name of the zone whose clock the calendar follows, for stamps without an offset."""
    standardize: bool = False
    """Learn and score in standard deviations of each series' training part, as the literature does on ETTh1; only the
    series of training can be forecast then."""
    validation_windows: int = 1
    """Horizons at the end of each series that choose the best epoch, for data without a validation part of its own."""


class Window(Section):
    """What a forecast is made from, and how far it goes."""

    horizon: int = 24
    """Steps of a forecast; a direct model cannot go further."""
    context: int = 96
    """Steps that the model reads before it; shorter series are padded."""
    season: int = 0
    """Steps of the season for baselines, scaled errors and lags; 0 is the usual one of the frequency."""
    scaling: Scaling = "last_mean_absolute"
    """How each window is scaled by its context."""
    min_context: int = 1
    """Steps that a window of training has before its horizon, at least."""
    per_series: int = 0
    """Windows of each series in an epoch, at random places; 0 is all windows once."""


class Model(Section):
    """The network."""

    kind: Literal["direct", "autoregressive"] = "direct"
    """direct: all steps of the horizon at once; autoregressive: one after the other, by sample paths."""
    head: HeadName = "quantiles"
    """What is predicted of each reading. quantiles is for direct models; squares is a normal distribution whose mean is
    fitted by squared errors; negative_binomial is for counts."""
    levels: tuple[float, ...] = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99)
    """Levels of the quantiles."""
    cell: CellName = "gru"
    """Recurrent cell."""
    units: int = 64
    """Width of each layer."""
    num_layers: int = 1
    """Number of layers."""
    segment: int = 24
    """For direct: steps that are read, and written, at once."""
    attention: bool = False
    """For direct: Bahdanau attention of each segment of the horizon over those of the context."""
    skip: bool = True
    """Add the network to a linear map of the context, which starts as a ridge regression."""
    ridge: float = 0.1
    """Penalty of that regression, in relation to the mean square of its inputs."""
    train_skip: bool = True
    """Whether training goes on with the linear map."""
    shrink: Literal["none", "validation", "history"] = "none"
    """For direct: of what the network adds to the linear map keep a share at each step of the horizon, from 0 to 1: the
    best one on windows not trained on, less a standard error over stretches of a horizon. validation: on the
    validation windows. history: also on the newer half of the training part, by a network trained on the older half,
    which takes half as long again."""
    series_units: int = 0
    """Width of a learned vector for each series of training; 0 is none, and all series are alike."""
    calendar: bool = True
    """Whether the network reads clock and calendar."""
    scale_feature: bool = False
    """Whether the network reads how large a series is. Forecasts then do not scale with their series."""
    lags: tuple[int, ...] = ()
    """For autoregressive: steps back whose readings it sees beside its state; none is the last four and a season."""
    dropout: float = 0.1
    """Dropout rate on every layer's input and before the output layer."""


class Batching(Section):
    """How windows become batches."""

    size: int = 256
    """Windows in a batch."""


class Training(sections.Training):
    """How to train."""

    select_by: Literal["loss", "crps", "mse", "mae"] = "loss"
    """What chooses the best epoch by the validation windows: the loss, in which all series count alike; or a score in
    the units of the series."""


class Scoring(Section):
    """How the tests are forecast."""

    samples: int = 100
    """For autoregressive: sample paths of each window."""
    level: tuple[int, ...] = (80, 95)
    """Percent of the intervals that are scored and shown."""


class Recipe(sections.Recipe):
    """Everything that decides a run."""

    task: Literal["forecast"] = "forecast"
    """Name of the task."""
    data: Data = Data()
    """What to learn from."""
    window: Window = Window()
    """What a forecast is made from, and how far it goes."""
    model: Model = Model()
    """The network."""
    batching: Batching = Batching()
    """How windows become batches."""
    training: Training = Training()
    """How to train."""
    scoring: Scoring = Scoring()
    """How the tests are forecast."""
    exports: tuple[Literal["saved_model", "litert", "onnx"], ...] = ("litert",)
    """What to export at the end into export/ of the run folder; empty is nothing."""

    def model_post_init(self, _: Any) -> None:
        """Raises ValueError for fields that contradict each other or are out of range."""
        problems = list(_contradictions(self))
        if problems:
            raise ValueError("; ".join(problems))


def _contradictions(recipe: Recipe) -> Iterator[str]:
    """Yields a sentence for everything that contradicts itself or is out of range."""
    data, window, model = recipe.data, recipe.window, recipe.model
    if data.corpus == "files" and not data.train:
        yield "data.train must name a table where data.corpus is 'files'"
    if data.frequency:
        try:
            parse_frequency(data.frequency)
        except ValueError as error:
            yield f"data.frequency: {error}"
    if data.time_zone:
        try:
            zone(data.time_zone)
        except ValueError as error:
            yield f"data.time_zone: {error}"
    if not data.target_columns:
        yield "data.target_columns must name a column of readings"
    named = [*data.target_columns, *data.future, *data.historic, *data.static]
    if both := {name for name in named if named.count(name) > 1}:
        yield (
            f"data.target_columns, data.future, data.historic and data.static name {', '.join(sorted(both))} twice: a "
            "column is one of them"
        )
    for name in ("horizon", "context"):
        if not 1 <= getattr(window, name) <= MOST_STEPS:
            yield f"window.{name} must be from 1 to {MOST_STEPS:,} steps, received {getattr(window, name)}"
    levels = model.levels
    if not levels or list(levels) != sorted(set(levels)) or not 0 < levels[0] <= levels[-1] < 1:
        yield f"model.levels must ascend between 0 and 1, received {levels}"
    elif model.head == "quantiles":
        widest = max((*recipe.scoring.level, LEAST_INTERVAL))
        low, high = interval_levels(widest) if 1 <= widest < 100 else (levels[0], levels[-1])
        if low < levels[0] or high > levels[-1]:
            yield (
                f"model.levels must reach from {low:g} to {high:g} for intervals of {widest:g} %, received "
                f"{levels[0]:g} to {levels[-1]:g}"
            )
    if model.kind == "autoregressive":
        if model.head == "quantiles":
            yield "model.head quantiles is for direct models: choose student_t, gaussian or negative_binomial"
        if model.attention:
            yield "model.attention is for direct models"
        if model.shrink != "none":
            yield "model.shrink is for direct models"
    elif model.lags:
        yield "model.lags are for autoregressive models"
    if model.shrink != "none" and (not model.skip or model.head == "negative_binomial"):
        yield "model.shrink needs model.skip and a head other than negative_binomial: it shrinks towards the linear map"
    if model.kind == "direct" and 1 <= model.segment < window.context and window.context % model.segment:
        fitting = [size for size in range(1, model.segment) if window.context % size == 0]
        longer = window.context + -window.context % model.segment
        yield (
            f"window.context must be a multiple of model.segment, received {window.context} and {model.segment}: "
            f"choose a segment such as {fitting[-1]}, or a context such as {longer}"
        )
    if any(lag < 1 for lag in model.lags):
        yield f"model.lags must be at least 1 each, received {model.lags}"
    if model.head == "negative_binomial" and window.scaling not in ("mean_absolute", "none"):
        yield "model.head negative_binomial needs window.scaling mean_absolute: counts have no other zero"
    if model.head == "negative_binomial" and data.standardize:
        yield "model.head negative_binomial needs data.standardize False: what is standardised is no count"
    if any(not 1 <= level < 100 for level in recipe.scoring.level):
        yield f"scoring.level must be percents from 1 to 99, received {recipe.scoring.level}"
    yield from out_of_range(
        recipe,
        (
            *("window.min_context", "model.units", "model.num_layers", "model.segment"),
            *("batching.size", "scoring.samples", "data.validation_windows"),
        ),
        ("window.season", "window.per_series", "model.ridge", "model.series_units"),
        ("model.dropout",),
    )
