"""What a composition may hold, as masks over the tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seq2seq.music.events import END_OF_FRAME, EventCodec
from seq2seq.music.inputs import Tape


@dataclass(frozen=True)
class Constraints:
    """Limits of the notes that are composed."""

    low: int = 0
    """Lowest pitch."""
    high: int = 127
    """Highest one."""
    scale: frozenset[int] | None = None
    """Pitch classes, 0 for C; None: all."""
    most_notes: int = 0
    """Notes of a frame, at most; 0: as many as there are."""


class TokenRules:
    """Says which tokens may come next: pitches of a frame ascend, and only what sounds goes on.

    Args:
        codec: Of the tokens.
        constraints: Further limits.

    Raises:
        ValueError: the limits leave no pitch.
    """

    def __init__(self, codec: EventCodec, constraints: Constraints = Constraints()):
        self.codec, self.constraints = codec, constraints
        notes = [codec.note(token) for token in range(codec.size)]
        self.pitches = np.asarray([note.pitch if note else -1 for note in notes])
        """`(size,)`: the pitch of each token, -1 for those that have none."""
        self.begins = np.asarray([bool(note and note.begins) for note in notes], bool)
        """`(size,)`, bool: tokens of a pitch that begins."""
        within = (self.pitches >= constraints.low) & (self.pitches <= constraints.high)
        if constraints.scale is not None:
            within &= np.isin(self.pitches % 12, list(constraints.scale))
        self.possible = within & (self.pitches >= 0)
        """`(size,)`, bool: pitches within the limits."""
        if not self.possible.any():
            raise ValueError(
                f"The range and the scale leave no pitch: expected some of {codec.low} to {codec.high}, which the "
                f"model knows. Received: {constraints.low} to {constraints.high}"
            )

    def allowed(self, tape: Tape) -> np.ndarray:
        """Returns which tokens may come next, `(size,)`, bool."""
        allowed = self.possible.copy()
        most = self.constraints.most_notes
        if most and len(tape.frame) >= most:
            allowed[:] = False
        elif tape.frame:
            allowed &= self.pitches > tape.frame[-1]
        before = tape.frames[-1] if tape.frames else ()
        allowed &= self.begins | np.isin(self.pitches, before)
        allowed[END_OF_FRAME] = True
        return allowed
