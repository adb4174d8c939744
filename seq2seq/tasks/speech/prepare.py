"""What comes before the epochs: text and sound are learned and stored as numbers. Each stage can be resumed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.audio.augmentation import Channel, Noise, SpecAugment, change_speed, draw_speed
from seq2seq.audio.features import LogMels
from seq2seq.audio.frontend import Frontend
from seq2seq.audio.manifest import Utterance, load_samples
from seq2seq.audio.reading import read
from seq2seq.audio.resampling import resample
from seq2seq.clock import clock
from seq2seq.distributed import team
from seq2seq.pipeline.feed import new_shapes_are_cheap
from seq2seq.pipeline.padding import padded
from seq2seq.pipeline.plan import Batching, Layout, Plan, Rows, Widths
from seq2seq.pipeline.store import Column, Store
from seq2seq.search.ctc import frames_needed
from seq2seq.symbols import BOS, EOS
from seq2seq.tasks.speech.codec import SpeechCodec, learn_frontend
from seq2seq.tasks.speech.data import Corpus
from seq2seq.tasks.speech.folder import SpeechRunFolder
from seq2seq.tasks.speech.recipe import Recipe
from seq2seq.text.codecs import Codec
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.text.vocabulary import Vocabulary
from seq2seq.types import Batch

SAMPLES, LABELS = "samples", "labels"
COLUMNS = {SAMPLES: Column("int16"), LABELS: Column("int32")}
SCALE = 32767.0
"""Of the samples in a store."""
SHOWN = 5
"""Utterances that are named where some must be left out."""

_log = logging.getLogger(__name__)


def learn_codec(folder: SpeechRunFolder, recipe: Recipe, corpus: Corpus) -> SpeechCodec:
    """Returns front end and tokeniser, learned from the training data or, in a run that goes on, read again."""
    return team.leader_first(lambda: _learn_codec(folder, recipe, corpus), folder.load_codec)


def _learn_codec(folder: SpeechRunFolder, recipe: Recipe, corpus: Corpus) -> SpeechCodec:
    file = folder.codec_file(recipe)
    if not file.exists():
        codec = learn_tokenizer(recipe, [utterance.text for utterance in corpus.train])
        codec.save(folder.inside(file))
        _log.info("Learned a vocabulary of %s ids (%s)", f"{codec.size:,}", recipe.tokenizer.kind)
    if not folder.frontend_file.exists():
        audio = recipe.audio
        recordings = (load_samples(utterance, audio.rate, recipe.data.channel) for utterance in corpus.train)
        learn_frontend(recordings, LogMels(rate=audio.rate, mels=audio.mels)).save(folder.inside(folder.frontend_file))
    return folder.load_codec()


def learn_tokenizer(recipe: Recipe, texts: Sequence[str]) -> Codec:
    """Returns the tokeniser that a recipe learns from texts."""
    options = recipe.tokenizer
    if options.kind in ("characters", "words"):
        return Vocabulary.learn(texts, options.kind, options.size)
    return SubwordTokenizer.train(texts, options.size, options.kind)


class SpeechStores:
    """Samples and labels of the utterances, in stores on disk."""

    def __init__(self, folder: SpeechRunFolder, recipe: Recipe, corpus: Corpus, codec: SpeechCodec):
        self.folder, self.recipe, self.codec = folder, recipe, codec
        noise = recipe.augmentation.noise_folder
        self.noises = load_noises(Path(noise), recipe.audio.rate) if noise else []
        self.train = self._write("train", corpus.train, max(recipe.augmentation.speeds))
        self.validation = self._write("validation", corpus.validation, 1.0)
        for name, store in (("Training", self.train), ("Validation", self.validation)):
            if not len(store):
                raise ValueError(f"{name} data is empty: no utterance is long enough for its text.")
            seconds = len(store[SAMPLES].values) / recipe.audio.rate
            _log.info("%s data: %s utterances, %s of sound", name, f"{len(store):,}", clock(seconds))

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return len(self.plan(0))

    def plan(self, epoch: int) -> SpeechPlan:
        """Returns the batches of an epoch; what is drawn to change a recording follows from seed, epoch and row."""
        return self._plan(self.train, epoch, True)

    def validation_plan(self) -> SpeechPlan:
        """Returns the batches of the validation data, as they are."""
        return self._plan(self.validation, 0, False)

    @property
    def steps_per_label(self) -> float:
        """Steps of the encoder for each id that the loss is a mean over, in the validation data."""
        step = self.recipe.model.stack * self.codec.frontend.mels.hop_samples
        ends = len(self.validation) if self.recipe.model.attention_weight else 0
        return len(self.validation[SAMPLES].values) / step / max(1, len(self.validation[LABELS].values) + ends)

    def _plan(self, store: Store, epoch: int, training: bool) -> SpeechPlan:
        options, cheap = self.recipe.batching, new_shapes_are_cheap()
        layout = Layout(
            (SAMPLES, LABELS),
            Collation(self.recipe, self.codec.frontend, epoch, training, cheap, self.noises),
            lambda widths: widths[0],
        )
        batching = Batching(
            tokens=round(options.seconds * self.recipe.audio.rate), buckets=options.buckets, max_rows=options.max_rows
        )
        rank, size = team.rank_and_size() if training else (0, 1)
        return SpeechPlan(
            store, layout, batching, self.recipe.seed, epoch, shuffle=training, trim=cheap, rank=rank, size=size
        )

    def _write(self, name: str, utterances: Sequence[Utterance], fastest: float) -> Store:
        folder = self.folder.inside(self.folder.stores / name)

        def make() -> Store:
            if not (folder / "store.json").exists():
                return Store.write(folder, self._rows(utterances, fastest), COLUMNS)
            store = Store(folder)
            store.check_below(LABELS, self.codec.text.size)
            return store

        return team.leader_first(make, lambda: Store(folder))

    def _rows(self, utterances: Sequence[Utterance], fastest: float) -> Iterator[dict[str, Any]]:
        """Yields what is stored; an utterance whose labels cannot fit its steps is left out and named."""
        short, stack, mels = [], self.recipe.model.stack, self.codec.frontend.mels
        for utterance in utterances:
            samples = load_samples(utterance, self.recipe.audio.rate, self.recipe.data.channel)
            labels = self.codec.text.encode([utterance.text])[0]
            steps = -(-mels.count(int(len(samples) / fastest)) // stack)
            if steps < max(1, frames_needed(labels)):
                short.append(f"{utterance.place} ({len(labels)} labels, {steps} steps)")
                continue
            yield {SAMPLES: np.rint(samples * SCALE).clip(-SCALE, SCALE).astype(np.int16), LABELS: labels}
        if short:
            more = f", and {len(short) - SHOWN:,} more" if len(short) > SHOWN else ""
            _log.warning(
                "%s of %s utterances are left out, as their text has more labels than the encoder has steps at speed "
                "%g: %s%s. Fewer frames in a step (--model.stack) make room.",
                f"{len(short):,}",
                f"{len(utterances):,}",
                fastest,
                "; ".join(short[:SHOWN]),
                more,
            )


def load_noises(folder: Path, rate: int) -> list[np.ndarray]:
    """Returns the recordings of a folder at `rate`, `(samples,)` each, in the order of their names.

    Raises:
        ValueError: there is no such folder, it holds no files, or one of them is no recording.
    """
    if not folder.is_dir():
        raise ValueError(f"augmentation.noise_folder: {folder} is no folder.")
    files = sorted(path for path in folder.iterdir() if path.is_file())
    if not files:
        raise ValueError(f"augmentation.noise_folder: {folder} holds no recordings.")
    found = [read(path) for path in files]
    return [resample(audio.samples, audio.rate, rate) for audio in found]


class SpeechPlan(Plan):
    """A plan that counts labels alone: of samples there are thousands for each."""

    def length(self, step: int) -> int:
        """Returns the labels of a step."""
        return int(self.store.lengths(LABELS)[self.rows(step)].sum())


class Collation:
    """Makes batches of rows, whose frames in training are changed as the recipe says."""

    def __init__(
        self,
        recipe: Recipe,
        frontend: Frontend,
        epoch: int,
        training: bool,
        trim: bool,
        noises: Sequence[np.ndarray] = (),
    ):
        self.noises = noises
        self.recipe, self.frontend, self.epoch, self.training, self.trim = recipe, frontend, epoch, training, trim
        options = recipe.augmentation
        self.noise, self.channel = Noise(options.noise), Channel(options.channel)
        self.hide = SpecAugment(
            options.frequency_masks,
            options.frequency_width,
            options.time_masks,
            options.time_width,
            options.time_share,
        )

    def __call__(self, store: Rows, rows: np.ndarray, widths: Widths) -> Batch:
        frames = [self.frames(store[SAMPLES][int(row)], int(row)) for row in rows]
        labels = [store[LABELS][int(row)] for row in rows]
        mels = self.frontend.mels
        width = None
        if not self.trim:
            slowest = min(self.recipe.augmentation.speeds) if self.training else 1.0
            width = max(1, mels.count(int(np.ceil(widths[0] / slowest)) + 1))
        source = padded(frames, width, "float32", (mels.mels,))
        if self.recipe.model.attention_weight:
            inputs = padded([np.concatenate([[BOS], row]) for row in labels], widths[1] + 1)
            target = padded([np.concatenate([row, [EOS]]) for row in labels], widths[1] + 1)
        else:  # no decoder reads a target: the labels stand for its input
            inputs = target = padded(labels, widths[1])
        return Batch(source, inputs.values, target.values, target.mask.astype(np.float32))

    def frames(self, stored: np.ndarray, row: int) -> np.ndarray:
        """Returns the frames of a stored recording, `(frames, mels)`."""
        samples = stored.astype(np.float32) / np.float32(SCALE)
        if not self.training:
            return self.frontend.frames(samples)
        random = np.random.default_rng([self.recipe.seed, self.epoch, row])
        samples = change_speed(samples, draw_speed(self.recipe.augmentation.speeds, random))
        frames = self.frontend.frames(self.noise(samples, random, self.noises))
        if self.channel.deviation:
            frames = self.channel(frames, self.frontend.normalizer.scale, random)
        return self.hide(frames, random)
