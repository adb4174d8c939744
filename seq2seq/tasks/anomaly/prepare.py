"""What comes before the epochs: the features of the training parts, and windows of them."""

from __future__ import annotations

import logging

from seq2seq.distributed import team
from seq2seq.series.stream_features import whole_features
from seq2seq.series.stream_windows import StreamWindows, TrainingPlan, ValidationPlan
from seq2seq.series.streams import StreamCodec
from seq2seq.tasks.anomaly.data import Corpus
from seq2seq.tasks.anomaly.folder import AnomalyRunFolder
from seq2seq.tasks.anomaly.recipe import Recipe

_log = logging.getLogger(__name__)


def find_codec(folder: AnomalyRunFolder, corpus: Corpus) -> StreamCodec:
    """Returns the codec; in a run that goes on, the one that it began with."""

    def make() -> StreamCodec:
        if not folder.codec_file.exists():
            corpus.codec.save(folder.inside(folder.codec_file))
        return folder.load_codec()

    return team.leader_first(make, folder.load_codec)


class StreamStores:
    """The windows of a run, in memory: what is drawn of them follows from seed, epoch and step."""

    def __init__(self, recipe: Recipe, corpus: Corpus):
        self.recipe = recipe
        parts = zip(corpus.streams, corpus.train, strict=True)
        series = [stream.values[:rows] for stream, rows in parts]
        window = recipe.window
        found = whole_features(series, [stream.day for stream in corpus.streams])
        self.windows = StreamWindows(found, window.rows, window.warmup, window.start)
        if not any(self.windows.trained(number) > window.start for number in range(len(found))):
            raise ValueError(
                f"No series has more than window.start = {window.start} readings in its training part. Give longer "
                "series, or lower window.start."
            )
        _log.info("Training data: %s series, %s readings", f"{len(found):,}", f"{corpus.readings:,}")

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.recipe.batching.steps

    def plan(self, epoch: int) -> TrainingPlan:
        """Returns the batches of an epoch."""
        batching = self.recipe.batching
        return TrainingPlan(self.windows, batching.size, batching.steps, self.recipe.seed, epoch, *team.rank_and_size())

    def validation_plan(self) -> ValidationPlan:
        """Returns the batches of the validation data."""
        return ValidationPlan(self.windows, max(self.recipe.batching.size, 256))
