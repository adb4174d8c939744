"""A SavedModel of a language model scores, expects and draws as the model in memory."""

from __future__ import annotations

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.inference.next_words import next_tokens
from seq2seq.inference.writing import text_of
from seq2seq.search.options import SearchOptions
from tests.language_models import ODD, characters, make_text_model, words

if keras.backend.backend() != "tensorflow":
    pytest.skip("a SavedModel is made by TensorFlow", allow_module_level=True)

from seq2seq.export import language_saved_model
from seq2seq.export.language_saved_model import export_language_saved_model

CLIENT = """
import json, sys
import tensorflow as tf
score = tf.saved_model.load(sys.argv[1]).signatures["score"]
found = score(text=tf.constant(json.loads(sys.stdin.read())))["log_probability"].numpy().tolist()
assert not {"seq2seq", "tensorflow_text"} & set(sys.modules)
print(json.dumps(found))
"""
PROMPTS = ["the cat\nthe", "", "the", "a dog\n"]


@pytest.fixture(scope="module")
def model(tokenizers):
    return make_text_model(tokenizers["unigram", False], cell="gru", readout=True, units=7, num_layers=2)


@pytest.fixture(scope="module")
def signatures(model, tmp_path_factory):
    path = export_language_saved_model(model, tmp_path_factory.mktemp("exported") / "it")
    return tf.saved_model.load(str(path)).signatures


def sample(signatures, text, **options):
    values = {"length": 12, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "seed": 1, **options}
    given = {name: tf.constant(value) for name, value in values.items()}
    return signatures["sample"](text=tf.constant(text, tf.string), **given)


def same_scores(found, expected):
    for row, line in zip(found["log_probabilities"].numpy(), expected, strict=True):
        np.testing.assert_allclose(row[: len(line.ids)], line.log_probs, atol=1e-4)
        assert not row[len(line.ids) :].any()
    np.testing.assert_allclose(found["log_probability"].numpy(), [e.log_probability for e in expected], atol=1e-4)


def test_lines_are_scored_as_in_memory(model, signatures, sentences, monkeypatch):
    lines = [*ODD, *sentences[:20]]
    found, expected = signatures["score"](text=tf.constant(lines)), model.score_lines(lines)
    same_scores(found, expected)
    for row, line in zip(found["tokens"].numpy().tolist(), expected, strict=True):
        tokens = [token.decode() for token in row if token]
        assert tokens == [*model.codec.pieces(line.ids[:-1]), "</s>"]
    assert signatures["score"](text=tf.constant([], tf.string))["log_probability"].shape == (0,)


def test_more_tokens_than_a_block_are_scored_as_few(model, monkeypatch):
    monkeypatch.setattr(language_saved_model, "BLOCK", 4)
    service = language_saved_model.TextService(model)
    lines = ["the cat sits on the mat", "", "a dog"]
    same_scores(service.score(tf.constant(lines)), model.score_lines(lines))


def test_what_comes_next_is_what_the_model_in_memory_expects(model, signatures):
    found = signatures["next"](text=tf.constant(PROMPTS), k=tf.constant(5))
    for row, prompt in enumerate(PROMPTS):
        expected = next_tokens(model, model.read(prompt.split("\n")), 5)
        assert [token.decode() for token in found["tokens"][row].numpy()] == [one.text for one in expected]
        np.testing.assert_allclose(found["probability"][row], [one.probability for one in expected], atol=1e-5)


def test_the_likeliest_text_goes_on_where_the_prompt_ends(model, signatures):
    found = sample(signatures, PROMPTS, top_k=1)
    for row, prompt in enumerate(PROMPTS):
        lines = prompt.split("\n")
        tokens = model.sample(model.read(lines), SearchOptions(sampling=True, top_k=1), 1)
        drawn = [next(tokens)[0] for _ in range(12)]
        text = text_of(model.codec, [token.id for token in drawn], model.codec.encode(lines[-1:])[0])
        assert found["text"][row].numpy().decode() == text
        assert float(found["log_probability"][row]) == pytest.approx(sum(token.log_prob for token in drawn), abs=1e-3)


