"""What the SavedModels of all kinds of model share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from seq2seq.files import follow_links
from seq2seq.folders import next_version, whole_folder


def check_backend() -> None:
    """Raises ValueError if Keras has another backend than TensorFlow."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(f"A SavedModel is made by TensorFlow. Received: KERAS_BACKEND={keras.backend.backend()}")


EXTRA = "assets.extra"
"""The folder of a SavedModel for what TensorFlow does not read."""


def write_version(service: Any, folder: Path, about: dict[str, Any] | None = None) -> Path:
    """Writes a service, a `tf.Module` with `signatures()`, as the next version, `folder/1`, `folder/2`, …

    It is written whole or not at all.

    Args:
        service: What to write.
        folder: Made if missing.
        about: What a client must know, written to `assets.extra/about.json`.

    Returns:
        The folder of the version.
    """
    path = next_version(follow_links(folder))
    with whole_folder(path) as partial:  # which has no number, so no server takes it for a version
        tf.saved_model.save(service, str(partial), signatures=service.signatures())
        if about is not None:
            (partial / EXTRA).mkdir()
            (partial / EXTRA / "about.json").write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return path


def traced(function: Any, *signature: tf.TensorSpec) -> Any:
    """Returns a graph of a function of tensors."""
    return tf.function(function, input_signature=signature, autograph=False)


def traced_once(function: Any, *signature: tf.TensorSpec) -> Any:
    """Returns a function for several signatures to call, of which there is one graph.

    Unlike that of `traced` it can be kept in a module: TensorFlow does not save it as one more signature.
    """
    graph = traced(function, *signature)
    return lambda *tensors: graph(*tensors)


def largest(lengths: Any) -> Any:
    """Returns the largest length; 0 of none."""
    return tf.maximum(tf.reduce_max(lengths), 0)  # the largest of none is the smallest number there is


def text_checks(text: Any) -> list[Any]:
    """Refuses as the command line does, by an error that names the first bad text of the batch, counted from 0."""
    clean = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")
    faults = (
        (clean != text, "is not valid UTF-8"),
        (tf.strings.regex_full_match(text, r"(?s).*\x00.*"), "holds a NUL byte"),
    )
    return [
        tf.debugging.Assert(
            tf.logical_not(tf.reduce_any(bad)),
            ["The text at this place of the batch", reason, tf.reduce_min(tf.where(bad))],
        )
        for bad, reason in faults
    ]
