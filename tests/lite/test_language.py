"""A LiteRT folder of a language model scores, expects and draws as the model in memory, without TensorFlow."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from itertools import islice

import keras
import numpy as np
import pytest

import seq2seq
from seq2seq.cli.main import main
from seq2seq.inference.next_words import next_tokens, next_words
from seq2seq.lite.folder import LiteFolderError
from seq2seq.lite.language import LiteTextModel, draw
from seq2seq.lite.verify import verify
from seq2seq.search import greedy
from seq2seq.search.options import SearchOptions
from tests.language_models import LINES, ODD, characters, make_text_model, words, write_run

pytest.importorskip("ai_edge_litert", reason="the LiteRT runtime is not installed")
if keras.backend.backend() != "tensorflow":
    pytest.skip("a LiteRT model is made by TensorFlow", allow_module_level=True)

from seq2seq.export import language_litert
from seq2seq.export.language_litert import export_language_litert

MODELS = {
    "simple": {"cell": "simple"},
    "gru": {"cell": "gru", "num_layers": 2, "residual": True, "readout": True, "units": 7, "tie": False},
    "lstm": {"cell": "lstm", "num_layers": 2, "residual": True},
    "layer_norm_lstm": {"cell": "layer_norm_lstm"},
    "ssru": {"cell": "ssru", "readout": True, "units": 5},
    "min_gru": {"cell": "min_gru", "num_layers": 2, "tie": False},
}
WORDS = ("next", "the cat"), ("sample", "--prompt", "the cat", "--json"), ("score", "--input", "TEXT")


@pytest.fixture(scope="module")
def codecs(tokenizers):
    return {"gru": tokenizers["unigram", False], "ssru": characters()}


@pytest.fixture(scope="module", params=MODELS)
def pair(request, codecs, tmp_path_factory):
    """A model of each kind, and its export, not quantised."""
    model = make_text_model(codecs.get(request.param, words()), **MODELS[request.param])
    folder = export_language_litert(model, tmp_path_factory.mktemp("language") / "it", "none")
    return model, LiteTextModel.load(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The export of a run, not quantised; tests may not change it."""
    run = write_run(tmp_path_factory.mktemp("language") / "run")
    assert main(["export", str(run), "--format", "litert", "--quantize", "none"]) == 0
    return run / "export" / "litert"


def test_every_kind_of_model_does_as_in_memory(pair):
    model, lite = pair
    lines = [*LINES, *ODD]
    for found, expected in (
        (lite.score_lines(lines), model.score_lines(lines)),
        (lite.score_text(lines), model.score_text(lines)),
    ):
        for one, other in zip(found, expected, strict=True):
            assert (one.text, one.ids) == (other.text, other.ids)
            np.testing.assert_allclose(one.log_probs, other.log_probs, atol=1e-4)
    prompt = ["the cat", "the"]
    states = [one.read(prompt) for one in (lite, model)]
    found, expected = (next_tokens(one, state, 5) for one, state in zip((lite, model), states, strict=True))
    assert [one.text for one in found] == [one.text for one in expected]
    options = SearchOptions(sampling=True, temperature=0.8, top_k=9, top_p=0.9)
    found, expected = (list(islice(m.sample(s, options, 4), 12)) for m, s in zip((lite, model), states, strict=True))
    assert [row[0].id for row in found] == [row[0].id for row in expected]
    np.testing.assert_allclose([row[0].log_prob for row in found], [row[0].log_prob for row in expected], atol=1e-4)


def test_whole_words_are_expected_as_in_memory(codecs, tmp_path):
    model = make_text_model(codecs["gru"], cell="gru")
    lite = LiteTextModel.load(export_language_litert(model, tmp_path / "it", "none"))
    found, expected = (next_words(one, one.read(["the"]), 4) for one in (lite, model))
    assert [one.text for one in found] == [one.text for one in expected]
    np.testing.assert_allclose(
        [one.log_probability for one in found], [one.log_probability for one in expected], atol=1e-4
    )


def test_several_texts_go_side_by_side(pair):
    _, lite = pair
    ids = np.asarray([[5, 6, 7], [8, 4, 5]])
    log_probs, state = lite.advance(lite.begin(2), ids)
    for row in (0, 1):
        alone, after = lite.advance(lite.begin(), ids[row : row + 1])
        np.testing.assert_array_equal(alone[0], log_probs[row])
        np.testing.assert_array_equal(after.carried[0], state.carried[row])


@pytest.mark.parametrize(("quantize", "share", "bound"), [("float16", 0.6, 0.01), ("int8", 0.4, 0.15)])
def test_quantised_networks_are_smaller_and_nearly_the_same(quantize, share, bound, sentences, tmp_path):
    model = make_text_model(words(), scale=0.1, cell="lstm", embedding=64, units=64, num_layers=2)
    lites, sizes = {}, {}
    for kind in ("none", quantize):
        folder = export_language_litert(model, tmp_path / kind, kind)
        lites[kind], sizes[kind] = LiteTextModel.load(folder), (folder / "model.tflite").stat().st_size
    assert sizes[quantize] < share * sizes["none"]
    lines, best = sentences[:20], []
    for found, expected in zip(lites[quantize].score_lines(lines), model.score_lines(lines), strict=True):
        np.testing.assert_allclose(found.log_probs, expected.log_probs, atol=bound)
    for line in lines:
        found, expected = (one.next_log_probs(one.read([line]))[0] for one in (lites[quantize], model))
        best.append(found.argmax() == expected.argmax())
    assert np.mean(best) >= 0.9


