"""The network of a language model's recipe, and what trains it."""

from __future__ import annotations

from typing import Any

from seq2seq.tasks import token_model
from seq2seq.tasks.language_model.recipe import Model, Recipe
from seq2seq.tasks.token_model import check_size as check_size


def build_network(recipe: Model, size: int) -> Any:
    """Returns a new, built `LanguageModel` over `size` ids; ValueError where its numbers do not fit together."""
    return token_model.build_network(recipe, [size])


def build_objective(recipe: Recipe, model: Any) -> Any:
    """Returns the `StreamObjective` of a recipe: the loss of the head, and the terms that it asks for."""
    from seq2seq.training.stream import StreamObjective

    options = recipe.training
    terms, head_options = token_model.loss_terms(options), token_model.head_options(options)
    return StreamObjective(model, recipe.batching.rows, terms, head_options)
