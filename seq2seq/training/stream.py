"""Training a language model: on sequences of their own, or on an endless one whose batches go on from each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import keras
from keras import ops

from seq2seq.training.objective import Objective, Term
from seq2seq.types import Tensor


class SequenceObjective(Objective):
    """The mean loss of a language model a step, each row a sequence of its own from its beginning on.

    What comes after the end of a row has weight 0.

    Call arguments:
        inputs: By name `target_input`, `(rows, time)`, or with further columns `(rows, time, columns)`, int32.
    """

    def call(self, inputs: Mapping[str, Tensor], training: bool | None = None) -> dict[str, Any]:
        ids = inputs["target_input"]
        features, _ = self.model.decode_features(ids, self.model.initial_state(ops.shape(ids)[0]), training)
        return {"features": features}


class StreamObjective(Objective):
    """The mean loss of a language model a step, by truncated back-propagation through time.

    The state after a batch is kept in variables of the objective, so that a checkpoint holds it, and the next batch of
    `fit` or `evaluate` goes on from it. No gradient flows into the batch before.

    Args:
        model: A `LanguageModel`.
        rows: Of every batch.
        terms: As in `Objective`; their `outputs` have features alone.
        head_options: As in `Objective`.

    Call arguments:
        inputs: By name `target_input`, `(rows, time)`, int32; and `carry`, `(rows,)`, float32: 1 in rows that go on, 0
            in rows that begin.
    """

    def __init__(
        self,
        model: Any,
        rows: int,
        terms: Iterable[Term] = (),
        head_options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ):
        super().__init__(model, terms, head_options, **kwargs)
        self.rows = rows
        self.carried: list[Any] = []
        """Variables with the state after the last batch, `(rows, size)` each, float32."""

    def build(self, input_shape: Any = None) -> None:
        if self.carried:
            return
        super().build(input_shape)
        self.carried = [
            self.add_weight(tuple(part.shape), "zeros", trainable=False, name=f"carried_{number}", dtype="float32")
            for number, part in enumerate(keras.tree.flatten(self.model.initial_state(self.rows)))
        ]

    def call(self, inputs: Mapping[str, Tensor], training: bool | None = None) -> dict[str, Any]:
        carry = ops.expand_dims(inputs["carry"], 1)
        dtype = self.model.compute_dtype
        parts = [ops.cast(ops.stop_gradient(ops.convert_to_tensor(part)) * carry, dtype) for part in self.carried]
        state = keras.tree.pack_sequence_as(self.model.initial_state(self.rows), parts)
        features, state = self.model.decode_features(inputs["target_input"], state, training)
        for variable, part in zip(self.carried, keras.tree.flatten(state), strict=True):
            part = ops.cast(ops.stop_gradient(part), "float32")
            # A step that is skipped because its numbers are not finite leaves nothing behind.
            variable.assign(ops.where(ops.isfinite(part), part, 0.0))
        return {"features": features}
