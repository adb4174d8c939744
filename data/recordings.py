"""Archives of recordings, unpacked into a folder with a manifest for each split."""

from __future__ import annotations

import hashlib
import re
import tarfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from seq2seq.files import write_text
from seq2seq.folders import whole_folder

from .fetch import FetchError, RemoteFile, fetch

MAX_BYTES = 1 << 28
"""Upper limit for the size of all files that are taken from an archive; those of AN4 have 98 million bytes."""


class Row(NamedTuple):
    """A line of a manifest."""

    audio: str
    """Path in the folder."""
    text: str
    speaker: str


def unpack(
    folder: Path, archive: RemoteFile, wanted: str, content: str, split: Callable[[Mapping[str, bytes]], Splits]
) -> None:
    """Writes `folder`: the recordings of an archive, and a manifest `<split>.tsv` for each split.

    Args:
        folder: Appears when it is whole.
        archive: A .tar.gz that its host makes afresh for each download, so its contents are checked, not its bytes.
        wanted: A regular expression for the names of the files to take, without the archive's top folder.
        content: sha256 over the name and the bytes of these files, sorted by name.
        split: Gives the rows of each split, and files to write beside those that are taken.

    Raises:
        FetchError: the archive is not available, damaged or not the expected one.
    """
    files = read_archive(archive, wanted, content)
    splits = split(files)
    with whole_folder(folder) as partial:
        for name, data in {**files, **splits.made}.items():
            if name.endswith(".wav"):
                target = partial / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
        for name, rows in splits.rows.items():
            lines = ["audio\ttext\tspeaker", *("\t".join(row) for row in rows)]
            write_text(partial / f"{name}.tsv", "".join(line + "\n" for line in lines))


def read_archive(archive: RemoteFile, wanted: str, content: str) -> dict[str, bytes]:
    """Returns the files of an archive by their names; arguments and errors as `unpack`."""
    path = fetch(archive)
    try:
        files = dict(sorted(_members(path, wanted)))
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise FetchError(f"{path} is not a readable archive ({error}). Delete it and download it again.") from error
    if (digest := digest_of(files)) != content:
        raise FetchError(
            f"{path} does not hold the expected files.\n  expected sha256 {content}\n  received sha256 {digest}\n"
            f"Delete it, or replace it with the one from {archive.url}."
        )
    return files


class Splits(NamedTuple):
    """What becomes of the files of an archive."""

    rows: Mapping[str, Sequence[Row]]
    """By the names of the splits."""
    made: Mapping[str, bytes] = {}
    """Further files, by their paths."""


def digest_of(files: Mapping[str, bytes]) -> str:
    """Returns the sha256 over the names and bytes of files, sorted by name."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + files[name] + b"\0")
    return digest.hexdigest()


def _members(archive: Path, wanted: str) -> list[tuple[str, bytes]]:
    """Returns the name and the bytes of the files to take. The expression alone decides where a file may be written."""
    found, left, pattern = [], MAX_BYTES, re.compile(wanted, re.ASCII)
    with tarfile.open(archive, "r:gz") as members:
        for member in members:
            _, _, name = member.name.partition("/")
            content = members.extractfile(member) if member.isfile() and pattern.fullmatch(name) else None
            if content:
                data = content.read(left + 1)
                left -= len(data)
                if left < 0:
                    raise FetchError(f"{archive} holds over {MAX_BYTES:,} bytes. Delete it and download it again.")
                found.append((name, data))
    return found
