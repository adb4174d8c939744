"""Recurrent layers of one sequence with their steps written out: a loop of LiteRT costs more than the step in it."""

from __future__ import annotations

from typing import Any

from keras import ops

from seq2seq.layers.encoder import EncoderOutput, RNNEncoder
from seq2seq.layers.recurrence import run_cell
from seq2seq.types import Mask, Tensor


def run_unrolled(
    cell: Any, values: Tensor, mask: Mask | Tensor | None, state: Any, reverse: bool = False
) -> tuple[Tensor, Any]:
    """Runs a layer over the steps of a block, `(1, steps, width)`, one after the other."""
    steps = values.shape[1]
    projected = cell.project(ops.squeeze(values, 0))[None]  # a product of matrices, which has a fast kernel
    outputs = [None] * steps
    for time in range(steps)[:: -1 if reverse else 1]:
        here = slice(time, time + 1)
        outputs[time], state = run_cell(cell, projected[:, here], state, None if mask is None else mask[:, here])
    return ops.concatenate(outputs, 1), state


def encode_unrolled(encoder: RNNEncoder, values: Tensor, mask: Mask, state: Any) -> EncoderOutput:
    """Calls an encoder of one direction on a block, `(1, steps, width)`, from a state, as in inference."""
    finals = []
    for cells, before in zip(encoder.layers, state, strict=True):
        outputs, after = run_unrolled(cells[0], values, mask, before)
        values = outputs + values if encoder.residual and values.shape[-1] == outputs.shape[-1] else outputs
        finals.append(after)
    return EncoderOutput(values, mask, finals)
