"""Parts of tensors: joined along the last axis and split again, taken by index, repeated."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import keras
from keras import ops

from seq2seq.types import Ids, Tensor


def join(parts: Sequence[Tensor]) -> Tensor:
    """Concatenates tensors along their last axis."""
    return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]


def split(joined: Tensor, widths: Sequence[int]) -> list[Tensor]:
    """Splits what `join` made of tensors of these widths; the last width may be unknown."""
    if len(widths) == 1:
        return [joined]
    ends = list(accumulate(widths[:-1]))
    if joined.shape[-1] is None:  # Keras' split needs a known width, and a slice of an unknown one has none
        rows = ops.shape(joined)[:-1]
        parts = [joined[..., end - width : end] for width, end in zip(widths, ends, strict=False)]
        known = [ops.reshape(part, (*rows, width)) for part, width in zip(parts, widths, strict=False)]
        return [*known, joined[..., ends[-1] :]]
    if keras.backend.backend() == "tensorflow":
        from seq2seq.kernels import indexing

        return indexing.split(joined, [*widths[:-1], joined.shape[-1] - ends[-1]])
    return list(ops.split(joined, ends, axis=-1))


def gather(tensor: Tensor, index: Ids) -> Tensor:
    """Takes entries of a tensor along the axis in the place of the last one of `index`.

    Args:
        tensor: `(a…, n, b…)`, with as many axes a as `index` has.
        index: `(a…, m)`, int32 or int64, in [0, n).

    Returns:
        `(a…, m, b…)`.
    """
    if keras.backend.backend() == "tensorflow":
        from seq2seq.kernels import indexing

        return indexing.gather(tensor, index)
    more = len(tensor.shape) - len(index.shape)
    index = ops.reshape(index, (*ops.shape(index), *[1] * more))
    return ops.take_along_axis(tensor, index, axis=-1 - more)


def repeat_rows(nest: Any, times: int | Tensor) -> Any:
    """Repeats each row of a nest of `(rows, …)` tensors, `(rows * times, …)`; the copies of a row are neighbours.

    None stays None.
    """
    once = isinstance(times, int) and times == 1
    leaves = [] if nest is None or once else keras.tree.flatten(nest)
    if not leaves:
        return nest
    index = ops.arange(ops.shape(leaves[0])[0] * times, dtype="int32") // times
    return keras.tree.map_structure(lambda tensor: gather(tensor, index), nest)
