"""What tasks share whose model predicts one token after the other, without a source: sections, network, losses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from seq2seq.backend import prepare_keras
from seq2seq.layers.names import CellName
from seq2seq.run import sections
from seq2seq.run.folder import RunFolderError
from seq2seq.run.sections import Section


class Model(Section):
    """The network."""

    embedding: int = 256
    """Width of the embeddings."""
    scale_embedding: bool = True
    """Read the embeddings times the square root of their width, as Adam needs it; false: as they are, for sgd."""
    cell: CellName = "lstm"
    """Recurrent cell."""
    units: int = 512
    """Width of each layer."""
    num_layers: int = 1
    """Number of layers."""
    residual: bool = False
    """Add each layer's input to its output from the second layer on."""
    tie: bool = True
    """One matrix for embedding and output layer; the last layer, or the readout, must be as wide as the embedding."""
    readout: bool = True
    """A tanh layer of the embedding's width between the last layer and the output layer."""
    dropout: float = 0.3
    """Dropout rate on every layer's input and before the output layer."""
    variational_dropout: bool = True
    """One dropout mask for all steps of a batch instead of one for each step (Gal & Ghahramani 2016)."""
    embedding_dropout: float = 0.0
    """Share of the vocabulary whose embeddings are dropped in a batch (Gal & Ghahramani 2016)."""
    weight_dropout: float = 0.0
    """Dropout rate on the recurrent weights (DropConnect; Merity et al. 2018); not for ssru and min_gru."""


class Training(sections.TokenTraining):
    """How to train."""

    label_smoothing: float = 0.0
    """Share of each target spread over all choices; it makes perplexity worse."""
    activation_loss: float = 0.0
    """Weight of the mean square of the features (AR, Merity et al. 2018). 2 is usual; 0 is off."""
    slowness_loss: float = 0.0
    """Weight of the mean square of their change from step to step (TAR, Merity et al. 2018). 1 is usual; 0 is off."""


T = TypeVar("T")

VALIDATION = "validation"
"""The name under which the validation part can be evaluated, to choose options."""

LEAST_ONE = ("model.embedding", "model.units", "model.num_layers")
NOT_NEGATIVE = ("training.activation_loss", "training.slowness_loss")
SHARES = ("model.dropout", "model.embedding_dropout", "model.weight_dropout")
"""The ranges of these sections, for `run.ranges.out_of_range`."""


def chosen_test(tests: Mapping[str, T], name: str | None, otherwise: str) -> T:
    """Returns a test set of a run by its name, by default the first.

    Args:
        tests: Those of the run.
        name: Of one of them.
        otherwise: What else can be given, for the message, such as "--text FILE".

    Raises:
        RunFolderError: the run has no test set, or none of that name.
    """
    if not tests:
        raise RunFolderError(f"This run has no test set. Give {otherwise}.")
    if (name := name or next(iter(tests))) not in tests:
        raise RunFolderError(
            f"This run knows the test sets {', '.join(tests)}. Received: {name!r}. Or give {otherwise}."
        )
    return tests[name]


def contradictions(model: Model) -> Iterator[str]:
    """Yields a sentence for everything in the section that contradicts itself."""
    if model.tie and not model.readout and model.units != model.embedding:
        yield (
            "model.tie without model.readout needs model.units as wide as model.embedding, received "
            f"{model.units} and {model.embedding}"
        )
    if model.weight_dropout and model.cell in ("ssru", "min_gru"):
        yield f"model.weight_dropout needs a cell with recurrent weights, received {model.cell}"


def build_network(recipe: Model, sizes: Sequence[int]) -> Any:
    """Returns a new, built `LanguageModel` over tokens.

    Args:
        recipe: The section.
        sizes: Number of tokens; and, where the network reads more at each step, the ids of each further column.

    Raises:
        ValueError: numbers that do not fit together.
    """
    prepare_keras()
    from seq2seq.layers.frontends import ColumnEmbedding, TokenEmbedding
    from seq2seq.layers.heads import VocabularyHead

    size, *more = sizes
    options: Any = {"dropout": recipe.embedding_dropout, "scaled": recipe.scale_embedding, "name": "embedding"}
    embedding: Any = (
        ColumnEmbedding(sizes, recipe.embedding, **options)
        if more
        else TokenEmbedding(size, recipe.embedding, **options)
    )
    return connect(recipe, embedding, VocabularyHead(size, embedding if recipe.tie else None, name="head"))


def connect(recipe: Model, embedding: Any, head: Any) -> Any:
    """Returns a new, built `LanguageModel` whose decoder is the section's."""
    from seq2seq.layers.decoder import RNNDecoder
    from seq2seq.layers.options import DropoutOptions
    from seq2seq.models.language_model import LanguageModel

    decoder = RNNDecoder(
        recipe.units,
        cell=recipe.cell,
        num_layers=recipe.num_layers,
        attention=None,
        readout_units=recipe.embedding if recipe.readout else None,
        residual=recipe.residual,
        dropout=DropoutOptions(recipe.dropout, recipe.variational_dropout, weights=recipe.weight_dropout),
        name="decoder",
    )
    model = LanguageModel(embedding, decoder, head, name="language_model")
    model.build()
    return model


def loss_terms(options: Training) -> list[Any]:
    """Returns the terms that a recipe adds to the loss of the head."""
    from seq2seq.training.auxiliary import ActivationLoss, SlownessLoss
    from seq2seq.training.objective import Term

    terms = list[Term]()
    if options.activation_loss:
        terms.append(ActivationLoss(options.activation_loss))
    if options.slowness_loss:
        terms.append(SlownessLoss(options.slowness_loss))
    return terms


def head_options(options: Training) -> dict[str, Any]:
    """Returns the keywords of the loss of a `VocabularyHead`."""
    return {"label_smoothing": options.label_smoothing, "budget": options.loss_budget_mb * 2**20}


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
