"""The batches of an epoch, planned from the lengths of the rows alone.

Position in the data is a pure function of (seed, epoch, step): a plan can be made again at any time, and any of its
batches without those before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from seq2seq.types import Batch

Widths = tuple[int, ...]
"""Entries to which a row is padded, one for each column."""
Cost = Callable[[Widths], int]
"""What a row padded to these widths costs, at least 1. A batch costs at most `Batching.tokens`."""


class Rows(Protocol):
    """What a plan reads: a `Store`, or anything with columns as it has."""

    def __len__(self) -> int: ...

    def __getitem__(self, name: str) -> SequenceColumn: ...

    def lengths(self, name: str) -> np.ndarray:
        """Returns the lengths of a column's rows, `(rows,)`."""
        ...


class SequenceColumn(Protocol):
    """One column of `Rows`."""

    def __getitem__(self, row: int) -> np.ndarray:
        """Returns a row, `(length, …)`."""
        ...


class Batches(Protocol):
    """The batches of an epoch by step: a `Plan`, or anything that `fit` can read like one."""

    def __len__(self) -> int:
        """Steps."""
        ...

    def __getitem__(self, step: int) -> Batch: ...


class EpochPlan(Batches, Protocol):
    """The batches of an epoch, and how much is in them."""

    def length(self, step: int) -> int:
        """Returns the entries of all rows and columns of a step, without padding."""
        ...


@dataclass(frozen=True)
class Layout:
    """How rows of a store become a batch: what a task says of its data."""

    columns: tuple[str, ...]
    """The columns that are padded."""
    collate: Callable[[Rows, np.ndarray, Widths], Batch]
    """`(store, numbers of rows, widths) -> batch` of those rows in this order, each column padded to its width."""
    cost: Cost = sum


