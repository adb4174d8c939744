"""A model of 88 keys in memory: how likely pieces are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from seq2seq.inference.language import Scorer
from seq2seq.inference.music import TOGETHER, Composer, ScoredMusic
from seq2seq.music.notes import Music
from seq2seq.music.rolls import KEYS, before, roll_of
from seq2seq.pipeline.padding import pad


class RollScorer(Composer):
    """Scores pieces by a network over the 88 keys of a piano. It does not compose."""

    predicts_tokens = False

    def score(self, pieces: Sequence[Music]) -> list[ScoredMusic]:
        """As `Composer.score`, with one entry for each frame, and one of probability 1 for the end."""
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

    def compose(self, *_: Any, **__: Any) -> NoReturn:
        """Raises ValueError."""
        raise ValueError(
            f"{self.name} predicts 88 keys, each by itself: it scores music and does not compose. Train without "
            "--events.keys."
        )

    harmonise = compose
