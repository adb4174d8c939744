"""Times of any precision to steps of a grid, by one rule, and what that loses. No framework."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from seq2seq.music.notes import ORDER, Note

Warn = Callable[[str], None]
"""Takes one sentence about something that a file holds and the notes do not."""
_FINEST = 96
"""Steps a quarter; a finer grid is not recommended."""


class Sound(NamedTuple):
    """A note in time."""

    start: Fraction
    """Quarter notes, and so is `end`, which is later."""
    end: Fraction
    pitch: int
    voice: int = 0


def quiet(_: str) -> None:
    """A `Warn` that drops what it gets."""


def nearest(time: Fraction, steps_per_quarter: int) -> int:
    """Returns the step nearest to a time in quarter notes; halves go up."""
    above, below = time.as_integer_ratio()
    return (2 * above * steps_per_quarter + below) // (2 * below)


def to_grid(sounds: Iterable[Sound], steps_per_quarter: int, place: str, warn: Warn = quiet) -> list[Note]:
    """Returns notes on a grid.

    Each beginning and each end goes to the nearest step, halves up, so that what touches still touches. A note left
    without a step gets the one where it begins if no other note of its voice sounds there, and is dropped otherwise.

    Args:
        sounds: In any order.
        steps_per_quarter: Of the grid.
        place: The file, for what is told.
        warn: Gets one sentence if anything moved or was dropped.
    """
    notes: list[Note] = []
    short: list[Note] = []
    moved, exact, furthest = 0, 1, 0.0
    for sound in sounds:
        start, end = nearest(sound.start, steps_per_quarter), nearest(sound.end, steps_per_quarter)
        finest = math.lcm(sound.start.denominator, sound.end.denominator)
        if steps_per_quarter % finest:
            shifts = (
                abs(float(sound.start) * steps_per_quarter - start),
                abs(float(sound.end) * steps_per_quarter - end),
            )
            moved, furthest = moved + 1, max(furthest, *shifts)
            exact = math.lcm(exact, finest) if exact <= _FINEST else exact
        note = Note(start, sound.pitch, max(end - start, 1), sound.voice)
        (notes if end > start else short).append(note)
    kept = _in_free_steps(short, notes) if short else []
    if moved:
        dropped = len(short) - len(kept)
        lost = f", and {dropped:,} left without a step were dropped" if dropped else ""
        finer = math.lcm(exact, steps_per_quarter)
        advice = f" A grid of {finer} steps a quarter holds them all." if finer <= _FINEST else ""
        warn(
            f"{place}: {moved:,} of {len(notes) + len(short):,} notes are not on the grid of {steps_per_quarter} steps "
            f"a quarter; they were moved to the nearest step, by at most {furthest:.2f} steps{lost}.{advice}"
        )
    return apart([*notes, *kept])


def _in_free_steps(short: Sequence[Note], notes: Iterable[Note]) -> list[Note]:
    """Returns those of the short notes at whose beginning none of the others of their voice sounds."""
    wanted = {(note.voice, note.start) for note in short}
    steps = ((note.voice, step) for note in notes for step in range(note.start, note.start + note.length))
    taken = {place for place in steps if place in wanted}
    return [note for note in short if (note.voice, note.start) not in taken]


def apart(notes: Sequence[Note]) -> list[Note]:
    """Returns notes in order, none of which begins while the same pitch of the same voice still sounds.

    The earlier ends where the later begins; of those that begin together the longest stays.
    """
    lines: dict[tuple[int, int], list[Note]] = defaultdict(list)
    for note in sorted(notes, key=ORDER):
        line = lines[note.voice, note.pitch]
        if line and line[-1].start == note.start:
            line.pop()
        elif line and line[-1].start + line[-1].length > note.start:
            line[-1] = replace(line[-1], length=note.start - line[-1].start)
        line.append(note)
    return sorted((note for line in lines.values() for note in line), key=ORDER)
