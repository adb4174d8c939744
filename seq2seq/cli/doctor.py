"""`seq2seq doctor`: look at a corpus before training on it."""

from __future__ import annotations

import argparse
import importlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.cli.arguments import add_pair_arguments, positive, utf8
from seq2seq.cli.text_io import output
from seq2seq.doctor.kinds import KINDS, dropped
from seq2seq.messages import say, show
from seq2seq.outputs import STDOUT, Folder, check_outputs
from seq2seq.text.corpus import (
    AlignedText,
    Joined,
    ParallelText,
    Part,
    Records,
    Text,
    files_of,
    holds_both_sides,
    text_at,
)

if TYPE_CHECKING:
    from seq2seq.tasks.text_to_text.recipe import Recipe
    from seq2seq.text.subword import SubwordTokenizer

ABOUT = """\
Looks at a corpus before anything is trained on it, and says what is wrong, where, and what to do. Files may be larger
than memory; the folder for temporary files (TMPDIR) needs room for some 60 bytes a pair, and for text from pipes.

error: training would refuse the corpus. warning: it would harm. note: worth a look.
Exit codes: 0 no errors, or --fix has written a clean copy; 1 errors were found; 2 wrong arguments; 130 interrupted.
"""


LEARNED = "learned from a sample of"
"""How the report describes a tokeniser that it learned itself."""

