"""What stands in the fields of a tune in ABC: meters, lengths, tempos, endings, tuplets. No framework."""

from __future__ import annotations

import re
from fractions import Fraction

from seq2seq.music.abc_tokens import Unreadable

_METERS = {"C": (4, 4), "C|": (2, 2), "none": (4, 4), "": (4, 4)}
_METER = re.compile(r"\(?(\d{1,3}(?:\+\d{1,3})*)\)?/(\d{1,3})")
_BEAT = re.compile(r"(?:(\d{1,4}/\d{1,4}(?:\s+\d{1,4}/\d{1,4})*)\s*=\s*)?(\d{1,6}(?:\.\d{1,6})?)")
_OLD_BEAT = re.compile(r"C(\d{0,3})\s*=\s*(\d{1,6}(?:\.\d{1,6})?)")
_TUPLETS = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}
"""In the time of how many notes so many are played; of others by the meter."""


def parse_meter(text: str) -> tuple[int, int]:
    """Returns the meter of a field M:, 4/4 where there is none; raises Unreadable."""
    if text in _METERS:
        return _METERS[text]
    found = _METER.fullmatch(text.replace(" ", ""))
    beats = sum(map(int, found[1].split("+"))) if found else 0
    if found is None or not beats or int(found[2]) not in (1, 2, 4, 8, 16, 32):
        raise Unreadable(f"expected a meter such as 4/4, 6/8 or C. Received: {text[:24]!r}")
    return beats, int(found[2])


def parse_unit(text: str) -> Fraction:
    """Returns the length of a field L: in quarter notes; raises Unreadable."""
    found = re.fullmatch(r"(\d{1,4})(?:/(\d{1,4}))?", text.replace(" ", ""))
    if found is None or int(found[1]) == 0 or int(found[2] or 1) == 0:
        raise Unreadable(f"expected a length such as 1/8. Received: {text[:24]!r}")
    return 4 * Fraction(int(found[1]), int(found[2] or 1))


def parse_tempo(text: str, unit: Fraction) -> Fraction | None:
    """Returns the quarter notes a minute of a field Q:, None where it is only a word; raises Unreadable.

    Args:
        text: Such as 1/4=120, or as of old 120 and C3=120, in units of L:.
        unit: Of L:, quarter notes.
    """
    text = re.sub(r'"[^"]*"', "", text).partition("%")[0].strip()
    if not text:
        return None
    wrong = Unreadable(f"expected a tempo such as 1/4=120. Received: {text[:24]!r}")
    if old := _OLD_BEAT.fullmatch(text):
        tempo = unit * int(old[1] or 1) * Fraction(old[2])
    elif found := _BEAT.fullmatch(text):
        try:
            beat = sum((4 * Fraction(one) for one in found[1].split()), Fraction(0)) if found[1] else unit
        except ZeroDivisionError:
            raise wrong from None
        tempo = beat * Fraction(found[2])
    else:
        raise wrong
    if not 0 < tempo < 1000:
        raise Unreadable(f"expected a tempo of 0 to 1000 quarter notes a minute. Received: {float(tempo):g}")
    return tempo


def parse_numbers(text: str) -> tuple[int, ...]:
    """Returns the numbers of an ending such as "1,3" or "1-3"."""
    found: list[int] = []
    for one in text.split(","):
        first, *last = (min(int(number[:4]), 100) for number in one.split("-"))
        found += range(first, (last[-1] if last else first) + 1)
    return tuple(found) or (1,)


def parse_tuplet(text: str, meter: tuple[int, int]) -> tuple[Fraction, int]:
    """Returns by what the notes of a tuplet such as "3" or "3:2:4" are stretched, and how many; raises Unreadable."""
    count, time, notes = ([int(one[:4]) if one else 0 for one in text.split(":")] + [0, 0])[:3]
    beats, unit = meter
    compound = unit == 8 and beats % 3 == 0 and beats > 3
    if not count:
        raise Unreadable(f"expected a tuplet such as (3 or (3:2:3. Received: '({text[:24]}'")
    return Fraction(time or _TUPLETS.get(count, 3 if compound else 2), count), notes or count


def parse_shift(text: str) -> int:
    """Returns the semitones by which the description of a voice or key transposes it."""
    octave = re.search(r"\boctave=([+-]?\d)\b", text)
    semitones = re.search(r"\btranspose=([+-]?\d{1,2})\b", text)
    clef = re.search(r"(?:treble|bass|alto|tenor)\d?([+-])8", text)
    return (
        (12 * int(octave[1]) if octave else 0)
        + (int(semitones[1]) if semitones else 0)
        + ({"+": 12, "-": -12}[clef[1]] if clef else 0)
    )
