"""Repeats, endings and parts of a tune in ABC: the order in which its stretches are played. No framework."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

Range = tuple[Fraction, Fraction]
"""From when to when of the music as it is written, in quarter notes."""
MOST_RANGES = 10_000
"""Stretches of a tune; more come only of repeats within repeats."""


class Mark(NamedTuple):
    """A place where the order of playing may change."""

    time: Fraction
    """Quarter notes from the beginning, as written."""
    kind: str
    """start: of a repeat; end: of a repeat; double: a double bar line; ending: a first or second one; part."""
    plays: int = 2
    """Of "end": how often the stretch before is played."""
    numbers: tuple[int, ...] = ()
    """Of "ending": the times through at which it is played."""
    label: str = ""
    """Of "part"."""


@dataclass
class _Section:
    """A stretch that may be repeated, as far as it has been read."""

    begin: Fraction
    explicit: bool = False
    """Whether it begins with a sign."""
    body_end: Fraction | None = None
    """Where its first ending begins."""
    endings: list[tuple[tuple[int, ...], Range]] = field(default_factory=list)
    open: tuple[tuple[int, ...], Fraction] | None = None
    """The ending that is being read."""
    closed: bool = False
    """Whether the last ending ends with a repeat sign."""

    def close(self, time: Fraction, repeat: bool) -> None:
        if self.open:
            self.endings.append((self.open[0], (self.open[1], time)))
            self.open, self.closed = None, repeat

    def play(self) -> list[Range]:
        """Returns the stretches of a section with endings."""
        assert self.body_end is not None
        times = max(number for numbers, _ in self.endings for number in numbers)
        if len(self.endings) == 1 and self.closed:  # what follows is the second ending
            times += 1
        played: list[Range] = []
        for time in range(1, times + 1):
            played.append((self.begin, self.body_end))
            played += [ending for numbers, ending in self.endings if time in numbers][:1]
        return played


def play_order(marks: Sequence[Mark], end: Fraction, parts: str = "") -> list[Range]:
    """Returns the stretches of a tune in the order of playing.

    A repeat without a sign where it begins goes back to the last double bar line, the last end of a repeat, the last
    part or the beginning (ABC 2.1, 4.8). A second ending ends at a double bar line.

    Args:
        marks: In order of time.
        end: Of the tune as written, quarter notes.
        parts: The order of the labels, expanded by `part_order`; empty: as written.

    Raises:
        ValueError: there are more than `MOST_RANGES`.
    """
    pieces: list[tuple[str, Fraction, list[Mark]]] = [("", Fraction(0), [])]
    for mark in marks:
        if mark.kind == "part":
            pieces.append((mark.label, mark.time, []))
        else:
            pieces[-1][2].append(mark)
    ends = [*(begin for _, begin, _ in pieces[1:]), end]
    labelled = [
        (label, _play_piece(inside, begin, until)) for (label, begin, inside), until in zip(pieces, ends, strict=True)
    ]
    chosen = [stretches for _, stretches in labelled]
    by_label = dict(labelled[:0:-1])  # of a label that stands twice the first
    if set(parts) & set(by_label):
        chosen = [labelled[0][1], *(by_label[label] for label in parts if label in by_label)]
    if sum(map(len, chosen)) > MOST_RANGES:
        raise ValueError(f"Expected at most {MOST_RANGES:,} stretches once repeats are played. Received more")
    return [(begin, until) for stretches in chosen for begin, until in stretches if until > begin]


def part_order(text: str) -> str:
    """Returns an order of parts such as "A(AB)2C" letter by letter, "AABABC".

    Raises:
        ValueError: a parenthesis is not closed, or the order is longer than `MOST_RANGES`.
    """
    stack: list[str] = [""]
    units: list[str] = [""]
    for token in re.findall(r"[A-Za-z]|\(|\)|\d+", text):
        if token == "(":
            stack.append("")
            units.append("")
            continue
        if token.isdigit():
            stack[-1] += units[-1] * (min(int(token[:6]), MOST_RANGES) - 1)
        elif token == ")":
            if len(stack) == 1:
                raise ValueError(f"Expected an order of parts such as A(AB)2C. Received: {text[:40]!r}")
            units.pop()
            units[-1] = stack.pop()
            stack[-1] += units[-1]
        else:
            units[-1] = token
            stack[-1] += token
        if len(stack[-1]) > MOST_RANGES:
            raise ValueError(f"Expected an order of at most {MOST_RANGES:,} parts. Received: {text[:40]!r}")
    if len(stack) > 1:
        raise ValueError(f"Expected an order of parts such as A(AB)2C. Received: {text[:40]!r}")
    return stack[0]


def _play_piece(marks: Iterable[Mark], begin: Fraction, end: Fraction) -> list[Range]:
    """Returns the stretches of a part in the order of playing."""
    played: list[Range] = []
    section = _Section(begin)

    def finish(time: Fraction, explicit: bool = False) -> None:
        """Plays what has been read, and begins a new section at `time`."""
        nonlocal section
        last = section.begin
        if section.endings:
            played.extend(section.play())
            last = section.endings[-1][1][1]
        if time > last:
            played.append((last, time))
        section = _Section(time, explicit)

    for mark in marks:
        if section.closed:
            last = section.endings[-1][1][1]
            if mark.kind != "ending" or mark.time != last:
                finish(last)
        if mark.kind == "ending":
            section.close(mark.time, repeat=False)
            if section.body_end is None:
                section.body_end = mark.time
            section.open, section.closed = (mark.numbers, mark.time), False
        elif mark.kind == "end" and section.open:
            section.close(mark.time, repeat=True)
        elif mark.kind == "end":
            played.extend([(section.begin, mark.time)] * min(mark.plays, MOST_RANGES + 1))
            section = _Section(mark.time)
        elif mark.kind == "start" or (section.open and section.endings) or not (section.explicit or section.open):
            section.close(mark.time, repeat=False)
            finish(mark.time, explicit=mark.kind == "start")
        if len(played) > MOST_RANGES:
            raise ValueError(f"Expected at most {MOST_RANGES:,} stretches once repeats are played. Received more")
    section.close(end, repeat=False)
    finish(end)
    return played
