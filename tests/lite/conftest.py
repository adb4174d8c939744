"""Models of each kind, in which every option of a network is once, and one export that all tests here share."""

from __future__ import annotations

import pytest

from seq2seq.inference.generator import Generator
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import EOS

OPTIONS = SearchOptions(beam_size=3, num_best=2, max_ratio=1.0, max_extra=3, max_input=40)
MODELS = {
    "bahdanau": ({}, {}),
    "luong": (
        {"units": 5, "bidirectional": False, "residual": True},
        {"attention": "general", "attention_position": "after", "cell": "lstm"},
    ),
    "fed": (
        {"num_layers": 2, "residual": True},
        {"input_feeding": True, "query_input": True, "num_layers": 2, "residual": True},
    ),
    "heads with a pointer": (
        {"cell": "lstm", "bidirectional": False},
        {"attention": "multi_head", "attention_position": "between", "cell": "ssru", "num_layers": 2},
    ),
    "none": ({"cell": "layer_norm_lstm", "num_layers": 2}, {"attention": "none", "cell": "layer_norm_lstm"}),
    "words with a pointer": (
        {"cell": "simple"},
        {"cell": "simple", "attention": "dot", "bridge": "copy", "coverage": True},
    ),
}


@pytest.fixture(scope="session")
def tokenizer(tokenizers):
    return tokenizers["unigram", False]


@pytest.fixture(scope="session")
def make(build_model, tokenizer):
    def make_(name):
        encoder, decoder = MODELS[name]
        sizes = (tokenizer.size, tokenizer.size)
        pieces = tokenizer.vocabulary if name.startswith("words") else None
        model = build_model(encoder, decoder, sizes=sizes, pointer="pointer" in name, pieces=pieces)
        head = getattr(model.head, "vocabulary", model.head)  # a pointer wraps it
        bias = head.bias.numpy()
        bias[EOS] = 1.5  # ends come at different lengths
        head.bias.assign(bias)
        return Generator(model, tokenizer, tokenizer, OPTIONS)

    return make_


@pytest.fixture(scope="session")
def folder(make, made_once):
    """An export of the default kind of model, not quantised; tests may not change it."""
    from seq2seq.export.litert import export_litert

    return made_once("litert", lambda folder: export_litert(make("bahdanau"), folder, "none", batches=(1, 4)))
