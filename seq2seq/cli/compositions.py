"""What is printed of compositions: one by itself, several in a table, each as JSON, and the facts on a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2seq.inference.music import Composition


def facts(composition: Composition) -> list[tuple[str, str]]:
    """Returns what a page says of a piece."""
    found = [("nats a frame", f"{composition.frame_nll:.2f}, mean over the composed frames")]
    if copied := composition.copied:
        found.append(("longest stretch that stands in training", f"{copied.notes} notes, at any pitch"))
    if composition.in_key is not None:
        found.append((f"notes in {_key(composition)}", f"{100 * composition.in_key:.0f} %"))
    known = composition.corpus_statistics
    return found + [
        (name.replace("_", " "), f"{value:.2f}" + (f", in training {known[name]:.2f}" if name in known else ""))
        for name, value in composition.statistics.items()
    ]


def record(composition: Composition, target: Path) -> dict[str, Any]:
    """Returns what is printed of a piece as JSON."""
    copied, distance = composition.copied, composition.interval_distance
    return {
        "file": str(target),
        "steps": composition.music.steps,
        "composed_from_step": composition.start,
        "bars": round(composition.bars, 3),
        "frame_nll": round(composition.frame_nll, 4),
        "longest_copy": None
        if copied is None
        else {"notes": copied.notes, "of_training_piece": copied.piece + 1, "at_its_step": copied.step},
        "key": composition.key,
        "key_is_estimated": not composition.music.key,
        "in_key": None if composition.in_key is None else round(composition.in_key, 6),
        "interval_distance": None if distance is None else round(distance, 6),
        "statistics": {name: round(value, 3) for name, value in composition.statistics.items()},
        "training_statistics": {name: round(value, 3) for name, value in composition.corpus_statistics.items()},
    }


def report(composition: Composition, target: Path) -> str:
    """Returns what is printed of a piece for people."""
    frames = composition.music.steps - composition.start
    lines = [
        f"{target}: {frames} frames composed, {composition.frame_nll:.2f} nats a frame (mean over the composed frames, "
        "by the model without temperature and limits)"
    ]
    if copied := composition.copied:
        where = f", in piece {copied.piece + 1} from step {copied.step}" if copied.notes > 1 else ""
        lines.append(f"longest stretch that also stands in training, at any pitch: {copied.notes} notes{where}")
    if composition.in_key is not None:
        lines.append(f"notes in {_key(composition)}: {100 * composition.in_key:.0f} %")
    known = composition.corpus_statistics
    lines += [f"{'':18}{'composed':>10}{'training':>10}"] * bool(composition.statistics)
    lines += [
        f"{name.replace('_', ' '):18}{value:10.2f}{known.get(name, float('nan')):10.2f}"
        for name, value in composition.statistics.items()
    ]
    return "\n".join(lines)


class Table:
    """Several compositions, a line each as they are written, and a summary below.

    Args:
        targets: Their files.
    """

    def __init__(self, targets: Sequence[Path]):
        self._width = max(len("lowest"), *(len(str(target)) for target in targets))
        self._rows: list[tuple[Path, Composition]] = []

    def row(self, composition: Composition, target: Path) -> str:
        """Returns the line of a piece; before the first the heads of the columns."""
        self._rows.append((target, composition))
        line = self._line(str(target), composition.key + "?" * (not composition.music.key), _numbers(composition))
        if len(self._rows) > 1:
            return line
        heads = "".join(f"{head:>{width}}" for head, (width, _, _) in _COLUMNS.items())
        return f"{'':{self._width}}  {'key':8}{heads}\n{line}"

    def summary(self) -> str:
        """Returns the median, the lowest and the highest of each column, and what the columns hold."""
        rows = [_numbers(composition) for _, composition in self._rows]
        columns = [[value for value in column if value is not None] for column in zip(*rows, strict=True)]
        lines = [
            self._line(name, "", [choose(column) if column else None for column in columns])
            for name, choose in (("median", median), ("lowest", min), ("highest", max))
        ]
        most = max(self._rows, key=lambda row: row[1].copied.notes if row[1].copied else -1)
        return "\n".join(
            [
                *lines,
                "nats: of a composed frame, in the mean, by the model without temperature and limits",
                f"copied: notes of the longest stretch that also stands in training, at any pitch; most in {most[0]}",
                "in key: notes in the key as its signature has it; a key with ? is the one that fits the notes best",
                "intervals: distance of the shares of repeats, steps, thirds and leaps from those of training, 0 to 1",
            ]
        )

    def _line(self, name: str, key: str, numbers: Sequence[float | None]) -> str:
        cells = "".join(
            f"{'–' if number is None else format(number, form) + unit:>{width}}"
            for number, (width, form, unit) in zip(numbers, _COLUMNS.values(), strict=True)
        )
        return f"{name:{self._width}}  {key:8}{cells}"


_COLUMNS = {
    "bars": (6, "g", ""),
    "nats": (8, ".2f", ""),
    "copied": (8, "g", ""),
    "in key": (8, ".0f", " %"),
    "intervals": (11, ".2f", ""),
}
"""Width, form and unit of each column."""


def _numbers(composition: Composition) -> list[float | None]:
    """Returns the numbers of `_COLUMNS`."""
    copied, in_key = composition.copied, composition.in_key
    return [
        composition.bars,
        composition.frame_nll,
        copied.notes if copied else None,
        None if in_key is None else 100 * in_key,
        composition.interval_distance,
    ]


def _key(composition: Composition) -> str:
    return composition.key + ("" if composition.music.key else ", the key that fits them best")
