"""Counts, in a sample, strings that a model could copy instead of translate: URLs, names in braces and the like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seq2seq.text.placeholders import PATTERNS, Placeholders

SHARE = 0.01
"""Of the pairs; rarer kinds get no note unless the recipe names them."""
_COMMON = tuple(name for name in PATTERNS if name != "number")


def notes(sample: Sequence[tuple[str, str]], names: Sequence[str]) -> Iterator[str]:
    """Yields a sentence for each kind of string that pairs hold, and how many have the same on both sides.

    Args:
        sample: Pairs of the corpus.
        names: The recipe's placeholders; if empty, the common ones are searched for.
    """
    for name in names or _COMMON:
        placeholders = Placeholders((name,))
        found = [placeholders.mask_pair(*pair) for pair in sample]
        some = sum(bool(pair.strings or pair.unmatched) for pair in found)
        alike = sum(bool(pair.strings) and not pair.unmatched for pair in found)
        if names or some > SHARE * len(sample):
            line = f"Placeholder {name}: in {some:,} of {len(sample):,} pairs, {alike:,} with the same on both sides."
            yield line if names else f"{line} tokenizer.placeholders {name} copies it exactly."
