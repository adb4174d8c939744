"""The tokeniser in a TensorFlow graph equals the tokeniser outside it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.symbols import BOS, EOS, PAD
from seq2seq.text.in_graph import GraphTokenizer
from seq2seq.text.normalization import Normalization
from seq2seq.text.subword import SubwordTokenizer

ODD = [
    "", " ", "the cat", " a  b ", "😀 cat 👩‍👩‍👧", "e\u0301a\u0323\u0301", "\x01\x02\x7f",
    "a\0b", "\0", "a\rb\r", "a\tb\t\t", "\n a",
    "\u200b\u200d\ufeffcat", "\u00a0\u3000 x", "<s> </s> <pad> <unk>", "▁the ▁", "ﬁ ½ Ａ ﷺ", "ü ß", "\u2028 x\u2029",
    "<0x41>",
    "⁇", "\U0010ffff", "\ufffd", "مرحبا", "नमस्ते", "日本語", "a" * 500, " " * 300, "the cat " * 100,
]  # fmt: skip
BOTH = [(kind, fallback) for kind in ("unigram", "bpe") for fallback in (False, True)]
RULES = [("lossless", False), ("lossless", True), ("keep", True), ("nmt_nfkc", False)]
"""Rules of normalisation, without and with marked capitals."""
every_model = pytest.mark.parametrize("pair", BOTH + RULES, indirect=True, ids=str)


@pytest.fixture(scope="module")
def every(tokenizers, sentences):
    def learn(rule, mark):
        return SubwordTokenizer.train(sentences, 330, byte_fallback=True, normalization=Normalization(rule, mark))

    return tokenizers | {(rule, mark): learn(rule, mark) for rule, mark in RULES}


@pytest.fixture(scope="module")
def graphs(every):
    return {key: GraphTokenizer(tokenizer.model) for key, tokenizer in every.items()}


@pytest.fixture
def pair(request, every, graphs):
    return every[request.param], graphs[request.param]


def text(tensor):
    return [line.decode("utf-8") for line in tensor.numpy()]


@every_model
def test_odd_lines_get_the_same_ids_and_the_same_text(pair):
    outside, inside = pair
    ids = inside.encode(ODD)
    assert ids.dtype == tf.int32
    expected = outside.encode(ODD)
    assert ids.to_list() == expected
    assert text(inside.decode(ids)) == outside.decode(expected)


@pytest.mark.parametrize("key", BOTH + RULES, ids=str)
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(lines=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=5))
def test_any_lines_get_the_same_ids_and_the_same_text(every, graphs, key, lines):
    expected = every[key].encode(lines)
    ids = graphs[key].encode([line.encode() for line in lines])
    assert ids.to_list() == expected
    found = text(graphs[key].decode(ids))
    assert found == every[key].decode(expected)
    if key[0] == "lossless":
        assert found == [line.replace("\n", " ").replace("\r", " ") for line in lines]


@every_model
def test_any_ids_become_the_same_text(pair, rng):
    outside, inside = pair
    rows = [rng.integers(0, outside.size, rng.integers(0, 12)).tolist() for _ in range(200)]
    assert text(inside.decode(tf.ragged.constant(rows, dtype=tf.int32))) == outside.decode(rows)


@every_model
def test_padded_rows_equal_ragged_ones(pair, sentences):
    outside, inside = pair
    rows = [*outside.encode(sentences[:20]), []]
    ragged = tf.ragged.constant(rows, dtype=tf.int32)
    lengths = [len(row) for row in rows]
    wanted = [*sentences[:20], ""]
    assert text(inside.decode(ragged.to_tensor(PAD))) == wanted
    assert text(inside.decode(ragged.to_tensor(7), lengths)) == wanted
    assert text(inside.decode(tf.cast(ragged.to_tensor(PAD), tf.int64), np.asarray(lengths))) == wanted
    framed = [[BOS, *row, EOS, PAD] for row in rows]
    assert text(inside.decode(tf.ragged.constant(framed, dtype=tf.int32))) == wanted


@every_model
def test_an_empty_batch_stays_empty(pair):
    _, inside = pair
    ids = inside.encode(tf.zeros((0,), tf.string))
    assert ids.shape[0] == 0
    assert text(inside.decode(ids)) == []
    assert text(inside.decode(tf.zeros((0, 0), tf.int32))) == []


def test_lengths_and_a_ragged_tensor_contradict_each_other(graphs):
    with pytest.raises(ValueError, match="dense ids only"):
        graphs["bpe", True].decode(tf.ragged.constant([[5]], dtype=tf.int32), [1])


@pytest.mark.parametrize("model", [b"", b"the cat sat on the mat"])
def test_bytes_that_are_not_a_model_are_refused_at_once(model):
    with pytest.raises(ValueError, match="SentencePiece model"):
        GraphTokenizer(model)


FRESH = """
import sys
import tensorflow as tf
import tensorflow_text

loaded = tf.saved_model.load(sys.argv[1])
found = loaded.again(tf.constant([bytes.fromhex(line) for line in sys.argv[2:]]))
print("RESULT", *[line.hex() or "-" for line in found.numpy()])
"""


class _Echo(tf.Module):
    def __init__(self, model):
        super().__init__()
        self.tokenizer = GraphTokenizer(model)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def again(self, lines):
        return self.tokenizer.decode(self.tokenizer.encode(lines).to_tensor(PAD))


def test_a_saved_module_works_in_a_fresh_process(tokenizers, tmp_path):
    tokenizer = tokenizers["unigram", True]
    tf.saved_model.save(_Echo(tokenizer.model), str(tmp_path / "echo"))
    lines = ["the cat", "", "😀 a\0b", "Straße  ½"]
    result = subprocess.run(
        [sys.executable, "-c", FRESH, str(tmp_path / "echo"), *(line.encode().hex() for line in lines)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    (found,) = (line for line in result.stdout.splitlines() if line.startswith("RESULT"))
    decoded = [bytes.fromhex("" if word == "-" else word).decode() for word in found.split()[1:]]
    assert decoded == tokenizer.decode(tokenizer.encode(lines))
