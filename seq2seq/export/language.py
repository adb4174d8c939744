"""Exports of a language model, by the names of their forms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2seq.inference.language import TextModel


def export_language(form: str, model: TextModel, folder: Path, **options: Any) -> Path:
    """Writes a language model to `folder` in a form of `export.formats`; `options` as the functions below have them.

    Returns:
        The folder that is to be served: of a SavedModel the new version in `folder`, else `folder` itself.
    """
    if form == "saved_model":
        from seq2seq.export.language_saved_model import export_language_saved_model

        return export_language_saved_model(model, folder, **options)
    if form == "litert":
        from seq2seq.export.language_litert import export_language_litert

        return export_language_litert(model, folder, **options)
    if form == "onnx":
        from seq2seq.export.language_onnx import export_language_onnx

        return export_language_onnx(model, folder, **options)
    raise ValueError(f"A language model has no export of the form {form}.")
