"""The network of a language model's recipe, and what trains it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seq2seq.backend import prepare_keras
from seq2seq.run.folder import RunFolderError
from seq2seq.tasks.language_model.recipe import Model, Recipe


def build_network(recipe: Model, size: int) -> Any:
    """Returns a new, built `LanguageModel` over `size` ids; ValueError where its numbers do not fit together."""
    prepare_keras()
    from seq2seq.layers.decoder import RNNDecoder
    from seq2seq.layers.frontends import TokenEmbedding
    from seq2seq.layers.heads import VocabularyHead
    from seq2seq.models.language_model import LanguageModel

    embedding = TokenEmbedding(size, recipe.embedding, dropout=recipe.embedding_dropout, name="embedding")
    decoder = RNNDecoder(
        recipe.units,
        cell=recipe.cell,
        num_layers=recipe.num_layers,
        attention=None,
        readout_units=recipe.embedding if recipe.readout else None,
        residual=recipe.residual,
        dropout=recipe.dropout,
        variational_dropout=recipe.variational_dropout,
        weight_dropout=recipe.weight_dropout,
        name="decoder",
    )
    head = VocabularyHead(size, embedding if recipe.tie else None, name="head")
    model = LanguageModel(embedding, decoder, head, name="language_model")
    model.build()
    return model


def build_objective(recipe: Recipe, model: Any) -> Any:
    """Returns the `StreamObjective` of a recipe: the loss of the head, and the terms that it asks for."""
    from seq2seq.training.auxiliary import ActivationLoss, SlownessLoss
    from seq2seq.training.objective import Term
    from seq2seq.training.stream import StreamObjective

    options, terms = recipe.training, list[Term]()
    if options.activation_loss:
        terms.append(ActivationLoss(options.activation_loss))
    if options.slowness_loss:
        terms.append(SlownessLoss(options.slowness_loss))
    head_options = {"label_smoothing": options.label_smoothing, "budget": options.loss_budget_mb * 2**20}
    return StreamObjective(model, recipe.batching.rows, terms, head_options)


def check_size(recipe: Model, size: int, path: Path) -> None:
    """RunFolderError if the weights of such a network are more than the file holds: nothing that large shall be made.

    Counted are the matrices that every kind of network has, so it may well have more.
    """
    least = recipe.embedding * size * (1 if recipe.tie else 2)
    least += recipe.units * (recipe.embedding + (recipe.num_layers - 1) * recipe.units)
    if 4 * least > (held := path.stat().st_size):
        raise RunFolderError(
            f"{path}: the weights are damaged or of another model (the recipe's has {4 * least:,} bytes of them or "
            f"more, the file holds {held:,})."
        )
