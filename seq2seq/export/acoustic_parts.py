"""What exports of a recogniser share: the state of a stream as named tensors, and the files beside the networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
from keras import ops

from seq2seq.audio.frontend import FRONTEND_FILE
from seq2seq.inference.recognition import Recognizer
from seq2seq.models.acoustic import AcousticModel, HearingState
from seq2seq.text.codecs import codec_file
from seq2seq.types import Mask, Tensor


class NamedState:
    """The state of a model of one direction as tensors `state_0`, `state_1`, …, zeros at first.

    Those of the layers come from the bottom up; then, of a model that looks ahead, the last outputs of its encoder.

    Args:
        model: The network; ValueError for one of both directions.
    """

    def __init__(self, model: AcousticModel):
        self._first = model.first_state(1)
        self._leaves = [leaf for leaf in keras.tree.flatten(self._first) if 0 not in leaf.shape]

    @property
    def sizes(self) -> list[list[int]]:
        """The shape of each tensor, without the axis of rows."""
        return [[int(size) for size in leaf.shape[1:]] for leaf in self._leaves]

    def bind(self, leaves: Sequence[Tensor]) -> HearingState:
        """Returns the state of a model whose tensors are `leaves`, `(rows, …)` each."""
        rest, rows = iter(leaves), ops.shape(leaves[0])[0]

        def find(leaf: Tensor) -> Tensor:
            return ops.zeros((rows, *leaf.shape[1:]), leaf.dtype) if 0 in leaf.shape else next(rest)

        return keras.tree.map_structure(find, self._first)

    def named(self, state: HearingState) -> dict[str, Tensor]:
        """Returns the tensors of a state by their names."""
        kept = [leaf for leaf in keras.tree.flatten(state) if 0 not in leaf.shape]
        return {f"state_{number}": leaf for number, leaf in enumerate(kept)}


def real_frames(frames: Tensor, real: Tensor) -> Mask:
    """Returns the mask, `(rows, time)`, of `frames (rows, time, …)` of which the first `real (rows,)` are real."""
    return ops.arange(ops.shape(frames)[1], dtype=real.dtype)[None] < real[:, None]


def sizes(model: AcousticModel) -> dict[str, Any]:
    """Returns what a host must know of the frames and the outputs of a model."""
    frontend = model.frontend
    return {"stack": frontend.stack, "mels": frontend.features, "size": model.target_size}


def write_parts(recognizer: Recognizer, folder: Path) -> dict[str, Any]:
    """Writes front end and labels of a recogniser to `folder`; returns the entries of its description about them."""
    frontend: Any = recognizer.frontend
    codec: Any = recognizer.codec
    frontend.save(folder / FRONTEND_FILE)
    codec.save(folder / codec_file(codec))
    return {"search": {"beam_size": recognizer.beam.options.beam_size}}
