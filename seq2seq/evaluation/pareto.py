"""Models by what they give and what they cost: a table, and quality over time and size, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seq2seq.evaluation.calibration import check_figure
from seq2seq.figures import new_figure
from seq2seq.files import output_file


@dataclass(frozen=True)
class CostPoint:
    """A model with one way to search."""

    name: str
    search: str
    """Such as "greedy" or "beam 5"."""
    score: float
    milliseconds: float
    """For one text, on one core, alone."""
    megabytes: float
    is_student: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def pareto_front(points: Sequence[CostPoint], cost: str) -> list[CostPoint]:
    """Returns the points that no other beats in both score and cost, cheapest first.

    Args:
        points: All models.
        cost: "milliseconds" or "megabytes".
    """
    front: list[CostPoint] = []
    for point in sorted(points, key=lambda each: (getattr(each, cost), -each.score)):
        if not front or point.score > front[-1].score:
            front.append(point)
    return front


def cost_table(points: Sequence[CostPoint], metric: str) -> str:
    """Returns a line for each model and search, under a headline."""
    width = max(5, *(len(point.name) for point in points))
    lines = [f"{'model':{width}}  {'search':8}  {metric:>8}  ms a text   MB"]
    for each in points:
        lines.append(
            f"{each.name:{width}}  {each.search:8}  {each.score:8.2f}  {each.milliseconds:9.2f}  {each.megabytes:4.1f}"
        )
    return "\n".join(lines)


def draw_pareto(path: Path, points: Sequence[CostPoint], metric: str) -> None:
    """Draws the score over milliseconds and over megabytes to a .png or .svg file, completely or not at all."""
    check_figure(str(path))
    figure = new_figure(figsize=(11, 4.5), layout="constrained")
    labels = {"milliseconds": "milliseconds a text, one core", "megabytes": "megabytes on disk"}
    for axes, (cost, label) in zip(figure.subplots(1, 2, sharey=True), labels.items(), strict=True):
        _draw_cost(axes, points, cost)
        axes.set(xlabel=label)
    figure.axes[0].set(ylabel=metric)
    figure.suptitle("Teachers (blue) and students (orange); the grey line joins what nothing beats", fontsize=9)
    kind = Path(path).suffix.lower()[1:]
    with output_file(path) as partial:
        figure.savefig(partial, format=kind, dpi=100, metadata={"Date": None} if kind == "svg" else None)


def _draw_cost(axes: Any, points: Sequence[CostPoint], cost: str) -> None:
    front = pareto_front(points, cost)
    axes.step(*([getattr(each, name) for each in front] for name in (cost, "score")), where="post", color="lightgrey")
    costs = [getattr(each, cost) for each in points]
    middle = (min(costs) + max(costs)) / 2
    for each, place in zip(points, costs, strict=True):
        color, marker = ("tab:orange", "s") if each.is_student else ("tab:blue", "o")
        axes.scatter(place, each.score, color=color, marker=marker)
        shift, side = (-5, "right") if place > middle else (5, "left")  # names stay within the axes
        name = f"{each.name}, {each.search}"
        axes.annotate(name, (place, each.score), textcoords="offset points", xytext=(shift, 4), ha=side, fontsize=7)
    axes.margins(0.15)
    axes.grid(alpha=0.3)
