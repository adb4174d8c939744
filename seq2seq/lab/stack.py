"""Networks that differ only in their seeds, trained side by side in one graph: small steps cost little more at once."""

from __future__ import annotations

from collections.abc import Sequence
from types import FunctionType, MethodType
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from seq2seq.lab.models import new_model
from seq2seq.layers.cells import LinearCell, zero_state
from seq2seq.layers.names import CellName
from seq2seq.layers.recurrence import repeat_over_time, run_cell
from seq2seq.types import Tensor


class Stack:
    """A network of `new_model` for each seed; weights have the seeds along their first axis.

    Args:
        cell: Of the toolkit.
        units, features, outputs: Widths of the layer, of what it reads, of what it answers after each step.
        seeds: One network each.
        rate: Of Adam.
        clip: Norm that the gradient of each network is clipped to.
        compiled: Compile for each length by XLA: faster steps after a slower first one.
    """

    def __init__(
        self,
        cell: CellName,
        units: int,
        features: int,
        outputs: int,
        seeds: Sequence[int],
        rate: float,
        clip: float = 1.0,
        compiled: bool = False,
    ):
        models = [new_model(cell, units, features, outputs, seed, each_step=True) for seed in seeds]
        self.cell, self.units, self.seeds = models[0].cell, units, tuple(seeds)
        self.names = [weight.name for weight in self.cell.weights]
        self.start = [np.stack(parts) for parts in zip(*(model.get_weights() for model in models), strict=True)]
        self.weights = [keras.Variable(part) for part in self.start]
        self.rate, self.clip = rate, clip
        self.optimizer = keras.optimizers.Adam(rate)
        self.optimizer.build(self.weights)
        self._fresh = [np.array(variable) for variable in self.optimizer.variables]
        self._step = tf.function(self._train, jit_compile=compiled, reduce_retracing=not compiled)

    def restart(self) -> None:
        """Sets all weights to those of the start, and forgets what the optimiser knows."""
        variables = [*self.weights, *self.optimizer.variables]
        for variable, value in zip(variables, [*self.start, *self._fresh], strict=True):
            variable.assign(value)

    def train(self, inputs: np.ndarray, targets: np.ndarray, counts: np.ndarray, numbers: bool) -> np.ndarray:
        """Makes one step of each network; returns their losses before it, `(seeds,)`.

        Args:
            inputs: `(seeds, rows, time, features)`.
            targets: `(seeds, rows, time)`: numbers, or classes.
            counts: `(time,)`: the share that each step has in the loss.
            numbers: The loss is the square error of the first output; otherwise the cross-entropy of all, in nats.
        """
        given = tf.constant(inputs), tf.constant(targets, tf.float32), tf.constant(counts, tf.float32)
        return np.asarray(self._step(*given, tf.constant(float(numbers))))

    def answer(self, inputs: Tensor) -> Tensor:
        """Returns the answers after each step, `(seeds, rows, time, outputs)`."""
        count, rows, time = len(self.seeds), inputs.shape[1], ops.shape(inputs)[2]
        weights = dict(zip(self.names, self.weights, strict=False))
        views = [_View(self.cell, {name: weight[seed] for name, weight in weights.items()}) for seed in range(count)]
        projected = ops.concatenate([view.project(inputs[seed]) for seed, view in enumerate(views)], axis=0)
        projected = ops.reshape(projected, (count * rows, time, self.cell.projected_size))
        state = zero_state(self.cell, count * rows)
        if isinstance(self.cell, LinearCell):  # no weights recur
            outputs, _ = run_cell(self.cell, projected, state)
        else:
            whole = _View(self.cell, {name: _along_seeds(name, weight) for name, weight in weights.items()})

            def apart(tensor: Tensor) -> Tensor:
                return ops.reshape(tensor, (count, rows, tensor.shape[-1]))

            def together(tensor: Tensor) -> Tensor:
                return ops.reshape(tensor, (count * rows, self.units))

            def step(part: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
                output, after = whole.recur(apart(part), [apart(tensor) for tensor in state])
                return together(output), [together(tensor) for tensor in after]

            outputs, _ = repeat_over_time(step, projected, state)
        kernel, bias = self.weights[-2], self.weights[-1]
        outputs = ops.matmul(ops.reshape(outputs, (count, rows * time, self.units)), kernel) + bias[:, None]
        return ops.reshape(outputs, (count, rows, time, bias.shape[-1]))

    def _train(self, inputs: Tensor, targets: Tensor, counts: Tensor, numbers: Tensor) -> Tensor:
        variables = [weight.value for weight in self.weights]
        with tf.GradientTape() as tape:
            outputs = self.answer(inputs)
            square = tf.square(outputs[..., 0] - targets)
            ids = tf.cast(tf.where(numbers > 0, 0.0, targets), tf.int32)  # numbers are no classes
            nats = tf.nn.sparse_softmax_cross_entropy_with_logits(ids, outputs)
            each = tf.where(numbers > 0, square, nats)
            losses = tf.reduce_mean(tf.reduce_sum(each * counts, axis=2) / tf.reduce_sum(counts), axis=1)
            total = tf.reduce_sum(losses)
        gradients = tape.gradient(total, variables)
        axes = [list(range(1, len(part.shape))) for part in gradients]
        squares = [tf.reduce_sum(tf.square(part), axis) for part, axis in zip(gradients, axes, strict=True)]
        norms = tf.sqrt(tf.add_n(squares))  # (seeds,)
        scales = self.clip / tf.maximum(norms, self.clip)
        clipped = [p * tf.reshape(scales, (-1, *[1] * len(a))) for p, a in zip(gradients, axes, strict=True)]
        self.optimizer.apply(clipped, self.weights)
        return losses


class _View:
    """A cell with other weights in the place of its own; all else is the cell's."""

    def __init__(self, cell: Any, weights: dict[str, Tensor]):
        self.__dict__.update(weights, _cell=cell)

    def __getattr__(self, name: str) -> Any:
        method = getattr(type(self._cell), name, None)
        return MethodType(method, self) if isinstance(method, FunctionType) else getattr(self._cell, name)


def _along_seeds(name: str, weight: Tensor) -> Tensor:
    """A stacked weight as it meets a state of `(seeds, rows, units)`."""
    if name.endswith("kernel"):
        return ops.convert_to_tensor(weight)
    if len(weight.shape) == 3:  # the two biases of a GRU
        weight = ops.transpose(weight, (1, 0, 2))
    return ops.expand_dims(weight, -2)
