"""Words of a small formant synthesiser: speech for the embedded demo, made here, that needs no download.

Each utterance is some words of one of the voices, with noise. The voices of test and validation are not those of
training.
"""

from __future__ import annotations

import io
import wave
import zlib
from pathlib import Path

import numpy as np

from seq2seq.audio import synthesis
from seq2seq.files import write_text
from seq2seq.folders import whole_folder

from .fetch import cache_folder, prepare

NAME = "spoken"
LANGUAGES = ("en",)
SPLITS = {"train": 800, "validation": 80, "test": 120}
"""How many utterances each split has."""
LICENCE = "Apache-2.0: made for this project"
CITATION = "This project"
RATE = 8000


def load(split: str) -> Path:
    """Returns the manifest of a split, synthesised on first use; ValueError for an unknown split."""
    if split not in SPLITS:
        raise ValueError(f"The synthesised words have the splits {', '.join(SPLITS)}. Received: {split!r}")
    version = zlib.crc32(Path(str(synthesis.__file__)).read_bytes() + Path(__file__).read_bytes())
    folder = cache_folder(NAME) / f"{version:08x}-{split}"
    return prepare(folder, lambda folder: _synthesise(folder, split)) / f"{split}.tsv"


def _synthesise(folder: Path, split: str) -> None:
    random = np.random.default_rng([*SPLITS].index(split))
    lines = ["audio\ttext\tspeaker"]
    with whole_folder(folder) as partial:
        for number in range(SPLITS[split]):
            voice = synthesis.draw_voice(random)
            words = random.choice(synthesis.WORDS, random.integers(1, 6)).tolist()
            samples = synthesis.synthesize(words, voice, random, RATE).samples
            (partial / f"{number}.wav").write_bytes(_wav(samples))
            lines.append(f"{number}.wav\t{' '.join(words)}\t{split}-{number}")
        write_text(partial / f"{split}.tsv", "".join(line + "\n" for line in lines))


def _wav(samples: np.ndarray) -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.rint(samples * 32767).clip(-32768, 32767).astype("<i2").tobytes())
    return target.getvalue()
