"""The plan of an epoch, from lengths alone, and the batches it names.

Position in the data is a pure function of (seed, epoch, step): a plan can be made again at any time, and any of its
batches without the ones before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from seq2seq.pipeline.store import TokenStore
from seq2seq.symbols import BOS, PAD
from seq2seq.types import Batch


@dataclass(frozen=True)
class Batching:
    """How pairs become batches."""

    # For recipes: their checks and their --help read these fields.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "use_attribute_docstrings": True}

    tokens: int = 2560
    """Padded source and target ids of a batch, at most (one pair always fits)."""
    buckets: int = 10
    """Number of shapes: every batch is padded to the widths of its bucket, or to its own where shapes may vary."""
    window: int = 1 << 18
    """Pairs shuffled and sorted together. Memory grows with this, not with the corpus."""
    max_rows: int = 1024
    """Pairs in a batch, at most."""

    def __post_init__(self) -> None:
        for name in ("tokens", "buckets", "window", "max_rows"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1. Received: {getattr(self, name)}")


class Plan:
    """The batches of one epoch over a store.

    Pairs go through in windows: blocks of the corpus in random order, within a window all pairs in random order, then
    into buckets by length. A bucket's rest moves into the next wider one: only a window's last batch is not full.

    Args:
        store: The tokenised corpus.
        batching: How.
        seed: Of the shuffle.
        epoch: Each epoch has another order.
        shuffle: False: sorted by length only, for validation.
        trim: Pad to the longest row of a batch instead of to its bucket. For backends where a new shape is cheap.
        guided: Give each batch the guide of its attention; wants a store with links.
        share: `(rank, world)`: of every batch's rows only each `world`-th, from `rank` on. Where a batch has fewer rows
            than `world`, whose share is empty gets one row of weight 0.
    """

    BLOCK = 1 << 12

    def __init__(
        self,
        store: TokenStore,
        batching: Batching,
        seed: int,
        epoch: int = 0,
        shuffle: bool = True,
        trim: bool = True,
        guided: bool = False,
        share: tuple[int, int] = (0, 1),
    ):
        if not len(store):
            raise ValueError("The corpus holds no pair that can be used: every one has an empty side or is too long.")
        self.store, self.batching, self.trim, self.guided = store, batching, trim, guided
        self.seed, self.epoch, self.shuffle, self.share = seed, epoch, shuffle, share
        self.widths = _bucket_widths(store, batching)
        self._window = lru_cache(maxsize=2)(self._make_window)
        blocks = np.arange(-(-len(store) // self.BLOCK))
        if shuffle:
            blocks = self._random(0).permutation(blocks)
        per_window = max(1, batching.window // self.BLOCK)
        self._blocks = [blocks[i : i + per_window] for i in range(0, len(blocks), per_window)]
        self._starts = np.concatenate([[0], np.cumsum([len(self._window(w)[0]) for w in range(len(self._blocks))])])

    def __len__(self) -> int:
        """Steps of the epoch."""
        return int(self._starts[-1])

    def __getitem__(self, step: int) -> Batch:
        window = int(np.searchsorted(self._starts, step, side="right")) - 1
        batches, _ = self._window(window)
        pairs, widths = batches[step - int(self._starts[window])]
        return self._collate(pairs, widths)

    def __iter__(self) -> Iterator[Batch]:
        return (self[step] for step in range(len(self)))

    def pairs(self, step: int) -> np.ndarray:
        """Returns the numbers in the store of the pairs of a step, `(rows,)`."""
        window = int(np.searchsorted(self._starts, step, side="right")) - 1
        return self._window(window)[0][step - int(self._starts[window])][0]

    def tokens(self, step: int) -> int:
        """Source and target ids of a step, without padding."""
        window = int(np.searchsorted(self._starts, step, side="right")) - 1
        return int(self._window(window)[1][step - int(self._starts[window])])

    def _random(self, *key: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, self.epoch, *key])

    def _make_window(self, number: int) -> tuple[list[tuple[np.ndarray, tuple[int, int]]], list[int]]:
        """Returns the window's batches, `(pairs, widths)` each, in the order of the steps, and their tokens."""
        size = len(self.store)
        pairs = np.concatenate(
            [np.arange(b * self.BLOCK, min((b + 1) * self.BLOCK, size)) for b in self._blocks[number]]
        )
        random = self._random(1, number)
        sources = np.asarray(self.store.source_lengths[pairs], np.int64)
        targets = np.asarray(self.store.target_lengths[pairs], np.int64)
        # Random among equals: pairs of one shape meet other partners in every epoch.
        order = np.lexsort((random.random(len(pairs)) if self.shuffle else pairs, sources, targets))
        pairs, sources, targets = pairs[order], sources[order], targets[order]
        fits = (sources[:, None] <= self.widths[:, 0]) & (targets[:, None] <= self.widths[:, 1])
        bucket = fits.argmax(axis=1)
        batches: list[tuple[np.ndarray, tuple[int, int]]] = []
        tokens: list[int] = []
        rest = np.zeros(0, np.int64)
        for index, (source_width, target_width) in enumerate(self.widths.tolist()):
            members = np.concatenate([rest, np.flatnonzero(bucket == index)])
            rows = min(self.batching.max_rows, max(1, self.batching.tokens // (source_width + target_width)))
            full = len(members) if index == len(self.widths) - 1 else len(members) // rows * rows
            for start in range(0, full, rows):
                chosen = members[start : min(start + rows, full)]
                batches.append((pairs[chosen], (source_width, target_width)))
                tokens.append(int(sources[chosen].sum() + targets[chosen].sum()))
            rest = members[full:]
        if self.shuffle:
            order = random.permutation(len(batches))
            batches, tokens = [batches[i] for i in order], [tokens[i] for i in order]
        return batches, tokens

    def _collate(self, pairs: np.ndarray, widths: tuple[int, int]) -> Batch:
        rank, world = self.share
        rows = len(pairs[rank::world])  # that count
        pairs = pairs[rank::world] if rows else pairs[:1]
        sources = [self.store.source(int(p)) for p in pairs]
        targets = [self.store.target(int(p)) for p in pairs]
        if self.trim:
            widths = (max(map(len, sources)), max(map(len, targets)))
        else:  # one shape a bucket: a batch that is not full repeats its pairs with weight 0
            full = min(self.batching.max_rows, max(1, self.batching.tokens // sum(widths)))
            full = -(-full // world)
            sources = [sources[i % len(pairs)] for i in range(full)]
            targets = [targets[i % len(pairs)] for i in range(full)]
        source = pad(sources, widths[0])
        target_output = pad(targets, widths[1])
        target_input, target_output = shift(target_output)
        weights = (target_output != PAD).astype(np.float32)
        weights[rows:] = 0.0
        batch = Batch(source, target_input, target_output, weights)
        if not self.guided:
            return batch
        links = [self.store.links(int(p)) for p in pairs]
        return batch._replace(guide=guide(links, (*target_output.shape, source.shape[1])))


def shift(target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Teacher forcing, written here and nowhere else: `(batch, target)` ids -> decoder input and expected output.

    The output is the target itself, up to its EOS; the input is BOS and the same one step later.
    """
    first = np.full((len(target), 1), BOS, target.dtype)
    return np.concatenate([first, target[:, :-1]], axis=1), target


def guide(links: list[np.ndarray], shape: tuple[int, int, int]) -> np.ndarray:
    """Returns the attention that `links` want, evenly over the source pieces that a target piece is linked to.

    Args:
        links: Of each row, `(links, 2)`: places of linked pieces in the source and in the target.
        shape: `(batch, target, source)` of what is returned, float32; rows without links, further ones too, are 0.
    """
    wanted = np.zeros(shape, np.float32)
    for row, places in zip(wanted, links, strict=False):
        row[places[:, 1], places[:, 0]] = 1.0
    return wanted / np.maximum(wanted.sum(axis=2, keepdims=True), 1.0)


def pad(rows: list[Any], width: int | None = None) -> np.ndarray:
    """Returns `(len(rows), width)` int32, right-padded with PAD; width None: the longest row, at least 1."""
    width = max([1, *map(len, rows)]) if width is None else width
    padded = np.full((len(rows), width), PAD, np.int32)
    for row, ids in zip(padded, rows, strict=True):
        row[: len(ids)] = ids
    return padded


def _bucket_widths(store: TokenStore, batching: Batching) -> np.ndarray:
    """`(buckets, 2)`: source and target widths, each at least as wide as the one before.

    Boundaries are quantiles of a sample spread over the corpus, the last one its true maximum.
    """
    stride = max(1, len(store) // 100_000)
    sources, targets = store.source_lengths[::stride], store.target_lengths[::stride]
    order = np.argsort(np.maximum(sources, targets), kind="stable")
    groups = np.array_split(order, batching.buckets)
    widths = [(int(np.quantile(sources[g], 0.98)), int(np.quantile(targets[g], 0.98))) for g in groups if len(g)]
    widths.append((int(store.source_lengths.max()), int(store.target_lengths.max())))
    return np.unique(np.maximum.accumulate(np.asarray(widths, np.int64), axis=0), axis=0)
