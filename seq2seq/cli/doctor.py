"""`seq2seq doctor`: look at a corpus before training on it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from seq2seq.cli.arguments import PairOptions, add_pair_arguments, options_from, positive, utf8
from seq2seq.cli.doctor_audio import AudioOptions, add_audio_arguments, look, recordings
from seq2seq.cli.doctor_table import TableOptions, add_table_arguments, look_at_table, meant_table
from seq2seq.cli.doctor_text import look_at_text
from seq2seq.doctor.kinds import KINDS

ABOUT = """\
Looks at a corpus before anything is trained on it, and says what is wrong, where, and what to do. Files may be larger
than memory; the folder for temporary files (TMPDIR) needs room for some 60 bytes a pair, and for text from pipes.

error: training would refuse the corpus. warning: it would harm. note: worth a look.
Exit codes: 0 no errors, or --fix has written a clean copy; 1 errors were found; 2 wrong arguments; 130 interrupted.
"""


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
    add_audio_arguments(parser)
    add_table_arguments(parser)


@dataclass(frozen=True)
class DoctorOptions:
    """The options of the verb."""

    pairs: PairOptions
    recipe: str | None
    run: str | None
    test_source: tuple[str, ...]
    validation_source: str | None
    validation_target: str | None
    source_language: str | None
    target_language: str | None
    source_model: str | None
    target_model: str | None
    max_length: int | None
    html: str | None
    json: bool
    fix: str | None
    drop: tuple[str, ...]
    keep: tuple[str, ...]
    no_forecast: bool
    processes: int
    audio: AudioOptions
    table: TableOptions

    @property
    def recipe_file(self) -> Path | None:
        """The file that --recipe names; None where it is the name of a recipe."""
        return Path(self.recipe) if self.recipe and Path(self.recipe).is_file() else None


def run(arguments: argparse.Namespace) -> int:
    """Examines the corpus, and cleans it if asked to. Raises ValueError for a mistake in the arguments.

    Returns:
        The exit code.
    """
    options = options_from(DoctorOptions, arguments)
    if options.run and options.recipe:
        raise ValueError("Give either --run or --recipe: a run has its recipe.")
    if table := meant_table(options.table, options.recipe, options.run):
        _check_other(options, "series are")
        if options.audio.manifest or options.audio.test_manifest:
            raise ValueError("Give either --table or --manifest.")
        return look_at_table(table, options.json)
    if found := recordings(options.audio, options.recipe, options.run):
        _check_other(options, "recordings are")
        return look(found, options.json)
    return look_at_text(options)


def _check_other(options: DoctorOptions, what: str) -> None:
    """Raises ValueError for options that are about text."""
    given = {
        "--source": options.pairs.source,
        "--test-source": options.test_source,
        "--validation-source": options.validation_source,
        "--validation-target": options.validation_target,
        "--source-language": options.source_language,
        "--target-language": options.target_language,
        "--source-model": options.source_model,
        "--max-length": options.max_length,
        "--drop": options.drop,
        "--keep": options.keep,
        "--fix": options.fix,
        "--html": options.html,
    }
    if wrong := [name for name, value in given.items() if value]:
        raise ValueError(f"{wrong[0]} is for text, and {what} looked at: leave it out.")
