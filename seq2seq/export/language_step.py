"""One step of a language model as a network of its own, whose state the host keeps.

step    `ids (rows,)`, int32, the last id of each text, EOS at first; `state (rows, …)`, float32, zeros at first
        -> `log_probabilities (rows, size)` of all ids that may follow, and the state after
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seq2seq.indexing import join, split
from seq2seq.models.language_model import LanguageModel


class Step:
    """Calls the network of a model with its state as one tensor.

    Args:
        model: The network.
    """

    def __init__(self, model: LanguageModel):
        self.model = model
        self._structure = model.initial_state(1)
        self._widths = [tensor.shape[-1] for tensor in keras.tree.flatten(self._structure)]

    @property
    def state_size(self) -> int:
        """Width of the state."""
        return sum(self._widths)

    def __call__(self, ids: Any, state: Any) -> tuple[Any, Any]:
        """`(rows,)` ids, `(rows, state_size)` -> log-probabilities `(rows, size)` and the state after."""
        before = keras.tree.pack_sequence_as(self._structure, split(state, self._widths))
        logits, after = self.model.decode(ops.expand_dims(ids, 1), before, training=False)
        return ops.log_softmax(ops.squeeze(logits, 1)), join(keras.tree.flatten(after))