TRIAL = 2_000_000
"""Characters that it learns from, about: it takes seconds."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    spare = ", ".join(kind.name for kind in KINDS.values() if kind.cure == "drop" and kind.severity != "error")
    more = ", ".join(kind.name for kind in KINDS.values() if kind.cure == "on request")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = ABOUT
    add_pair_arguments(
        parser, "source text, or a table or JSON of both sides", "its translations, line by line", required=False
    )
    parser.add_argument(
        "--recipe", metavar="NAME|FILE", help="named recipe or recipe.json: corpus, limits, vocabulary; and a forecast"
    )
    parser.add_argument("--run", metavar="RUN", help="the same from a run folder, with its tokenisers")
    parser.add_argument(
        "--test-source",
        nargs="+",
        default=[],
        metavar="FILE",
        help="sources of test or validation texts that training must not hold; or TSV or JSON lines of both sides",
    )
    parser.add_argument(
        "--validation-source", metavar="FILE", help="validation text; without it training holds out every 50th pair"
    )
    parser.add_argument("--validation-target", metavar="FILE", help="its translations, line by line")
    parser.add_argument(
        "--source-language", type=utf8, metavar="CODE", help="such as en: which script its letters should be of"
    )
    parser.add_argument(
        "--target-language", type=utf8, metavar="CODE", help="the same code on both sides: no translation"
    )
    parser.add_argument("--source-model", metavar="FILE", help="SentencePiece model, instead of --run")
    parser.add_argument("--target-model", metavar="FILE", help="of the target (default: the source's)")
    parser.add_argument(
        "--max-length", type=positive, metavar="N", help="limit in tokens (default: the recipe's, or 150)"
    )
    parser.add_argument("--html", metavar="FILE", help="write the report as a page, too")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--fix", metavar="DIR", help="write a cleaned copy there, and dropped.tsv: line, reason, text")
    parser.add_argument("--drop", nargs="+", default=[], metavar="KIND", help=f"--fix drops these too: {more}")
    parser.add_argument("--keep", nargs="+", default=[], metavar="KIND", help=f"--fix does not drop these: {spare}")
    parser.add_argument("--no-forecast", action="store_true", help="measure no training steps")
    parser.add_argument("--processes", type=positive, default=0, metavar="N", help="default: a core each, two at most")


def run(arguments: argparse.Namespace) -> int:
    """Does the verb's work; ValueError for a mistake in the arguments."""
    from seq2seq.doctor.copied import notes
    from seq2seq.doctor.diagnose import Options, diagnose
    from seq2seq.doctor.examine import Limits
    from seq2seq.doctor.fix import CLEAN, fix
    from seq2seq.doctor.page import as_html
    from seq2seq.doctor.progress import StageProgress
    from seq2seq.doctor.reading import Layout
    from seq2seq.doctor.spool import Spool
    from seq2seq.doctor.terminal import as_text
    from seq2seq.doctor.validation import HeldOut
    from seq2seq.metrics.tokenization import Tokenization
    from seq2seq.tasks.text_to_text.kind import kind_of
    from seq2seq.text.normalization import KEEP, LOSSLESS

    recipe = _recipe(arguments)
    text, tests, held_out = _corpus(arguments, recipe)
    same = kind_of(recipe).one_language if recipe else False
    languages = tuple(
        given or (getattr(recipe.data, name) if recipe else "")
        for name in ("source_language", "target_language")
        for given in [getattr(arguments, name)]
    )
    same = same or (languages[0] == languages[1] != "")
    drop = dropped(tuple(arguments.drop), (*arguments.keep, *(["copied"] if same else [])))
    if (arguments.drop or arguments.keep) and not arguments.fix:
        raise ValueError("--drop and --keep say what --fix shall do: give --fix DIR, too.")
    if arguments.fix and recipe and recipe.tokenizer.normalization == LOSSLESS:
        raise ValueError(
            "--fix makes one blank of several, and the recipe keeps them (tokenizer.normalization lossless)."
        )
    read = [file for one in (text, *tests.values()) for file in files_of(one)]
    check_outputs(
        [*read, arguments.source_model, arguments.target_model, arguments.run, _recipe_file(arguments)],
        {"--html": arguments.html, "standard output": STDOUT},
        Folder("--fix", arguments.fix, CLEAN) if arguments.fix else None,
    )
    limits = Limits(arguments.max_length or 150)
    if recipe:
        limit = _output_limit(arguments, recipe)
        limits = Limits(arguments.max_length or recipe.data.max_length, recipe.data.cut_source, limit)
    # What learns from a sample keeps what is in the sample; a run's own would keep all.
    judged = bool(arguments.run or arguments.source_model) or (recipe and recipe.tokenizer.normalization != KEEP)
    how = recipe.tokenization if recipe else Tokenization.of(languages[1] or "en")
    progress = StageProgress()
    with tempfile.TemporaryDirectory(prefix="seq2seq-doctor-") as folder:
        spool = Spool(Path(folder), progress)
        layout = Layout.of(spool(text))
        others = {name: Layout.of(spool(test)) for name, test in tests.items()}
        rule = HeldOut(*held_out) if held_out else None
        options = Options(
            (languages[0], languages[1]),
            same,
            tests=others,
            held_out=rule,
            limits=limits,
            judge_normalization=bool(judged),
            tokenization=how,
            processes=arguments.processes,
        )

        def tokenizers(
            sample: list[tuple[str, str]],
        ) -> tuple[str, tuple[SubwordTokenizer, SubwordTokenizer]] | None:
            progress("tokeniser", 0.0)
            return _tokenizers(arguments, recipe, sample)

        diagnosis = diagnose(layout, Path(folder), options, tokenizers, progress)
        report = diagnosis.report
        report.notes += spool.notes
        report.notes += notes(diagnosis.survey.sample, recipe.tokenizer.placeholders if recipe else ())
        if report.tokenizer.startswith(LEARNED):
            report.notes.append("A run's own tokeniser learns from all the text, and will lack fewer characters.")
        if recipe and report.tokenizer and not arguments.no_forecast:
            from seq2seq.tasks.text_to_text.cost import forecast

            progress("measuring training steps", 0.0)
            report.forecast = forecast(recipe, diagnosis.vocabularies, diagnosis.tokens)
        progress.clear()
        if arguments.html:
            with output(arguments.html) as stream:
                stream.write(as_html(report))
        show(json.dumps(report.as_json(), indent=2, ensure_ascii=False) if arguments.json else as_text(report))
        if not arguments.fix:
            return 1 if report.refused else 0
        result = fix(diagnosis, Path(arguments.fix), drop, progress)
        progress.clear()
        say(result.summary())
    return 0


def _output_limit(arguments: argparse.Namespace, recipe: Recipe) -> Callable[[int], int] | None:
    """That of the run, or of the recipe; None where training would learn it, or where outputs are extracts."""
    from seq2seq.tasks.text_to_text.folder import TextRunFolder
    from seq2seq.tasks.text_to_text.learned import load_search

    search = recipe.search
    if search.extract or (not arguments.run and search.max_ratio is None and search.max_extra is None):
        return None
    return load_search(TextRunFolder(arguments.run)).output_limit if arguments.run else search.output_limit


