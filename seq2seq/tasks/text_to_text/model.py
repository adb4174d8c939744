"""The network of a text-to-text recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seq2seq.backend import prepare_keras
from seq2seq.run.folder import RunFolderError
from seq2seq.tasks.text_to_text.recipe import Model, Training


def build_model(recipe: Model, source_size: int, target_size: int, pieces: Sequence[str] | None = None) -> Any:
    """Returns a new, built `Seq2Seq` as the recipe has it; ValueError where its numbers do not fit together.

    Args:
        recipe: The network.
        source_size: Number of source ids.
        target_size: Number of target ids.
        pieces: The source's vocabulary, by its ids; `model.words` wants it.
    """
    prepare_keras()
    from seq2seq.layers.encoder import RNNEncoder
    from seq2seq.models.seq2seq import Seq2Seq

    model = Seq2Seq(
        RNNEncoder(**recipe.encoder.model_dump(), name="encoder"),
        _build_decoder(recipe),
        source_size,
        target_size,
        recipe.embedding,
        recipe.tie,
        recipe.pointer,
        recipe.selector,
        (pieces or ()) if recipe.words else None,
        name="seq2seq",
    )
    model.build()
    return model


def _build_decoder(recipe: Model) -> Any:
    from seq2seq.layers.decoder import RNNDecoder
    from seq2seq.layers.options import AttentionOptions

    section, attention = recipe.decoder, None
    if section.attention != "none":
        attention = AttentionOptions(
            kind=section.attention,
            units=section.attention_units or None,
            heads=section.heads,
            position=section.attention_position,
            query_input=section.query_input,
            input_feeding=section.input_feeding,
            coverage=section.coverage,
        )
    return RNNDecoder(
        section.units,
        cell=section.cell,
        num_layers=section.num_layers,
        attention=attention,
        readout_units=recipe.embedding if section.readout else None,
        bridge=section.bridge,
        residual=section.residual,
        dropout=section.dropout,
        variational_dropout=section.variational_dropout,
        name="decoder",
    )


def check_size(recipe: Model, source_size: int, target_size: int, path: Path) -> None:
    """RunFolderError if the weights of such a model are more than the file holds: nothing that large shall be made.

    Counted are the matrices that every kind of network has, so it may well have more.
    """
    encoder, decoder = recipe.encoder, recipe.decoder
    least = recipe.embedding * (target_size + (0 if recipe.tie == "all" and not recipe.words else source_size))
    least += encoder.units * (recipe.embedding + (encoder.num_layers - 1) * encoder.units)
    least += decoder.units * (decoder.num_layers - 1) * decoder.units
    if decoder.attention in ("additive", "multi_head"):
        least += encoder.units * (decoder.attention_units or decoder.units)
    size = path.stat().st_size
    if 4 * least > size:
        raise RunFolderError(
            f"{path}: the weights are damaged or of another model (the recipe's has {4 * least:,} bytes of them or "
            f"more, the file holds {size:,})."
        )


def build_objective(options: Training, model: Any) -> Any:
    """Returns what `fit` trains: the network with the losses that the recipe asks for."""
    from seq2seq.training.losses import TeacherForcing

    budget = options.loss_budget_mb * 2**20
    return TeacherForcing(model, options.label_smoothing, budget, options.guided_attention, options.selector_loss)
