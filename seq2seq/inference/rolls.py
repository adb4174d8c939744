"""A model of 88 keys in memory: how likely pieces are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seq2seq.inference.language import Scorer
from seq2seq.inference.music import TOGETHER, ScoredMusic
from seq2seq.music.events import EventCodec
from seq2seq.music.notes import Music
from seq2seq.music.rolls import KEYS, before, roll_of
from seq2seq.pipeline.padding import pad


class RollScorer:
    """A `MusicModel` over the 88 keys of a piano, each predicted by itself. It does not compose.

    Args:
        model: A `LanguageModel` of frames.
        codec: The grid of the pieces.
        name: How messages call it.
    """

    conditions = ""

    def __init__(self, model: Any, codec: EventCodec, name: str = ""):
        self.model, self.codec, self.name = model, codec, name

    def score(self, pieces: Sequence[Music]) -> list[ScoredMusic]:
        """As `MusicModel.score`, with one entry for each frame, and one of probability 1 for the end."""
        rolls, found, scorer = [roll_of(self.codec, piece) for piece in pieces], list[ScoredMusic](), Scorer(self.model)
        for start in range(0, len(rolls), TOGETHER):
            some = rolls[start : start + TOGETHER]
            inputs = {
                "ids": pad([before(roll) for roll in some], None, "float32", (KEYS,)),
                "targets": pad(some, None, "float32", (KEYS,)),
                "state": self.model.initial_state(len(some)),
            }
            scored = scorer.predict_on_batch(inputs)["log_probs"]
            for piece, roll, row in zip(pieces[start:], some, scored, strict=False):
                log_probs = np.append(row[: len(roll)], np.float32(0.0))
                numbers = np.arange(len(log_probs))
                found.append(ScoredMusic(piece, np.zeros(0, np.int32), log_probs, numbers))
        return found
