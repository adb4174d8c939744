"""`seq2seq score RUN` of a language model: how likely each token of a text is, given all before it."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.cli.arguments import options_from
from seq2seq.cli.text_io import input_lines, output
from seq2seq.messages import say, visible
from seq2seq.outputs import STDIN, STDOUT, check_outputs
from seq2seq.symbols import EOS, NAMES
from seq2seq.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from seq2seq.inference.text_scoring import ScoredLine, TextScorer


@dataclass(frozen=True)
class ScoreOptions:
    """The options of the verb."""

    run: str
    input: str | None
    output: str | None
    separate: bool
    lines: bool
    json: bool
    heatmap: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder of a language model, or its LiteRT folder")
    parser.add_argument("--input", metavar="FILE", help="the text (default: standard input)")
    parser.add_argument("--output", metavar="FILE", help="where to write (default: standard output)")
    parser.add_argument(
        "--separate", action="store_true", help="score each line by itself, not given the lines before it"
    )
    parser.add_argument(
        "--lines",
        action="store_true",
        help="print the log-probability of each line, not: token, log-probability in nats, surprisal in bits",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print a line of JSON for each line: text, tokens with log_probabilities and surprisals, log_probability "
        "(the sum), perplexity",
    )
    parser.add_argument("--heatmap", metavar="FILE.html", help="colour the text by surprisal, in a page for a browser")


def run(arguments: argparse.Namespace) -> None:
    """Scores the text. Raises ValueError for a mistake in the arguments or in the input."""
    options = options_from(ScoreOptions, arguments)
    if options.json and options.lines:
        raise ValueError("Give either --json or --lines.")
    if options.heatmap and not options.heatmap.endswith(".html"):
        raise ValueError(f"--heatmap writes a page: expected a name that ends in .html. Received: {options.heatmap}")
    check_outputs(
        [options.run, options.input or STDIN], {"--output": options.output or STDOUT, "--heatmap": options.heatmap}
    )
    lines, _ = input_lines(options.input)
    from seq2seq.tasks import load

    model = load(Path(options.run))
    from seq2seq.metrics.perplexity import Likelihood

    found, page = Likelihood(), list[tuple[list[str], list[float]]]()
    with output(options.output) as out:
        for line in _scored(model, lines, options.separate):
            found.add(line.text, -line.log_probability, len(line.ids), line.unknown)
            out.write(_format(options, model, line))
            if options.heatmap:
                page.append((_page_tokens(model, line), (-line.log_probs / math.log(2)).tolist()))
    if options.heatmap:
        from seq2seq.evaluation.surprisal_page import surprisal_page

        with output(options.heatmap) as out:
            out.write(surprisal_page(page))
    if found.tokens:
        scores = found.scores()
        say(
            f"{found.tokens:,} tokens, perplexity {scores['perplexity'].score:.3f} a token, "
            f"{scores['word_perplexity'].score:.3f} a word, {scores['bits_per_character'].score:.3f} bits a character"
            + (f"; {found.unknown:,} tokens are unknown to the model" if found.unknown else "")
        )


def _scored(model: TextScorer, lines: Iterator[str], separate: bool) -> Iterator[ScoredLine]:
    if not separate:
        yield from model.score_text(lines)
        return
    from itertools import islice

    while chunk := list(islice(lines, 1024)):
        yield from model.score_lines(chunk)


def _tokens(model: TextScorer, line: ScoredLine) -> list[str]:
    return [NAMES[EOS] if i == EOS else piece for i, piece in zip(line.ids, model.codec.pieces(line.ids), strict=True)]


def _page_tokens(model: TextScorer, line: ScoredLine) -> list[str]:
    """As `_tokens`; words of a vocabulary of words with the blanks that stand between them."""
    tokens = _tokens(model, line)
    if isinstance(model.codec, Vocabulary) and model.codec.kind == "words":
        return [*tokens[:1], *(f" {token}" for token in tokens[1:])]
    return tokens


def _format(options: ScoreOptions, model: TextScorer, line: ScoredLine) -> str:
    """Returns what is printed for a line, with its end."""
    if options.lines:
        return f"{line.log_probability:.4f}\n"
    tokens, surprisals = _tokens(model, line), -line.log_probs / math.log(2)
    if options.json:
        values = {
            "text": line.text,
            "tokens": tokens,
            "log_probabilities": [round(float(value), 6) for value in line.log_probs],
            "surprisals": [round(float(value), 6) for value in surprisals],
            "log_probability": round(line.log_probability, 6),
            "perplexity": round(math.exp(min(700.0, -line.log_probability / len(line.ids))), 6),
        }
        return json.dumps(values, ensure_ascii=False) + "\n"
    names = [visible(token).replace("\t", "\\t") for token in tokens]  # none may break the table
    rows = zip(names, line.log_probs, surprisals, strict=True)
    return "".join(f"{name}\t{value:.4f}\t{bits:.2f}\n" for name, value, bits in rows)
