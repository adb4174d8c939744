"""Exports of a recogniser, by the names of their forms."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2seq.inference.recognition import Recognizer

_log = logging.getLogger(__name__)


def export_acoustic(form: str, recognizer: Recognizer, folder: Path, **options: Any) -> Path:
    """Writes a recogniser to `folder` in a form of `export.formats`; `options` as the functions below have them.

    Returns:
        The folder that is to be served: of a SavedModel the new version in `folder`, else `folder` itself.
    """
    network: Any = recognizer.network
    if network.model.label_decoder is not None:
        _log.info("The decoder with attention stays in the run: the export transcribes by CTC alone.")
    if form == "saved_model":
        from seq2seq.export.acoustic_saved_model import export_acoustic_saved_model

        return export_acoustic_saved_model(recognizer, folder, **options)
    if form == "litert":
        from seq2seq.export.acoustic_litert import export_acoustic_litert

        return export_acoustic_litert(recognizer, folder, **options)
    if form == "onnx":
        from seq2seq.export.acoustic_onnx import export_acoustic_onnx

        return export_acoustic_onnx(recognizer, folder, **options)
    raise ValueError(f"A recogniser has no export of the form {form}: expected saved_model, litert or onnx.")
