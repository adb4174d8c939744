"""When cuDNN is chosen, and that Keras' layers then compute the same cells. No GPU is needed."""

from __future__ import annotations

import sys

import keras
import numpy as np
import pytest

from seq2seq.layers.cells import CELLS, make_cell
from seq2seq.layers.recurrence import choose_implementation, run_cell, run_layer
from seq2seq.run.train import describe_implementations

if keras.backend.backend() != "tensorflow":
    pytest.skip("the kernels are TensorFlow's", allow_module_level=True)

ROWS, TIME, FEATURES, UNITS = 3, 5, 2, 4
MASK = np.arange(TIME) < np.array([5, 3, 1])[:, None]


@pytest.fixture
def gpu(monkeypatch):
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: ["a GPU"] if kind == "GPU" else [])


@pytest.mark.parametrize(
    ("cell", "policy", "expected"),
    [
        ("gru", "float32", "cudnn"),
        ("lstm", "mixed_float16", "cudnn"),
        ("gru", "mixed_bfloat16", "kernel"),
        ("simple", "float32", "loop"),
        ("ssru", "float32", "loop"),
    ],
)
def test_cudnn_runs_what_it_can_where_there_is_a_gpu(gpu, cell, policy, expected):
    keras.config.set_dtype_policy(policy)
    try:
        implementation = choose_implementation(make_cell(cell, UNITS), inputs_known=True)
    finally:
        keras.config.set_dtype_policy("float32")
    assert implementation.name == expected
    assert bool(implementation.reason) == (expected != "cudnn")


def test_a_loop_that_must_stop_at_every_step_never_uses_cudnn(gpu):
    assert choose_implementation(make_cell("gru", UNITS)).name == "kernel"


@pytest.mark.parametrize("cell", CELLS)
def test_without_a_gpu_cudnn_is_not_chosen_and_the_reason_is_given(cell):
    implementation = choose_implementation(make_cell(cell, UNITS), inputs_known=True)
    assert implementation.name in ("kernel", "loop")
    assert "GPU" in implementation.reason or "no such cell" in implementation.reason


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", ["gru", "lstm"])
def test_keras_layer_computes_the_same_cell(gpu, monkeypatch, name, reverse, rng, randomize, array):
    from seq2seq.kernels import cudnn

    cell = make_cell(name, UNITS)
    cell.build((None, FEATURES))
    randomize(cell)
    inputs = keras.ops.convert_to_tensor(rng.normal(size=(ROWS, TIME, FEATURES)).astype("float32"))
    start = [keras.ops.convert_to_tensor(rng.normal(size=(ROWS, UNITS)).astype("float32")) for _ in cell_state(cell)]
    mask = keras.ops.convert_to_tensor(MASK)
    calls, run = [], cudnn.run
    monkeypatch.setattr(cudnn, "run", lambda *arguments: calls.append(1) or run(*arguments))
    keras_rnn = sys.modules["keras.src.backend.tensorflow.rnn"]
    monkeypatch.setattr(keras_rnn, "_is_gpu_available", lambda: False)  # Keras falls back to its loop
    outputs, final = run_layer(cell, inputs, start, mask, reverse, training=True)
    assert calls
    expected, expected_final = run_cell(cell, cell.project(inputs), start, mask, reverse)
    np.testing.assert_allclose(array(outputs)[MASK], array(expected)[MASK], atol=1e-5)
    for got, tensor in zip(final, expected_final, strict=True):
        np.testing.assert_allclose(array(got), array(tensor), atol=1e-5)


def cell_state(cell):
    return cell.state_size if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]


def test_the_log_names_the_implementation_of_every_layer(build_model):
    model = build_model({"num_layers": 2}, {"attention": "general", "num_layers": 2})
    assert describe_implementations(model) == (
        "encoder gru by kernel (no GPU is visible); "
        "decoder gru by loop (there is no kernel for general attention), then kernel (no GPU is visible)"
    )
    assert "the readout recurs" in describe_implementations(build_model(decoder={"input_feeding": True}))
