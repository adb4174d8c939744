"""Inputs and outputs of each operator of an exported network; the runtime checks only part, and may crash.

A rule returns the shapes of its results, or raises FlatBufferError. -1 is a size known only when the network runs: for
those the runtime's own checks, which are made of the sizes at that moment, are enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from seq2seq.lite.flatbuffer import FlatBufferError
from seq2seq.lite.graph import BOOL, FLOAT16, FLOAT32, INT8, INT32, INT64, Shape, Tensor

NUMBERS = {FLOAT32, INT32, INT64}
Values = tuple[int | float, ...]


class Step(NamedTuple):
    """An operator with its inputs, outputs and options."""

    inputs: tuple[Tensor, ...]
    """Without an omitted bias."""
    outputs: tuple[Tensor, ...]
    options: Values

    def types(self, *allowed: int) -> int:
        """Returns the common type of all inputs, which must be allowed."""
        found = {tensor.type for tensor in self.inputs}
        _need(len(found) == 1 and found <= set(allowed), "types")
        return self.inputs[0].type

    def gives(self, *types: int) -> None:
        _need([tensor.type for tensor in self.outputs] == list(types), "types of results")

    def values(self, place: int) -> tuple[int, ...]:
        """Returns the values of an input that must be a small integer constant."""
        tensor = self.inputs[place]
        _need(tensor.type == INT32 and tensor.values is not None, "constants")
        return tuple(map(int, tensor.values or ()))

    def axis(self, place: int, rank: int) -> int:
        """Returns the value of a scalar input as an axis of a tensor of that rank."""
        values = self.values(place)
        _need(len(values) == 1, "axes")
        return _axis(values[0], rank)


def _need(holds: bool, what: str) -> None:
    if not holds:
        raise FlatBufferError(what)


def _axis(axis: int | float, rank: int) -> int:
    _need(-rank <= axis < rank, "axes")
    return int(axis) % rank


def agree(one: Shape, other: Shape) -> bool:
    """Whether two shapes can be equal when the network runs."""
    return len(one) == len(other) and all(a == b or -1 in (a, b) for a, b in zip(one, other, strict=True))


def _broadcast(one: Shape, other: Shape) -> Shape:
    rank = max(len(one), len(other))
    found = []
    for a, b in zip((1,) * (rank - len(one)) + one, (1,) * (rank - len(other)) + other, strict=True):
        _need(a == b or a in (1, -1) or b in (1, -1), "sizes")
        found.append(max(a, b) if max(a, b) > 1 else min(a, b))
    return tuple(found)


def unary(*types: int) -> Callable[[Step], list[Shape]]:
    """Elementwise operators that keep the type."""

    def rule(step: Step) -> list[Shape]:
        step.gives(step.types(*types))
        return [step.inputs[0].shape]

    return rule


def binary(types: set[int], result: int | None = None) -> Callable[[Step], list[Shape]]:
    """Broadcast binary operators; `result` is the output type if it differs."""

    def rule(step: Step) -> list[Shape]:
        type_ = step.types(*types)
        step.gives(type_ if result is None else result)
        return [_broadcast(step.inputs[0].shape, step.inputs[1].shape)]

    return rule


def divide(step: Step) -> list[Shape]:
    """FLOOR_DIV and FLOOR_MOD by positive constants; 0 would trap."""
    _need(min(step.values(1), default=0) > 0, "divisors")
    return binary({INT32})(step)


def cast_(step: Step) -> list[Shape]:
    """CAST."""
    _need({step.inputs[0].type, step.outputs[0].type} <= {BOOL, *NUMBERS}, "types")
    return [step.inputs[0].shape]


def dequantize(step: Step) -> list[Shape]:
    """DEQUANTIZE."""
    step.types(INT8, FLOAT16)
    step.gives(FLOAT32)
    return [step.inputs[0].shape]


def select(step: Step) -> list[Shape]:
    """SELECT_V2."""
    condition, one, other = step.inputs
    _need(condition.type == BOOL and one.type == other.type == step.outputs[0].type, "types")
    _need(one.type in NUMBERS, "types")
    return [_broadcast(condition.shape, _broadcast(one.shape, other.shape))]


def select_equal(step: Step) -> list[Shape]:
    """SELECT, which does not broadcast."""
    shapes = [tensor.shape for tensor in step.inputs]
    _need(agree(shapes[0], shapes[1]) and agree(shapes[1], shapes[2]), "sizes")
    return select(step)


def fully_connected(step: Step) -> list[Shape]:
    """FULLY_CONNECTED."""
    given, weights = step.inputs[:2]
    keep = step.options[2]
    _need(given.type == FLOAT32 and weights.type in (FLOAT32, INT8), "types")
    step.gives(FLOAT32)
    _need(len(weights.shape) == 2 and min(weights.shape) > 0 and len(given.shape) > 0, "sizes")
    _need(weights.is_constant or weights.type == FLOAT32, "constants")
    units, width = weights.shape
    _need(given.shape[-1] in (-1, width), "sizes")
    for bias in step.inputs[2:]:
        _need(bias.type == FLOAT32 and bias.shape == (units,), "sizes of a bias")
    rows = given.shape[:-1]
    return [(*rows, units) if keep else (-1 if -1 in rows else math.prod(rows), units)]


def convolution(step: Step) -> list[Shape]:
    """CONV_2D without groups or dilation."""
    given, filters = step.inputs[:2]
    same, across, down = step.options[0] == 0, int(step.options[1]), int(step.options[2])
    _need(step.options[0] in (0, 1) and min(across, down) > 0, "strides")
    _need(given.type == FLOAT32 and filters.type in (FLOAT32, INT8), "types")
    _need(filters.is_constant or filters.type == FLOAT32, "constants")
    step.gives(FLOAT32)
    _need(len(given.shape) == len(filters.shape) == 4 and min(filters.shape) > 0, "sizes")
    count, *window, channels = filters.shape
    _need(given.shape[3] == channels, "sizes")
    for bias in step.inputs[2:]:
        _need(bias.type == FLOAT32 and bias.shape == (count,), "sizes of a bias")
    places = []
    for size, wide, stride in zip(given.shape[1:3], window, (down, across), strict=True):
        _need(size > 0 and (same or size >= wide), "sizes")
        places.append(-(-size // stride) if same else (size - wide) // stride + 1)
    return [(given.shape[0], *places, count)]


def batch_matmul(step: Step) -> list[Shape]:
    """BATCH_MATMUL."""
    step.types(FLOAT32)
    step.gives(FLOAT32)
    one, other = (tensor.shape for tensor in step.inputs)
    _need(len(one) >= 2 and len(other) >= 2, "sizes")
    (rows, inner), (width, columns) = (
        shape[:-3:-1] if turned else shape[-2:] for shape, turned in zip((one, other), step.options[:2], strict=True)
    )
    _need(agree((inner,), (width,)), "sizes")
    return [(*_broadcast(one[:-2], other[:-2]), rows, columns)]


def softmax(step: Step) -> list[Shape]:
    """SOFTMAX."""
    _need(len(step.inputs[0].shape) > 0 and step.options[0] > 0, "sizes")
    return unary(FLOAT32)(step)


def concatenation(step: Step) -> list[Shape]:
    """CONCATENATION."""
    step.gives(step.types(FLOAT32, INT32))
    shapes = [tensor.shape for tensor in step.inputs]
    axis = _axis(step.options[0], len(shapes[0]))
    for shape in shapes:
        _need(len(shape) == len(shapes[0]), "sizes")
        _need(agree((*shape[:axis], *shape[axis + 1 :]), (*shapes[0][:axis], *shapes[0][axis + 1 :])), "sizes")
    sizes = [shape[axis] for shape in shapes]
    return [(*shapes[0][:axis], -1 if -1 in sizes else sum(sizes), *shapes[0][axis + 1 :])]


def pack(step: Step) -> list[Shape]:
    """PACK."""
    step.gives(step.types(FLOAT32, INT32))
    count, axis = step.options
    shape = step.inputs[0].shape
    _need(count == len(step.inputs) and all(agree(tensor.shape, shape) for tensor in step.inputs), "sizes")
    axis = _axis(axis, len(shape) + 1)
    return [(*shape[:axis], len(step.inputs), *shape[axis:])]


def expand_dims(step: Step) -> list[Shape]:
    """EXPAND_DIMS."""
    given = step.inputs[0]
    step.gives(given.type)
    axis = step.axis(1, len(given.shape) + 1)
    return [(*given.shape[:axis], 1, *given.shape[axis:])]


def reshape(step: Step) -> list[Shape]:
    """RESHAPE."""
    given, target = step.inputs
    step.gives(given.type)
    _need(target.type == INT32 and len(target.shape) == 1, "sizes")
    if not target.is_constant:
        _need(target.shape[0] == len(step.outputs[0].shape), "sizes")
        return [step.outputs[0].shape]
    sizes = step.values(1)
    _need(min(sizes, default=0) >= -1 and sizes.count(-1) <= 1, "sizes")
    if -1 in given.shape:
        return [sizes]
    known, total = math.prod(size for size in sizes if size >= 0), math.prod(given.shape)
    if -1 not in sizes:
        _need(known == total, "sizes")
        return [sizes]
    _need(known > 0 and total % known == 0, "sizes")
    return [tuple(total // known if size < 0 else size for size in sizes)]


def split_(step: Step) -> list[Shape]:
    """SPLIT."""
    given = step.inputs[1]
    axis, count = step.axis(0, len(given.shape)), len(step.outputs)
    _need(count > 0 and step.options[0] == count and given.type == FLOAT32, "sizes")
    step.gives(*[given.type] * count)
    size = given.shape[axis]
    _need(size > 0 and size % count == 0, "sizes")
    return [(*given.shape[:axis], size // count, *given.shape[axis + 1 :])] * count


def split_sizes(step: Step) -> list[Shape]:
    """SPLIT_V."""
    given, sizes = step.inputs[0], step.values(1)
    axis, count = step.axis(2, len(given.shape)), len(step.outputs)
    _need(count > 0 and step.options[0] == count == len(sizes) and min(sizes) >= -1, "sizes")
    _need(given.type == FLOAT32, "types")
    step.gives(*[given.type] * count)
    total = given.shape[axis]
    if sizes.count(-1) == 1 and total >= 0:
        sizes = tuple(total - sum(sizes) - 1 if size < 0 else size for size in sizes)
    _need(total < 0 or (min(sizes) >= 0 and sum(sizes) == total), "sizes")
    return [(*given.shape[:axis], size, *given.shape[axis + 1 :]) for size in sizes]


def gather(step: Step) -> list[Shape]:
    """GATHER; the runtime checks the indices."""
    given, places = step.inputs
    step.gives(given.type)
    _need(places.type in (INT32, INT64) and len(given.shape) > 0, "types")
    axis, shared = _axis(step.options[0], len(given.shape)), int(step.options[1])
    _need(0 <= shared <= min(axis, len(places.shape)), "axes")
    _need(agree(given.shape[:shared], places.shape[:shared]), "sizes")
    return [(*given.shape[:axis], *places.shape[shared:], *given.shape[axis + 1 :])]


def strided_slice(step: Step) -> list[Shape]:
    """STRIDED_SLICE with steps of 1; the runtime clips computed bounds."""
    given = step.inputs[0]
    step.gives(given.type)
    begin_mask, end_mask, ellipsis, new_axis, shrink, offset = (int(option) for option in step.options)
    rank = len(given.shape)
    for tensor in step.inputs[1:]:
        _need(tensor.type == INT32 and tensor.shape == (rank,) and rank > 0, "slices")
    _need(set(step.values(3)) == {1}, "slices")
    _need(max(begin_mask, end_mask, shrink) < 1 << rank and min(begin_mask, end_mask, shrink) >= 0, "slices")
    _need(not (ellipsis or new_axis or offset), "slices")
    begins, ends = (step.values(place) if step.inputs[place].is_constant else None for place in (1, 2))
    shape = []
    for axis, size in enumerate(given.shape):
        if shrink >> axis & 1:
            _need(size < 0 or begins is None or -size <= begins[axis] < size, "slices")
            continue
        begin = 0 if begin_mask >> axis & 1 else _clip(begins, axis, size)
        end = size if end_mask >> axis & 1 else _clip(ends, axis, size)
        shape.append(-1 if -1 in (size, begin, end) else max(0, end - begin))
    return [tuple(shape)]


def _clip(places: Sequence[int] | None, axis: int, size: int) -> int:
    """Start or end of a slice; -1 if unknown."""
    if places is None or size < 0:
        return -1
    place = places[axis]
    return min(max(place + size if place < 0 else place, 0), size)


def reduce_(*types: int) -> Callable[[Step], list[Shape]]:
    """SUM, MEAN, REDUCE_MAX, REDUCE_PROD and REDUCE_ALL."""

    def rule(step: Step) -> list[Shape]:
        given = step.inputs[0]
        _need(given.type in types, "types")
        step.gives(given.type)
        rank = len(given.shape)
        axes = {_axis(axis, rank) for axis in step.values(1)}
        _need(len(axes) == len(step.values(1)) > 0, "axes")
        if step.options[0]:
            return [tuple(1 if axis in axes else size for axis, size in enumerate(given.shape))]
        return [tuple(size for axis, size in enumerate(given.shape) if axis not in axes)]

    return rule


def arg_max(step: Step) -> list[Shape]:
    """ARG_MAX."""
    given = step.inputs[0]
    axis = step.axis(1, len(given.shape))
    _need(given.type == FLOAT32 and step.options[0] == INT64 and given.shape[axis] > 0, "sizes")
    step.gives(INT64)
    return [(*given.shape[:axis], *given.shape[axis + 1 :])]


def pad_(step: Step) -> list[Shape]:
    """PAD."""
    given, sizes = step.inputs[0], step.values(1)
    step.gives(given.type)
    _need(given.type in NUMBERS and step.inputs[1].shape == (len(given.shape), 2) and min(sizes) >= 0, "sizes")
    pairs = zip(given.shape, sizes[::2], sizes[1::2], strict=True)
    return [tuple(-1 if size < 0 else before + size + after for size, before, after in pairs)]


def transpose(step: Step) -> list[Shape]:
    """TRANSPOSE."""
    given, order = step.inputs[0], step.values(1)
    step.gives(given.type)
    _need(given.type in NUMBERS and sorted(order) == list(range(len(given.shape))), "axes")
    return [tuple(given.shape[axis] for axis in order)]


def cumulative_sum(step: Step) -> list[Shape]:
    """CUMSUM."""
    given = step.inputs[0]
    _need(given.type in NUMBERS, "types")
    step.gives(given.type)
    step.axis(1, len(given.shape))
    return [given.shape]


def tile(step: Step) -> list[Shape]:
    """TILE."""
    given, counts = step.inputs[0], step.values(1)
    step.gives(given.type)
    _need(given.type in NUMBERS and step.inputs[1].shape == (len(given.shape),) and min(counts, default=0) > 0, "sizes")
    return [tuple(-1 if size < 0 else size * count for size, count in zip(given.shape, counts, strict=True))]


def reverse(step: Step) -> list[Shape]:
    """REVERSE_V2, along one axis."""
    given = step.inputs[0]
    _need(given.type in NUMBERS and step.inputs[1].shape == (1,), "types")
    step.gives(given.type)
    step.axis(1, len(given.shape))
    return [given.shape]


def scatter(step: Step) -> list[Shape]:
    """SCATTER_ND; the runtime checks the indices."""
    places, given, sizes = step.inputs
    (result,) = step.outputs
    step.gives(given.type)
    _need(places.type == sizes.type == INT32 and given.type in NUMBERS, "types")
    _need(len(places.shape) > 0 and sizes.shape == (len(result.shape),), "sizes")
    depth = places.shape[-1]
    _need(0 < depth <= len(result.shape), "sizes")
    _need(agree(given.shape, (*places.shape[:-1], *result.shape[depth:])), "sizes")
    _need(sizes.values is None or agree(tuple(map(int, sizes.values)), result.shape), "sizes")
    return [result.shape]


def segment_sum(step: Step) -> list[Shape]:
    """UNSORTED_SEGMENT_SUM."""
    given, places, count = step.inputs
    step.gives(given.type)
    _need(given.type in NUMBERS and places.type == count.type == INT32 and count.shape == (), "types")
    rank = len(places.shape)
    _need(0 < rank <= len(given.shape) and agree(places.shape, given.shape[:rank]), "sizes")
    return [(-1, *given.shape[rank:])]


def top_k(step: Step) -> list[Shape]:
    """TOPK_V2; the runtime checks a computed count."""
    given, count = step.inputs
    _need(given.type == FLOAT32 and len(given.shape) > 0, "sizes")
    _need(count.type == INT32 and count.shape == (), "sizes")
    step.gives(FLOAT32, INT32)
    best = -1 if count.values is None else int(count.values[0])
    _need(count.values is None or 0 < best <= given.shape[-1], "sizes")
    return [(*given.shape[:-1], best)] * 2


def shape_(step: Step) -> list[Shape]:
    """SHAPE."""
    _need(step.options[0] in (INT32, INT64), "types")
    step.gives(int(step.options[0]))
    return [(len(step.inputs[0].shape),)]


def of_shape(place: int) -> Callable[[Step], list[Shape]]:
    """FILL and BROADCAST_TO: input `place` holds the output shape, the other the values."""

    def rule(step: Step) -> list[Shape]:
        sizes, given, (result,) = step.inputs[place], step.inputs[1 - place], step.outputs
        step.gives(given.type)
        _need(sizes.type in (INT32, INT64) and sizes.shape == (len(result.shape),), "sizes")
        _need(given.type in NUMBERS and (len(given.shape) == 0 if place == 0 else True), "types")
        _need(len(given.shape) <= len(result.shape), "sizes")
        _need(sizes.values is None or agree(tuple(map(int, sizes.values)), result.shape), "sizes")
        return [result.shape]

    return rule


def range_(step: Step) -> list[Shape]:
    """RANGE with steps of 1; the runtime checks a computed step."""
    type_ = step.types(INT32, FLOAT32)
    step.gives(type_)
    _need(all(tensor.shape == () for tensor in step.inputs), "sizes")
    _need(step.inputs[2].values in ((1,), None if type_ == FLOAT32 else (1,)), "ranges")
    return [(-1,)]
