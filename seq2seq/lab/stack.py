"""Networks that differ only in their seeds, trained side by side in one graph: small steps cost little more at once."""

from __future__ import annotations

from collections.abc import Sequence
from types import FunctionType, MethodType
from typing import Any

import keras
import numpy as np
from keras import ops

from seq2seq.lab.models import new_model
from seq2seq.layers.cells import LinearCell, zero_state
from seq2seq.layers.names import CellName
from seq2seq.layers.recurrence import repeat_over_time, run_cell
from seq2seq.types import Tensor


class Stack(keras.Model):
    """A network of `new_model` for each seed; weights have the seeds along their first axis.

    Args:
        cell: Of the toolkit.
        units, features, outputs: Widths of the layer, of what it reads, of what it answers after each step.
        seeds: One network each.

    Call arguments:
        inputs: `(seeds, rows, time, features)`, float.

    Returns:
        answers after each step, `(seeds, rows, time, outputs)`.
    """

    def __init__(self, cell: CellName, units: int, features: int, outputs: int, seeds: Sequence[int]):
        super().__init__()
        models = [new_model(cell, units, features, outputs, seed, each_step=True) for seed in seeds]
        self.like = _View(models[0].cell, {})  # Keras counts no weights of it as the model's
        self.units, self.seeds = units, tuple(seeds)
        self.names = [weight.name for weight in models[0].cell.weights]
        for parts in zip(*(model.get_weights() for model in models), strict=True):
            self.add_weight((len(seeds), *parts[0].shape), "zeros").assign(np.stack(parts))
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        cell, count, (_, rows, time, _) = self.like.cell, len(self.seeds), ops.shape(inputs)
        weights = dict(zip(self.names, self.weights, strict=False))
        views = [_View(cell, {name: weight[seed] for name, weight in weights.items()}) for seed in range(count)]
        projected = ops.concatenate([view.project(inputs[seed]) for seed, view in enumerate(views)], axis=0)
        projected = ops.reshape(projected, (count * rows, time, cell.projected_size))
        state = zero_state(cell, count * rows)
        if isinstance(cell, LinearCell):  # no weights recur
            outputs, _ = run_cell(cell, projected, state)
        else:
            whole = _View(cell, {name: _along_seeds(name, weight) for name, weight in weights.items()})

            def apart(tensor: Tensor) -> Tensor:
                return ops.reshape(tensor, (count, -1, tensor.shape[-1]))

            def together(tensor: Tensor) -> Tensor:
                return ops.reshape(tensor, (-1, self.units))

            def step(part: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
                output, after = whole.recur(apart(part), [apart(tensor) for tensor in state])
                return together(output), [together(tensor) for tensor in after]

            outputs, _ = repeat_over_time(step, projected, state)
        kernel, bias = self.weights[-2], self.weights[-1]
        outputs = ops.matmul(ops.reshape(outputs, (count, rows * time, self.units)), kernel) + bias[:, None]
        return ops.reshape(outputs, (count, rows, time, bias.shape[-1]))


class _View:
    """A cell with other weights in the place of its own; all else is the cell's."""

    def __init__(self, cell: Any, weights: dict[str, Tensor]):
        self.__dict__.update(weights, cell=cell)

    def __getattr__(self, name: str) -> Any:
        method = getattr(type(self.cell), name, None)
        return MethodType(method, self) if isinstance(method, FunctionType) else getattr(self.cell, name)


def _along_seeds(name: str, weight: Tensor) -> Tensor:
    """A stacked weight as it meets a state of `(seeds, rows, units)`."""
    if name.endswith("kernel"):
        return ops.convert_to_tensor(weight)
    if len(weight.shape) == 3:  # the two biases of a GRU
        weight = ops.transpose(weight, (1, 0, 2))
    return ops.expand_dims(weight, -2)
