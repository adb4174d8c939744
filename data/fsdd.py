"""Free Spoken Digit Dataset: English digits by six speakers at 8 kHz (Jackson et al. 2018).

The recordings 0-4 of each digit and speaker are the official test, 300; 5-9 are for validation, and 2,400 for training.
Strings of 1 to 7 digits of one speaker, joined with short pauses within a split, are further splits; those of training
hold single digits too.
"""

from __future__ import annotations

import io
import random
import wave
from collections.abc import Mapping
from pathlib import Path

from .fetch import RemoteFile, cache_folder, prepare
from .recordings import Row, Splits, unpack

NAME = "fsdd"
LANGUAGES = ("en",)
SPLITS = ("train", "validation", "test", "train_strings", "validation_strings", "test_strings")
LICENCE = "CC BY-SA 4.0"
CITATION = "Jackson et al. 2018, Free Spoken Digit Dataset, v1.0.8"
COMMIT = "26eb9aaf76e81b692f806f9140c2d2777410d7a1"
ARCHIVE = RemoteFile(
    NAME,
    f"free-spoken-digit-dataset-{COMMIT}.tar.gz",
    f"https://github.com/Jakobovski/free-spoken-digit-dataset/archive/{COMMIT}.tar.gz",
    "",
)
WANTED = r"recordings/\d_[a-z]+_\d+\.wav"
CONTENT = "19157d32e5dfe86a3fad995a2e35ef82fa7032217ef08aa01cf52c8e55218803"
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
STRINGS = {"train": 2400, "validation": 150, "test": 150}
"""How many strings are joined of a split."""
LONGEST = 7
PAUSE = (0.02, 0.25)
"""Seconds between two digits of a string."""
RATE = 8000


def load(split: str) -> Path:
    """Returns the manifest of a split; downloads the recordings if necessary.

    Raises:
        ValueError: the split is unknown, or the recordings are not available or not the expected ones.
    """
    if split not in SPLITS:
        raise ValueError(f"The spoken digits have the splits {', '.join(SPLITS)}. Received: {split!r}")
    folder = cache_folder(NAME) / f"split-{CONTENT[:12]}"
    return prepare(folder, lambda folder: unpack(folder, ARCHIVE, WANTED, CONTENT, _split)) / f"{split}.tsv"


def split_of(index: int) -> str:
    """Returns the split of a recording by its number."""
    return "test" if index < 5 else "validation" if index < 10 else "train"


def _split(files: Mapping[str, bytes]) -> Splits:
    rows: dict[str, list[Row]] = {split: [] for split in STRINGS}
    for name in sorted(files):
        digit, speaker, index = Path(name).stem.split("_")
        rows[split_of(int(index))].append(Row(name, WORDS[int(digit)], speaker))
    made: dict[str, bytes] = {}
    strings: dict[str, list[Row]] = {}
    for split, count in STRINGS.items():
        draw = random.Random(f"digits of {split}")
        by_speaker: dict[str, list[Row]] = {}
        for row in rows[split]:
            by_speaker.setdefault(row.speaker, []).append(row)
        strings[f"{split}_strings"] = [*rows[split]] if split == "train" else []
        for number in range(count):
            digits = draw.choices(by_speaker[draw.choice(sorted(by_speaker))], k=draw.randint(1, LONGEST))
            path = f"strings/{split}_{number}.wav"
            made[path] = _join([files[row.audio] for row in digits], draw)
            strings[f"{split}_strings"].append(Row(path, " ".join(row.text for row in digits), digits[0].speaker))
    return Splits({**rows, **strings}, made)


def _join(recordings: list[bytes], draw: random.Random) -> bytes:
    """Returns one WAV of 16 bits of several, with pauses between them."""
    parts = []
    for number, recording in enumerate(recordings):
        with wave.open(io.BytesIO(recording)) as file:
            if (file.getframerate(), file.getsampwidth(), file.getnchannels()) != (RATE, 2, 1):
                raise ValueError(f"Expected 16 bits, mono, {RATE} Hz. Received: {file.getparams()}")
            if number:
                parts.append(bytes(2 * int(draw.uniform(*PAUSE) * RATE)))
            parts.append(file.readframes(file.getnframes()))
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(parts))
    return target.getvalue()
