"""The LiteRT folder of a recogniser: its network in blocks of one size, front end and labels.

`Blocks` and `Passes` say what each signature takes and gives; `seq2seq.lite.acoustic` drives them. Blocks of one size
get LiteRT's fast kernels, and their steps are written out one after the other, as a loop of LiteRT costs more than the
step in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf
from keras import ops

from seq2seq.export.acoustic_parts import NamedState, real_frames, sizes, write_parts
from seq2seq.export.litert import check_conversion, convert, write_shape
from seq2seq.export.unrolled import encode_unrolled, run_unrolled
from seq2seq.files import follow_links
from seq2seq.folders import check_replaceable, whole_folder
from seq2seq.inference.acoustic import BLOCK_STEPS
from seq2seq.inference.recognition import Recognizer
from seq2seq.layers.cells import state_sizes
from seq2seq.lite.folder import NETWORKS_FILE
from seq2seq.lite.kinds import ACOUSTIC
from seq2seq.models.acoustic import AcousticModel
from seq2seq.outputs import export_kind
from seq2seq.types import Padded

PASS_STEPS = 8
"""Steps of a block of a whole recording."""


def export_acoustic_litert(recognizer: Recognizer, folder: Path, quantize: str = "int8") -> Path:
    """Writes the LiteRT folder of a recogniser, whole or not at all; one that stood there before is replaced.

    A model of one direction is exported as one step of a stream, one of both directions layer by layer.

    Args:
        recognizer: What to export: its network is one in memory.
        folder: Where; nothing, or an earlier LiteRT export.
        quantize: "none"; "float16": weights of half the size; "int8": of a quarter, and faster.

    Raises:
        ValueError: another backend, an unknown `quantize`, or another folder's place.
    """
    check_conversion(quantize)
    folder, kind = follow_links(folder), export_kind("litert")
    check_replaceable(folder, kind)
    network: Any = recognizer.network
    model: AcousticModel = network.model
    networks = Passes(model, PASS_STEPS) if model.encoder.bidirectional else Blocks(model, BLOCK_STEPS)
    with whole_folder(folder, kind) as partial:
        (partial / NETWORKS_FILE).write_bytes(convert(model, networks.signatures(), quantize))
        parts = write_parts(recognizer, partial)
        write_shape(partial, quantize, {"kind": ACOUSTIC, **networks.shape(), **parts})
    return folder


class Blocks:
    """One step of a stream: a model of one direction over a block of it.

    hear    `frames (1, steps * stack, mels)`; `real (1,)`, int32, how many of them are real, which come first;
            `state_0`, `state_1`, … `(1, width)`: those of the layers from the bottom up, zeros at first, and, of a
            model that looks ahead, the last outputs of the encoder, `(1, delay, units)`
            -> `log_probs (1, steps, size)`, the first of the step `delay` before the block; the states after it
    """

    def __init__(self, model: AcousticModel, steps: int):
        self.model, self.steps, self._state = model, steps, NamedState(model)

    def shape(self) -> dict[str, Any]:
        """What the host must know to drive the network."""
        return {
            "steps": self.steps,
            **sizes(self.model),
            "delay": self.model.delay,
            "state": self._state.sizes,
        }

    def signatures(self) -> dict[str, Any]:
        """By the names that a host calls."""
        model, count = self.model, self.steps * self.model.frontend.stack

        def hear(frames: Any, real: Any, *leaves: Any) -> dict[str, Any]:
            state = self._state.bind(leaves)
            values, mask = model.frontend(Padded(frames, real_frames(frames, real)))
            log_probs, state = model.finish_block(encode_unrolled(model.encoder, values, mask, state.encoder), state)
            return {"log_probs": log_probs, **self._state.named(state)}

        states = [_floats(f"state_{number}", 1, *shape) for number, shape in enumerate(self._state.sizes)]
        frames = _floats("frames", 1, count, model.frontend.features)
        return {"hear": _traced(hear, frames, tf.TensorSpec((1,), tf.int32, "real"), *states)}


class Passes:
    """A model of both directions over the blocks of a whole recording, which is padded to a number of them.

    embed      `frames (1, steps * stack, mels)`, `real (1,)`, int32 -> `vectors (1, steps, width)`
    layer_L    layer L of the encoder: a block for each direction, `forward` and `backward (1, steps, width)`, in the
               order of time; `kept (1, steps, 2)`, 0 at padding; `state_0`, `state_1`, …, those of the one direction,
               then of the other, `(1, units)`, zeros at first -> `forward`, `backward (1, steps, units)`; the states.
               The blocks of the one direction go from the first to the last, those of the other from the last to the
               first
    head       `vectors (1, steps, 2 * units)` -> `log_probs (1, steps, size)`
    """

    def __init__(self, model: AcousticModel, steps: int):
        self.model, self.steps = model, steps

    def shape(self) -> dict[str, Any]:
        """What the host must know to drive the networks."""
        encoder = self.model.encoder
        widths = [self.model.frontend.output_dim, *[encoder.memory_dim] * (encoder.num_layers - 1)]
        return {
            "steps": self.steps,
            **sizes(self.model),
            "delay": None,
            "width": self.model.frontend.output_dim,
            "units": encoder.units,
            "layers": [
                {
                    "state": [size for cell in cells for size in state_sizes(cell)],
                    "residual": encoder.residual and width == encoder.memory_dim,
                }
                for cells, width in zip(encoder.layers, widths, strict=True)
            ],
        }

    def signatures(self) -> dict[str, Any]:
        """By the names that a host calls."""
        model, steps = self.model, self.steps
        encoder, count = model.encoder, steps * model.frontend.stack

        def embed(frames: Any, real: Any) -> dict[str, Any]:
            return {"vectors": model.frontend(Padded(frames, real_frames(frames, real))).values}

        def head(vectors: Any) -> dict[str, Any]:
            return {"log_probs": model.log_probs(Padded(vectors, ops.ones((1, steps), "bool")))}

        frames = _floats("frames", 1, count, model.frontend.features)
        found = {
            "embed": _traced(embed, frames, tf.TensorSpec((1,), tf.int32, "real")),
            "head": _traced(head, _floats("vectors", 1, steps, encoder.memory_dim)),
        }
        width = model.frontend.output_dim
        for number, cells in enumerate(encoder.layers):
            found[f"layer_{number}"] = self._layer(cells, width)
            width = encoder.memory_dim
        return found

    def _layer(self, cells: list[Any], width: int) -> Any:
        sizes = [size for cell in cells for size in state_sizes(cell)]
        half = len(sizes) // 2

        def layer(forward: Any, backward: Any, kept: Any, *state: Any) -> dict[str, Any]:
            there, after = run_unrolled(cells[0], forward, kept[:, :, 0], list(state[:half]))
            back, behind = run_unrolled(cells[1], backward, kept[:, :, 1], list(state[half:]), reverse=True)
            finals = {f"state_{number}": leaf for number, leaf in enumerate([*after, *behind])}
            return {"forward": there, "backward": back, **finals}

        specs = [_floats(name, 1, self.steps, width) for name in ("forward", "backward")]
        states = [_floats(f"state_{number}", 1, size) for number, size in enumerate(sizes)]
        return _traced(layer, *specs, _floats("kept", 1, self.steps, 2), *states)


def _floats(name: str, *shape: int) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.float32, name)


def _traced(function: Any, *specs: tf.TensorSpec) -> Any:
    return tf.function(function, autograph=False).get_concrete_function(*specs)
