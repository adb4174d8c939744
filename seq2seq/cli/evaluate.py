"""`seq2seq evaluate RUN`: the scores of the run's task with their signatures."""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.backend import prepare_keras
from seq2seq.cli.arguments import (
    PairOptions,
    SearchChanges,
    add_batch_size,
    add_pair_arguments,
    add_search_arguments,
    options_from,
    positive,
)
from seq2seq.cli.model_arguments import ModelOptions, add_ensemble_arguments
from seq2seq.cli.simultaneous import check_greedy
from seq2seq.cli.text_io import output
from seq2seq.inference.requests import InputTooLong
from seq2seq.messages import show
from seq2seq.metrics.tokenization import TOKENIZERS, Tokenization, advice
from seq2seq.outputs import STDOUT, Folder, check_outputs
from seq2seq.text.corpus import Text, files_of, text_at

if TYPE_CHECKING:
    from seq2seq.inference.generator import Generator
    from seq2seq.tasks.text_to_text.folder import TextRunFolder
    from seq2seq.tasks.text_to_text.recipe import Data
    from seq2seq.text.examples import Example

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvaluateOptions:
    """The options of the verb."""

    model: ModelOptions
    search: SearchChanges
    pairs: PairOptions
    test: str | None
    lowercase: bool
    tokenize: bool
    score_tokenizer: str | None
    json: bool
    output: str | None
    output_folder: str | None
    comet: str | None
    calibration: str | None
    wait_k: tuple[int, ...] | None
    plot: str | None
    batch_size: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder that a recipe made")
    add_ensemble_arguments(parser)
    parser.add_argument("--test", metavar="NAME", help="test set of the run's recipe (default: its first)")
    add_pair_arguments(
        parser, "instead of --test: input, or a table or JSON of both sides", "its references", required=False
    )
    parser.add_argument("--lowercase", action="store_true", help="lower-case both sides for the score 'bleu'")
    parser.add_argument(
        "--tokenize",
        action="store_true",
        help="tokenise both sides by Moses' rules for 'bleu', where blanks part words; with --lowercase it is "
        "'bleu_published'",
    )
    parser.add_argument(
        "--score-tokenizer",
        choices=TOKENIZERS,
        help="how scores split text into words (default: as in the run's recipe; auto follows data.target_language)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--output", metavar="FILE", help="write the hypotheses there")
    parser.add_argument(
        "--output-folder",
        metavar="DIR",
        help="write hypotheses.txt and scores.json there: signatures, checksums, options, versions (for compare)",
    )
    parser.add_argument(
        "--comet",
        metavar="MODEL",
        help="also score by COMET: a model's checkpoint file or name; requires the package unbabel-comet",
    )
    parser.add_argument(
        "--calibration",
        metavar="FILE",
        help="measure on the references whether the model is as sure as it is right, and draw it to a .png or .svg",
    )
    parser.add_argument(
        "--wait-k",
        type=positive,
        nargs="+",
        metavar="K",
        help="simultaneous translation: for each K, BLEU and the latency AL, LAAL (in words) and AP where words come "
        "one by one; needs a run trained with training.wait_k",
    )
    parser.add_argument("--plot", metavar="FILE", help="with --wait-k: draw BLEU over AL to a .png or .svg")
    add_search_arguments(parser)
    add_batch_size(parser, "lines searched together")


