"""A recogniser on a LiteRT folder; requires only numpy, sentencepiece and the LiteRT runtime."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.audio.features import Frames
from seq2seq.inference.recognition import Recognizer, plain_search
from seq2seq.inference.streaming import hear_whole
from seq2seq.lite.folder import NETWORKS_FILE, LiteFolderError, load_frontend, load_shape, load_text_codec
from seq2seq.lite.networks import open_networks


def load_recognizer(path: Path) -> Recognizer:
    """Loads a LiteRT folder; raises LiteFolderError for a damaged one."""
    shape = load_shape(path)
    codec, frontend = load_text_codec(path, shape), load_frontend(path, shape)
    network = LitePasses(path, shape) if shape["delay"] is None else LiteBlocks(path, shape)
    return Recognizer(network, frontend, codec, plain_search(codec, shape["search"]["beam_size"]))


class _Networks:
    """Calls the signatures that `seq2seq.export.acoustic_litert` describes, block by block.

    One instance serves one thread, and any number of streams in turn: their state is theirs.

    Args:
        path: A LiteRT folder.
        shape: Its model.json.

    Raises:
        LiteFolderError: no LiteRT runtime is installed, or it refuses the file.
    """

    def __init__(self, path: Path, shape: dict[str, Any]):
        self._file = Path(path) / NETWORKS_FILE
        self._interpreter, _ = open_networks(path, shape)
        self._runners: dict[str, Any] = {}
        self._shape = shape
        self.rescorer = None  # exports leave the decoder of labels out
        self.stack: int = shape["stack"]
        self.steps: int = shape["steps"]

    def _call(self, name: str, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        try:
            if name not in self._runners:
                self._runners[name] = self._interpreter.get_signature_runner(name)
            found: dict[str, np.ndarray] = self._runners[name](**arrays)
        except (RuntimeError, ValueError, KeyError, TypeError, IndexError) as error:
            raise LiteFolderError(
                f"{self._file}: its network {name} cannot be run ({error}). Export the run again."
            ) from error
        return found


class LiteBlocks(_Networks):
    """A model of one direction, as `AcousticNetwork` and as its own `BlockNetwork`: a whole recording is heard as a
    stream is, by the same calls."""

    @property
    def blocks(self) -> LiteBlocks:
        return self

    @property
    def delay(self) -> int:
        return int(self._shape["delay"])

    def begin(self) -> dict[str, np.ndarray]:
        return {
            f"state_{number}": np.zeros((1, *sizes), np.float32) for number, sizes in enumerate(self._shape["state"])
        }

    def hear(self, frames: Frames, real: int, state: Any) -> tuple[np.ndarray, Any]:
        found = self._call("hear", frames=frames[None], real=np.asarray([real], np.int32), **state)
        return found.pop("log_probs")[0], found

    def log_probs(self, frames: Sequence[Frames]) -> Iterator[np.ndarray]:
        for part in frames:
            yield hear_whole(self, part)


class LitePasses(_Networks):
    """A model of both directions, as `AcousticNetwork`: it goes over a recording layer by layer."""

    blocks = None

    def log_probs(self, frames: Sequence[Frames]) -> Iterator[np.ndarray]:
        for part in frames:
            yield self._log_probs(part)

    def _log_probs(self, frames: Frames) -> np.ndarray:
        steps, size = -(-len(frames) // self.stack), self.steps * self.stack
        count = -(-len(frames) // size)
        if not count:
            return np.zeros((0, self._shape["size"]), np.float32)
        padded = np.concatenate([frames, np.zeros((count * size - len(frames), frames.shape[1]), np.float32)])
        real = np.clip(len(frames) - np.arange(count) * size, 0, size).astype(np.int32)
        kept = (np.arange(count * self.steps) < steps).astype(np.float32)
        values = np.concatenate(
            [
                self._call("embed", frames=padded[None, n * size : (n + 1) * size], real=real[n : n + 1])["vectors"]
                for n in range(count)
            ],
            axis=1,
        )
        for number, layer in enumerate(self._shape["layers"]):
            outputs = self._layer(number, layer["state"], values, kept)
            values = outputs + values if layer["residual"] else outputs
        parts = [self._call("head", vectors=part)["log_probs"][0] for part in np.split(values, count, axis=1)]
        return np.concatenate(parts)[:steps]

    def _layer(self, number: int, sizes: Sequence[int], values: np.ndarray, kept: np.ndarray) -> np.ndarray:
        """`(1, time, width)` and `kept (time,)` -> `(1, time, 2 * units)`."""
        units, count = self._shape["units"], values.shape[1] // self.steps
        outputs = np.empty((1, values.shape[1], 2 * units), np.float32)
        state = {f"state_{place}": np.zeros((1, size), np.float32) for place, size in enumerate(sizes)}
        for n in range(count):
            there, back = (slice(m * self.steps, (m + 1) * self.steps) for m in (n, count - 1 - n))
            masks = np.stack([kept[there], kept[back]], axis=1)[None]
            state = self._call(
                f"layer_{number}", forward=values[:, there], backward=values[:, back], kept=masks, **state
            )
            outputs[:, there, :units] = state.pop("forward")
            outputs[:, back, units:] = state.pop("backward")
        return outputs
