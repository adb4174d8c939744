"""A language model in memory: how likely text is, what comes next, and what it would write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from seq2seq.indexing import gather
from seq2seq.inference.text_scoring import Codec, Drawn, State, TextScorer
from seq2seq.kernels.shapes import predict
from seq2seq.search.greedy import draw
from seq2seq.search.options import SearchOptions
from seq2seq.search.step import FORBIDDEN
from seq2seq.symbols import BOS, EOS, PAD


class TextModel(TextScorer):
    """A network in memory, run by Keras.

    Args:
        model: A `LanguageModel`.
        codec: Its tokeniser.
        starts: `(size,)`, bool: ids before which a word has ended; None: the tokens do not say it.
        name: How messages call it.
    """

    def __init__(self, model: Any, codec: Codec, starts: Any = None, name: str = ""):
        super().__init__(codec, starts, name)
        self.model = model
        self._scorer, self._next = Scorer(model), NextIds(model)
        self._samplers: dict[SearchOptions, Sampler] = {}

    def begin(self, rows: int = 1) -> State:
        carried = keras.tree.map_structure(ops.convert_to_numpy, self.model.initial_state(rows))
        return State(np.full(rows, EOS, np.int32), carried)

    def advance(self, state: State, ids: np.ndarray) -> tuple[np.ndarray, State]:
        log_probs, _, state = self.advance_with_features(state, ids)
        return log_probs, state

    def advance_with_features(self, state: State, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, State]:
        """As `advance`; in the middle the features that the ids are predicted from, `(rows, time, features_dim)`."""
        ids = np.asarray(ids, np.int32)
        inputs = np.concatenate([state.last[:, None], ids[:, :-1]], axis=1)
        found = predict(self._scorer, {"ids": inputs, "targets": ids, "state": state.carried})
        return found["log_probs"], found["features"], State(ids[:, -1], found["state"])

    def next_log_probs(self, state: State) -> tuple[np.ndarray, Any]:
        found = predict(self._next, {"ids": state.last[:, None], "state": state.carried})
        return found["log_probs"], found["state"]

    def select(self, carried: Any, rows: Sequence[int]) -> Any:
        return keras.tree.map_structure(lambda part: part[list(rows)], carried)

    def concatenate(self, carried: Sequence[Any]) -> Any:
        return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *carried)

    def sample(self, state: State, options: SearchOptions, seed: int) -> Iterator[list[Drawn]]:
        if options not in self._samplers:
            self._samplers[options] = Sampler(self.model, options)
        draws = [np.random.default_rng([seed, row]) for row in range(len(state.last))]
        while True:
            uniforms = np.asarray([draw.random(dtype=np.float32) for draw in draws])
            found = predict(
                self._samplers[options], {"ids": state.last[:, None], "state": state.carried, "uniforms": uniforms}
            )
            state = State(found["ids"], found["state"])
            yield [Drawn(int(i), float(p)) for i, p in zip(found["ids"], found["log_probs"], strict=True)]


class Scorer(keras.Model):
    """`(rows, time)` ids and what follows each -> log-probabilities of what follows, and the state."""

    def __init__(self, model: Any):
        super().__init__(name="scorer")
        self.network = model
        self.built = True

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        features, state = self.network.decode_features(inputs["ids"], inputs["state"])
        log_probs = self.network.head.log_prob(features, inputs["targets"])
        return {"log_probs": log_probs, "features": features, "state": state}


class NextIds(keras.Model):
    """`(rows, 1)` ids -> the log-probabilities of all that may follow, `(rows, size)`, and the state."""

    def __init__(self, model: Any):
        super().__init__(name="next")
        self.network = model
        self.built = True

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        logits, state = self.network.decode(inputs["ids"], inputs["state"])
        return {"log_probs": ops.log_softmax(ops.cast(logits[:, -1], "float32")), "state": state}


class Sampler(keras.Model):
    """`(rows, 1)` ids and a random number for each row -> the ids that are drawn, `(rows,)`, and the state.

    Of what may be drawn there is a mask among the inputs, `(rows, size)`, bool; without it PAD and BOS may not.
    """

    def __init__(self, model: Any, options: SearchOptions):
        super().__init__(name="sampler")
        self.network, self.options = model, options
        self.built = True

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        logits, state = self.network.decode(inputs["ids"], inputs["state"])
        logits = ops.cast(logits[:, -1], "float32")
        allowed = inputs.get("allowed", ~np.isin(np.arange(logits.shape[-1]), (PAD, BOS)))
        ids = draw(ops.where(allowed, logits, FORBIDDEN), inputs["uniforms"], self.options)
        log_probs = gather(ops.log_softmax(logits), ops.expand_dims(ids, 1))[:, 0]
        return {"ids": ids, "log_probs": log_probs, "state": state}
