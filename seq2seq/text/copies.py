"""Which words of a source its target took over: what a selector learns from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seq2seq.metrics.subsequence import longest_common_subsequence
from seq2seq.pipeline.padding import padded
from seq2seq.text.alignment import BEGIN, to_pieces
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.text.words import word_numbers
from seq2seq.types import AlignmentPoints


def link_copies(
    tokenizer: SubwordTokenizer, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]
) -> list[AlignmentPoints]:
    """Returns for each pair the links between pieces of words that both have in the same order.

    Words are those that an extraction keeps or leaves out; capitals make no difference.

    Args:
        tokenizer: Of both sides.
        sources: Ids of each, without EOS.
        targets: The same.
    """
    marks = tokenizer.marks()
    sides = []
    for rows in (sources, targets):
        numbers = np.asarray(word_numbers(padded(list(rows)), marks))
        sides.append([list(map(int, found[: len(row)])) for found, row in zip(numbers, rows, strict=True)])
    links = []
    for source, target, ours, theirs in zip(sources, targets, *sides, strict=True):
        spelled = _words(tokenizer.pieces(source), ours), _words(tokenizer.pieces(target), theirs)
        links.append(to_pieces(longest_common_subsequence(*spelled), ours, theirs))
    return links


def _words(pieces: Sequence[str], numbers: Sequence[int]) -> list[str]:
    words = [""] * (max(numbers, default=-1) + 1)
    for piece, number in zip(pieces, numbers, strict=True):
        words[number] += piece.replace(BEGIN, "").casefold()
    return words
