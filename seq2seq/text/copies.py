"""Which words of a source appear in its target: what a selector learns from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seq2seq.metrics.subsequence import longest_common_subsequence
from seq2seq.pipeline.padding import padded
from seq2seq.text.alignment import align_tokens
from seq2seq.text.examples import AlignmentPoints
from seq2seq.text.pieces import BEGIN
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.text.words import word_numbers


def align_copies(
    tokenizer: SubwordTokenizer, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]
) -> list[AlignmentPoints]:
    """Aligns the tokens of the words that a source and its target share in the same order.

    A word is what an extraction keeps or drops as a whole. Case is ignored.

    Args:
        tokenizer: Of both sides.
        sources: Ids of each source, without EOS.
        targets: Ids of each target, without EOS.
    """
    marks = tokenizer.marks()

    def numbers_of(rows: Sequence[Sequence[int]]) -> list[list[int]]:
        numbers = np.asarray(word_numbers(padded(list(rows)), marks))
        return [list(map(int, numbers[i, : len(row)])) for i, row in enumerate(rows)]

    alignments = []
    pairs = zip(sources, targets, numbers_of(sources), numbers_of(targets), strict=True)
    for source, target, source_words, target_words in pairs:
        spelled = _spell(tokenizer.pieces(source), source_words), _spell(tokenizer.pieces(target), target_words)
        alignments.append(align_tokens(longest_common_subsequence(*spelled), source_words, target_words))
    return alignments


def _spell(pieces: Sequence[str], numbers: Sequence[int]) -> list[str]:
    """Returns each word in small letters, given the number of each piece's word."""
    words = [""] * (max(numbers, default=-1) + 1)
    for piece, number in zip(pieces, numbers, strict=True):
        words[number] += piece.replace(BEGIN, "").casefold()
    return words
