"""Which of the hypotheses of several teachers a student learns. Imports no framework."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from seq2seq.lite.mbr import agreement

Split = Callable[[str], Sequence[str]]
"""Splits a text into words."""

CHOICES = {
    "reference": "the hypothesis most like the true target (Kim & Rush 2016)",
    "mbr": "the one most like all others (minimum Bayes risk)",
}


def choose(how: str, hypotheses: Iterable[str], reference: str | None, split: Split) -> str:
    """Returns one of the hypotheses for a source; of equally good ones the first.

    Similarity is that of `search.mbr`: the mean F1 of n-grams, here of words.

    Args:
        how: One of `CHOICES`. Without a reference it is always "mbr".
        hypotheses: Of all teachers, the best of each first; one that several teachers wrote counts for each.
        reference: The true target.
        split: Of the target's language.

    Raises:
        ValueError: there is no hypothesis.
    """
    votes = Counter(hypotheses)
    if not votes:
        raise ValueError("Expected at least one hypothesis to choose from.")
    texts = list(votes)
    if how == "reference" and reference is not None:
        return texts[int(np.argmax(_similarities([reference, *texts], split)[0, 1:]))]
    return texts[int(np.argmax(_similarities(texts, split) @ np.asarray([votes[text] for text in texts])))]


def _similarities(texts: Sequence[str], split: Split) -> np.ndarray:
    """Returns how similar `n` texts are, `(n, n)` in [0, 1]."""
    numbers: dict[str, int] = {}
    return agreement([[numbers.setdefault(word, len(numbers)) for word in split(text)] for text in texts])
