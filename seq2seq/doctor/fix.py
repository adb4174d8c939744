"""Writes a cleaned copy of a corpus, and a log of every pair left out."""

from __future__ import annotations

import gzip
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO

import numpy as np

from seq2seq.doctor.characters import visible
from seq2seq.doctor.diagnose import Diagnosis
from seq2seq.doctor.kinds import BITS, KINDS, SIDES, bits
from seq2seq.doctor.reading import Chunk, Layout, chunks, decode
from seq2seq.files import follow_links
from seq2seq.folders import MARKER, whole_folder
from seq2seq.text.corpus import open_bytes
from seq2seq.text.lines import BOM

LOG = "dropped.tsv"
CLEAN = "seq2seq doctor --fix"
"""The kind of the folder it makes."""
REPAIRED = bits(*(kind.name for kind in KINDS.values() if kind.cure == "repair"))


@dataclass
class Fixed:
    """What `fix` did."""

    kept: int
    dropped: int
    repaired: int
    """Kept pairs whose text was changed."""
    files: list[Path]
    kinds: dict[str, int] = field(default_factory=dict)
    """Dropped and repaired pairs by kind; a repaired pair may count for several."""

    def count(self, names: Iterable[str]) -> None:
        """Counts a pair under these kinds."""
        for name in names:
            self.kinds[name] = self.kinds.get(name, 0) + 1

    def summary(self) -> str:
        """The result in a sentence or two."""
        where = " and ".join(str(path) for path in self.files)
        kinds = ", ".join(f"{name} {count:,}" for name, count in self.kinds.items())
        return (
            f"Wrote {self.kept:,} pairs to {where}: {self.dropped:,} dropped (see {LOG} there), {self.repaired:,} "
            "repaired." + (f" Pairs by kind: {kinds}." if kinds else "")
        )


def names(layout: Layout) -> list[str]:
    """Names of the copies: those of the originals, made longer where two would clash.

    Names that differ in case alone are one on some file systems. Of the compressed ones only .gz stay so.
    """
    found = [path.stem if path.suffix.lower() in (".xz", ".bz2", ".zip") else path.name for path in layout.paths]
    folded = {unicodedata.normalize("NFC", name).casefold() for name in (*found, LOG, MARKER)}
    if len(folded) == len(found) + 2:
        return found
    return [f"{what}-{name}" for what, name in zip(SIDES if len(found) > 1 else ("clean",), found, strict=True)]


def fix(
    diagnosis: Diagnosis, folder: Path, drop: int, progress: Callable[[str, float], None] = lambda what, share: None
) -> Fixed:
    """Writes the copy and the log into `folder`, whole or not at all.

    Args:
        diagnosis: Of the corpus.
        folder: Missing or empty, or one that this function made.
        drop: Bits of the kinds for which pairs are left out.
        progress: Called with the stage and its share done.

    Raises:
        ValueError: lines cannot be put together again, as the files are unequal or damaged; the folder holds
            something else.
    """
    if diagnosis.survey.unequal or diagnosis.survey.faults:
        raise ValueError(
            "--fix repairs lines, not files that are damaged or have unequal numbers of lines, where any pair may be "
            "wrong. Repair the files first, as described above. Nothing was written."
        )
    result = Fixed(0, 0, 0, [folder / name for name in names(diagnosis.layout)])
    with whole_folder(follow_links(folder), CLEAN) as partial, ExitStack() as stack:
        outputs = [_create(partial / name, stack) for name in names(diagnosis.layout)]
        log = _create(partial / LOG, stack)
        log.write(b"line\treason\tsource\ttarget\n")
        if diagnosis.layout.header:
            with open_bytes(diagnosis.layout.source) as file:
                outputs[0].write(file.readline().removeprefix(BOM).rstrip(b"\r\n") + b"\n")
        done = 0
        for chunk in chunks(diagnosis.layout):
            span = slice(done, done + len(chunk))
            _write(
                diagnosis, chunk, np.asarray(diagnosis.mask[span]), diagnosis.firsts[span], drop, outputs, log, result
            )
            done += len(chunk)
            progress("writing", done / max(1, diagnosis.report.pairs))
    return result


def _create(path: Path, stack: ExitStack) -> IO[bytes]:
    file = stack.enter_context(open(path, "wb"))
    if path.suffix != ".gz":
        return file
    packed = gzip.GzipFile("", "wb", fileobj=file, mtime=0)
    stack.callback(packed.close)
    return packed  # type: ignore[return-value]


def _write(
    diagnosis: Diagnosis,
    chunk: Chunk,
    mask: np.ndarray,
    firsts: np.ndarray,
    drop: int,
    outputs: list[IO[bytes]],
    log: IO[bytes],
    result: Fixed,
) -> None:
    layout = diagnosis.layout
    source, target = layout.texts(chunk)
    out = (mask & np.uint64(drop)) > 0
    changed = (mask & np.uint64(REPAIRED)) > 0
    records = decode(chunk.left).lines if layout.target is None else []
    lines: list[list[str]] = [[] for _ in outputs]
    for place in range(len(chunk)):
        sides = source.lines[place], target.lines[place]
        if out[place]:
            offset = 2 if layout.header else 1
            shown = "\t".join(_shown(texts.lines[place], texts.faults.get(place)) for texts in (source, target))
            reason = _reason(int(mask[place]) & drop, int(firsts[place]) + offset)
            log.write(f"{chunk.first + place}\t{reason}\t{shown}\n".encode())
            result.dropped += 1
            result.count([reason.split()[0]])
            continue
        if changed[place]:
            sides = diagnosis.menders[0](sides[0]), diagnosis.menders[1](sides[1])
            result.repaired += 1
            result.count(_repairs(int(mask[place])))
        result.kept += 1
        if layout.target is not None:
            lines[0].append(sides[0])
            lines[1].append(sides[1])
        else:
            lines[0].append(layout.join(records[place], *sides) if changed[place] else records[place])
    for output, rows in zip(outputs, lines, strict=True):
        output.write("".join(row + "\n" for row in rows).encode())


def _reason(value: int, first: int) -> str:
    """The most severe kind among the bits, as text for the log."""
    name, side = next(place for place, one in BITS.items() if one & value)
    if name in ("duplicate", "near_duplicate"):
        return f"{name} of line {first}"
    return f"{name} ({SIDES[side]})" if KINDS[name].sided else name


@cache
def _repairs(value: int) -> tuple[str, ...]:
    """The kinds among the bits that the copy repairs."""
    return tuple(dict.fromkeys(name for (name, _), one in BITS.items() if one & value & REPAIRED))


def _shown(text: str, fault: tuple[int, str] | None) -> str:
    return visible(fault[1] if fault else text)
