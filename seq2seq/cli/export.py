"""`seq2seq export RUN`: a trained run in a form that others serve."""

from __future__ import annotations

import argparse
from pathlib import Path

from seq2seq.cli.text_io import add_search_arguments, positive, search_options
from seq2seq.folders import next_version
from seq2seq.messages import show
from seq2seq.outputs import Folder, check_outputs, export_kind


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder that a recipe made")
    parser.add_argument(
        "--format",
        choices=["saved_model", "litert", "onnx"],
        required=True,
        help="saved_model: text in, text out, for tf.saved_model.load and TensorFlow Serving; "
        "litert: a small folder that `seq2seq translate` runs without TensorFlow; onnx: encoder and decoder step",
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
    add_search_arguments(parser, batched=False)


def run(arguments: argparse.Namespace) -> None:
    """Does the verb's work; ValueError for a mistake in the arguments."""
    lite = arguments.format == "litert"
    if arguments.ids_only and arguments.format != "saved_model":
        raise ValueError("--ids-only is for --format saved_model.")
    if arguments.quantize and not lite:
        raise ValueError("--quantize is for --format litert.")
    from seq2seq.run.folder import RunFolder

    exports = RunFolder(arguments.run).exports
    folder = Path(arguments.output or exports / ("saved_model_ids" if arguments.ids_only else arguments.format))
    new, kind = folder, export_kind(arguments.format)
    if arguments.format == "saved_model":
        try:
            new, kind = next_version(folder), ""
        except ValueError as error:
            raise ValueError(f"--output {error}") from None
    check_outputs([arguments.run], {}, Folder("--output", new, kind, exports))
    from seq2seq.tasks.text_to_text.loading import load_generator

    generator = load_generator(Path(arguments.run), **search_options(arguments))
    options = {"litert": {"quantize": arguments.quantize or "int8"}, "saved_model": {"ids_only": arguments.ids_only}}
    from seq2seq.export.formats import export

    show(export(arguments.format, generator, folder, **options.get(arguments.format, {})))
