"""Lines in, lines out: standard streams or files, checked line by line, an output file whole or not at all."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from seq2seq.cli.live_input import LiveInput, standard_input
from seq2seq.files import output_text
from seq2seq.search.options import MOST
from seq2seq.text.lines import lines_of, read_lines

SEARCH_FIELDS = (
    "beam_size",
    "normalization",
    "length_penalty",
    "mbr",
    "coverage_penalty",
    "min_length",
    "no_repeat_ngram",
    "groups",
    "diversity",
    "max_ratio",
    "max_extra",
    "max_input",
    "cut_input",
    "extract",
    "sampling",
    "temperature",
    "top_k",
    "top_p",
    "seed",
)
"""The fields of `SearchOptions` that are flags under the same names."""


def positive(text: str) -> int:
    """An argparse type: an int of at least 1."""
    value = int(text)
    if not 1 <= value <= MOST:
        raise argparse.ArgumentTypeError(f"must be from 1 to {MOST:,}, received {str(value)[:40]}")
    return value


def utf8(value: str) -> str:
    """An argparse type: text, which must be UTF-8; the name of a file need not be."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"expected UTF-8, received {os.fsencode(value)!r}") from None
    return value


def add_search_arguments(parser: argparse.ArgumentParser, batched: bool = True) -> None:
    """The options of search that every translating verb has; what is not given stays as the recipe has it."""
    group = parser.add_argument_group("search (default: as in the run's recipe)")
    group.add_argument("--beam-size", type=positive, metavar="N", help="hypotheses kept at each step; 1 is greedy")
    group.add_argument("--normalization", choices=["none", "average", "gnmt"], help="length normalisation of scores")
    group.add_argument("--length-penalty", type=float, metavar="X", help="exponent of the length normalisation")
    group.add_argument(
        "--mbr",
        type=float,
        metavar="X",
        help="above 0: of a beam the hypothesis most like the others (minimum Bayes risk); try 0.2, beam 10",
    )
    group.add_argument("--coverage-penalty", type=float, metavar="X", help="above 0: leave nothing of the input out")
    group.add_argument("--min-length", type=int, metavar="N", help="fewest pieces of an output")
    group.add_argument("--no-repeat-ngram", type=int, metavar="N", help="never the same N pieces twice in one output")
    group.add_argument(
        "--groups", type=positive, metavar="N", help="parts of the beam that are made to differ; divides --beam-size"
    )
    group.add_argument("--diversity", type=float, metavar="X", help="how much the groups must differ (default 0.5)")
    group.add_argument("--max-ratio", type=float, metavar="X", help="longest output: X * input pieces + --max-extra")
    group.add_argument("--max-extra", type=int, metavar="N", help="see --max-ratio")
    _add_input_limits(group)
    group.add_argument(
        "--extract",
        action=argparse.BooleanOptionalAction,
        help="write the words that the model's selector keeps instead of searching",
    )
    group.add_argument("--sampling", action="store_true", default=None, help="draw at random instead of searching")
    group.add_argument("--temperature", type=float, metavar="X", help="sampling: smaller is closer to greedy")
    group.add_argument("--top-k", type=int, metavar="N", help="sampling: among the N likeliest pieces; 0 is all")
    group.add_argument("--top-p", type=float, metavar="P", help="sampling: among the likeliest pieces that sum to P")
    group.add_argument("--seed", type=int, metavar="N", help="sampling: same seed, same text")
    if batched:
        parser.add_argument(
            "--batch-size", type=positive, default=64, metavar="N", help="lines searched together (default 64)"
        )


def add_pair_arguments(parser: argparse.ArgumentParser, source: str, target: str, required: bool = True) -> None:
    """Declares --source and --target, files of pairs, and the names of fields where one file holds both sides."""
    parser.add_argument("--source", metavar="FILE", required=required, help=f"{source}; several: FILE,FILE")
    parser.add_argument("--target", metavar="FILE", help=target)
    parser.add_argument(
        "--source-field",
        type=utf8,
        default="",
        metavar="NAME",
        help="its field in JSON (a.b: b within a), or its column of a table",
    )
    parser.add_argument("--target-field", type=utf8, default="", metavar="NAME", help="the same of the target")


def add_input_limits(parser: argparse.ArgumentParser) -> None:
    """The options of verbs that read a source and do not search."""
    _add_input_limits(parser.add_argument_group("long lines (default: as in the run's recipe)"))


def _add_input_limits(group: Any) -> None:
    group.add_argument("--max-input", type=positive, metavar="N", help="refuse lines of more pieces")
    group.add_argument("--cut-input", action="store_true", default=None, help="read only the beginning of longer lines")


def input_limits(arguments: argparse.Namespace) -> dict[str, Any]:
    """The given ones among `add_input_limits`."""
    return {name: given for name in ("max_input", "cut_input") if (given := getattr(arguments, name)) is not None}


def search_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The given ones among `add_search_arguments`, and of a verb's --n-best."""
    given = vars(arguments)
    options = {name: given[name] for name in SEARCH_FIELDS if given[name] is not None}
    return options | ({"num_best": arguments.n_best} if given.get("n_best", 1) > 1 else {})


def input_lines(path: str | None) -> tuple[Iterator[str], Callable[[], bool]]:
    """Returns the lines of a file, or of standard input; and what says whether the next is at hand, or long in coming.

    Raises:
        CorpusError: a line is no text; it names the line.
        ValueError: there is no standard input.
    """
    if path:
        return read_lines(Path(path)), lambda: True
    stream = standard_input()

    def read_line(size: int) -> bytes:
        try:
            return stream.readline(size)
        except OSError as error:
            raise OSError(error.errno, error.strerror, "standard input") from error

    return lines_of(read_line, "standard input"), stream.at_hand if isinstance(stream, LiveInput) else lambda: True


@contextmanager
def output(path: str | None) -> Iterator[TextIO]:
    """Standard output, or a file as `files.output_text` writes it: whole, and links, devices and pipes as such."""
    if path is None:
        if sys.stdout is None:
            raise ValueError("Standard output is closed, and no file is given to write to.")
        # The locale must not decide: text is UTF-8 here, in and out.
        stream = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="\n", write_through=False)
        try:
            yield stream
            stream.flush()
        finally:
            stream.detach()
        return
    with output_text(path) as file:
        yield file
