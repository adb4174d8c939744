"""An acoustic model in memory, run by Keras: of whole recordings, and block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import keras
import numpy as np

from seq2seq.audio.features import Frames
from seq2seq.kernels.shapes import predict
from seq2seq.pipeline.padding import padded
from seq2seq.symbols import BOS, EOS
from seq2seq.types import Padded

GRID = 64
"""Frames are padded to a multiple of this, so that few graphs are traced."""
LABEL_GRID = 16
"""So are the encoder's outputs, and the labels that are scored, to a multiple of this."""
BLOCK_STEPS = 4
"""Steps of a block of a stream: more are quicker, fewer answer sooner."""


class KerasNetwork:
    """An `AcousticModel` as `inference.recognition.AcousticNetwork`."""

    def __init__(self, model: Any):
        self.model = model
        self.stack = int(model.frontend.stack)
        self._hearing = _Hearing(model)

    @cached_property
    def rescorer(self) -> KerasRescorer | None:
        has_decoder = self.model.label_decoder is not None and self.model.encoder.bidirectional
        return KerasRescorer(self.model) if has_decoder else None

    @cached_property
    def blocks(self) -> KerasBlocks | None:
        return None if self.model.encoder.bidirectional else KerasBlocks(self.model)

    def log_probs(self, frames: Sequence[Frames]) -> Iterator[np.ndarray]:
        for log_probs, _ in self._hearing.hear(frames):
            yield log_probs


class _Hearing(keras.Model):
    """An acoustic model up to its log-probabilities, as one graph; on demand with what its head reads."""

    def __init__(self, model: Any, outputs_too: bool = False):
        super().__init__(name="hearing")
        self.model, self.outputs_too = model, outputs_too

    def call(self, inputs: dict[str, Any]) -> tuple[Any, ...]:
        outputs = self.model.listen(Padded(inputs["source"], inputs["source_mask"]))
        found = self.model.log_probs(outputs), outputs.mask
        return (*found, outputs.values) if self.outputs_too else found

    def hear(self, frames: Sequence[Frames]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields for each recording its log-probabilities `(steps, size)`, and what the head reads or nothing."""
        width = _on_grid(max(len(part) for part in frames), GRID)
        source = padded(frames, width, "float32", (self.model.frontend.features,))
        source.mask[:, 0] = True  # of a recording without a frame: a row must have one
        found = predict(self, {"source": source.values, "source_mask": source.mask})
        log_probs, mask, *outputs = found
        for row, part in enumerate(frames):
            steps = int(mask[row].sum()) if len(part) else 0
            yield log_probs[row, :steps], outputs[0][row, :steps] if outputs else log_probs[row, :0]


class KerasRescorer:
    """An acoustic model in memory as `inference.recognition.Rescorer`."""

    def __init__(self, model: Any):
        self._width = int(model.encoder.memory_dim)
        self._hearing, self._scoring = _Hearing(model, outputs_too=True), _Scoring(model)

    def hear(self, frames: Sequence[Frames]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return self._hearing.hear(frames)

    def score(self, heard: np.ndarray, labels: Sequence[Sequence[int]]) -> np.ndarray:
        memory = padded([heard], _on_grid(len(heard), LABEL_GRID), "float32", (self._width,))
        memory.mask[:, 0] = True  # of a recording without a step
        width = _on_grid(1 + max(len(label) for label in labels), LABEL_GRID)
        inputs, target = (
            padded([(BOS, *label) for label in labels], width),
            padded([(*label, EOS) for label in labels], width),
        )
        found: np.ndarray = predict(
            self._scoring,
            {
                "heard": memory.values,
                "heard_mask": memory.mask,
                "ids": inputs.values,
                "target": target.values,
                "target_mask": target.mask,
            },
        )
        return found


class _Scoring(keras.Model):
    """The decoder of labels of an acoustic model, as one graph."""

    def __init__(self, model: Any):
        super().__init__(name="scoring")
        self.model = model

    def call(self, inputs: dict[str, Any]) -> Any:
        heard = Padded(inputs["heard"], inputs["heard_mask"])
        return self.model.label_decoder.log_prob(heard, inputs["ids"], inputs["target"], inputs["target_mask"])


def _on_grid(length: int, grid: int) -> int:
    return max(1, -(-length // grid)) * grid


class _HearingOn(keras.Model):
    """One block of a stream, as one graph. The state is a list of tensors, by number."""

    def __init__(self, model: Any):
        super().__init__(name="hearing_on")
        self.model = model

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        like = self.model.first_state(1)
        parts = [inputs[f"state_{n}"] for n in range(len(keras.tree.flatten(like)))]
        source = Padded(inputs["source"], inputs["source_mask"])
        log_probs, state = self.model.listen_on(source, keras.tree.pack_sequence_as(like, parts))
        return {"log_probs": log_probs, **{f"state_{n}": part for n, part in enumerate(keras.tree.flatten(state))}}


class KerasBlocks:
    """An acoustic model in memory as a `BlockNetwork`.

    Args:
        model: An `AcousticModel`.

    Raises:
        ValueError: it reads in both directions.
    """

    steps = BLOCK_STEPS

    def __init__(self, model: Any):
        self.model = model
        self.stack, self.delay = int(model.frontend.stack), int(model.delay)
        state = keras.tree.flatten(model.first_state(1))
        self._first = {f"state_{n}": keras.ops.convert_to_numpy(part) for n, part in enumerate(state)}
        self._block = _HearingOn(model)

    def begin(self) -> dict[str, np.ndarray]:
        return self._first

    def hear(self, frames: np.ndarray, real: int, state: Any) -> tuple[np.ndarray, Any]:
        mask = np.arange(len(frames)) < real
        found = self._block.predict_on_batch({"source": frames[None], "source_mask": mask[None], **state})
        return found.pop("log_probs")[0], found
