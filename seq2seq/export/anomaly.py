"""Exports of a detector of anomalies, by the names of their forms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2seq.inference.anomalies import AnomalyDetector


def export_anomaly(form: str, detector: AnomalyDetector, folder: Path, **options: Any) -> Path:
    """Writes a detector to `folder` in a form of `export.formats`; `options` as the functions below have them.

    Returns:
        The folder that is to be served: of a SavedModel the new version in `folder`, else `folder` itself.
    """
    if form == "saved_model":
        from seq2seq.export.anomaly_step import export_anomaly_saved_model

        return export_anomaly_saved_model(detector, folder, **options)
    if form == "litert":
        from seq2seq.export.anomaly_litert import export_anomaly_litert

        return export_anomaly_litert(detector, folder, **options)
    if form == "onnx":
        from seq2seq.export.anomaly_step import export_anomaly_onnx

        return export_anomaly_onnx(detector, folder, **options)
    raise ValueError(f"A detector has no export of the form {form}: expected saved_model, litert or onnx.")
