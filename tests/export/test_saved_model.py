"""An exported model gives, in a process without this toolkit, what the model in memory gives."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.inference.generator import Generator
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import EOS

if keras.backend.backend() != "tensorflow":
    pytest.skip("a SavedModel is made by TensorFlow", allow_module_level=True)

from seq2seq.export import saved_model
from seq2seq.export.saved_model import export_saved_model

CLIENT = """
import base64, json, sys
import tensorflow as tf
kind = sys.argv[1]
if kind == "text":
    import tensorflow_text
for line in sys.stdin:
    path, calls = json.loads(line)
    model = tf.saved_model.load(path)
    answers = []
    for call in calls:
        text = call.pop("text", None)
        if text is not None:
            call["text"] = tf.constant([base64.b64decode(line) for line in text], tf.string)
        name = call.pop("signature")
        values = {key: value if key == "text" else tf.constant(value, tf.int32) for key, value in call.items()}
        try:
            found = model.signatures[name](**values)
            answers.append({key: value.numpy().tolist() for key, value in found.items()})
        except tf.errors.InvalidArgumentError as error:
            answers.append({"error": error.message})
    assert "seq2seq" not in sys.modules
    assert ("tensorflow_text" in sys.modules) == (kind == "text")
    print("ANSWERS", json.dumps(answers, default=lambda b: b.decode()), flush=True)
