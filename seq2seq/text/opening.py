"""Files to bytes, compressed or not. Files that are not text, by name or by content, are refused."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

COMPRESSED = (".gz", ".xz", ".bz2", ".zip")
"""Suffixes of compressed files that can be read directly."""

READABLE = (
    "plain text with one sentence per line, or both sides in a .tsv, .csv, .json or .jsonl; "
    f"each also as {', '.join(COMPRESSED[:-1])} or {COMPRESSED[-1]}"
)
"""The supported formats, for messages."""

_BLOCK = 1 << 16
_LARGE, _MAX_RATIO = 1 << 30, 500
"""A file that unpacks to more than this many bytes, and to more than this many times its size, is not text."""

_OTHER_FORMATS = {  # without suffixes that are language codes, such as .pt and .br
    "a spreadsheet": (".xlsx", ".xls", ".ods", ".numbers"),
    "an office document": (".docx", ".doc", ".odt", ".rtf", ".pages", ".pptx"),
    "a PDF": (".pdf",),
    "a binary table": (".parquet", ".arrow", ".feather", ".avro", ".sqlite", ".db"),
    "a binary array": (".npy", ".npz", ".pkl", ".pickle", ".h5", ".hdf5"),
    "a translation memory": (".tmx", ".xlf", ".xliff", ".sdlxliff"),
    "an archive": (".tar.gz", ".tar.xz", ".tar.bz2", ".tgz", ".tbz2", ".txz", ".7z"),
    "compressed in an unsupported format": (".zst", ".lz4", ".lzma"),
}


class CorpusError(ValueError):
    """A text file has an error. The message names the file and the line."""


def plain_name(path: Path) -> str:
    """Returns the name of a file without compression, in lower case. Its suffix decides how it is read.

    A zip file whose own name has no further suffix, such as `corpus.zip`, takes the name of its member.
    """
    name = path.name.lower()
    ending = next((ending for ending in COMPRESSED if name.endswith(ending)), "")
    name = name.removesuffix(ending)
    if ending == ".zip" and not Path(name).suffix and path.is_file():
        try:
            with zipfile.ZipFile(path) as archive:
                return Path(_only_member(archive, path).filename).name.lower()
        except Exception:
            pass  # reading it raises a message
    return name


def check_kind(path: Path) -> None:
    """Raises CorpusError for a file that is not text by its name."""
    name = path.name.lower()
    names = [name, *(name.removesuffix(ending) for ending in COMPRESSED if name.endswith(ending))]
    for what, endings in _OTHER_FORMATS.items():
        if found := [ending for ending in endings for one in names if one.endswith(ending)]:
            raise CorpusError(
                f"{path}: a {found[0]} file, {what}, cannot be read. Expected {READABLE}. "
                "Save or convert it as one of these, in UTF-8."
            )


@contextmanager
def reading(path: Path) -> Iterator[IO[bytes]]:
    """Opens a text file, compressed or not, to read its bytes.

    Raises:
        CorpusError: the file cannot be opened, has an unsupported format, or is damaged.
    """
    if "\0" in str(path):
        raise CorpusError(f"{str(path)!r} is not a file name: it holds a NUL.")
    try:
        with open_bytes(path) as file:
            yield file
    except FileNotFoundError:
        raise CorpusError(f"{path}: no such file.") from None
    except IsADirectoryError:
        raise CorpusError(f"{path} is a folder; expected a text file.") from None
    except PermissionError:
        raise CorpusError(f"{path}: no permission to read it.") from None


def open_bytes(path: Path) -> IO[bytes]:
    """Opens a file to read its bytes; a file with the suffix of a compressed file is unpacked.

    Raises:
        CorpusError: the file is not text by its name. Reading raises it too: for a damaged or encrypted file, an
            archive of several files, or one that unpacks to far more than text does.
    """
    check_kind(path)
    if path.suffix.lower() not in COMPRESSED:
        return open(path, "rb")
    return io.BufferedReader(_Unpacked(path), _BLOCK)


def bytes_read(file: IO[bytes]) -> int:
    """Returns how many bytes on disk have been read of a file that `open_bytes` opened."""
    raw = getattr(file, "raw", None)
    return raw.position() if isinstance(raw, _Unpacked) else file.tell()


class _Unpacked(io.RawIOBase):
    """The bytes of a compressed file. Errors in it are raised as CorpusError, whatever the library raises.

    Args:
        path: The file; its suffix gives the compression.
    """

    def __init__(self, path: Path):
        self._path, self._taken = path, 0
        self._packed = open(path, "rb")
        status = os.fstat(self._packed.fileno())
        self._size = status.st_size if stat.S_ISREG(status.st_mode) else None
        try:
            self._file = self._translated(self._open)
        except BaseException:
            self._packed.close()
            raise

    def position(self) -> int:
        """Returns how many bytes of the compressed file have been read."""
        return self._packed.tell()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._translated(lambda: self._file.read(len(buffer)))
        self._taken += len(data)
        if self._size is not None and self._taken > max(_LARGE, _MAX_RATIO * self._size):
            raise CorpusError(
                f"{self._path}: unpacks to more than {self._taken:,} bytes, {_MAX_RATIO} times its size: unlikely for "
                "text. If it is text, unpack it first."
            )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._packed.close()
        super().close()

    def _open(self) -> IO[bytes]:
        suffix = self._path.suffix.lower()
        if suffix == ".gz":
            return gzip.GzipFile(fileobj=self._packed)  # type: ignore[return-value]  # it has all that is used
        if suffix == ".xz":
            return lzma.open(self._packed)
        if suffix == ".bz2":
            return bz2.open(self._packed)
        archive = zipfile.ZipFile(self._packed)
        member = _only_member(archive, self._path)
        if member.file_size > max(_LARGE, _MAX_RATIO * member.compress_size):
            raise CorpusError(
                f"{self._path}: unpacks to {member.file_size:,} bytes, {_MAX_RATIO} times its size: unlikely for text. "
                "If it is text, unpack it first."
            )
        return archive.open(member)

    def _translated(self, work: Any) -> Any:
        kind = self._path.suffix.lower()[1:].replace("gz", "gzip")
        try:
            return work()
        except CorpusError:
            raise
        except NotImplementedError:
            raise CorpusError(
                f"{self._path}: the {kind} file uses an unsupported compression. Unpack it first."
            ) from None
        except Exception as error:  # the libraries raise a dozen types for a damaged file
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # EINVAL: a position below 0
                raise
            raise CorpusError(f"{self._path}: damaged {kind} file ({error}). Download or create it again.") from error


def _only_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    """Returns the one file in a zip file, ignoring what macOS adds."""
    members = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        names = ", ".join(repr(one.filename) for one in members[:5]) + (", …" if len(members) > 5 else "")
        raise CorpusError(
            f"{path}: expected a zip file with one text. It holds {f'{len(members):,}: {names}' if names else 'none'}. "
            "Unpack it first."
        )
    if members[0].flag_bits & 1:
        raise CorpusError(f"{path}: the zip file is encrypted. Unpack it first.")
    return members[0]
