"""An ONNX folder: encoder and one step of the decoder, for any runtime that reads ONNX; the host searches.

encoder.onnx    `ids (batch, source)`, int32: tokens, EOS, then PAD -> `state (batch, …)`, the decoder's first, and with
                attention `keys`, `values (batch, source, …)` and `mask (batch, source)`; with a selector
                `keep (batch, source)`, the log-odds that a token is kept
step.onnx       `ids (rows,)`, int32, BOS at first; `state (rows, …)`; with attention `keys`, `values`, `mask` as the
                encoder gave them, with a pointer `source`, the ids that the encoder read
                -> `log_probabilities (rows, size)`, `next_state`

Where onnx.json has `right_to_left`, the output ids run from the last token of the text to its first.
`rows` is a multiple of `batch`: rows that share a source, as the beams of a search, are next to each other.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from seq2seq import __version__
from seq2seq.extras import EXPORTS, require
from seq2seq.files import follow_links
from seq2seq.folders import check_replaceable, whole_folder
from seq2seq.indexing import join, split
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.outputs import export_kind
from seq2seq.search.rules import forbid_control_symbols
from seq2seq.symbols import BOS, EOS, PAD, UNK
from seq2seq.types import Encoded, Memory, Padded

if TYPE_CHECKING:
    from seq2seq.inference.generator import Generator

SHAPE_FILE = "onnx.json"
OPSET = 18
"""Version of the operations; ONNX Runtime 1.14 and later know it."""


def export_onnx(generator: Generator, folder: Path) -> Path:
    """Writes the ONNX folder of a generator, whole or not at all; one that stood there before is replaced.

    Args:
        generator: What to export.
        folder: Where; nothing, or an earlier ONNX export.

    Raises:
        ValueError: another backend, sampling, a folder that holds something else, or the converter is not installed.
    """
    if generator.options.sampling:
        raise ValueError("An exported model searches, it does not draw at random: export without sampling.")
    check_converter()
    folder, kind = follow_links(folder), export_kind("onnx")
    check_replaceable(folder, kind)
    encoder, step = _Encoder(generator.model), _Step(generator.model)
    with whole_folder(folder, kind) as partial:
        write_network(encoder, partial / "encoder.onnx", {"ids": ("batch", "source")})
        write_network(step, partial / "step.onnx", step.inputs_by_name)
        generator.source_tokenizer.save(partial / "source.model")
        generator.target_tokenizer.save(partial / "target.model")
        shape = {
            "attention": generator.has_attention,
            "pointer": generator.model.head.needs_attention,
            "selector": generator.model.has_selector,
            "source_size": generator.source_tokenizer.size,
            "target_size": generator.model.target_size,
            **generator.text_facts(),
            "search": asdict(generator.options),
        }
        write_shape(partial, shape)
    return folder


def check_converter() -> None:
    """Raises ValueError for another backend than TensorFlow, or if the converter is not installed."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(f"ONNX models are made by TensorFlow. Received: KERAS_BACKEND={keras.backend.backend()}")
    require(*EXPORTS["onnx"])


def write_shape(folder: Path, shape: dict[str, Any], text: bool = True) -> None:
    """Describes the networks of a folder by a last file: `shape`, versions and, of text, control symbols."""
    made = {"seq2seq": __version__, "keras": keras.__version__, "opset": OPSET}
    if text:
        made["symbols"] = {"pad": PAD, "unk": UNK, "bos": BOS, "eos": EOS}
    (folder / SHAPE_FILE).write_text(json.dumps(made | shape, indent=2) + "\n", "utf-8")


class _Encoder(keras.Model):
    def __init__(self, model: Seq2Seq):
        super().__init__(name="encoder")
        self.model = model
        self.built = self._called = True  # the exporter asks; the model inside is

    def call(self, ids: Any) -> dict[str, Any]:
        encoded = self.model.encode(Padded(ids, ops.not_equal(ids, PAD)), training=False)
        found = {"state": join(keras.tree.flatten(encoded.state))}
        if self.model.has_attention:
            found |= encoded.source_memory._asdict()
        return found if encoded.keep is None else found | {"keep": encoded.keep}


class _Step(keras.Model):
    def __init__(self, model: Seq2Seq):
        super().__init__(name="step")
        self.model = model
        self.built = self._called = True
        encoded = model.encode(Padded(ops.full((1, 2), EOS, dtype="int32"), ops.ones((1, 2), "bool")), training=False)
        self._structure = keras.tree.map_structure(lambda tensor: 0, encoded.state)
        self._sizes = [tensor.shape[-1] for tensor in keras.tree.flatten(encoded.state)]
        # The coverage is as wide as the source, and comes last.
        width: str | int = "state" if model.decoder.coverage else sum(self._sizes)
        self.inputs_by_name: dict[str, tuple[str | int, ...]] = {"ids": ("rows",), "state": ("rows", width)}
        if model.has_attention:
            for name, tensor in (("keys", encoded.source_memory.keys), ("values", encoded.source_memory.values)):
                self.inputs_by_name[name] = ("batch", "source", tensor.shape[-1])
            self.inputs_by_name["mask"] = ("batch", "source")
        if model.head.needs_attention:
            self.inputs_by_name["source"] = ("batch", "source")

    def call(self, inputs: Sequence[Any]) -> dict[str, Any]:
        ids, state, *rest = inputs
        state = keras.tree.pack_sequence_as(self._structure, split(state, self._sizes))
        encoded = Encoded(None, state)
        if rest:
            keys, values, mask, *source = rest
            encoded = Encoded(Memory(values, keys, mask), state, Padded(source[0], mask) if source else None)
        logits, state = self.model.decode(ops.expand_dims(ids, 1), encoded, state, False)
        log_probabilities = ops.log_softmax(forbid_control_symbols(ops.squeeze(logits, 1)))
        return {"log_probabilities": log_probabilities, "next_state": join(keras.tree.flatten(state))}


DTYPES = {"ids": "int32", "mask": "bool", "source": "int32"}


def write_network(
    network: keras.Model,
    path: Path,
    inputs: dict[str, tuple[str | int, ...]],
    dtypes: Mapping[str, str] = DTYPES,
) -> None:
    """Writes `network` by Keras' own exporter, then gives its inputs and their axes the names they have here.

    Args:
        network: Called with its inputs in a list.
        path: The file.
        inputs: The shape of each by its name; a name in a shape is an axis of any size.
        dtypes: Of inputs that are not float32.
    """
    import onnx
    import tensorflow as tf

    specs = [
        tf.TensorSpec([None if isinstance(axis, str) else axis for axis in shape], dtypes.get(name, "float32"))
        for name, shape in inputs.items()
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Keras' exporter asks NumPy for names that it no longer has
        signature = specs if len(specs) == 1 else [specs]
        network.export(path, format="onnx", verbose=False, input_signature=signature, opset_version=OPSET)
    model = onnx.load(path)
    graph = model.graph
    for given, (name, shape) in zip(graph.input, inputs.items(), strict=True):
        # The converter loses inputs that have names.
        graph.node.insert(0, onnx.helper.make_node("Identity", [name], [given.name]))
        given.name = name
        for axis, size in zip(given.type.tensor_type.shape.dim, shape, strict=True):
            if isinstance(size, str):
                axis.dim_param = size
    onnx.checker.check_model(model)
    onnx.save(model, path)
