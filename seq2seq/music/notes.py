"""Notes on a grid: what every file of music is read into and written from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import attrgetter

LOWEST, HIGHEST = 0, 127
"""The pitches of MIDI; 60 is middle C."""
MOST_STEPS = 10_000_000
"""Of a piece that is read from a file."""


@dataclass(frozen=True, order=True)
class Note:
    """One note.

    Attributes:
        start: Step at which it begins, from 0.
        pitch: As MIDI numbers it, 0 to 127.
        length: Steps that it sounds, at least 1.
        voice: Part that it belongs to, 0 the highest.
    """

    start: int
    pitch: int
    length: int
    voice: int = 0


ORDER = attrgetter("start", "pitch", "length", "voice")
"""Sorts notes as they compare, in a third of the time."""


@dataclass(frozen=True)
class Music:
    """A piece.

    Attributes:
        notes: In order of start, then pitch.
        steps: Length of the piece in steps.
        steps_per_quarter: Steps of a quarter note; 4 is a grid of sixteenths.
        meter: Beats of a bar and the note that has a beat, such as (3, 4).
        upbeat: Steps before the first bar line; 0 where the piece begins with a full bar.
        key: As ABC writes it, such as "G", "Am", "Bbdor"; empty where unknown.
        tempo: Quarter notes a minute.
        title: Of the piece.

    Raises:
        ValueError: a note outside the piece or the range of MIDI, or a grid, meter or tempo that cannot be.
    """

    notes: tuple[Note, ...]
    steps: int
    steps_per_quarter: int = 4
    meter: tuple[int, int] = (4, 4)
    upbeat: int = 0
    key: str = ""
    tempo: float = 100.0
    title: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", tuple(sorted(self.notes, key=ORDER)))
        beats, unit = self.meter
        if self.steps_per_quarter < 1 or beats < 1 or unit not in (1, 2, 4, 8, 16, 32):
            raise ValueError(
                f"Expected a grid of at least 1 step a quarter and a meter such as 3/4. Received: "
                f"{self.steps_per_quarter} steps, {beats}/{unit}"
            )
        if not 0 < self.tempo < 1000:
            raise ValueError(f"Expected a tempo of 0 to 1000 quarter notes a minute. Received: {self.tempo}")
        if not 0 <= self.upbeat < max(self.bar, 1):
            raise ValueError(f"Expected an upbeat shorter than a bar of {self.bar} steps. Received: {self.upbeat}")
        for note in self.notes:
            if not LOWEST <= note.pitch <= HIGHEST:
                raise ValueError(f"Expected pitches of {LOWEST} to {HIGHEST}. Received: {note.pitch}")
            if note.start < 0 or note.length < 1 or note.start + note.length > self.steps or note.voice < 0:
                raise ValueError(f"Expected notes within the {self.steps} steps of the piece. Received: {note}")

    @property
    def bar(self) -> int:
        """Steps of a bar."""
        beats, unit = self.meter
        return beats * 4 * self.steps_per_quarter // unit

    @property
    def seconds_per_step(self) -> float:
        """Time of a step."""
        return 60.0 / self.tempo / self.steps_per_quarter

    def transposed(self, semitones: int) -> Music:
        """Returns the piece so many semitones higher, without its key; ValueError where it leaves the range."""
        notes = tuple(replace(note, pitch=note.pitch + semitones) for note in self.notes)
        return replace(self, notes=notes, key="" if semitones else self.key)

    def frames(self) -> list[list[int]]:
        """Returns the pitches that sound at each step, ascending, each once."""
        sounding: list[set[int]] = [set() for _ in range(self.steps)]
        for note in self.notes:
            for step in range(note.start, note.start + note.length):
                sounding[step].add(note.pitch)
        return [sorted(pitches) for pitches in sounding]


def music_of_voices(voices: Iterable[Iterable[tuple[int, int, int]]], **fields: object) -> Music:
    """Returns the piece of some voices, the highest first, each of (start, pitch, length); `fields` as `Music`."""
    notes = tuple(
        Note(start, pitch, length, voice) for voice, part in enumerate(voices) for start, pitch, length in part
    )
    last = max((note.start + note.length for note in notes), default=0)
    return Music(**{"notes": notes, "steps": last, **fields})  # type: ignore[arg-type]
