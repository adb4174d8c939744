"""What a language model expects next: tokens, or whole words of several tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from seq2seq.inference.text_scoring import State, TextScorer
from seq2seq.symbols import BOS, EOS, PAD

LONGEST = 12
"""Tokens of a word, at most."""
BEGINNINGS = 256
"""Beginnings of words that are followed at once, at most; more where all that may follow them are few, as below."""
PROBABILITIES = 1 << 21
"""Beginnings times tokens of the vocabulary, at most, where there are more than `BEGINNINGS`."""
LINE_END = "↵"
"""How the end of a line is shown."""


@dataclass(frozen=True)
class Next:
    """Something that may come next."""

    text: str
    """A word or a token; "\\n" is the end of the line."""
    log_probability: float
    """In nats."""

    @property
    def probability(self) -> float:
        return math.exp(self.log_probability)

    @property
    def shown(self) -> str:
        """The text as a person reads it."""
        if self.text == "\n":
            return f"{LINE_END} (end of the line)"
        return self.text.replace(" ", "␣").replace("\t", "\\t") or "(nothing)"


def next_tokens(model: TextScorer, state: State, top: int) -> list[Next]:
    """Returns the likeliest tokens, best first."""
    log_probs, _ = model.next_log_probs(state)
    ids = [i for i in np.argsort(-log_probs[0], kind="stable").tolist() if i not in (PAD, BOS)][:top]
    return [Next("\n" if i == EOS else model.codec.pieces([i])[0], float(log_probs[0, i])) for i in ids]


def next_words(model: TextScorer, state: State, top: int) -> list[Next]:
    """Returns the likeliest words, best first. What stands without a blank before it, as a comma, is a word too.

    The probability of a word of several tokens is that of its tokens, and of a new word after them. Words are found by
    their likeliest beginnings, so those far down the list may be incomplete. That the last word of the text goes on is
    none of the outcomes. A large `top` may bring fewer words than that, as memory limits how many beginnings are
    followed.

    Raises:
        ValueError: the model's tokens are characters, which do not say where words begin.
    """
    if model.starts is None:
        raise ValueError("This model writes characters: ask it for tokens.")
    starts = model.starts
    ends_word = starts.copy()
    ends_word[[PAD, BOS]] = True  # which no text has
    if ends_word.all():  # each token is a word
        return next_tokens(model, state, top)
    log_probs, carried = model.next_log_probs(state)
    first = np.where(starts, log_probs[0], -np.inf)
    first[[PAD, BOS]] = -np.inf
    found: dict[str, float] = {"\n": float(first[EOS])}
    first[EOS] = -np.inf
    width = min(4 * top, max(BEGINNINGS, PROBABILITIES // len(starts)))
    chosen = np.argsort(-first, kind="stable")[:width]
    chosen = chosen[np.isfinite(first[chosen])]
    words: list[tuple[tuple[int, ...], float]] = [((int(i),), float(first[i])) for i in chosen]
    carried = model.select(carried, [0] * len(words))
    for _ in range(LONGEST):
        if not words:
            break
        last = np.asarray([ids[-1] for ids, _ in words], np.int32)
        log_probs, carried = model.next_log_probs(State(last, carried))
        ends = np.where(starts, log_probs, -np.inf)
        for (ids, total), row in zip(words, ends, strict=True):
            text = model.codec.decode([list(ids)])[0]
            done = total + float(np.logaddexp.reduce(row))
            found[text] = float(np.logaddexp(found.get(text, -np.inf), done))
        least = sorted(found.values(), reverse=True)[:top][-1] if len(found) >= top else -np.inf
        going = np.where(ends_word, -np.inf, log_probs) + np.asarray([total for _, total in words])[:, None]
        flat = np.argsort(-going, axis=None, kind="stable")[:width]
        places = [(int(place // going.shape[1]), int(place % going.shape[1])) for place in flat]
        places = [(row, i) for row, i in places if going[row, i] > least]
        words = [((*words[row][0], i), float(going[row, i])) for row, i in places]
        carried = model.select(carried, [row for row, _ in places])
    best = sorted(found.items(), key=lambda item: -item[1])[:top]
    return [Next(text, log_probability) for text, log_probability in best]
