"""Small language models with random weights, for the tests of exports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.inference.language import TextModel
from seq2seq.run.folder import save_weights
from seq2seq.tasks.language_model.folder import LanguageRunFolder
from seq2seq.tasks.language_model.network import build_network
from seq2seq.tasks.language_model.recipe import Model, Recipe, Tokenizer
from seq2seq.text.codecs import word_starts
from seq2seq.text.vocabulary import Vocabulary

LINES = ["the cat sat on the mat", "a dog sees Äpfel, naïve 😀", "the dog"]
ODD = ["", "   ", "the cat", "cat\u3000the \x85mat\x1c", "<unk> the </s> <s> nothing", "the dog sees the dog"]
"""Lines that are cut into tokens in unusual ways."""


def make_text_model(codec: Any, seed: int = 3, scale: float = 0.7, **options: Any) -> TextModel:
    """A model over `codec`; `options` are fields of the recipe's model section."""
    model = build_network(Model(**{"embedding": 6, "units": 6, "readout": False, **options}), codec.size)
    random = np.random.default_rng(seed)
    model.set_weights([scale * random.normal(size=weight.shape) for weight in model.get_weights()])
    return TextModel(model, codec, word_starts(codec), "it")


def words() -> Vocabulary:
    return Vocabulary.learn(LINES, "words")


def characters() -> Vocabulary:
    return Vocabulary.learn(LINES, "characters")


def write_run(path: Path, vocabulary: Vocabulary | None = None, **options: Any) -> Path:
    """A run folder with a vocabulary of words and random weights, as training would leave it."""
    vocabulary, folder = vocabulary or words(), LanguageRunFolder(path)
    path.mkdir(parents=True)
    model = Model(**{"embedding": 6, "units": 6, "readout": False, **options})
    folder.save_recipe(Recipe(tokenizer=Tokenizer(kind="words", size=0), model=model))
    vocabulary.save(folder.vocabulary_file)
    save_weights(make_text_model(vocabulary, **options).model, folder.weights_file)
    return path
