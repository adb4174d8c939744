"""Word and character error rates, and the kinds of errors. Imports no framework.

An empty reference adds what was inserted to the errors and nothing to what they are divided by; where all references
are empty, the errors are divided by 1.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seq2seq import __version__
from seq2seq.metrics.bleu import check_parallel
from seq2seq.metrics.score import Score

Symbols = Sequence[Hashable]
"""The words or the characters of a line."""
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_EDIT = 1 << 24
"""What an edit costs; a substitution costs 1 more. So the cheapest way has the fewest edits, and of several with as
many the one with the fewest substitutions."""
_FAR = 1 << 60
"""The cost of what no cheapest way goes through."""
_CELLS = 1 << 16
"""Cells of the tables of distances that are filled side by side: as many as stay in a cache."""


class ErrorCounts(NamedTuple):
    """The errors of each line by their kinds, `(lines,)` each."""

    substitutions: Integers
    deletions: Integers
    """In the reference alone."""
    insertions: Integers
    """In the hypothesis alone."""
    lengths: Integers
    """Words or characters of the references."""

    @property
    def errors(self) -> Integers:
        """`(lines,)`: of all kinds together, the Levenshtein distance."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors per 100 words or characters of the references, over all lines."""
        return _rate(self.errors, self.lengths)


