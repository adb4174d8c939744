"""The network of a speech recipe, and what trains it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seq2seq.backend import prepare_keras
from seq2seq.run.folder import RunFolderError
from seq2seq.tasks.speech.recipe import Model


def build_network(recipe: Model, mels: int, size: int) -> Any:
    """Returns a new, built `AcousticModel` of frames of `mels` features over `size` ids.

    With a share of the loss for it, it has a decoder of labels.
    """
    prepare_keras()
    from seq2seq.layers.ctc import CTCHead
    from seq2seq.layers.encoder import RNNEncoder
    from seq2seq.layers.frontends import FrameStack
    from seq2seq.layers.lookahead import Lookahead
    from seq2seq.layers.options import DropoutOptions
    from seq2seq.models.acoustic import AcousticModel

    encoder = RNNEncoder(
        recipe.units,
        cell=recipe.cell,
        num_layers=recipe.num_layers,
        bidirectional=recipe.bidirectional,
        residual=recipe.residual,
        dropout=DropoutOptions(recipe.dropout, recipe.variational_dropout),
        name="encoder",
    )
    lookahead = Lookahead(recipe.lookahead, name="lookahead") if recipe.lookahead else None
    frontend = FrameStack(mels, recipe.input_units, recipe.stack, recipe.filters, name="frontend")
    decoder = _build_label_decoder(recipe, size) if recipe.attention_weight else None
    model = AcousticModel(frontend, encoder, CTCHead(size, name="head"), lookahead, decoder, name="acoustic_model")
    model.build()
    return model


def _build_label_decoder(recipe: Model, size: int) -> Any:
    from seq2seq.layers.decoder import RNNDecoder
    from seq2seq.layers.frontends import TokenEmbedding
    from seq2seq.layers.heads import VocabularyHead
    from seq2seq.layers.label_decoder import LabelDecoder
    from seq2seq.layers.options import DropoutOptions

    units = recipe.decoder_units
    decoder = RNNDecoder(
        units,
        cell=recipe.cell,
        num_layers=recipe.decoder_layers,
        readout_units=units,
        bridge="zero",
        dropout=DropoutOptions(recipe.dropout, recipe.variational_dropout),
        name="decoder",
    )
    embedding = TokenEmbedding(size, units, name="embedding")
    return LabelDecoder(embedding, decoder, VocabularyHead(size, name="head"), name="label_decoder")


def build_objective(recipe: Model, model: Any) -> Any:
    """Returns what `fit` trains: the network with the loss of its head, and of its decoder where it has one."""
    from seq2seq.training.ctc import CTCObjective, LabelDecoderLoss

    weight = recipe.attention_weight
    if not weight:
        return CTCObjective(model)
    terms = [LabelDecoderLoss(model.label_decoder.head, weight)]
    return CTCObjective(model, terms, {"has_end": True}, head_rate=1 - weight)


def check_size(recipe: Model, path: Path) -> None:
    """RunFolderError if the weights of such a network are more than the file holds: nothing that large shall be made.

    Counted are the matrices that every kind of network has, so it may well have more.
    """
    width = recipe.units * (2 if recipe.bidirectional else 1)
    least = width * (recipe.input_units + (recipe.num_layers - 1) * width)
    if 4 * least > (held := path.stat().st_size):
        raise RunFolderError(
            f"{path}: the weights are damaged or of another model (the recipe's has {4 * least:,} bytes of them or "
            f"more, the file holds {held:,})."
        )
