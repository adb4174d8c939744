"""A model of music in memory: how likely pieces are, and what it composes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import keras
import numpy as np

from seq2seq.inference.language import NextIds, Sampler, Scorer
from seq2seq.kernels.shapes import predict
from seq2seq.metrics.frames import FrameLikelihood
from seq2seq.music.constraints import Constraints, TokenRules
from seq2seq.music.events import EventCodec, Events
from seq2seq.music.inputs import Tape
from seq2seq.music.likeness import Corpus, Stretch, interval_distance, longest_copy, statistics
from seq2seq.music.notes import Music, Note
from seq2seq.music.scales import key_number, key_pitches
from seq2seq.music.spelling import fitting_key
from seq2seq.pipeline.padding import pad
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import UNK

MOST_BARS = 10_000
"""Of a composition."""
TOGETHER = 8
"""Pieces that are scored side by side."""


@dataclass(frozen=True)
class ScoredMusic:
    """A piece and how likely its tokens are."""

    music: Music
    tokens: np.ndarray
    """`(tokens,)`, int32; EOS last. None where whole frames are predicted."""
    log_probs: np.ndarray
    """`(tokens,)`, float32, nats: of each token given all before it; or of each frame, and of the end."""
    frame_numbers: np.ndarray
    """`(tokens,)`: the frame of each token, from 0; that of EOS never came."""

    @property
    def frames(self) -> np.ndarray:
        """The negative log-likelihood of each frame, `(frames,)`, float64, nats."""
        sums = np.bincount(self.frame_numbers, -self.log_probs.astype(np.float64))
        return np.asarray(sums[:-1])

    @property
    def log_probability(self) -> float:
        """Of the piece and its end, in nats."""
        return float(self.log_probs.sum(dtype=np.float64))


@dataclass(frozen=True)
class ComposeOptions:
    """How to compose."""

    bars: int = 16
    """To compose, at least 1; after a primer that ends within a bar, its rest comes before them."""
    temperature: float = 1.0
    """Divides the logits; smaller is closer to the likeliest."""
    top_k: int = 0
    """Draw among so many likeliest tokens; 0 is all."""
    top_p: float = 1.0
    """Draw among the fewest likeliest tokens whose probabilities sum to it."""
    seed: int = 1
    """The same seed composes the same."""
    constraints: Constraints = Constraints()
    """Limits of the notes."""

    def __post_init__(self) -> None:
        if not 1 <= self.bars <= MOST_BARS:
            raise ValueError(f"Expected 1 to {MOST_BARS:,} bars. Received: {self.bars:,}")


@dataclass(frozen=True)
class Composition:
    """What was composed."""

    music: Music
    """The primer and what follows it."""
    start: int
    """Step at which the composed part begins: 0 without a primer."""
    frame_nll: float
    """Mean of the composed frames, in nats, by the model itself: before temperature, cuts and limits."""
    copied: Stretch | None
    """The longest stretch of composed notes that also stands in training; None where the training is not known."""
    statistics: dict[str, float]
    """Of the composed notes; see `music.likeness.statistics`."""
    corpus_statistics: dict[str, float]
    """The same of the training pieces."""
    key: str = ""
    """The key that `in_key` is of: that of the piece or, where it has none, the one that fits the notes best, see
    `music.spelling.fitting_key`; empty where they do not tell."""
    in_key: float | None = None
    """Share of the composed notes that are in the key as its signature has it; None without a key or notes."""

    @property
    def bars(self) -> float:
        """Composed bars."""
        return (self.music.steps - self.start) / max(1, self.music.bar)

    @property
    def interval_distance(self) -> float | None:
        """Between the composed notes and the training pieces; see `music.likeness.interval_distance`."""
        return interval_distance(self.statistics, self.corpus_statistics)


def likelihood(pieces: Sequence[ScoredMusic]) -> FrameLikelihood:
    """Returns how likely a model finds pieces."""
    found = FrameLikelihood()
    for piece in pieces:
        unknown = int((piece.tokens == UNK).sum())
        found.add(piece.frames.tolist(), -float(piece.log_probs[-1]), max(0, len(piece.tokens) - 1), unknown)
    return found


class MusicModel(Protocol):
    """A model in memory."""

    name: str
    """How messages call it."""

    def score(self, pieces: Sequence[Music]) -> list[ScoredMusic]:
        """Scores pieces, each by itself.

        Raises:
            ValueError: a piece is on a grid that does not fit that of the model.
        """

    @property
    def conditions(self) -> str:
        """What it is given beside the last token, for the signature of a score."""


class Composer:
    """A network in memory, run by Keras: a `MusicModel` that predicts one token after the other, and so composes.

    Args:
        model: A `LanguageModel`.
        codec: Its tokens and inputs.
        name: How messages call it.
        corpus: The training pieces, which compositions are compared with.
    """

    def __init__(self, model: Any, codec: EventCodec, name: str = "", corpus: Corpus | None = None):
        self.model, self.codec, self.name, self.corpus = model, codec, name, corpus
        self._scorer, self._next = Scorer(model), NextIds(model)
        self._samplers: dict[SearchOptions, Sampler] = {}

    @property
    def conditions(self) -> str:
        """As `MusicModel.conditions`: the inputs beside the last token. Not all of them are within reach of n-grams."""
        return f"given:{','.join(self.codec.inputs)}" if self.codec.inputs else ""

    def score(self, pieces: Sequence[Music]) -> list[ScoredMusic]:
        """As `MusicModel.score`."""
        encoded = [self.codec.encode(piece) for piece in pieces]
        return [
            ScoredMusic(piece, events.tokens, log_probs, self.codec.frame_numbers(events.tokens))
            for piece, events, log_probs in zip(pieces, encoded, self.log_probs(encoded), strict=True)
        ]

    def log_probs(self, pieces: Sequence[Events]) -> list[np.ndarray]:
        """Returns the log-probability of each token of pieces, each by itself, `(tokens,)`, float32, nats."""
        order = sorted(range(len(pieces)), key=lambda number: len(pieces[number].tokens))
        found: dict[int, np.ndarray] = {}
        for start in range(0, len(order), TOGETHER):
            rows = order[start : start + TOGETHER]
            targets = pad([pieces[row].tokens for row in rows])
            ids = pad([pieces[row].inputs for row in rows], shape=(len(self.codec.input_sizes),))
            state = self.model.initial_state(len(rows))
            scored = predict(self._scorer, {"ids": ids, "targets": targets, "state": state})["log_probs"]
            found |= {row: one[: len(pieces[row].tokens)] for row, one in zip(rows, scored, strict=True)}
        return [found[number] for number in range(len(pieces))]

    def compose(
        self, primer: Music | None = None, count: int = 1, options: ComposeOptions = ComposeOptions()
    ) -> list[Composition]:
        """Goes on from a primer, or begins, and ends with a bar.

        Args:
            primer: Is continued and stays as it is; meter, key and tempo are its own. It may be without notes.
            count: Compositions, each with draws of its own.
            options: How.

        Raises:
            ValueError: the primer is on another grid or outside the model's range, or the limits leave nothing.
        """
        first = self.begin(primer)
        rules = TokenRules(self.codec, options.constraints)
        bar = max(first.bar, 1)
        length = first.steps + (first.upbeat - first.steps) % bar + options.bars * bar
        state, tape = self.read(first)
        tapes = [tape.copy() for _ in range(count)]
        state = keras.tree.map_structure(lambda part: np.repeat(part, count, axis=0), state)
        draws = [np.random.default_rng([options.seed, row]) for row in range(count)]
        drawn: list[list[int]] = [[] for _ in tapes]
        search = SearchOptions(temperature=options.temperature, top_k=options.top_k, top_p=options.top_p)
        sampler = self._sampler(search)
        while (under_way := np.asarray([tape.step < length for tape in tapes])).any():
            inputs = {
                "ids": np.asarray([[tape.columns()] for tape in tapes], np.int32),
                "state": state,
                "uniforms": np.asarray([random.random(dtype=np.float32) for random in draws]),
                "allowed": np.stack([rules.allowed(tape) for tape in tapes]),
            }
            found = predict(sampler, inputs)
            state = found["state"]
            for row in np.flatnonzero(under_way):
                token = int(found["ids"][row])
                drawn[row].append(token)
                self.codec.advance(tapes[row], token)
        return self._compositions(first, drawn)

    def harmonise(self, melody: Music, beam_size: int = 16, constraints: Constraints = Constraints()) -> Composition:
        """Writes the notes below a melody; see `inference.harmony.harmonise`."""
        from seq2seq.inference.harmony import harmonise

        return harmonise(self, melody, beam_size, constraints)

    def _sampler(self, options: SearchOptions) -> Sampler:
        if options not in self._samplers:
            self._samplers[options] = Sampler(self.model, options)
        return self._samplers[options]

    def blank(self, key: str = "", meter: tuple[int, int] | None = None) -> Music:
        """Returns a piece without notes to begin with, by default in the most frequent key and meter of training."""
        most = self.codec.meters[0] if self.codec.meters else (4, 4)
        tempo, usual = (self.corpus.tempo, self.corpus.key) if self.corpus else (100.0, "")
        return Music((), 0, self.codec.steps_per_quarter, meter or most, key=key or usual, tempo=tempo)

    def begin(self, primer: Music | None) -> Music:
        """Returns what a composition goes on from, on the codec's grid."""
        if primer is None:
            return self.blank()
        first = self.codec.on_grid(primer)
        pitches = [note.pitch for note in first.notes]
        if pitches and not self.codec.low <= min(pitches) <= max(pitches) <= self.codec.high:
            raise ValueError(
                f"The primer has pitches from {min(pitches)} to {max(pitches)}, and the model knows those from "
                f"{self.codec.low} to {self.codec.high}: transpose it."
            )
        return first

    def read(self, first: Music) -> tuple[Any, Tape]:
        """Returns the state that has read a beginning but its last token, and the tape after it."""
        tape, state = self.codec.tape(self.codec.piece(first)), self.model.initial_state(1)
        events = self.codec.encode(first, end=False)
        if len(events.tokens):
            inputs = {"ids": events.inputs[None], "targets": events.tokens[None], "state": state}
            state = predict(self._scorer, inputs)["state"]
            for token in events.tokens:
                self.codec.advance(tape, int(token))
        return keras.tree.map_structure(keras.ops.convert_to_numpy, state), tape

    def advance(self, tapes: Sequence[Tape], state: Any) -> tuple[np.ndarray, Any]:
        """Returns the log-probabilities of the next token of each tape, `(rows, size)`, and the state."""
        ids = np.asarray([[tape.columns()] for tape in tapes], np.int32)
        found = predict(self._next, {"ids": ids, "state": state})
        return found["log_probs"], found["state"]

    def _compositions(self, first: Music, drawn: Sequence[Sequence[int]]) -> list[Composition]:
        pieces = [self.codec.continued(first, tokens) for tokens in drawn]
        begun = len(self.codec.encode(first, end=False).tokens)
        found = []
        for piece, scored, tokens in zip(pieces, self.score(pieces), drawn, strict=True):
            nll = -float(scored.log_probs[begun : begun + len(tokens)].sum(dtype=np.float64))
            notes = tuple(note for note in piece.notes if note.start >= first.steps)
            found.append(self.compared(piece, first.steps, nll / max(1, piece.steps - first.steps), notes))
        return found

    def compared(self, piece: Music, start: int, frame_nll: float, notes: Sequence[Note]) -> Composition:
        """Returns a piece beside those of training; `notes` are what was composed of it, from step `start` on."""
        copied, known = None, self.corpus
        corpus_statistics: dict[str, float] = {}
        if known is not None:
            copied = longest_copy(notes, known)
            corpus_statistics = statistics(known.notes, known.ends, known.steps, known.steps_per_quarter)
        part = Corpus.of([replace(piece, notes=tuple(notes))])
        own = statistics(part.notes, part.ends, part.steps - start, part.steps_per_quarter)
        key = piece.key if key_number(piece.key) else fitting_key(replace(piece, notes=tuple(notes), key=""))
        pitches = key_pitches(key_number(key))
        in_key = sum(note.pitch % 12 in pitches for note in notes) / len(notes) if key and notes else None
        return Composition(piece, start, frame_nll, copied, own, corpus_statistics, key, in_key)
