"""Words that a search prefers while it writes them. Imports no framework."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np


class Hotwords:
    """A bonus for each symbol of a listed word while a text follows the word, taken back where it breaks off.

    A state says how far a text has followed a word: an int, `START` at first. The bonus of a text is a function of its
    symbols alone. A word counts from where a word may begin to where it ends: "cat" counts in "a cat sat", not in
    "bobcat", and in "caterpillar" it is taken back.

    Args:
        words: Ids of each word, without what parts words. Twice the same word is once.
        bonus: In nats for each symbol.
        size: Number of ids.
        starts: Ids that begin a word, such as pieces with a space in front.
        parts: Ids between words, such as a space or a full stop: a word ends before one and may begin after it.

    Raises:
        ValueError: a word is empty, contains an id outside the vocabulary, an id that parts words, or one that begins
            another; or the bonus is not a number of at least 0.
    """

    START = 0
    """The state at the beginning of a text, and where a word may begin."""

    def __init__(
        self,
        words: Sequence[Sequence[int]],
        bonus: float,
        size: int,
        starts: Collection[int] = (),
        parts: Collection[int] = (),
    ):
        if not 0 <= bonus < np.inf:
            raise ValueError(f"The bonus of hotwords must be a number of at least 0. Received: {bonus}")
        for word in words:
            _check(word, size, starts, parts)
        other, depths, complete = 1, [0, 0], [False, False]  # `other`: in a word that is not listed
        children: dict[tuple[int, int], int] = {}
        for word in words:
            node = self.START
            for symbol in word:
                following = children.setdefault((node, symbol), len(depths))
                if following == len(depths):
                    depths.append(depths[node] + 1)
                    complete.append(False)
                node = following
            complete[node] = True
        pending = bonus * np.asarray(depths, np.float64)
        self.closing = np.where(complete, 0.0, -pending)
        """`(states,)`, float64: what a text that ends in a state gains, at most 0."""
        self.following = np.full((len(depths), size), other)
        """`(states, size)`: the state after a further symbol."""
        self.gains = np.repeat(-pending[:, None], size, axis=1)
        """`(states, size)`, float64: what a further symbol gains."""
        ends = np.asarray([*starts, *parts], np.int64)
        self.gains[:, ends] = self.closing[:, None]
        self.following[:, np.asarray([*parts], np.int64)] = self.START
        for (node, symbol), following in children.items():
            self.following[node, symbol], self.gains[node, symbol] = following, bonus
        for symbol in starts:  # it ends the word before and begins the next
            if (first := children.get((self.START, symbol))) is not None:
                self.following[:, symbol] = first
                self.gains[:, symbol] = self.closing + bonus


def _check(word: Sequence[int], size: int, starts: Collection[int], parts: Collection[int]) -> None:
    """Raises ValueError for what cannot be a hotword."""
    if not len(word):
        raise ValueError("A hotword must have at least one symbol. Received: an empty one")
    for place, symbol in enumerate(word):
        if not 0 <= symbol < size:
            raise ValueError(f"Hotwords must have ids from 0 to {size - 1:,}. Received: {symbol} in {list(word)}")
        if symbol in parts or (place and symbol in starts):
            raise ValueError(
                f"A hotword must be a single word: list the words of a phrase one by one. Received: {list(word)}, "
                f"where {symbol} begins or parts words"
            )
