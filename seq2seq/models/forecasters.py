"""Forecasters: a context of readings in, the parameters of distributions of the readings that follow out.

Readings are scaled by the caller, holes are filled and marked; a model sees numbers and where they are, nothing else.
In mixed precision the recurrent layers alone compute in half of it: inputs, linear map and heads stay in float32, for
half precision has no scale of a thousand and no reading of three digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from seq2seq.layers.decoder import RNNDecoder
from seq2seq.layers.decoder_state import DecoderState
from seq2seq.layers.distributions import DistributionHead, PredictiveFeatures
from seq2seq.layers.encoder import EncoderOutput, RNNEncoder
from seq2seq.layers.segments import LinearSkip, SegmentEmbedding
from seq2seq.types import Padded, Shape, Tensor


@keras.saving.register_keras_serializable("seq2seq")
class SeriesEmbedding(keras.layers.Layer):
    """What a model knows of a series as a whole: its static features, and a learned vector for each known series.

    Args:
        size: Number of known series; row 0 of the table is for all others and stays 0.
        units: Width of the learned vectors; 0: none.

    Call arguments:
        numbers: `(rows,)`, int32: 0 for a series that is not known.
        static: `(rows, static)`, float.

    Returns:
        `(rows, units + static)`, float.
    """

    def __init__(self, size: int, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = size
        self.units = units

    def build(self, static_shape: Shape) -> None:
        self.output_dim = self.units + int(static_shape[-1] or 0)
        if self.units:
            start = keras.initializers.RandomNormal(stddev=0.05)
            self.vectors = self.add_weight((self.size, self.units), start, name="vectors")
        self.built = True

    def call(self, numbers: Tensor, static: Tensor) -> Tensor:
        if not self.units:
            return static
        known = ops.expand_dims(ops.cast(numbers > 0, static.dtype), 1)
        found = ops.take(self.vectors, ops.maximum(numbers - 1, 0), axis=0)
        return ops.concatenate([ops.cast(found, static.dtype) * known, static], axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "units": self.units}


@keras.saving.register_keras_serializable("seq2seq")
class DirectForecaster(keras.Model):
    """All steps of a horizon at once: a linear map from the context, and what a recurrent network adds to it.

    The encoder reads the context in segments. The decoder takes one step for each segment of the horizon, all from the
    encoder's last state, side by side: no error of an early step reaches a later one (Lin et al. 2023).

    Args:
        frontend: Of the context's segments.
        encoder: One or both directions.
        decoder: With a bridge; it may attend to the segments of the context.
        head: Of `segments` vectors a row.
        horizon: Steps: a multiple of the head's steps, of which the last ones may be left out.
        series: What is known of a series as a whole.
        position_units: Width of the learned vector of a segment of the horizon.
        skip: The linear map; None: none.
        shrinks: Whether a weight, `share`, says how much of the network's part of the location is added at each step;
            it is not trained, and 1 at first.

    Call arguments:
        inputs: By name, float32 but for `series`:
            source, `(rows, context, features)`; the first feature is the scaled reading, holes filled.
            source_mask, `(rows, context)`, bool, all True: holes are marked by a feature.
            target_input, `(rows, horizon, features)`: what is known of the future, at least one feature.
            static, `(rows, static)`, at least one.
            series, `(rows,)`, int32.
            scale, `(rows, 1)`: what the readings were divided by.

    Returns:
        `(rows, horizon, size)`, float32: the parameters of the head.
    """

    def __init__(
        self,
        frontend: SegmentEmbedding,
        encoder: RNNEncoder,
        decoder: RNNDecoder,
        head: DistributionHead,
        horizon: int,
        series: SeriesEmbedding,
        position_units: int = 16,
        skip: LinearSkip | None = None,
        shrinks: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**{"autocast": False, **kwargs})
        self.shrinks = shrinks
        self.frontend = frontend
        self.encoder = encoder
        self.decoder = decoder
        self.head = head
        self.horizon = horizon
        self.series = series
        self.position_units = position_units
        self.skip = skip
        self.segments = -(-horizon // head.steps)

    def build_parts(self, context: int, features: int, future: int, static: int) -> None:
        """Builds all layers for inputs of these widths."""
        if getattr(self, "built", False):
            return
        self.widths = {"source": features, "target_input": future, "static": static}
        self.frontend.build((None, context, features))
        self.encoder.build((None, None, self.frontend.output_dim))
        self.encoder.built = True
        self.series.build((None, static))
        self.positions = self.add_weight(
            (self.segments, self.position_units), keras.initializers.RandomNormal(stddev=0.05), name="positions"
        )
        width = self.position_units + self.series.output_dim + future * self.head.steps
        self.decoder.build((None, None, width), self.encoder.memory_dim, self.encoder.state_sizes)
        self.head.build((None, None, self.decoder.features_dim))
        if self.skip is not None:
            self.skip.build((None, context))
        if self.shrinks:
            self.share = self.add_weight((self.horizon,), "ones", trainable=False, dtype="float32", name="share")
        self.built = True

    def predict_features(self, inputs: Mapping[str, Tensor], training: bool | None = None) -> PredictiveFeatures:
        """Returns what the head reads."""
        inputs = _with_widths(inputs, self.widths)
        source = Padded(inputs["source"], inputs["source_mask"])
        return self.decode(inputs, self.encoder(*self.frontend(source, training=training), training=training), training)

    def decode(
        self, inputs: Mapping[str, Tensor], outputs: EncoderOutput, training: bool | None = None
    ) -> PredictiveFeatures:
        """Returns what the head reads, given what the encoder made of the context."""
        rows, segments = ops.shape(inputs["source"])[0], self.segments
        memory = None
        if self.decoder.attention is not None:
            memory = self.decoder.build_memory(outputs.values, outputs.mask)
        state = self.decoder.initial_state(outputs.state, memory)
        # Each segment of the horizon is a row of its own: those of a series are next to each other.
        repeated = keras.tree.map_structure(lambda part: ops.repeat(part, segments, axis=0), state)
        if memory is not None:
            memory = keras.tree.map_structure(lambda part: ops.repeat(part, segments, axis=0), memory)
        steps = self._decoder_inputs(inputs, rows)
        steps = ops.reshape(steps, (rows * segments, 1, steps.shape[-1]))
        features = self.decoder(steps, memory, repeated, training=training).features
        vectors = ops.reshape(features, (rows, segments, self.decoder.features_dim))
        # The head speaks of whole segments; what lies behind the horizon is cut off by `parameters`.
        fill = [[0, 0], [0, segments * self.head.steps - self.horizon]]
        base = ops.zeros((rows, self.horizon)) if self.skip is None else self.skip(inputs["source"][..., 0])
        share = ops.pad(ops.convert_to_tensor(self.share), fill[1:]) if self.shrinks else None
        return PredictiveFeatures(vectors, ops.pad(base, fill), ops.cast(inputs["scale"], "float32"), share)

    def _decoder_inputs(self, inputs: Mapping[str, Tensor], rows: Tensor) -> Tensor:
        """Returns `(rows, segments, width)`: position, series, and what is known of the steps of each segment."""
        future, segments, steps = inputs["target_input"], self.segments, self.head.steps
        width = future.shape[-1]
        future = ops.pad(future, [[0, 0], [0, segments * steps - self.horizon], [0, 0]])
        future = ops.reshape(future, (rows, segments, steps * width))
        dtype = future.dtype
        series = ops.expand_dims(self.series(inputs["series"], inputs["static"]), 1)
        series = ops.repeat(ops.cast(series, dtype), segments, axis=1)
        positions = ops.expand_dims(ops.cast(self.positions, dtype), 0)
        positions = ops.broadcast_to(positions, (rows, segments, self.position_units))
        return ops.concatenate([positions, series, future], axis=-1)

    @property
    def target_size(self) -> int:
        """Number of parameters of a step."""
        return int(self.head.size)

    @property
    def recurrent_parts(self) -> dict[str, Any]:
        """The layers that go through time, by name."""
        return {"encoder": self.encoder}

    def call(self, inputs: Mapping[str, Tensor], training: bool | None = None) -> Tensor:
        return self.head.parameters(self.predict_features(inputs, training))[:, : self.horizon]


@keras.saving.register_keras_serializable("seq2seq")
class AutoregressiveForecaster(keras.Model):
    """One step after the other: each reading is predicted from those before it, and a state.

    Training knows all readings; a forecast draws each and goes on (Salinas et al. 2020, DeepAR). A linear map from the
    lagged readings gives the location a base.

    Args:
        decoder: Without attention.
        head: Of one step a vector.
        lags: Number of lagged readings, the first features of each step.
        series: What is known of a series as a whole.
        skip: From the lags to one step; None: none.
        read_inputs: Whether the head reads the features of a step beside the output of the decoder.

    Call arguments:
        inputs: By name, float32 but for `series`:
            target_input, `(rows, time, features)`: lagged readings, scaled, holes filled; then what else is known.
            static, `(rows, static)`, at least one.
            series, `(rows,)`, int32.
            scale, `(rows, 1)`.
            mask, `(rows, time)`, bool, True at the left, if the rows end at different steps: the state of a row stays
            as it is after its last one.

    Returns:
        `(rows, time, size)`, float32: the parameters of the head.
    """

    def __init__(
        self,
        decoder: RNNDecoder,
        head: DistributionHead,
        lags: int,
        series: SeriesEmbedding,
        skip: LinearSkip | None = None,
        read_inputs: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**{"autocast": False, **kwargs})
        self.decoder = decoder
        self.head = head
        self.lags = lags
        self.series = series
        self.skip = skip
        self.read_inputs = read_inputs

    def build_parts(self, features: int, static: int) -> None:
        """Builds all layers for inputs of these widths."""
        if getattr(self, "built", False):
            return
        self.widths = {"target_input": features, "static": static}
        self.series.build((None, static))
        self.decoder.build((None, None, features + self.series.output_dim))
        self.head.build((None, None, self.decoder.features_dim + (features if self.read_inputs else 0)))
        if self.skip is not None:
            self.skip.build((None, None, self.lags))
        self.built = True

    def initial_state(self, rows: int | Tensor) -> DecoderState:
        """Returns the state before the first reading: zeros."""
        return self.decoder.zero_state(rows)

    def advance(
        self, inputs: Mapping[str, Tensor], state: DecoderState, training: bool | None = None
    ) -> tuple[PredictiveFeatures, DecoderState]:
        """Goes on from a state over any number of steps: what the head reads of them, and the state after them."""
        inputs = _with_widths(inputs, self.widths)
        given = inputs["target_input"]
        series = ops.expand_dims(ops.cast(self.series(inputs["series"], inputs["static"]), given.dtype), 1)
        series = ops.repeat(series, ops.shape(given)[1], axis=1)
        read, mask = ops.concatenate([given, series], axis=-1), inputs.get("mask")
        output = self.decoder(read, None, state, mask=mask, training=training)
        base = ops.zeros_like(given[..., 0]) if self.skip is None else self.skip(given[..., : self.lags])[..., 0]
        vectors = output.features
        if self.read_inputs:
            vectors = ops.concatenate([ops.cast(vectors, "float32"), ops.cast(given, "float32")], axis=-1)
        features = PredictiveFeatures(vectors, ops.cast(base, "float32"), ops.cast(inputs["scale"], "float32"))
        return features, output.state

    def predict_features(self, inputs: Mapping[str, Tensor], training: bool | None = None) -> PredictiveFeatures:
        """Returns what the head reads, from the first step on."""
        return self.advance(inputs, self.initial_state(ops.shape(inputs["target_input"])[0]), training)[0]

    @property
    def target_size(self) -> int:
        """Number of parameters of a step."""
        return int(self.head.size)

    @property
    def recurrent_parts(self) -> dict[str, Any]:
        """The layers that go through time, by name."""
        return {"decoder": self.decoder}

    def call(self, inputs: Mapping[str, Tensor], training: bool | None = None) -> Tensor:
        return self.head.parameters(self.predict_features(inputs, training))


def _with_widths(inputs: Mapping[str, Tensor], widths: Mapping[str, int]) -> dict[str, Tensor]:
    """Returns the inputs with their last axes known: a data set does not say how wide its batches are."""
    return {
        name: ops.reshape(part, (*ops.shape(part)[:-1], widths[name])) if name in widths else part
        for name, part in inputs.items()
    }
