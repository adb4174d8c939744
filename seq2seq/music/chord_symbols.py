"""Chord symbols over a melody, such as "G", "D7" or "Am/C", to the notes of an accompaniment. No framework."""

from __future__ import annotations

import re
from functools import lru_cache

from seq2seq.music.keys import SEMITONES

LOWEST_ROOT = 36
"""Roots lie in the octave that begins here, two below middle C."""
_TRIADS = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "sus4": (0, 5, 7),
    "sus2": (0, 2, 7),
    "5": (0, 7),
}
_QUALITIES = {
    "maj": "",
    "M": "",
    "min": "m",
    "mi": "m",
    "-": "m",
    "d": "dim",
    "o": "dim",
    "a": "aug",
    "+": "aug",
    "sus": "sus4",
    "dim7": ("dim", 9),
    "d7": ("dim", 9),
    "o7": ("dim", 9),
    "m7b5": ("dim", 10),
    "aug7": ("aug", 10),
    "a7": ("aug", 10),
    "+7": ("aug", 10),
    "6": ("", 9),
    "m6": ("m", 9),
    "7": ("", 10),
    "m7": ("m", 10),
    "min7": ("m", 10),
    "-7": ("m", 10),
    "maj7": ("", 11),
    "M7": ("", 11),
    "mmaj7": ("m", 11),
    "mM7": ("m", 11),
    "7sus4": ("sus4", 10),
    "7sus": ("sus4", 10),
    "9": ("", 10, 14),
    "m9": ("m", 10, 14),
    "maj9": ("", 11, 14),
    "7b9": ("", 10, 13),
    "7#9": ("", 10, 15),
    "add9": ("", 14),
    "11": ("", 10, 14, 17),
    "13": ("", 10, 14, 21),
}
"""Names beside those of triads: another name of a triad, or a triad and what lies above it, in semitones."""
_SYMBOL = re.compile(r"([A-G])([#b]?)\s*([^/\s]*)(?:/([A-Ga-g])([#b+]?))?")


@lru_cache(maxsize=1024)
def chord_pitches(symbol: str) -> tuple[int, ...] | None:
    """Returns the pitches of a chord symbol in close position, ascending; None where it is none that is known.

    The root lies between `LOWEST_ROOT` and the octave above; a bass note after "/" below the others. Parentheses count
    for nothing. The Nottingham collection's writing is read too: "Cd" and "Ca" for diminished and augmented, "A/c+" for
    a bass of C sharp.
    """
    found = _SYMBOL.fullmatch(symbol.strip().strip("()").strip())
    if found is None:
        return None
    quality = _QUALITIES.get(found[3], found[3])
    triad, *above = (quality,) if isinstance(quality, str) else quality
    if triad not in _TRIADS:
        return None
    root = LOWEST_ROOT + _pitch_class(found[1], found[2])
    pitches = {root + interval for interval in (*_TRIADS[str(triad)], *map(int, above))}
    if found[4]:
        bass = LOWEST_ROOT + _pitch_class(found[4].upper(), found[5])
        pitches = {pitch for pitch in pitches if pitch % 12 != bass % 12}
        pitches.add(bass - 12 if bass > min(pitches, default=bass) else bass)
    return tuple(sorted(pitches))


def _pitch_class(letter: str, accidental: str) -> int:
    return (SEMITONES[letter] + {"": 0, "#": 1, "+": 1, "b": -1}[accidental]) % 12
