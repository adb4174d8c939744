"""The recipe of a detector: typed, frozen, checked when made; `--help` prints the docstring of each field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from seq2seq.layers.names import CellName
from seq2seq.run import sections
from seq2seq.run.ranges import out_of_range
from seq2seq.run.sections import Section
from seq2seq.series.frequency import parse_frequency
from seq2seq.series.grid import Irregular
from seq2seq.series.stream_features import MOST_DAY

MOST_ROWS = 100_000
"""Of a window of training."""


class Data(Section):
    """What to learn from."""

    corpus: Literal["faults", "nab", "files"] = "faults"
    """A data set of the catalogue, or "files" for your own, named below."""
    train: str = ""
    """For "files": a table as CSV, TSV, JSON lines or Parquet, or series of GluonTS. Most of its readings should be
    normal."""
    id_column: str = "unique_id"
    """Column with the name of each row's series. A table without the usual one is one series."""
    time_column: str = "ds"
    """Column with time stamps, or with whole numbers that count steps."""
    target_columns: tuple[str, ...] = ("y",)
    """Column of the readings; several are a wide table, a series for each."""
    frequency: str = ""
    """Spacing of the readings, such as s, 15min, h, D; empty is inferred, and said."""
    irregular: Irregular = "error"
    """What to do with stamps that are not on the grid: error, snap to the nearest point, or take rows as they come."""
    time_zone: str = ""
    """IANA name of the zone of stamps without an offset."""
    day: int = 0
    """Readings of a day, or of the season that the network looks back to, and to seven of them; 0 is by the
    frequency."""
    train_share: float = 1.0
    """Share of each series, from its beginning, that is taken as normal: the network learns from it, and the threshold
    follows from its scores."""
    train_most: int = 0
    """Readings of each series that are learned from, at most; 0 is no limit."""


class Window(Section):
    """What a row of a batch is: readings of one series, one after the other."""

    rows: int = 200
    """Readings."""
    warmup: int = 20
    """Readings at the beginning that do not count, for the network's state knows nothing before them."""
    start: int = 5
    """The same at the beginning of a series, where nothing was before."""


class Model(Section):
    """The network."""

    cell: CellName = "gru"
    """Recurrent cell."""
    units: int = 24
    """Width of each layer."""
    num_layers: int = 1
    """Number of layers."""
    least_scale: float = 0.4
    """Least scale of a prediction, in deviations of all readings before: what is closer than this is no surprise."""
    dropout: float = 0.0
    """Dropout rate on every layer's input and before the output layer."""


class Batching(Section):
    """How windows become batches."""

    size: int = 48
    """Windows in a batch: each at a random place of a random series."""
    steps: int = 100
    """Batches of an epoch."""


class Training(sections.Training):
    """How to train. The loss of the last tenth of each training part chooses the best epoch."""


class Alarms(Section):
    """What is made of the surprises of the network."""

    rate: float = 10.0
    """False alarms per 10,000 readings of normal data, in series as long as the training parts: the threshold follows.
    Longer ones have fewer, for a score measures how rare a reading is among all before it."""
    gap: int = 10
    """Readings below the threshold that do not end an alarm."""
    level: bool = True
    """Add how far a reading lies from all before it."""
    drift: bool = True
    """Add how far the errors of the network lean to one side."""
    rest: bool = True
    """After a high score let only higher ones pass for a while: an anomaly is reported once."""
    range_rule: bool = False
    """Raise the score of what lies outside of the range of all readings before."""
    per_reading: bool = False
    """Rank each reading among all before it rather than among the most surprising ones of a stream: a long stream has
    as many false alarms later as at first."""


class Recipe(sections.Recipe):
    """Everything that decides a run."""

    task: Literal["anomaly"] = "anomaly"
    """Name of the task."""
    data: Data = Data()
    """What to learn from."""
    window: Window = Window()
    """What a row of a batch is."""
    model: Model = Model()
    """The network."""
    batching: Batching = Batching()
    """How windows become batches."""
    training: Training = Training()
    """How to train."""
    alarms: Alarms = Alarms()
    """What is made of the surprises of the network."""
    exports: tuple[Literal["saved_model", "litert", "onnx"], ...] = ("litert",)
    """What to export at the end into export/ of the run folder; empty is nothing."""

    def model_post_init(self, _: Any) -> None:
        """Raises ValueError for fields that contradict each other or are out of range."""
        problems = list(_contradictions(self))
        if problems:
            raise ValueError("; ".join(problems))


def _contradictions(recipe: Recipe) -> Iterator[str]:
    """Yields a sentence for everything that contradicts itself or is out of range."""
    data, window = recipe.data, recipe.window
    if data.corpus == "files" and not data.train:
        yield "data.train must name a table where data.corpus is 'files'"
    if data.frequency:
        try:
            parse_frequency(data.frequency)
        except ValueError as error:
            yield f"data.frequency: {error}"
    if not 0 <= data.day <= MOST_DAY:
        yield f"data.day must be from 0 to {MOST_DAY:,} readings, received {data.day}"
    if not 0 < data.train_share <= 1:
        yield f"data.train_share must be above 0 and at most 1, received {data.train_share}"
    if not 1 <= window.rows <= MOST_ROWS:
        yield f"window.rows must be from 1 to {MOST_ROWS:,}, received {window.rows}"
    for name in ("warmup", "start"):
        if not 0 <= getattr(window, name) < window.rows:
            yield f"window.{name} must be from 0 and below window.rows, received {getattr(window, name)}"
    if recipe.model.least_scale <= 0:
        yield f"model.least_scale must be above 0, received {recipe.model.least_scale}"
    if not 0 < recipe.alarms.rate < 10_000:
        yield f"alarms.rate must be above 0 and below 10,000, received {recipe.alarms.rate}"
    yield from out_of_range(
        recipe,
        ("model.units", "model.num_layers", "batching.size", "batching.steps"),
        ("data.train_most", "alarms.gap"),
        ("model.dropout",),
    )
