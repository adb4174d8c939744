"""Tatoeba English-Spanish by ManyThings.org: 118,964 short everyday pairs, split by this project.

The original has no split, and many English sentences have several translations. All pairs of an English sentence go to
the same split, chosen by a checksum of the sentence: no source of a test is in the training text.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from pathlib import Path

from seq2seq.files import write_text
from seq2seq.folders import whole_folder
from seq2seq.text.corpus import ParallelText

from .fetch import RemoteFile, cache_folder, fetch, prepare

NAME = "tatoeba_spa"
LANGUAGES = ("en", "es")
SPLITS = ("train", "val", "test")
LICENCE = "CC BY 2.0; attribution: www.manythings.org/anki and tatoeba.org"
CITATION = "Tatoeba via ManyThings.org, file of 2018-05-13"
FILE = RemoteFile(
    NAME,
    "spa-eng.zip",
    "http://storage.googleapis.com/download.tensorflow.org/data/spa-eng.zip",
    "f80e581ae291aa34dd3aba7bd98b5e9505234da4318e2f3295df70a1520c7f61",
)
MEMBER = "spa-eng/spa.txt"


def load(split: str, source: str, target: str) -> ParallelText:
    """Returns a split in one direction; downloads it if necessary. ValueError for an unknown split or language."""
    if split not in SPLITS:
        raise ValueError(f"Tatoeba has the splits {', '.join(SPLITS)}. Received: {split!r}")
    if {source, target} != set(LANGUAGES):
        raise ValueError(f"Tatoeba here is in {' and '.join(LANGUAGES)}. Received: {source!r}, {target!r}")
    archive = fetch(FILE)
    # The folder is named by the archive's checksum: a changed archive gets new files.
    folder = cache_folder(NAME) / f"split-{FILE.sha256[:12]}"
    prepare(folder, lambda folder: _cut(archive, folder))
    return ParallelText(folder / f"{split}.{source}", folder / f"{split}.{target}")


def split_of(english: str) -> str:
    """Returns the split of an English sentence by its checksum: 1 % validation, 1 % test."""
    bucket = zlib.crc32(hashlib.sha256(english.encode("utf-8")).digest()) % 100
    return {0: "val", 1: "test"}.get(bucket, "train")


def _cut(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as members:
        lines = members.read(MEMBER).decode("utf-8").rstrip("\n").split("\n")
    pairs: dict[str, list[list[str]]] = {split: [] for split in SPLITS}
    for line in lines:
        english, spanish = line.split("\t")[:2]
        pairs[split_of(english)].append([english, spanish])
    with whole_folder(folder) as partial:
        for split, rows in pairs.items():
            for column, language in enumerate(LANGUAGES):
                write_text(partial / f"{split}.{language}", "".join(row[column] + "\n" for row in rows))
