"""The first look: how many lines, a sample spread over them, and whether the two files run in parallel."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from seq2seq.doctor.columns import Column
from seq2seq.doctor.reading import Chunk, Layout, Reader, chunks_of

SAMPLE = 10_000
"""Pairs in the sample of a large corpus, at least; at most twice as many. Of a small one, all."""
LONGEST = 20_000
"""Bytes; longer pairs stay out of the sample."""
WINDOW = 500
"""Pairs over which the lengths of both sides are compared."""
BLOCK = 32
"""Lines; where files part is found to such a block."""
_SLICE = 1 << 20


@dataclass
class Survey:
    """Results of the first pass."""

    lines: list[int]
    """Lines of each file, header included."""
    pairs: int
    bytes: int
    """Size of the text, decompressed."""
    sample: list[tuple[str, str]]
    faults: list[tuple[Path, str, str]] = field(default_factory=list)
    """Damaged files: what is wrong, what to do."""
    boms: list[Path] = field(default_factory=list)
    """Files that begin with a byte order mark."""
    unrelated: list[tuple[int, int]] = field(default_factory=list)
    """First and last line of stretches whose lengths do not correlate."""
    parting: int | None = None
    """For files of unequal length, the line near which they diverge; None if only the end is missing, or if they are
    equal."""

    @property
    def unequal(self) -> bool:
        """Whether one file has more lines than the other."""
        return len(set(self.lines)) > 1


def survey(layout: Layout, folder: Path, progress: Callable[[float], None] = lambda share: None) -> Survey:
    """Reads a corpus once.

    Args:
        layout: Where it is.
        folder: For temporary files.
        progress: Called with the share of the files' bytes that has been read.
    """
    lengths: list[Column] = []
    buffers: list[array[int]] = []
    readers: list[Reader] = []
    for number, path in enumerate(layout.paths):
        buffer = array("I")
        lengths.append(Column(folder / f"bytes-{number}", "<u4"))
        buffers.append(buffer)
        readers.append(Reader(path, buffer.append))

    size = max(1, sum(path.stat().st_size for path in layout.paths))

    def flush() -> None:
        progress(min(1.0, sum(reader.position() for reader in readers) / size))
        for buffer, column in zip(buffers, lengths, strict=True):
            column.append(np.array(buffer, np.uint32))
            del buffer[:]

    sample, windows, pairs = _Sample(layout), _Windows(), 0
    for chunk in chunks_of(layout, readers):
        pairs += len(chunk)
        sample.add(chunk)
        if chunk.right is not None:
            windows.add(chunk)
        flush()
    for reader in readers:
        reader.drain(flush)
    flush()
    result = Survey([reader.lines for reader in readers], pairs, sum(r.bytes for r in readers), sample.texts())
    for reader, path in zip(readers, layout.paths, strict=True):
        if reader.fault:
            result.faults.append((path, *reader.fault))
        if reader.has_bom:
            result.boms.append(path)
    if result.unequal:
        result.parting = parting(lengths[0].array(), lengths[1].array())
    else:
        result.unrelated = windows.unrelated()
    return result


class _Sample:
    """Every n-th pair, n doubled whenever there are too many."""

    def __init__(self, layout: Layout) -> None:
        self.layout, self.stride = layout, 1
        self.kept: list[tuple[int, bytes, bytes | None]] = []

    def add(self, chunk: Chunk) -> None:
        start = -chunk.first % self.stride
        for place in range(start, len(chunk), self.stride):
            left, right = chunk.left[place], chunk.right[place] if chunk.right is not None else None
            if len(left) + len(right or b"") <= LONGEST:
                self.kept.append((chunk.first + place, left, right))
        while len(self.kept) >= 2 * SAMPLE:
            self.stride *= 2
            self.kept = [row for row in self.kept if row[0] % self.stride == 0]

    def texts(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for start in range(0, len(self.kept), 1000):
            rows = self.kept[start : start + 1000]
            right = None if self.layout.target is None else [row[2] or b"" for row in rows]
            source, target = self.layout.texts(Chunk(rows[0][0], [row[1] for row in rows], right))
            bad = set(source.faults) | set(target.faults)
            both = zip(source.lines, target.lines, strict=True)
            found += [pair for place, pair in enumerate(both) if place not in bad]
        return found


class _Windows:
    """Correlation of the lengths of both sides, window by window."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, float]] = []

    def add(self, chunk: Chunk) -> None:
        source, target = (
            np.log(np.fromiter(map(len, lines), float) + 5) for lines in (chunk.left, chunk.right or chunk.left)
        )
        for start in range(0, len(chunk) - WINDOW + 1, WINDOW):
            a, b = source[start : start + WINDOW], target[start : start + WINDOW]
            a, b = a - a.mean(), b - b.mean()
            scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
            if scale > 0:
                first = chunk.first + start
                self.rows.append((first, first + WINDOW - 1, float((a * b).sum()) / scale))

    def unrelated(self) -> list[tuple[int, int]]:
        """Stretches of at least two windows with less than a third of the usual correlation."""
        usual = float(np.median([row[2] for row in self.rows])) if self.rows else 0.0
        if usual < 0.5:
            return []
        stretches: list[list[int]] = []
        for first, last, correlation in self.rows:
            if correlation >= usual / 3:
                continue
            if stretches and first - stretches[-1][1] <= WINDOW:
                stretches[-1][1] = last
            else:
                stretches.append([first, last])
        return [(first, last) for first, last in stretches if last - first >= WINDOW]


def parting(source: np.ndarray, target: np.ndarray) -> int | None:
    """Returns the line from which two files of unequal length match better with the longer one shifted.

    Before that line pairs match directly, after it with the surplus lines skipped; the line minimises the sum of both
    misfits. None if that is the end.

    Args:
        source, target: Bytes of each line.
    """
    if len(source) < len(target):
        source, target = target, source
    skip, count = len(source) - len(target), len(target)
    if not count:
        return None
    places = np.linspace(0, count - 1, min(count, 100_000)).astype(np.int64)
    usual = float(np.median(np.log(source[places] + 5.0) - np.log(target[places] + 5.0)))
    gains = []
    for begin in range(0, count, _SLICE):
        end = min(begin + _SLICE, count)
        short = np.log(target[begin:end] + 5.0)
        direct = np.abs(np.log(source[begin:end] + 5.0) - short - usual)
        shifted = np.abs(np.log(source[begin + skip : end + skip] + 5.0) - short - usual)
        gains.append(np.add.reduceat(direct - shifted, np.arange(0, end - begin, BLOCK)))
    so_far = np.concatenate([[0.0], np.cumsum(np.concatenate(gains))])
    best = int(np.argmin(so_far))
    if so_far[-1] - so_far[best] < 3.0:  # shifting gains too little
        return None
    return best * BLOCK + 1
