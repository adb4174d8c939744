"""`seq2seq doctor` on pairs of text."""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seq2seq.cli.text_io import output
from seq2seq.doctor.kinds import dropped
from seq2seq.messages import say, show
from seq2seq.outputs import STDOUT, Folder, check_outputs
from seq2seq.pipeline.mixture import size_of_epoch
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
    from seq2seq.cli.doctor import DoctorOptions
    from seq2seq.doctor.diagnose import Diagnosis, Tokenizers
    from seq2seq.doctor.examine import Limits
    from seq2seq.doctor.progress import StageProgress
    from seq2seq.doctor.report import Report
    from seq2seq.tasks.text_to_text.recipe import Recipe

LEARNED = "learned from a sample of"
"""How the report describes a tokeniser that it learned itself."""

TRIAL = 2_000_000
"""Characters that it learns from, about: it takes seconds."""


def look_at_text(options: DoctorOptions) -> int:
    """Examines a corpus of text, and cleans it if asked to. Returns the exit code; ValueError as `doctor.run`."""
    from seq2seq.doctor.fix import fix
    from seq2seq.doctor.progress import StageProgress

    recipe = _load_recipe(options)
    corpus = _open_corpus(options, recipe)
    languages = _languages(options, recipe)
    one_language = _is_one_language(languages, recipe)
    drop = _kinds_to_drop(options, recipe, one_language)
    _check_outputs(options, corpus)
    progress = StageProgress()
    with tempfile.TemporaryDirectory(prefix="seq2seq-doctor-") as folder:
        diagnosis = _diagnose(options, recipe, corpus, (languages, one_language), Path(folder), progress)
        progress.clear()
        _show_report(options, diagnosis.report)
        if not options.fix:
            return 1 if diagnosis.report.refused else 0
        result = fix(diagnosis, Path(options.fix), drop, progress)
        progress.clear()
        say(result.summary())
    return 0


def _languages(options: DoctorOptions, recipe: Recipe | None) -> tuple[str, str]:
    """Returns the codes of source and target: given ones, or those of the recipe; empty where unknown."""
    source, target = (recipe.data.source_language, recipe.data.target_language) if recipe else ("", "")
    return options.source_language or source, options.target_language or target


def _is_one_language(languages: tuple[str, str], recipe: Recipe | None) -> bool:
    """Whether both sides are of one language, so that copies are no mistake."""
    if recipe:
        from seq2seq.tasks.text_to_text.kind import kind_of

        if kind_of(recipe).one_language:
            return True
    return languages[0] == languages[1] != ""


def _kinds_to_drop(options: DoctorOptions, recipe: Recipe | None, one_language: bool) -> int:
    """Returns the bits of the findings whose pairs --fix drops; raises ValueError for flags that contradict."""
    from seq2seq.text.normalization import LOSSLESS

    drop = dropped(options.drop, (*options.keep, *(["copied"] if one_language else [])))
    if (options.drop or options.keep) and not options.fix:
        raise ValueError("--drop and --keep say what --fix drops: give --fix DIR, too.")
    if options.fix and recipe and recipe.tokenizer.normalization == LOSSLESS:
        raise ValueError(
            "--fix makes one blank of several, and the recipe keeps them (tokenizer.normalization lossless)."
        )
    return drop


def _check_outputs(options: DoctorOptions, corpus: _Corpus) -> None:
    from seq2seq.doctor.fix import CLEAN

    read = [file for text in (corpus.train, *corpus.tests.values()) for file in files_of(text)]
    check_outputs(
        [*read, options.source_model, options.target_model, options.run, options.recipe_file],
        {"--html": options.html, "standard output": STDOUT},
        Folder("--fix", options.fix, CLEAN) if options.fix else None,
    )


def _diagnose(
    options: DoctorOptions,
    recipe: Recipe | None,
    corpus: _Corpus,
    sides: tuple[tuple[str, str], bool],
    folder: Path,
    progress: StageProgress,
) -> Diagnosis:
    """Examines the corpus, with files in `folder`. `sides` has the two languages, and whether they are one."""
    from seq2seq.doctor.copied import notes
    from seq2seq.doctor.diagnose import Options, diagnose
    from seq2seq.doctor.reading import Layout
    from seq2seq.doctor.spool import Spool
    from seq2seq.doctor.validation import HeldOut
    from seq2seq.metrics.tokenization import Tokenization
    from seq2seq.text.normalization import KEEP

    languages, one_language = sides
    spool = Spool(folder, progress)
    layout = Layout.of(spool(corpus.train))
    # A tokeniser that learns from a sample lacks characters that a run's own keeps.
    has_own_tokenizer = bool(options.run or options.source_model)
    examination = Options(
        languages,
        one_language,
        tests={name: Layout.of(spool(test)) for name, test in corpus.tests.items()},
        held_out=HeldOut(*corpus.held_out) if corpus.held_out else None,
        limits=_limits(options, recipe),
        judge_normalization=has_own_tokenizer or bool(recipe and recipe.tokenizer.normalization != KEEP),
        tokenization=recipe.tokenization if recipe else Tokenization.of(languages[1] or "en"),
        processes=options.processes,
    )

    def tokenizers(sample: list[tuple[str, str]]) -> tuple[str, Tokenizers] | None:
        progress("tokeniser", 0.0)
        return _tokenizers(options, recipe, sample)

    diagnosis = diagnose(layout, folder, examination, tokenizers, progress)
    report = diagnosis.report
    report.notes += spool.notes
    report.notes += notes(diagnosis.survey.sample, recipe.tokenizer.placeholders if recipe else ())
    if report.tokenizer.startswith(LEARNED):
        report.notes.append("A run's own tokeniser learns from all the text, and will lack fewer characters.")
    if recipe and report.tokenizer and not options.no_forecast:
        from seq2seq.tasks.text_to_text.cost import forecast

        progress("measuring training steps", 0.0)
        share = _share_of_epoch(recipe, corpus.train)
        report.forecast = forecast(recipe, diagnosis.vocabularies, diagnosis.tokens, share=share)
    return diagnosis


