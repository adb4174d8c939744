"""An acoustic model in memory, run by Keras: of whole recordings, and block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import keras
import numpy as np

from seq2seq.audio.features import Frames
from seq2seq.pipeline.padding import padded
from seq2seq.types import Padded

GRID = 64
"""Frames are padded to a multiple of this, so that few graphs are traced."""
BLOCK_STEPS = 4
"""Steps of a block of a stream: more are quicker, fewer answer sooner."""


class KerasNetwork:
    """An `AcousticModel` as `inference.recognition.AcousticNetwork`."""

    def __init__(self, model: Any):
        self.model = model
        self.stack = int(model.frontend.stack)
        self._hearing = _Hearing(model)

    @cached_property
    def blocks(self) -> KerasBlocks | None:
        return None if self.model.encoder.bidirectional else KerasBlocks(self.model)

    def log_probs(self, frames: Sequence[Frames]) -> Iterator[np.ndarray]:
        longest = max(len(part) for part in frames)
        width = max(1, -(-longest // GRID)) * GRID
        source = padded(frames, width, "float32", (self.model.frontend.features,))
        source.mask[:, 0] = True  # of a recording without a frame: a row must have one
        log_probs, mask = self._hearing.predict_on_batch({"source": source.values, "source_mask": source.mask})
        for part, row, real in zip(frames, log_probs, mask, strict=True):
            yield row[: int(real.sum())] if len(part) else row[:0]


class _Hearing(keras.Model):
    """An acoustic model up to its log-probabilities, as one graph."""

    def __init__(self, model: Any):
        super().__init__(name="hearing")
        self.model = model

    def call(self, inputs: dict[str, Any]) -> tuple[Any, Any]:
        outputs = self.model.listen(Padded(inputs["source"], inputs["source_mask"]))
        return self.model.log_probs(outputs), outputs.mask


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