def word_error_rate(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Levenshtein (1966) edits per 100 reference words, over all lines; lower is better, and it may exceed 100.

    Words are parted by blanks, compared as they are.
    """
    rate = _rate(*word_errors(hypotheses, references))
    return Score(rate, f"wer|edits:levenshtein|words:blanks|cased|seq2seq|version:{__version__}")


def character_error_rate(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Levenshtein (1966) edits per 100 reference characters, over all lines; lower is better.

    Characters are code points; blanks are collapsed and stripped.
    """
    rate = _rate(*character_errors(hypotheses, references))
    how = f"chars:code-points|cased|blanks:single|seq2seq|version:{__version__}"
    return Score(rate, f"cer|edits:levenshtein|{how}")


def error_rates(hypotheses: Sequence[str], references: Sequence[str]) -> dict[str, Score]:
    """Returns both rates, by the names `wer` and `cer`."""
    return {
        "wer": word_error_rate(hypotheses, references),
        "cer": character_error_rate(hypotheses, references),
    }


def word_errors(hypotheses: Sequence[str], references: Sequence[str]) -> tuple[Floats, Floats]:
    """Edits and reference words of each line, `(lines,)` each."""
    return _errors(hypotheses, references, str.split)


def character_errors(hypotheses: Sequence[str], references: Sequence[str]) -> tuple[Floats, Floats]:
    """Edits and reference characters of each line, `(lines,)` each."""
    return _errors(hypotheses, references, _tidy)


def word_error_counts(hypotheses: Sequence[str], references: Sequence[str]) -> ErrorCounts:
    """Counts the errors of each line in words, by their kinds; see `count_errors`."""
    return count_errors([text.split() for text in hypotheses], [text.split() for text in references])


def character_error_counts(hypotheses: Sequence[str], references: Sequence[str]) -> ErrorCounts:
    """Counts the errors of each line in characters, by their kinds; see `count_errors`."""
    return count_errors([_tidy(text) for text in hypotheses], [_tidy(text) for text in references])


def count_errors(hypotheses: Sequence[Symbols], references: Sequence[Symbols]) -> ErrorCounts:
    """Counts the substitutions, deletions and insertions by which each hypothesis differs from its reference.

    Of all ways with the fewest edits the one with the fewest substitutions counts, which gets the most symbols right.
    The time of a line grows with the product of its length and its errors.

    Args:
        hypotheses: The symbols of each line.
        references: As many.

    Raises:
        ValueError: no lines, or not as many references.
    """
    check_parallel(hypotheses, references)
    numbers: dict[Hashable, int] = {}

    def numbered(lines: Sequence[Symbols]) -> list[Integers]:
        return [np.asarray([numbers.setdefault(symbol, len(numbers)) for symbol in line], np.int64) for line in lines]

    written, wanted = numbered(hypotheses), numbered(references)
    widths, lengths = (np.asarray([len(line) for line in side], np.int64) for side in (written, wanted))
    edits = np.asarray([edit_distance(h, r) for h, r in zip(hypotheses, references, strict=True)], np.int64)
    substitutions = np.zeros_like(edits)
    for lines in _side_by_side(widths, lengths):
        most = int(edits[lines].max())
        substitutions[lines] = _costs([written[line] for line in lines], [wanted[line] for line in lines], most) % _EDIT
    insertions = (edits - substitutions + widths - lengths) // 2
    return ErrorCounts(substitutions, edits - substitutions - insertions, insertions, lengths)


def edit_distance(one: Symbols, other: Symbols) -> int:
    """Fewest insertions, deletions and substitutions of symbols that turn one line into the other.

    A column of the table of distances is two bit vectors of its differences, in integers (Myers 1999; Hyyrö 2003).
    """
    if not len(one):
        return len(other)
    size = len(one)
    full, last = (1 << size) - 1, 1 << (size - 1)
    places: dict[Hashable, int] = {}
    for i, symbol in enumerate(one):
        places[symbol] = places.get(symbol, 0) | 1 << i
    rises, falls, distance = full, 0, size
    for symbol in other:
        equal = places.get(symbol, 0)
        diagonal = (((equal & rises) + rises) ^ rises) | equal | falls
        right, left = falls | ~(diagonal | rises) & full, diagonal & rises
        distance += bool(right & last) - bool(left & last)
        right = right << 1 | 1
        rises = (left << 1 | ~(diagonal | right)) & full
        falls = right & diagonal & full
    return distance


def _errors(
    hypotheses: Sequence[str], references: Sequence[str], split: Callable[[str], Symbols]
) -> tuple[Floats, Floats]:
    check_parallel(hypotheses, references)
    pairs = [(split(h), split(r)) for h, r in zip(hypotheses, references, strict=True)]
    return np.asarray([edit_distance(h, r) for h, r in pairs], float), np.asarray([len(r) for _, r in pairs], float)


def _rate(errors: NDArray[np.generic], lengths: NDArray[np.generic]) -> float:
    return 100 * float(errors.sum()) / max(float(lengths.sum()), 1.0)


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _side_by_side(widths: Integers, lengths: Integers) -> list[list[int]]:
    """Groups lines of like lengths, so that a row of the tables of a group has at most `_CELLS` cells, or one line."""
    groups: list[list[int]] = []
    widest = 0
    for line in np.lexsort((widths, lengths)).tolist():
        widest = max(widest, int(widths[line]) + 1)
        if not groups or (len(groups[-1]) + 1) * widest > _CELLS:
            groups.append([])
            widest = int(widths[line]) + 1
        groups[-1].append(line)
    return groups


def _costs(hypotheses: Sequence[Integers], references: Sequence[Integers], most: int) -> Integers:
    """Returns the cost of the cheapest way from each reference to its hypothesis, `(lines,)`.

    The tables of all lines are filled together, row after row, no farther from the diagonal than the `most` edits of
    any line can lead. Every cell is kept without the insertions up to its column; so a cell that is reached from its
    left is as cheap as that one, and a running minimum finds these.
    """
    widths, lengths = (np.asarray([len(line) for line in side], np.int64) for side in (hypotheses, references))
    width = int(widths.max())
    # One column before the first, so that every cell has one to the left above it.
    written, wanted = _filled(hypotheses, width + 1, 1), _filled(references, int(lengths.max()), 0)
    row = np.full((len(widths), width + 2), _FAR)
    row[:, 1 : most + 2] = 0
    ends = np.zeros(len(widths), np.int64)  # the last cell of each line
    for place in range(wanted.shape[1]):
        low, high = max(0, place + 1 - most), min(width, place + 1 + most) + 1
        replaced = row[:, low:high] + np.where(written[:, low:high] == wanted[:, place, None], -_EDIT, 1)
        deleted = row[:, low + 1 : high + 1] + _EDIT
        row[:, low + 1 : high + 1] = np.minimum.accumulate(np.minimum(replaced, deleted), axis=1)
        done = lengths == place + 1
        ends[done] = row[done, widths[done] + 1]
    return ends + _EDIT * widths


def _filled(lines: Sequence[Integers], width: int, offset: int) -> Integers:
    """`(lines, width)`: each line from column `offset` on, and numbers that no symbol has around it."""
    filled = np.full((len(lines), width), offset - 2, np.int64)
    for row, line in zip(filled, lines, strict=True):
        row[offset : offset + len(line)] = line
    return filled
