"""Random cuts of words into subwords, the same ones for the same seed in every process.

SentencePiece can cut at random itself, but two processes with the same seed get different cuts from it. It never cuts
across the beginning of a word, so a text can be cut word by word; and words come again and again, so that what a word
may be cut into is found out once.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from seq2seq.text.pieces import BEGIN

CUTS = 64
"""Cuts of a word that are drawn from: of a unigram model the likeliest ones (the l of Kudo 2018), of a BPE model so
many that were made at random."""
LONGEST = 100
"""Pieces of a word, at most, that is cut anew; a longer one is hardly a word, and takes too long."""
WORDS = 1 << 16
"""Words whose cuts are kept at hand."""


class WordSampler:
    """Draws cuts for the words of a text.

    Args:
        processor: A SentencePiece processor of kind unigram or BPE that keeps blanks in front of words.
        alpha: Unigram: a cut of log-probability s is drawn in proportion to exp(alpha * s) (Kudo 2018). BPE: the share
            of the merges that is dropped at each step (Provilkov et al. 2020).
    """

    def __init__(self, processor: Any, alpha: float):
        self.processor, self.alpha = processor, alpha
        ids = range(processor.GetPieceSize())
        pieces = [processor.IdToPiece(i) for i in ids]
        self.special = {i for i in ids if processor.IsControl(i) or processor.IsUnknown(i) or processor.IsByte(i)}
        self.begins = [piece.startswith(BEGIN) for piece in pieces]
        self.pieces = {piece: i for i, piece in enumerate(pieces) if i not in self.special}
        try:
            processor.NBestEncodeAsIds("a", 1)
            cuts = self._likeliest
        except RuntimeError:
            cuts = self._merged
        self._cuts = lru_cache(WORDS)(cuts)

    def cut(self, ids: Sequence[int], draw: random.Random) -> list[int]:
        """Returns a line, given its usual ids, cut anew. Words with unknown pieces or with bytes stay as they are."""
        found: list[int] = []
        word: list[int] = []
        for i in ids:
            if self.begins[i] and word:
                found.extend(self._draw(word, draw))
                word = []
            word.append(i)
        if word:
            found.extend(self._draw(word, draw))
        return found

    def _draw(self, word: list[int], draw: random.Random) -> Sequence[int]:
        if len(word) > LONGEST:
            return word
        cuts, shares = self._cuts(tuple(word))
        return cuts[min(bisect(shares, draw.random()), len(cuts) - 1)]

    def _likeliest(self, word: tuple[int, ...]) -> tuple[list[Sequence[int]], list[float]]:
        """Cuts by the unigram model, and how much of the probability they have taken up together."""
        text = self._text(word)
        found = self.processor.NBestEncodeAsIds(self.processor.DecodeIds(list(word)), CUTS) if text else []
        cuts: list[Sequence[int]] = [cut for cut in found if cut and self._text(cut) == text]
        if not cuts:
            return [word], [1.0]
        scores = self.alpha * np.array([sum(map(self.processor.GetScore, cut)) for cut in cuts])
        chances = np.exp(scores - scores.max())
        return cuts, np.cumsum(chances / chances.sum()).tolist()

    def _merged(self, word: tuple[int, ...]) -> tuple[list[Sequence[int]], list[float]]:
        """Cuts by merging with merges left out, equally likely each."""
        text = self._text(word)
        if not text:
            return [word], [1.0]
        draw = random.Random(text)  # a text seeds alike everywhere
        cuts: list[Sequence[int]] = [self._merge(text, draw) or word for _ in range(CUTS)]
        return cuts, list(accumulate([1 / CUTS] * CUTS))

    def _merge(self, text: str, draw: random.Random) -> list[int]:
        """BPE from characters on: of the merges that are not dropped the one learned first, of the lowest id, is made.

        Empty where a character is no piece.
        """
        parts, none = list(text), len(self.begins)
        while len(parts) > 1:
            merges = [(self.pieces.get(one + other, none), place) for place, (one, other) in enumerate(pairwise(parts))]
            kept = [merge for merge in merges if merge[0] < none and draw.random() >= self.alpha]
            if not kept:
                break
            _, place = min(kept)
            parts[place : place + 2] = [parts[place] + parts[place + 1]]
        ids = [self.pieces.get(part, none) for part in parts]
        return [] if none in ids else ids

    def _text(self, ids: Sequence[int]) -> str:
        """What a word's pieces say, its beginning mark first; nothing where they do not say it, or it has no mark."""
        if not self.begins[ids[0]] or self.special.intersection(ids):
            return ""
        return "".join(self.processor.IdToPiece(i) for i in ids)
