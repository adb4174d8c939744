"""From sound to text: frames through the network, its symbols through a search, and words with their times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np

from seq2seq.audio.reading import blocks
from seq2seq.audio.resampling import resample
from seq2seq.inference.streaming import NEVER, BlockNetwork, Endpoints, Frontend, Listener, Stream, Word, words_of
from seq2seq.inference.text_scoring import Codec
from seq2seq.pipeline.padding import padded
from seq2seq.search.ctc import best_path
from seq2seq.search.prefix_beam import PrefixBeamOptions, prefix_beam_search
from seq2seq.types import Padded

BATCH_SECONDS = 120.0
"""Padded seconds of sound that go through the network at once; one recording always fits."""
GRID = 64
"""Frames are padded to a multiple of this, so that few graphs are traced."""
LONGEST = 30.0
"""Seconds of a recording that are heard at once; a longer one is cut where it is quiet."""
SEARCHED = 10.0
"""Seconds at the end of these in which the quietest place is looked for."""
QUIET = 0.1
"""Seconds over which loudness is measured there."""
BLOCK_STEPS = 4
"""Steps of a block of a stream: more are quicker, fewer answer sooner."""
MAX_OPEN = 40
"""Symbols of a text that may still change."""
READ = 10.0
"""Seconds of a file that are read at once, where it is heard as a stream."""


@dataclass(frozen=True)
class Transcript:
    """What was heard."""

    text: str
    words: tuple[Word, ...]
    seconds: float
    """Of sound."""
    log_probability: float | None = None
    """Of the symbols, over all alignments that the search kept, in nats; None of what was heard as a stream."""
    alternatives: tuple[str, ...] = ()
    """Further texts, best first, where n-best was asked for."""


class _Hearing(keras.Model):
    """An acoustic model up to its log-probabilities, as one graph."""

    def __init__(self, model: Any):
        super().__init__(name="hearing")
        self.model = model

    def call(self, inputs: dict[str, Any]) -> tuple[Any, Any]:
        outputs = self.model.listen(Padded(inputs["source"], inputs["source_mask"]))
        return self.model.log_probs(outputs), outputs.mask


class _HearingOn(keras.Model):
    """One block of a stream, as one graph. The state is a list of tensors, by number."""

    def __init__(self, model: Any):
        super().__init__(name="hearing_on")
        self.model = model

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        like = self.model.first_state(1)
        parts = [inputs[f"state_{n}"] for n in range(len(keras.tree.flatten(like)))]
        source = Padded(inputs["source"], inputs["source_mask"])
        log_probs, state = self.model.listen_on(source, keras.tree.pack_sequence_as(like, parts))
        return {"log_probs": log_probs, **{f"state_{n}": part for n, part in enumerate(keras.tree.flatten(state))}}


class KerasBlocks:
    """An acoustic model in memory as a `BlockNetwork`.

    Args:
        model: An `AcousticModel`.

    Raises:
        ValueError: it reads in both directions.
    """

    steps = BLOCK_STEPS

    def __init__(self, model: Any):
        self.model = model
        self.stack, self.delay = int(model.frontend.stack), int(model.delay)
        state = keras.tree.flatten(model.first_state(1))
        self._first = {f"state_{n}": keras.ops.convert_to_numpy(part) for n, part in enumerate(state)}
        self._block = _HearingOn(model)

    def begin(self) -> dict[str, np.ndarray]:
        return self._first

    def hear(self, frames: np.ndarray, real: int, state: Any) -> tuple[np.ndarray, Any]:
        mask = np.arange(len(frames)) < real
        found = self._block.predict_on_batch({"source": frames[None], "source_mask": mask[None], **state})
        return found.pop("log_probs")[0], found


class Recognizer:
    """A trained acoustic model with its front end and its labels.

    Args:
        model: An `AcousticModel`.
        frontend: Of its frames.
        codec: Of its labels.
        beam_size: Prefixes of the search; 1 takes the likeliest symbol of each step.
    """

    def __init__(self, model: Any, frontend: Frontend, codec: Codec, beam_size: int = 8):
        self.model, self.frontend, self.codec, self.beam_size = model, frontend, codec, beam_size
        self._hearing = _Hearing(model)
        self._blocks: BlockNetwork | None = None

    @property
    def rate(self) -> int:
        """Samples a second of the front end."""
        return int(self.frontend.mels.rate)

    @property
    def step_seconds(self) -> float:
        """Seconds of one step of the network's output."""
        return float(self.model.frontend.stack * self.frontend.mels.hop_samples / self.rate)

    def stream(self, rate: int, endpoints: Endpoints = Endpoints()) -> Stream:
        """Returns a stream for sound at `rate` Hz, which is transcribed while it arrives.

        Raises:
            ValueError: the model reads in both directions.
        """
        if self._blocks is None:
            self._blocks = KerasBlocks(self.model)
        return Stream(Listener(self._blocks, self.frontend, self.codec, self._options(), endpoints), rate)

    def _options(self, num_best: int = 1) -> PrefixBeamOptions:
        """Of every search, so that streams and whole recordings are searched alike."""
        return PrefixBeamOptions(beam_size=max(self.beam_size, num_best), max_open=MAX_OPEN)

    @property
    def can_stream(self) -> bool:
        """Whether the model reads in one direction alone, so that it can hear a stream."""
        return not self.model.encoder.bidirectional

    def transcribe(self, samples: np.ndarray, rate: int, num_best: int = 1) -> Transcript:
        """Returns what is said in `samples`, `(samples,)`, float in [-1, 1], at `rate`."""
        samples = np.asarray(samples, np.float32)
        if self.can_stream and num_best == 1:
            stream = self.stream(rate, NEVER)
            updates = [stream.push(samples), stream.finish()]
            words = tuple(word for update in updates for word in update.tokens)
            return Transcript(" ".join(word.text for word in words), words, len(samples) / rate)
        frames = self.frontend.frames(resample(samples, rate, self.rate))
        [found] = self.transcribe_frames([frames], num_best)
        return replace(found, seconds=len(samples) / rate)

    def transcribe_file(self, path: Path, channel: int | None = None) -> Iterator[Transcript]:
        """Yields what is said in each stretch of a recording of any length, in constant memory.

        Times count from the start of the recording.
        """
        if self.can_stream:
            yield from self._stream_file(path, channel)
            return
        start = 0.0
        for samples, rate in _stretches(path, channel):
            found = self.transcribe(samples, rate)
            yield _later(found, start)
            start += len(samples) / rate

    def _stream_file(self, path: Path, channel: int | None) -> Iterator[Transcript]:
        stream = None
        for block in blocks(path, READ, channel=channel):
            stream = stream or self.stream(block.rate, NEVER)
            update = stream.push(block.samples)
            yield Transcript(update.final, update.tokens, len(block.samples) / block.rate)
        if stream is not None:
            update = stream.finish()
            yield Transcript(update.final, update.tokens, 0.0)

    def transcribe_frames(self, frames: Sequence[np.ndarray], num_best: int = 1) -> list[Transcript]:
        """Returns what is said in recordings that are frames already, `(frames, mels)` each."""
        results: list[Transcript | None] = [None] * len(frames)
        for places in self._batches([len(part) for part in frames]):
            for place, log_probs in zip(places, self._log_probs([frames[p] for p in places]), strict=True):
                results[place] = self._search(log_probs, num_best)
        return [result for result in results if result is not None]

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Yields the places of recordings of like lengths that go through the network together."""
        limit, batch = BATCH_SECONDS * self.rate / self.frontend.mels.hop_samples, list[int]()
        for place in sorted(range(len(lengths)), key=lambda place: lengths[place]):
            if batch and (len(batch) + 1) * lengths[place] > limit:
                yield batch
                batch = []
            batch.append(place)
        if batch:
            yield batch

    def _log_probs(self, frames: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
        """Yields the log-probabilities of each recording, `(steps, size)`, float32."""
        longest = max(len(part) for part in frames)
        width = max(1, -(-longest // GRID)) * GRID
        source = padded(frames, width, "float32", (self.frontend.mels.mels,))
        source.mask[:, 0] = True  # of a recording without a frame: a row must have one
        log_probs, mask = self._hearing.predict_on_batch({"source": source.values, "source_mask": source.mask})
        for part, row, real in zip(frames, log_probs, mask, strict=True):
            yield row[: int(real.sum())] if len(part) else row[:0]

    def _search(self, log_probs: np.ndarray, num_best: int) -> Transcript:
        seconds = len(log_probs) * self.step_seconds
        if self.beam_size == 1 and num_best == 1:
            found = [best_path(log_probs)]
        else:
            found = prefix_beam_search(log_probs, self._options(num_best), num_best=num_best)
        texts = self.codec.decode([path.ids for path in found])
        words = tuple(words_of(self.codec, found[0].emissions, self.step_seconds))
        return Transcript(texts[0], words, seconds, found[0].log_probability, tuple(texts[1:]))


def joined(parts: Iterable[Transcript]) -> Transcript:
    """Returns the transcripts of the stretches of a recording as one."""
    found = [*parts]
    return Transcript(
        " ".join(part.text for part in found if part.text),
        tuple(word for part in found for word in part.words),
        sum(part.seconds for part in found),
        found[0].log_probability if len(found) == 1 else None,
        found[0].alternatives if len(found) == 1 else (),
    )


def _later(found: Transcript, seconds: float) -> Transcript:
    words = tuple(replace(word, start=word.start + seconds, end=word.end + seconds) for word in found.words)
    return replace(found, words=words)


def _stretches(path: Path, channel: int | None) -> Iterator[tuple[np.ndarray, int]]:
    """Yields samples and rate of stretches of a recording: at most `LONGEST` seconds, cut where it is quiet."""
    rest, rate = np.zeros(0, np.float32), 0
    for block in blocks(path, LONGEST, channel=channel):
        rate = block.rate
        rest = np.concatenate([rest, block.samples])
        while len(rest) > LONGEST * rate:
            place = _quietest(rest[: int(LONGEST * rate)], rate)
            yield rest[:place], rate
            rest = rest[place:]
    if len(rest):
        yield rest, rate


def _quietest(samples: np.ndarray, rate: int) -> int:
    """Returns the place of the quietest moment near the end of samples."""
    size = max(1, int(QUIET * rate))
    first = max(0, len(samples) - int(SEARCHED * rate))
    edges = [*range(first, len(samples), size), len(samples)]
    powers = [float(np.mean(np.square(samples[a:b]))) for a, b in pairwise(edges) if b > a]
    return edges[int(np.argmin(powers))] + size // 2
