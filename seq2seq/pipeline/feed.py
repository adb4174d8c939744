"""Batches in the form that `fit` takes. TensorFlow's edge: elsewhere the plan itself is the data set."""

from __future__ import annotations

from typing import Any

import keras

from seq2seq.pipeline.plan import Batches
from seq2seq.types import Batch


def new_shapes_are_cheap() -> bool:
    """Whether a step may have another shape each time; where a graph is compiled for each shape it may not."""
    return keras.backend.backend() == "tensorflow"


def as_fit_data(plan: Batches, first: int = 0) -> Any:
    """Returns `plan` from step `first` on as `(inputs, target_output, weights)`, once, prefetched.

    The inputs are tensors by name: see `Batch.inputs`.
    """
    if keras.backend.backend() != "tensorflow":
        return _PlanDataset(plan, first)
    import tensorflow as tf

    steps = range(first, len(plan))
    signature = keras.tree.map_structure(
        lambda array: tf.TensorSpec((None,) * array.ndim, array.dtype), _arrange(plan[min(first, len(plan) - 1)])
    )
    batches = tf.data.Dataset.from_generator(
        lambda: (_arrange(plan[step]) for step in steps), output_signature=signature
    )
    batches = batches.apply(tf.data.experimental.assert_cardinality(len(steps))).prefetch(4)
    # There is nothing to tune. The tuning thread sleeps, and closing the data waits until it wakes: after a long epoch
    # that takes half a minute.
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)


def _arrange(batch: Batch) -> tuple[dict[str, Any], Any, Any]:
    return batch.inputs(), batch.target_output, batch.weights


class _PlanDataset(keras.utils.PyDataset):
    def __init__(self, plan: Batches, first: int):
        super().__init__()
        self.plan, self.first = plan, first

    def __len__(self) -> int:
        return len(self.plan) - self.first

    def __getitem__(self, step: int) -> tuple[dict[str, Any], Any, Any]:
        return _arrange(self.plan[self.first + step])
