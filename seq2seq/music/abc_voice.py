"""A voice of a tune in ABC as it is read, and what of it is played. No framework."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from operator import itemgetter

from seq2seq.music.abc_structure import Mark, Range
from seq2seq.music.abc_tokens import ONE
from seq2seq.music.quantising import Sound


@dataclass
class Part:
    """A voice as it is read."""

    unit: Fraction
    """Of a length, quarter notes."""
    signature: dict[str, int]
    shift: int = 0
    """Semitones by which its clef transposes."""
    time: Fraction = Fraction(0)
    """Quarter notes from the beginning, as written, and so are the other times."""
    bar: Fraction = Fraction(0)
    """Where the bar begins."""
    longest: Fraction = Fraction(0)
    """How far the bar has been filled, where a voice overlay goes back."""
    sounds: list[tuple[Sound, bool]] = field(default_factory=list)
    """With whether each is tied to the next."""
    symbols: list[tuple[Fraction, tuple[int, ...]]] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    bars: list[Fraction] = field(default_factory=list)
    altered: dict[tuple[str, int], int] = field(default_factory=dict)
    """Accidentals of this bar."""
    ties: dict[tuple[str, int], int] = field(default_factory=dict)
    """Pitches of the notes before that are tied."""
    written: dict[tuple[str, int], int] = field(default_factory=dict)
    """Pitches of the notes before."""
    last: int | None = None
    """How many sounds there were before the last note or rest; None where there is none to lengthen."""
    last_length: Fraction = Fraction(0)
    factor: Fraction = ONE
    """Of the next note, by a broken rhythm."""
    tuplet: tuple[Fraction, int] = (ONE, 0)
    """Factor, and of how many notes still."""


def played_notes(part: Part, order: list[Range], voice: int) -> Iterator[Sound]:
    """Yields the notes of a voice as they are played, tied ones in one."""
    written = sorted(part.sounds, key=lambda one: one[0].start)
    starts = [sound.start for sound, _ in written]
    held: dict[int, Sound] = {}
    offset = Fraction(0)
    for begin, until in order:
        shift = offset - begin
        for sound, tied in written[bisect_left(starts, begin) : bisect_left(starts, until)]:
            start, end = (sound.start + shift, sound.end + shift) if shift else (sound.start, sound.end)
            before = held.pop(sound.pitch, None)
            if before is not None and before.end == start:
                start = before.start
            elif before is not None:
                yield before
            played = Sound(start, end, sound.pitch, voice)
            if tied:
                held[sound.pitch] = played
            else:
                yield played
        offset += until - begin
    yield from held.values()


def played_chords(part: Part, order: list[Range]) -> Iterator[tuple[Fraction, tuple[int, ...]]]:
    """Yields the chords as they are played, each with its time."""
    symbols, offset = sorted(part.symbols, key=itemgetter(0)), Fraction(0)
    times = [time for time, _ in symbols]
    for begin, until in order:
        for time, pitches in symbols[bisect_left(times, begin) : bisect_left(times, until)]:
            yield time - begin + offset, pitches
        offset += until - begin


def held_chords(symbols: list[tuple[Fraction, tuple[int, ...]]], end: Fraction, voice: int) -> Iterator[Sound]:
    """Yields the notes of chords, each held until the next or the end."""
    times = [time for time, _ in symbols] + [end]
    for (time, pitches), until in zip(symbols, times[1:], strict=True):
        if until > time:
            yield from (Sound(time, until, pitch, voice) for pitch in pitches)
