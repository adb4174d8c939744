"""A model of music in memory: how likely pieces are, and what it composes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seq2seq.inference.language import Scorer
from seq2seq.metrics.frames import FrameLikelihood
from seq2seq.music.events import EventCodec
from seq2seq.music.notes import Music
from seq2seq.pipeline.padding import pad
from seq2seq.symbols import UNK

TOGETHER = 8
"""Pieces that are scored side by side."""


@dataclass(frozen=True)
class ScoredMusic:
    """A piece and how likely its tokens are."""

    music: Music
    tokens: np.ndarray
    """`(tokens,)`, int32; EOS last."""
    log_probs: np.ndarray
    """`(tokens,)`, float32, nats: of each token given all before it."""
    frame_numbers: np.ndarray
    """`(tokens,)`: the frame of each token, from 0; that of EOS never came."""

    @property
    def frames(self) -> np.ndarray:
        """The negative log-likelihood of each frame, `(frames,)`, float64, nats."""
        sums = np.bincount(self.frame_numbers, -self.log_probs.astype(np.float64))
        return np.asarray(sums[:-1])

    @property
    def log_probability(self) -> float:
        """Of the piece and its end, in nats."""
        return float(self.log_probs.sum(dtype=np.float64))


def likelihood(pieces: Sequence[ScoredMusic]) -> FrameLikelihood:
    """Returns how likely a model finds pieces."""
    found = FrameLikelihood()
    for piece in pieces:
        unknown = int((piece.tokens == UNK).sum())
        found.add(piece.frames.tolist(), -float(piece.log_probs[-1]), len(piece.tokens) - 1, unknown)
    return found


class Composer:
    """A network in memory, run by Keras.

    Args:
        model: A `LanguageModel`.
        codec: Its tokens and inputs.
        name: How messages call it.
    """

    def __init__(self, model: Any, codec: EventCodec, name: str = ""):
        self.model, self.codec, self.name = model, codec, name
        self._scorer = Scorer(model)

    def score(self, pieces: Sequence[Music]) -> list[ScoredMusic]:
        """Scores pieces, each by itself.

        Raises:
            ValueError: a piece is on a grid that does not fit that of the model.
        """
        encoded = [self.codec.encode(piece) for piece in pieces]
        order = sorted(range(len(pieces)), key=lambda number: len(encoded[number].tokens))
        found: dict[int, ScoredMusic] = {}
        for start in range(0, len(order), TOGETHER):
            rows = order[start : start + TOGETHER]
            targets = pad([encoded[row].tokens for row in rows])
            ids = pad([encoded[row].inputs for row in rows], shape=(len(self.codec.input_sizes),))
            state = self.model.initial_state(len(rows))
            scored = self._scorer.predict_on_batch({"ids": ids, "targets": targets, "state": state})["log_probs"]
            for row, log_probs in zip(rows, scored, strict=True):
                tokens = encoded[row].tokens
                numbers = self.codec.frame_numbers(tokens)
                found[row] = ScoredMusic(pieces[row], tokens, log_probs[: len(tokens)], numbers)
        return [found[number] for number in range(len(pieces))]
