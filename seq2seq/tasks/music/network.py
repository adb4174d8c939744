"""The network of a recipe for music, and what trains it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seq2seq.backend import prepare_keras
from seq2seq.music.events import EventCodec
from seq2seq.music.rolls import KEYS
from seq2seq.tasks import token_model
from seq2seq.tasks.music.recipe import Recipe


def build_network(recipe: Recipe, codec: EventCodec) -> Any:
    """Returns a new, built `LanguageModel` over the tokens of `codec`, which reads its inputs; or over 88 keys."""
    if not recipe.events.keys:
        return token_model.build_network(recipe.model, codec.input_sizes)
    prepare_keras()
    from seq2seq.layers.frontends import VectorProjection
    from seq2seq.layers.heads import BernoulliHead

    embedding = VectorProjection(KEYS, recipe.model.embedding, name="embedding")
    return token_model.connect(recipe.model, embedding, BernoulliHead(KEYS, name="head"))


def build_objective(recipe: Recipe, model: Any) -> Any:
    """Returns the `SequenceObjective` of a recipe: each piece is a sequence of its own."""
    from seq2seq.training.stream import SequenceObjective

    options = recipe.training
    head_options = {} if recipe.events.keys else token_model.head_options(options)
    return SequenceObjective(model, token_model.loss_terms(options), head_options)


def check_size(recipe: Recipe, codec: EventCodec, path: Path) -> None:
    """RunFolderError if the weights of such a network are more than the file holds."""
    token_model.check_size(recipe.model, KEYS if recipe.events.keys else codec.size, path)