def test_a_draw_is_that_of_every_search(rng):
    for options in (
        SearchOptions(),
        SearchOptions(temperature=0.3, top_k=3),
        SearchOptions(temperature=1e-40),
        SearchOptions(top_p=0.4),
        SearchOptions(temperature=1e6, top_k=100, top_p=1e-40),
    ):
        logits = rng.normal(size=(40, 9)).astype(np.float32)
        log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        uniforms = rng.random(40, dtype=np.float32)
        logits[:, [0, 2]] = -1e9
        expected = keras.ops.convert_to_numpy(greedy.draw(logits, uniforms, options))
        assert [draw(*row, options) for row in zip(log_probs, uniforms, strict=True)] == expected.tolist()


def test_the_verbs_need_no_framework(folder, tmp_path):
    (tmp_path / "text").write_text("the cat\n\nthe dog sees\n")
    calls = [
        [verb, str(folder), *(str(tmp_path / "text") if word == "TEXT" else word for word in rest)]
        for verb, *rest in WORDS
    ]
    code = (
        "import sys\nfrom seq2seq.cli import stderr_filter\nfrom seq2seq.cli.main import main\n"
        f"stderr_filter.install()\nassert [main(words) for words in {calls!r}] == [0, 0, 0]\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'pydantic', 'sacrebleu', 'pooch'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert len(json.loads(lines[10])["tokens"]) == 100
    assert [line.split("\t")[0] for line in lines[11:]] == ["the", "cat", "</s>", "</s>", "the", "dog", "sees", "</s>"]
    assert done.stderr.startswith("8 tokens, perplexity")


def test_the_folder_gives_what_its_run_gives(folder):
    lite, model = seq2seq.load(folder), seq2seq.load(folder.parent.parent)
    for one, other in zip(lite.score_lines(ODD), model.score_lines(ODD), strict=True):
        np.testing.assert_allclose(one.log_probs, other.log_probs, atol=1e-4)
    with pytest.raises(ValueError, match="is loaded alone, without options"):
        seq2seq.load(folder, beam_size=2)
    with pytest.raises(ValueError, match=r"is loaded without options\. Received: beam_size"):
        seq2seq.load(folder.parent.parent, beam_size=2)


@pytest.mark.parametrize("verb", ["translate", "summarize", "evaluate", "export"])
def test_a_verb_that_takes_no_language_model_says_so(verb, folder, cli):
    more = ["--format", "onnx"] if verb == "export" else []
    code, out, err = cli(verb, folder, *more)
    assert (code, out) == (2, "")
    assert err == (
        f"error: {folder} is the LiteRT folder of a language model, which `seq2seq {verb}` does not take. "
        "Use one of its verbs: next, sample, score.\n"
    )


@pytest.mark.parametrize("verb", ["next", "sample"])
def test_a_folder_that_translates_has_no_next_word(verb, folder, cli, tmp_path):
    (tmp_path / "model.json").write_text("{}")
    code, _, err = cli(verb, tmp_path, *(["the"] if verb == "next" else []))
    assert code == 2
    assert err == (
        f"error: `seq2seq {verb}` takes language models. Received: {tmp_path}, a LiteRT folder that translates.\n"
    )


def _json(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


DAMAGES = {
    "cut off": (lambda f: (f / "model.tflite").write_bytes(b"TFL3"), r"model\.tflite: 4 bytes; model\.json says"),
    "no vocabulary": (lambda f: (f / "vocabulary.json").unlink(), r"vocabulary\.json: No such file"),
    "other format": (lambda f: _json(f / "model.json", format=99), "written in format 99"),
    "other vocabulary": (lambda f: _json(f / "model.json", size=7), "a vocabulary of .* the network has 7"),
    "no size": (lambda f: _json(f / "model.json", size=None), "description of the networks is damaged"),
    "other state": (lambda f: _json(f / "model.json", state=7), "state of its network step is of another size"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_wrong_with_a_damaged_folder_is_said(damage, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "it")
    change, message = DAMAGES[damage]
    change(tmp_path / "it")
    with pytest.raises(LiteFolderError, match=message):
        seq2seq.load(tmp_path / "it")


def test_networks_that_translate_are_no_language_model(folder):
    shape = json.loads((folder / "model.json").read_text())
    data = (folder / "model.tflite").read_bytes()
    verify(data, shape)
    encoder = [{"directions": 1, "units": 6, "state": 6, "residual": False}]
    others = {
        "decoder": {"attention": False, "pointer": False, "state": 6},
        "encoder": encoder,
        "batches": [1],
        "beams": [1],
    }
    with pytest.raises(ValueError, match="it lacks the networks"):
        verify(data, {**shape, **others, "kind": None, "words": False, "extract": False, "target_size": 9})


def test_a_failed_export_leaves_the_old_one(folder, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    shutil.copytree(folder, tmp_path / "it")
    monkeypatch.setattr(language_litert, "convert", full)
    model = make_text_model(words())
    with pytest.raises(OSError, match="No space"):
        export_language_litert(model, tmp_path / "it")
    assert [path.name for path in tmp_path.iterdir()] == ["it"]
    assert seq2seq.load(tmp_path / "it").score_lines(["the"])
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="expected a new or empty folder"):
        export_language_litert(model, tmp_path)
    with pytest.raises(ValueError, match="one of none, float16, int8"):
        export_language_litert(model, tmp_path / "new", "int4")
