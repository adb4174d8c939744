"""`seq2seq export RUN`: a trained run in a form that others serve."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2seq.cli.arguments import SearchChanges, add_search_arguments, options_from, positive
from seq2seq.extras import require
from seq2seq.folders import next_version
from seq2seq.messages import show
from seq2seq.outputs import Folder, check_outputs, export_kind


@dataclass(frozen=True)
class ExportOptions:
    """The options of the verb."""

    run: str
    format: str
    output: str | None
    search: SearchChanges
    ids_only: bool
    quantize: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder that a recipe made")
    parser.add_argument(
        "--format",
        choices=["saved_model", "litert", "onnx"],
        required=True,
        help="saved_model: text in, text out, for tf.saved_model.load and TensorFlow Serving; "
        "litert: a small folder that `seq2seq` runs without TensorFlow; "
        "onnx: the networks alone, for a host that searches",
    )
    parser.add_argument(
        "--output",
        metavar="DIR",
        help="where to write (default: RUN/export/FORMAT); a SavedModel becomes the next of the versions 1, 2, … there",
    )
    parser.add_argument("--n-best", type=positive, default=1, metavar="N", help="give N hypotheses for each text")
    parser.add_argument(
        "--ids-only",
        action="store_true",
        help="saved_model: ids in, ids out, for servers without tensorflow-text's operations",
    )
    parser.add_argument(
        "--quantize",
        choices=["none", "float16", "int8"],
        help="litert: format of the weights (default int8, a quarter of the size and the fastest)",
    )
    add_search_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Writes the export and prints where it is. Raises ValueError for a mistake in the arguments."""
    options = options_from(ExportOptions, arguments)
    if options.ids_only and options.format != "saved_model":
        raise ValueError("--ids-only is for --format saved_model.")
    if options.quantize and options.format != "litert":
        raise ValueError("--quantize is for --format litert.")
    from seq2seq.run.folder import RunFolder
    from seq2seq.tasks import task_of

    task = task_of(options.run)
    require(*(() if options.ids_only else task.EXPORTS.get(options.format, ())))
    exports = RunFolder(options.run).exports
    folder = Path(options.output or exports / ("saved_model_ids" if options.ids_only else options.format))
    new, kind = folder, export_kind(options.format)
    if options.format == "saved_model":
        try:
            new, kind = next_version(folder), ""
        except ValueError as error:
            raise ValueError(f"--output {error}") from None
    check_outputs([options.run], {}, Folder("--output", new, kind, exports))
    of_format: dict[str, dict[str, Any]] = {
        "litert": {"quantize": options.quantize or "int8"},
        "saved_model": {"ids_only": options.ids_only},
    }
    chosen = of_format.get(options.format, {})
    show(task.export(Path(options.run), options.format, folder, options.search.values, **chosen))
