"""Keys: their names as ABC writes them, and the accidentals that they set. No framework."""

from __future__ import annotations

import re
from collections.abc import Mapping

LETTERS = "CDEFGAB"
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
"""Above C."""
ALTERATIONS = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}
"""Semitones of an accidental."""
MAJOR = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
MINOR = ("Abm", "Ebm", "Bbm", "Fm", "Cm", "Gm", "Dm", "Am", "Em", "Bm", "F#m", "C#m", "G#m", "D#m", "A#m")
"""Major and minor keys, from 7 flats to 7 sharps."""
_FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
"""Sharps of the major key on each letter; below 0 flats."""
_MODES = {"": 0, "m": -3, "dor": -2, "mix": -1, "phr": -4, "lyd": 1, "loc": -5}
"""Sharps of a mode, less those of the major key on the same note, under the name that `Music.key` has."""
_NAMES = {"maj": "", "ion": "", "min": "m", "aeo": "m"}
_SHARPS = "FCGDAEB"
"""The order in which sharps appear; that of flats is the reverse."""
_KEY = re.compile(r"([A-G])([#b]?)([A-Za-z]*)")
_CLEF = re.compile(r"[A-Za-z]+=|(treble|bass|alto|tenor|perc)|[GFCP][1-5]$|[+-]8$")


def fifths(key: str) -> int:
    """Returns the sharps of a key named as in `Music.key`, below 0 flats; 0 where the key is unknown.

    Raises:
        ValueError: there is no such key, or it has more than 7 sharps or flats.
    """
    if not key:
        return 0
    found = _KEY.fullmatch(key)
    mode = _mode(found[3]) if found else None
    if found is None or mode is None:
        raise ValueError(f"Expected a key such as G, Am or Bbdor. Received: {key[:40]!r}")
    count = _FIFTHS[found[1]] + _MODES[mode] + {"": 0, "#": 7, "b": -7}[found[2]]
    if abs(count) > 7:
        raise ValueError(f"Expected a key of at most 7 sharps or flats. Received: {key} with {abs(count)}")
    return count


def signature(key: str) -> dict[str, int]:
    """Returns the semitones by which a key alters its letters, such as {"F": 1} of "G"; raises as `fifths`."""
    count = fifths(key)
    letters = _SHARPS[:count] if count > 0 else _SHARPS[::-1][:-count]
    return dict.fromkeys(letters, 1 if count > 0 else -1)


def parse_key(text: str) -> tuple[str, dict[str, int]] | None:
    """Returns the name as in `Music.key` and the signature of a field K: of ABC; None where it only names a clef.

    Bagpipes (HP, Hp) are in D. A key of explicit accidentals alone ("D exp ^f") or none at all has no name.

    Raises:
        ValueError: as `fifths`.
    """
    words = text.split()
    if not words or words[0].lower() == "none":
        return "", {}
    words = [word for word in words if not _CLEF.match(word)]
    if not words:
        return None
    if words[0] in ("HP", "Hp"):
        return "D", signature("D")
    tonic, *rest = words
    if rest and (_mode(rest[0]) is not None or rest[0] == "exp"):
        tonic += rest.pop(0)
    if re.fullmatch(r"[A-G][#b]?exp", tonic):
        return "", _explicit(rest)
    found = _KEY.fullmatch(tonic)
    mode = _mode(found[3]) if found else None
    if found is None or mode is None:
        raise ValueError(f"Expected a key such as G, Am or Bbdor. Received: {text.strip()[:40]!r}")
    name = found[1] + found[2] + mode
    return name, {**signature(name), **_explicit(rest)}


def altered(signature: Mapping[str, int], letter: str, octave: int) -> int:
    """Returns the pitch of a letter without accidental; octave 0 begins at middle C."""
    return 60 + 12 * octave + SEMITONES[letter] + signature.get(letter, 0)


def _mode(text: str) -> str | None:
    if text in ("", "M"):
        return ""
    if text.lower() == "m":
        return "m"
    mode = text.lower()[:3]
    mode = _NAMES.get(mode, mode)
    return mode if mode in _MODES and len(text) > 2 else None


def _explicit(words: list[str]) -> dict[str, int]:
    """Returns what words such as "^f" and "_B" alter."""
    found = [re.fullmatch(r"(\^\^?|__?|=)([a-gA-G])", word) for word in words]
    return {one[2].upper(): ALTERATIONS[one[1]] for one in found if one}