def test_a_row_draws_the_same_alone_and_beside_others(signatures):
    together = sample(signatures, PROMPTS)["text"].numpy().tolist()
    assert sample(signatures, PROMPTS[:1])["text"].numpy().tolist() == together[:1]
    assert sample(signatures, PROMPTS, seed=2)["text"].numpy().tolist() != together
    assert sample(signatures, [""] * 2)["text"].numpy().tolist()[0] != together[0]
    assert sample(signatures, [])["text"].shape == (0,)


def test_a_token_is_drawn_as_often_as_it_is_likely(model, signatures):
    options = {"temperature": 0.8, "top_k": 4, "top_p": 0.9}
    likely, _ = model.next_log_probs(model.begin())
    ids = np.argsort(-likely[0], kind="stable")
    ids = ids[(ids != 0) & (ids != 2)][:4]
    weights = np.exp(likely[0][ids] / options["temperature"])
    weights /= weights.sum()
    weights[np.cumsum(weights) - weights >= options["top_p"]] = 0
    weights /= weights.sum()
    service = language_saved_model.IdsService(model)
    count = 4000
    draws = service.sample(tf.zeros((count, 0), tf.int32), tf.zeros((count,), tf.int32), 1, 0.8, 4, 0.9, 7)
    shares = [(draws["ids"].numpy() == i).mean() for i in ids]
    np.testing.assert_allclose(shares, weights, atol=0.03)
    assert sum(shares) == pytest.approx(1)


def test_words_need_no_operations_but_tensorflows_own(tmp_path):
    model = make_text_model(words(), num_layers=2, residual=True)
    path = export_language_saved_model(model, tmp_path / "it")
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, str(path)],
        input=json.dumps(ODD), capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    expected = [line.log_probability for line in model.score_lines(ODD)]
    np.testing.assert_allclose(json.loads(done.stdout), expected, atol=1e-4)


def test_ids_in_give_ids_out(tmp_path):
    model = make_text_model(characters(), cell="min_gru", tie=False)
    exported = tf.saved_model.load(str(export_language_saved_model(model, tmp_path / "it", ids_only=True))).signatures
    rows = [*model.codec.encode(ODD)]
    width = max(map(len, rows)) + 2
    ids = tf.constant([row + [7] * (width - len(row)) for row in rows])
    lengths = tf.constant([len(row) for row in rows])
    same_scores(exported["score"](ids=ids, lengths=lengths), model.score_lines(ODD))
    found = exported["next"](ids=ids, lengths=lengths, k=tf.constant(1))
    drawn = exported["sample"](
        ids=ids,
        lengths=lengths,
        length=tf.constant(2),
        temperature=tf.constant(1.0),
        top_k=tf.constant(1),
        top_p=tf.constant(1.0),
        seed=tf.constant(1),
    )
    assert drawn["ids"].shape == (len(rows), 2)
    assert drawn["ids"][:, 0].numpy().tolist() == found["ids"][:, 0].numpy().tolist()
    np.testing.assert_allclose(tf.exp(drawn["log_probabilities"][:, 0]), found["probability"][:, 0], atol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="larger than the width"):
        exported["score"](ids=ids, lengths=lengths + width)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 0}, "length must be at least 1"),
        ({"length": 10_001}, "length must be at most 10000"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"top_k": -1}, "top_k must not be negative"),
        ({"top_p": 1.5}, "top_p must be at most 1"),
    ],
)
def test_options_that_cannot_be_are_refused(signatures, options, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        sample(signatures, ["the"], **options)


def test_bad_text_and_a_bad_count_are_refused(signatures):
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not valid UTF-8"):
        signatures["score"](text=tf.constant([b"a", b"\xff"]))
    for k, message in ((0, "at least 1"), (1000, r"at most \d+, the tokens")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            signatures["next"](text=tf.constant(["a"]), k=tf.constant(k))


def test_every_weight_is_saved_once(model, tmp_path):
    path = export_language_saved_model(model, tmp_path / "it", ids_only=True)
    stored = tf.train.list_variables(str(path / "variables" / "variables"))
    kept = sum(int(np.prod(shape)) for name, shape in stored if not name.startswith("_CHECKPOINTABLE"))
    weights = sum(int(np.prod(v.shape)) for v in model.model.trainable_variables)
    assert weights <= kept <= weights + 2 * len(model.model.variables)  # the seeds of dropout
