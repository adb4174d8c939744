"""The end of `seq2seq distill`: teachers and students beside each other, by quality, time and size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from seq2seq.cli.distill_texts import Factory
from seq2seq.evaluation.pareto import CostPoint, cost_table, draw_pareto
from seq2seq.files import format_json, write_text
from seq2seq.inference.lines import best_text
from seq2seq.messages import say
from seq2seq.tasks import task_of
from seq2seq.tasks.text_to_text.kind import kind_of
from seq2seq.tasks.text_to_text.loading import fingerprint

if TYPE_CHECKING:
    from seq2seq.inference.lines import LineGenerator

TURNS = 3
"""Each model is timed so many times, in turn with the others."""
SEARCHES = {"greedy": 1, "beam 5": 5}


def compare_costs(factory: Factory, students: Sequence[Path], lines: int) -> str:
    """Measures all forward models on the validation text and writes pareto.json and pareto.svg.

    Args:
        factory: With its teachers.
        students: Run folders.
        lines: To be timed on, each alone.

    Returns:
        The table, and where the drawing is.
    """
    measures = kind_of(factory.base).measures
    examples = list(factory.corpus.validation)
    teachers = {f"teacher {n}": run for n, run in enumerate(factory.options.teachers, 1)}
    runs = teachers | {path.name: str(path) for path in students}
    folders = {name: _exported(factory, name, run) for name, run in runs.items()}
    models = {(name, how): _load(path, beam) for name, path in folders.items() for how, beam in SEARCHES.items()}
    say(f"Measuring {len(models)} models on {len(examples):,} lines of the validation text")
    times = _time(models, [example.source for example in islice(examples, lines)])
    points = []
    metric = ""
    for (name, how), model in models.items():
        outputs = [best_text(found) for found in model.generate([example.source for example in examples])]
        metric, score = next(iter(measures.scores(outputs, examples, factory.base.tokenization).items()))
        size = sum(file.stat().st_size for file in folders[name].rglob("*") if file.is_file()) / 1e6
        points.append(CostPoint(name, how, score.score, 1000 * times[name, how], size, name not in teachers))
    record = {"metric": metric, "text": "validation", "points": [point.as_json() for point in points]}
    write_text(factory.folder / "pareto.json", format_json(record, indent=2) + "\n")
    drawing = factory.folder / "pareto.svg"
    draw_pareto(drawing, points, f"{metric}, validation text")
    table = [cost_table(points, metric), *(f"{name}: {run}" for name, run in teachers.items())]
    return "\n".join([*table, f"Drawn in {drawing}; the students are in {factory.folder / 'students'}."])


def _exported(factory: Factory, name: str, run: str) -> Path:
    """Returns a model as a LiteRT folder that can search in both ways, made where there is none."""
    folder = factory.folder / "exports" / f"{name.replace(' ', '-')}-{fingerprint(Path(run))[:12]}"
    if not folder.exists():
        say(f"Exporting {run}")
        search = {"beam_size": max(SEARCHES.values()), "mbr": 0.0, "groups": 1, "extract": False}
        task_of(run).export(Path(run), "litert", folder, search, quantize="int8")
    return folder


def _load(folder: Path, beam: int) -> LineGenerator:
    from seq2seq.lite.generator import LiteGenerator

    return LiteGenerator.load(folder, 1, beam_size=beam, mbr=0.0)


def _time(models: dict[Any, LineGenerator], texts: Sequence[str]) -> dict[Any, float]:
    """Returns the median seconds of a text, each alone."""
    found: dict[Any, list[float]] = {name: [] for name in models}
    for turn in range(TURNS + 1):
        for name, model in models.items():
            start = perf_counter()
            for text in texts:
                model.generate([text], 1)
            if turn:  # the first warms up
                found[name].append((perf_counter() - start) / max(1, len(texts)))
    return {name: median(times) for name, times in found.items()}
