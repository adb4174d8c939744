"""A line of music in ABC to its tokens: notes, rests, chords, bar lines. No framework."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from seq2seq.music.keys import ALTERATIONS

MOST_DIGITS = 5
"""Of a length."""
ONE = Fraction(1)


class Pitch(NamedTuple):
    """A letter with its octave and accidental, as written."""

    letter: str
    octave: int
    """0 begins at middle C."""
    accidental: int | None
    """Semitones; None where none is written."""
    length: Fraction = ONE
    """In units of L."""
    tied: bool = False


class Token(NamedTuple):
    """Something that stands in a line of music.

    Kinds: note (one or more pitches), repaired (the note before, a chord whose ] is missing), rest, bars (of rest),
    chord (a symbol in quotes), mark (a decoration), bar, ending, field, tuplet, broken, tie, overlay.
    """

    kind: str
    text: str
    pitches: tuple[Pitch, ...] = ()
    length: Fraction = ONE
    """In units of L; of a rest in bars, the bars."""


_LENGTH = r"(\d*)(/*)(\d*)"
_NOTE = re.compile(r"(\^\^?|__?|=)?([a-gA-G])([,']*)" + _LENGTH)
_REST = re.compile(r"([xzXZ])" + _LENGTH)
_OUTER = re.compile(_LENGTH)
_BETWEEN = re.compile(r'[\s.~+]+|\((?!\d)|\)|![^!]*!|"[^"]*"|[H-Wh-w]')
"""What may stand between the notes of a chord and means nothing here."""
_ENDING = r"[1-9][0-9]*(?:[,-][1-9][0-9]*)*"
_PATTERNS = [
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("skip", r"[\s`\\$).~]+|\((?!\d)|%.*|y[\d/]*|[H-Wh-w]"),
        ("mark", r"!([^!|\[\]\s][^!|]*)!|\+([a-zA-Z0-9<>().]+)\+"),
        ("grace", r"\{[^{}]*\}"),
        ("chord", r'"([^"]*)"'),
        ("field", r"\[([A-Za-z]:[^\]]*)\]"),
        ("bar", r"\[\|\]|:*\[?\|[|:]*\]?|::+"),
        ("ending", rf'\[\s*(?:"({_ENDING})\.?"|({_ENDING}))'),
        ("tuplet", r"\((\d+(?::\d*){0,2})"),
        ("broken", r"<+|>+"),
        ("tie", r"-"),
        ("overlay", r"&"),
    )
]
_AFTER_BAR = re.compile(rf"\[?({_ENDING})")


class Unreadable(ValueError):
    """Something that ABC does not have. The message says what was expected and what came, but not where."""


def tokens(line: str) -> Iterator[Token]:
    """Yields the tokens of a line of music.

    Grace notes, slurs and line breaks are left out. A chord of several notes without ] ends where a tuplet, a slur or a
    bar line begins.

    Raises:
        Unreadable: a quote, chord or group is not closed, a length is 0, or a character means nothing.
    """
    at = 0
    while at < len(line):
        if found := _NOTE.match(line, at):  # what most tokens are, and no pattern begins alike
            yield _note(found)
            at = found.end()
            continue
        matches = ((kind, pattern.match(line, at)) for kind, pattern in _PATTERNS)
        kind, found = next((one for one in matches if one[1]), ("", None))
        if found is None:
            begin = at
            token, at = _sound(line, at)
            yield token
            if token.text.startswith("[") and "]" not in token.text:
                yield Token("repaired", line[begin:at])
            continue
        at = found.end()
        if kind in ("skip", "grace"):
            continue
        yield Token(kind, next((group for group in found.groups() if group is not None), found[0]))
        if kind == "bar" and (ending := _AFTER_BAR.match(line, at)):
            yield Token("ending", ending[1])
            at = ending.end()


def _sound(line: str, at: int) -> tuple[Token, int]:
    """Returns a rest or chord and where it ends."""
    if found := _REST.match(line, at):
        length = _length(found[2], found[3], found[4], found[0])
        return Token("bars" if found[1] in "ZX" else "rest", found[0], length=length), found.end()
    if line[at] == "[":
        return _chord(line, at)
    raise Unreadable(_unknown(line, at))


def _note(found: re.Match[str]) -> Token:
    return Token("note", found[0], (_pitch(found, ONE),), _length(found[4], found[5], found[6], found[0]))


def _chord(line: str, at: int) -> tuple[Token, int]:
    begin, pitches = at, []
    at += 1
    while at < len(line) and line[at] != "]":
        if found := _NOTE.match(line, at):
            at = found.end()
            tied = line[at : at + 1] == "-"
            pitches.append(_pitch(found, _length(found[4], found[5], found[6], found[0]), tied))
            at += tied
        elif found := _BETWEEN.match(line, at):
            at = found.end()
        elif len(pitches) > 1 and line[at] in "(|":
            return Token("note", line[begin:at], tuple(pitches)), at
        else:
            raise Unreadable(f"expected notes between [ and ]. Received: {_near(line, begin)}")
    if at == len(line):
        raise Unreadable(f"expected ] after the notes of a chord. Received: {_near(line, begin)}")
    if not pitches:
        raise Unreadable("expected notes between [ and ]. Received: none")
    outer = _OUTER.match(line, at + 1)
    assert outer is not None  # it may be empty
    length = _length(outer[1], outer[2], outer[3], line[begin : outer.end()])
    return Token("note", line[begin : outer.end()], tuple(pitches), length), outer.end()


def _pitch(found: re.Match[str], length: Fraction, tied: bool = False) -> Pitch:
    accidental, letter, marks = found[1], found[2], found[3]
    octave = marks.count("'") - marks.count(",") + letter.islower()
    return Pitch(letter.upper(), octave, ALTERATIONS[accidental] if accidental else None, length, tied)


@lru_cache(maxsize=1024)
def _length(numerator: str, slashes: str, denominator: str, text: str) -> Fraction:
    """Returns the length that "3/2", "/", "//" or "" stands for; `text` is what messages quote."""
    if denominator and not slashes:  # digits cannot follow digits
        numerator, denominator = numerator + denominator, ""
    if max(len(numerator), len(denominator), len(slashes)) > MOST_DIGITS:
        raise Unreadable(f"expected a length such as 2, 3/2 or /2. Received: {text[:40]}")
    over = 2 ** len(slashes) if not denominator else int(denominator) * 2 ** (len(slashes) - 1)
    if over == 0 or (numerator and int(numerator) == 0):
        raise Unreadable(f"expected a length above 0. Received: {text[:40]}")
    return Fraction(int(numerator or 1), over)


def _unknown(line: str, at: int) -> str:
    closed = {'"': 'a closing "', "{": "}", "[": "]"}
    if line[at] in closed:
        return f"expected {closed[line[at]]} on the same line. Received: {_near(line, at)}"
    if line[at] in "^_=":
        return f"expected a note after an accidental. Received: {_near(line, at)}"
    return f"expected a note, rest or bar line. Received: {_near(line, at)}"


def _near(line: str, at: int) -> str:
    """Returns a line from a place on, shortened."""
    rest = line[at:].rstrip()
    return repr(rest if len(rest) <= 24 else rest[:24] + "…")
