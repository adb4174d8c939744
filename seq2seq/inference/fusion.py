"""A language model beside the search over labels (shallow fusion, Gülçehre et al. 2015). Imports no framework.

`fused` makes of one of our language models what `search.prefix_beam` asks. Labels that are its tokens are scored one by
one; otherwise each word is scored when it is complete, so that any two tokenisers go together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.inference.text_scoring import State, TextScorer
from seq2seq.search.hotwords import Hotwords
from seq2seq.symbols import EOS, UNK
from seq2seq.text.codecs import Codec, word_bounds
from seq2seq.text.vocabulary import Vocabulary

KNOWN = 0.5
"""Share of the characters of the labels that a language model of characters must know."""


class Context:
    """A text that a language model has read but for its last token, and what follows it, once that was asked for."""

    __slots__ = ("after", "before", "last", "log_probs")

    def __init__(self, last: int, before: Any):
        self.last = last
        self.before = before
        """What the model carries before `last`: a nest of `(1, …)`."""
        self.after: Any = None
        self.log_probs: NDArray[np.float32] | None = None
        """`(size,)`, in nats, of what follows `last`."""


class Contexts:
    """Asks a language model for several texts together, and for none twice.

    Args:
        scorer: The language model.
    """

    def __init__(self, scorer: TextScorer):
        self.scorer = scorer

    def start(self) -> Context:
        """Returns the empty text."""
        state = self.scorer.begin()
        return Context(int(state.last[0]), state.carried)

    def log_probs(self, contexts: Sequence[Context], tokens: Sequence[int]) -> list[float]:
        """Returns the log-probability of a token after each context."""
        self.read(contexts)
        pairs = zip(contexts, tokens, strict=True)
        return [float(context.log_probs[token]) for context, token in pairs if context.log_probs is not None]

    def read(self, contexts: Sequence[Context]) -> None:
        """Makes sure that `after` and `log_probs` of all are known."""
        new = [*{id(context): context for context in contexts if context.log_probs is None}.values()]
        if not new:
            return
        last = np.asarray([context.last for context in new], np.int32)
        carried = self.scorer.concatenate([context.before for context in new])
        log_probs, after = self.scorer.next_log_probs(State(last, carried))
        for row, context in enumerate(new):
            context.log_probs, context.after = log_probs[row], self.scorer.select(after, [row])

    @staticmethod
    def extend(context: Context, token: int) -> Context:
        """Returns a text that was read, with one token more."""
        return Context(token, context.after)


class TokenFusion:
    """Labels that are tokens of the language model. Implements `search.prefix_beam.LanguageModel`.

    Args:
        scorer: The language model.
        tokens: `(size,)`: its token for each label.
    """

    def __init__(self, scorer: TextScorer, tokens: Sequence[int]):
        self.end = len(tokens)
        self._tokens = np.asarray([*tokens, EOS])
        self._contexts = Contexts(scorer)

    def start(self) -> Context:
        return self._contexts.start()

    def scores(self, states: Sequence[Context], ids: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.minimum(np.asarray(self._contexts.log_probs(states, self._tokens[ids].tolist())), 0)

    def extend(self, states: Sequence[Context], ids: NDArray[np.int64]) -> list[Context]:
        self._contexts.read(states)
        return [
            self._contexts.extend(state, int(token)) for state, token in zip(states, self._tokens[ids], strict=True)
        ]


class OpenWord:
    """Words that a language model has read, and the labels of one that may go on."""

    __slots__ = ("closed", "context", "labels", "score")

    def __init__(self, context: Context, labels: tuple[int, ...]):
        self.context, self.labels = context, labels
        self.closed: Context | None = None
        """The text with the word, once that was asked for."""
        self.score = 0.0
        """Log-probability of the word, in nats."""


class WordFusion:
    """Scores each word when it is complete. Implements `search.prefix_beam.LanguageModel`.

    Args:
        scorer: The language model, of any tokens.
        codec: Of the labels.
    """

    def __init__(self, scorer: TextScorer, codec: Codec):
        self.end = codec.size
        self.scorer, self.codec = scorer, codec
        self._contexts = Contexts(scorer)
        starts, parts = word_bounds(codec)
        self._bounds, self._parts = {*starts, *parts, self.end}, set(parts)

    def start(self) -> OpenWord:
        return OpenWord(self._contexts.start(), ())

    def scores(self, states: Sequence[OpenWord], ids: NDArray[np.int64]) -> NDArray[np.float64]:
        ended = [state for state, label in zip(states, ids.tolist(), strict=True) if label in self._bounds]
        self._close(ended)
        found = [
            state.score if label in self._bounds else 0.0 for state, label in zip(states, ids.tolist(), strict=True)
        ]
        ends = [place for place, label in enumerate(ids.tolist()) if label == self.end]
        closed = [context for place in ends if (context := states[place].closed) is not None]
        for place, score in zip(ends, self._contexts.log_probs(closed, [EOS] * len(closed)), strict=True):
            found[place] += score
        return np.minimum(np.asarray(found, np.float64), 0)

    def extend(self, states: Sequence[OpenWord], ids: NDArray[np.int64]) -> list[OpenWord]:
        self._close(state for state, label in zip(states, ids.tolist(), strict=True) if label in self._bounds)
        extended = []
        for state, label in zip(states, ids.tolist(), strict=True):
            if label not in self._bounds:
                extended.append(OpenWord(state.context, (*state.labels, label)))
            elif state.closed is not None:
                extended.append(OpenWord(state.closed, () if label in self._parts else (label,)))
        return extended

    def _close(self, states: Iterable[OpenWord]) -> None:
        """Makes sure that `closed` and `score` of all are known."""
        new = [*{id(state): state for state in states if state.closed is None}.values()]
        if not new:
            return
        texts = [text.strip() for text in self.codec.decode([state.labels for state in new])]
        rows = self.scorer.codec.encode([self._as_read(text, state) for text, state in zip(texts, new, strict=True)])
        contexts = [state.context for state in new]
        for place in range(max(map(len, rows))):
            going = [n for n, row in enumerate(rows) if place < len(row)]
            tokens = [rows[n][place] for n in going]
            scores = self._contexts.log_probs([contexts[n] for n in going], tokens)
            for n, token, score in zip(going, tokens, scores, strict=True):
                new[n].score += score
                contexts[n] = self._contexts.extend(contexts[n], token)
        for state, context in zip(new, contexts, strict=True):
            state.closed = context

    def _as_read(self, word: str, state: OpenWord) -> str:
        """Returns a word as the language model reads it: one of characters also reads the space in front."""
        is_first = state.context.last == EOS
        return word if self.scorer.has_words or is_first or not word else f" {word}"


def fused(scorer: TextScorer, codec: Codec) -> TokenFusion | WordFusion:
    """Returns a language model over the labels of a codec.

    Raises:
        ValueError: both are of characters, and the language model knows too few of those that labels have.
    """
    other = scorer.codec
    if isinstance(codec, Vocabulary) and isinstance(other, Vocabulary) and codec.kind == other.kind:
        units = codec.vocabulary
        tokens = [*range(EOS + 1), *(row[0] for row in other.encode(units[EOS + 1 :]))]
        known = sum(token != UNK for token in tokens[EOS + 1 :])
        if known < KNOWN * (len(units) - EOS - 1):
            raise ValueError(
                f"{scorer.name}: expected a language model of text as the recogniser writes it, such as "
                f"{''.join(units[EOS + 1 :])[:40]!r}. Received: one that knows {known} of its {len(units) - EOS - 1} "
                f"{codec.kind}. Train it on text that is spelled alike."
            )
        return TokenFusion(scorer, tokens)
    if not isinstance(codec, Vocabulary) and list(codec.vocabulary) == list(getattr(other, "vocabulary", ())):
        return TokenFusion(scorer, range(codec.size))
    return WordFusion(scorer, codec)


def hotwords(words: Sequence[str], bonus: float, codec: Codec) -> Hotwords:
    """Returns words that a search over the labels of a codec prefers; `bonus` in nats for each label.

    Raises:
        ValueError: one of them is no single word, or has characters that no label has.
    """
    rows = codec.encode(words)
    starts, parts = word_bounds(codec)
    for word, row in zip(words, rows, strict=True):
        if len(word.split()) != 1:
            raise ValueError(
                f"Expected single words as hotwords: list the words of a phrase one by one. Received: {word!r}"
            )
        if UNK in row:
            raise ValueError(f"The hotword {word!r} has characters that the recogniser never writes.")
    return Hotwords(rows, bonus, codec.size, starts, parts)