def _show_report(options: DoctorOptions, report: Report) -> None:
    from seq2seq.doctor.page import as_html
    from seq2seq.doctor.terminal import as_text

    if options.html:
        with output(options.html) as stream:
            stream.write(as_html(report))
    show(json.dumps(report.as_json(), indent=2, ensure_ascii=False) if options.json else as_text(report))


def _limits(options: DoctorOptions, recipe: Recipe | None) -> Limits:
    """Returns the limits of lengths: given ones, or those of the recipe."""
    from seq2seq.doctor.examine import Limits

    if not recipe:
        return Limits(options.max_length or 150)
    limit = _output_limit(options, recipe)
    return Limits(options.max_length or recipe.data.max_length, recipe.data.cut_source, limit)


def _output_limit(options: DoctorOptions, recipe: Recipe) -> Callable[[int], int] | None:
    """Returns that of the run or the recipe; None where training would learn it, or where outputs are extracts."""
    from seq2seq.tasks.text_to_text.folder import TextRunFolder
    from seq2seq.tasks.text_to_text.learned import load_search

    search = recipe.search
    if search.extract or (not options.run and search.max_ratio is None and search.max_extra is None):
        return None
    return load_search(TextRunFolder(options.run)).output_limit if options.run else search.output_limit


def _load_recipe(options: DoctorOptions) -> Recipe | None:
    """Returns the recipe of --run or --recipe; None if neither is given."""
    if not options.run and not options.recipe:
        return None
    from seq2seq.run.folder import load_recipe
    from seq2seq.tasks import TASKS, task_named
    from seq2seq.tasks.text_to_text.folder import TextRunFolder
    from seq2seq.tasks.text_to_text.recipe import Recipe

    if options.run:
        return TextRunFolder(options.run).load_recipe()
    if file := options.recipe_file:
        return load_recipe(file, Recipe)
    named: dict[str, Recipe] = {}
    for task in map(task_named, TASKS):
        if "doctor" in task.VERBS:
            named = importlib.import_module(task.RECIPES).RECIPES | named
    if options.recipe not in named:
        raise ValueError(f"--recipe {options.recipe}: no such file, nor one of {', '.join(named)}.")
    return named[options.recipe]


class _Corpus(NamedTuple):
    """The texts to look at."""

    train: Text
    tests: dict[str, Text]
    """Texts that the training text must not hold, by name."""
    held_out: tuple[int, int] | None
    """Of each so many pairs training holds one out for validation, up to a limit; None: none."""


def _open_corpus(options: DoctorOptions, recipe: Recipe | None) -> _Corpus:
    """Returns the given corpus, or that of the recipe."""
    pairs = options.pairs
    fields = pairs.source_field, pairs.target_field
    # Only the source of a test is looked up: a plain file may serve as both sides.
    given = {path: text_at(path, path if _plain(path) else "", *fields) for path in options.test_source}
    if options.validation_source:
        path, target = options.validation_source, options.validation_target
        given["validation"] = text_at(path, target or (path if _plain(path) else ""), *fields)
    elif options.validation_target:
        raise ValueError("--validation-target needs --validation-source.")
    if pairs.source:
        if not pairs.target and _plain(pairs.source):
            raise ValueError("--target is missing: only a .tsv, .csv, .json or .jsonl holds both sides in --source.")
        held_out = None if options.validation_source else (Part.every, Part.limit)
        return _Corpus(pairs.open(), given, held_out)
    if pairs.target or any(fields):
        raise ValueError("--target and the fields need --source.")
    if recipe is None:
        raise ValueError(
            "Give --source FILE and --target FILE; or --manifest FILE; or --table FILE; or --recipe, or --run, whose "
            "corpus to look at."
        )
    return _corpus_of(recipe, given)


def _corpus_of(recipe: Recipe, given: dict[str, Text]) -> _Corpus:
    """Returns the corpus of a recipe; given texts replace its own of the same name."""
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
    return _Corpus(train, texts | given, None if "validation" in given else held_out)


def _share_of_epoch(recipe: Recipe, train: Text) -> float:
    """Returns how many pairs an epoch reads for each of the text, by the recipe's weights of files."""
    weights, texts = recipe.data.train_weights, train.texts if isinstance(train, Joined) else (train,)
    if len(weights) != len(texts):
        return 1.0
    counts = [sum(1 for _ in text) for text in texts]
    return size_of_epoch(counts, weights) / max(1, sum(counts))


def _plain(path: str) -> bool:
    return not holds_both_sides(path)


def _tokenizers(
    options: DoctorOptions, recipe: Recipe | None, sample: list[tuple[str, str]]
) -> tuple[str, Tokenizers] | None:
    """Returns where the tokenisers come from, and the two: given ones, a run's, or ones learned from a sample."""
    from seq2seq.text.subword import SubwordTokenizer

    if options.source_model:
        source = SubwordTokenizer.load(Path(options.source_model))
        target = SubwordTokenizer.load(Path(options.target_model)) if options.target_model else source
        return options.source_model, (source, target)
    if options.run:
        from seq2seq.tasks.text_to_text.folder import TextRunFolder

        return f"of {options.run}", TextRunFolder(options.run).load_tokenizers()
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
