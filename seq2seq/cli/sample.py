"""`seq2seq sample RUN`: what a language model writes, shown as it is written."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.cli.arguments import options_from, positive, utf8
from seq2seq.cli.prompts import check_prompt, read_prompt
from seq2seq.cli.text_io import output
from seq2seq.outputs import STDOUT, check_outputs
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import EOS

if TYPE_CHECKING:
    from seq2seq.inference.text_scoring import Drawn, TextScorer


@dataclass(frozen=True)
class SampleOptions:
    """The options of the verb."""

    run: str
    prompt: str | None
    length: int
    count: int
    one_line: bool
    temperature: float
    top_k: int
    top_p: float
    seed: int
    json: bool
    output: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder of a language model, or its LiteRT folder")
    parser.add_argument("--prompt", type=utf8, metavar="TEXT", help="the text to go on from (default: from nothing)")
    parser.add_argument("--length", type=positive, default=100, metavar="N", help="tokens to write (default 100)")
    parser.add_argument("--count", type=positive, default=1, metavar="N", help="samples to write (default 1)")
    parser.add_argument("--one-line", action="store_true", help="stop where the line ends")
    parser.add_argument(
        "--temperature", type=float, default=1.0, metavar="X", help="below 1 is safer, above 1 wilder (default 1)"
    )
    parser.add_argument("--top-k", type=int, default=0, metavar="N", help="draw among the N likeliest tokens; 0 is all")
    parser.add_argument(
        "--top-p", type=float, default=1.0, metavar="X", help="draw among the fewest tokens of this probability"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed writes the same (default 1)")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print a line of JSON for each sample: prompt, text, tokens, log_probabilities, log_probability, seed",
    )
    parser.add_argument("--output", metavar="FILE", help="where to write (default: standard output)")


def run(arguments: argparse.Namespace) -> None:
    """Writes the samples. Raises ValueError for a mistake in the arguments."""
    options = options_from(SampleOptions, arguments)
    lines = None if options.prompt is None else check_prompt(options.prompt)
    search = SearchOptions(
        sampling=True, temperature=options.temperature, top_k=options.top_k, top_p=options.top_p, seed=options.seed
    )
    check_outputs([options.run], {"--output": options.output or STDOUT})
    from seq2seq.tasks import load

    model = load(Path(options.run))
    start = model.begin() if lines is None else read_prompt(model, lines)
    before = model.codec.encode([lines[-1]])[0] if lines else []
    prompt = "\n".join([*lines[:-1], _as_read(model, lines[-1], before)]) if lines else ""
    with output(options.output) as out:
        for number in range(options.count):
            drawn = _drawn(options, model.sample(start, search, options.seed + number))
            if options.json:
                record = _record(model, prompt, before, list(drawn), options.seed + number)
                out.write(json.dumps(record, ensure_ascii=False) + "\n")
                continue
            from seq2seq.inference.writing import stream_text

            if number:
                out.write("\n")
            text = prompt
            out.write(text)
            for text in stream_text(model.codec, (token.id for token in drawn), before):
                out.write(text)
                out.flush()
            if not text.endswith("\n"):
                out.write("\n")


def _drawn(options: SampleOptions, tokens: Iterator[list[Drawn]]) -> Iterator[Drawn]:
    """Yields what is drawn up to the length, or to the end of the line."""
    for (token,) in islice(tokens, options.length):
        yield token
        if options.one_line and token.id == EOS:
            return


def _as_read(model: TextScorer, line: str, ids: Sequence[int]) -> str:
    """Returns the last line of a prompt without the blanks at its end, where its ids leave them out."""
    return line if model.codec.decode([ids])[0][-1:].isspace() else line.rstrip()


def _record(model: TextScorer, prompt: str, before: Sequence[int], drawn: list[Drawn], seed: int) -> dict[str, object]:
    from seq2seq.inference.writing import text_of

    ids = [token.id for token in drawn]
    return {
        "prompt": prompt,
        "text": text_of(model.codec, ids, before),
        "tokens": model.codec.pieces(ids),
        "log_probabilities": [round(token.log_prob, 6) for token in drawn],
        "log_probability": round(sum(token.log_prob for token in drawn), 6),
        "seed": seed,
    }