"""
SEARCHES = {
    "greedy": SearchOptions(beam_size=1, max_ratio=1.0, max_extra=3, max_input=40),
    "beam": SearchOptions(beam_size=4, num_best=1, max_ratio=1.0, max_extra=3, max_input=40),
    "best": SearchOptions(beam_size=3, num_best=2, max_ratio=1.0, max_extra=3, max_input=40, normalization="gnmt"),
    "mbr": SearchOptions(beam_size=4, num_best=2, max_ratio=1.0, max_extra=3, max_input=40, mbr=5.0),
    "extract": SearchOptions(extract=True, max_input=40),
}
ODD = ["", "   ", "a dog", "Straße 😀 \t\x01", "\u200b", "\ufeffa dog", "\uffff\U0010ffff", "the the the " * 9]


@pytest.fixture(scope="module")
def tokenizer(tokenizers):
    return tokenizers["unigram", False]


@pytest.fixture(scope="module")
def generators(build_model, tokenizer):
    found = {}
    for name, options in SEARCHES.items():
        decoders = {"greedy": {"attention": "none"}, "best": {"cell": "lstm", "input_feeding": True}}
        sizes = tokenizer.size, tokenizer.size
        model = build_model(sizes=sizes, decoder=decoders.get(name, {}), selector=options.extract)
        head = getattr(model.head, "vocabulary", model.head)  # a pointer wraps it
        bias = head.bias.numpy()
        bias[EOS] = 1.5  # ends come at different lengths
        head.bias.assign(bias)
        found[name] = Generator(model, tokenizer, tokenizer, options)
    return found


@pytest.fixture(scope="module")
def exported(generators, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    paths = {name: export_saved_model(generator, folder / name) for name, generator in generators.items()}
    return paths | {"ids": export_saved_model(generators["beam"], folder / "ids", ids_only=True)}


def request(signature, text):
    return {"signature": signature, "text": [base64.b64encode(as_bytes(line)).decode() for line in text]}


def as_bytes(line):
    return line if isinstance(line, bytes) else line.encode()


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Runs calls on an exported model in a process without this toolkit: one for text, one without TensorFlow Text."""
    folder, processes = tmp_path_factory.mktemp("client"), {}

    def start(kind):
        with open(folder / kind, "wb") as errors:
            return subprocess.Popen(
                [sys.executable, "-c", CLIENT, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                text=True, cwd=folder,
            )  # fmt: skip

    def ask(path, calls, kind="text"):
        if kind not in processes:
            processes[kind] = start(kind)
        process = processes[kind]
        print(json.dumps([str(path), calls]), file=process.stdin, flush=True)
        for line in process.stdout:
            if line.startswith("ANSWERS "):
                return json.loads(line.removeprefix("ANSWERS "))
        pytest.fail((folder / kind).read_text("utf-8", "replace")[-3000:])

    yield ask
    for process in processes.values():
        process.communicate(timeout=60)


@pytest.mark.parametrize("name", SEARCHES)
def test_text_and_scores_are_those_of_the_model_in_memory(name, generators, exported, client, sentences):
    lines = [*ODD, *sentences[:60]]
    expected = generators[name].generate(lines)
    singles = [request("serving_default", [line]) for line in lines[:12]]
    whole, *ones = client(exported[name], [request("serving_default", lines), *singles])
    count = SEARCHES[name].num_best
    texts = [[h.text for h in best] + [""] * (count - len(best)) for best in expected]
    assert np.reshape(whole["text"], (-1, count)).tolist() == texts
    wanted = [best[0].log_probability for best in expected]
    gains = np.reshape(np.asarray(whole["log_probability"], float), (-1, count))
    np.testing.assert_allclose(gains[:, 0], wanted, atol=1e-4)
    for one, text, gain in zip(ones, texts, wanted, strict=False):
        assert np.reshape(one["text"], -1).tolist() == text
        assert np.reshape(np.asarray(one["log_probability"], float), -1)[0] == pytest.approx(gain, abs=1e-4)


def test_ids_need_no_operations_of_tensorflow_text(generators, exported, client, tokenizer, sentences):
    rows = [*tokenizer.encode(sentences[:20]), []]
    width = max(map(len, rows)) + 2
    call = {"ids": [row + [7] * (width - len(row)) for row in rows], "lengths": [len(row) for row in rows]}
    alone, beside = (
        client(exported[name], [call | {"signature": "ids"}], kind)[0]
        for name, kind in (("ids", "ids"), ("beam", "text"))
    )
    assert alone["ids"] == beside["ids"]
    found = np.asarray(alone["ids"], int)
    texts = tokenizer.decode([ids[:length] for ids, length in zip(found, map(int, alone["lengths"]), strict=True)])
    assert texts == [*generators["beam"](sentences[:20]), ""]
    assert not found[-1].any()
    assert float(alone["log_probability"][-1]) == 0


def test_attention_comes_with_its_pieces(generators, exported, client, sentences):
    lines = [*sentences[:5], ""]
    (answer,) = client(exported["beam"], [request("attention", lines)])
    best = [found[0] for found in generators["beam"].generate(lines)]
    expected = generators["beam"].align([(line, h.pieces) for line, h in zip(lines, best, strict=True)])
    attention = np.asarray(answer["attention"], float)
    for row, (hypothesis, weights) in enumerate(zip(best[:5], expected, strict=False)):
        t, s = weights.shape
        np.testing.assert_allclose(attention[row, :t, :s], weights, atol=1e-4)
        assert attention[row].sum() == pytest.approx(t, abs=1e-3)
        assert answer["pieces"][row][:t] == [*hypothesis.pieces, "</s>"]
        assert not any(answer["pieces"][row][t:])
        assert answer["source_pieces"][row][s - 1] == "</s>"
    assert not any(answer["pieces"][5])
    assert not any(answer["source_pieces"][5])
    assert not attention[5].any()


def test_a_batch_of_none_and_bad_text_are_answered(exported, client):
    calls = [[], ["a", b"\xff\xfe"], ["a", "b", "a\0b"], ["the " * 50]]
    none, encoding, nul, long = client(exported["beam"], [request("serving_default", text) for text in calls])
    assert none == {"text": [], "log_probability": []}
    assert "is not valid UTF-8" in encoding["error"]
    assert "[1]" in encoding["error"]
    assert "holds a NUL byte" in nul["error"]
    assert "[2]" in nul["error"]
    assert "more than 40 tokens" in long["error"]


@pytest.mark.parametrize(("lengths", "message"), [([9], "larger than the width"), ([-1], "negative")])
def test_lengths_that_cannot_be_are_refused(exported, client, lengths, message):
    (answer,) = client(exported["ids"], [{"signature": "ids", "ids": [[4, 5]], "lengths": lengths}], "ids")
    assert message in answer["error"]


def test_every_weight_is_saved_once(generators, exported):
    variables = generators["beam"].model.trainable_variables
    stored = tf.train.list_variables(str(exported["beam"] / "variables" / "variables"))
    kept = [int(np.prod(shape)) for name, shape in stored if not name.startswith("_CHECKPOINTABLE")]
    few = 2 * len(generators["beam"].model.variables)  # the seeds of dropout
    assert (
        sum(int(np.prod(v.shape)) for v in variables)
        <= sum(kept)
        <= sum(int(np.prod(v.shape)) for v in variables) + few
    )


def test_versions_follow_each_other_and_a_failure_leaves_none(generators, tmp_path, monkeypatch):
    def full(service, path, signatures):
        (Path(path) / "saved_model.pb").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saved_model.tf.saved_model, "save", lambda service, path, signatures: None)
    folder = tmp_path / "out"
    assert export_saved_model(generators["beam"], folder) == folder / "1"
    (folder / "7").mkdir()
    (folder / "old").mkdir()
    assert export_saved_model(generators["beam"], folder) == folder / "8"
    monkeypatch.setattr(saved_model.tf.saved_model, "save", full)
    with pytest.raises(OSError, match="No space"):
        export_saved_model(generators["beam"], folder)
    assert sorted(path.name for path in folder.iterdir()) == ["1", "7", "8", "old"]


def test_a_model_that_draws_is_refused(generators, tmp_path):
    with pytest.raises(ValueError, match="without sampling"):
        export_saved_model(generators["beam"].with_options(sampling=True), tmp_path / "out")
    assert not (tmp_path / "out").exists()
