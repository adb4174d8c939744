"""What turns sound into features and labels into text: kept in the run folder. Imports no framework."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from seq2seq.audio.features import LogMels, Normalizer
from seq2seq.audio.manifest import Utterance
from seq2seq.audio.reading import read
from seq2seq.audio.resampling import resample
from seq2seq.files import format_json, read_json, write_text
from seq2seq.text.codecs import Codec

FRONTEND_FILE = "frontend.json"


@dataclass(frozen=True)
class Frontend:
    """From samples to normalised frames."""

    mels: LogMels
    normalizer: Normalizer

    def frames(self, samples: np.ndarray) -> np.ndarray:
        """Returns the frames of a whole recording at the front end's rate, `(frames, mels)`, float32."""
        return self.normalizer(self.mels.frames(samples))

    def save(self, path: Path) -> None:
        """Writes `frontend.json`."""
        values = {"rate": self.mels.rate, "mels": self.mels.mels, **asdict(self.normalizer)}
        write_text(path, format_json(values))

    @classmethod
    def load(cls, path: Path) -> Frontend:
        """Reads what `save` wrote; ValueError names a missing or damaged file."""
        try:
            values = read_json(path)
            mels = LogMels(rate=values["rate"], mels=values["mels"])
            normalizer = Normalizer(tuple(values["mean"]), tuple(values["scale"]))
            if len(normalizer.mean) != mels.mels:
                raise ValueError(f"expected {mels.mels} means, received {len(normalizer.mean)}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}: missing or damaged ({error}).") from error
        return cls(mels, normalizer)


@dataclass(frozen=True)
class SpeechCodec:
    """The front end, and the tokeniser of the labels."""

    frontend: Frontend
    text: Codec


def load_samples(utterance: Utterance, rate: int, channel: int = 0) -> np.ndarray:
    """Returns the samples of an utterance at `rate`, `(samples,)`, float32 in [-1, 1].

    Raises:
        ValueError: the recording is missing, damaged or empty; the message begins with its place in the manifest.
    """
    try:
        audio = read(utterance.audio, utterance.start, utterance.end, channel or None)
    except (OSError, ValueError) as error:
        raise ValueError(f"{utterance.place}: {error}") from error
    return resample(audio.samples, audio.rate, rate)


def learn_frontend(recordings: Iterable[np.ndarray], mels: LogMels) -> Frontend:
    """Returns the front end whose mean and variance are those of all frames of some recordings."""
    return Frontend(mels, Normalizer.fit(mels.frames(samples) for samples in recordings))
