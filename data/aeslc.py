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
"""The folder enron_subject_line in an archive of its own, as mirrors have it."""
OFFICIAL = RemoteFile(NAME, "AESLC-master.zip", ADDRESS, "")
"""Made anew by its server, so its bytes may differ; what is in it is checked instead."""
CONTENT = "8a1a7664b02ff9c804e6769084d45e4038c45f72e5b1200582e9b18c06bde1ba"
"""sha256 over all e-mails: of each, in the order of split/name, both and its bytes."""

MOST = 1 << 28
"""Bytes of all e-mails, at most; they have 15 million."""


def load(split: str, source: str = "en", target: str = "en") -> Records:
    """Returns a split: source the body, target the subject, references the annotators' subjects.

    Raises:
        ValueError: an unknown split or language; an archive that cannot be had or is another one.
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
        raise FetchError(
            f"{archive} is no archive that can be read ({error}). Delete it and fetch it again."
        ) from error
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(name.encode("utf-8") + b"\0" + data + b"\0")
    if digest.hexdigest() != CONTENT:
        raise FetchError(
            f"{archive} does not hold the e-mails that were expected.\n  expected sha256 {CONTENT}\n"
            f"  received sha256 {digest.hexdigest()}\nDelete it, or replace it with the one from {ADDRESS}."
        )
    with whole_folder(folder) as partial:
        for split, theirs in SPLITS.items():
            rows = [
                parse(data.decode("utf-8", "replace")) for name, data in files.items() if name.startswith(theirs + "/")
            ]
            write_text(partial / f"{split}.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Yields `split/name` and the bytes of every e-mail. Read in memory: nothing is written where a member says.

    FetchError for more than `MOST` bytes, which an archive can hold packed as few.
    """
    left = MOST
    for name, file in _files(archive):
        if key := _key(name):
            data = file.read(left + 1)
            left -= len(data)
            if left < 0:
                raise FetchError(f"{archive} holds more than {MOST:,} bytes of e-mails. Delete it and fetch it again.")
            yield key, data


def _files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yields the name and the opened content of every file; links and devices are left out."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as members:
            for name in members.namelist():
                with members.open(name) as file:
                    yield name, file
        return
    with tarfile.open(archive) as found:
        for member in found:
            content = found.extractfile(member) if member.isfile() else None
            if content:
                yield member.name, content


def _key(name: str) -> str:
    parts = PurePosixPath(name).parts
    known = len(parts) >= 3 and parts[-3] == "enron_subject_line" and parts[-1].endswith(".subject")
    return "/".join(parts[-2:]) if known and parts[-2] in SPLITS.values() else ""
