"""The ONNX folder of a language model: one step, and the tokeniser.

step.onnx    as `export.language_step` has it, for any number of rows; the state after is called `next_state`
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from seq2seq.export.language_step import Step
from seq2seq.export.onnx import check_converter, write_network, write_shape
from seq2seq.files import follow_links
from seq2seq.folders import check_replaceable, whole_folder
from seq2seq.inference.language import TextModel
from seq2seq.outputs import export_kind
from seq2seq.text.codecs import codec_file


def export_language_onnx(model: TextModel, folder: Path) -> Path:
    """Writes the ONNX folder of a language model, whole or not at all; one that stood there before is replaced.

    Args:
        model: What to export.
        folder: Where; nothing, or an earlier ONNX export.

    Raises:
        ValueError: another backend, a folder that holds something else, or the converter is not installed.
    """
    check_converter()
    folder, kind, network = follow_links(folder), export_kind("onnx"), _StepNetwork(model.model)
    check_replaceable(folder, kind)
    codec: Any = model.codec
    size = network.step.state_size
    with whole_folder(folder, kind) as partial:
        write_network(network, partial / "step.onnx", {"ids": ("rows",), "state": ("rows", size)})
        codec.save(partial / codec_file(codec))
        write_shape(partial, {"state": size, "size": codec.size, "tokenizer": codec_file(codec)})
    return folder


class _StepNetwork(keras.Model):
    def __init__(self, model: Any):
        super().__init__(name="step")
        self.model = model
        self.step = Step(model)
        self.built = self._called = True  # the exporter asks; the model inside is

    def call(self, inputs: Sequence[Any]) -> dict[str, Any]:
        log_probabilities, state = self.step(*inputs)
        return {"log_probabilities": log_probabilities, "next_state": state}