@dataclass(frozen=True)
class Batching:
    """How rows become batches."""

    # For recipes: their checks and their --help read these fields.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "use_attribute_docstrings": True}

    tokens: int = 2560
    """Padded source and target tokens of a batch, at most (one pair always fits)."""
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

    def rows(self, cost: int) -> int:
        """Returns how many rows of this cost a full batch has."""
        return min(self.max_rows, max(1, self.tokens // cost))


class Step(NamedTuple):
    """A batch before it is made."""

    rows: np.ndarray
    """`(rows,)`, int64: numbers in the store."""
    widths: Widths
    """Of its bucket."""
    length: int
    """Entries of all rows and columns, without padding."""


class Plan:
    """The batches of one epoch over a store.

    Rows go through in windows: blocks of the store in random order, within a window all rows in random order, then
    into buckets by length. The rest of a bucket moves into the next wider one: only the last batch of a window is not
    full.

    Args:
        store: What the rows are in.
        layout: The columns to pad, what a padded row costs, and what makes a batch of rows.
        batching: The sizes.
        seed: Of the shuffle.
        epoch: Each epoch has another order.
        shuffle: False: sorted by length only, for validation.
        trim: Pad to the longest row of a batch instead of to its bucket. For backends where a new shape is cheap.
        rank: Which of `size` processes this is: of each batch it gets every `size`-th row, from `rank` on. Where a
            batch has fewer rows than there are processes, those without one get a row of weight 0.
        size: The number of processes.

    Raises:
        ValueError: the store is empty.
    """

    BLOCK = 1 << 12

    def __init__(
        self,
        store: Rows,
        layout: Layout,
        batching: Batching,
        seed: int,
        epoch: int = 0,
        *,
        shuffle: bool = True,
        trim: bool = True,
        rank: int = 0,
        size: int = 1,
    ):
        if not len(store):
            raise ValueError("The store is empty: there is nothing to make batches of.")
        self.store, self.layout, self.batching = store, layout, batching
        self.seed, self.epoch, self.shuffle, self.trim = seed, epoch, shuffle, trim
        self.rank, self.size = rank, size
        self.widths = _bucket_widths([store.lengths(name) for name in layout.columns], batching.buckets)
        self._window = lru_cache(maxsize=2)(self._make_window)
        blocks = np.arange(-(-len(store) // self.BLOCK))
        if shuffle:
            blocks = self._random(0).permutation(blocks)
        per_window = max(1, batching.window // self.BLOCK)
        self._blocks = [blocks[i : i + per_window] for i in range(0, len(blocks), per_window)]
        self._starts = np.concatenate([[0], np.cumsum([len(self._window(w)) for w in range(len(self._blocks))])])

    def __len__(self) -> int:
        """Steps of the epoch."""
        return int(self._starts[-1])

    def __getitem__(self, step: int) -> Batch:
        """Returns a batch. Where shapes must not vary it is filled up with rows of weight 0."""
        planned = self._step(step)
        rows = planned.rows[self.rank :: self.size]
        count = len(rows)
        if not count:
            rows = planned.rows[:1]
        widths = planned.widths
        if self.trim:
            widths = tuple(max(1, int(self.store.lengths(name)[rows].max())) for name in self.layout.columns)
        else:
            full = -(-self.batching.rows(self.layout.cost(widths)) // self.size)
            rows = np.resize(rows, full)
        batch = self.layout.collate(self.store, rows, widths)
        batch.weights[count:] = 0.0
        return batch

    def __iter__(self) -> Iterator[Batch]:
        return (self[step] for step in range(len(self)))

    def rows(self, step: int) -> np.ndarray:
        """Returns the numbers in the store of a step's rows, those of all processes, `(rows,)`."""
        return self._step(step).rows

    def length(self, step: int) -> int:
        """Returns the entries of all rows and columns of a step, without padding."""
        return self._step(step).length

    def _step(self, step: int) -> Step:
        window = int(np.searchsorted(self._starts, step, side="right")) - 1
        return self._window(window)[step - int(self._starts[window])]

    def _random(self, *key: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, self.epoch, *key])

    def _make_window(self, number: int) -> list[Step]:
        """Returns the steps of a window in their order."""
        size, random = len(self.store), self._random(1, number)
        rows = np.concatenate(
            [np.arange(b * self.BLOCK, min((b + 1) * self.BLOCK, size)) for b in self._blocks[number]]
        )
        lengths = np.stack(
            [np.asarray(self.store.lengths(name)[rows], np.int64) for name in self.layout.columns], axis=1
        )
        # Random among equals: rows of one shape meet other partners in every epoch.
        order = np.lexsort((random.random(len(rows)) if self.shuffle else rows, *lengths.T))
        steps = self._fill_buckets(rows[order], lengths[order])
        return [steps[i] for i in random.permutation(len(steps))] if self.shuffle else steps

    def _fill_buckets(self, rows: np.ndarray, lengths: np.ndarray) -> list[Step]:
        """Cuts sorted rows, `(rows,)` with lengths `(rows, columns)`, into batches."""
        fits = (lengths[:, None] <= self.widths).all(axis=2)  # (rows, buckets)
        bucket = fits.argmax(axis=1)
        steps: list[Step] = []
        rest = np.zeros(0, np.int64)
        for index, widths in enumerate(map(tuple, self.widths.tolist())):
            members = np.concatenate([rest, np.flatnonzero(bucket == index)])
            height = self.batching.rows(self.layout.cost(widths))
            full = len(members) if index == len(self.widths) - 1 else len(members) // height * height
            for start in range(0, full, height):
                chosen = members[start : min(start + height, full)]
                steps.append(Step(rows[chosen], widths, int(lengths[chosen].sum())))
            rest = members[full:]
        return steps


def _bucket_widths(lengths: Sequence[np.ndarray], buckets: int) -> np.ndarray:
    """Returns `(buckets, columns)` widths, each row at least as wide as the one before.

    Boundaries are quantiles of a sample spread over the store, the last ones its true maxima.

    Args:
        lengths: Of each column, `(rows,)`.
        buckets: At most so many, and one for the maxima.
    """
    stride = max(1, len(lengths[0]) // 100_000)
    sample = np.stack([column[::stride] for column in lengths], axis=1)
    order = np.argsort(sample.max(axis=1), kind="stable")
    groups = [sample[group] for group in np.array_split(order, buckets) if len(group)]
    widths = [[int(np.quantile(column, 0.98)) for column in group.T] for group in groups]
    widths.append([int(column.max()) for column in lengths])
    widest_so_far = np.maximum.accumulate(np.asarray(widths, np.int64), axis=0)
    return np.unique(np.maximum(widest_so_far, 1), axis=0)
