"""A language model on a LiteRT folder; requires only numpy, sentencepiece and the LiteRT runtime."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.inference.text_scoring import Codec, Drawn, State, TextScorer
from seq2seq.lite.folder import NETWORKS_FILE, LiteFolderError, load_shape, load_text_codec
from seq2seq.lite.networks import open_networks
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import BOS, EOS, PAD
from seq2seq.text.codecs import word_starts

SMALLEST = np.float32(1e-30)


class StepNetwork:
    """Calls the network that `seq2seq.export.language_step` describes, for one text.

    Args:
        path: A LiteRT folder.
        shape: Its model.json.

    Raises:
        LiteFolderError: no LiteRT runtime is installed, or it refuses the file.
    """

    def __init__(self, path: Path, shape: dict[str, Any]):
        self._file = Path(path) / NETWORKS_FILE
        self._interpreter, _ = open_networks(path, shape)
        self._runner: Any = None
        self.state_size: int = shape["state"]
        self.size: int = shape["size"]

    def __call__(self, last: int, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The last id, and the state `(state_size,)` -> log-probabilities `(size,)` and the state after."""
        try:
            if self._runner is None:
                self._runner = self._interpreter.get_signature_runner("step")
            found = self._runner(ids=np.asarray([last], np.int32), state=state[None])
        except (RuntimeError, ValueError, KeyError, TypeError, IndexError) as error:
            raise LiteFolderError(
                f"{self._file}: its network cannot be run ({error}). Export the run again."
            ) from error
        return found["log_probabilities"][0], found["state"][0]


class LiteTextModel(TextScorer):
    """Scores and writes text like `TextModel`, without TensorFlow and Keras.

    What is carried is an array `(rows, state_size)`. Rows go one by one.

    Args:
        network: The network of the folder.
        codec: Its tokeniser.
        starts: As for `TextScorer`.
        name: How messages call it.
    """

    rows = 1

    def __init__(self, network: StepNetwork, codec: Codec, starts: Any = None, name: str = ""):
        super().__init__(codec, starts, name)
        self.network = network

    @classmethod
    def load(cls, path: Path) -> LiteTextModel:
        """Loads a LiteRT folder; raises LiteFolderError for a damaged one."""
        shape = load_shape(path)
        codec = load_text_codec(path, shape)
        return cls(StepNetwork(path, shape), codec, word_starts(codec), str(path))

    def begin(self, rows: int = 1) -> State:
        return State(np.full(rows, EOS, np.int32), np.zeros((rows, self.network.state_size), np.float32))

    def advance(self, state: State, ids: np.ndarray) -> tuple[np.ndarray, State]:
        ids, carried = np.asarray(ids, np.int32), np.array(state.carried)
        found = np.zeros(ids.shape, np.float32)
        for row, inputs in enumerate(np.concatenate([state.last[:, None], ids[:, :-1]], axis=1).tolist()):
            for time, last in enumerate(inputs):
                log_probs, carried[row] = self.network(last, carried[row])
                found[row, time] = log_probs[ids[row, time]]
        return found, State(ids[:, -1], carried)

    def next_log_probs(self, state: State) -> tuple[np.ndarray, Any]:
        log_probs, carried = np.zeros((len(state.last), self.network.size), np.float32), np.array(state.carried)
        for row, last in enumerate(state.last.tolist()):
            log_probs[row], carried[row] = self.network(last, carried[row])
        return log_probs, carried

    def select(self, carried: Any, rows: Sequence[int]) -> Any:
        return carried[list(rows)]

    def concatenate(self, carried: Sequence[Any]) -> Any:
        return np.concatenate(list(carried))

    def sample(self, state: State, options: SearchOptions, seed: int) -> Iterator[list[Drawn]]:
        draws = [np.random.default_rng([seed, row]) for row in range(len(state.last))]
        while True:
            log_probs, carried = self.next_log_probs(state)
            ids = [
                draw(row, number.random(dtype=np.float32), options)
                for row, number in zip(log_probs, draws, strict=True)
            ]
            state = State(np.asarray(ids, np.int32), carried)
            yield [Drawn(i, float(row[i])) for i, row in zip(ids, log_probs, strict=True)]


def draw(log_probs: np.ndarray, uniform: float, options: SearchOptions) -> int:
    """Draws an id by `(size,)` log-probabilities, neither PAD nor BOS; see `seq2seq.search.greedy.draw`."""
    allowed = np.array(log_probs)
    allowed[[PAD, BOS]] = -np.inf
    ids = np.argsort(-allowed, kind="stable")[: options.top_k or None]
    weights = np.exp((allowed[ids] - allowed[ids[0]]) / np.maximum(np.float32(options.temperature), SMALLEST))
    probabilities = weights / weights.sum()
    before = np.cumsum(probabilities) - probabilities
    probabilities = np.where(before < np.maximum(np.float32(options.top_p), SMALLEST), probabilities, np.float32(0))
    sums = np.cumsum(probabilities)
    index = int((sums <= uniform * sums[-1]).sum())
    return int(ids[min(index, int((probabilities > 0).sum()) - 1)])
