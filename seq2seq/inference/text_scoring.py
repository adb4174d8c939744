"""What every language model does with text, whatever runs its network. Imports no framework."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple, Protocol

import numpy as np

from seq2seq.search.options import SearchOptions
from seq2seq.symbols import EOS, PAD, UNK

BLOCK = 256
"""Tokens of a stream that are scored at once."""


class Codec(Protocol):
    """Lines to ids and back: a `Vocabulary` or a `SubwordTokenizer`."""

    @property
    def size(self) -> int: ...

    def encode(self, lines: Sequence[str]) -> list[list[int]]: ...

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]: ...

    def pieces(self, ids: Sequence[int]) -> list[str]: ...


@dataclass(frozen=True)
class ScoredLine:
    """A line and how likely its tokens are."""

    text: str
    ids: tuple[int, ...]
    """Of its tokens and of its end."""
    log_probs: np.ndarray
    """`(tokens + 1,)`, float32, nats: of each token given all before it, of the end last."""

    @property
    def log_probability(self) -> float:
        """Of the line and its end, in nats."""
        return float(self.log_probs.sum(dtype=np.float64))

    @property
    def unknown(self) -> int:
        """Tokens that the vocabulary lacks."""
        return self.ids.count(UNK)


class Drawn(NamedTuple):
    """One token of a sample."""

    id: int
    log_prob: float
    """In nats, of the model: before temperature and cuts."""


class State(NamedTuple):
    """Where a text has come to."""

    last: np.ndarray
    """`(rows,)`, int32: the last id, which the model has not read yet."""
    carried: Any
    """What the model carries: a nest of `(rows, size)`."""


class TextScorer(ABC):
    """Scores lines, says what comes next and writes.

    A text is lines, and the end of a line is a token: EOS. It begins as if a line had ended before it.

    Args:
        codec: Its tokeniser.
        starts: `(size,)`, bool: ids before which a word has ended; None: the tokens do not say it.
        name: How messages call it.
    """

    rows = 64
    """Texts that are scored together, unless a caller says how many."""

    def __init__(self, codec: Codec, starts: Any = None, name: str = ""):
        self.codec, self.name = codec, name
        self.starts = None if starts is None else np.asarray(starts, bool)
        """`(size,)`, bool: ids before which a word has ended, EOS among them; None where tokens do not say it."""

    @property
    def has_words(self) -> bool:
        """Whether tokens say where words begin."""
        return self.starts is not None

    @abstractmethod
    def begin(self, rows: int = 1) -> State:
        """Returns the state before the first token of `rows` texts."""

    @abstractmethod
    def advance(self, state: State, ids: np.ndarray) -> tuple[np.ndarray, State]:
        """Reads `(rows, time)` ids. Returns their log-probabilities `(rows, time)`, float32, and the state after."""

    @abstractmethod
    def next_log_probs(self, state: State) -> tuple[np.ndarray, Any]:
        """Returns the log-probabilities of what follows, `(rows, size)`, float32; and what is carried after `last`."""

    @abstractmethod
    def select(self, carried: Any, rows: Sequence[int]) -> Any:
        """Returns what is carried of some of the rows, which may repeat."""

    @abstractmethod
    def concatenate(self, carried: Sequence[Any]) -> Any:
        """Returns what is carried of several as the rows of one."""

    @abstractmethod
    def sample(self, state: State, options: SearchOptions, seed: int) -> Iterator[list[Drawn]]:
        """Yields the next tokens, one for each row, without end.

        Args:
            state: Where to go on.
            options: temperature, top_k and top_p are used.
            seed: Rows and positions draw numbers of their own, whatever the number of rows.
        """

    def score_text(self, lines: Iterable[str]) -> Iterator[ScoredLine]:
        """Scores the lines of one text: each given all before it. Constant memory."""
        state, waiting, pending = self.begin(), deque[tuple[str, tuple[int, ...]]](), list[int]()
        scored = deque[np.ndarray]()
        for line, ids in chain(self._encode(lines), [(None, [])]):
            if line is not None:
                waiting.append((line, (*ids, EOS)))
                pending += waiting[-1][1]
            end = len(pending) if line is None else len(pending) // BLOCK * BLOCK
            for start in range(0, end, BLOCK):
                log_probs, state = self.advance(state, np.asarray([pending[start : min(start + BLOCK, end)]]))
                scored.append(log_probs[0])
            del pending[:end]
            ready = sum(map(len, scored))
            while waiting and ready >= len(waiting[0][1]):
                text, row = waiting.popleft()
                yield ScoredLine(text, row, _take(scored, len(row)))
                ready -= len(row)

    def score_lines(self, lines: Sequence[str], batch_size: int = 0) -> list[ScoredLine]:
        """Scores each line as a text of its own, `batch_size` together; with 0 as many as suit the model."""
        batch_size = batch_size or self.rows
        rows = [(line, (*ids, EOS)) for line, ids in self._encode(lines)]
        order = sorted(range(len(rows)), key=lambda row: len(rows[row][1]))
        found: dict[int, ScoredLine] = {}
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            ids = np.full((len(chosen), len(rows[chosen[-1]][1])), PAD, np.int32)
            for place, row in enumerate(chosen):
                ids[place, : len(rows[row][1])] = rows[row][1]
            state, parts = self.begin(len(chosen)), []
            for first in range(0, ids.shape[1], BLOCK):
                log_probs, state = self.advance(state, ids[:, first : first + BLOCK])
                parts.append(log_probs)
            scores = np.concatenate(parts, axis=1)
            for place, row in enumerate(chosen):
                found[row] = ScoredLine(*rows[row], scores[place, : len(rows[row][1])])
        return [found[row] for row in range(len(rows))]

    def score(self, pairs: Sequence[tuple[str, str]], batch_size: int = 0) -> list[np.ndarray]:
        """Returns of each pair the log-probabilities of the target's tokens and its end; the source is not read."""
        return [line.log_probs for line in self.score_lines([target for _, target in pairs], batch_size)]

    def read(self, lines: Sequence[str]) -> State:
        """Returns the state after a text whose last line has not ended."""
        rows = [ids for _, ids in self._encode(lines)]
        ids = [*chain.from_iterable((*row, EOS) for row in rows[:-1]), *chain.from_iterable(rows[-1:])]
        state = self.begin()
        for start in range(0, len(ids), BLOCK):
            _, state = self.advance(state, np.asarray([ids[start : start + BLOCK]]))
        return state

    def _encode(self, lines: Iterable[str]) -> Iterator[tuple[str, list[int]]]:
        for line in lines:
            yield line, self.codec.encode([line])[0]


def _take(parts: deque[np.ndarray], count: int) -> np.ndarray:
    """Removes the first `count` numbers from arrays in a row and returns them."""
    taken = []
    while count:
        part = parts.popleft()
        taken.append(part[:count])
        if len(part) > count:
            parts.appendleft(part[count:])
        count -= len(taken[-1])
    return np.concatenate(taken)
