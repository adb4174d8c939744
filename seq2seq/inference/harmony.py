"""Harmonising: the notes below a melody by a beam search, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import keras
import numpy as np

from seq2seq.inference.music import Composer, Composition
from seq2seq.music.constraints import Constraints, TokenRules
from seq2seq.music.events import END_OF_FRAME, FrameNote
from seq2seq.music.inputs import Tape
from seq2seq.music.notes import Music

VOICES = 4
"""Notes of a frame, at most, where the constraints do not say."""


class Hypothesis(NamedTuple):
    """A way to harmonise the frames so far."""

    log_prob: float
    """Of all its tokens, in nats."""
    tokens: tuple[int, ...]
    """Without those of the melody."""
    tape: Tape
    state: Any
    """Of the model, which has not read the last token: `(1, size)` each."""


def harmonise(
    composer: Composer, melody: Music, beam_size: int = 16, constraints: Constraints = Constraints()
) -> Composition:
    """Writes the notes below a melody: the highest note of each frame is given.

    Hypotheses are compared where a frame ends, by the sum of their log-probabilities, that of the melody included.

    Args:
        composer: The model.
        melody: Of several notes at a time the highest counts. Frames without a note stay empty.
        beam_size: Hypotheses that are kept, at least 1.
        constraints: Limits of the notes below; `most_notes` counts the melody too and is 4 where it is 0.

    Raises:
        ValueError: the melody has no note, is on another grid or outside the model's range, or the limits leave
            nothing.
    """
    codec, first = composer.codec, composer.begin(melody)
    if not first.notes:
        raise ValueError("The melody has no note: there is nothing to harmonise.")
    rules = TokenRules(codec, replace(constraints, most_notes=constraints.most_notes or VOICES))
    given = [frame[-1] if frame else None for frame in codec.frames(first)]
    empty = replace(first, notes=(), steps=0)
    state, tape = composer.read(empty)
    beam = [Hypothesis(0.0, (), tape, state)]
    for top in given:
        beam = _extend(composer, beam, top, rules, beam_size)
    below = codec.continued(empty, beam[0].tokens).notes
    voices = [replace(note, voice=note.voice + 1) for note in below]
    tops = [token for top in given for token in (*([codec.token(top)] if top else []), END_OF_FRAME)]
    alone = len(given) and all(len(frame) < 2 for frame in codec.frames(first))
    highest = first.notes if alone else codec.continued(empty, tops).notes
    piece = replace(first, notes=(*(replace(note, voice=0) for note in highest), *voices))
    return composer.compared(piece, 0, -beam[0].log_prob / max(1, piece.steps), voices)


def _extend(
    composer: Composer, beam: Sequence[Hypothesis], top: FrameNote | None, rules: TokenRules, beam_size: int
) -> list[Hypothesis]:
    """Returns the best hypotheses after one more frame, best first."""
    codec, ended, active = composer.codec, list[Hypothesis](), list(beam)
    last = END_OF_FRAME if top is None else codec.token(top)
    while active:
        rows = [*active, *active[-1:] * (beam_size - len(active))]  # one shape for all calls
        state = keras.tree.map_structure(lambda *parts: np.concatenate(parts), *(one.state for one in rows))
        log_probs, state = composer.advance([one.tape for one in rows], state)
        found = []
        for row, one in enumerate(active):
            scores = one.log_prob + log_probs[row]
            allowed = _allowed(one.tape, top, last, rules)
            found += [(float(scores[token]), row, int(token)) for token in np.flatnonzero(allowed)]
        active_next = list[Hypothesis]()
        for score, row, token in sorted(found, reverse=True)[:beam_size]:
            tape = active[row].tape.copy()
            codec.advance(tape, token)
            own = () if token == last != END_OF_FRAME else (token,)
            new = Hypothesis(score, (*active[row].tokens, *own), tape, _row(state, row))
            (ended if token == END_OF_FRAME else active_next).append(new)
        ended = sorted(ended, key=lambda one: -one.log_prob)[:beam_size]
        worst = ended[-1].log_prob if len(ended) == beam_size else -np.inf
        active = [one for one in active_next if one.log_prob > worst]
    return ended


def _allowed(tape: Tape, top: FrameNote | None, last: int, rules: TokenRules) -> np.ndarray:
    """Returns which tokens may come next, `(size,)`, bool: notes below the given one, it, then the end of the frame."""
    if top is None or tape.frame[-1:] == (top.pitch,):
        return np.arange(len(rules.pitches)) == END_OF_FRAME
    allowed = rules.allowed(tape) & (rules.pitches < top.pitch)
    allowed[END_OF_FRAME] = False
    if len(tape.frame) + 1 >= rules.constraints.most_notes:
        allowed[:] = False
    allowed[last] = True
    return allowed


def _row(state: Any, row: int) -> Any:
    return keras.tree.map_structure(lambda part: part[row : row + 1], state)
