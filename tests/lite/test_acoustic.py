"""A LiteRT folder of a recogniser hears what the model in memory hears, without TensorFlow, however a stream is cut."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seq2seq
from benchmarks.fuzz_crafted import Crafter
from seq2seq.cli.main import main
from seq2seq.inference.recognition import joined
from seq2seq.inference.streaming import NEVER, Endpoints
from seq2seq.lite.acoustic import load_recognizer
from seq2seq.lite.folder import NETWORKS_FILE, LiteFolderError
from seq2seq.lite.verify import verify
from tests.crafted import use_crafted
from tests.recognizers import MELS, RATE, letters, make_recognizer, sound, write_run, write_wav

pytest.importorskip("ai_edge_litert", reason="the LiteRT runtime is not installed")
if keras.backend.backend() != "tensorflow":
    pytest.skip("a LiteRT model is made by TensorFlow", allow_module_level=True)

from seq2seq.export import acoustic_litert
from seq2seq.export.acoustic_litert import export_acoustic_litert

pytestmark = pytest.mark.usefixtures("loaded_once")

DECODER = {"attention_weight": 0.3, "decoder_units": 4}
MODELS = {
    "gru with convolutions": {"lookahead": 3, "filters": (4, 6), "stack": 3},
    "lstm": {"cell": "lstm", "residual": True, "input_units": 5},
    "layer_norm_lstm": {"cell": "layer_norm_lstm", "lookahead": 5},
    "ssru": {"cell": "ssru", "lookahead": 1},
    "gru with a convolution in both directions": {"filters": (5,), "bidirectional": True},
    "simple in both directions beside a decoder": {"cell": "simple", "bidirectional": True, "num_layers": 1, **DECODER},
    "lstm in both directions": {"cell": "lstm", "bidirectional": True, "residual": True, "input_units": 10},
    "min_gru in both directions": {"cell": "min_gru", "bidirectional": True, "num_layers": 3},
}
MORE = {
    "gru": {"lookahead": 3, "stack": 3},
    "gru with convolutions that does not look ahead": {"filters": (4, 6), "stack": 3},
    "simple in both directions without a decoder": {"cell": "simple", "bidirectional": True, "num_layers": 1},
    "beside a decoder": {"bidirectional": True, **DECODER},
}
"""Options of the others, in other combinations."""
FRAMES = (0, 1, 7, 8, 9, 16, 31, 64, 100)
"""Less than a step, whole blocks, and some beside them."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("acoustic") / "run", lookahead=2)


