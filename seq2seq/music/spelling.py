"""How pitches are called: which of F sharp and G flat a musician writes. No framework."""

from __future__ import annotations

from collections import Counter

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
    """Returns the major or minor key that holds most of what sounds; empty where too few pitches tell.

    In minor the raised sixth and seventh count half. Of several keys the nearest to the signature of the piece is
    returned.

    Raises:
        ValueError: the piece has a key that `keys.fifths` does not know.
    """
    own, sounding = fifths(music.key), _sounding(music)
    if len(sounding) < _LEAST_PITCHES:
        return ""

    def order(key: str) -> tuple[float, int, int]:
        return -_held(sounding, key), abs(fifths(key) - own), abs(fifths(key))

    return min((*MAJOR, *MINOR), key=order)


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
