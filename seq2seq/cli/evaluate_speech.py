"""`seq2seq evaluate RUN` of a recogniser: its word and character error rates on a test set or a manifest."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.cli.arguments import options_from, positive
from seq2seq.cli.speech_search import SpeechSearch, add_speech_search
from seq2seq.cli.text_io import output
from seq2seq.lite.kinds import kind_of_folder
from seq2seq.messages import show
from seq2seq.outputs import STDOUT, check_outputs

if TYPE_CHECKING:
    from seq2seq.evaluation.recognition import Errors


@dataclass(frozen=True)
class EvaluateOptions:
    """The options of the verb."""

    run: str
    test: str | None
    manifest: str | None
    search: SpeechSearch
    examples: int | None
    output: str | None
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder of a recogniser; or a LiteRT folder made of one, with --manifest")
    parser.add_argument(
        "--test", metavar="NAME", help="test set of the run's recipe, or validation (default: its first test set)"
    )
    parser.add_argument(
        "--manifest", metavar="FILE", help="instead of --test: a .tsv or .jsonl with audio and text, or a Kaldi folder"
    )
    parser.add_argument(
        "--examples", type=positive, default=None, metavar="N", help="show the first N utterances with errors"
    )
    parser.add_argument(
        "--output", metavar="FILE", help="write what was heard there, a table of utterances, which compare takes"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_speech_search(parser)


def run(arguments: argparse.Namespace) -> None:
    """Scores the run. Raises ValueError for a mistake in the options or in the input."""
    options = options_from(EvaluateOptions, arguments)
    if options.test and options.manifest:
        raise ValueError("Give either --test or --manifest, not both.")
    manifests = [options.manifest] if options.manifest else []
    check_outputs(
        [options.run, *manifests, *options.search.inputs], {"--output": options.output, "standard output": STDOUT}
    )
    from seq2seq.evaluation.recognition import evaluate, measured, table

    name, manifest, channel = _recordings(options)
    from seq2seq.tasks import load

    recognizer = load(Path(options.run))
    options.search.apply(recognizer)
    begin = time.perf_counter()
    found = evaluate(recognizer, manifest, channel)
    factor = (time.perf_counter() - begin) / max(found.seconds, 1e-9)
    rows = found.heard(name)
    if options.output:
        with output(options.output) as stream:
            stream.write(table(rows))
    errors = measured(rows)
    if options.json:
        values = {measure: asdict(score) | _counts(errors[measure]) for measure, score in found.scores.items()}
        show(json.dumps({**values, "seconds": round(found.seconds, 3), "real_time_factor": factor}, indent=2))
        return
    for measure, score in found.scores.items():
        show(f"{measure:8} {score.score:8.2f} ± {errors[measure].score.interval:.2f}   {score.signature}")
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in list(_counts(errors[measure]).items())[1:4])
        show(f"{'':17} {kinds} in {errors[measure].length:,}")
    show(f"{len(found.texts):,} utterances, {found.seconds:,.1f} s of sound, real-time factor {factor:.4f}")
    wrong = [(u, text) for u, text in zip(found.utterances, found.texts, strict=True) if u.text != text]
    for utterance, text in wrong[: options.examples or 0]:
        show(f"{utterance.place}\n  {utterance.text}\n  {text}")


def _recordings(options: EvaluateOptions) -> tuple[str, Path, int]:
    """Returns the name of the test set, its manifest, and the channel to hear."""
    if kind_of_folder(Path(options.run)):
        if not options.manifest:
            raise ValueError(f"{options.run} is an export, which has no test set. Give a manifest: --manifest FILE.")
        return options.manifest, Path(options.manifest), 0
    from seq2seq.tasks.speech.evaluation import find_manifest
    from seq2seq.tasks.speech.folder import SpeechRunFolder

    name, manifest = find_manifest(Path(options.run), options.test, options.manifest)
    return name, manifest, SpeechRunFolder(options.run).load_recipe().data.channel


def _counts(errors: Errors) -> dict[str, float]:
    return {
        "interval": errors.score.interval,
        "substitutions": errors.substitutions,
        "deletions": errors.deletions,
        "insertions": errors.insertions,
        "length": errors.length,
    }
