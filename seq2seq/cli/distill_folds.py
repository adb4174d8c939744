"""Teachers that have not seen what they write: one for each fold of the corpus, trained on the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seq2seq.cli.train import build_run, carry_out
from seq2seq.files import output_text
from seq2seq.messages import say
from seq2seq.run.folder import RunFolder
from seq2seq.run.parsing import override
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.tasks.text_to_text.students import OF_ITS_OWN
from seq2seq.text.corpus import read_lines


def cut_folds(source: Path, target: Path, count: int, folder: Path) -> list[tuple[Path, Path]]:
    """Cuts a parallel text into folds: line n belongs to fold n modulo `count`.

    Returns:
        For each fold the file of its sources, and a TSV of the pairs of all other folds.
    """
    files = [(folder / f"fold{n}.source", folder / f"fold{n}.others.tsv") for n in range(1, count + 1)]
    for n, (own, others) in enumerate(files):
        if own.exists() and others.exists():
            continue
        with output_text(own) as inside, output_text(others) as outside:
            for number, (line, other) in enumerate(zip(read_lines(source), read_lines(target), strict=True)):
                if number % count == n:
                    inside.write(f"{line}\n")
                else:
                    outside.write(f"{line}\t{other}\n")
    return files


def train_fold(base: Recipe, others: Path, validation: Path, folder: Path) -> Path:
    """Trains the recipe of a teacher on other pairs, from wherever it has stopped, and returns its folder."""
    changes = {
        "name": f"{base.name}_{others.name.split('.')[0]}",
        "data.corpus": "files",
        "data.train.source": str(others.absolute()),
        "data.validation.source": str(validation.absolute()),
        **dict.fromkeys(("data.train.target", "data.validation.target", "data.test.source", "data.test.target"), ""),
        **dict.fromkeys(("data.source_field", "data.target_field", "data.reference_fields"), ""),
        **dict.fromkeys(("data.added.source", "data.added.target", "exports"), ""),
        **OF_ITS_OWN,
        "data.max_train": "0",
    }
    say(f"Training a teacher without {others.name.split('.')[0]}: {folder}")
    carry_out(override(base, changes), RunFolder(folder), build_run)
    return folder


def join_folds(parts: list[Path], path: Path) -> None:
    """Puts the lines of the folds in the order of the text that they were cut from."""
    with output_text(path) as out:
        lines = [iter(read_lines(part)) for part in parts]
        n = 0
        while (line := next(lines[n % len(lines)], None)) is not None:
            out.write(f"{line}\n")
            n += 1


def write_by_folds(
    base: Recipe,
    text: Callable[[str], Path],
    folder: Path,
    count: int,
    write: Callable[[str, Path, Path], Path],
) -> Path:
    """Has each fold written by a teacher that was trained without it.

    Args:
        base: The recipe of the teachers.
        text: Returns the place of a file: there are `source`, `target` and `validation.tsv`.
        folder: Gets the runs.
        count: Of folds, at least 2.
        write: Given a file name, a run and a text, has the run write that file, and returns it.

    Returns:
        What they wrote, in the order of `source`.
    """
    path = text("corpus-folds.jsonl")
    if path.exists():
        return path
    parts = []
    for n, (own, others) in enumerate(cut_folds(text("source"), text("target"), count, text("")), 1):
        run = train_fold(base, others, text("validation.tsv"), folder / str(n))
        parts.append(write(f"fold{n}.jsonl", run, own))
    join_folds(parts, path)
    return path