def run(arguments: argparse.Namespace) -> None:
    """Scores the run. Raises ValueError for a mistake in the options or in the input."""
    options = options_from(EvaluateOptions, arguments)
    from seq2seq.tasks.text_to_text.folder import TextRunFolder
    from seq2seq.tasks.text_to_text.kind import kind_of
    from seq2seq.tasks.text_to_text.record import EVALUATION

    folder = TextRunFolder(options.model.run)
    recipe = folder.load_recipe()
    measures = kind_of(recipe).measures
    _check_wait_k(options, measures.has_bleu)
    if not measures.has_bleu and (options.lowercase or options.tokenize):
        raise ValueError(f"--lowercase and --tokenize are for BLEU; this run is scored as {recipe.task}.")
    tokenization = Tokenization.of(recipe.data.target_language, options.score_tokenizer or recipe.data.score_tokenizer)
    text = _text(options, folder, recipe.data)
    check_outputs(
        [*options.model.runs, *files_of(text), options.comet],
        {
            "--output": options.output,
            "--calibration": options.calibration,
            "--plot": options.plot,
            "standard output": STDOUT,
        },
        Folder("--output-folder", options.output_folder, EVALUATION) if options.output_folder else None,
    )
    pairs = list(text)
    if options.comet:
        from seq2seq.metrics.comet import Comet

        comet = Comet(options.comet)  # what is missing is said before the work
    prepare_keras()
    from seq2seq.evaluation.calibration import as_score, check_figure, measure_calibration, write_calibration
    from seq2seq.evaluation.evaluate import evaluate, table
    from seq2seq.metrics.bleu import bleu_prepared
    from seq2seq.tasks.text_to_text.loading import load_generator

    if options.calibration:
        check_figure(options.calibration)
    if options.plot:
        check_figure(options.plot)
    model = options.model
    generator = load_generator(Path(model.run), model.others, model.ensemble, **options.search.values)
    references = [pair.target for pair in pairs]
    if warning := advice(tokenization, references):
        _log.warning("%s", warning)
    if options.wait_k:
        _evaluate_wait_k(options, generator, pairs, tokenization)
        return
    try:
        result = evaluate(generator, pairs, measures, tokenization, options.batch_size)
    except InputTooLong as error:
        raise ValueError(f"{pairs[error.index].place}: {error}") from error
    if options.lowercase or options.tokenize:
        metric = bleu_prepared(tokenization, options.lowercase, options.tokenize)
        result.scores["bleu"] = metric(result.hypotheses, references)
    if options.comet:
        result.scores["comet"] = comet([pair.source for pair in pairs], result.hypotheses, references)
    if options.output_folder:
        from seq2seq.tasks.text_to_text.record import write_evaluation

        kept = Path(options.output_folder), model.run, recipe, tokenization, text, generator.options
        write_evaluation(*kept, result.as_json(), result.hypotheses)
    if options.calibration:
        calibration = measure_calibration(generator, pairs, options.batch_size)
        write_calibration(Path(options.calibration), calibration)
        result.scores["calibration_error"] = as_score(calibration)
    if options.output:
        with output(options.output) as stream:
            stream.writelines(line + "\n" for line in result.hypotheses)
    show(json.dumps(result.as_json(), indent=2) if options.json else table(result.scores))


def _check_wait_k(options: EvaluateOptions, has_bleu: bool) -> None:
    """Raises ValueError for options that do not go with --wait-k, or that need it."""
    if not options.wait_k:
        if options.plot:
            raise ValueError("--plot is for --wait-k K, which measures what it draws.")
        return
    others = {
        "a second run": options.model.others,
        "--lowercase": options.lowercase,
        "--tokenize": options.tokenize,
        "--comet": options.comet,
        "--calibration": options.calibration,
        "--output-folder": options.output_folder,
        "--output (for several K)": options.output and len(options.wait_k) > 1,
    }
    check_greedy(options.search, others)
    if not has_bleu:
        raise ValueError("--wait-k is measured by BLEU, which this run is not scored by.")


def _evaluate_wait_k(
    options: EvaluateOptions, generator: Generator, pairs: list[Example], tokenization: Tokenization
) -> None:
    """Scores simultaneous translation for each of the given numbers of words to wait for."""
    from seq2seq.evaluation.latency import evaluate_latency, latency_table, write_latency_curve

    points = []
    for wait_k in dict.fromkeys(options.wait_k or ()):
        try:
            points.append(evaluate_latency(generator, pairs, wait_k, tokenization, options.batch_size))
        except InputTooLong as error:
            raise ValueError(f"{pairs[error.index].place}: {error}") from error
        _log.info("wait-k %d is measured.", wait_k)
    if options.plot:
        write_latency_curve(Path(options.plot), points)
    if options.output:
        with output(options.output) as stream:
            stream.writelines(line + "\n" for line in points[0].hypotheses)
    show(
        json.dumps({str(point.wait_k): point.as_json() for point in points}, indent=2)
        if options.json
        else latency_table(points)
    )


def _text(options: EvaluateOptions, folder: TextRunFolder, data: Data) -> Text:
    if options.pairs.source:
        if options.test:
            raise ValueError("Give either --test or --source, not both.")
        fields = options.pairs.source_field or data.source_field, options.pairs.target_field or data.target_field
        return text_at(options.pairs.source, options.pairs.target or "", *fields, data.reference_fields)
    if options.pairs.target:
        raise ValueError("--target requires --source. Give both.")
    return folder.load_test(options.test or (data.tests[0] if data.tests else ""))
