"""A language model at work: how likely text is, what comes next, and what it would write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple, Protocol

import keras
import numpy as np
from keras import ops

from seq2seq.search.greedy import draw
from seq2seq.search.options import SearchOptions
from seq2seq.search.step import FORBIDDEN
from seq2seq.symbols import BOS, EOS, PAD, UNK

BLOCK = 256
"""Tokens of a stream that are scored at once."""
ROWS = 64
"""Texts that are scored together."""


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


class TextModel:
    """Scores lines and writes them.

    A text is lines, and the end of a line is a token: EOS. It begins as if a line had ended before it.

    Args:
        model: A `LanguageModel`.
        codec: Its tokeniser.
        starts: `(size,)`, bool: ids before which a word has ended; None: the tokens do not say it.
        name: How messages call it.
    """

    def __init__(self, model: Any, codec: Codec, starts: Any = None, name: str = ""):
        self.model, self.codec, self.name = model, codec, name
        self._scorer, self._next = _Scorer(model), _Next(model)
        self._samplers: dict[SearchOptions, _Sampler] = {}
        self.starts = None if starts is None else np.asarray(starts, bool)
        """`(size,)`, bool: ids before which a word has ended, EOS among them; None where tokens do not say it."""

    @property
    def has_words(self) -> bool:
        """Whether tokens say where words begin."""
        return self.starts is not None

    def begin(self, rows: int = 1) -> State:
        """Returns the state before the first token of `rows` texts."""
        carried = keras.tree.map_structure(ops.convert_to_numpy, self.model.initial_state(rows))
        return State(np.full(rows, EOS, np.int32), carried)

    def advance(self, state: State, ids: np.ndarray) -> tuple[np.ndarray, State]:
        """Reads `(rows, time)` ids. Returns their log-probabilities `(rows, time)`, float32, and the state after."""
        log_probs, _, state = self.advance_with_features(state, ids)
        return log_probs, state

    def advance_with_features(self, state: State, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, State]:
        """As `advance`; in the middle the features that the ids are predicted from, `(rows, time, features_dim)`."""
        ids = np.asarray(ids, np.int32)
        inputs = np.concatenate([state.last[:, None], ids[:, :-1]], axis=1)
        found = self._scorer.predict_on_batch({"ids": inputs, "targets": ids, "state": state.carried})
        return found["log_probs"], found["features"], State(ids[:, -1], found["state"])

    def score_text(self, lines: Iterable[str]) -> Iterator[ScoredLine]:
        """Scores the lines of one text: each given all before it. Constant memory."""
        state, waiting, scores = self.begin(), list[tuple[str, tuple[int, ...]]](), np.zeros(0, np.float32)
        pending = list[int]()
        for line, ids in chain(self._encode(lines), [(None, ())]):
            if line is not None:
                waiting.append((line, (*ids, EOS)))
                pending += waiting[-1][1]
            while len(pending) >= BLOCK or (line is None and pending):
                block, pending = pending[:BLOCK], pending[BLOCK:]
                log_probs, state = self.advance(state, np.asarray([block]))
                scores = np.concatenate([scores, log_probs[0]])
            while waiting and len(scores) >= len(waiting[0][1]):
                text, ids = waiting.pop(0)
                yield ScoredLine(text, ids, scores[: len(ids)])
                scores = scores[len(ids) :]

    def score_lines(self, lines: Sequence[str], batch_size: int = ROWS) -> list[ScoredLine]:
        """Scores each line as a text of its own, `batch_size` together."""
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

    def score(self, pairs: Sequence[tuple[str, str]], batch_size: int = ROWS) -> list[np.ndarray]:
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

    def next_log_probs(self, state: State) -> tuple[np.ndarray, Any]:
        """Returns the log-probabilities of what follows, `(rows, size)`, float32; and what is carried after `last`."""
        found = self._next.predict_on_batch({"ids": state.last[:, None], "state": state.carried})
        return found["log_probs"], found["state"]

    def sample(self, state: State, options: SearchOptions, seed: int) -> Iterator[list[Drawn]]:
        """Yields the next tokens, one for each row, without end.

        Args:
            state: Where to go on.
            options: temperature, top_k and top_p are used.
            seed: Rows and positions draw numbers of their own, whatever the number of rows.
        """
        if options not in self._samplers:
            self._samplers[options] = _Sampler(self.model, options)
        draws = [np.random.default_rng([seed, row]) for row in range(len(state.last))]
        while True:
            uniforms = np.asarray([draw.random(dtype=np.float32) for draw in draws])
            found = self._samplers[options].predict_on_batch(
                {"ids": state.last[:, None], "state": state.carried, "uniforms": uniforms}
            )
            state = State(found["ids"], found["state"])
            yield [Drawn(int(i), float(p)) for i, p in zip(found["ids"], found["log_probs"], strict=True)]

    def _encode(self, lines: Iterable[str]) -> Iterator[tuple[str, list[int]]]:
        for line in lines:
            yield line, self.codec.encode([line])[0]


class _Scorer(keras.Model):
    """`(rows, time)` ids and what follows each -> log-probabilities of what follows, and the state."""

    def __init__(self, model: Any):
        super().__init__(name="scorer")
        self.network = model
        self.built = True

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        features, state = self.network.decode_features(inputs["ids"], inputs["state"])
        log_probs = self.network.head.log_prob(features, inputs["targets"])
        return {"log_probs": log_probs, "features": features, "state": state}


class _Next(keras.Model):
    """`(rows, 1)` ids -> the log-probabilities of all that may follow, `(rows, size)`, and the state."""

    def __init__(self, model: Any):
        super().__init__(name="next")
        self.network = model
        self.built = True

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        logits, state = self.network.decode(inputs["ids"], inputs["state"])
        return {"log_probs": ops.log_softmax(ops.cast(logits[:, -1], "float32")), "state": state}


class _Sampler(keras.Model):
    """`(rows, 1)` ids and a random number for each row -> the ids that are drawn, `(rows,)`, and the state."""

    def __init__(self, model: Any, options: SearchOptions):
        super().__init__(name="sampler")
        self.network, self.options = model, options
        self.built = True

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        logits, state = self.network.decode(inputs["ids"], inputs["state"])
        logits = ops.cast(logits[:, -1], "float32")
        never = np.isin(np.arange(logits.shape[-1]), (PAD, BOS))
        ids = draw(ops.where(never, FORBIDDEN, logits), inputs["uniforms"], self.options)
        log_probs = ops.take_along_axis(ops.log_softmax(logits), ops.expand_dims(ids, 1), axis=1)[:, 0]
        return {"ids": ids, "log_probs": log_probs, "state": state}
