"""Text that can be read only once, as from a pipe: it is copied to a file first, as the doctor reads it twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from seq2seq.pipeline.corpus import CorpusError, Text

BLOCK = 1 << 20


class Spool:
    """Copies what is no regular file, each once.

    Args:
        folder: For the copies.
        progress: Called with what is being done, and 0.
    """

    def __init__(self, folder: Path, progress: Callable[[str, float], None] = lambda what, share: None):
        self.folder, self.progress = folder, progress
        self.copies: dict[Path, Path] = {}

    def __call__(self, text: Text) -> Text:
        """Returns the text with its pipes replaced by copies.

        Raises:
            CorpusError: a pipe cannot be read.
        """
        source = self._copied(text.source)
        if text.target is None:
            return replace(text, source=source)
        return replace(text, source=source, target=self._copied(text.target))

    def _copied(self, path: Path) -> Path:
        if not _is_pipe(path):
            return path
        if path not in self.copies:
            self.progress(f"reading {path}", 0.0)
            copy = self.folder / f"pipe-{len(self.copies)}" / path.name
            copy.parent.mkdir()
            try:
                with open(path, "rb") as source, open(copy, "wb") as target:
                    while block := source.read(BLOCK):
                        target.write(block)
                        self.progress(f"reading {path}", 0.0)
            except PermissionError:
                raise CorpusError(f"{path}: no permission to read it.") from None
            self.copies[path] = copy
        return self.copies[path]


def _is_pipe(path: Path) -> bool:
    try:
        return path.is_fifo() or path.is_char_device() or path.is_socket()
    except (OSError, ValueError):
        return False  # its reader says what is wrong
