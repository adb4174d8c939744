"""Batches for a model that reads tokens and writes tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seq2seq.pipeline.padding import padded
from seq2seq.pipeline.plan import Layout, Rows, Widths
from seq2seq.symbols import BOS, EOS
from seq2seq.types import Batch

if TYPE_CHECKING:
    from seq2seq.text.subword import SubwordTokenizer


def collate_pairs(store: Rows, rows: np.ndarray, widths: Widths) -> Batch:
    """Returns a batch of the columns "source" and "target" of a token store."""
    source, target = (
        padded([store[name][row] for row in rows], width)
        for name, width in zip(("source", "target"), widths, strict=True)
    )
    return Batch(source, *shift(target.values), target.mask.astype(np.float32))


def collate_aligned_pairs(store: Rows, rows: np.ndarray, widths: Widths) -> Batch:
    """As `collate_pairs`, with the alignment of each pair as the attention that it asks for."""
    shape = (len(rows), widths[1], widths[0])
    alignment = expected_attention([store["alignment"][row] for row in rows], shape)
    return collate_pairs(store, rows, widths)._replace(extras={"alignment": alignment})


@dataclass(frozen=True)
class WaitK:
    """As `collate_pairs`, with how much of its source each step may see by a wait-k policy (Ma et al. 2019).

    The number of words to wait for is drawn for each pair (Elbayad et al. 2020, who draw it for each batch), and is a
    function of (seed, epoch, row).

    Args:
        choices: The numbers to draw from, each at least 1.
        source_starts: `(size,)`, bool, of each id of the source: whether a word begins with it; from
            `spaced_word_starts`.
        target_starts: The same of the target.
        seed: Of the draws.
        epoch: Each epoch has other draws.
    """

    choices: tuple[int, ...]
    source_starts: np.ndarray
    target_starts: np.ndarray
    seed: int
    epoch: int = 0

    def __call__(self, store: Rows, rows: np.ndarray, widths: Widths) -> Batch:
        batch = collate_pairs(store, rows, widths)
        assert batch.source is not None
        visible = visible_tokens(
            word_numbers(self.source_starts, batch.source.values),
            word_numbers(self.target_starts, batch.target_output),
            np.asarray([self.wait(int(row)) for row in rows]),
        )
        visible = np.minimum(visible, batch.source.mask.sum(axis=1)[:, None])
        return batch._replace(extras={"visible": visible.astype(np.int32)})

    def wait(self, row: int) -> int:
        """Returns the words that the pair of a row waits for."""
        return self.choices[int(np.random.default_rng([self.seed, self.epoch, row]).integers(len(self.choices)))]


PAIRS = Layout(("source", "target"), collate_pairs)
ALIGNED_PAIRS = Layout(("source", "target"), collate_aligned_pairs)


def shift(target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Teacher forcing, in this one place: `(batch, target)` ids -> decoder input and expected output.

    The output is the target itself, up to its EOS; the input is BOS and the same one step later.
    """
    first = np.full((len(target), 1), BOS, target.dtype)
    return np.concatenate([first, target[:, :-1]], axis=1), target


def spaced_word_starts(tokenizer: SubwordTokenizer) -> np.ndarray:
    """Returns `(size,)`, bool: the ids with which a word begins, EOS among them. Words are what blanks separate."""
    starts = np.array(tokenizer.marks().begins, bool)
    starts[EOS] = True
    return starts


def word_numbers(starts: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Returns the number of each token's word in its row, from 0, `(rows, time)`. EOS is a word; padding belongs to it.

    Args:
        starts: From `spaced_word_starts`.
        ids: `(rows, time)`, int32.
    """
    begins = starts[ids]
    begins[:, :1] = True
    return np.cumsum(begins, axis=1) - 1


def visible_tokens(source_words: np.ndarray, target_words: np.ndarray, wait: np.ndarray) -> np.ndarray:
    """Returns how many tokens of its source each target token may see, `(rows, target)`, padding counted as EOS.

    By a wait-k policy a token of target word w, counted from 0, sees the first k + w source words.

    Args:
        source_words: `(rows, source)`, ascending: the number of each token's word.
        target_words: `(rows, target)`, the same.
        wait: `(rows,)`: k, at least 1.
    """
    words = wait[:, None] + target_words
    return np.stack([np.searchsorted(row, seen) for row, seen in zip(source_words, words, strict=True)])


def expected_attention(alignments: Sequence[np.ndarray], shape: tuple[int, int, int]) -> np.ndarray:
    """Returns the attention that alignments ask for: even over the source tokens that a target token is aligned to.

    Args:
        alignments: Of each row, `(points, 2)`: places of aligned tokens in the source and in the target.
        shape: `(batch, target, source)` of the result, float32. Steps without an alignment are 0.
    """
    attention = np.zeros(shape, np.float32)
    for row, points in zip(attention, alignments, strict=True):
        row[points[:, 1], points[:, 0]] = 1.0
    return attention / np.maximum(attention.sum(axis=2, keepdims=True), 1.0)
