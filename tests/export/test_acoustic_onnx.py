"""The network of a recogniser in ONNX gives what the one in memory gives: of whole recordings, and block by block."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from tests.recognizers import MELS, RATE, make_recognizer, sound, write_run, write_wav

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
pytest.importorskip("tf2onnx", reason="the converter is not installed")
if keras.backend.backend() != "tensorflow":
    pytest.skip("an ONNX model is made by TensorFlow", allow_module_level=True)

from benchmarks.onnx_recognizer import load_recognizer
from seq2seq.export import acoustic_onnx
from seq2seq.export.acoustic_onnx import export_acoustic_onnx
from seq2seq.inference.streaming import NEVER, hear_whole

MODELS = {
    "gru that looks ahead": {"lookahead": 3, "stack": 3, "num_layers": 1},
    "lstm and convolutions": {"cell": "lstm", "residual": True, "input_units": 5, "filters": (4, 6), "num_layers": 1},
    "both directions beside a decoder": {
        "bidirectional": True,
        "num_layers": 1,
        "attention_weight": 0.3,
        "decoder_units": 4,
    },
}
FRAMES = (0, 1, 7, 8, 9, 31, 64)
"""Less than a step, whole steps, and some beside them."""


@pytest.fixture(scope="module", params=MODELS)
def pair(request, tmp_path_factory):
    """A recogniser in memory, and its export."""
    recognizer = make_recognizer(**MODELS[request.param])
    return recognizer, export_acoustic_onnx(recognizer, tmp_path_factory.mktemp("onnx") / "it")


def test_what_is_heard_is_what_the_model_in_memory_hears(pair, rng):
    recognizer, found = pair[0], load_recognizer(pair[1])
    frames = [rng.normal(size=(count, MELS)).astype(np.float32) for count in FRAMES]
    expected = list(recognizer.network.log_probs(frames))
    together, alone = (
        found.network.log_probs(frames),
        [next(found.network.log_probs([part])) for part in frames],
    )
    for one, other, log_probs in zip(together, alone, expected, strict=True):
        assert one.shape == other.shape == log_probs.shape
        np.testing.assert_allclose(one, log_probs, atol=1e-4)
        np.testing.assert_allclose(other, log_probs, atol=1e-4)
    samples = sound(1.0)
    one, other = found.transcribe(samples, RATE), recognizer.transcribe(samples, RATE)
    assert one.text == other.text != ""
    assert [word.start for word in one.words] == [word.start for word in other.words]


def test_blocks_of_every_size_and_streams_of_rows_go_on_from_their_state(pair, rng):
    recognizer, found = pair[0], load_recognizer(pair[1])
    if not recognizer.can_stream:
        with pytest.raises(ValueError, match="needs the whole recording"):
            found.stream(RATE)
        return
    frames = rng.normal(size=(41, MELS)).astype(np.float32)
    [expected] = recognizer.network.log_probs([frames])
    for steps in (1, 3, 50):
        found.network.steps = steps
        np.testing.assert_allclose(hear_whole(found.network, frames), expected, atol=1e-4)
    found.network.steps = 4
    texts = []
    for each in (found, recognizer):
        stream = each.stream(RATE, NEVER)
        updates = [*map(stream.push, np.split(sound(1.0), 10)), stream.finish()]
        texts.append(" ".join(update.final for update in updates).split())
    assert texts[0] == texts[1] != []


def test_inputs_and_axes_have_the_names_of_the_documentation(pair):
    import onnxruntime

    recognizer, folder = pair
    session, shape = onnxruntime.InferenceSession(folder / "hear.onnx"), json.loads((folder / "onnx.json").read_text())
    state = shape.get("state", [])
    assert [(each.name, each.shape) for each in session.get_inputs()] == [
        ("frames", ["rows", "time", MELS]),
        ("real", ["rows"]),
        *((f"state_{number}", ["rows", *size]) for number, size in enumerate(state)),
    ]
    finals = [f"next_state_{number}" for number in range(len(state))]
    assert [each.name for each in session.get_outputs()] == ["log_probs", *finals]
    delay = recognizer.network.model.delay if recognizer.can_stream else None
    assert (shape["delay"], shape["blank"], shape["size"]) == (delay, 0, recognizer.codec.size)
    assert bool(state) == recognizer.can_stream


def test_the_command_writes_the_folder_and_a_failed_one_leaves_the_old(tmp_path, cli, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    run = write_run(tmp_path / "run", bidirectional=True)
    monkeypatch.setattr(acoustic_onnx, "write_network", lambda network, path, *_: path.write_bytes(b"new"))
    code, out, err = cli("export", run, "--format", "onnx", "--beam-size", 3)
    folder = run / "export" / "onnx"
    assert (code, out, err) == (0, f"{folder}\n", "")
    files = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    assert files == ["frontend.json", "hear.onnx", "onnx.json", "vocabulary.json"]
    assert json.loads((folder / "onnx.json").read_text())["search"] == {"beam_size": 3}
    code, _, err = cli("transcribe", folder, write_wav(tmp_path / "a.wav", sound(0.1)))
    assert code == 2
    assert err.startswith(
        f"error: {folder} is no run folder: it has no recipe.json. `seq2seq export --format onnx` made"
    )
    monkeypatch.setattr(acoustic_onnx, "write_network", full)
    assert cli("export", run, "--format", "onnx")[0] != 0
    assert (folder / "hear.onnx").read_bytes() == b"new"
    assert [path.name for path in folder.parent.iterdir()] == ["onnx"]
