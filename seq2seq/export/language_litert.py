"""The LiteRT folder of a language model: one step of one text, and the tokeniser; `seq2seq.lite.language` drives it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from seq2seq.export.language_step import Step
from seq2seq.export.litert import check_conversion, convert, write_shape
from seq2seq.files import follow_links
from seq2seq.folders import check_replaceable, whole_folder
from seq2seq.inference.language import TextModel
from seq2seq.lite.folder import NETWORKS_FILE
from seq2seq.lite.kinds import LANGUAGE
from seq2seq.outputs import export_kind
from seq2seq.text.codecs import codec_file


def export_language_litert(model: TextModel, folder: Path, quantize: str = "int8") -> Path:
    """Writes the LiteRT folder of a language model, whole or not at all; one that stood there before is replaced.

    Args:
        model: What to export.
        folder: Where; nothing, or an earlier LiteRT export.
        quantize: "none"; "float16": weights of half the size; "int8": of a quarter, and faster.

    Raises:
        ValueError: another backend, an unknown `quantize`, or another folder's place.
    """
    check_conversion(quantize)
    folder, kind, step = follow_links(folder), export_kind("litert"), Step(model.model)
    check_replaceable(folder, kind)

    def call(ids: Any, state: Any) -> dict[str, Any]:
        log_probabilities, after = step(ids, state)
        return {"log_probabilities": log_probabilities, "state": after}

    # The fast kernels for weights of 8 bits need a fixed number of rows.
    traced = tf.function(call, autograph=False).get_concrete_function(
        tf.TensorSpec((1,), tf.int32, "ids"), tf.TensorSpec((1, step.state_size), tf.float32, "state")
    )
    codec: Any = model.codec
    with whole_folder(folder, kind) as partial:
        (partial / NETWORKS_FILE).write_bytes(convert(model.model, {"step": traced}, quantize))
        codec.save(partial / codec_file(codec))
        write_shape(partial, quantize, {"kind": LANGUAGE, "state": step.state_size, "size": codec.size})
    return folder
