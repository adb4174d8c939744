"""The step of a detector in a SavedModel and in ONNX gives the scores of the one in memory."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from seq2seq.series.alarms import load_normal
from seq2seq.series.streams import Stream, StreamCodec
from tests.detectors import HOURS, in_memory, readings

if keras.backend.backend() != "tensorflow":
    pytest.skip("exports are made by TensorFlow", allow_module_level=True)
import tensorflow as tf

from seq2seq.export.anomaly import export_anomaly


class Host:
    """A `StreamNetwork` of a function of one step: `call(inputs) -> outputs` by name, and the widths of the state."""

    def __init__(self, call, widths):
        self.call, self.widths = call, widths

    def begin(self, rows):
        return {f"state_{number}": np.zeros((rows, width), np.float32) for number, width in enumerate(self.widths)}

    def advance(self, features, mask, state):
        assert mask is None
        rows, found = len(features), []
        for time in range(features.shape[1]):
            given = {
                "target_input": features[:, time : time + 1].astype(np.float32),
                "static": np.zeros((rows, 1), "f"),
            }
            parameters, state = self.call({**given, **state})
            found.append(parameters)
        return np.concatenate(found, axis=1), state


def saved_model(folder):
    step = tf.saved_model.load(str(folder)).signatures["serving_default"]
    about = json.loads((folder / "assets.extra" / "about.json").read_text())

    def call(inputs):
        found = {name: part.numpy() for name, part in step(**{n: tf.constant(p) for n, p in inputs.items()}).items()}
        return found.pop("parameters"), found

    return call, about


def onnx(folder):
    import onnxruntime

    session, about = onnxruntime.InferenceSession(folder / "step.onnx"), json.loads((folder / "onnx.json").read_text())

    def call(inputs):
        names = [name for name in inputs if name.startswith("state_")]
        found, *after = session.run(["parameters", *(f"next_{name}" for name in names)], inputs)
        return found, dict(zip(names, after, strict=True))

    return call, about


@pytest.mark.parametrize("form", ["saved_model", "onnx"])
def test_a_host_gives_the_scores_of_the_detector_in_memory(form, tmp_path):
    if form == "onnx":
        pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
        pytest.importorskip("tf2onnx", reason="the converter is not installed")
    normal = [np.linspace(0, 2, 3000)]
    detector = in_memory(threshold=0.5, normal=lambda: normal)
    folder = export_anomaly(form, detector, tmp_path / "it")
    call, about = (saved_model if form == "saved_model" else onnx)(folder)
    assert (about["network"], about["distribution"], about["size"]) == ("step", "student_t", 3)
    assert about["alarms"] == {"rate": 10.0, "gap": 3, "threshold": 0.5}
    if form == "onnx":
        assert StreamCodec.load(folder / "streams.json") == detector.codec
        np.testing.assert_array_equal(load_normal(folder / "normal.npz")[0], normal[0])
    else:
        assert (about["streams"]["frequency"], "last reading" in about["inputs"]["target_input"]) == ("h", True)
    streams = [Stream("a", readings(250, jump=200), HOURS[:250], 24)]
    (expected,) = detector.detect_streams(streams, 0.5)
    detector.network = Host(call, about["state"])
    (found,) = detector.detect_streams(streams, 0.5)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-3)
    assert [alarm[:2] for alarm in found.alarms] == [alarm[:2] for alarm in expected.alarms]
    assert expected.alarms


def test_an_unknown_form_is_refused(tmp_path):
    with pytest.raises(ValueError, match="A detector has no export of the form tflite"):
        export_anomaly("tflite", in_memory(), tmp_path / "it")
