"""Small recognisers with random weights, and sound for them, for the tests of exports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.audio.features import LogMels, Normalizer
from seq2seq.audio.frontend import Frontend
from seq2seq.inference.acoustic import KerasNetwork
from seq2seq.inference.recognition import Recognizer, plain_search
from seq2seq.run.folder import save_weights
from seq2seq.tasks.speech.folder import SpeechRunFolder
from seq2seq.tasks.speech.network import build_network
from seq2seq.tasks.speech.recipe import Audio, Model, Recipe
from seq2seq.text.vocabulary import Vocabulary
from tests.sounds import wav

RATE, MELS = 8000, 10
SMALL = {"stack": 2, "input_units": 6, "units": 5, "num_layers": 2, "bidirectional": False, "dropout": 0.0}


def sound(seconds: float, seed: int = 0) -> np.ndarray:
    """Tones that change, in noise, at RATE."""
    random = np.random.default_rng(seed)
    samples = 0.02 * random.standard_normal(round(seconds * RATE))
    for begin in range(0, len(samples), 700):
        part = np.arange(len(samples[begin : begin + 500]))
        samples[begin : begin + 500] += random.uniform(0, 0.5) * np.sin(part * random.uniform(0.1, 2.5))
    return samples.astype(np.float32)


def write_wav(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """A file of 16 bits a sample."""
    path.write_bytes(wav(samples, rate))
    return path


def letters() -> Vocabulary:
    return Vocabulary([*"ab "], "characters")


def frontend() -> Frontend:
    return Frontend(LogMels(RATE, MELS), Normalizer((8.0,) * MELS, (3.0,) * MELS))


def make_recognizer(codec: Any = None, seed: int = 3, scale: float = 0.7, **options: Any) -> Recognizer:
    """A recogniser over `codec`; `options` are fields of the recipe's model section."""
    codec = codec or letters()
    model = build_network(Model(**{**SMALL, **options}), MELS, codec.size)
    random = np.random.default_rng(seed)
    model.set_weights([scale * random.normal(size=weight.shape) for weight in model.get_weights()])
    bias = model.head.weights[-1]
    bias.assign(np.where(np.isin(np.arange(codec.size), (1, 2, 3)), -20.0, bias.numpy()))  # control symbols
    return Recognizer(KerasNetwork(model), frontend(), codec, plain_search(codec, 4))


def write_run(path: Path, seed: int = 3, **options: Any) -> Path:
    """A run folder with random weights, as training would leave it; `options` as above."""
    folder, recognizer = SpeechRunFolder(path), make_recognizer(seed=seed, **options)
    path.mkdir(parents=True)
    folder.save_recipe(Recipe(audio=Audio(rate=RATE, mels=MELS), model=Model(**{**SMALL, **options})))
    letters().save(folder.vocabulary_file)
    recognizer.frontend.save(folder.frontend_file)
    network: Any = recognizer.network
    save_weights(network.model, folder.weights_file)
    return path
