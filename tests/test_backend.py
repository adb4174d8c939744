"""What computes does not depend on how Keras is set up on the machine."""

import os
import signal

import keras
import numpy as np
import pytest

import seq2seq
from seq2seq.backend import check_settings, prepare_keras
from seq2seq.tasks.text_to_text.folder import TextRunFolder


@pytest.fixture
def odd_settings():
    """Keras as a `keras.json` and a program of the user's may leave it."""
    keras.config.set_floatx("float16")
    keras.config.set_epsilon(0.5)
    keras.config.set_dtype_policy("mixed_float16")
    keras.config.set_max_steps_per_epoch(1)
    yield
    prepare_keras()
    keras.config.set_dtype_policy("float32")


def test_a_loaded_run_gives_the_same_numbers_whatever_keras_is_set_to(finished, request):
    pairs = [("ab cd", "AB CD"), ("gh", "")]
    plain = seq2seq.load(finished).score(pairs)
    request.getfixturevalue("odd_settings")
    odd = seq2seq.load(finished).score(pairs)
    for one, other in zip(odd, plain, strict=True):
        np.testing.assert_array_equal(one, other)
    assert keras.config.dtype_policy().name == "mixed_float16"  # the program's own models are its own


def test_a_models_weights_are_float32_whatever_keras_is_set_to(finished, odd_settings):
    model, *_ = TextRunFolder(finished).load_model()
    assert {np.dtype(weight.dtype) for weight in model.get_weights()} == {np.dtype("float32")}
    assert {layer.compute_dtype for layer in model._flatten_layers()} == {"float32"}


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_model_says_that_it_does_not_work_after_a_fork(finished):
    loaded = seq2seq.load(finished)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        told = []
        for work in (lambda: loaded("ab"), lambda: loaded.score([("ab", "AB")]), lambda: seq2seq.load(finished)):
            try:
                work()
            except RuntimeError as error:
                told.append(str(error))
        os.write(writer, "\n".join(told).encode())
        os._exit(0)
    os.waitpid(child, 0)
    told = os.read(reader, 10_000).decode().splitlines()
    assert len(told) == 3
    assert all(line.startswith("A model that was loaded before a fork does not work") for line in told)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("KERAS_BACKEND", "torch", "KERAS_BACKEND must be tensorflow or jax. Received: 'torch'"),
        ("KERAS_BACKEND", "numpy", "KERAS_BACKEND must be tensorflow or jax"),
        ("TF_NUM_INTRAOP_THREADS", "-3", "TF_NUM_INTRAOP_THREADS must be a number of threads"),
        ("TF_NUM_INTEROP_THREADS", "x", "TF_NUM_INTEROP_THREADS must be a number of threads"),
    ],
)
def test_what_the_libraries_would_not_start_with_is_said(cli, finished, monkeypatch, name, value, message):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=message):
        check_settings()
    for verb in ("translate", "evaluate"):
        code, out, err = cli(verb, finished, text=b"ab\n")
        assert (code, out) == (2, "")
        assert err.startswith(f"error: {message}")
        assert err.count("\n") == 1
