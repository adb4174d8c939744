"""Pairs of texts as ids in a store."""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.pipeline.store import Column, Store
from seq2seq.symbols import EOS
from seq2seq.text.examples import AlignmentPoints, Example

CHUNK = 4096
"""Lines tokenised at once."""
TOKENS, POINTS = Column("int32"), Column("int32", (2,))

Encode = Callable[[list[str], int], list[list[int]]]
"""`(lines, number of the chunk) -> ids of each line`, without EOS; the number seeds what is drawn at random."""
Align = Callable[[list[Example], list[list[int]], list[list[int]]], list[AlignmentPoints]]
"""`(examples, source ids, target ids) -> alignment of the tokens of each`."""


def write_token_store(
    folder: Path,
    examples: Iterable[Example],
    encode_source: Encode,
    encode_target: Encode,
    max_length: int,
    cut_source: int = 0,
    align: Align | None = None,
) -> Store:
    """Tokenises pairs into a store with the columns "source" and "target", whose rows end in EOS.

    Pairs with an empty side, or with too many tokens on one, are left out. The store's metadata has their numbers
    under "empty" and "too_long", and that of the shortened sources under "cut"; under "files" how many rows each file
    has.

    Args:
        folder: Of the store.
        examples: The pairs.
        encode_source: Tokenises sources.
        encode_target: Tokenises targets.
        max_length: Tokens of a side, at most, EOS not counted.
        cut_source: Tokens to which longer sources are cut before `max_length` applies; 0: none is cut.
        align: Aligns the tokens of the pairs that are left: the column "alignment", of places in the source and in the
            target, from 0.
    """
    counts, files = {"empty": 0, "too_long": 0, "cut": 0}, Counter[str]()

    def rows() -> Iterator[dict[str, Any]]:
        for number, chunk in enumerate(_chunks(examples)):
            sources = encode_source([example.source for example in chunk], number)
            targets = encode_target([example.target for example in chunk], number)
            pairs = list(zip(chunk, sources, targets, strict=True))
            kept = _select(pairs, max_length, cut_source, counts)
            alignments = align(*map(list, zip(*kept, strict=True))) if align and kept else [[]] * len(kept)
            files.update(example.file for example, _, _ in kept)
            for (_, source, target), points in zip(kept, alignments, strict=True):
                row = {"source": [*source, EOS], "target": [*target, EOS]}
                yield row | {"alignment": points} if align else row

    columns = {"source": TOKENS, "target": TOKENS} | ({"alignment": POINTS} if align else {})
    return Store.write(folder, rows(), columns, ChainMap({"files": files}, counts))


def rows_by_file(store: Store, files: Sequence[str]) -> list[int]:
    """Returns how many rows of a store each file has, in the order of the files, which all differ.

    Raises:
        ValueError: the store does not say, or has rows of other files.
    """
    known = store.metadata.get("files")
    known = known if isinstance(known, dict) else {}
    counts = [known.get(file, 0) for file in files]
    if any(type(count) is not int or count < 0 for count in counts) or sum(counts) != len(store):
        raise store.damaged(f"it does not have the rows of {', '.join(files)}")
    return counts


def check_ids(store: Store, source_size: int, target_size: int) -> None:
    """Raises ValueError if an id is beyond its vocabulary, or an alignment outside its pair.

    Reads all values, in constant memory.
    """
    store.check_below("source", source_size)
    store.check_below("target", target_size)
    if "alignment" in store:
        _check_alignment(store)


def _check_alignment(store: Store) -> None:
    counts, points, done = store.lengths("alignment"), store["alignment"].values, 0
    for start in range(0, len(store), CHUNK):
        rows = slice(start, start + CHUNK)
        lengths = np.stack([store.lengths("source")[rows], store.lengths("target")[rows]], axis=1)
        limits = np.repeat(lengths.astype(np.int64), counts[rows], axis=0)
        values = points[done : done + len(limits)]
        if ((values < 0) | (values >= limits)).any():
            raise store.damaged("alignment holds a position outside its pair")
        done += len(limits)


def counts_of(store: Store) -> dict[str, int]:
    """Returns how many pairs were left out of a store, and how many sources were cut: "empty", "too_long", "cut"."""
    counts = {name: store.metadata.get(name) for name in ("empty", "too_long", "cut")}
    return {name: count if type(count) is int else 0 for name, count in counts.items()}


_Pair = tuple[Example, list[int], list[int]]
"""An example and the ids of its source and target."""


def _select(pairs: list[_Pair], max_length: int, cut_source: int, counts: dict[str, int]) -> list[_Pair]:
    """Returns the pairs to keep, with their sources cut; counts the others and what was cut."""
    filled = [pair for pair in pairs if pair[1] and pair[2]]
    counts["empty"] += len(pairs) - len(filled)
    if cut_source:
        counts["cut"] += sum(len(source) > cut_source for _, source, _ in filled)
        filled = [(example, source[:cut_source], target) for example, source, target in filled]
    fitting = [pair for pair in filled if max(len(pair[1]), len(pair[2])) <= max_length]
    counts["too_long"] += len(filled) - len(fitting)
    return fitting


def _chunks(examples: Iterable[Example]) -> Iterator[list[Example]]:
    iterator = iter(examples)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
