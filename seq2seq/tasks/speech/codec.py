"""What turns sound into features and labels into text: kept in the run folder. Imports no framework."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from seq2seq.audio.features import LogMels, Normalizer
from seq2seq.audio.frontend import Frontend
from seq2seq.text.codecs import Codec


@dataclass(frozen=True)
class SpeechCodec:
    """The front end, and the tokeniser of the labels."""

    frontend: Frontend
    text: Codec


def learn_frontend(recordings: Iterable[np.ndarray], mels: LogMels) -> Frontend:
    """Returns the front end whose mean and variance are those of all frames of some recordings."""
    return Frontend(mels, Normalizer.fit(mels.frames(samples) for samples in recordings))
