"""From sound to text: frames through the network, its symbols through a search, and words with their times.

Imports no framework: the network comes as an `AcousticNetwork`, in memory or in LiteRT.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

import numpy as np

from seq2seq.audio.features import Frames
from seq2seq.audio.reading import blocks
from seq2seq.audio.resampling import resample
from seq2seq.inference.streaming import NEVER, BlockNetwork, Endpoints, Frontend, Listener, Stream, Word, words_of
from seq2seq.search.ctc import Labelling, best_path
from seq2seq.search.prefix_beam import PrefixBeam, PrefixBeamOptions
from seq2seq.text.codecs import Codec

BATCH_SECONDS = 120.0
"""Padded seconds of sound that go through the network at once; one recording always fits."""
LONGEST = 30.0
"""Seconds of a recording that are heard at once; a longer one is cut where it is quiet."""
SEARCHED = 10.0
"""Seconds at the end of these in which the quietest place is looked for."""
QUIET = 0.1
"""Seconds over which loudness is measured there."""
MAX_OPEN = 40
"""Symbols of a text that may still change."""
READ = 10.0
"""Seconds of a file that are read at once, where it is heard as a stream."""


class Alternative(NamedTuple):
    """One text of an n-best list."""

    text: str
    score: float
    """What the list is sorted by: the log-probability in nats, and what a language model, bonuses and rescoring add."""


@dataclass(frozen=True)
class Transcript:
    """What was heard."""

    text: str
    words: tuple[Word, ...]
    seconds: float
    """Of sound."""
    log_probability: float | None = None
    """Of the symbols, over all alignments that the search kept, in nats; None of what was heard as a stream."""
    alternatives: tuple[Alternative, ...] = ()
    """The best texts, this one first; those of a stream are not kept."""


class Rescorer(Protocol):
    """An acoustic model with a decoder that judges whole labels."""

    def hear(self, frames: Sequence[Frames]) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        """Returns what `AcousticNetwork.log_probs` does, each with what `score` reads of it, `(steps, width)`."""

    def score(self, heard: np.ndarray, labels: Sequence[Sequence[int]]) -> np.ndarray:
        """Returns the log-probability of each label and its end, `(labels,)`, in nats, for one recording.

        Args:
            heard: From `hear`.
            labels: Of any lengths.
        """


class AcousticNetwork(Protocol):
    """An acoustic model on some engine."""

    @property
    def stack(self) -> int:
        """Frames in a step."""

    @property
    def blocks(self) -> BlockNetwork | None:
        """The model block by block; None of a model of both directions, which cannot stream."""

    @property
    def rescorer(self) -> Rescorer | None:
        """The decoder that judges what was found; None of one that has none, or can stream: what a stream has written
        is final."""

    def log_probs(self, frames: Sequence[Frames]) -> Iterable[np.ndarray]:
        """Returns the log-probabilities of the symbols of each of some whole recordings, `(steps, size)`, float32.

        Args:
            frames: `(frames, mels)` of each, normalised; of like lengths where memory matters.
        """


def plain_search(codec: Codec, beam_size: int) -> PrefixBeam:
    """Returns a search by the outputs alone, of recordings and of streams."""
    return PrefixBeam(codec.size, PrefixBeamOptions(beam_size=beam_size, max_open=MAX_OPEN))


class Recognizer:
    """A trained acoustic model with its front end and its labels.

    Args:
        network: An acoustic model.
        frontend: Of its frames.
        codec: Of its labels.
        beam: The search over them, which may be set anew; of one prefix it is the likeliest symbol of each step.
        rescoring: See the property.

    Raises:
        ValueError: as `rescoring`.
    """

    def __init__(
        self, network: AcousticNetwork, frontend: Frontend, codec: Codec, beam: PrefixBeam, rescoring: float = 0.0
    ):
        self.network, self.frontend, self.codec, self.beam = network, frontend, codec, beam
        self.rescoring = rescoring

    @property
    def rescoring(self) -> float:
        """What a nat of the attention decoder counts beside the score of the beam; 0: nothing.

        All that the beam kept is ranked anew, by its score plus so many times the log-probability of the whole label
        and its end. Neither is divided by the length, as both are of the same label. May be set anew; ValueError for a
        number that is negative or not finite, or for a network without such a decoder.
        """
        return self._rescoring

    @rescoring.setter
    def rescoring(self, weight: float) -> None:
        if not 0 <= weight < np.inf:
            raise ValueError(f"Rescoring takes a number of at least 0. Received: {weight:g}")
        if weight and self.network.rescorer is None:
            raise ValueError(
                "Rescoring needs a run of both directions trained with model.attention_weight above 0; exports have "
                "no decoder."
            )
        self._rescoring = weight

    @property
    def rate(self) -> int:
        """Samples a second of the front end."""
        return int(self.frontend.mels.rate)

    @property
    def step_seconds(self) -> float:
        """Seconds of one step of the network's output."""
        return float(self.network.stack * self.frontend.mels.hop_samples / self.rate)

    def stream(self, rate: int, endpoints: Endpoints = Endpoints()) -> Stream:
        """Returns a stream for sound at `rate` Hz, which is transcribed while it arrives.

        Raises:
            ValueError: the model reads in both directions.
        """
        if self.network.blocks is None:
            raise ValueError(
                "A model of both directions needs the whole recording: it cannot go on from block to block. Train one "
                "with model.bidirectional false, as the recipe an4_streaming does."
            )
        return Stream(Listener(self.network.blocks, self.frontend, self.codec, self.beam, endpoints), rate)

    @property
    def can_stream(self) -> bool:
        """Whether the model reads in one direction alone, so that it can hear a stream."""
        return self.network.blocks is not None

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

    def transcribe_file(self, source: Path | BinaryIO, channel: int | None = None) -> Iterator[Transcript]:
        """Yields what is said in each stretch of a recording of any length, in constant memory.

        Args:
            source: A file, or a stream that holds WAV.
            channel: As for `audio.reading.blocks`.

        Times count from the start of the recording.
        """
        if self.can_stream:
            yield from self._stream_file(source, channel)
            return
        start = 0.0
        for samples, rate in _stretches(source, channel):
            found = self.transcribe(samples, rate)
            yield _later(found, start)
            start += len(samples) / rate

    def _stream_file(self, source: Path | BinaryIO, channel: int | None) -> Iterator[Transcript]:
        stream = None
        for block in blocks(source, READ, channel=channel):
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
            for place, found in zip(places, self._find([frames[p] for p in places], num_best), strict=True):
                results[place] = found
        return [result for result in results if result is not None]

    def _find(self, frames: Sequence[Frames], num_best: int) -> Iterator[Transcript]:
        """Yields what is said in recordings that go through the network together."""
        rescorer = self.network.rescorer if self.rescoring else None
        if rescorer is None:
            for log_probs in self.network.log_probs(frames):
                yield self._transcript(self._search(log_probs, num_best), len(log_probs))
            return
        for log_probs, heard in rescorer.hear(frames):
            found = self._search(log_probs, max(num_best, self.beam.options.beam_size))
            scores = rescorer.score(heard, [path.ids for path in found])
            found = [
                path._replace(score=path.score + self.rescoring * float(score))
                for path, score in zip(found, scores, strict=True)
            ]
            found.sort(key=lambda path: -path.score)
            yield self._transcript(found[:num_best], len(log_probs))

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

    def _search(self, log_probs: np.ndarray, num_best: int) -> list[Labelling]:
        beam = self.beam.at_least(num_best)
        if beam.is_greedy:
            return [best_path(log_probs)]
        return beam.results(beam.advance(beam.start(), log_probs), num_best)

    def _transcript(self, found: Sequence[Labelling], steps: int) -> Transcript:
        seconds = steps * self.step_seconds
        texts = self.codec.decode([path.ids for path in found])
        words = tuple(words_of(self.codec, found[0].emissions, self.step_seconds))
        alternatives = tuple(Alternative(text, path.score) for text, path in zip(texts, found, strict=True))
        text = " ".join(texts[0].split())  # as a stream joins its words
        return Transcript(text, words, seconds, found[0].log_probability, alternatives)


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


def _stretches(source: Path | BinaryIO, channel: int | None) -> Iterator[tuple[np.ndarray, int]]:
    """Yields samples and rate of stretches of a recording: at most `LONGEST` seconds, cut where it is quiet."""
    rest, rate = np.zeros(0, np.float32), 0
    for block in blocks(source, LONGEST, channel=channel):
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