def _recipe(arguments: argparse.Namespace) -> Recipe | None:
    from seq2seq.run.folder import load_recipe
    from seq2seq.tasks import TASKS, task_named
    from seq2seq.tasks.text_to_text.folder import TextRunFolder
    from seq2seq.tasks.text_to_text.recipe import Recipe

    if arguments.run and arguments.recipe:
        raise ValueError("Give either --run or --recipe: a run has its recipe.")
    if arguments.run:
        return TextRunFolder(arguments.run).load_recipe()
    if not arguments.recipe:
        return None
    if file := _recipe_file(arguments):
        return load_recipe(file, Recipe)
    named: dict[str, Recipe] = {}
    for task in map(task_named, TASKS):
        if "doctor" in task.VERBS:
            named |= importlib.import_module(task.RECIPES).RECIPES
    if arguments.recipe not in named:
        raise ValueError(f"--recipe {arguments.recipe}: no such file, nor one of {', '.join(named)}.")
    return named[arguments.recipe]


def _recipe_file(arguments: argparse.Namespace) -> Path | None:
    """The file that --recipe names, where it is not a name."""
    return Path(arguments.recipe) if arguments.recipe and Path(arguments.recipe).is_file() else None


def _corpus(
    arguments: argparse.Namespace, recipe: Recipe | None
) -> tuple[Text, dict[str, Text], tuple[int, int] | None]:
    """Returns the training text, the texts that it must not hold, by name, and the rule by which pairs are held out."""
    fields = arguments.source_field, arguments.target_field
    # Only the source of a test is looked up: a plain file may serve as both sides.
    given = {path: text_at(path, path if _plain(path) else "", *fields) for path in arguments.test_source}
    if arguments.validation_source:
        path, target = arguments.validation_source, arguments.validation_target
        given["validation"] = text_at(path, target or (path if _plain(path) else ""), *fields)
    elif arguments.validation_target:
        raise ValueError("--validation-target needs --validation-source.")
    if arguments.source:
        if not arguments.target and _plain(arguments.source):
            raise ValueError("--target is missing: only a .tsv, .csv, .json or .jsonl holds both sides in --source.")
        held_out = None if arguments.validation_source else (Part.every, Part.limit)
        return text_at(arguments.source, arguments.target or "", *fields), given, held_out
    if arguments.target or any(fields):
        raise ValueError("--target and the fields need --source.")
    if recipe is None:
        raise ValueError("Give --source FILE and --target FILE; or --recipe, or --run, whose corpus to look at.")
    return _corpus_of(recipe, given)


def _corpus_of(recipe: Recipe, given: dict[str, Text]) -> tuple[Text, dict[str, Text], tuple[int, int] | None]:
    """As `_corpus`, of a recipe; texts that were given come before its own of the same name."""
    from seq2seq.tasks.text_to_text.data import find_corpus

    corpus = find_corpus(recipe.data)
    train = corpus.train
    while isinstance(train, Part | AlignedText):  # a part of a file, or with alignments: the whole file
        train = train.text
    if not isinstance(train, ParallelText | Records | Joined):
        raise ValueError("The recipe's corpus is in no file: give --source and --target.")
    validation = corpus.validation
    held_out = (validation.every, validation.limit) if isinstance(validation, Part) else None
    known = {"validation": validation, **corpus.tests}
    texts = {name: text for name, text in known.items() if isinstance(text, ParallelText | Records | Joined)}
    return train, texts | given, None if "validation" in given else held_out


def _plain(path: str) -> bool:
    return not holds_both_sides(path)


def _tokenizers(
    arguments: argparse.Namespace, recipe: Recipe | None, sample: list[tuple[str, str]]
) -> tuple[str, tuple[SubwordTokenizer, SubwordTokenizer]] | None:
    """Returns where the tokenisers come from, and the two: given ones, a run's, or ones learned from a sample."""
    from seq2seq.text.subword import SubwordTokenizer

    if arguments.source_model:
        source = SubwordTokenizer.load(Path(arguments.source_model))
        target = SubwordTokenizer.load(Path(arguments.target_model)) if arguments.target_model else source
        return arguments.source_model, (source, target)
    if arguments.run:
        from seq2seq.tasks.text_to_text.folder import TextRunFolder

        return f"of {arguments.run}", TextRunFolder(arguments.run).load_tokenizers()
    if recipe is None:
        return None
    from seq2seq.tasks.text_to_text.tokenizers import learn

    size = sum(len(source) + len(target) for source, target in sample)
    sample = sample[:: -(-size // TRIAL) or 1]
    sources, targets = [source for source, _ in sample], [target for _, target in sample]
    if not any(map(str.strip, sources)) or not any(map(str.strip, targets)):
        return None
    origin = f"{LEARNED} {len(sample):,} pairs as the recipe says"
    return origin, learn(recipe, lambda: sample)
