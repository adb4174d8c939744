"""An ONNX folder holds the network that is in memory: a search that a host drives by it finds the same."""

from __future__ import annotations

import os
import sys

import keras
import numpy as np
import pytest

from seq2seq.inference.batching import padded_with_eos
from seq2seq.inference.generator import Generator
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import EOS

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
pytest.importorskip("tf2onnx", reason="the converter is not installed")
if keras.backend.backend() != "tensorflow":
    pytest.skip("an ONNX model is made by TensorFlow", allow_module_level=True)

from benchmarks.onnx_host import OnnxHost
from seq2seq.export import onnx as onnx_export
from seq2seq.export.onnx import export_onnx

OPTIONS = SearchOptions(beam_size=3, num_best=2, max_ratio=1.0, max_extra=3)
MODELS = {
    "fed, with words and a selector": ({"cell": "lstm"}, {"input_feeding": True, "cell": "gru"}),
    "heads with a pointer": (
        {"bidirectional": False, "num_layers": 2, "residual": True},
        {"attention": "multi_head", "attention_position": "between", "cell": "ssru", "num_layers": 2},
    ),
    "none": ({"cell": "layer_norm_lstm"}, {"attention": "none", "cell": "layer_norm_lstm"}),
    "pointer with coverage": (
        {"cell": "simple"},
        {"cell": "simple", "attention": "dot", "bridge": "copy", "coverage": True},
    ),
}
"""Every option of a network is in one of them."""


@pytest.fixture(scope="module")
def tokenizer(tokenizers):
    return tokenizers["unigram", False]


@pytest.fixture(scope="module")
def make(build_model, tokenizer):
    def make_(name):
        encoder, decoder = MODELS[name]
        pieces = tokenizer.vocabulary if "words" in name else None
        parts = {"pointer": "pointer" in name, "selector": "selector" in name, "pieces": pieces}
        model = build_model(encoder, decoder, sizes=(tokenizer.size, tokenizer.size), **parts)
        head = getattr(model.head, "vocabulary", model.head)  # a pointer wraps it
        bias = head.bias.numpy()
        bias[EOS] = 1.5  # ends come at different lengths
        head.bias.assign(bias)
        return Generator(model, tokenizer, tokenizer, OPTIONS)

    return make_


@pytest.fixture(scope="module", params=MODELS)
def kind(request, make, tmp_path_factory):
    """A model of each kind and its export."""
    generator = make(request.param)
    return generator, export_onnx(generator, tmp_path_factory.mktemp("onnx") / "it")


def test_a_search_by_the_exported_networks_is_the_one_in_memory(kind, sentences):
    (generator, folder), lines = kind, sentences[:12]
    host = OnnxHost(folder)
    for rows in (lines, lines[:1]):
        found = host.search(rows)
        for row, hypotheses in enumerate(generator.generate(rows)):
            ids = [found.ids[row, n, : found.lengths[row, n]].tolist() for n in range(len(hypotheses))]
            assert host.target.decode(ids) == [h.text for h in hypotheses]
            np.testing.assert_allclose(found.scores[row], [h.score for h in hypotheses], atol=1e-4)
    assert [text for text, _ in host.translate(["", *lines, ""], batch_size=5)] == generator(["", *lines, ""])
    host.options, greedy = SearchOptions(beam_size=1, max_ratio=1.0, max_extra=3), generator.greedy()
    assert [text for text, _ in host.translate(lines, batch_size=5)] == greedy(lines)


def test_inputs_and_axes_have_the_names_of_the_documentation(kind):
    host = OnnxHost(kind[1])
    assert [(i.name, i.shape) for i in host.encoder.get_inputs()] == [("ids", ["batch", "source"])]
    inputs = {i.name: i.shape for i in host.step.get_inputs()}
    assert inputs["ids"] == ["rows"]
    assert inputs["state"][0] == "rows"
    memory = {"keys", "values", "mask"} if kind[0].has_attention else set()
    pointer = {"source"} if kind[0].model.head.needs_attention else set()
    assert set(inputs) == {"ids", "state"} | memory | pointer
    assert all(inputs[name][:2] == ["batch", "source"] for name in memory)
    keep = {"keep"} if kind[0].model.has_selector else set()
    assert {o.name for o in host.encoder.get_outputs()} == {"state"} | memory | keep
    assert {o.name for o in host.step.get_outputs()} == {"log_probabilities", "next_state"}


def test_what_the_selector_says_is_in_the_encoder(kind, tokenizer, sentences, array):
    generator, folder = kind
    if not generator.model.has_selector:
        return
    source = padded_with_eos(tokenizer.encode(sentences[:5]))
    found = OnnxHost(folder).encoder.run(["keep"], {"ids": source.values})[0]
    np.testing.assert_allclose(found, array(generator.model.encode(source).keep), atol=1e-4)


def test_an_earlier_export_is_replaced_and_anything_else_is_left(make, tmp_path, monkeypatch):
    generator = make("none")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("dear")
    with pytest.raises(ValueError, match="expected a new or empty folder"):
        export_onnx(generator, tmp_path / "mine")
    monkeypatch.setattr(onnx_export, "write_network", lambda network, path, inputs: path.write_bytes(b"new"))
    for _ in range(2):
        export_onnx(generator, tmp_path / "it")
    assert sorted(os.listdir(tmp_path)) == ["it", "mine"]

    def fail(*_):
        raise OSError("no room")

    monkeypatch.setattr(onnx_export, "write_network", fail)
    with pytest.raises(OSError, match="no room"):
        export_onnx(generator, tmp_path / "it")
    assert (tmp_path / "it" / "step.onnx").read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path)) == ["it", "mine"]


def test_a_model_that_draws_is_refused(make, tmp_path):
    with pytest.raises(ValueError, match="does not draw at random"):
        export_onnx(make("none").with_options(sampling=True, num_best=1), tmp_path / "it")


def test_without_the_converter_the_message_says_what_to_install(make, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ValueError, match=r"tf2onnx, which is not installed. Install it with: pip install .*\[onnx\]"):
        export_onnx(make("none"), tmp_path / "it")
    assert not (tmp_path / "it").exists()
