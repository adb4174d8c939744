"""The end of a run: scores on the test sets by the finished run folder, as any user loads it; and its exports."""

from __future__ import annotations

import logging
import shutil
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from seq2seq.messages import show
from seq2seq.run.environment import checksums, same_data
from seq2seq.run.exports import write_exports
from seq2seq.run.folder import RunFolder
from seq2seq.run.report import read_history, versions
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.kind import kind_of
from seq2seq.tasks.text_to_text.learned import load_learned
from seq2seq.tasks.text_to_text.readme import write_readme
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.tasks.text_to_text.test_sets import data_entry
from seq2seq.text.corpus import Text, files_of, overlap, read_lines

if TYPE_CHECKING:
    from seq2seq.inference.generator import Generator
    from seq2seq.tasks.text_to_text.prepare import Corpus

_log = logging.getLogger(__name__)


def record_data(folder: RunFolder, corpus: Corpus) -> None:
    """Writes to data.json the checksums of all files, the places of the test sets, and how much of them is in the
    training text too.

    Raises:
        RunFolderError: the run goes on, but its training text is another one by now.
    """
    shared = overlap(corpus.training(), corpus.tests)  # reads the whole text, and raises where it is wrong
    training = checksums([*files_of(corpus.train), *files_of(corpus.validation), *files_of(corpus.added)])
    same_data(folder, training)
    entries = {name: data_entry(text) for name, text in corpus.tests.items()}
    for name, count in shared.items():
        entries[name]["in_training"] = count
        if count:
            _log.info("Test set %s: %s of its sources are in the training text too", name, f"{count:,}")
    folder.write_json(folder.data_file, {"training": training, "tests": entries})


def finish(folder: TextRunFolder, recipe: Recipe, tests: dict[str, Text]) -> None:
    """Scores and exports the run, and shows a few outputs."""
    score_tests(folder, recipe, tests)
    show(show_examples(folder, tests))


def score_tests(folder: TextRunFolder, recipe: Recipe, tests: dict[str, Text]) -> dict[str, Any]:
    """Translates and scores every test set; writes hypotheses, scores.json and the README. Returns the scores."""
    from seq2seq.evaluation.evaluate import evaluate, table
    from seq2seq.tasks.text_to_text.loading import load_generator

    scores: dict[str, Any] = {}
    checksums: dict[str, Any] = {}
    generator = load_generator(folder.path)
    for name, text in tests.items():
        pairs = list(text)
        how = "their own words" if recipe.search.extract else f"beam {recipe.search.beam_size}"
        _log.info("Writing outputs for %s: %s lines, %s", name, f"{len(pairs):,}", how)
        result = evaluate(generator, pairs, kind_of(recipe).measures, recipe.tokenization)
        folder.write(folder.hypotheses / f"{name}.txt", "".join(line + "\n" for line in result.hypotheses))
        scores[name] = result.as_json()
        checksums[name] = data_entry(text)["sha256"]
        show(f"{name}\n{table(result.scores)}")
    export_run(folder, recipe, generator)
    learned = load_learned(folder)
    assert learned is not None  # training leaves it
    write_readme(folder, recipe, scores, read_history(folder), learned.selection)
    # Last of all: a run with scores is a finished run.
    record: dict[str, Any] = {"tests": scores, "data": checksums, "score_tokenizer": recipe.tokenization.name}
    record |= {"search": _plain(generator.options), "versions": versions()}
    folder.write_json(folder.scores_file, record)
    shutil.rmtree(folder.stores, ignore_errors=True)
    return scores


def export_run(folder: RunFolder, recipe: Recipe, generator: Generator) -> None:
    """Writes the exports that `recipe.exports` names; see `run.exports`."""
    from seq2seq.export.formats import export, refusal

    plain = generator.with_options(sampling=False)
    write_exports(
        folder,
        recipe.exports,
        lambda form, path: export(form, plain, path),
        lambda form: refusal(form, generator),
    )


def show_examples(folder: RunFolder, tests: dict[str, Text], count: int = 5) -> str:
    """Returns a few outputs for the first test set beside their references; of long sources the beginning."""
    lines: list[str] = []
    for name, text in list(tests.items())[:1]:
        pairs, hypotheses = list(text), list(read_lines(folder.hypotheses / f"{name}.txt"))
        for i in range(0, len(pairs), max(1, len(pairs) // count)):
            lines += [
                f"  source     {shorten(pairs[i].source, 300, placeholder=' …')}",
                f"  output     {hypotheses[i]}",
                f"  reference  {pairs[i].target}",
                "",
            ]
    return "\n".join(lines)


def _plain(options: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(options)
