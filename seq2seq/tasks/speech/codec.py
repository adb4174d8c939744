"""What turns sound into features and labels into text: kept in the run folder. Imports no framework."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from seq2seq.audio.features import LogMels, Normalizer
from seq2seq.audio.frontend import Frontend
from seq2seq.audio.manifest import Utterance
from seq2seq.audio.reading import read
from seq2seq.audio.resampling import resample
from seq2seq.text.codecs import Codec


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
