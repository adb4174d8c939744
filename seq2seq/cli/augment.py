"""`seq2seq augment RUN`: synthetic pairs from text of one language; a stopped command goes on."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seq2seq.cli.arguments import add_batch_size, add_search_arguments, options_from, positive, utf8
from seq2seq.cli.bulk_translation import BulkOptions, add_bulk_arguments, check_bulk, run_bulk
from seq2seq.cli.common import EXIT_MISTAKE
from seq2seq.cli.line_translator import Counts, LineTranslator, TranslationOptions
from seq2seq.cli.model_arguments import add_ensemble_arguments
from seq2seq.cli.request_input import InputLine
from seq2seq.cli.text_io import input_lines, output
from seq2seq.messages import say, shell_word
from seq2seq.outputs import check_outputs
from seq2seq.text.synthetic import PairFilter, noisy
from seq2seq.types import Hypothesis

KINDS = {
    "back": "RUN writes the source, and the line is the target (back-translation; Sennrich et al. 2016)",
    "forward": "RUN writes the target, and the line is the source",
    "copy": "the line is both sides; without RUN (Currey et al. 2017)",
}
UNCERTAIN = "outputs below --min-confidence"


@dataclass(frozen=True)
class SyntheticOptions:
    """What becomes of a line and its output."""

    kind: str
    tag: str
    noise: bool
    noise_seed: int
    min_confidence: float
    filter: PairFilter

    def __post_init__(self) -> None:
        if " ".join(self.tag.split()) != self.tag:
            raise ValueError(
                "Expected a --tag of words with single spaces between, without tabs and line breaks. "
                f"Received: {self.tag!r}"
            )
        if not 0 <= self.min_confidence <= 1:
            raise ValueError(f"Expected --min-confidence in [0, 1]. Received: {self.min_confidence:g}")

    def row(self, number: int, line: str, written: str) -> tuple[str, str]:
        """Returns a line of the TSV, empty if it is left out, and why it is.

        Args:
            number: Of the line in the input, from 0; its noise depends on it.
            line: Of the input.
            written: The output for it.
        """
        source, target = (line, written) if self.kind == "forward" else (written, line)
        source, target = (" ".join(side.split()) for side in (source, target))
        if reason := self.filter.reason(source, target, may_copy=self.kind == "copy"):
            return "", reason
        source = noisy(source, (self.noise_seed, number)) if self.noise else source
        return f"{self.tag} {source}\t{target}\n".removeprefix(" "), ""


@dataclass(frozen=True)
class AugmentedOptions(TranslationOptions):
    """All that the pairs depend on."""

    pairs: SyntheticOptions

    def translator(self, notify: Callable[[str], None]) -> PairWriter:
        """Returns what does the work."""
        return PairWriter(self, notify)

    def more(self) -> dict[str, Any]:
        """Returns the options of the pairs, by the names of the flags."""
        values = asdict(self.pairs)
        return values | values.pop("filter")


class PairWriter(LineTranslator):
    """Writes pairs in place of outputs."""

    options: AugmentedOptions
    without = "Its pair is left out."

    def format(self, chunk: Sequence[InputLine], first: int, results: Sequence[Sequence[Hypothesis]]) -> str:
        """Returns the rows of a chunk, and counts what is left out; arguments as in `translate`."""
        pairs, rows, left_out = self.options.pairs, [], Counter[str]()
        for number, (line, found) in enumerate(zip(chunk, results, strict=True), first):
            if found and found[0].confidence < pairs.min_confidence:
                row, reason = "", UNCERTAIN
            else:
                row, reason = pairs.row(number, line.request.text, found[0].text if found else "")
            rows.append(row)
            left_out[reason] += bool(reason)
        self.counts = self.counts.plus(Counts(left_out=+left_out, pairs=len(chunk)))
        return "".join(rows)


@dataclass(frozen=True)
class AugmentOptions:
    """The options of the verb."""

    translation: AugmentedOptions
    output: str
    bulk: BulkOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the verb."""
    parser.add_argument("run", nargs="?", help="run folder, or LiteRT folder, that writes the missing side")
    add_ensemble_arguments(parser)
    parser.add_argument("--input", metavar="FILE", required=True, help="text, a line each; or .gz, .xz, .bz2, .zip")
    parser.add_argument("--output", metavar="FILE.tsv", required=True, help="gets the pairs: source, tab, target")
    parser.add_argument("--kind", choices=KINDS, default="back", help="; ".join(f"{k}: {v}" for k, v in KINDS.items()))
    parser.add_argument(
        "--tag",
        type=utf8,
        default="",
        metavar="TEXT",
        help="goes in front of every source, so that the model can tell these pairs from true ones (Caswell et al. "
        '2019), such as <BT>; train on them with --tokenizer.tags "<BT>", so that it is one token',
    )
    parser.add_argument(
        "--noise",
        action="store_true",
        help="drop a tenth of the words of every source and move the others by up to three places (Lample et al. 2018)",
    )
    parser.add_argument("--noise-seed", type=int, default=1, metavar="N", help="another one, other noise (default 1)")
    group = parser.add_argument_group(
        "what is left out (beside pairs with an empty side, copies and outputs that go round in circles)"
    )
    group.add_argument("--min-words", type=positive, default=1, metavar="N", help="pairs with fewer on one side")
    group.add_argument("--max-words", type=positive, default=100, metavar="N", help="with more (default 100)")
    group.add_argument(
        "--length-ratio", type=float, default=3.0, metavar="X", help="one side this many times longer (default 3)"
    )
    group.add_argument(
        "--min-confidence",
        type=float,
        default=0.0,
        metavar="P",
        help="outputs whose tokens have a lower mean probability, 0 to 1 (default 0)",
    )
    add_bulk_arguments(parser)
    add_search_arguments(parser)
    add_batch_size(parser, "lines searched together")
    # What `translate` can do with its lines beside.
    parser.set_defaults(workers=1, n_best=1, json=False, field="", replace_unknown=False, dictionary=None)
    parser.set_defaults(prefix="", include=[], exclude=[], exclude_file=None, terms=None)


