"""Music as tokens: in each frame its notes, the lowest first, and then an end of frame.

A frame is a step of the grid. As every frame has exactly one sequence of tokens, the sum of their negative
log-probabilities is that of the frame. Ids: the control symbols; the end of a frame; the pitches that sound, or with
`onsets` those that begin and then those that go on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np

from seq2seq.files import read_json, write_text
from seq2seq.music.inputs import EARLIER, InputName, Piece, Tape, input_sizes
from seq2seq.music.notes import HIGHEST, LOWEST, Music, Note
from seq2seq.music.scales import transposed_key
from seq2seq.symbols import BOS, EOS, UNK

CODEC_FILE = "events.json"
END_OF_FRAME = 4
"""The token after the notes of a frame."""
FIRST = 5
"""The token of the lowest pitch."""
LONGEST_BAR = 64
"""Steps of a bar that are told apart, at most."""


class Events(NamedTuple):
    """A piece as numbers."""

    tokens: np.ndarray
    """`(tokens,)`, int32; EOS last."""
    inputs: np.ndarray
    """`(tokens, columns)`, int32: what is known before each token: the token before it, and the further inputs."""


class FrameNote(NamedTuple):
    """A pitch of a frame."""

    pitch: int
    begins: bool
    """Whether a note of this pitch begins in the frame."""


@dataclass(frozen=True)
class EventCodec:
    """Pieces to tokens and back.

    Args:
        low: Lowest pitch that has a token.
        high: Highest one.
        steps_per_quarter: Frames of a quarter note. Other grids are turned into this one.
        onsets: Whether a pitch that begins has another token than one that goes on. Without, a pitch that is struck
            again is taken for one that goes on.
        inputs: What else the network reads before each token; see `music.inputs`.
        meters: Those that have a number of their own among the inputs, the most frequent first.

    Raises:
        ValueError: a range that is none, a grid below 1, or an input that does not exist.
    """

    low: int
    high: int
    steps_per_quarter: int = 4
    onsets: bool = False
    inputs: tuple[InputName, ...] = ()
    meters: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if not LOWEST <= self.low <= self.high <= HIGHEST or self.steps_per_quarter < 1:
            raise ValueError(
                f"Expected pitches from {LOWEST} to {HIGHEST} and a grid of at least 1 step a quarter. Received: "
                f"{self.low} to {self.high}, {self.steps_per_quarter}"
            )
        if unknown := set(self.inputs) - set(get_args(InputName)):
            raise ValueError(f"Expected inputs among {', '.join(get_args(InputName))}. Received: {min(unknown)!r}")

    @classmethod
    def learn(
        cls, pieces: Iterable[Music], steps_per_quarter: int, onsets: bool, inputs: tuple[InputName, ...]
    ) -> EventCodec:
        """Returns the codec of a corpus: its range and its meters.

        Raises:
            ValueError: the pieces hold no note.
        """
        pitches, meters = set[int](), Counter[tuple[int, int]]()
        for piece in pieces:
            pitches.update(note.pitch for note in piece.notes)
            meters[piece.meter] += 1
        if not pitches:
            raise ValueError("The training pieces hold no note: there is nothing to learn from.")
        by_frequency = tuple(sorted(meters, key=lambda meter: (-meters[meter], meter)))
        return cls(min(pitches), max(pitches), steps_per_quarter, onsets, inputs, by_frequency)

    @property
    def pitches(self) -> int:
        """Pitches that have a token."""
        return self.high - self.low + 1

    @property
    def size(self) -> int:
        """Number of ids."""
        return FIRST + self.pitches * (1 + self.onsets)

    @property
    def input_sizes(self) -> tuple[int, ...]:
        """Number of ids of each column of `Events.inputs`."""
        return (self.size, *input_sizes(self.inputs, self.pitches, len(self.meters), LONGEST_BAR))

    def token(self, note: FrameNote) -> int:
        """Returns the token of a pitch; UNK outside the range."""
        if not self.low <= note.pitch <= self.high:
            return UNK
        return FIRST + note.pitch - self.low + self.pitches * (self.onsets and not note.begins)

    def note(self, token: int) -> FrameNote | None:
        """Returns the pitch of a token; None for the end of a frame and the control symbols."""
        if token < FIRST:
            return None
        going_on, place = divmod(token - FIRST, self.pitches)
        return FrameNote(self.low + place, not going_on)

    def frames(self, music: Music) -> list[list[FrameNote]]:
        """Returns what sounds in each frame, ascending, each pitch once.

        Raises:
            ValueError: the grids do not divide each other.
        """
        music = self.on_grid(music)
        found: list[dict[int, bool]] = [{} for _ in range(music.steps)]
        for note in music.notes:
            for step in range(note.start, note.start + note.length):
                found[step][note.pitch] = found[step].get(note.pitch, False) or step == note.start
        return [[FrameNote(pitch, frame[pitch]) for pitch in sorted(frame)] for frame in found]

    def on_grid(self, music: Music) -> Music:
        """Returns a piece on the codec's grid. On a coarser one a note must sound at a step of it to be kept.

        Raises:
            ValueError: neither grid divides the other.
        """
        ours, theirs = self.steps_per_quarter, music.steps_per_quarter
        if ours == theirs:
            return music
        if ours % theirs and theirs % ours:
            raise ValueError(
                f"The piece has {theirs} steps a quarter and the model {ours}: expected a grid that divides the other."
            )

        def moved(step: int) -> int:
            return -(-step * ours // theirs)

        notes = [
            Note(moved(note.start), note.pitch, moved(note.start + note.length) - moved(note.start), note.voice)
            for note in music.notes
        ]
        kept = tuple(note for note in notes if note.length)
        bar = music.bar * ours // theirs
        upbeat = moved(music.upbeat) % max(bar, 1)
        return replace(music, notes=kept, steps=moved(music.steps), steps_per_quarter=ours, upbeat=upbeat)

    def piece(self, music: Music) -> Piece:
        """Returns what is known of a piece before its first token."""
        music = self.on_grid(music)
        meter = 1 + self.meters.index(music.meter) if music.meter in self.meters else 0
        return Piece.of(music, meter)

    def encode(self, music: Music, end: bool = True) -> Events:
        """Returns the tokens of a piece, with EOS if it ends, and what is known before each.

        Raises:
            ValueError: the grids do not divide each other.
        """
        return self.with_inputs(self.tokens(music, end), self.piece(music))

    def tokens(self, music: Music, end: bool = True) -> list[int]:
        """Returns the tokens of a piece alone; arguments and errors as `encode`."""
        tokens = [token for frame in self.frames(music) for token in (*map(self.token, frame), END_OF_FRAME)]
        return [*tokens, EOS] if end else tokens

    def with_inputs(self, tokens: Sequence[int], piece: Piece) -> Events:
        """Returns tokens of a piece from its beginning, with what is known before each."""
        tape = self.tape(piece)
        inputs = np.zeros((len(tokens), 1 + len(self.inputs)), np.int32)
        for row, token in zip(inputs, tokens, strict=True):
            row[:] = tape.columns()
            self.advance(tape, token)
        return Events(np.asarray(tokens, np.int32), inputs)

    def tape(self, piece: Piece) -> Tape:
        """Returns the beginning of a piece."""
        return Tape(piece, self.inputs, self.low, LONGEST_BAR, BOS)

    def advance(self, tape: Tape, token: int) -> None:
        """Moves a tape on by a token."""
        note = self.note(token)
        tape.push(token, note.pitch if note else None, token == END_OF_FRAME)

    def decode(self, tokens: Sequence[int], like: Music | None = None) -> Music:
        """Returns the piece of tokens from its beginning: all frames that have ended, up to EOS.

        `like` gives meter, upbeat, key, tempo and title.
        """
        like = Music((), 0, self.steps_per_quarter) if like is None else replace(self.on_grid(like), notes=(), steps=0)
        return self.continued(like, tokens)

    def continued(self, music: Music, tokens: Sequence[int]) -> Music:
        """Returns a piece that goes on with the frames of tokens.

        A pitch that goes on makes a note longer that sounds at the end; where there is none it begins one. A note that
        begins gets the free voice nearest to the place of its pitch, counted from the highest of the frame.
        """
        music = self.on_grid(music)
        sounding = {note.pitch: note for note in music.notes if note.start + note.length == music.steps}
        notes = [note for note in music.notes if note is not sounding.get(note.pitch)]
        frames = self.frames_of(tokens)
        for step, frame in enumerate(frames, music.steps):
            going_on = {s.pitch for s in frame if s.pitch in sounding and not (self.onsets and s.begins)}
            notes += [sounding.pop(pitch) for pitch in [*sounding] if pitch not in going_on]
            for pitch in going_on:
                sounding[pitch] = replace(sounding[pitch], length=sounding[pitch].length + 1)
            for place, pitch in enumerate(s.pitch for s in reversed(frame)):
                if pitch not in sounding:
                    taken = {note.voice for note in sounding.values()}
                    free = set(range(len(taken) + len(frame) + 1)) - taken
                    voice = min(free, key=lambda one: (abs(one - place), one))
                    sounding[pitch] = Note(step, pitch, 1, voice)
        return replace(music, notes=(*notes, *sounding.values()), steps=music.steps + len(frames))

    def frames_of(self, tokens: Sequence[int]) -> list[list[FrameNote]]:
        """Returns what sounds in each frame that has ended, up to EOS."""
        frames, frame = list[list[FrameNote]](), list[FrameNote]()
        for token in tokens:
            if token == EOS:
                break
            if token == END_OF_FRAME:
                frames.append(frame)
                frame = []
            elif note := self.note(int(token)):
                frame.append(note)
        return frames

    def intervals(self, events: Events, most: int) -> range:
        """Returns the intervals, in semitones, by which a piece or a part of one can be transposed within the range.

        Args:
            events: What its inputs hold of frames before a part counts too.
            most: No further than this, either way.
        """
        earlier = [events.inputs[:, number] for number, name in enumerate(self.inputs, 1) if name in EARLIER]
        read = [FIRST - 1 + places[places > 0] for places in earlier]
        return self.room(np.concatenate([events.tokens, events.inputs[:, 0], *read]), most)

    def room(self, tokens: np.ndarray, most: int) -> range:
        """Returns the intervals, in semitones, by which tokens alone can be transposed; `most` as in `intervals`."""
        places = (tokens[tokens >= FIRST] - FIRST) % self.pitches
        if not len(places):
            return range(1)
        return range(max(-most, -int(places.min())), min(most, self.pitches - 1 - int(places.max())) + 1)

    def transposed(self, events: Events, semitones: int) -> Events:
        """Returns a piece so many semitones higher: a number of `intervals`."""
        if not semitones:
            return events
        inputs = events.inputs.copy()
        inputs[:, 0] = self.shifted(inputs[:, 0], semitones)
        for number, name in enumerate(self.inputs, 1):
            if name == "key":
                inputs[:, number] = [transposed_key(int(key), semitones) for key in inputs[:, number]]
            elif name in EARLIER:
                inputs[:, number] += semitones * (inputs[:, number] > 0)
            elif name == "transposed":
                inputs[:, number] += semitones
        return Events(self.shifted(events.tokens, semitones), inputs)

    def shifted(self, tokens: np.ndarray, semitones: int) -> np.ndarray:
        """Returns tokens so many semitones higher."""
        return np.where(tokens >= FIRST, tokens + semitones, tokens).astype(np.int32)

    def frame_numbers(self, tokens: np.ndarray) -> np.ndarray:
        """Returns the frame of each token, from 0; EOS belongs to the frame that never came."""
        ends = tokens == END_OF_FRAME
        return np.cumsum(ends) - ends

    def surface(self, tokens: Sequence[int]) -> list[str]:
        """Returns tokens as text: "60" a pitch, "60-" one that goes on, "|" the end of a frame."""
        names = {EOS: "</s>", END_OF_FRAME: "|", UNK: "<unk>"}
        found = []
        for token in tokens:
            note = self.note(token)
            found.append(f"{note.pitch}{'' if note.begins else '-'}" if note else names.get(token, "<pad>"))
        return found

    def save(self, path: Path) -> None:
        """Writes it as JSON, whole or not at all."""
        write_text(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> EventCodec:
        """Reads what `save` wrote; ValueError where it is missing or damaged."""
        try:
            values = read_json(path)
            low, high, steps = numbers = [values["low"], values["high"], values["steps_per_quarter"]]
            meters = tuple((beats, unit) for beats, unit in values["meters"])
            if any(type(number) is not int for number in (*numbers, *(part for meter in meters for part in meter))):
                raise ValueError("expected whole numbers")
            if type(values["onsets"]) is not bool:
                raise ValueError("expected onsets to be true or false")
            return cls(low, high, steps, values["onsets"], tuple(values["inputs"]), meters)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}: missing or damaged ({error}).") from error
