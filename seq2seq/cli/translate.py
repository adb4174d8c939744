"""`seq2seq translate RUN`: lines in, translations out, by a run folder or its LiteRT export."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from seq2seq.cli.ensembles import add_ensemble_arguments, ensemble
from seq2seq.cli.progress import LineProgress
from seq2seq.cli.requests import Request, add_request_arguments, read_requests
from seq2seq.cli.text_io import add_search_arguments, output, positive, search_options
from seq2seq.generation.constraints import Constraints
from seq2seq.search.options import InputTooLong
from seq2seq.types import EMPTY, Hypothesis

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
        "--alignments",
        metavar="FILE",
        help="write the attention of each best hypothesis as JSON lines: source, target, weights",
    )
    add_request_arguments(parser)
    add_search_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Does the verb's work; ValueError for a mistake in the input."""
    options = search_options(arguments)
    requests = read_requests(arguments, arguments.batch_size * 32)
    from seq2seq.recipe.loading import load_translator

    generator = load_translator(Path(arguments.run), **ensemble(arguments), **options)
    if arguments.alignments and not generator.has_attention:
        raise ValueError(f"{arguments.run} has no attention, so it has no alignments.")
    with ExitStack() as stack:
        out = stack.enter_context(output(arguments.output))
        alignments = stack.enter_context(output(arguments.alignments)) if arguments.alignments else None
        progress = stack.enter_context(LineProgress(arguments.input))
        number = 0
        for chunk in requests:
            lines = [request.text for request in chunk]
            place = f"{arguments.input or 'standard input'}:"
            try:
                results = generator.generate(lines, arguments.batch_size, [request.constraints for request in chunk])
            except InputTooLong as error:
                raise ValueError(f"{place}{number + error.index + 1}: {error}") from error
            progress.clear()
            for request, hypotheses in zip(chunk, results, strict=True):
                if not hypotheses:
                    print(f"{place}{number + 1}: no output fits: {_told(request.constraints)}", file=sys.stderr)
                out.write(_format(number, request, hypotheses, arguments))
                number += 1
            out.flush()
            if alignments:
                best = [hypotheses[:1] or [EMPTY] for hypotheses in results]
                _write_alignments(alignments, generator, lines, best, arguments.batch_size)
            progress.show(number)


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


def _write_alignments(
    stream: TextIO, generator: LineGenerator, lines: list[str], results: list[list[Hypothesis]], batch_size: int
) -> None:
    pairs = [(line, best[0].pieces) for line, best in zip(lines, results, strict=True)]
    sources = [ids[: generator.options.max_input] for ids in generator.source_tokenizer.encode(lines)]
    for (_, pieces), ids, weights in zip(pairs, sources, generator.align(pairs, batch_size), strict=True):
        row = {
            "source": [*generator.source_tokenizer.pieces(ids), "</s>"],
            "target": [*pieces, "</s>"],
            "weights": [[round(float(w), 5) for w in row] for row in weights],
        }
        stream.write(json.dumps(row if ids else {"source": [], "target": [], "weights": []}, ensure_ascii=False) + "\n")
    stream.flush()
