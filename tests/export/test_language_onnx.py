"""The step of a language model in ONNX gives what the model in memory gives."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from seq2seq.symbols import EOS
from seq2seq.text.codecs import load_codec
from tests.language_models import LINES, ODD, characters, make_text_model, words

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
pytest.importorskip("tf2onnx", reason="the converter is not installed")
if keras.backend.backend() != "tensorflow":
    pytest.skip("an ONNX model is made by TensorFlow", allow_module_level=True)

from seq2seq.export import language_onnx
from seq2seq.export.language_onnx import export_language_onnx

MODELS = {
    "lstm": {"cell": "lstm", "num_layers": 2, "residual": True},
    "layer_norm_lstm": {"cell": "layer_norm_lstm", "readout": True, "units": 7, "tie": False},
    "ssru": {"cell": "ssru"},
    "min_gru": {"cell": "min_gru", "readout": True, "units": 7},
    "gru": {"cell": "gru", "num_layers": 2},
    "simple": {"cell": "simple"},
}


@pytest.mark.parametrize("name", MODELS)
def test_lines_are_scored_step_by_step_as_in_memory(name, tmp_path):
    model = make_text_model(characters() if name == "ssru" else words(), **MODELS[name])
    folder = export_language_onnx(model, tmp_path / "it")
    shape = json.loads((folder / "onnx.json").read_text())
    codec = load_codec(folder / shape["tokenizer"])
    assert codec.vocabulary == model.codec.vocabulary
    assert shape["symbols"]["eos"] == EOS
    import onnxruntime

    step = onnxruntime.InferenceSession(folder / "step.onnx")
    assert [(i.name, i.shape) for i in step.get_inputs()] == [("ids", ["rows"]), ("state", ["rows", shape["state"]])]
    lines = [*LINES, *ODD]
    rows = [[*ids, EOS] for ids in codec.encode(lines)]
    last, state = np.full(len(rows), EOS, np.int32), np.zeros((len(rows), shape["state"]), np.float32)
    found = np.zeros((len(rows), max(map(len, rows))), np.float32)
    for time in range(found.shape[1]):
        log_probs, state = step.run(["log_probabilities", "next_state"], {"ids": last, "state": state})
        assert log_probs.shape[1] == shape["size"]
        last = np.asarray([row[time] if time < len(row) else 0 for row in rows], np.int32)
        found[:, time] = log_probs[np.arange(len(rows)), last]
    for row, line in zip(found, model.score_lines(lines), strict=True):
        np.testing.assert_allclose(row[: len(line.ids)], line.log_probs, atol=1e-4)


def test_a_failed_export_leaves_the_old_one(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    model = make_text_model(words())
    monkeypatch.setattr(language_onnx, "write_network", lambda network, path, inputs: path.write_bytes(b"new"))
    export_language_onnx(model, tmp_path / "it")
    monkeypatch.setattr(language_onnx, "write_network", full)
    with pytest.raises(OSError, match="No space"):
        export_language_onnx(model, tmp_path / "it")
    assert (tmp_path / "it" / "step.onnx").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["it"]