def run(arguments: argparse.Namespace) -> int:
    """Writes the pairs.

    Returns:
        The exit code: that of a mistake if lines were left out by errors.

    Raises:
        ValueError: a mistake in the arguments or in the input.
    """
    is_copy = arguments.kind == "copy"
    if bool(arguments.run) == is_copy:
        expected = "no run with --kind copy" if is_copy else f"a run with --kind {arguments.kind}: it writes one side"
        raise ValueError(f"Expected {expected}. Received: {arguments.run or 'none'}")
    if is_copy:
        pairs = options_from(SyntheticOptions, arguments)
        check_outputs([arguments.input], {"--output": arguments.output})
        return _report(_copy(pairs, arguments.input, arguments.output), arguments.output)
    options = options_from(AugmentOptions, arguments)
    check_outputs([*options.translation.model.runs, arguments.input], {"--output": options.output})
    for flag, path in (("--input", arguments.input), ("--output", arguments.output)):
        if Path(path).exists() and not Path(path).is_file():
            raise ValueError(f"Expected {flag} FILE, a file on disk, which processes share. Received: {path}")
    check_bulk(options.bulk, options.translation, options.output)
    return _report(run_bulk(options.bulk, options.translation, options.output), options.output)


def _copy(pairs: SyntheticOptions, source: str, target: str) -> Counts:
    """Writes each line as both sides."""
    left_out, count = Counter[str](), 0
    lines: Iterable[str] = input_lines(source)[0]
    with output(target) as out:
        for count, line in enumerate(lines, 1):
            row, reason = pairs.row(count - 1, line, line)
            out.write(row)
            left_out[reason] += bool(reason)
    return Counts(left_out=+left_out, pairs=count)


def _report(counts: Counts, path: str) -> int:
    """Says what was written and left out; returns the exit code."""
    lost = counts.left_out.total()
    reasons = "; ".join(f"{reason}: {count:,}" for reason, count in counts.left_out.most_common())
    for warning in counts.warnings():
        say(warning)
    say(f"{path}: {counts.pairs - lost:,} of {counts.pairs:,} pairs." + (f" Left out: {reasons}." if lost else ""))
    if lost < counts.pairs:
        say(f"Look at them: seq2seq doctor --source {shell_word(path)}")
    return EXIT_MISTAKE if counts.has_errors else 0
