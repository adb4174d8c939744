"""Notes on a grid to a tune in ABC notation (standard 2.1, abcnotation.com). No framework."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

from seq2seq.music.keys import signature
from seq2seq.music.notes import Music, Note
from seq2seq.music.quantising import apart
from seq2seq.music.spelling import spelled, spelling_key

_MARKS = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}
_UNIT = Fraction(1, 2)
"""Quarter notes of the unit L:1/8."""
_VALUES = sorted((Fraction(top, 32) * 2**power for top in (2, 3) for power in range(7)), reverse=True)
"""Lengths that one note has on paper, quarter notes: from a dotted whole note to a sixty-fourth, plain or dotted."""
_BASS = 57
"""A voice whose notes lie below this pitch in the mean has a bass clef."""


def write_abc(music: Music, number: int = 1, bars_a_line: int = 4) -> str:
    """Returns a tune, from X: on, with an end of line.

    What `read_abc` reads from it is the same music, except that of notes of the same voice and pitch the earlier ends
    where the next begins. Lengths that are no single note are written as tied notes. Thirds of a beat are written as
    triplets. Accidentals are such that readers agree whether they hold for one octave or all; notes are called as
    `spelling.spelling_key` says.

    Args:
        music: A piece; its title comes on one line.
        number: That stands after X:.
        bars_a_line: Bars in a line, at least 1.

    Raises:
        ValueError: its key is none that `keys.fifths` knows.
    """
    voices = [apart([note for note in music.notes if note.voice == voice]) for voice in range(_count(music))]
    beats, unit = music.meter
    lines = [f"X:{number}"]
    if title := " ".join(music.title.split()):
        lines.append(f"T:{title}")
    lines += [f"M:{beats}/{unit}", "L:1/8", f"Q:1/4={music.tempo:.10g}"]
    if len(voices) > 1:
        lines += [f"V:{voice}{_clef(notes)}" for voice, notes in enumerate(voices, 1)]
    lines.append(f"K:{music.key or 'none'}" + (_clef(voices[0]) if len(voices) == 1 else ""))
    spelling = spelling_key(music)
    written = [list(_bars(music, notes, spelling)) for notes in voices]
    for first in range(0, len(written[0]), bars_a_line):
        last = first + bars_a_line >= len(written[0])
        for voice, bars in enumerate(written, 1):
            name = f"[V:{voice}] " if len(voices) > 1 else ""
            lines.append(name + " | ".join(bars[first : first + bars_a_line]) + (" |]" if last else " |"))
    return "\n".join(lines) + "\n"


def _count(music: Music) -> int:
    return max((note.voice for note in music.notes), default=0) + 1


def _clef(notes: Sequence[Note]) -> str:
    low = bool(notes) and sum(note.pitch for note in notes) < _BASS * len(notes)
    return " clef=bass" if low else ""


def _bars(music: Music, notes: Sequence[Note], spelling: str) -> Iterator[str]:
    """Yields the bars of a voice; `spelling` is the key by which notes are called."""
    grid = music.steps_per_quarter
    beats, unit = music.meter
    length, end = Fraction(4 * beats, unit), Fraction(music.steps, grid)
    beat = Fraction(3, 2) if unit == 8 and beats % 3 == 0 else Fraction(1)
    times = [(Fraction(n.start, grid), Fraction(n.start + n.length, grid), n.pitch) for n in notes]
    voice = _Voice(music.key, spelling, times)
    begin = Fraction(0)
    until = first_beat = Fraction(music.upbeat, grid)
    if not music.upbeat:
        until = length
    while True:
        until = min(until, end)
        yield voice.bar(begin, until, beat, first_beat)
        if until == end:
            return
        begin = first_beat = until
        until += length


class _Voice:
    """Writes the bars of a voice one after the other.

    Args:
        key: Of the piece.
        spelling: The key by which notes are called.
        notes: Beginning, end and pitch of each, times in quarter notes, in order.
    """

    def __init__(self, key: str, spelling: str, notes: list[tuple[Fraction, Fraction, int]]):
        self._spelling, self._notes = spelling, notes
        self._signature = signature(key)
        self._begin = Fraction(0)
        self._in_octave: dict[tuple[str, int], int | None] = {}
        self._in_all: dict[str, int] = {}
        """Accidentals of the bar, as readers see them that keep them to an octave, and others; None where they do not
        agree."""

    def bar(self, begin: Fraction, end: Fraction, beat: Fraction, first_beat: Fraction) -> str:
        """Returns the notes from one bar line to the next; beats are counted from `first_beat`."""
        self._begin, self._in_octave, self._in_all = begin, {}, {}
        self._notes = [note for note in self._notes if note[1] > begin]
        sounding = [note for note in self._notes if note[0] < end]
        edges = {time for note in sounding for time in note[:2] if begin < time < end}
        spans: list[tuple[Fraction, Fraction, bool]] = []
        at = begin
        while at < end:
            until = min(at + beat - (at - first_beat) % beat, end)
            triplet = not all(_is_binary(edge - at) for edge in {*edges, until} if at < edge <= until)
            if spans and not triplet and not spans[-1][2]:
                spans[-1] = (spans[-1][0], until, False)
            else:
                spans.append((at, until, triplet))
            at = until
        texts = []
        for at, until, triplet in spans:
            inside = sorted({at, until, *(edge for edge in edges if at < edge < until)})
            thirds = triplet and all(_is_binary(3 * (edge - at)) for edge in inside)
            pieces = list(self._pieces(inside, sounding, Fraction(3, 2) if thirds else Fraction(1)))
            if thirds:
                head = "(3" if len(pieces) == 3 else f"(3:2:{len(pieces)}"
                texts.append(head + "".join(text for _, text in pieces))
            else:
                spaced = [(" " if (time - first_beat) % beat == 0 else "") + text for time, text in pieces]
                texts.append("".join(spaced).strip())
        return " ".join(texts)

    def _pieces(
        self, edges: list[Fraction], sounding: list[tuple[Fraction, Fraction, int]], stretch: Fraction
    ) -> Iterator[tuple[Fraction, str]]:
        """Yields the times and the texts of what sounds between edges, drawn `stretch` times as long as it is."""
        for start, until in pairwise(edges):
            notes = sorted((n for n in sounding if n[0] <= start and n[1] >= until), key=lambda note: note[2])
            at = start
            for length in _values((until - start) * stretch):
                later = at + length / stretch
                yield at, self._chord(notes, at, later, length)
                at = later

    def _chord(
        self, notes: list[tuple[Fraction, Fraction, int]], at: Fraction, later: Fraction, length: Fraction
    ) -> str:
        """Returns the rest, note or chord of a length in quarter notes that sounds from one time to another."""
        names = [spelled(pitch, self._spelling) for _, _, pitch in notes]
        doubtful = {one[0] for one in names for other in names if one[0] == other[0] and one[1] != other[1]}
        texts = [self._name(*name, explicit=name[0] in doubtful) for name in names]
        if at == self._begin:  # abcjs forgets the accidental of a note that is tied over the bar line
            for (letter, _, octave), (start, _, _) in zip(names, notes, strict=True):
                if start < at and (letter, octave) in self._in_octave:
                    self._in_octave[letter, octave] = None
        ties = ["-" if end > later else "" for _, end, _ in notes]
        if len(texts) == 1:
            return texts[0] + _length(length) + ties[0]
        inside = "".join(text + tie for text, tie in zip(texts, ties, strict=True))
        return (f"[{inside}]" if inside else "z") + _length(length)

    def _name(self, letter: str, alteration: int, octave: int, explicit: bool) -> str:
        by_key = self._signature.get(letter, 0)
        holds = self._in_octave.get((letter, octave), by_key) == self._in_all.get(letter, by_key) == alteration
        text = "" if holds and not explicit else _MARKS[alteration]
        if text:
            self._in_octave[letter, octave] = self._in_all[letter] = alteration
        if octave > 0:
            return text + letter.lower() + "'" * (octave - 1)
        return text + letter + "," * -octave


def _is_binary(time: Fraction) -> bool:
    return time.denominator & (time.denominator - 1) == 0


def _values(length: Fraction) -> Iterator[Fraction]:
    """Yields the lengths on paper that a length is the sum of; what is left over as it is."""
    for value in _VALUES:
        while value <= length and _is_binary(length):
            yield value
            length -= value
    if length:
        yield length


def _length(quarters: Fraction) -> str:
    """Returns a length in quarter notes as it stands behind a note."""
    units = quarters / _UNIT
    top, below = units.numerator, units.denominator
    return ("" if top == 1 else str(top)) + ("" if below == 1 else f"/{below}")
