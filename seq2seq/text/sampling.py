"""Random segmentations of words into subwords, equal in every process for the same seed.

SentencePiece can sample too, but not reproducibly between processes. It never cuts across the beginning of a word, so
text can be segmented word by word. Words recur, so the segmentations of a word are computed once.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from seq2seq.text.pieces import BEGIN

CANDIDATES = 64
"""Segmentations of a word to draw from: of a unigram model the most probable ones (the l of Kudo 2018), of a BPE model
random ones."""
LONGEST = 100
"""Pieces of a word that is sampled, at most; a longer one is unlikely to be a word, and takes too long."""
WORDS = 1 << 16
"""Words whose segmentations are cached."""


class WordSampler:
    """Draws segmentations for the words of a text.

    Args:
        processor: A SentencePiece processor, unigram or BPE, that marks the beginnings of words.
        alpha: Unigram: a segmentation of log-probability s is drawn in proportion to exp(alpha * s) (Kudo 2018). BPE:
            the fraction of merges dropped at each step (Provilkov et al. 2020).
        symbols: Ids that stay as they are, such as tags.
    """

    def __init__(self, processor: Any, alpha: float, symbols: Collection[int] = ()):
        self.processor, self.alpha, self.symbols = processor, alpha, symbols
        ids = range(processor.GetPieceSize())
        pieces = [processor.IdToPiece(i) for i in ids]
        self.special = {i for i in ids if processor.IsControl(i) or processor.IsUnknown(i) or processor.IsByte(i)}
        self.begins = [piece.startswith(BEGIN) for piece in pieces]
        self.pieces = {piece: i for i, piece in enumerate(pieces) if i not in self.special and i not in symbols}
        try:
            processor.NBestEncodeAsIds("a", 1)
            candidates = self._unigram_candidates
        except RuntimeError:
            candidates = self._bpe_candidates
        self._candidates = lru_cache(WORDS)(candidates)

    def sample(self, ids: Sequence[int], draw: random.Random) -> list[int]:
        """Returns another segmentation of a line, given its usual ids. Words with unknown pieces or bytes stay."""
        drawn: list[int] = []
        word: list[int] = []
        for i in ids:
            if word and (self.begins[i] or i in self.symbols):
                drawn.extend(self._draw(word, draw))
                word = []
            if i in self.symbols:
                drawn.append(i)
            else:
                word.append(i)
        if word:
            drawn.extend(self._draw(word, draw))
        return drawn

    def _draw(self, word: list[int], draw: random.Random) -> Sequence[int]:
        if len(word) > LONGEST:
            return word
        candidates, cumulative = self._candidates(tuple(word))
        return candidates[min(bisect(cumulative, draw.random()), len(candidates) - 1)]

    def _unigram_candidates(self, word: tuple[int, ...]) -> tuple[list[Sequence[int]], list[float]]:
        """Returns segmentations by the unigram model, and their cumulative probabilities."""
        text = self._text(word)
        best = self.processor.NBestEncodeAsIds(self.processor.DecodeIds(list(word)), CANDIDATES) if text else []
        candidates: list[Sequence[int]] = [ids for ids in best if ids and self._text(ids) == text]
        if not candidates:
            return [word], [1.0]
        scores = self.alpha * np.array([sum(map(self.processor.GetScore, ids)) for ids in candidates])
        probabilities = np.exp(scores - scores.max())
        return candidates, np.cumsum(probabilities / probabilities.sum()).tolist()

    def _bpe_candidates(self, word: tuple[int, ...]) -> tuple[list[Sequence[int]], list[float]]:
        """Returns segmentations by BPE with dropped merges, and their cumulative probabilities, which are equal."""
        text = self._text(word)
        if not text:
            return [word], [1.0]
        draw = random.Random(text)  # a string seeds equally in every process
        candidates: list[Sequence[int]] = [self._random_bpe(text, draw) or word for _ in range(CANDIDATES)]
        return candidates, list(accumulate([1 / CANDIDATES] * CANDIDATES))

    def _random_bpe(self, text: str, draw: random.Random) -> list[int]:
        """Returns the ids of BPE from characters on: each step drops merges at random and makes the first one left.

        Returns no ids if a character is not a piece.
        """
        parts, none = list(text), len(self.begins)
        while len(parts) > 1:
            merges = [
                (self.pieces.get(left + right, none), place) for place, (left, right) in enumerate(pairwise(parts))
            ]
            kept = [merge for merge in merges if merge[0] < none and draw.random() >= self.alpha]
            if not kept:
                break
            _, place = min(kept)
            parts[place : place + 2] = [parts[place] + parts[place + 1]]
        ids = [self.pieces.get(part, none) for part in parts]
        return [] if none in ids else ids

    def _text(self, ids: Sequence[int]) -> str:
        """Returns the text of a word with its mark; "" if it has no mark, or pieces without text."""
        if not self.begins[ids[0]] or self.special.intersection(ids):
            return ""
        return "".join(self.processor.IdToPiece(i) for i in ids)