@pytest.fixture(scope="module")
def folder(run):
    """The export of a run, not quantised; tests may not change it."""
    assert main(["export", str(run), "--format", "litert", "--quantize", "none"]) == 0
    return run / "export" / "litert"


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The export of a model of both directions."""
    recognizer = make_recognizer(bidirectional=True)
    return export_acoustic_litert(recognizer, tmp_path_factory.mktemp("acoustic") / "both", "none")


@pytest.fixture(scope="module", params=["none", "int8"])
def lite(request, tmp_path_factory):
    """A recogniser wide enough that weights become int8."""
    recognizer = make_recognizer(units=32, input_units=32, lookahead=2, scale=0.3)
    return load_recognizer(
        export_acoustic_litert(recognizer, tmp_path_factory.mktemp("acoustic") / request.param, request.param)
    )


@pytest.mark.parametrize("name", [*MODELS, *(pytest.param(name, marks=pytest.mark.long) for name in MORE)])
def test_every_kind_of_model_hears_as_in_memory(name, tmp_path, rng):
    recognizer = make_recognizer(**(MODELS | MORE)[name])
    found = load_recognizer(export_acoustic_litert(recognizer, tmp_path / "it", "none"))
    assert (found.rate, found.step_seconds) == (recognizer.rate, recognizer.step_seconds)
    assert found.can_stream == recognizer.can_stream
    frames = [rng.normal(size=(count, MELS)).astype(np.float32) for count in FRAMES]
    for part, log_probs in zip(frames, found.network.log_probs(frames), strict=True):
        (expected,) = recognizer.network.log_probs([part])
        assert log_probs.shape == expected.shape
        np.testing.assert_allclose(log_probs, expected, atol=1e-4)
    samples = sound(1.0)
    one, other = found.transcribe(samples, RATE), recognizer.transcribe(samples, RATE)
    assert one.text == other.text != ""
    assert [word.start for word in one.words] == [word.start for word in other.words]


@pytest.mark.parametrize(("kind", "error"), [("float16", 0.01), ("int8", 0.3)])
def test_convolutions_are_exported_in_fewer_bits(kind, error, tmp_path, rng):
    recognizer = make_recognizer(filters=(32, 64), stack=3, scale=0.3)
    found = load_recognizer(export_acoustic_litert(recognizer, tmp_path / "it", kind))
    frames = [rng.normal(size=(60, MELS)).astype(np.float32)]
    one, other = (next(iter(each.network.log_probs(frames))) for each in (found, recognizer))
    assert 0 < np.abs(one - other).max() < error


def test_a_decoder_of_labels_stays_in_the_run(both, tmp_path):
    folder = export_acoustic_litert(make_recognizer(bidirectional=True, attention_weight=0.3), tmp_path / "it", "none")
    found = load_recognizer(folder)
    sizes = [(each / NETWORKS_FILE).stat().st_size for each in (both, folder)]
    assert sizes[1] - sizes[0] < 4096  # the decoder alone has 500 KB
    with pytest.raises(ValueError, match="exports have no decoder"):
        found.rescoring = 0.5


def test_a_stream_has_endpoints_as_in_memory(lite):
    recognizer = make_recognizer(units=32, input_units=32, lookahead=2, scale=0.3)
    endpoints = Endpoints(after_words=0.1, without_words=0.2, longest=0.5)
    heard = []
    for each in (recognizer, lite):
        stream = each.stream(RATE, endpoints)
        heard.append([stream.push(part).endpoint for part in np.split(sound(2.0), 20)])
    assert any(heard[1])
    assert heard[0] == heard[1]


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 8000), max_size=6), ends=st.booleans(), rate=st.sampled_from([RATE, 11025]))
def test_every_cutting_gives_the_bits_of_the_whole_recording(lite, cuts, ends, rate):
    samples = sound(1.0)
    endpoints = Endpoints(after_words=0.1, without_words=0.2, longest=0.4) if ends else NEVER
    edges = [0, *sorted(cuts), len(samples)]
    heard = []
    for pieces in ([samples], [samples[a:b] for a, b in itertools.pairwise(edges)]):
        stream = lite.stream(rate, endpoints)
        updates = [*(stream.push(piece) for piece in pieces), stream.finish()]
        heard.append([word for update in updates for word in update.tokens])
    assert heard[0] == heard[1] != []  # texts, times and confidences, to the bit
    if not ends:
        assert heard[0] == list(lite.transcribe(samples, rate).words)


def test_streams_in_turn_do_not_disturb_each_other(lite):
    sounds = [sound(1.0, seed) for seed in (0, 1)]
    streams, heard = [lite.stream(RATE, NEVER) for _ in sounds], ([], [])
    for begin in range(0, RATE, 500):
        for stream, samples, words in zip(streams, sounds, heard, strict=True):
            words += stream.push(samples[begin : begin + 500]).tokens
    for stream, samples, words in zip(streams, sounds, heard, strict=True):
        assert [*words, *stream.finish().tokens] == list(lite.transcribe(samples, RATE).words) != []


def test_a_file_gives_the_bits_of_its_samples_and_a_batch_the_same_text(lite, tmp_path):
    samples = np.rint(sound(3.0) * 32767) / 32768
    write_wav(tmp_path / "a.wav", samples * 32768 / 32767)
    whole = lite.transcribe(samples, RATE)
    assert joined(lite.transcribe_file(tmp_path / "a.wav")).words == whole.words != ()
    (batched,) = lite.transcribe_frames([lite.frontend.frames(samples.astype(np.float32))])
    assert batched.text.split() == whole.text.split()


def test_quantised_networks_are_smaller_and_nearly_the_same(tmp_path):
    recognizer = make_recognizer(units=64, input_units=64, scale=0.15)
    frames = [recognizer.frontend.frames(sound(2.0))]
    (expected,) = recognizer.network.log_probs(frames)
    whole = (export_acoustic_litert(recognizer, tmp_path / "none", "none") / NETWORKS_FILE).stat().st_size
    for quantize, share, bound in (("float16", 0.65, 0.02), ("int8", 0.5, 0.4)):
        folder = export_acoustic_litert(recognizer, tmp_path / quantize, quantize)
        assert (folder / NETWORKS_FILE).stat().st_size < share * whole
        (found,) = load_recognizer(folder).network.log_probs(frames)
        np.testing.assert_allclose(found, expected, atol=bound)
        assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() >= 0.9


@pytest.mark.parametrize("name", ["folder", "both"])
def test_transcribe_needs_no_framework(name, request, tmp_path, cli, run):
    folder = request.getfixturevalue(name)
    file = write_wav(tmp_path / "a.wav", sound(1.0))
    words = ["transcribe", str(folder), str(file), "--format", "json"]
    code = (
        "import sys\nfrom seq2seq.cli import stderr_filter\nfrom seq2seq.cli.main import main\n"
        f"stderr_filter.install()\nassert main({words!r}) == 0\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'pydantic', 'sacrebleu', 'pooch'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert " ".join(word["text"] for word in found["words"]) == found["text"] != ""
    if name == "folder":
        _, out, _ = cli("transcribe", run, file)
        assert out == found["text"] + "\n"


def test_the_beam_of_the_export_can_be_chosen(run, tmp_path, cli):
    code, out, err = cli(
        "export", run, "--format", "litert", "--quantize", "none", "--beam-size", 3, "--output", tmp_path / "it"
    )
    assert (code, out, err) == (0, f"{tmp_path / 'it'}\n", "")
    assert seq2seq.load(tmp_path / "it").beam.options.beam_size == 3
    code, _, err = cli("export", run, "--format", "litert", "--n-best", "2", "--mbr", "1")
    assert code == 2
    assert "--beam-size as its only option of a search. Received: --mbr, --n-best" in err


def test_a_model_of_both_directions_refuses_a_stream_and_says_what_streams(both):
    with pytest.raises(ValueError, match="an4_streaming"):
        load_recognizer(both).stream(RATE)


@pytest.mark.parametrize("verb", ["translate", "next", "compare"])
def test_a_verb_that_takes_no_recogniser_says_so(verb, folder, cli):
    code, out, err = cli(verb, folder, *(["the"] if verb == "next" else []))
    assert (code, out) == (2, "")
    assert err == (
        f"error: {folder} is the LiteRT folder of a recogniser, which `seq2seq {verb}` does not take. "
        "Use one of its verbs: transcribe, evaluate.\n"
    )


def test_evaluate_takes_a_folder_with_a_manifest(folder, cli, tmp_path):
    write_wav(tmp_path / "a.wav", sound(1.0))
    (tmp_path / "m.tsv").write_text("audio\ttext\na.wav\tab ba\n")
    code, out, err = cli("evaluate", folder, "--manifest", tmp_path / "m.tsv", "--json")
    assert code == 0, err
    assert json.loads(out)["wer"]["length"] == 2
    code, _, err = cli("evaluate", folder)
    assert (code, "Give a manifest" in err) == (2, True)


def test_a_folder_that_translates_hears_nothing(cli, tmp_path):
    (tmp_path / "model.json").write_text("{}")
    code, _, err = cli("transcribe", tmp_path, write_wav(tmp_path / "a.wav", sound(0.1)))
    assert code == 2
    assert err == (
        f"error: `seq2seq transcribe` takes recognisers. Received: {tmp_path}, a LiteRT folder that translates.\n"
    )


def test_a_recogniser_is_loaded_alone(folder):
    with pytest.raises(ValueError, match="a recogniser is loaded alone, without options"):
        seq2seq.load(folder, beam_size=2)


def _json(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def _frontend(folder, **values):
    """Changes the front end, and its checksum with it."""
    import hashlib

    _json(folder / "frontend.json", **values)
    data = (folder / "frontend.json").read_bytes()
    files = json.loads((folder / "model.json").read_text())["files"]
    files["frontend.json"] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    _json(folder / "model.json", files=files)


DAMAGES = {
    "cut off": (lambda f: (f / "model.tflite").write_bytes(b"TFL3"), r"model\.tflite: 4 bytes; model\.json says"),
    "no front end": (lambda f: (f / "frontend.json").unlink(), r"frontend\.json: No such file"),
    "altered front end": (lambda f: _json(f / "frontend.json", rate=16000), r"frontend\.json: .* model\.json"),
    "no vocabulary": (lambda f: (f / "vocabulary.json").unlink(), r"vocabulary\.json: No such file"),
    "endless rate": (lambda f: _frontend(f, rate=10**15), r"frontend\.json: .*expected rate from 4000 to 192000"),
    "a rate of words": (lambda f: _frontend(f, rate="fast"), r"frontend\.json: .*expected rate from"),
    "fewer mels": (lambda f: _frontend(f, mels=8, mean=[0] * 8, scale=[1] * 8), "8 mels; the network has 10"),
    "no deviation": (lambda f: _frontend(f, scale=[0] * 10), r"frontend\.json: .*scales above 0"),
    "other format": (lambda f: _json(f / "model.json", format=99), "written in format 99"),
    "other vocabulary": (lambda f: _json(f / "model.json", size=9), "a vocabulary of .* the network has 9"),
    "no steps": (lambda f: _json(f / "model.json", steps=0), "description of the networks is damaged"),
    "endless beam": (lambda f: _json(f / "model.json", search={"beam_size": 1e30}), "networks is damaged"),
    "no state": (lambda f: _json(f / "model.json", state=[]), "description of the networks is damaged"),
    "other state": (lambda f: _json(f / "model.json", state=[[7], [5], [2, 5]]), "network hear is of another size"),
    "other delay": (lambda f: _json(f / "model.json", delay=1), "description of the networks is damaged"),
    "more steps": (lambda f: _json(f / "model.json", steps=5), "network hear is of another size"),
    "other directions": (lambda f: _json(f / "model.json", delay=None), "description of the networks is damaged"),
    "other kind": (lambda f: _json(f / "model.json", kind=["acoustic"]), r"source\.model: No such file"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_wrong_with_a_damaged_folder_is_said(damage, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "it")
    change, message = DAMAGES[damage]
    change(tmp_path / "it")
    with pytest.raises(LiteFolderError, match=message) as caught:
        seq2seq.load(tmp_path / "it")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", [{"units": 6}, {"width": 5}, {"layers": [{"state": [5, 5], "residual": False}]}])
def test_another_description_of_both_directions_is_refused(both, change):
    shape = json.loads((both / "model.json").read_text())
    data = (both / "model.tflite").read_bytes()
    verify(data, shape)
    with pytest.raises(ValueError, match=r"networks|of another size"):
        verify(data, shape | change)


@pytest.mark.parametrize("name", ["folder", "both"])
def test_crafted_files_are_refused_in_words(name, request):
    folder = request.getfixturevalue(name)
    data, shape = (folder / "model.tflite").read_bytes(), json.loads((folder / "model.json").read_text())
    crafter, refused = Crafter(data), 0
    for number in range(60):
        with contextlib.suppress(ValueError):
            verify(crafter.craft(random.Random(f"words/{number}"))[0], shape)
            continue
        refused += 1
    assert refused > 30  # the others changed what nobody reads


@pytest.mark.parametrize("name", ["folder", "both"])
def test_nothing_that_passes_makes_the_runtime_crash(name, request, tmp_path):
    use_crafted(request.getfixturevalue(name), tmp_path / "copy")


def test_a_failed_export_leaves_the_old_one(folder, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    shutil.copytree(folder, tmp_path / "it")
    monkeypatch.setattr(acoustic_litert, "convert", full)
    with pytest.raises(OSError, match="No space"):
        export_acoustic_litert(make_recognizer(), tmp_path / "it")
    assert [path.name for path in tmp_path.iterdir()] == ["it"]
    assert seq2seq.load(tmp_path / "it").can_stream
    with pytest.raises(ValueError, match="one of none, float16, int8"):
        export_acoustic_litert(make_recognizer(), tmp_path / "new", "int4")


def test_labels_of_sentencepiece_go_with_the_folder(tokenizers, tmp_path):
    recognizer = make_recognizer(tokenizers["unigram", False])
    found = load_recognizer(export_acoustic_litert(recognizer, tmp_path / "it", "none"))
    samples = sound(1.0)
    assert found.transcribe(samples, RATE).text == recognizer.transcribe(samples, RATE).text != ""
    assert found.codec.size != letters().size
