"""The network of a text-to-text recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seq2seq.backend import prepare_keras
from seq2seq.run.folder import RunFolderError
from seq2seq.tasks.text_to_text.dropout import dropout_of
from seq2seq.tasks.text_to_text.recipe import Model, Training


def build_model(recipe: Model, source_size: int, target_size: int, pieces: Sequence[str] | None = None) -> Any:
    """Returns a new, built `Seq2Seq` as the recipe has it; ValueError where its numbers do not fit together.

    Args:
        recipe: The network.
        source_size: Number of source ids.
        target_size: Number of target ids.
        pieces: The source's vocabulary, by its ids; `model.words` needs it.
    """
    prepare_keras()
    from seq2seq.layers.encoder import RNNEncoder

    encoder = recipe.encoder
    model = connect(
        RNNEncoder(
            encoder.units,
            cell=encoder.cell,
            num_layers=encoder.num_layers,
            bidirectional=encoder.bidirectional,
            residual=encoder.residual,
            dropout=dropout_of(encoder),
            name="encoder",
        ),
        _build_decoder(recipe),
        (source_size, target_size),
        recipe.embedding,
        recipe.tie,
        pointer=recipe.pointer,
        selector=recipe.selector,
        pieces=(pieces or ()) if recipe.words else None,
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
        dropout=dropout_of(section),
        name="decoder",
    )


def connect(
    encoder: Any,
    decoder: Any,
    sizes: tuple[int, int],
    embedding_dim: int,
    tie: str = "none",
    *,
    pointer: bool = False,
    selector: bool = False,
    pieces: Sequence[str] | None = None,
) -> Any:
    """Returns a `Seq2Seq` of an encoder and a decoder, with the layers over the vocabularies that text needs.

    Args:
        encoder: An `RNNEncoder`.
        decoder: An `RNNDecoder`.
        sizes: Number of source and of target ids.
        embedding_dim: Width of the embeddings.
        tie: "none"; "target": one matrix for target embedding and output layer; "all": for the source too, unless it is
            read by words.
        pointer: Whether tokens of the source can be copied.
        selector: Whether the model scores which tokens of the source to keep.
        pieces: The source's vocabulary, by its ids. With it the encoder reads words instead of tokens.

    Raises:
        ValueError: sizes that do not fit the tie, the pointer, the selector or the pieces.
    """
    from seq2seq.layers.frontends import TokenEmbedding, embedding_initializer
    from seq2seq.layers.heads import PointerHead, Selector, VocabularyHead
    from seq2seq.models.seq2seq import Seq2Seq
    from seq2seq.text.words import WordFrontend

    _check_sizes(sizes, {"model.tie all": tie == "all", "model.pointer": pointer, "model.selector": selector})
    source_size, target_size = sizes
    if pieces is not None and len(pieces) != source_size:
        raise ValueError(f"Expected the source's vocabulary of {source_size} ids. Received: {len(pieces)} pieces")
    # The order in which layers are made is that of the random numbers that they start from.
    initializer = embedding_initializer(embedding_dim)
    target_embedding = TokenEmbedding(target_size, embedding_dim, initializer, name="target_embedding")
    frontend: Any = target_embedding
    if pieces is not None:
        memory_units = encoder.memory_dim if decoder.attention is not None else None
        frontend = WordFrontend(pieces, embedding_dim, memory_units, name="words")
    elif tie != "all":
        frontend = TokenEmbedding(source_size, embedding_dim, initializer, name="source_embedding")
    head: Any = VocabularyHead(target_size, None if tie == "none" else target_embedding, name="head")
    if pointer:
        head = PointerHead(head, name="pointer")
    chooser = Selector(name="selector") if selector else None
    return Seq2Seq(frontend, encoder, target_embedding, decoder, head, chooser, name="seq2seq")


def _check_sizes(sizes: tuple[int, int], options: dict[str, bool]) -> None:
    """ValueError where an option that needs one vocabulary for both sides is asked for with two."""
    for name, is_asked in options.items():
        if is_asked and sizes[0] != sizes[1]:
            raise ValueError(
                f"{name} needs one vocabulary for both sides. Received: source_size={sizes[0]}, target_size={sizes[1]}"
            )


def build_objective(options: Training, model: Any) -> Any:
    """Returns the `Objective` of a training: the loss of the model's head, and the terms that the options ask for."""
    from seq2seq.training.auxiliary import AgreementLoss, AlignmentLoss, CoverageLoss, SelectorLoss
    from seq2seq.training.objective import Objective, Term
    from seq2seq.training.risk import RiskLoss

    terms: list[Term] = []
    if model.decoder.coverage:
        terms.append(CoverageLoss(0.0))  # which training switches on at an epoch
    if options.alignment_loss:
        terms.append(AlignmentLoss(options.alignment_loss))
    if options.selector_loss:
        terms.append(SelectorLoss(options.selector_loss))
    budget = options.loss_budget_mb * 2**20
    if options.agreement_loss:
        terms.append(AgreementLoss(model.head, options.agreement_loss, budget))
    if options.risk_loss:
        terms.append(RiskLoss(model.head, options.risk_loss, options.risk_sharpness, budget))
    head_options = {"label_smoothing": options.label_smoothing, "budget": budget}
    return Objective(model, terms, head_options, options.token_loss)


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
