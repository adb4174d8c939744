"""The number of sentences in a line, by its punctuation. Imports no framework."""

from __future__ import annotations

import re

_ENDS = re.compile(
    # Before a space and the beginning of a sentence: opening marks, then no small letter.
    r"(?<=[^\W\d_]{2})[.!?…]+[\"'”“’»)\]]*\s+(?=[\"'“‘„«¿¡(\[]*(?![a-zà-öø-ÿа-яё])\w)"
    r"|[؟۔।॥።]+\s+(?=\S)"
    r"|[。！？｡]+[」』”’）]*(?=\s*[^\s」』”’）。！？｡])"
)


def count_sentences(line: str) -> int:
    """Returns the number of sentences, at least 1. None ends after a single letter or a digit (J. Smith, 3. Mai)."""
    return 1 + len(_ENDS.findall(line))
