"""Keys and scales by their names: "Am", "Bbdor" as ABC writes keys, "D dorian" as a user writes scales."""

from __future__ import annotations

import re
from contextlib import suppress

from seq2seq.music.keys import fifths

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
_KEY_OF = {
    **{mode: mode[:3] for mode in MODES},
    "major": "",
    "minor": "m",
    "harmonic minor": "m",
    "melodic minor": "m",
    "pentatonic": "",
    "minor pentatonic": "m",
    "blues": "m",
}
"""What `Music.key` appends to the tonic, by the name of a scale."""
_TONICS = ("C", "C#", "Db", "D", "Eb", "D#", "E", "F", "F#", "Gb", "G", "G#", "Ab", "A", "Bb", "A#", "B")
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
            return 1 + 12 * number + _pitch_class(letter + accidental)
    return 0


def transposed_key(number: int, semitones: int) -> int:
    """Returns the number of a key so many semitones higher."""
    if not number:
        return 0
    mode, tonic = divmod(number - 1, 12)
    return 1 + 12 * mode + (tonic + semitones) % 12


def key_pitches(number: int) -> frozenset[int]:
    """Returns the pitch classes of a key by its number, 0 for C to 11; none of an unknown key."""
    if not number:
        return frozenset()
    mode, tonic = divmod(number - 1, 12)
    return frozenset((tonic + step) % 12 for step in list(MODES.values())[mode])


def scale_pitches(name: str) -> frozenset[int]:
    """Returns the pitch classes of a scale such as "D dorian", 0 for C to 11.

    Raises:
        ValueError: the name is not a tonic and a scale; the message lists the scales.
    """
    tonic, mode = _scale(name)
    return frozenset((_pitch_class(tonic) + step) % 12 for step in {**MODES, **FURTHER}[mode])


def scale_key(name: str) -> str:
    """Returns the key in which a scale is written, as in `Music.key`; empty of whole tones and of the chromatic scale.

    Blues and the minor pentatonic are written in minor. Where a key would have more than 7 sharps or flats the other
    name of its tonic is taken.

    Raises:
        ValueError: as `scale_pitches`.
    """
    tonic, mode = _scale(name)
    return _written(tonic, _KEY_OF[mode]) if mode in _KEY_OF else ""


def written_key(name: str) -> str:
    """Returns a key as `Music.key` has it: "Am" for "a minor", "Ab" for "G#", which would have 8 sharps.

    Raises:
        ValueError: `key_number` does not know it.
    """
    number, found = key_number(name), _NAME.match(name.strip())
    if not number or not found:
        raise ValueError(f"Expected a key such as G, Am or Bbdor. Received: {name[:40]!r}")
    return _written(found.group(1).upper() + found.group(2), _KEY_OF[list(MODES)[(number - 1) // 12]])


def _scale(name: str) -> tuple[str, str]:
    """Returns the tonic of a scale and the rest of its name among `MODES` and `FURTHER`; raises as `scale_pitches`."""
    found = _NAME.fullmatch(name.strip())
    scales = {**MODES, **FURTHER}
    mode = " ".join(found.group(3).lower().split()) if found else "?"
    mode = _OTHER_NAMES.get(mode, mode)
    if not found or mode not in scales:
        raise ValueError(
            f'Expected a scale such as "D dorian": a tonic, C to B with # or b, and one of {", ".join(scales)}. '
            f"Received: {name!r}"
        )
    return found.group(1).upper() + found.group(2), mode


def _written(tonic: str, mode: str) -> str:
    """Returns a tonic with what follows it in `Music.key`; the other name of the tonic where the first has no key."""
    for other in (tonic, *_TONICS):
        if _pitch_class(other) == _pitch_class(tonic):
            with suppress(ValueError):
                fifths(other + mode)
                return other + mode
    raise AssertionError(tonic)  # each pitch class has one


def _pitch_class(tonic: str) -> int:
    return (_LETTERS[tonic[0].upper()] + _ACCIDENTALS[tonic[1:]]) % 12
