"""The forms in which a model is shipped, "saved_model", "litert" and "onnx": as recipes and commands name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from seq2seq.extras import EXPORTS, PACKAGES, is_installed
from seq2seq.lite.folder import is_lite_folder

if TYPE_CHECKING:
    from seq2seq.inference.generator import Generator


def missing_for(form: str, needs: Mapping[str, Sequence[str]] = EXPORTS) -> str | None:
    """Returns what an export in this form needs and this machine lacks; None if it can be made here.

    Args:
        form: Its name.
        needs: The modules that each form needs, as `Task.EXPORTS` has them.
    """
    if keras.backend.backend() != "tensorflow":
        return "TensorFlow as Keras' backend"
    missing = [module for module in needs[form] if not is_installed(module)]
    if not missing:
        return None
    return f"{missing[0].replace('_', '-')} (this project's extra [{PACKAGES[missing[0]]}])"


def refusal(form: str, generator: Generator, ids_only: bool = False) -> str:
    """Returns why this generator cannot be exported in this form; "" where it can."""
    if form == "saved_model" and generator.source_tokenizer.placeholders and not ids_only:
        return (
            "A SavedModel that takes text cannot copy placeholders (tokenizer.placeholders): the run folder and "
            "--format litert can, and with --ids-only the client masks and restores them."
        )
    return ""


def has_export(form: str, folder: Path) -> bool:
    """Whether `folder` holds a whole export in this form."""
    if form == "litert":
        return is_lite_folder(folder)
    if form == "onnx":
        from seq2seq.export.onnx import SHAPE_FILE

        return (folder / SHAPE_FILE).is_file()
    return folder.is_dir() and any(path.name.isdigit() for path in folder.iterdir())


def export(form: str, generator: Generator, folder: Path, **options: Any) -> Path:
    """Writes a generator to `folder` in this form; `options` as `export_saved_model`, `export_litert`.

    ValueError for an ensemble.

    Returns:
        The folder that is to be served: of a SavedModel the new version in `folder`, else `folder` itself.
    """
    if hasattr(generator.model, "members"):
        raise ValueError(
            "An ensemble is not exported: a form that others serve holds one model. Export one of its runs, or what "
            "`seq2seq average` makes of epochs of one."
        )
    if reason := refusal(form, generator, bool(options.get("ids_only"))):
        raise ValueError(reason)
    if form == "litert":
        from seq2seq.export.litert import export_litert

        return export_litert(generator, folder, **options)
    if form == "onnx":
        from seq2seq.export.onnx import export_onnx

        return export_onnx(generator, folder)
    from seq2seq.export.saved_model import export_saved_model

    return export_saved_model(generator, folder, **options)
