"""AESLC: e-mails of the Enron corpus with their subject lines (Zhang & Tetreault 2019).

14,436 / 1,960 / 1,906 e-mails; those of dev and test have three further subjects each, written by annotators. The
body's line breaks become spaces.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from seq2seq.files import write_text
from seq2seq.folders import whole_folder
from seq2seq.text.corpus import Records

from .fetch import FetchError, RemoteFile, cache_folder, fetch, find, prepare

NAME = "aeslc"
LANGUAGES = ("en",)
SPLITS = {"train": "train", "val": "dev", "test": "test"}
LICENCE = "CC BY-NC-SA 4.0: not for commercial use"
CITATION = "Zhang & Tetreault 2019, This Email Could Save Your Life, ACL"
ADDRESS = "https://github.com/ryanzhumich/AESLC/archive/refs/heads/master.zip"
MIRRORED = RemoteFile(
    NAME,
    "aeslc_enron_subject_line.tar.gz",
    ADDRESS,
    "b28e0e7b4e49fc73ac70141af6990086fd926bfcaa59106ca5c9fae7d9b7642a",
)
"""An archive of the folder enron_subject_line alone, as mirrors have it."""
OFFICIAL = RemoteFile(NAME, "AESLC-master.zip", ADDRESS, "")
"""The server builds it for each download, so its bytes may differ; the contents are checked instead."""
CONTENT = "8a1a7664b02ff9c804e6769084d45e4038c45f72e5b1200582e9b18c06bde1ba"
"""sha256 over the name (`split/name`) and the bytes of every e-mail, sorted by name."""

MAX_BYTES = 1 << 28
"""Upper limit for the size of all e-mails; they have 15 million bytes."""


def load(split: str, source: str = "en", target: str = "en") -> Records:
    """Returns a split: the source is the body, the target the subject, the references are the annotators' subjects.

    Raises:
        ValueError: the split or language is unknown, or the archive is not available or not the expected one.
    """
    if split not in SPLITS:
        raise ValueError(f"AESLC has the splits {', '.join(SPLITS)}. Received: {split!r}")
    if {source, target} != set(LANGUAGES):
        raise ValueError(f"AESLC is in English (en). Received: {source!r}, {target!r}")
    folder = prepare(cache_folder(NAME) / f"split-{CONTENT[:12]}", _unpack)
    return Records(folder / f"{split}.jsonl", "body", "subject", ("ann0", "ann1", "ann2"))


def parse(text: str) -> dict[str, str]:
    """Returns the body, the subject and the further subjects of an e-mail's file."""
    fields = {"body": ""}
    name = "body"
    for line in text.split("\n"):
        if line.startswith("@") and line[1:].strip() in ("subject", "ann0", "ann1", "ann2"):
            name = line[1:].strip()
            fields[name] = ""
        else:
            fields[name] += line + "\n"
    return {name: " ".join(value.split()) for name, value in fields.items()}


def _unpack(folder: Path) -> None:
    archive = find(MIRRORED) or fetch(OFFICIAL)
    try:
        files = dict(sorted(_members(archive)))
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise FetchError(f"{archive} is not a readable archive ({error}). Delete it and download it again.") from error
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(name.encode("utf-8") + b"\0" + data + b"\0")
    if digest.hexdigest() != CONTENT:
        raise FetchError(
            f"{archive} does not hold the expected e-mails.\n  expected sha256 {CONTENT}\n"
            f"  received sha256 {digest.hexdigest()}\nDelete it, or replace it with the one from {ADDRESS}."
        )
    with whole_folder(folder) as partial:
        for split, prefix in SPLITS.items():
            rows = [
                parse(data.decode("utf-8", "replace")) for name, data in files.items() if name.startswith(prefix + "/")
            ]
            write_text(partial / f"{split}.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Yields `split/name` and the bytes of every e-mail, in memory: no member decides where a file is written.

    Raises FetchError above `MAX_BYTES`: a small archive can unpack to a very large one.
    """
    left = MAX_BYTES
    for name, file in _files(archive):
        if key := _key(name):
            data = file.read(left + 1)
            left -= len(data)
            if left < 0:
                raise FetchError(
                    f"{archive} holds over {MAX_BYTES:,} bytes of e-mails. Delete it and download it again."
                )
            yield key, data


def _files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yields the name and the open content of every regular file."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as members:
            for name in members.namelist():
                with members.open(name) as file:
                    yield name, file
        return
    with tarfile.open(archive) as members:
        for member in members:
            content = members.extractfile(member) if member.isfile() else None
            if content:
                yield member.name, content


def _key(name: str) -> str:
    parts = PurePosixPath(name).parts
    known = len(parts) >= 3 and parts[-3] == "enron_subject_line" and parts[-1].endswith(".subject")
    return "/".join(parts[-2:]) if known and parts[-2] in SPLITS.values() else ""
