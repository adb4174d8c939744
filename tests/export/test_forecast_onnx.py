"""The network of a forecaster in ONNX gives what the one in memory gives."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from seq2seq.series.codec import SeriesCodec
from seq2seq.series.windows import Windows
from tests.small_forecasters import COLUMNS, series, small_forecaster

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
pytest.importorskip("tf2onnx", reason="the converter is not installed")
if keras.backend.backend() != "tensorflow":
    pytest.skip("an ONNX model is made by TensorFlow", allow_module_level=True)

from seq2seq.export.forecast_onnx import export_forecast_onnx

WINDOWS = Windows(np.array([0, 1, 2, 1, 0]), np.array([40, 40, 40, 15, 5]))


def session(folder, name):
    import onnxruntime

    return onnxruntime.InferenceSession(folder / name)


def test_a_window_is_forecast_as_in_memory(tmp_path):
    forecaster = small_forecaster(COLUMNS, series_units=3, shrink="validation")
    folder = export_forecast_onnx(forecaster, tmp_path / "it")
    network = session(folder, "window.onnx")
    assert {each.name: each.shape for each in network.get_inputs()} == {
        "source": ["rows", 12, 13],
        "target_input": ["rows", 6, 11],
        "static": ["rows", 4],
        "series": ["rows"],
    }
    inputs, *_ = forecaster.inputs.inputs(series(columns=COLUMNS, ahead=8), WINDOWS)
    given = {each.name: inputs[each.name] for each in network.get_inputs()}
    (found,) = network.run(["parameters"], given)
    np.testing.assert_allclose(found, forecaster.networks[0].parameters(inputs), atol=1e-5)
    shape = json.loads((folder / "onnx.json").read_text())
    assert (shape["network"], shape["distribution"], "symbols" in shape) == ("window", "quantiles", False)
    assert SeriesCodec.load(folder / "series.json") == forecaster.codec


def test_a_step_goes_on_from_its_state(tmp_path):
    forecaster = small_forecaster(COLUMNS, kind="autoregressive", head="student_t", cell="lstm")
    network = session(export_forecast_onnx(forecaster, tmp_path / "it"), "step.onnx")
    inputs, *_ = forecaster.inputs.inputs(series(columns=COLUMNS, ahead=8), WINDOWS)
    names = [each.name for each in network.get_inputs()]
    states = [name for name in names if name.startswith("state_")]
    given = {name: np.zeros((5, 6), np.float32) if name in states else inputs[name] for name in names}
    memory = forecaster.networks[0]
    expected, _ = memory.advance(inputs, memory.begin(5))
    for time in range(expected.shape[1]):
        given["target_input"] = inputs["target_input"][:, time : time + 1]
        found, *after = network.run(["parameters", *(f"next_{name}" for name in states)], given)
        np.testing.assert_allclose(found[:, 0], expected[:, time], rtol=1e-4, atol=1e-5)
        given |= dict(zip(states, after, strict=True))
