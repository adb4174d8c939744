"""`seq2seq translate RUN`: lines in, translations out, by a run folder or its LiteRT export."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.cli.alignments import add_alignment_arguments, alignment_files, check_attention
from seq2seq.cli.ensembles import add_ensemble_arguments, ensemble
from seq2seq.cli.progress import LineProgress
from seq2seq.cli.requests import Request, add_request_arguments, read_requests
from seq2seq.cli.text_io import add_search_arguments, output, positive, search_options
from seq2seq.generation.constraints import Constraints
from seq2seq.search.options import InputTooLong
from seq2seq.types import Hypothesis

if TYPE_CHECKING:
    from seq2seq.generation.lines import LineGenerator


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder that a recipe made, or a LiteRT folder that export made")
    add_ensemble_arguments(parser)
    parser.add_argument("--output", metavar="FILE", help="where to write (default: standard output)")
    parser.add_argument(
        "--n-best",
        type=positive,
        default=1,
        metavar="N",
        help="print up to N hypotheses a line, no two of the same text, as 'id ||| hypothesis ||| score'",
    )
    parser.add_argument(
        "--replace-unknown",
        action="store_true",
        help="write for each unknown piece the source word that it attends to most",
    )
    parser.add_argument(
        "--dictionary", metavar="FILE", help="with --replace-unknown: a TSV of source and target word, to write that"
    )
    add_request_arguments(parser)
    add_alignment_arguments(parser)
    add_search_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Does the verb's work; ValueError for a mistake in the input."""
    options = search_options(arguments)
    requests = read_requests(arguments, arguments.batch_size * 32)
    if arguments.dictionary and not arguments.replace_unknown:
        raise ValueError("--dictionary is for --replace-unknown.")
    from seq2seq.generation.alignments import align_pieces
    from seq2seq.generation.unknown import read_dictionary, replace_unknown
    from seq2seq.recipe.loading import load_translator

    dictionary = read_dictionary(Path(arguments.dictionary)) if arguments.dictionary else {}
    generator = load_translator(Path(arguments.run), **ensemble(arguments), **options)
    with ExitStack() as stack:
        out = stack.enter_context(output(arguments.output))
        files = stack.enter_context(alignment_files(arguments))
        if files.wanted or arguments.replace_unknown:
            check_attention(arguments.run, generator)
        progress = stack.enter_context(LineProgress(arguments.input))
        number = 0
        for chunk in requests:
            files.expect(len(chunk))
            lines = [request.text for request in chunk]
            results = _generate(generator, chunk, number, arguments)
            if arguments.replace_unknown:
                results = replace_unknown(generator, lines, results, dictionary, arguments.batch_size)
            progress.clear()
            for request, hypotheses in zip(chunk, results, strict=True):
                out.write(_format(number, request, hypotheses, arguments))
                number += 1
            out.flush()
            if files.wanted:
                pieces = [hypotheses[0].pieces if hypotheses else () for hypotheses in results]
                files.add(align_pieces(generator, lines, pieces, arguments.batch_size))
            progress.show(number)


def _generate(
    generator: LineGenerator, chunk: list[Request], number: int, arguments: argparse.Namespace
) -> list[list[Hypothesis]]:
    """The hypotheses of each line, the first of which is line `number`, from 0; what does not fit is told."""
    place = f"{arguments.input or 'standard input'}:"
    asked = [request.constraints for request in chunk]
    try:
        results = generator.generate([request.text for request in chunk], arguments.batch_size, asked)
    except InputTooLong as error:
        raise ValueError(f"{place}{number + error.index + 1}: {error}") from error
    for line, (constraints, hypotheses) in enumerate(zip(asked, results, strict=True), number + 1):
        if not hypotheses:
            print(f"{place}{line}: no output fits: {_told(constraints)}", file=sys.stderr)
    return results


def _told(constraints: Constraints) -> str:
    asked = [f"prefix {constraints.prefix!r}"] if constraints.prefix else []
    asked += [f"include {term!r}" for term in constraints.include]
    return ", ".join(asked + [f"exclude {term!r}" for term in constraints.exclude])


def _format(number: int, request: Request, hypotheses: list[Hypothesis], arguments: argparse.Namespace) -> str:
    n_best = arguments.n_best
    if arguments.json:
        found = [_record(hypothesis) for hypothesis in hypotheses]
        best: dict[str, Any] = found[0] if found else {"output": None}
        more = {"hypotheses": found} if n_best > 1 else {}
        return json.dumps(request.record | best | more, ensure_ascii=False) + "\n"
    if n_best == 1:
        return (hypotheses[0].text if hypotheses else "") + "\n"
    return "".join(f"{number} ||| {h.text} ||| {h.score:.6f}\n" for h in hypotheses)


def _record(hypothesis: Hypothesis) -> dict[str, Any]:
    return {
        "output": hypothesis.text,
        "score": round(hypothesis.score, 6),
        "log_probability": round(hypothesis.log_probability, 6),
        "confidence": round(hypothesis.confidence, 6),
    }
