"""Text while the sound still arrives. Imports no framework.

Below everything is one pure function, `Listener.advance(state, samples, last) -> (state, events)`. A recording that is
whole goes through it too, so a stream gives what the recording gives, however it is cut.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from seq2seq.audio import resampling
from seq2seq.audio.features import Frames, LogMels
from seq2seq.audio.wav import Samples
from seq2seq.inference.text_scoring import Codec
from seq2seq.search.ctc import Emission
from seq2seq.search.prefix_beam import PrefixBeam
from seq2seq.search.prefix_state import BeamState


class Frontend(Protocol):
    """From samples to normalised frames."""

    @property
    def mels(self) -> LogMels: ...

    @property
    def normalizer(self) -> Callable[[Frames], Frames]: ...

    def frames(self, samples: Samples) -> Frames:
        """Returns the normalised frames of a whole recording, `(frames, mels)`."""


class BlockNetwork(Protocol):
    """An acoustic model of one direction, which hears block by block.

    The blocks have one fixed size, so that every engine computes the same bits, however the stream is cut.
    """

    @property
    def stack(self) -> int:
        """Frames in a step."""

    @property
    def steps(self) -> int:
        """Steps in a block."""

    @property
    def delay(self) -> int:
        """Steps by which outputs come later than what they are of."""

    def begin(self) -> Any:
        """Returns the state before the first block."""

    def hear(self, frames: Frames, real: int, state: Any) -> tuple[np.ndarray, Any]:
        """Returns log-probabilities, `(steps, size)`, and the state after a block.

        Args:
            frames: `(steps * stack, mels)`.
            real: How many of them are real; they come first. After a block with fewer comes no real frame.
            state: Before the block.
        """


def hear_whole(network: BlockNetwork, frames: Frames) -> np.ndarray:
    """Returns the log-probabilities of a whole recording, `(steps, size)`, by the blocks of a stream of it.

    Args:
        network: The model.
        frames: `(frames, mels)`, normalised.
    """
    size, total = network.steps * network.stack, -(-len(frames) // network.stack)
    parts, state = list[np.ndarray](), network.begin()
    for begin in range(0, max(1, total + network.delay) * network.stack, size):
        block = frames[begin : begin + size]
        filled = np.concatenate([block, np.zeros((size - len(block), frames.shape[1]), np.float32)])
        log_probs, state = network.hear(filled, len(block), state)
        parts.append(log_probs)
    return np.concatenate(parts)[network.delay :][:total]


@dataclass(frozen=True)
class Word:
    """A word and where it was heard."""

    text: str
    start: float
    """Seconds from the start of the recording; of a translation, words of its source."""
    end: float
    confidence: float
    """Geometric mean of the probabilities of its symbols, from 0 to 1."""


@dataclass(frozen=True)
class Endpoints:
    """When an utterance ends: after silence, or where it is too long. Seconds; infinity is never."""

    after_words: float = 1.2
    """Silence that ends an utterance with words."""
    without_words: float = 5.0
    """Silence that ends one without."""
    longest: float = 30.0
    """An utterance ends after so much sound, silent or not."""


NEVER = Endpoints(math.inf, math.inf, math.inf)
"""For a recording that is whole."""


@dataclass(frozen=True)
class Update:
    """What is new after a piece of sound or, of a translation, after some words."""

    final: str
    """Words that nothing will change, since the update before; empty where there are none."""
    partial: str
    """What seems to follow so far; it may change."""
    tokens: tuple[Word, ...]
    """The words of `final`."""
    endpoint: bool
    """Whether an utterance, or the sentence, has ended with this update."""


class ListeningState(NamedTuple):
    """All that the future of a stream needs of its past. Its size is constant."""

    resampler: resampling.State
    tail: Samples
    """Samples of the next window of the front end."""
    frames: Frames
    """Those of the next block, fewer than it has."""
    network: Any
    beam: BeamState
    open: tuple[Emission, ...]
    """Symbols that nothing will change, of a word that may go on."""
    origin: int
    """The step at which the beam began."""
    blocks: int
    """Blocks heard."""
    heard: int
    """Steps whose outputs the search has."""


class Listener:
    """Hears sound piece by piece.

    Args:
        network: The acoustic model.
        frontend: Its front end.
        codec: Its labels.
        beam: The search over the labels.
        endpoints: When an utterance ends.
    """

    def __init__(
        self,
        network: BlockNetwork,
        frontend: Frontend,
        codec: Codec,
        beam: PrefixBeam,
        endpoints: Endpoints = Endpoints(),
    ):
        self.network, self.frontend, self.codec = network, frontend, codec
        self.beam, self.endpoints = beam, endpoints
        mels = frontend.mels
        self.step_seconds = network.stack * mels.hop_samples / mels.rate

    def begin(self, rate: int) -> ListeningState:
        """Returns the state before the first sample of sound at `rate` Hz."""
        mels = self.frontend.mels
        return ListeningState(
            resampling.start(rate, mels.rate),
            mels.start(),
            np.zeros((0, mels.mels), np.float32),
            self.network.begin(),
            self.beam.start(),
            (),
            0,
            0,
            0,
        )

    def advance(self, state: ListeningState, samples: Samples, last: bool = False) -> tuple[ListeningState, Update]:
        """Returns the state after a piece of sound, and what is new.

        Args:
            state: Before it.
            samples: `(samples,)`, float, full scale 1; may be empty.
            last: Whether the sound ends here.
        """
        at_rate, resampler = resampling.advance(state.resampler, samples, last)
        frames, tail = self.frontend.mels.advance(state.tail, at_rate, last)
        frames = np.concatenate([state.frames, self.frontend.normalizer(frames)])
        state = state._replace(resampler=resampler, tail=tail)
        words: list[Word] = []
        ended = False
        size = self.network.steps * self.network.stack
        while len(frames) >= size:
            state, new, end = self._hear(state, frames[:size], size, None)
            frames, ended = frames[size:], ended or end
            words += new
        state = state._replace(frames=frames)
        if last:
            state, new = self._end(state)
            words, ended = [*words, *new], True
        partial = "" if last else self._partial(state)
        return state, Update(" ".join(word.text for word in words), partial, tuple(words), ended)

    def _end(self, state: ListeningState) -> tuple[ListeningState, list[Word]]:
        """Hears what is left of the last block, and padding until all steps are out."""
        size, words = self.network.steps * self.network.stack, list[Word]()
        total = state.blocks * self.network.steps + -(-len(state.frames) // self.network.stack)
        frames = state.frames
        while state.heard < total:
            real = len(frames)
            block = np.concatenate([frames, np.zeros((size - real, self.frontend.mels.mels), np.float32)])
            state, new, _ = self._hear(state, block, real, total)
            words += new
            frames = frames[:0]
        state, new = self._close(state)
        return state._replace(frames=frames), [*words, *new]

    def _hear(
        self, state: ListeningState, frames: Frames, real: int, total: int | None
    ) -> tuple[ListeningState, list[Word], bool]:
        """Hears a block of which `real` frames are real; of a stream that ends, `total` steps are real.

        Returns:
            The state, words that nothing will change, and whether an utterance has ended.
        """
        log_probs, network = self.network.hear(frames, real, state.network)
        first = state.blocks * self.network.steps - self.network.delay
        begin = max(0, -first)
        end = len(log_probs) if total is None else min(len(log_probs), total - first)
        state = state._replace(network=network, blocks=state.blocks + 1)
        words: list[Word] = []
        ended = False
        # Step by step: where an utterance ends must not depend on how many steps come together.
        for row in log_probs[begin:end] if self.endpoints != NEVER else [log_probs[begin : max(begin, end)]]:
            rows = row.reshape(-1, log_probs.shape[1])
            state = state._replace(beam=self.beam.advance(state.beam, rows), heard=state.heard + len(rows))
            if self._is_endpoint(state):
                state, new = self._close(state)
                words, ended = [*words, *new], True
        taken, beam = self.beam.take(state.beam)
        state, new = self._settle(state._replace(beam=beam), taken)
        return state, [*words, *new], ended

    def _is_endpoint(self, state: ListeningState) -> bool:
        if self.endpoints == NEVER:
            return False
        length = state.heard - state.origin
        if length * self.step_seconds >= self.endpoints.longest:
            return True
        symbols = (*state.open, *self.beam.results(state.beam, last=False)[0].emissions)
        last = symbols[-1].frame + 1 if symbols else 0
        limit = self.endpoints.after_words if symbols else self.endpoints.without_words
        return (length - last) * self.step_seconds >= limit

    def _close(self, state: ListeningState) -> tuple[ListeningState, list[Word]]:
        """Ends an utterance: all its words are final, and the search begins anew."""
        symbols = (*state.open, *self.beam.results(state.beam)[0].emissions)
        words = words_of(self.codec, symbols, self.step_seconds, state.origin)
        return state._replace(beam=self.beam.start(), open=(), origin=state.heard), words

    def _settle(self, state: ListeningState, taken: Sequence[Emission]) -> tuple[ListeningState, list[Word]]:
        """Adds symbols that nothing will change. Returns the words that are complete with them."""
        symbols = (*state.open, *taken)
        if not taken:
            return state, []
        spelled = spell(self.codec, symbols)
        begin = spelled[-1].first if spelled else 0  # the last word may go on
        words = words_of(self.codec, symbols[:begin], self.step_seconds, state.origin)
        return state._replace(open=symbols[begin:]), words

    def _partial(self, state: ListeningState) -> str:
        symbols = (*state.open, *self.beam.results(state.beam, last=False)[0].emissions)
        return self.codec.decode([[emission.symbol for emission in symbols]])[0].strip()


class Stream:
    """A stream of sound: `push` pieces as they come, `finish` at the end.

    Args:
        listener: What hears it.
        rate: Samples a second of the sound, Hz.
    """

    def __init__(self, listener: Listener, rate: int):
        self._listener = listener
        self._state: ListeningState | None = listener.begin(rate)

    def push(self, samples: Samples) -> Update:
        """Returns what is new after a piece of sound, `(samples,)`, float in [-1, 1]; it may be empty.

        Raises:
            ValueError: the stream is finished, or the samples are not one channel of finite numbers.
        """
        return self._advance(samples, False)

    def finish(self) -> Update:
        """Ends the stream. Returns the words that were still open; ValueError where it has ended before."""
        return self._advance(np.zeros(0, np.float32), True)

    def _advance(self, samples: Samples, last: bool) -> Update:
        if self._state is None:
            raise ValueError("The stream is finished: begin a new one.")
        samples = np.asarray(samples)
        if samples.ndim != 1 or samples.dtype.kind not in "fiu" or not np.isfinite(samples).all():
            is_sound = samples.dtype.kind == "f" and samples.ndim == 1
            what = "NaN or infinity" if is_sound else f"{samples.shape}, {samples.dtype}"
            raise ValueError(f"Expected samples of one channel, finite numbers from -1 to 1. Received: {what}")
        state, update = self._listener.advance(self._state, samples.astype(np.float32), last)
        self._state = None if last else state
        return update


class Spelled(NamedTuple):
    """A word, and the symbols whose text reaches into it."""

    text: str
    first: int
    """Place of the first of them."""
    last: int


def spell(codec: Codec, symbols: Sequence[Emission]) -> list[Spelled]:
    """Returns the words that symbols spell, of any tokeniser."""
    prefixes = codec.decode([[emission.symbol for emission in symbols[: n + 1]] for n in range(len(symbols))])
    ends = [len("".join(text.split())) for text in prefixes]
    words, begin = list[Spelled](), 0
    for word in prefixes[-1].split() if prefixes else ():
        first = next(n for n, end in enumerate(ends) if end > begin)
        begin += len(word)
        words.append(Spelled(word, first, next(n for n, end in enumerate(ends) if end >= begin)))
    return words


def words_of(codec: Codec, symbols: Sequence[Emission], step: float, origin: int = 0) -> list[Word]:
    """Returns the words that symbols spell, with their times.

    Args:
        codec: Of the symbols.
        symbols: In order.
        step: Seconds of a frame of the symbols.
        origin: The frame that theirs are counted from.
    """
    words = []
    for text, first, last in spell(codec, symbols):
        chosen = symbols[first : last + 1]
        mean = sum(math.log(max(emission.confidence, 1e-30)) for emission in chosen) / len(chosen)
        start, end = (origin + chosen[0].frame) * step, (origin + chosen[-1].frame + 1) * step
        words.append(Word(text, start, end, min(1.0, math.exp(mean))))
    return words
