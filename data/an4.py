"""AN4: answers to the questions of a census, names, addresses and numbers spelled out (Acero 1990).

948 + 130 utterances at 16 kHz, 42.4 + 6.0 minutes, of 74 + 10 speakers, none in both. Validation are the first 100
utterances of the training speakers in the order of `speaker-utterance`, as ESPnet takes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .fetch import RemoteFile, cache_folder, prepare
from .recordings import Row, Splits, unpack

NAME = "an4"
LANGUAGES = ("en",)
SPLITS = ("train", "validation", "test")
LICENCE = "Carnegie Mellon University, BSD-like: redistribution with the notice"
CITATION = "Acero 1990, Acoustical and Environmental Robustness in Automatic Speech Recognition, CMU"
COMMIT = "b567d132f43304e70a2b2eca6077f22255311812"
ARCHIVE = RemoteFile(NAME, f"an4-{COMMIT}.tar.gz", f"https://github.com/cmusphinx/an4/archive/{COMMIT}.tar.gz", "")
WANTED = r"wav/an4(test)?_clstk/\w+/[\w-]+\.wav|etc/an4_(train|test)\.(fileids|transcription)"
CONTENT = "a36f8858658e0c983a6d286c03f9a99dfd0da438db7b7f91164a49fdb967401b"
VALIDATION = 100
"""Utterances held out of the training speakers."""


def load(split: str) -> Path:
    """Returns the manifest of a split; downloads the recordings if necessary.

    Raises:
        ValueError: the split is unknown, or the recordings are not available or not the expected ones.
    """
    if split not in SPLITS:
        raise ValueError(f"AN4 has the splits {', '.join(SPLITS)}. Received: {split!r}")
    folder = cache_folder(NAME) / f"split-{CONTENT[:12]}"
    return prepare(folder, lambda folder: unpack(folder, ARCHIVE, WANTED, CONTENT, _split)) / f"{split}.tsv"


def _split(files: Mapping[str, bytes]) -> Splits:
    train, test = (_rows(files, name) for name in ("train", "test"))
    train.sort(key=lambda row: _sorted_as(row.audio))
    return Splits({"train": train[VALIDATION:], "validation": train[:VALIDATION], "test": test})


def _rows(files: Mapping[str, bytes], name: str) -> list[Row]:
    ids, texts = (files[f"etc/an4_{name}.{end}"].decode().splitlines() for end in ("fileids", "transcription"))
    rows = []
    for path, line in zip(ids, texts, strict=True):
        text, _, _ = line.rpartition(" (")
        words = [word for word in text.split() if word not in ("<s>", "</s>")]
        rows.append(Row(f"wav/{path}.wav", " ".join(words), path.split("/")[1]))
    return rows


def _sorted_as(path: str) -> str:
    """`wav/an4_clstk/fash/an251-fash-b.wav` -> `fash-an251-b`."""
    utterance, speaker, channel = re.split("-", Path(path).stem)
    return f"{speaker}-{utterance}-{channel}"
