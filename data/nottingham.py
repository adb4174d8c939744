"""Nottingham Music Database: folk tunes in ABC with chord symbols, as cleaned by Jukedeck.

1,034 tunes of 14 books, split here by a hash of each tune: the split of the literature, 694 / 173 / 170 tunes as MIDI,
is not of these files. Repeats are played out.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

from seq2seq.music.abc_reading import read_abc
from seq2seq.music.notes import Music

from .fetch import RemoteFile
from .recordings import read_archive

NAME = "nottingham"
LANGUAGES = ()
LICENCE = "GPL-3"
CITATION = "Seymour Shlien, Nottingham Music Database; cleaned by Jukedeck, github.com/jukedeck/nottingham-dataset"
COMMIT = "0992bb6cd864f6d4b90d6663e08c0ef53ffaa08f"
ARCHIVE = RemoteFile(
    "nottingham_abc",
    f"nottingham-dataset-{COMMIT}.tar.gz",
    f"https://github.com/jukedeck/nottingham-dataset/archive/{COMMIT}.tar.gz",
    "",
)
WANTED = r"ABC_cleaned/[a-z-]+\.abc"
CONTENT = "4e8585e2d8955553bff278825753c414d07e036cdc4fa7d2af792f439a2b9401"
"""sha256 over the name and the bytes of these files, sorted by name."""
SPLITS = ("train", "validation", "test")


class Tune(NamedTuple):
    """A tune of a book, as text."""

    book: str
    text: str

    @property
    def split(self) -> str:
        """Two thirds are for training, a sixth each for validation and test."""
        number = hashlib.sha256(self.text.encode()).digest()[0]
        return "train" if number < 171 else "validation" if number < 214 else "test"


def load(split: str, steps_per_quarter: int = 4, chords: bool = True) -> list[Music]:
    """Returns the tunes of a split; downloads them if necessary.

    Args:
        split: One of `SPLITS`.
        steps_per_quarter: The grid; what is between its steps moves to the nearest one.
        chords: Whether chord symbols are read, as held chords below the melody.

    Raises:
        ValueError: the split is unknown, or the archive is not available or not the expected one.
    """
    if split not in SPLITS:
        raise ValueError(f"Nottingham has the splits {', '.join(SPLITS)}. Received: {split!r}")
    return [
        piece
        for tune in _tunes()
        if tune.split == split
        for piece in read_abc(tune.text, tune.book, steps_per_quarter, chords)
    ]


@lru_cache(maxsize=1)
def _tunes() -> tuple[Tune, ...]:
    files = read_archive(ARCHIVE, WANTED, CONTENT)
    texts = {name: data.decode("utf-8", "replace").replace("\r\n", "\n") for name, data in files.items()}
    return tuple(
        Tune(name, f"X:{part.strip()}\n")
        for name, text in sorted(texts.items())
        for part in re.split(r"^X:", text, flags=re.MULTILINE)[1:]
    )
