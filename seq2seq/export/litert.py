"""A LiteRT folder: small networks that a host drives for beam search, and greedy search whole in one graph.

One `.tflite` file holds them all as signatures that share their weights. Batch sizes are fixed, because the fast
kernels need that; the length of the source is not. `Networks` says what each takes and gives; `seq2seq.lite` drives.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from seq2seq import __version__
from seq2seq.export.litert_networks import Networks
from seq2seq.files import follow_links
from seq2seq.folders import check_replaceable, whole_folder
from seq2seq.lite.folder import FORMAT, NETWORKS_FILE, SOURCE_FILE, TARGET_FILE
from seq2seq.lite.kinds import SHAPE_FILE
from seq2seq.lite.verify import verify_export
from seq2seq.outputs import export_kind
from seq2seq.search.rules import Rules

if TYPE_CHECKING:
    from seq2seq.inference.generator import Generator

QUANTIZATIONS = ("none", "float16", "int8")
BATCHES = (1, 12)
"""Sources that are encoded and searched together."""


def export_litert(generator: Generator, folder: Path, quantize: str = "int8", batches: Sequence[int] = BATCHES) -> Path:
    """Writes the LiteRT folder of a generator, whole or not at all; one that stood there before is replaced.

    Args:
        generator: What to export. Its beam size and 1 (greedy) are what the folder can search with.
        folder: Where; nothing, or an earlier LiteRT export.
        quantize: "none"; "float16": weights of half the size; "int8": of a quarter, and faster.
        batches: Batch sizes to make networks for. With attention 1 is among them: sentences are aligned one by one.

    Raises:
        ValueError: batches without a size that is needed, another backend, an unknown `quantize`, sampling, a coverage
            penalty, or another folder's place.
    """
    check_conversion(quantize)
    if min(batches) < 1 or (generator.model.has_attention and 1 not in batches):
        raise ValueError(f"batches must be at least 1, and with attention hold 1. Received: {tuple(batches)}")
    if generator.options.sampling:
        raise ValueError("An exported model searches, it does not draw at random: export without sampling.")
    folder, kind, options = follow_links(folder), export_kind("litert"), generator.options
    check_replaceable(folder, kind)
    if options.coverage_penalty and options.beam_size > 1:
        raise ValueError("A LiteRT folder knows no coverage penalty: export with --coverage-penalty 0.")
    rules = Rules(options.min_length, options.no_repeat_ngram)
    wait_k = () if options.extract or generator.wait_k_obstacle() else generator.wait_k
    networks = Networks(generator.model, batches, sorted({1, options.beam_size}), rules, generator.marks(), wait_k)
    with whole_folder(folder, kind) as partial:
        (partial / NETWORKS_FILE).write_bytes(_convert(networks, quantize))
        generator.source_tokenizer.save(partial / SOURCE_FILE)
        generator.target_tokenizer.save(partial / TARGET_FILE)
        shape = {
            **networks.shape(),
            "source_size": generator.source_tokenizer.size,
            **generator.text_facts(),
            "search": asdict(generator.options),
        }
        write_shape(partial, quantize, shape)
    return folder


def check_conversion(quantize: str) -> None:
    """Raises ValueError for another backend, or an unknown `quantize`."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(f"LiteRT models are made by TensorFlow. Received: KERAS_BACKEND={keras.backend.backend()}")
    if quantize not in QUANTIZATIONS:
        raise ValueError(f"quantize must be one of {', '.join(QUANTIZATIONS)}. Received: {quantize!r}")


def write_shape(folder: Path, quantize: str, shape: dict[str, Any]) -> None:
    """Verifies the networks of a folder, and describes it by a last file: `shape`, versions and checksums."""
    made = {"format": FORMAT, "seq2seq": __version__, "tensorflow": tf.__version__, "quantize": quantize}
    files = {path.name: _fingerprint(path) for path in sorted(folder.iterdir())}
    shape = made | shape | {"files": files}
    verify_export((folder / NETWORKS_FILE).read_bytes(), shape)
    (folder / SHAPE_FILE).write_text(json.dumps(shape, indent=2) + "\n", "utf-8")


def _convert(networks: Networks, quantize: str) -> bytes:
    return convert(networks.model, dict(networks.all()), quantize)


def convert(model: keras.Model, signatures: dict[str, Any], quantize: str) -> bytes:
    """Returns the contents of a model.tflite.

    Args:
        model: Whose weights the functions use.
        signatures: Concrete functions by their names.
        quantize: As in `export_litert`.
    """
    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    with tempfile.TemporaryDirectory() as temporary:
        tf.saved_model.save(module, temporary, signatures=signatures)
        converter = tf.lite.TFLiteConverter.from_saved_model(temporary, signature_keys=list(signatures))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]  # nothing of TensorFlow's own
        converter.exclude_conversion_metadata = True  # to write it, Python takes the whole file apart
        if quantize != "none":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if quantize == "int8":
            # One scale a matrix, not one a row: 5.0 MB instead of 7.9 for 0.04 BLEU less.
            converter._experimental_disable_per_channel = True
        if quantize == "float16":
            converter.target_spec.supported_types = [tf.float16]
        return bytes(converter.convert())


def _fingerprint(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
