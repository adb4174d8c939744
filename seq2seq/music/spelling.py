"""How pitches are called: which of F sharp and G flat a musician writes. No framework."""

from __future__ import annotations

from collections import Counter
from statistics import correlation

from seq2seq.music.keys import MAJOR, MINOR, SEMITONES, fifths
from seq2seq.music.notes import Music
from seq2seq.music.scales import key_number, key_pitches

_CIRCLE = "FCGDAEB"
_LEAST_PITCHES = 5
"""Pitch classes that tell one scale from another, at least."""
_NEARLY_ALL = 0.8
"""Share of what sounds that a key must hold to be that of a piece."""
_CLEARLY = 0.1
"""Share of what sounds that it must hold beyond the key that the piece says."""
_EXPECTED = {
    "": (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0),
    "m": (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0),
}
"""How much each pitch class sounds in major and minor, from the tonic upwards (Temperley 1999: What's Key for Key?)."""


def spelled(pitch: int, key: str) -> tuple[str, int, int]:
    """Returns the letter, its alteration in semitones and its octave, 0 from middle C, of a pitch in a key.

    Notes outside of the key are named as what leads to its neighbours: F sharp rather than G flat in G minor, but E
    flat rather than D sharp in C major.
    """
    lowest = fifths(key) - (2 if key.endswith("m") else 3)
    place = lowest + (7 * pitch - lowest) % 12  # 7 semitones a fifth, and C, a multiple of 12, at 0
    letter, alteration = _CIRCLE[(place + 1) % 7], (place + 1) // 7
    return letter, alteration, (pitch - alteration - SEMITONES[letter]) // 12 - 5


def spelling_key(music: Music) -> str:
    """Returns the key by which the notes of a piece are spelled.

    That is the piece's own, unless `fitting_key` holds nearly all that sounds and clearly more than it: notes of E flat
    major are called so under the signature of C too. A piece without a key is spelled by `fitting_key`.

    Raises:
        ValueError: the piece has a key that `keys.fifths` does not know.
    """
    best, sounding = fitting_key(music), _sounding(music)
    if not best:
        return music.key
    held, total = _held(sounding, best), sounding.total()
    clearly = not music.key or held > _held(sounding, music.key) + _CLEARLY * total
    return best if held >= _NEARLY_ALL * total and clearly else music.key


def fitting_key(music: Music) -> str:
    """Returns the major or minor key that fits best what sounds; empty where too few pitches tell.

    That is the key whose expected durations of the pitch classes correlate most with those of the piece (Krumhansl &
    Schmuckler; the expected ones are Temperley's). Of keys that sound alike, such as E flat and D sharp minor, it is
    the nearest to the signature of the piece.

    Raises:
        ValueError: the piece has a key that `keys.fifths` does not know.
    """
    own, sounding = fifths(music.key), _sounding(music)
    if len(sounding) < _LEAST_PITCHES:
        return ""

    def order(key: str) -> tuple[float, int, int]:
        return -_correlation(sounding, key), abs(fifths(key) - own), abs(fifths(key))

    return min((*MAJOR, *MINOR), key=order)


def _correlation(sounding: Counter[int], key: str) -> float:
    """Returns how the durations of the pitch classes correlate with those expected in a key; 0 where all are equal."""
    mode = "m" if key.endswith("m") else ""
    tonic = 7 * fifths(key) + (9 if mode else 0)
    found = [float(sounding[(tonic + degree) % 12]) for degree in range(12)]
    return correlation(found, _EXPECTED[mode]) if len(set(found)) > 1 else 0.0


def _sounding(music: Music) -> Counter[int]:
    """Returns how many steps each pitch class sounds."""
    found = Counter[int]()
    for note in music.notes:
        found[note.pitch % 12] += note.length
    return found


def _held(sounding: Counter[int], key: str) -> float:
    """Returns how much of what sounds is in a key."""
    held = sum(sounding[pitch] for pitch in key_pitches(key_number(key)))
    if not key.endswith("m"):
        return held
    tonic = 9 + 7 * fifths(key)
    return held + (sounding[(tonic + 9) % 12] + sounding[(tonic + 11) % 12]) / 2
