"""What a network reads beside the last token. All of it is known before the token that is to be predicted.

place        notes of the frame so far
bar          step of the frame within its bar, from 1
meter        number of the meter, from 1; 0 for one that training lacks
key          number of the key; see `music.scales`
before       pitch, from 1, that the frame before has at this place, counted from its lowest note; 0 for none
bar_before   the same of the frame a bar earlier
transposed   how far the piece is transposed in training, so that what is said of keys as they are written is kept
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from seq2seq.music.notes import Music
from seq2seq.music.scales import KEYS, key_number

InputName = Literal["place", "bar", "meter", "key", "before", "bar_before", "section_before", "transposed"]
EARLIER: tuple[InputName, ...] = ("before", "bar_before", "section_before")
"""Inputs that are pitches of earlier frames."""
MOST_NOTES = 15
"""Notes of a frame that `place` tells apart."""
SECTION = 8
"""Bars."""
FURTHEST = 12
"""Semitones by which a piece is transposed, at most."""


class Piece(NamedTuple):
    """What is known of a piece before its first token."""

    bar: int
    """Steps of a bar."""
    upbeat: int = 0
    """Steps before the first bar line."""
    meter: int = 0
    """Its number among those of the codec, from 1."""
    key: int = 0
    """As `music.scales.key_number`."""

    @classmethod
    def of(cls, music: Music, meter: int = 0) -> Piece:
        """Returns that of music, on the grid of the codec."""
        return cls(music.bar, music.upbeat, meter, key_number(music.key))

    def place(self, step: int) -> int:
        """Returns the place of a step in its bar, from 0."""
        return (step - self.upbeat) % max(self.bar, 1)


def input_sizes(names: Sequence[InputName], pitches: int, meters: int, longest_bar: int) -> tuple[int, ...]:
    """Returns the number of ids of each input."""
    sizes = {
        "place": MOST_NOTES + 1,
        "bar": longest_bar + 1,
        "meter": meters + 1,
        "key": KEYS,
        "before": pitches + 1,
        "bar_before": pitches + 1,
        "section_before": pitches + 1,
        "transposed": 2 * FURTHEST + 1,
    }
    return tuple(sizes[name] for name in names)


class Tape:
    """Where a piece has come to.

    Args:
        piece: What is known of it.
        names: The inputs that are asked for.
        low: The lowest pitch, which `before` numbers 1.
        longest_bar: Steps of a bar that are told apart.
        first: The token before the first.
    """

    def __init__(self, piece: Piece, names: tuple[InputName, ...], low: int, longest_bar: int, first: int):
        self.piece, self.names, self.low, self.longest_bar, self.last = piece, names, low, longest_bar, first
        self.frames: list[tuple[int, ...]] = []
        """The pitches of each frame that has ended."""
        self.frame: tuple[int, ...] = ()
        """Those of the frame under way."""

    def copy(self) -> Tape:
        """Returns another one that goes on from here by itself."""
        other = Tape(self.piece, self.names, self.low, self.longest_bar, self.last)
        other.frames, other.frame = [*self.frames], self.frame
        return other

    @property
    def step(self) -> int:
        """Of the frame under way."""
        return len(self.frames)

    def push(self, token: int, pitch: int | None, ends: bool) -> None:
        """Moves on by a token: a pitch, the end of the frame, or neither."""
        self.last = token
        if ends:
            self.frames.append(self.frame)
            self.frame = ()
        elif pitch is not None:
            self.frame = (*self.frame, pitch)

    def columns(self) -> list[int]:
        """Returns the last token and the inputs for the next one."""
        return [self.last, *(self._value(name) for name in self.names)]

    def _value(self, name: InputName) -> int:
        place = len(self.frame)
        if name == "place":
            return min(place, MOST_NOTES)
        if name == "bar":
            return 1 + min(self.piece.place(self.step), self.longest_bar - 1)
        if name == "meter":
            return self.piece.meter
        if name == "key":
            return self.piece.key
        if name == "transposed":
            return FURTHEST
        bars = {"before": 0, "bar_before": 1, "section_before": SECTION}[name]
        earlier = self.step - (bars * max(self.piece.bar, 1) or 1)
        pitches = self.frames[earlier] if 0 <= earlier < len(self.frames) else ()
        return 1 + pitches[place] - self.low if place < len(pitches) else 0
