"""The networks of a LiteRT folder, called with NumPy arrays: encode a batch, decode a step, align."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seq2seq.extras import missing_message
from seq2seq.files import read_bytes
from seq2seq.lite.folder import MOST, NETWORKS_FILE, LiteFolderError
from seq2seq.lite.verify import verify
from seq2seq.symbols import EOS, PAD
from seq2seq.types import SearchResult

STEP = 16
"""Room for source widths is made in multiples of this; see `LiteNetworks._make_room`."""


class LiteMemory(NamedTuple):
    """An encoded batch; if it has fewer sources, the first one is repeated."""

    batch: int
    state: np.ndarray
    """`(batch, state)`, float32: the decoder's first state."""
    bound: dict[str, np.ndarray]
    """Inputs of every decoder step: keys, values, mask, and the ids for a pointer; empty without attention."""


def open_networks(path: Path, shape: dict[str, Any], content: bytes | None = None) -> tuple[Any, bytes]:
    """Returns an interpreter of the networks of a folder, verified, and the contents of their file.

    Args:
        path: A LiteRT folder.
        shape: Its model.json.
        content: Its model.tflite, if already read and verified.

    Raises:
        LiteFolderError: no LiteRT runtime is installed, or the file is refused.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise LiteFolderError(f"{path} is a LiteRT folder. {missing_message('ai_edge_litert')}") from error
    file = Path(path) / NETWORKS_FILE
    try:
        if content is None:
            content = read_bytes(file, MOST)
            verify(content, shape)
        # Networks this small gain little from threads within a step; `LiteGenerator` uses threads across batches.
        return Interpreter(model_content=content, num_threads=1), content
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise LiteFolderError(f"{file}: not a network that LiteRT reads ({error}). Export the run again.") from error


class LiteNetworks:
    """Calls the signatures that `seq2seq.export.litert.Networks` describes.

    Args:
        path: A LiteRT folder.
        shape: Its model.json.
        content: Its model.tflite, if already read and verified.

    Raises:
        LiteFolderError: no LiteRT runtime is installed, or it refuses the file.
    """

    def __init__(self, path: Path, shape: dict[str, Any], content: bytes | None = None):
        self._interpreter, self._content = open_networks(path, shape, content)
        try:
            self.batches: list[int] = sorted(shape["batches"])
            self.beams: list[int] = sorted(shape["beams"])
            self._encoder: list[dict[str, Any]] = shape["encoder"]
            self.has_attention, self.has_pointer = (bool(shape["decoder"][name]) for name in ("attention", "pointer"))
            self._reads_words = bool(shape["words"])
            # With coverage the state is as wide as the source, not of a fixed width.
            self._state_width: int | None = shape["decoder"]["state"]
            self._wide_state = ("state",) if self._state_width is None else ()
            self.wait_k: tuple[int, ...] = tuple(shape.get("wait_k", ()))
            self.bidirectional = any(layer["directions"] > 1 for layer in self._encoder)
            self.rules: dict[str, int] = dict(shape["rules"])
            self.extracts = bool(shape["extract"])
        except (ValueError, KeyError, TypeError) as error:
            raise LiteFolderError(
                f"{Path(path) / NETWORKS_FILE}: not a network that LiteRT reads ({error}). Export the run again."
            ) from error
        self._runners: dict[str, Any] = {}
        self._room: dict[str, int] = {}
        self._made_from = path, shape

    def another(self) -> LiteNetworks:
        """Returns the same networks for another thread; one instance serves one thread."""
        return LiteNetworks(*self._made_from, self._content)

    def encode(self, source: np.ndarray) -> LiteMemory:
        """Encodes `(sources, width)` int32 ids that end in EOS, then PAD; at most the largest batch."""
        batch = self._batch(len(source))
        return self._encode(_fill(source, batch), self._encoder_states(batch))[0]

    def first_states(self) -> tuple[list[np.ndarray], np.ndarray]:
        """Returns the states of the encoder's layers before the first id, `(…,)` each, and the decoder's, `(state,)`,
        for a model whose decoder begins without its source."""
        return [state[0] for state in self._encoder_states(1)], np.zeros(self._state_width or 0, np.float32)

    def _encoder_states(self, rows: int) -> list[np.ndarray]:
        return [np.zeros((rows, layer["state"]), np.float32) for layer in self._encoder]

    def encode_part(
        self, source: np.ndarray, states: Sequence[np.ndarray]
    ) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
        """Encodes the next ids of sources, for a model of one direction.

        Args:
            source: `(sources, width)` int32 ids, then PAD; at most the largest batch.
            states: Of the encoder's layers before them, `(sources, …)` each.

        Returns:
            `keys` and `values (sources, width, …)`, and the states after.
        """
        rows, batch = len(source), self._batch(len(source))
        memory, after = self._encode(_fill(source, batch), [_fill(state, batch) for state in states])
        return {name: memory.bound[name][:rows] for name in ("keys", "values")}, [state[:rows] for state in after]

    def write(
        self, ids: np.ndarray, state: np.ndarray, bound: dict[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One step of greedy search, of `rows` that have a memory each; at most the largest batch.

        Args:
            ids: `(rows,)` int32: the last ones.
            state: `(rows, state)`.
            bound: `keys`, `values (rows, source, …)`, `mask (rows, source)`.

        Returns:
            The likeliest ids and their log-probabilities, `(rows,)` each, and the states after.
        """
        rows, batch = len(ids), self._batch(len(ids))
        memory = LiteMemory(batch, _fill(state, batch), {name: _fill(array, batch) for name, array in bound.items()})
        banned = np.full((batch, 1), PAD, np.int32) if self.rules["no_repeat"] else None  # nothing more than always
        found = self.decode(memory, 1, _fill(ids, batch), memory.state, banned)
        best = found["top"].argmax(axis=1)[:, None]
        top, top_ids = (np.take_along_axis(found[name], best, axis=1)[:, 0] for name in ("top", "top_ids"))
        ends = found["eos"] >= top
        return np.where(ends, EOS, top_ids)[:rows], np.maximum(found["eos"], top)[:rows], found["state"][:rows]

    def _encode(self, ids: np.ndarray, states: Sequence[np.ndarray]) -> tuple[LiteMemory, list[np.ndarray]]:
        """Encodes `(batch, width)` ids, for which there are networks, from states; returns those after, too."""
        batch, width = ids.shape
        mask = ids != PAD
        found = self._call(f"embed_{batch}", ("ids",), ids=ids)
        sequence, kept = found["vectors"], found["kept"]
        finals = []
        for number, (layer, state) in enumerate(zip(self._encoder, states, strict=True)):
            directions, units = layer["directions"], layer["units"]
            outputs = np.empty((batch, width, directions * units), np.float32)
            for t in range(width):
                places = [t, width - 1 - t][:directions]  # one direction reads from the front, one from the end
                inputs = sequence[:, places].reshape(batch, -1)
                found = self._call(f"encode_{number}_{batch}", (), inputs=inputs, keep=kept[:, places], state=state)
                state = found["state"]
                for d, place in enumerate(places):
                    outputs[:, place, d * units : (d + 1) * units] = found["outputs"][:, d * units : (d + 1) * units]
            sequence = outputs + sequence if layer["residual"] else outputs
            finals.append(state)
        given = {"state": np.concatenate(finals, axis=1)}
        if self.has_attention:
            given |= {"values": sequence, "mask": mask}
            given |= {"source": ids} if self._reads_words else {}
        found = self._call(f"remember_{batch}", ("values", "mask", "source"), **given)
        bound = {"keys": found["keys"], "values": found["values"], "mask": mask} if self.has_attention else {}
        bound |= {"source": ids} if self.has_pointer else {}
        return LiteMemory(batch, found["state"], bound), finals

    def narrow(self, memory: LiteMemory, sources: np.ndarray) -> tuple[LiteMemory, np.ndarray] | None:
        """Returns the memory of these `sources` (rows of the batch) for a smaller network, and its rows.

        None if no smaller network fits.
        """
        batch = self._batch(len(sources))
        if batch == memory.batch:
            return None
        kept = _fill(sources, batch)
        return LiteMemory(batch, memory.state[kept], {name: part[kept] for name, part in memory.bound.items()}), kept

    def greedy(self, source: np.ndarray, limits: np.ndarray) -> SearchResult:
        """Translates `(sources, width)` ids, as in `encode`, into at most `limits (sources,)` tokens each."""
        batch = self._batch(len(source))
        found = self._call(f"greedy_{batch}", ("ids",), ids=_fill(source, batch), limits=_fill(limits, batch))
        score = found["log_probability"][:, None]
        return SearchResult(found["ids"][:, None], found["lengths"][:, None], score, score)

    def extract(self, source: np.ndarray) -> SearchResult:
        """Extracts from `(sources, width)` ids, as in `encode`."""
        batch = self._batch(len(source))
        found = self._call(f"extract_{batch}", ("ids",), ids=_fill(source, batch))
        names = "ids", "lengths", "log_probability", "score"
        return SearchResult(*(found[name][:, None] for name in names))

    def decode(
        self, memory: LiteMemory, beam_size: int, ids: np.ndarray, state: np.ndarray, banned: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """One step for `batch * beam_size` rows, by the network of that beam or of the next larger one.

        Returns `top`, `top_ids`, `eos` (log-probabilities) and `state`.

        `banned (rows, n)` are ids that must not be written, padded with PAD; needed if the rules use it.
        """
        arrays = {"ids": ids, "state": state} | ({} if banned is None else {"banned": banned})
        network = next(beam for beam in self.beams if beam >= beam_size)
        if network > beam_size:  # unused rows fill up the beam of each source
            rows = np.minimum(np.arange(network), beam_size - 1) + beam_size * np.arange(memory.batch)[:, None]
            arrays = {name: array[rows.reshape(-1)] for name, array in arrays.items()}
        wide = (*memory.bound, *self._wide_state)
        found = self._call(f"decode_{memory.batch}x{network}", wide, **arrays, **memory.bound)
        if network == beam_size:
            return found
        rows = (np.arange(beam_size) + network * np.arange(memory.batch)[:, None]).reshape(-1)
        kept = {name: part[rows] for name, part in found.items()}
        return kept | {name: kept[name][:, : beam_size + 1] for name in ("top", "top_ids")}

    def align(self, memory: LiteMemory, ids: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One step of one row. Returns the attention `(source,)` and the state."""
        found = self._call("align", (*memory.bound, *self._wide_state), ids=ids, state=state, **memory.bound)
        return found["weights"][0], found["state"]

    def check_result(self, found: SearchResult, size: int) -> None:
        """Raises LiteFolderError if a network wrote ids outside a vocabulary of `size`, or bad lengths."""
        self.check_ids(found.ids, size)
        if found.lengths.min(initial=0) < 0 or found.lengths.max(initial=0) > found.ids.shape[-1]:
            raise self._unknown_ids()

    def check_ids(self, ids: np.ndarray, size: int) -> None:
        """Raises LiteFolderError if a network wrote ids outside a vocabulary of `size`."""
        if ids.min(initial=0) < 0 or ids.max(initial=0) >= size:
            raise self._unknown_ids()

    def _unknown_ids(self) -> LiteFolderError:
        file = Path(self._made_from[0]) / NETWORKS_FILE
        return LiteFolderError(f"{file}: its networks write ids that do not exist. Export the run again.")

    def _batch(self, rows: int) -> int:
        return next(b for b in self.batches if b >= rows)

    def _call(self, name: str, wide: Sequence[str], **arrays: np.ndarray) -> dict[str, np.ndarray]:
        """Runs a network. `wide` names the arrays whose second axis is the source width."""
        try:
            if name not in self._runners:
                self._runners[name] = self._interpreter.get_signature_runner(name)
            self._make_room(name, [array for array in wide if array in arrays], arrays)
            return self._runners[name](**arrays)
        except (RuntimeError, ValueError, KeyError, TypeError, IndexError) as error:
            file = Path(self._made_from[0]) / NETWORKS_FILE
            raise LiteFolderError(
                f"{file}: its network {name} cannot be run ({error}). Export the run again."
            ) from error

    def _make_room(self, name: str, wide: Sequence[str], arrays: dict[str, np.ndarray]) -> None:
        """Runs a network once with a wider input, and drops the result, if it has not seen such a width yet.

        When XNNPACK, LiteRT's fast kernels, enlarges the memory shared by parts of a network, a part may go on with the
        old memory: 1 to 60 of 10,000 such calls silently gave wrong numbers, and the right ones when repeated (LiteRT
        2.2 and 2.3; `python -m benchmarks.lite_widths`). So networks grow in calls whose results are dropped.
        """
        if not wide or (width := arrays[wide[0]].shape[1]) <= self._room.get(name, 0):
            return
        room = -(-width // STEP) * STEP
        grown = {
            array: np.pad(arrays[array], [(0, 0), (0, room - width), *[(0, 0)] * (arrays[array].ndim - 2)])
            for array in wide
        }
        if "limits" in arrays:  # one token is enough
            grown["limits"] = np.ones_like(arrays["limits"])
        self._runners[name](**{**arrays, **grown})
        self._room[name] = room


def _fill(rows: np.ndarray, count: int) -> np.ndarray:
    """Repeats the first row until there are `count`."""
    return np.concatenate([rows, np.repeat(rows[:1], count - len(rows), axis=0)])
