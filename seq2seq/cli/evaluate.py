"""`seq2seq evaluate RUN`: the scores of the run's task with their signatures."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.backend import prepare_keras
from seq2seq.cli.ensembles import add_ensemble_arguments, ensemble
from seq2seq.cli.text_io import add_pair_arguments, add_search_arguments, output, search_options
from seq2seq.inference.requests import InputTooLong
from seq2seq.messages import show
from seq2seq.metrics.tokenization import TOKENIZERS, Tokenization, advice
from seq2seq.outputs import STDOUT, Folder, check_outputs
from seq2seq.text.corpus import Text, files_of, text_at

if TYPE_CHECKING:
    from seq2seq.tasks.text_to_text.folder import TextRunFolder
    from seq2seq.tasks.text_to_text.recipe import Data

_log = logging.getLogger(__name__)


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
        help="also score by COMET: a model's checkpoint file or name; wants the package unbabel-comet",
    )
    parser.add_argument(
        "--calibration",
        metavar="FILE",
        help="measure on the references whether the model is as sure as it is right, and draw it to a .png or .svg",
    )
    add_search_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Does the verb's work; ValueError for a mistake in the input."""
    from seq2seq.tasks.text_to_text.folder import TextRunFolder
    from seq2seq.tasks.text_to_text.kind import kind_of
    from seq2seq.tasks.text_to_text.record import EVALUATION

    folder = TextRunFolder(arguments.run)
    recipe = folder.load_recipe()
    measures = kind_of(recipe).measures
    if not measures.has_bleu and (arguments.lowercase or arguments.tokenize):
        raise ValueError(f"--lowercase and --tokenize are for BLEU; this run is scored as {recipe.task}.")
    how = Tokenization.of(recipe.data.target_language, arguments.score_tokenizer or recipe.data.score_tokenizer)
    text = _text(arguments, folder, recipe.data)
    check_outputs(
        [arguments.run, *arguments.others, *files_of(text), arguments.comet],
        {"--output": arguments.output, "--calibration": arguments.calibration, "standard output": STDOUT},
        Folder("--output-folder", arguments.output_folder, EVALUATION) if arguments.output_folder else None,
    )
    pairs = list(text)
    if arguments.comet:
        from seq2seq.metrics.comet import Comet

        comet = Comet(arguments.comet)  # what is missing is said before the work
    prepare_keras()
    from seq2seq.evaluation.calibration import as_score, check_figure, measure_calibration, write_calibration
    from seq2seq.evaluation.evaluate import evaluate, table
    from seq2seq.metrics.bleu import bleu_prepared
    from seq2seq.tasks.text_to_text.loading import load_generator

    if arguments.calibration:
        check_figure(arguments.calibration)
    generator = load_generator(Path(arguments.run), **ensemble(arguments), **search_options(arguments))
    references = [pair.target for pair in pairs]
    if warning := advice(how, references):
        _log.warning("%s", warning)
    try:
        result = evaluate(generator, pairs, measures, how, arguments.batch_size)
    except InputTooLong as error:
        raise ValueError(f"{pairs[error.index].place}: {error}") from error
    if arguments.lowercase or arguments.tokenize:
        metric = bleu_prepared(how, arguments.lowercase, arguments.tokenize)
        result.scores["bleu"] = metric(result.hypotheses, references)
    if arguments.comet:
        result.scores["comet"] = comet([pair.source for pair in pairs], result.hypotheses, references)
    if arguments.output_folder:
        from seq2seq.tasks.text_to_text.record import write_evaluation

        kept = Path(arguments.output_folder), arguments.run, recipe, how, text, generator.options
        write_evaluation(*kept, result.as_json(), result.hypotheses)
    if arguments.calibration:
        calibration = measure_calibration(generator, pairs, arguments.batch_size)
        write_calibration(Path(arguments.calibration), calibration)
        result.scores["calibration_error"] = as_score(calibration)
    if arguments.output:
        with output(arguments.output) as stream:
            stream.writelines(line + "\n" for line in result.hypotheses)
    show(json.dumps(result.as_json(), indent=2) if arguments.json else table(result.scores))


def _text(arguments: argparse.Namespace, folder: TextRunFolder, data: Data) -> Text:
    if arguments.source:
        if arguments.test:
            raise ValueError("Give either --test or --source, not both.")
        fields = arguments.source_field or data.source_field, arguments.target_field or data.target_field
        return text_at(arguments.source, arguments.target or "", *fields, data.reference_fields)
    if arguments.target:
        raise ValueError("--target wants --source beside it.")
    return folder.load_test(arguments.test or (data.tests[0] if data.tests else ""))
