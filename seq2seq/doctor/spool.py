"""Copies text from pipes, CSV, JSON arrays or several files into one file with a record per line.

The doctor reads that file twice and reports findings by its line numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from seq2seq.files import format_json
from seq2seq.text.corpus import CorpusError, Joined, ParallelText, Records, Text, kind_of
from seq2seq.text.examples import Example
from seq2seq.text.lines import without_mark
from seq2seq.text.opening import plain_name, reading

BLOCK = 1 << 20


class Spool:
    """Copies everything that is not a regular file with a record per line, each once.

    Args:
        folder: For the copies.
        progress: Called with the stage, and 0.
    """

    def __init__(self, folder: Path, progress: Callable[[str, float], None] = lambda what, share: None):
        self.folder, self.progress = folder, progress
        self.copies: dict[Path, Path] = {}
        self.notes: list[str] = []
        """Notes on the copies, for the report."""

    def __call__(self, text: Text) -> ParallelText | Records:
        """Returns the text, or a copy of it.

        Raises:
            CorpusError: a file cannot be read.
        """
        if isinstance(text, Joined):
            return self._joined([self._without_pipes(one) for one in text.texts])
        text = self._without_pipes(text)
        if isinstance(text, Records) and kind_of(text.source) in ("csv", "json"):
            return self._as_json_lines([text])
        return text

    def _without_pipes(self, text: ParallelText | Records) -> ParallelText | Records:
        if isinstance(text, Records):
            return replace(text, source=self._copied(text.source))
        return ParallelText(self._copied(text.source), self._copied(text.target) if text.target else None)

    def _joined(self, texts: list[ParallelText | Records]) -> ParallelText | Records:
        pairs = [text for text in texts if isinstance(text, ParallelText)]
        if len(pairs) < len(texts):
            return self._as_json_lines(texts)
        source, counts = self._put_together([text.source for text in pairs])
        targets = [text.target for text in pairs if text.target]
        if not targets or targets == [text.source for text in pairs]:
            return ParallelText(source, source if targets else None)
        target, others = self._put_together(targets)
        for text, count, other in zip(pairs, counts, others, strict=True):
            if count != other:
                list(text)  # raises, and names the line
        return ParallelText(source, target)

    def _put_together(self, paths: list[Path]) -> tuple[Path, list[int]]:
        """Returns a file with the lines of all, and how many each has."""
        copy, counts = self._new(plain_name(paths[0])), []
        with open(copy, "wb") as out:
            for path in paths:
                self.progress(f"reading {path}", 0.0)
                with reading(path) as file:
                    block, count, end = without_mark(file.read(BLOCK), str(path)), 0, b"\n"
                    while block:
                        out.write(block)
                        count, end = count + block.count(b"\n"), block[-1:]
                        block = file.read(BLOCK)
                    out.write(b"\n" * (end != b"\n"))
                    counts.append(count + (end != b"\n"))
        names = ", ".join(f"{path.name} ({count:,})" for path, count in zip(paths, counts, strict=True))
        self.notes.append(f"Line numbers go through several files, one after the other: {names}.")
        return copy, counts

    def _as_json_lines(self, texts: Sequence[ParallelText | Records]) -> Records:
        """Returns a copy with a record a line."""
        first = texts[0]
        fields = (first.source_field, first.target_field) if isinstance(first, Records) else ("source", "target")
        copy = self._new(f"{Path(plain_name(first.source)).stem}.jsonl")
        with open(copy, "w", encoding="utf-8", newline="\n") as out:
            for text in texts:
                self.progress(f"reading {text.source}", 0.0)
                rows = (row for _, row in text.rows()) if isinstance(text, Records) else map(_row, text)
                out.writelines(format_json(row) + "\n" for row in rows)
        names = ", ".join(text.source.name for text in texts)
        self.notes.append(f"Line numbers are those of the records of {names}; --fix writes them as {copy.name}.")
        return Records(copy, *fields)

    def _new(self, name: str) -> Path:
        path = self.folder / f"copy-{len(list(self.folder.glob('copy-*')))}" / name
        path.parent.mkdir()
        return path

    def _copied(self, path: Path) -> Path:
        if not _is_pipe(path):
            return path
        if path not in self.copies:
            self.progress(f"reading {path}", 0.0)
            copy = self._new(path.name)
            try:
                with open(path, "rb") as source, open(copy, "wb") as target:
                    while block := source.read(BLOCK):
                        target.write(block)
                        self.progress(f"reading {path}", 0.0)
            except PermissionError:
                raise CorpusError(f"{path}: no permission to read it.") from None
            self.copies[path] = copy
        return self.copies[path]


def _row(pair: Example) -> dict[str, str]:
    return {"source": pair.source, "target": pair.target}


def _is_pipe(path: Path) -> bool:
    try:
        return path.is_fifo() or path.is_char_device() or path.is_socket()
    except (OSError, ValueError):
        return False  # its reader says what is wrong
