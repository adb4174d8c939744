"""Keys and scales by their names: "Am", "Bbdor" as ABC writes keys, "D dorian" as a user writes scales."""

from __future__ import annotations

import re

MODES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
}
"""Semitones above the tonic, of each mode."""
FURTHER = {
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic minor": (0, 2, 3, 5, 7, 9, 11),
    "pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole tone": (0, 2, 4, 6, 8, 10),
    "chromatic": tuple(range(12)),
}
"""Scales that are no keys."""
KEYS = 1 + 12 * len(MODES)
"""Numbers of keys; 0 is an unknown one."""

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"": 0, "#": 1, "b": -1, "##": 2, "bb": -2}
_NAME = re.compile(r"([A-Ga-g])(##|#|bb|b|)\s*(.*)", re.DOTALL)
_OTHER_NAMES = {"": "major", "m": "minor", "maj": "major", "ion": "major", "aeo": "minor"}


def key_number(name: str) -> int:
    """Returns the number of a key from 1, 0 where the name is none: 1 + 12 · mode + tonic."""
    found = _NAME.match(name.strip())
    if not found:
        return 0
    letter, accidental, mode = found.groups()
    mode = mode.strip().lower()
    mode = _OTHER_NAMES.get(mode, _OTHER_NAMES.get(mode[:3], mode[:3]))
    for number, known in enumerate(MODES):
        if known.startswith(mode):
            return 1 + 12 * number + (_LETTERS[letter.upper()] + _ACCIDENTALS[accidental]) % 12
    return 0


def transposed_key(number: int, semitones: int) -> int:
    """Returns the number of a key so many semitones higher."""
    if not number:
        return 0
    mode, tonic = divmod(number - 1, 12)
    return 1 + 12 * mode + (tonic + semitones) % 12


def scale_pitches(name: str) -> frozenset[int]:
    """Returns the pitch classes of a scale such as "D dorian", 0 for C to 11.

    Raises:
        ValueError: the name is not a tonic and a scale; the message lists the scales.
    """
    found = _NAME.fullmatch(name.strip())
    scales = {**MODES, **FURTHER}
    mode = " ".join(found.group(3).lower().split()) if found else "?"
    mode = _OTHER_NAMES.get(mode, mode)
    if not found or mode not in scales:
        raise ValueError(
            f'Expected a scale such as "D dorian": a tonic, C to B with # or b, and one of {", ".join(scales)}. '
            f"Received: {name!r}"
        )
    tonic = _LETTERS[found.group(1).upper()] + _ACCIDENTALS[found.group(2)]
    return frozenset((tonic + step) % 12 for step in scales[mode])
