"""Tokenised pairs on disk, memory-mapped: written in one pass, read in any order, in constant memory."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.files import read_json, write_bytes
from seq2seq.folders import whole_folder
from seq2seq.symbols import EOS
from seq2seq.types import AlignmentPoints, Example

_log = logging.getLogger(__name__)

CHUNK = 4096
"""Lines tokenised at once."""
BLOCK = 1 << 20
"""Ids checked at once."""

Encode = Callable[[list[str], int], list[list[int]]]
"""`(lines, number of the chunk) -> ids of each line`, without EOS; the number seeds what is drawn at random."""
Link = Callable[[list[Example], list[list[int]], list[list[int]]], list[AlignmentPoints]]
"""`(examples, source ids, target ids) -> links between the pieces of each`."""

KIND = "a training run"
"""The kind of folder that a store is."""


class TokenStore:
    """Pairs of id sequences, each ending in EOS; where asked with the links between their pieces.

    Args:
        folder: What `write` made.

    Raises:
        ValueError: the folder is not a whole store.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        try:
            self.counts: dict[str, int] = read_json(self.folder / "store.json")
            self.sides = [_Side(self.folder, name) for name in ("source", "target")]
            self._links = _Side(self.folder, "links") if (self.folder / "links.lengths").exists() else None
            found = {self.counts["pairs"], *map(len, [*self.sides, *([self._links] if self._links else [])])}
            if len(found) > 1:
                raise ValueError(f"it names or holds {' and '.join(map(str, sorted(found)))} pairs")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{folder} is no whole token store ({error}). Delete it, it will be made again."
            ) from error

    def __len__(self) -> int:
        return len(self.sides[0])

    def check_ids(self, source_size: int, target_size: int) -> None:
        """Raises ValueError if an id is beyond its vocabulary. Reads all ids, in constant memory."""
        for name, side, size in zip(("source", "target"), self.sides, (source_size, target_size), strict=True):
            highest = max((int(side.ids[at : at + BLOCK].max()) for at in range(0, len(side.ids), BLOCK)), default=0)
            if highest >= size:
                raise ValueError(
                    f"{self.folder} is no whole token store ({name}.ids holds the id {highest:,}, the vocabulary has "
                    f"{size:,}). Delete it, it will be made again."
                )

    @property
    def source_lengths(self) -> np.ndarray:
        """`(pairs,)`: ids of each source, EOS included; memory-mapped."""
        return self.sides[0].lengths

    @property
    def target_lengths(self) -> np.ndarray:
        """`(pairs,)`: ids of each target, EOS included; memory-mapped."""
        return self.sides[1].lengths

    def source(self, pair: int) -> np.ndarray:
        return self.sides[0][pair]

    def target(self, pair: int) -> np.ndarray:
        return self.sides[1][pair]

    @property
    def has_links(self) -> bool:
        """Whether it was written with links."""
        return self._links is not None

    def links(self, pair: int) -> np.ndarray:
        """`(links, 2)`: places of linked pieces in the source and in the target, from 0; ValueError without links."""
        if self._links is None:
            raise ValueError(f"{self.folder} has no links between its pieces: it was written without.")
        return self._links[pair].reshape(-1, 2)

    @classmethod
    def write(
        cls,
        folder: Path,
        examples: Iterable[Example],
        encode_source: Encode,
        encode_target: Encode,
        max_length: int,
        cut_source: int = 0,
        link: Link | None = None,
    ) -> TokenStore:
        """Tokenises `examples` into `folder`, under a temporary name first.

        Sources with more than `cut_source` pieces, if that is not 0, are cut there. Then pairs with an empty side, or
        with more than `max_length` pieces on one, are left out. All of them are counted. With `link` the links that it
        finds between the pieces that are left go with them.
        """
        folder = Path(folder)
        counts = {"pairs": 0, "empty": 0, "too_long": 0, "cut": 0}
        with whole_folder(folder, KIND) as partial:
            with ExitStack() as files:
                names = ("source", "target", *(("links",) if link else ()))
                sources, targets, *linked = [files.enter_context(_Writer(partial, name)) for name in names]
                for number, chunk in enumerate(_chunks(examples)):
                    pairs = zip(
                        chunk,
                        encode_source([e.source for e in chunk], number),
                        encode_target([e.target for e in chunk], number),
                        strict=True,
                    )
                    kept = [(example, source, target) for example, source, target in pairs if source and target]
                    if cut_source:
                        counts["cut"] += sum(len(source) > cut_source for _, source, _ in kept)
                        kept = [(example, source[:cut_source], target) for example, source, target in kept]
                    fitting = [pair for pair in kept if max(map(len, pair[1:])) <= max_length]
                    counts["empty"] += len(chunk) - len(kept)
                    counts["too_long"] += len(kept) - len(fitting)
                    counts["pairs"] += len(fitting)
                    parts = [list(part) for part in zip(*fitting, strict=True)] or [[], [], []]
                    sources.add(parts[1], [EOS])
                    targets.add(parts[2], [EOS])
                    if link:
                        linked[0].add([[*chain.from_iterable(links)] for links in link(*parts)])
            (partial / "store.json").write_text(json.dumps(counts), "utf-8")
        return cls(folder)


class _Writer:
    """Appends sequences to `<name>.ids` and their lengths to `<name>.lengths`."""

    def __init__(self, folder: Path, name: str):
        self.files = ExitStack()
        self.ids = self.files.enter_context(open(folder / f"{name}.ids", "wb"))
        self.lengths = self.files.enter_context(open(folder / f"{name}.lengths", "wb"))

    def add(self, sequences: list[list[int]], end: Sequence[int] = ()) -> None:
        flat = chain.from_iterable((*ids, *end) for ids in sequences)
        write_bytes(self.ids, np.fromiter(flat, "<u4").tobytes())
        write_bytes(self.lengths, np.fromiter((len(ids) + len(end) for ids in sequences), "<u4").tobytes())

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: Any) -> None:
        self.files.close()


class _Side:
    """One side of a store: all ids in a row, and where each sequence begins."""

    STRIDE = 1024

    def __init__(self, folder: Path, name: str):
        self.lengths = _map(folder / f"{name}.lengths")
        self.ids = _map(folder / f"{name}.ids")
        # Every 1024th offset is enough: the rest is summed when asked for, so memory hardly grows with the corpus.
        blocks = [
            self.lengths[i : i + self.STRIDE].sum(dtype=np.int64) for i in range(0, len(self.lengths), self.STRIDE)
        ]
        self.starts = np.concatenate([[0], np.cumsum(blocks)]).astype(np.int64)
        if self.starts[-1] != len(self.ids):
            raise ValueError(f"{name}.ids holds {len(self.ids):,} ids, expected {self.starts[-1]:,}")

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> np.ndarray:
        block = index // self.STRIDE
        start = int(self.starts[block]) + int(self.lengths[block * self.STRIDE : index].sum(dtype=np.int64))
        return self.ids[start : start + int(self.lengths[index])]


def _map(path: Path) -> np.ndarray:
    return np.memmap(path, "<u4", "r") if path.stat().st_size else np.zeros(0, "<u4")


def _chunks(examples: Iterable[Example]) -> Iterator[list[Example]]:
    iterator = iter(examples)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
