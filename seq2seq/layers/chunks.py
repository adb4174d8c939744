"""Work on rows in chunks, so that what is wide exists for some rows at a time only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keras import ops

from seq2seq.types import Tensor

BUDGET = 64 * 2**20
"""Bytes that the wide tensor of one chunk may take, if nothing else is asked for."""


@dataclass(frozen=True)
class Chunks:
    """Equal parts of the first axis of some tensors; the last is filled up with zeros."""

    rows: int | Tensor
    """Length of that axis."""
    count: int | Tensor
    """Number of chunks."""
    height: int | Tensor
    """Rows of a chunk."""

    @classmethod
    def of(cls, rows: int | Tensor, width: int, budget: int) -> Chunks:
        """Returns chunks of which each has at most `budget` bytes of `width` float32 numbers a row, or one row."""
        limit = max(1, budget // (4 * width))
        count = (rows + limit - 1) // limit
        return cls(rows, count, (rows + count - 1) // count)

    def split(self, tensor: Tensor) -> Tensor:
        """`(rows, …)` -> `(count, height, …)`."""
        fill = [[0, self.count * self.height - self.rows]] + [[0, 0]] * (len(tensor.shape) - 1)
        return ops.reshape(ops.pad(tensor, fill), (self.count, self.height, *tensor.shape[1:]))

    def join(self, tensor: Tensor) -> Tensor:
        """`(count, height, …)` -> `(rows, …)`."""
        return ops.reshape(tensor, (-1, *tensor.shape[2:]))[: self.rows]

    def run(
        self, step: Callable[[int | Tensor], Sequence[Tensor]], sums: int, room: Sequence[Tensor] = ()
    ) -> tuple[Tensor, ...]:
        """Calls `step` with the number of each chunk.

        Args:
            step: Returns tensors: first those to be summed over the chunks, then parts of `(1, height, …)`.
            sums: How many are summed.
            room: A tensor of `(count, height, …)` for each part, of its shape and dtype; its values do not matter.

        Returns:
            The sums; and the parts of all chunks side by side, `(count, height, …)`.
        """
        # The first chunk, often the only one, is computed before the loop: nothing is added to zeros.
        first = tuple(step(0))
        if isinstance(self.count, int) and self.count == 1:
            return first

        def body(i: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
            new = step(i)
            added = [old + more for old, more in zip(state[:sums], new[:sums], strict=True)]
            place = ops.reshape(i, (1, 1))
            placed = [ops.scatter_update(old, place, part) for old, part in zip(state[sums:], new[sums:], strict=True)]
            return i + 1, *added, *placed

        whole = [ops.concatenate([part, more[1:]], axis=0) for part, more in zip(first[sums:], room, strict=True)]
        start = (ops.ones((), "int32"), *first[:sums], *whole)
        return tuple(ops.while_loop(lambda i, *_: i < self.count, body, start)[1:])


def with_gradients(
    forward: Callable[..., tuple[Sequence[Tensor], Sequence[Tensor]]], inputs: Sequence[Tensor]
) -> Sequence[Tensor]:
    """Calls a function that returns its results and the gradients of the first result by each input.

    The first result carries these gradients, the others none.
    """

    @ops.custom_gradient
    def fused(*inputs: Tensor) -> tuple[Sequence[Tensor], Callable[..., tuple[Tensor, ...]]]:
        results, gradients = forward(*inputs)

        def gradient(*args: Tensor, upstream: Tensor = None) -> tuple[Tensor, ...]:
            up = args[0] if upstream is None else upstream
            up = up[0] if isinstance(up, (tuple, list)) else up
            return tuple(ops.cast(up, d.dtype) * d for d in gradients)

        return tuple(results), gradient

    first, *others = fused(*inputs)
    return first, *(ops.stop_gradient(other) for other in others)
