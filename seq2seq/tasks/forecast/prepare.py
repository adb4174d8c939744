"""What comes before the epochs: the codec is learned of the training part; batches are windows of the table."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from seq2seq.distributed import team
from seq2seq.messages import counted
from seq2seq.series.batches import FixedPlan, WindowPlan
from seq2seq.series.codec import SeriesCodec, learn_codec
from seq2seq.series.table import SeriesTable
from seq2seq.series.windows import TrainingWindows
from seq2seq.tasks.forecast.data import Corpus
from seq2seq.tasks.forecast.folder import ForecastRunFolder
from seq2seq.tasks.forecast.network import make_inputs
from seq2seq.tasks.forecast.recipe import Recipe

_log = logging.getLogger(__name__)


def find_codec(folder: ForecastRunFolder, recipe: Recipe, corpus: Corpus) -> SeriesCodec:
    """Returns the codec, learned of the training part or, in a run that goes on, read again."""

    def make() -> SeriesCodec:
        if not folder.codec_file.exists():
            data = recipe.data
            # The catalogue's own columns are those that its tables have.
            future = data.future if data.corpus == "files" else tuple(corpus.train.covariates)
            learned = learn_codec(
                corpus.train, corpus.columns, future, data.irregular, recipe.model.calendar, data.standardize
            )
            learned.save(folder.inside(folder.codec_file))
        return folder.load_codec()

    return team.leader_first(make, folder.load_codec)


class WindowStores:
    """The windows of the series. The table is in memory: what is drawn of it follows from seed, epoch and step."""

    def __init__(self, recipe: Recipe, corpus: Corpus, codec: SeriesCodec):
        self.inputs = make_inputs(recipe, codec)
        self.recipe = recipe
        if self.inputs.counts:
            check_counts(corpus.train)
            check_counts(corpus.validation.table)
        self.train = codec.standardized(corpus.train)
        self.held = codec.standardized(corpus.validation.table)
        self.held_windows = corpus.validation.windows
        window = recipe.window
        self.windows = TrainingWindows(
            self.train, window.horizon, recipe.batching.size, recipe.seed, window.min_context, window.per_series
        )
        _log.info(
            "Training data: %s series, %s, %s an epoch; validation: %s",
            *(f"{len(self.train):,}", counted(int(self.train.observed.sum()), "reading")),
            *(counted(self.windows.size, "window"), counted(len(self.held_windows.cuts), "window")),
        )

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.windows.steps

    def plan(self, epoch: int) -> WindowPlan:
        """Returns the batches of an epoch."""
        rank, size = team.rank_and_size()
        return WindowPlan(self.inputs, self.train, self.windows, epoch, rank, size)

    def validation_plan(self) -> Any:
        """Returns the batches of the validation windows."""
        return FixedPlan(self.inputs, self.held, self.held_windows, max(self.recipe.batching.size, 256))


def check_counts(table: SeriesTable) -> None:
    """Raises ValueError if a reading is no count."""
    odd = table.observed & ((table.values < 0) | (table.values != np.floor(table.values)))
    if odd.any():
        place = int(odd.argmax())
        number = int(np.searchsorted(table.offsets, place, side="right")) - 1
        raise ValueError(
            f"model.head negative_binomial is for counts. Series {table.ids[number]!r} has the reading "
            f"{table.values[place]:g}: choose student_t, gaussian or quantiles."
        )
