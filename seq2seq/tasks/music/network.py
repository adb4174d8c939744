"""The network of a recipe for music, and what trains it."""

from __future__ import annotations

from typing import Any

from seq2seq.music.events import EventCodec
from seq2seq.tasks import token_model
from seq2seq.tasks.music.recipe import Recipe


def build_network(recipe: Recipe, codec: EventCodec) -> Any:
    """Returns a new, built `LanguageModel` over the tokens of `codec`, which reads its inputs."""
    return token_model.build_network(recipe.model, codec.input_sizes)


def build_objective(recipe: Recipe, model: Any) -> Any:
    """Returns the `SequenceObjective` of a recipe: each piece is a sequence of its own."""
    from seq2seq.training.stream import SequenceObjective

    options = recipe.training
    return SequenceObjective(model, token_model.loss_terms(options), token_model.head_options(options))
