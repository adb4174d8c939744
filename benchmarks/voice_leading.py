"""What a trained model of music in four voices composes, beside the pieces of its test set.

    python -m benchmarks.voice_leading RUN [--test NAME | --files FOLDER] [--count 50] [--temperatures 1 0.85 0.7]

Counts on the beats, where a piece has a chord of four notes. Prints, in shares: beats whose notes make a triad or a
seventh chord, maybe not complete; moves from one beat to the next in which two voices go on in parallel fifths,
octaves or unisons; pieces that end with such a chord; notes in the key that fits best; and pieces whose key is minor.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterable, Sequence
from itertools import combinations, pairwise
from pathlib import Path
from typing import NamedTuple

from seq2seq.inference.music import ComposeOptions
from seq2seq.music.notes import Music
from seq2seq.music.scales import key_number, key_pitches
from seq2seq.music.spelling import fitting_key

CHORDS = ({0, 4, 7, 10}, {0, 4, 7, 11}, {0, 3, 7, 10}, {0, 3, 6, 10}, {0, 3, 6, 9})
"""Seventh chords, in semitones above the root; triads are parts of them."""
VOICES = 4


class Leading(NamedTuple):
    """What is counted, over some pieces; all but the first are shares."""

    pieces: int
    chords: float
    parallels: float
    ends: float
    in_key: float
    minor: float


def is_chord(pitches: Collection[int]) -> bool:
    """Whether the pitches are of one triad or seventh chord, with its root."""
    classes = {pitch % 12 for pitch in pitches}
    return any({(one - root) % 12 for one in classes} <= chord for root in classes for chord in CHORDS)


def has_parallels(before: Sequence[int], after: Sequence[int]) -> bool:
    """Whether two of the voices, from the lowest up, move by the same interval at a fifth, an octave or a unison."""
    voices = zip(before, after, strict=True)
    return any(a != b and b - a == d - c and (c - a) % 12 in (0, 7) for (a, b), (c, d) in combinations(voices, 2))


def leading(pieces: Iterable[Music]) -> Leading:
    """Counts over pieces; ValueError where none has two beats with four notes."""
    chords, parallels, ends, in_key, minor = [], [], [], [], []
    for piece in pieces:
        beats = _beats(piece)
        key = fitting_key(piece)
        full = [beat for beat in beats if len(beat) == VOICES]
        chords += [is_chord(beat) for beat in full]
        parallels += [
            has_parallels(*pair)
            for pair in pairwise(beats)
            if {len(beat) for beat in pair} == {VOICES} and len(set(pair)) > 1
        ]
        ends.append(is_chord([note.pitch for note in piece.notes if note.start + note.length >= piece.steps]))
        pitches = key_pitches(key_number(key))
        in_key += [note.pitch % 12 in pitches for note in piece.notes]
        minor.append(key.endswith("m"))
    if not parallels:
        raise ValueError("Expected pieces with four notes on their beats. Received: none")
    return Leading(len(ends), *(sum(found) / len(found) for found in (chords, parallels, ends, in_key, minor)))


def _beats(piece: Music) -> list[tuple[int, ...]]:
    """The notes that sound on each quarter, from the lowest up."""
    step = piece.steps_per_quarter
    return [
        tuple(sorted(note.pitch for note in piece.notes if note.start <= at < note.start + note.length))
        for at in range(0, piece.steps, step)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--test", metavar="NAME")
    parser.add_argument("--files", metavar="FOLDER")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--bars", type=int, default=16)
    parser.add_argument("--temperatures", type=float, nargs="+", default=[1.0, 0.85, 0.7])
    arguments = parser.parse_args()
    from seq2seq.tasks.music.evaluation import open_pieces
    from seq2seq.tasks.music.loading import load_composer

    run = Path(arguments.run)
    try:
        rows = {"the test set": leading(open_pieces(run, arguments.test, arguments.files))}
        composer = load_composer(run)
        for temperature in arguments.temperatures:
            options = ComposeOptions(bars=arguments.bars, temperature=temperature)
            composed = composer.compose(count=arguments.count, options=options)
            rows[f"temperature {temperature:g}"] = leading(one.music for one in composed)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("| | pieces | chords | parallels | end with a chord | in key | minor |\n|---|---|---|---|---|---|---|")
    for name, (pieces, *shares) in rows.items():
        print(f"| {name} | {pieces} | " + " | ".join(f"{share:.1%}" for share in shares) + " |")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
