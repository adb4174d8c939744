"""The ONNX folder of a recogniser: its network for any number of rows and frames, front end and labels.

hear.onnx    `frames (rows, time, mels)`, normalised; `real (rows,)`, int32, how many frames of a row are real, which
             come first; of a model of one direction `state_0`, `state_1`, … `(rows, …)`, zeros at first
             -> `log_probs (rows, steps, size)`, a step for each `stack` frames; `next_state_0`, …

A model of both directions hears whole recordings. One of one direction hears the next block of a stream: `time` is a
multiple of `stack`, after a block with padding only padding follows, and its first step is the one `delay` steps before
the block, so that the host drops the first `delay` steps of a stream and pads its end. Outputs of padding mean nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from seq2seq.export.acoustic_parts import NamedState, real_frames, sizes, write_parts
from seq2seq.export.onnx import check_converter, write_network, write_shape
from seq2seq.files import follow_links
from seq2seq.folders import check_replaceable, whole_folder
from seq2seq.inference.recognition import Recognizer
from seq2seq.models.acoustic import AcousticModel
from seq2seq.outputs import export_kind
from seq2seq.search.ctc import BLANK
from seq2seq.text.codecs import codec_file
from seq2seq.types import Padded


def export_acoustic_onnx(recognizer: Recognizer, folder: Path) -> Path:
    """Writes the ONNX folder of a recogniser, whole or not at all; one that stood there before is replaced.

    Args:
        recognizer: What to export: its network is one in memory.
        folder: Where; nothing, or an earlier ONNX export.

    Raises:
        ValueError: another backend, a folder that holds something else, or the converter is not installed.
    """
    check_converter()
    in_memory: Any = recognizer.network
    folder, kind, network = follow_links(folder), export_kind("onnx"), _Hearing(in_memory.model)
    check_replaceable(folder, kind)
    codec: Any = recognizer.codec
    with whole_folder(folder, kind) as partial:
        write_network(network, partial / "hear.onnx", network.inputs_by_name, {"real": "int32"})
        described = network.describe() | {"tokenizer": codec_file(codec)} | write_parts(recognizer, partial)
        write_shape(partial, described)
    return folder


class _Hearing(keras.Model):
    def __init__(self, model: AcousticModel):
        super().__init__(name="hear")
        self.model = model
        self.named_state = None if model.encoder.bidirectional else NamedState(model)
        self.built = self._called = True  # the exporter asks; the model inside is

    @property
    def inputs_by_name(self) -> dict[str, tuple[str | int, ...]]:
        """Shapes of the inputs."""
        state = [] if self.named_state is None else self.named_state.sizes
        return {
            "frames": ("rows", "time", self.model.frontend.features),
            "real": ("rows",),
            **{f"state_{number}": ("rows", *shape) for number, shape in enumerate(state)},
        }

    def describe(self) -> dict[str, Any]:
        """What a host must know."""
        found = {**sizes(self.model), "blank": BLANK}
        if self.named_state is None:
            return {**found, "delay": None}
        return {**found, "delay": self.model.delay, "state": self.named_state.sizes}

    def call(self, inputs: Sequence[Any]) -> dict[str, Any]:
        frames, real, *leaves = inputs
        source = Padded(frames, real_frames(frames, real))
        if self.named_state is None:
            return {"log_probs": self.model.log_probs(self.model.listen(source, training=False))}
        log_probs, after = self.model.listen_on(source, self.named_state.bind(leaves))
        following = self.named_state.named(after)
        return {"log_probs": log_probs, **{f"next_{name}": leaf for name, leaf in following.items()}}
