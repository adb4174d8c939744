"""Builders that the tests share. Everything is tiny: a law holds at every size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from seq2seq.layers.encoder import RNNEncoder
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.pipeline.store import Store
from seq2seq.tasks.text_to_text.model import connect
from seq2seq.text.examples import Example
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.text.token_store import write_token_store
from tests.decoders import make_decoder

WORDS = ["the", "a", "cat", "dog", "sits", "on", "mat", "sees", "house", "trees", "green"]
WORDS += ["Straße", "café", "schön", "Äpfel", "1234", "hello,", "world!", "naïve"]


@pytest.fixture(scope="session")
def long(pytestconfig: pytest.Config) -> bool:
    """Whether every combination is asked for."""
    return bool(pytestconfig.getoption("long"))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def array() -> Callable[[Any], np.ndarray]:
    """A tensor or a variable of any backend as NumPy."""
    return lambda x: x.numpy() if isinstance(x, keras.Variable) else keras.ops.convert_to_numpy(x)


@pytest.fixture(scope="session")
def randomize() -> Callable[..., Any]:
    """Gives every weight of a layer a random value, biases and gains too; returns the layer."""

    def fill(layer: Any, seed: int = 3, scale: float = 0.5) -> Any:
        random = np.random.default_rng(seed)
        layer.set_weights([scale * random.normal(size=w.shape) for w in layer.get_weights()])
        return layer

    return fill


@pytest.fixture(scope="session")
def build_model(randomize: Any) -> Callable[..., Seq2Seq]:
    """A built `Seq2Seq` with random weights. `encoder` and `decoder` change the options of the two."""

    def build(
        encoder: dict[str, Any] | None = None,
        decoder: dict[str, Any] | None = None,
        sizes: tuple[int, int] = (12, 12),
        embedding_dim: int = 5,
        tie: str = "none",
        seed: int = 3,
        pointer: bool = False,
        selector: bool = False,
        pieces: Any = None,
    ) -> Seq2Seq:
        model = connect(
            RNNEncoder(**{"units": 4, **(encoder or {})}),
            make_decoder(**{"units": 8, "readout_units": 5, **(decoder or {})}),
            sizes,
            embedding_dim,
            tie,
            pointer=pointer,
            selector=selector,
            pieces=pieces,
        )
        model.build()
        randomize(model, seed)
        if selector:  # some words are kept and some are not
            kernel = model.selector.weights[0]
            kernel.assign(kernel * 8.0)
        return model

    return build


@pytest.fixture(scope="session")
def gradients() -> Callable[..., tuple[Any, list[Any]]]:
    """`(loss, variables)` -> the loss and its dense gradient by each variable, None where there is no path."""

    def tensorflow(loss: Callable[[], Any], variables: Sequence[Any]) -> tuple[Any, list[Any]]:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss()
        found = tape.gradient(value, [v.value for v in variables])
        return value, [None if g is None else tf.convert_to_tensor(g).numpy() for g in found]

    def jax(loss: Callable[[], Any], variables: Sequence[Any]) -> tuple[Any, list[Any]]:
        import jax

        def pure(values: Any) -> Any:
            with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
                return loss()

        value, found = jax.value_and_grad(pure)([v.value for v in variables])
        return value, [np.asarray(g) for g in found]

    return {"tensorflow": tensorflow, "jax": jax}[keras.backend.backend()]


class _Compiled(keras.Model):
    def __init__(self, function: Callable[[Any], Any]):
        super().__init__(name="compiled")
        self.function = function

    def call(self, inputs: Any) -> Any:
        return self.function(inputs)


@pytest.fixture(scope="session")
def compiled() -> Callable[..., Any]:
    """Makes a function of arrays run as one graph, by Keras' own `predict`, on whatever backend there is."""

    def compile_(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        model = _Compiled(function)
        model.compile(jit_compile=keras.backend.backend() != "tensorflow")
        return model.predict_on_batch

    return compile_


@pytest.fixture(scope="session")
def sentences() -> list[str]:
    random = np.random.default_rng(5)
    return [" ".join(random.choice(WORDS, random.integers(1, 8))) for _ in range(400)]


@pytest.fixture(scope="session")
def tokenizers(sentences: list[str]) -> dict[tuple[str, bool], SubwordTokenizer]:
    """Trained tokenisers by (kind, byte fallback)."""
    return {
        (kind, fallback): SubwordTokenizer.train(sentences, 320 if fallback else 60, kind, byte_fallback=fallback)
        for kind in ("unigram", "bpe")
        for fallback in (False, True)
    }


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[..., Store]:
    """A store of pairs that are given as ids; the text of a line is its ids, blanks between them."""

    def make(
        pairs: Sequence[tuple[Sequence[int], Sequence[int]]], max_length: int = 1000, cut_source: int = 0
    ) -> Store:
        def encode(lines: list[str], chunk: int) -> list[list[int]]:
            return [[int(i) for i in line.split()] for line in lines]

        examples = (
            Example(" ".join(map(str, source)), " ".join(map(str, target)), line)
            for line, (source, target) in enumerate(pairs, 1)
        )
        return write_token_store(tmp_path / "store", examples, encode, encode, max_length, cut_source)

    return make
