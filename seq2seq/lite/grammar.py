"""The operators allowed in an export, by code: their numbers of inputs and outputs, and their options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from seq2seq.lite import operators as op
from seq2seq.lite.graph import BOOL, FLOAT32, INT32, Shape
from seq2seq.lite.operators import NUMBERS, Step

FLOAT_UNARY, LOGICAL, COMPARE = op.unary(FLOAT32), op.binary({BOOL}), op.binary(NUMBERS, BOOL)


Field = tuple[str, int, set[int] | None]
"""An option: its type, default and allowed values; None if the shape rule checks it."""


class Rule(NamedTuple):
    """The checks of an operator."""

    inputs: tuple[int, int]
    """Fewest and most inputs."""
    outputs: tuple[int, int]
    options: tuple[int, Sequence[Field]]
    """Kind of options, 0 for none, and its fields."""
    shapes: Callable[[Step], list[Shape]]
    """Returns the output shapes."""


NONE: tuple[int, list[Field]] = (0, [])
OFF, ON_OR_OFF = {0}, {0, 1}
ACTIVATION: Field = ("i1", 0, OFF)
RELU_OR_NONE: Field = ("i1", 0, {0, 1})
FLAG: Field = ("u1", 0, ON_OR_OFF)
REDUCER = (27, [FLAG])
DILATION: Field = ("i4", 1, {1})
CONVOLUTION: list[Field] = [
    *[("i1", 0, None), ("i4", 0, None), ("i4", 0, None)],
    *[RELU_OR_NONE, DILATION, DILATION, ("i1", 0, OFF)],
]
MANY = (1, 64)
ONE, TWO, THREE = (1, 1), (2, 2), (3, 3)

RULES: dict[int, Rule] = {
    0: Rule(TWO, ONE, (11, [RELU_OR_NONE, ("u1", 1, ON_OR_OFF)]), op.binary(NUMBERS)),  # ADD
    2: Rule(MANY, ONE, (10, [("i4", 0, None), ACTIVATION]), op.concatenation),
    3: Rule((2, 3), ONE, (1, CONVOLUTION), op.convolution),
    6: Rule(ONE, ONE, NONE, op.dequantize),
    9: Rule((2, 3), ONE, (8, [RELU_OR_NONE, ("i1", 0, OFF), FLAG, FLAG, ("i1", 0, OFF)]), op.fully_connected),
    14: Rule(ONE, ONE, NONE, FLOAT_UNARY),  # LOGISTIC
    18: Rule(TWO, ONE, (21, [ACTIVATION]), op.binary(NUMBERS)),  # MUL
    19: Rule(ONE, ONE, NONE, FLOAT_UNARY),  # RELU
    22: Rule(TWO, ONE, NONE, op.reshape),
    25: Rule(ONE, ONE, (9, [("f4", 0, None)]), op.softmax),
    28: Rule(ONE, ONE, NONE, FLOAT_UNARY),  # TANH
    34: Rule(TWO, ONE, (22, []), op.pad_),
    36: Rule(TWO, ONE, (23, [("i4", 0, None), ("i4", 0, None)]), op.gather),
    39: Rule(TWO, ONE, NONE, op.transpose),
    40: Rule(TWO, ONE, REDUCER, op.reduce_(FLOAT32)),  # MEAN
    41: Rule(TWO, ONE, (28, [RELU_OR_NONE, ("u1", 1, ON_OR_OFF)]), op.binary(NUMBERS)),  # SUB
    42: Rule(TWO, ONE, (29, [ACTIVATION]), op.binary({FLOAT32})),  # DIV
    45: Rule((4, 4), ONE, (32, [*[("i4", 0, None)] * 5, ("u1", 0, OFF)]), op.strided_slice),
    47: Rule(ONE, ONE, (33, []), FLOAT_UNARY),  # EXP
    48: Rule(TWO, TWO, (34, []), op.top_k),
    49: Rule(TWO, MANY, (35, [("i4", 0, None)]), op.split_),
    50: Rule(ONE, ONE, (36, []), FLOAT_UNARY),  # LOG_SOFTMAX
    53: Rule(ONE, ONE, NONE, op.cast_),
    55: Rule(TWO, ONE, NONE, op.binary(NUMBERS)),  # MAXIMUM
    56: Rule(TWO, ONE, (40, [("i1", 0, None)]), op.arg_max),
    57: Rule(TWO, ONE, NONE, op.binary(NUMBERS)),  # MINIMUM
    58: Rule(TWO, ONE, NONE, COMPARE),  # LESS
    59: Rule(ONE, ONE, (42, []), op.unary(*NUMBERS)),  # NEG
    61: Rule(TWO, ONE, NONE, COMPARE),  # GREATER
    62: Rule(TWO, ONE, NONE, COMPARE),  # GREATER_EQUAL
    63: Rule(TWO, ONE, NONE, COMPARE),  # LESS_EQUAL
    64: Rule(THREE, ONE, (47, []), op.select_equal),
    69: Rule(TWO, ONE, NONE, op.tile),
    70: Rule(TWO, ONE, (52, []), op.expand_dims),
    71: Rule(TWO, ONE, NONE, COMPARE),  # EQUAL
    72: Rule(TWO, ONE, NONE, COMPARE),  # NOT_EQUAL
    73: Rule(ONE, ONE, NONE, FLOAT_UNARY),  # LOG
    74: Rule(TWO, ONE, REDUCER, op.reduce_(FLOAT32, INT32)),  # SUM
    76: Rule(ONE, ONE, NONE, FLOAT_UNARY),  # RSQRT
    77: Rule(ONE, ONE, (55, [("i1", 0, None)]), op.shape_),
    81: Rule(TWO, ONE, REDUCER, op.reduce_(INT32)),  # REDUCE_PROD
    82: Rule(TWO, ONE, REDUCER, op.reduce_(FLOAT32, INT32)),  # REDUCE_MAX
    83: Rule(MANY, ONE, (59, [("i4", 0, None), ("i4", 0, None)]), op.pack),
    84: Rule(TWO, ONE, NONE, LOGICAL),  # LOGICAL_OR
    86: Rule(TWO, ONE, NONE, LOGICAL),  # LOGICAL_AND
    87: Rule(ONE, ONE, NONE, op.unary(BOOL)),  # LOGICAL_NOT
    90: Rule(TWO, ONE, NONE, op.divide),  # FLOOR_DIV
    93: Rule(ONE, ONE, (67, []), op.unary(*NUMBERS)),  # ZEROS_LIKE
    94: Rule(TWO, ONE, NONE, op.of_shape(0)),  # FILL
    95: Rule(TWO, ONE, NONE, op.divide),  # FLOOR_MOD
    96: Rule(THREE, ONE, NONE, op.range_),
    99: Rule(TWO, ONE, NONE, op.binary({FLOAT32})),  # SQUARED_DIFFERENCE
    102: Rule(THREE, MANY, (79, [("i4", 0, None)]), op.split_sizes),
    105: Rule(TWO, ONE, NONE, op.reverse),
    122: Rule(THREE, ONE, (97, []), op.scatter),
    123: Rule(THREE, ONE, (98, []), op.select),
    126: Rule(TWO, ONE, (101, [FLAG, FLAG, FLAG]), op.batch_matmul),
    128: Rule(TWO, ONE, (102, [FLAG, FLAG]), op.cumulative_sum),
    130: Rule(TWO, ONE, NONE, op.of_shape(1)),  # BROADCAST_TO
    140: Rule(TWO, ONE, REDUCER, op.reduce_(BOOL)),  # REDUCE_ALL
    155: Rule(THREE, ONE, NONE, op.segment_sum),
}
DEQUANTIZE = 6
WHILE = 119
WHILE_OPTIONS = 93
