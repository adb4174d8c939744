"""Melodies of a small grammar, for the embedded demo: made here, no download.

A tune is four phrases of four bars, such as AABA. A phrase has a harmony that ends open, on the dominant, or closed, on
the tonic, and two rhythms. On strong beats a note belongs to the harmony, the others move by steps. The keys are major,
minor, dorian and mixolydian, the meters 4/4, 3/4 and 6/8; some tunes begin with an upbeat.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from seq2seq.music.notes import Music, music_of_voices
from seq2seq.music.scales import written_key

NAME = "tunes"
LANGUAGES = ()
LICENCE = "Apache-2.0: made for this project"
CITATION = "This project"
SPLITS = {"train": 400, "validation": 40, "test": 60}
"""Tunes of each."""
STEPS = 4
"""Of a quarter note: rhythms are in sixteenths."""

MODES = {
    "": (0, 2, 4, 5, 7, 9, 11),
    "m": (0, 2, 3, 5, 7, 8, 10),
    "dor": (0, 2, 3, 5, 7, 9, 10),
    "mix": (0, 2, 4, 5, 7, 9, 10),
}
"""Semitones above the tonic, by what ABC appends to the tonic."""
TONICS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
FORMS = ("AABA", "ABAC", "AABC", "ABCB")
OPEN = ((0, 3, 0, 4), (0, 5, 3, 4), (0, 0, 1, 4), (5, 3, 0, 4))
"""Degrees of the harmony in the bars of a phrase, 0 the tonic, that ends on the dominant."""
CLOSED = ((0, 3, 4, 0), (0, 5, 4, 0), (3, 0, 4, 0), (5, 1, 4, 0))
FINAL = {(4, 4): ((12,), (8, 4), (4, 4, 8)), (3, 4): ((12,), (8,), (4, 8)), (6, 8): ((12,), (6, 4))}
"""Rhythms of the last bar of a phrase, by meter; what they leave of the bar is a rest."""
RHYTHMS = {
    (4, 4): ((4, 4, 4, 4), (8, 4, 4), (4, 2, 2, 4, 4), (6, 2, 4, 4), (2, 2, 2, 2, 4, 4), (4, 4, 2, 2, 4), (6, 2, 8)),
    (3, 4): ((4, 4, 4), (8, 4), (6, 2, 4), (4, 2, 2, 4), (2, 2, 4, 4), (4, 4, 2, 2)),
    (6, 8): ((6, 6), (4, 2, 4, 2), (2, 2, 2, 6), (2, 2, 2, 2, 2, 2), (4, 2, 6), (6, 4, 2)),
}
BEATS = {(4, 4): 8, (3, 4): 12, (6, 8): 6}
"""Sixteenths between strong beats."""


class _Mark(NamedTuple):
    """A note of a phrase."""

    start: int
    """Sixteenths from the beginning of the phrase."""
    degree: int
    """Steps of the scale above the tonic."""
    length: int


def load(split: str, steps_per_quarter: int = STEPS) -> list[Music]:
    """Returns the tunes of a split, the same ones each time.

    Raises:
        ValueError: the split is unknown, or the grid is not that of sixteenths.
    """
    if split not in SPLITS:
        raise ValueError(f"The tunes have the splits {', '.join(SPLITS)}. Received: {split!r}")
    if steps_per_quarter != STEPS:
        raise ValueError(f"The tunes have {STEPS} steps a quarter. Received: {steps_per_quarter}")
    return [make(random.Random(f"tune {split} {number}"), f"{split} {number + 1}") for number in range(SPLITS[split])]


def make(draw: random.Random, title: str) -> Music:
    """Returns a tune."""
    meter = draw.choice(sorted(RHYTHMS))
    tonic, mode = draw.randrange(12), draw.choice(sorted(MODES))
    form = draw.choice(FORMS)
    bar = 16 * meter[0] // meter[1]
    phrases: dict[str, list[_Mark]] = {}
    closed = {form[-1], "B" if form == "ABAC" else form[-1]}
    for name in sorted(set(form)):
        phrases[name] = _phrase(draw, meter, bar, name in closed)
    upbeat = 4 if meter != (6, 8) and draw.random() < 0.25 else 0
    marks = [_Mark(0, draw.choice((-3, -1, 0)), upbeat)] if upbeat else []
    for number, name in enumerate(form):
        marks += [mark._replace(start=mark.start + upbeat + 4 * bar * number) for mark in phrases[name]]
    low = 60 + (tonic if tonic < 8 else tonic - 12)
    scale = MODES[mode]
    part = [(mark.start, low + 12 * (mark.degree // 7) + scale[mark.degree % 7], mark.length) for mark in marks]
    steps = upbeat + 16 * bar
    key = written_key(TONICS[tonic] + mode)
    return music_of_voices([part], steps=steps, meter=meter, upbeat=upbeat, key=key, tempo=110.0, title=title)


def _phrase(draw: random.Random, meter: tuple[int, int], bar: int, closed: bool) -> list[_Mark]:
    """Returns four bars: two rhythms in turn, and one that ends."""
    harmony = draw.choice(CLOSED if closed else OPEN)
    first, second = (draw.choice(RHYTHMS[meter]) for _ in range(2))
    found = list[_Mark]()
    degree = draw.choice((0, 2, 4))
    for number, rhythm in enumerate((first, second, first, draw.choice(FINAL[meter]))):
        start = number * bar
        for length in rhythm:
            strong = (start - number * bar) % BEATS[meter] == 0
            degree = _next(draw, degree, harmony[number], strong)
            found.append(_Mark(start, degree, length))
            start += length
    last = _nearest(found[-1].degree, (0,) if closed else (1, 4, 6))
    return [*found[:-1], found[-1]._replace(degree=last)]


def _next(draw: random.Random, degree: int, root: int, strong: bool) -> int:
    """Returns the degree after another: one of the harmony on a strong beat, else mostly a step away."""
    if strong:
        return _nearest(degree + draw.choice((-1, 0, 1)), (root, root + 2, root + 4))
    moved = degree + draw.choice((-1, -1, 1, 1, -2, 2, 0))
    return min(max(moved, -3), 9)


def _nearest(degree: int, classes: Sequence[int]) -> int:
    """Returns the nearest degree, from -3 to 9, of some classes of degrees; of two the lower."""
    choices = [one for one in range(-3, 10) if one % 7 in {each % 7 for each in classes}]
    return min(choices, key=lambda one: (abs(one - degree), one))
