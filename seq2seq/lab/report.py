"""What an experiment leaves: text, plots and tables as values. Imports no framework."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Cell = str | float | int
"""A value of a table. Numbers are shown with four digits and written to CSV in full."""

Progress = Callable[[float, str], None]
"""Takes how much is done, 0 to 1, and what is being done."""


def part_of(progress: Progress, number: int, count: int) -> Progress:
    """Returns the progress of one of `count` equal parts, of which `number` came before."""
    return lambda done, what: progress((number + done) / count, what)


SEEDS = (1, 2, 3, 4, 5)
"""The seeds of the full form."""
QUICK_SEEDS = (1, 2)
"""Those of the quick form."""


@dataclass(frozen=True)
class Settings:
    """How an experiment is run.

    Attributes:
        quick: A short form, of smaller models and fewer steps.
        seeds: Everything is done once for each of them.
    """

    quick: bool = False
    seeds: tuple[int, ...] = SEEDS


@dataclass(frozen=True)
class Curve:
    """A line of a plot; `low` and `high`, where given, are the range over the seeds."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True)
class Plot:
    """Curves over a common axis.

    Attributes:
        name: Of its CSV file.
        title: Above the plot.
        alt: What it shows, for those who do not see it.
        x, y: What the axes measure.
        curves: At least one.
        log: Axes with a logarithmic scale.
    """

    name: str
    title: str
    alt: str
    x: str
    y: str
    curves: Sequence[Curve]
    log: Literal["", "x", "y", "xy"] = ""


@dataclass(frozen=True)
class Bars:
    """Horizontal bars; `low` and `high`, where given, are the range over the seeds."""

    name: str
    title: str
    alt: str
    x: str
    labels: Sequence[str]
    values: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True)
class HeatMap:
    """Values on a grid, `values[row][column]`; `paths` are lines on it, in the units of its axes."""

    name: str
    title: str
    alt: str
    x: str
    y: str
    columns: Sequence[Cell]
    rows: Sequence[Cell]
    values: Sequence[Sequence[float]]
    paths: Sequence[Curve] = ()


@dataclass(frozen=True)
class Table:
    """Rows of values."""

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Listing:
    """Lines of code, and where they stand."""

    title: str
    code: str


@dataclass(frozen=True)
class Coloured:
    """A text whose pieces are coloured by values: blue above 0, red below, full at the largest."""

    name: str
    title: str
    pieces: Sequence[str]
    values: Sequence[float]


@dataclass(frozen=True)
class Interactive:
    """Markup with a script, which the page holds as it is; `without` is read where scripts do not run."""

    markup: str
    without: str


Item = Plot | Bars | HeatMap | Table | Listing | Coloured | Interactive


@dataclass(frozen=True)
class Part:
    """A heading, short paragraphs and what they speak of."""

    heading: str
    paragraphs: Sequence[str]
    items: Sequence[Item] = ()


@dataclass(frozen=True)
class Report:
    """The whole of an experiment.

    Attributes:
        title: Of the page.
        question: That it answers, one sentence.
        answer: In one or two sentences, from what was measured.
        parts: In the order of the page.
        settings: What it was run with.
    """

    title: str
    question: str
    answer: str
    parts: Sequence[Part]
    settings: Settings


def spread_over_seeds(name: str, x: Sequence[float], runs: Sequence[Sequence[float]]) -> Curve:
    """Returns the curve of the medians of some runs, with their range; `runs[seed][point]`."""
    columns = list(zip(*runs, strict=True))
    return Curve(name, x, [median(c) for c in columns], [min(c) for c in columns], [max(c) for c in columns])


def median_and_range(values: Sequence[float]) -> str:
    """Returns a median with its range as text, such as `0.82 (0.71 to 0.9)`; from 1,000 on without decimals."""
    return f"{_short(median(values))} ({_short(min(values))} to {_short(max(values))})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"


def better(one: str, first: Sequence[float], other: str, second: Sequence[float]) -> str:
    """Says which of two has the higher scores over the seeds, and whether their ranges are apart."""
    if median(first) == median(second):
        return "both are equal"
    name, high, low = (one, first, second) if median(first) > median(second) else (other, second, first)
    apart = ", with every seed" if min(high) > max(low) else ", by less than the ranges over the seeds"
    return f"{name} is better{apart}"


def ends_of(curves: Sequence[Curve]) -> str:
    """Returns where curves begin and end, for those who do not see them: `a from 1 to 0.2; b from 1 to 0.5`."""
    return "; ".join(f"{curve.name} from {curve.y[0]:.2g} to {curve.y[-1]:.2g}" for curve in curves)
