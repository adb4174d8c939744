"""Runs and evaluations side by side."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from seq2seq.evaluation.comparison import Comparison, compare
from seq2seq.evaluation.significance import SAMPLES
from seq2seq.figures import new_figure
from seq2seq.files import output_file
from seq2seq.messages import visible
from seq2seq.tasks.text_to_text.kind import kind_named
from seq2seq.tasks.text_to_text.record import Scored


def compare_runs(
    paths: Sequence[Path],
    test: str = "",
    counted: Sequence[str] | None = None,
    labels: Sequence[str] = (),
    shown: int = 5,
    samples: Mapping[str, int] = SAMPLES,
) -> tuple[list[Comparison], dict[str, dict[str, list[float]]]]:
    """Compares run folders and evaluations with the first of them; no model is loaded.

    Args:
        paths: At least two.
        test: A test set; "": all that they share.
        counted, labels, shown, samples: See `compare`.

    Returns:
        A comparison for each test set, and what is on record of the training of each run.

    Raises:
        ValueError: something keeps them from being compared; it says what.
    """
    if len(paths) < 2:
        raise ValueError(f"A comparison takes two runs or more. Received: {', '.join(map(str, paths))}")
    sides = [Scored(path) for path in paths]
    first = sides[0]
    for side in sides[1:]:
        if (side.task, side.language) != (first.task, first.language):
            raise ValueError(
                f"{first.name} is scored as {first.task} in {first.language}, {side.name} as {side.task} in "
                f"{side.language}: their scores cannot be compared."
            )
    named = [set(side.tests) for side in sides if side.tests != [""]]
    shared = set.intersection(*named) if named else {""}
    if (test and named and test not in shared) or not shared:
        known = "; ".join(f"{side.name}: {', '.join(filter(None, side.tests)) or 'an evaluation'}" for side in sides)
        raise ValueError(f"No test set {test!r} was scored for every run. They have {known}")
    order = (
        [test]
        if test
        else [name for name in next((s for s in sides if s.tests != [""]), first).tests if name in shared]
    )
    if len(named) < len(sides) and len(order) > 1:
        raise ValueError(f"An evaluation holds one test set: say which with --test. Received: {', '.join(order)}")
    found = []
    for name in order:
        examples = first.examples(name)
        for side in sides[1:]:
            others = side.examples(name)
            apart = next(
                (i for i, pair in enumerate(zip(examples, others, strict=False)) if _key(pair[0]) != _key(pair[1])),
                None,
            )
            if apart is not None or len(examples) != len(others):
                where = (
                    f"line {apart + 1} differs" if apart is not None else f"{len(examples):,} and {len(others):,} lines"
                )
                raise ValueError(
                    f"{first.name} and {side.name} were scored on different texts ({where}): nothing can be compared."
                )
        systems = [side.system(name) for side in sides]
        found.append(
            compare(
                name or "test",
                kind_named(first.task).measures,
                first.tokenization,
                examples,
                systems,
                counted=counted,
                labels=labels,
                shown=shown,
                samples=samples,
                source=first.source_tokenization,
            )
        )
    return found, {side.name: history for side in sides if (history := side.history())}


def files_of_runs(paths: Sequence[Path]) -> list[Path]:
    """Returns the files of the test sets that runs and evaluations were scored on."""
    return [file for path in paths for file in Scored(path).files]


def _key(example: object) -> tuple[str, str]:
    return example.source, example.target  # type: ignore[attr-defined]


def draw_curves(histories: Mapping[str, Mapping[str, Sequence[float]]], path: Path) -> None:
    """Draws what is on record of several trainings into one picture, PNG or SVG by its name, whole or not at all.

    Raises:
        ValueError: no run has a history, or another kind of file.
    """
    columns = sorted({column for history in histories.values() for column in history})
    if not columns:
        raise ValueError("No run has a history of its training: there are no curves to draw.")
    form = path.suffix[1:].lower()
    if form not in ("png", "svg"):
        raise ValueError(f"Curves are drawn as .png or .svg. Received: {path}")
    figure = new_figure(figsize=(5 * len(columns), 4), layout="constrained")
    for axes, column in zip(figure.subplots(1, len(columns), squeeze=False)[0], columns, strict=True):
        for name, history in histories.items():
            if column in history:
                axes.plot(range(1, len(history[column]) + 1), history[column], marker=".", label=visible(name))
        axes.set(xlabel="epoch", title=column)
        axes.grid(alpha=0.3)
        for text in (axes.title, *axes.legend(fontsize="small").get_texts()):
            text.set_parse_math(False)  # a dollar sign in a name is no formula
    with warnings.catch_warnings(), output_file(path) as partial:
        warnings.filterwarnings("ignore", message=r"(?s).*missing from (current )?font")
        figure.savefig(partial, format=form, dpi=100)
