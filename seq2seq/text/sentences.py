"""How many sentences a line holds, by its punctuation. Imports no framework."""

from __future__ import annotations

import re

_ENDS = re.compile(
    # Before a blank and what may begin a sentence: no small letter, behind opening marks.
    r"(?<=[^\W\d_]{2})[.!?…]+[\"'”“’»)\]]*\s+(?=[\"'“‘„«¿¡(\[]*(?![a-zà-öø-ÿа-яё])\w)"
    r"|[؟۔।॥።]+\s+(?=\S)"
    r"|[。！？｡]+[」』”’）]*(?=\s*[^\s」』”’）。！？｡])"
)


def count_sentences(line: str) -> int:
    """Returns the number of sentences, at least 1. Marks after one letter or a digit end none (J. Smith, 3. Mai)."""
    return 1 + len(_ENDS.findall(line))
