"""How an application uses the ONNX folder of a recogniser: streams and whole recordings, with ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from seq2seq.audio.features import Frames
from seq2seq.audio.frontend import FRONTEND_FILE, Frontend
from seq2seq.inference.recognition import Recognizer, plain_search
from seq2seq.text.codecs import load_codec


class OnnxNetwork:
    """The network of an ONNX folder, as `AcousticNetwork` and, where it is of one direction, as `BlockNetwork`.

    Args:
        folder: Made by `seq2seq export --format onnx`.
    """

    rescorer = None  # exports leave the decoder of labels out
    steps = 4
    """Steps of a block; any number will do."""

    def __init__(self, folder: Path):
        self._shape = json.loads((folder / "onnx.json").read_text("utf-8"))
        self._session = onnxruntime.InferenceSession(folder / "hear.onnx", providers=["CPUExecutionProvider"])
        self._names = [output.name for output in self._session.get_outputs()]
        self.stack: int = self._shape["stack"]
        self.delay: int = self._shape["delay"] or 0

    @property
    def blocks(self) -> OnnxNetwork | None:
        return None if self._shape["delay"] is None else self

    def begin(self, rows: int = 1) -> dict[str, np.ndarray]:
        sizes = self._shape.get("state", [])
        return {f"state_{number}": np.zeros((rows, *size), np.float32) for number, size in enumerate(sizes)}

    def hear(self, frames: Frames, real: int, state: Any) -> tuple[np.ndarray, Any]:
        log_probs, state = self._call(frames[None], np.asarray([real], np.int32), state)
        return log_probs[0], state

    def log_probs(self, frames: Sequence[Frames]) -> Iterator[np.ndarray]:
        real = np.asarray([len(part) for part in frames], np.int32)
        steps = -(-real // self.stack)
        width = (max(1, int(steps.max())) + self.delay) * self.stack
        batch = np.stack([np.pad(part, [(0, width - len(part)), (0, 0)]) for part in frames])
        log_probs, _ = self._call(batch, real, self.begin(len(frames)))
        for row, count in zip(log_probs, steps, strict=True):
            yield row[self.delay :][:count]

    def _call(self, frames: np.ndarray, real: np.ndarray, state: dict[str, np.ndarray]) -> tuple[np.ndarray, Any]:
        found = dict(zip(self._names, self._session.run(None, {"frames": frames, "real": real, **state}), strict=True))
        return found.pop("log_probs"), {name.removeprefix("next_"): part for name, part in found.items()}


def load_recognizer(folder: Path) -> Recognizer:
    """Returns what hears by an ONNX folder as `seq2seq.load` does by the run that it was made of."""
    shape = json.loads((folder / "onnx.json").read_text("utf-8"))
    codec = load_codec(folder / shape["tokenizer"])
    beam = plain_search(codec, shape["search"]["beam_size"])
    return Recognizer(OnnxNetwork(folder), Frontend.load(folder / FRONTEND_FILE), codec, beam)
