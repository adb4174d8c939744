"""The contents of a model.tflite as plain values, with its structure checked: tensors, operators, signatures.

Accepts only what `seq2seq.export.litert` writes: no custom operators, no sparse, variable or external tensors.
The tables are those of the TensorFlow Lite schema, version 3 (tensorflow/lite/schema/schema.fbs).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np

from seq2seq.lite.flatbuffer import FlatBuffer, FlatBufferError, Tables

FLOAT32, FLOAT16, INT32, INT64, BOOL, INT8 = 0, 1, 2, 4, 6, 9
BYTES = {FLOAT32: 4, FLOAT16: 2, INT32: 4, INT64: 8, BOOL: 1, INT8: 1}
LETTERS = {INT32: ("i", 4), INT64: ("q", 8), FLOAT32: ("f", 4), FLOAT16: ("e", 2)}
MOST_RANK = 6
MOST_SIZE = 1 << 31
"""Most bytes of a tensor of known size."""
SMALL = 64
"""Most bytes of constants whose values are checked: sizes, axes, indices."""

T = TypeVar("T")
METADATA = {"min_runtime_version", "CONVERSION_METADATA", "reduced_precision_support"}
"""Allowed names of metadata."""
Shape = tuple[int, ...]
"""Sizes; -1 for a size known only when the network runs."""


class Tensor(NamedTuple):
    """A tensor of a network."""

    type: int
    shape: Shape
    is_constant: bool
    values: tuple[int, ...] | tuple[float] | None
    """Values of a small integer constant, or of a scalar."""


class Operator(NamedTuple):
    """A step of a network. Tensors are given by index."""

    code: int
    inputs: tuple[int, ...]
    """-1 for an omitted input."""
    outputs: tuple[int, ...]
    options_type: int
    options: int
    """Row of its options in the table of their kind; -1 without options."""


class Network(NamedTuple):
    """A subgraph: the body of a signature or of a loop."""

    tensors: list[Tensor]
    operators: list[Operator]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Signature(NamedTuple):
    """The name of a network, and its inputs and outputs: tensor index by name."""

    name: str
    network: int
    inputs: dict[str, int]
    outputs: dict[str, int]


@dataclass
class Graph:
    """The contents of a file."""

    networks: list[Network]
    signatures: list[Signature]
    options: dict[int, Tables] = field(default_factory=dict)
    """By kind of options, the tables of all operators with that kind."""


def read_graph(data: bytes) -> Graph:
    """Reads a model.tflite; FlatBufferError says what is wrong with it."""
    file = FlatBuffer(data)
    model = file.root(b"TFL3")
    model.check_fields({0, 1, 2, 3, 4, 6, 7})
    if model.scalar(0, "u4")[0] != 3:
        raise FlatBufferError(f"it is in version {model.scalar(0, 'u4')[0]} of the format, expected 3")
    model.strings(3)
    codes = _operator_codes(model.children(1)[0])
    buffers = _Buffers(file, model.children(4)[0])
    _check_metadata(model.children(6)[0], buffers)
    subgraphs, _ = model.children(2)
    subgraphs.check_fields({0, 1, 2, 3, 4, 5})
    subgraphs.strings(4)
    tensors, counts = subgraphs.children(0)
    per_network = _split(_tensors(tensors, buffers), counts)
    operators, counts = subgraphs.children(3)
    options: dict[int, Tables] = {}
    steps = _split(_operators(operators, codes, options), counts)
    ends = zip(subgraphs.lists(1, "i4"), subgraphs.lists(2, "i4"), strict=True)
    networks = [
        Network(one, other, tuple(inputs), tuple(outputs))
        for one, other, (inputs, outputs) in zip(per_network, steps, ends, strict=True)
    ]
    return Graph(networks, _signatures(model.children(7)[0], networks), options)


def _split(items: list[T], counts: np.ndarray) -> list[list[T]]:
    ends = np.cumsum(counts).tolist()
    return [items[end - count : end] for end, count in zip(ends, counts.tolist(), strict=True)]


def _operator_codes(tables: Tables) -> np.ndarray:
    tables.check_fields({0, 2, 3})
    return np.maximum(tables.scalar(0, "i1"), tables.scalar(3, "i4"))  # the older field ends at 127


class _Buffers:
    """Locations of constants. The runtime reads small ones to compute sizes, and so do we."""

    def __init__(self, file: FlatBuffer, tables: Tables):
        tables.check_fields({0})
        self.file = file
        self.starts, self.sizes = tables.vectors(0, 1)

    def __len__(self) -> int:
        return len(self.sizes)


def _check_metadata(tables: Tables, buffers: _Buffers) -> None:
    tables.check_fields({0, 1})
    names, places = tables.strings(0), tables.scalar(1, "u4")
    if strange := set(names) - METADATA:
        raise FlatBufferError(f"it holds data of a kind that no export writes ({sorted(strange)[0]!r})")
    if len(places) and places.max() >= len(buffers):
        raise FlatBufferError("its metadata has no data")


def _tensors(tables: Tables, buffers: _Buffers) -> list[Tensor]:
    tables.check_fields({0, 1, 2, 3, 4, 7, 8})
    tables.strings(3)
    types, places = tables.scalar(1, "i1"), tables.scalar(2, "u4")
    if not set(types.tolist()) <= set(BYTES):
        raise FlatBufferError("a tensor is of a type that no export writes")
    if len(places) and places.max() >= len(buffers):
        raise FlatBufferError("a tensor has no buffer")
    if not tables.scalar(8, "u1").all():
        raise FlatBufferError("a tensor has no shape")
    sizes, starts = buffers.sizes[places], buffers.starts[places]
    if (starts[sizes > 0] % 4).any():
        raise FlatBufferError("a constant does not begin where the runtime may read it")
    _check_quantization(tables, types)
    _check_finite(types, starts, sizes, buffers)
    shapes = _shapes(tables, types, sizes)
    values: list[tuple[int, ...] | tuple[float] | None] = [None] * len(types)
    whole = (types == INT32) | (types == INT64)
    single = ((types == FLOAT32) & (sizes == 4)) | ((types == FLOAT16) & (sizes == 2))
    small = (whole & (sizes <= SMALL)) | single
    for row in np.flatnonzero(small & (sizes > 0)).tolist():
        letter, width = LETTERS[int(types[row])]
        values[row] = struct.unpack_from(f"<{sizes[row] // width}{letter}", tables.file.data, starts[row])
    return list(map(Tensor._make, zip(types.tolist(), shapes, (sizes > 0).tolist(), values, strict=True)))


def _shapes(tables: Tables, types: np.ndarray, sizes: np.ndarray) -> list[Shape]:
    """Returns the shapes, -1 for unknown sizes; each tensor has a second shape with 1 instead."""
    (starts, counts), (open_starts, open_counts) = tables.vectors(0, 4), tables.vectors(7, 4)
    ranks = np.where(open_counts > 0, open_counts, counts)
    if (ranks != counts).any() or ranks.max(initial=0) > MOST_RANK:
        raise FlatBufferError("a tensor has two shapes")
    now = tables.file.flat(starts, counts, "i4").astype(np.int64)
    whole = tables.file.flat(np.where(open_counts > 0, open_starts, starts), counts, "i4")
    if (now < 0).any() or ((whole != now) & ((whole != -1) | (now != 1))).any():
        raise FlatBufferError("a tensor has an invalid size")
    # A float product cannot overflow, and is exact in the range that matters.
    needed = np.asarray([BYTES.get(type_, 0) for type_ in range(max(BYTES) + 1)], np.float64)[types]
    rows = np.repeat(np.arange(len(counts)), counts)
    np.multiply.at(needed, rows, now)
    constant = sizes > 0
    if needed.max(initial=0) >= MOST_SIZE:
        raise FlatBufferError(f"a tensor takes {needed.max():,.0f} bytes")
    if (needed[constant] != sizes[constant]).any() or (whole[constant[rows]] < 0).any():
        raise FlatBufferError("a constant has fewer or more bytes than its shape")
    flat, ends = whole.tolist(), np.cumsum(counts).tolist()
    return [tuple(flat[end - count : end]) for end, count in zip(ends, counts.tolist(), strict=True)]


def _check_finite(types: np.ndarray, starts: np.ndarray, sizes: np.ndarray, buffers: _Buffers) -> None:
    for kind in (FLOAT32, FLOAT16):
        chosen = (types == kind) & (sizes > 0)
        for start, size in sorted(set(zip(starts[chosen].tolist(), sizes[chosen].tolist(), strict=True))):
            width = BYTES[kind]
            if (
                size % width
                or not np.isfinite(np.frombuffer(buffers.file.data, f"<f{width}", size // width, start)).all()
            ):
                raise FlatBufferError("its weights hold numbers that are not finite")


def _check_quantization(tables: Tables, types: np.ndarray) -> None:
    """Allows one scale and zero point per int8 tensor, and none elsewhere."""
    places = tables.targets(4)
    there = places > 0
    found = Tables(tables.file, places[there])
    found.check_fields({2, 3, 4, 6})
    (starts, scales), (zeros, zero_counts) = found.vectors(2, 4), found.vectors(3, 8)
    expected = (types[there] == INT8).astype(np.int64)
    if (scales != expected).any() or (zero_counts != expected).any() or (~there & (types == INT8)).any():
        raise FlatBufferError("the scales of a tensor do not fit it")
    values = found.file.read(starts[scales > 0], "f4")
    if found.scalar(4, "u1").any() or found.scalar(6, "i4").any() or not (np.isfinite(values) & (values > 0)).all():
        raise FlatBufferError("a tensor has an invalid scale")
    offsets = found.file.read(zeros[scales > 0], "i8")
    if (np.abs(offsets) > 128).any():
        raise FlatBufferError("a tensor has an invalid zero point")


def _operators(tables: Tables, codes: np.ndarray, options: dict[int, Tables]) -> list[Operator]:
    tables.check_fields({0, 1, 2, 3, 4, 6, 13})
    places, kinds, targets = tables.scalar(0, "u4"), tables.scalar(3, "u1"), tables.targets(4)
    if len(places) and places.max() >= len(codes):
        raise FlatBufferError("an operator has no code")
    if ((kinds > 0) != (targets > 0)).any():
        raise FlatBufferError("the options of an operator do not fit its kind")
    rows = np.full(len(tables), -1, np.int64)
    for kind in set(kinds[kinds > 0].tolist()):
        chosen = kinds == kind
        options[kind] = Tables(tables.file, targets[chosen])
        rows[chosen] = np.arange(int(chosen.sum()))
    columns = (codes[places].tolist(), tables.lists(1, "i4"), tables.lists(2, "i4"), kinds.tolist(), rows.tolist())
    return [Operator(code, tuple(i), tuple(o), kind, row) for code, i, o, kind, row in zip(*columns, strict=True)]


def _signatures(tables: Tables, networks: list[Network]) -> list[Signature]:
    tables.check_fields({0, 1, 2, 4})
    names, places = tables.strings(2), tables.scalar(4, "u4").tolist()
    sides = []
    for number in (0, 1):
        maps, counts = tables.children(number)
        maps.check_fields({0, 1})
        pairs = list(zip(maps.strings(0), maps.scalar(1, "u4").tolist(), strict=True))
        sides.append(_split(pairs, counts))
    found = []
    for name, place, inputs, outputs in zip(names, places, *sides, strict=True):
        if place >= len(networks):
            raise FlatBufferError(f"its network {name} is missing")
        network = networks[place]
        for pairs, ends in ((inputs, network.inputs), (outputs, network.outputs)):
            if len(dict(pairs)) != len(pairs) or sorted(tensor for _, tensor in pairs) != sorted(ends):
                raise FlatBufferError(f"its network {name} does not name its inputs and outputs")
        found.append(Signature(name, place, dict(inputs), dict(outputs)))
    return found
