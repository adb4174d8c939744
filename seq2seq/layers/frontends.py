"""Front ends: from what a batch holds to the vectors that an encoder reads.

A front end is a layer with these methods, of which `FrameStack`, which reads no tokens, has the first and the width;
`text.words.WordFrontend` is another.

    call(source)                        padded ids, frames or readings -> padded vectors, maybe of fewer positions
    expand_to_tokens(values, source)    outputs of the encoder -> one vector for each position of the source
    repeat_for_tokens(values, source)   the same for any values, each as it is
    output_dim                          width of the vectors
    keeps_positions                     whether there is one vector for each position, so that nothing is expanded
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from seq2seq.types import Ids, Padded, Shape, Tensor, Vectors


@keras.saving.register_keras_serializable("seq2seq")
class TokenEmbedding(keras.layers.Layer):
    """Vectors of token ids, for the source, for the target, or for both.

    An output layer that shares the matrix needs a small spread, the input of a network values near 1. So the vectors
    are sqrt(units) times the matrix's rows, which start with a standard deviation of 1 / sqrt(units) (Vaswani et al.
    2017, 3.4). Without it the first epochs of Adam are lost. Plain gradient descent needs them as they are.

    Args:
        size: Number of ids.
        units: Width of the vectors.
        initializer: Of the matrix; None: normal, as above, or of vectors that are not scaled uniform to 0.1.
        dropout: Share of the ids whose vectors become 0 for a whole batch, in training only (Gal & Ghahramani 2016,
            section 4.2).
        scaled: Whether the vectors are sqrt(units) times the rows, or the rows as they are.

    Call arguments:
        source: `Padded`, `(batch, time)`, int32.

    Returns:
        `Padded`, `(batch, time, units)`.
    """

    keeps_positions = True

    def __init__(
        self,
        size: int,
        units: int,
        initializer: Any = None,
        dropout: float = 0.0,
        scaled: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.size = size
        self.units = units
        self.scaled = scaled
        self.initializer = keras.initializers.get(initializer or embedding_initializer(units, scaled))
        self.table = keras.layers.Embedding(size, units, self.initializer, name="table")
        self.dropout = keras.layers.Dropout(dropout, name="dropout")

    @property
    def output_dim(self) -> int:
        """Width of the vectors."""
        return self.units

    @property
    def embeddings(self) -> Any:
        """The matrix, a variable of `(size, units)`."""
        return self.table.embeddings

    def build(self, source_shape: Shape | None = None) -> None:
        if not self.table.built:
            self.table.build((None, None))
        self.built = True

    def call(self, source: Padded, training: bool | None = None) -> Padded:
        return Padded(self.embed(source.values, training), source.mask)

    def embed(self, ids: Ids, training: bool | None = None) -> Vectors:
        """`(…)` ids -> `(…, units)`."""
        vectors = self.table(ids)
        if self.scaled:
            vectors = vectors * self.units**0.5
        if not training or not self.dropout.rate:
            return vectors
        kept = self.dropout(ops.ones((self.size, 1), vectors.dtype), training=True)
        return vectors * ops.take(kept, ids, axis=0)

    def expand_to_tokens(self, values: Vectors, source: Padded) -> Vectors:
        """Returns `values`, which have one vector for each token already."""
        return values

    def repeat_for_tokens(self, values: Tensor, source: Padded) -> Tensor:
        """Returns `values`, which have one entry for each token already."""
        return values

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "size": self.size,
            "units": self.units,
            "initializer": keras.initializers.serialize(self.initializer),
            "dropout": self.dropout.rate,
            "scaled": self.scaled,
        }


@keras.saving.register_keras_serializable("seq2seq")
class ColumnEmbedding(keras.layers.Layer):
    """The sum of the vectors of several ids at each step: the token, and what else is known there.

    An output layer may share the matrix of the tokens, as with a `TokenEmbedding`.

    Args:
        sizes: Number of ids of each column; the first is that of the tokens.
        units: Width of the vectors.
        dropout: Of the tokens; see `TokenEmbedding`.
        scaled: See `TokenEmbedding`.

    Call arguments:
        ids: `(…, columns)`, int32.

    Returns:
        `(…, units)`.

    Raises:
        ValueError: there is no column.
    """

    def __init__(self, sizes: Sequence[int], units: int, dropout: float = 0.0, scaled: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        if not sizes:
            raise ValueError("Expected the number of ids of at least one column. Received: none")
        self.sizes = [int(size) for size in sizes]
        self.units = units
        self.tables = [
            TokenEmbedding(size, units, dropout=0.0 if number else dropout, scaled=scaled, name=f"column_{number}")
            for number, size in enumerate(self.sizes)
        ]

    @property
    def size(self) -> int:
        """Number of tokens."""
        return self.sizes[0]

    @property
    def output_dim(self) -> int:
        """Width of the vectors."""
        return self.units

    @property
    def embeddings(self) -> Any:
        """The matrix of the tokens, a variable of `(size, units)`."""
        return self.tables[0].embeddings

    def build(self, ids_shape: Shape | None = None) -> None:
        for table in self.tables:
            table.build()
        self.built = True

    def call(self, ids: Ids, training: bool | None = None) -> Vectors:
        return self.embed(ids, training)

    def embed(self, ids: Ids, training: bool | None = None) -> Vectors:
        """As a call."""
        vectors = [table.embed(ids[..., number], training) for number, table in enumerate(self.tables)]
        return sum(vectors[1:], vectors[0])

    def get_config(self) -> dict[str, Any]:
        first = self.tables[0]
        own = {"sizes": self.sizes, "units": self.units, "dropout": first.dropout.rate, "scaled": first.scaled}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("seq2seq")
class VectorProjection(keras.layers.Layer):
    """A linear map of the vectors that a language model reads in place of ids.

    Args:
        features: Width of the vectors, at least 1.
        units: Width of the result.

    Call arguments:
        vectors: `(…, features)`, float.

    Returns:
        `(…, units)`.
    """

    def __init__(self, features: int, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.features = features
        self.units = units
        self.projection = keras.layers.Dense(units, name="projection")

    @property
    def output_dim(self) -> int:
        """Width of the result."""
        return self.units

    def build(self, vectors_shape: Shape | None = None) -> None:
        if not self.projection.built:
            self.projection.build((None, None, self.features))
        self.built = True

    def call(self, vectors: Vectors, training: bool | None = None) -> Vectors:
        return self.embed(vectors, training)

    def embed(self, vectors: Vectors, training: bool | None = None) -> Vectors:
        """As a call."""
        return self.projection(vectors)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "features": self.features, "units": self.units}


def embedding_initializer(units: int, scaled: bool = True) -> keras.initializers.Initializer:
    """Returns what the matrix of a `TokenEmbedding` of this width starts from."""
    # Only the one that is used is made: each takes a random number, and all that come after it would be others.
    return (
        keras.initializers.RandomNormal(stddev=units**-0.5) if scaled else keras.initializers.RandomUniform(-0.1, 0.1)
    )


KERNEL = 9
"""Features that a filter of a `FrameStack` sees at once."""


@keras.saving.register_keras_serializable("seq2seq")
class FrameStack(keras.layers.Layer):
    """Vectors of frames, some neighbours in one: an encoder that takes fewer steps is quicker, and learns more easily.

    Each output is a projection of `stack` frames that follow each other, through layer normalisation and ReLU. Frames
    that are missing at the end are zeros, the mean of normalised features. Convolutions over the features of a stack
    may come first, so that a pattern is known at any pitch (Abdel-Hamid et al. 2014). They do not see other stacks, so
    a stream needs no state here.

    Args:
        features: Width of a frame.
        units: Width of the vectors.
        stack: Frames in one, at least 1 (Sak et al. 2015).
        filters: Filters of each convolution over the features, `KERNEL` wide, with ReLU; each halves their number.

    Call arguments:
        source: `Padded`, `(batch, time, features)`, float.

    Returns:
        `Padded`, `(batch, ceil(time / stack), units)`: a position is real if one of its frames is.

    Raises:
        ValueError: a number below 1.
    """

    def __init__(self, features: int, units: int, stack: int = 3, filters: Sequence[int] = (), **kwargs: Any):
        super().__init__(**kwargs)
        if min(features, units, stack, *filters) < 1:
            raise ValueError(
                f"Expected at least one feature, unit, frame and filter. Received: features={features}, units={units}, "
                f"stack={stack}, filters={tuple(filters)}"
            )
        self.features = features
        self.units = units
        self.stack = stack
        self.filters = tuple(filters)
        self.convolutions = [
            keras.layers.Conv1D(
                count, KERNEL, strides=2, padding="same", activation="relu", name=f"convolution_{number}"
            )
            for number, count in enumerate(self.filters)
        ]
        self.projection = keras.layers.Dense(units, name="projection")
        self.normalization = keras.layers.LayerNormalization(name="normalization")

    @property
    def output_dim(self) -> int:
        """Width of the vectors."""
        return self.units

    def build(self, source_shape: Shape | None = None) -> None:
        width, channels = self.features, self.stack
        for convolution in self.convolutions:
            convolution.build((None, width, channels))
            width, channels = -(-width // 2), convolution.filters
        self.projection.build((None, None, width * channels))
        self.normalization.build((None, None, self.units))
        self.built = True

    def call(self, source: Padded, training: bool | None = None) -> Padded:
        values, mask = source
        rows, time = ops.shape(values)[0], ops.shape(values)[1]
        # Where a batch has longer rows a short one ends in padding, which may hold anything.
        values = ops.where(ops.expand_dims(mask, 2), values, 0)
        steps = (time + self.stack - 1) // self.stack
        fill = [[0, 0], [0, steps * self.stack - time]]
        stacked = ops.pad(values, [*fill, [0, 0]])
        if self.convolutions:
            bands = ops.transpose(ops.reshape(stacked, (-1, self.stack, self.features)), (0, 2, 1))
            for convolution in self.convolutions:
                bands = convolution(bands)
            stacked = bands
        stacked = ops.reshape(stacked, (rows, steps, self.projection.kernel.shape[0]))
        real = ops.reshape(ops.pad(mask, fill), (rows, steps, self.stack))[:, :, 0]
        return Padded(ops.relu(self.normalization(self.projection(stacked))), real)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "features": self.features,
            "units": self.units,
            "stack": self.stack,
            "filters": self.filters,
        }
