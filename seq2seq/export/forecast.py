"""Exports of a forecaster, by the names of their forms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2seq.inference.forecasting import Forecaster


def export_forecaster(form: str, forecaster: Forecaster, folder: Path, **options: Any) -> Path:
    """Writes a forecaster to `folder` in a form of `export.formats`; `options` as the functions below have them.

    Returns:
        The folder that is to be served: of a SavedModel the new version in `folder`, else `folder` itself.
    """
    if form == "saved_model":
        from seq2seq.export.forecast_saved_model import export_forecast_saved_model

        return export_forecast_saved_model(forecaster, folder, **options)
    if form == "litert":
        from seq2seq.export.forecast_litert import export_forecast_litert

        return export_forecast_litert(forecaster, folder, **options)
    if form == "onnx":
        from seq2seq.export.forecast_onnx import export_forecast_onnx

        return export_forecast_onnx(forecaster, folder, **options)
    raise ValueError(f"A forecaster has no export of the form {form}: expected saved_model, litert or onnx.")


def refusal(form: str, forecaster: Forecaster) -> str:
    """Returns why a forecaster cannot be exported in this form; "" where it can."""
    if form == "litert":
        from seq2seq.export.forecast_litert import refusal_of_litert

        return refusal_of_litert(forecaster)
    return ""
