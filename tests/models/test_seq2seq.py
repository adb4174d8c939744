"""What `Seq2Seq` adds to its parts: ties, alignments, and what it refuses."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.types import Encoded
from tests.inputs import named, padded

SOURCE = np.array([[5, 6, 7, 3], [8, 3, 0, 0]], np.int32)
TARGET = np.array([[2, 9, 5], [2, 10, 0]], np.int32)


@pytest.mark.parametrize(("tie", "matrices"), [("none", 3), ("target", 2), ("all", 1)])
def test_a_tie_shares_the_matrices_over_the_vocabulary(build_model, tie, matrices):
    model = build_model(tie=tie)
    assert sum(tuple(w.shape) == (12, 5) for w in model.weights) == matrices


@pytest.mark.parametrize("tie", ["none", "all"])
def test_logits_are_features_times_the_output_weights(build_model, array, tie):
    model = build_model(tie=tie)
    encoded = model.encode(padded(SOURCE))
    features = model.decode_features(TARGET, encoded, encoded.state).features
    kernel, bias = map(array, model.head.kernel_and_bias())
    expected = array(features) @ kernel.T + bias
    np.testing.assert_allclose(array(model.decode(TARGET, encoded, encoded.state)[0]), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("order", "feeding"), [("before", False), ("before", True), ("between", False), ("after", False), ("after", True)]
)
def test_alignments_sum_to_one_over_the_source_and_skip_its_padding(build_model, array, order, feeding):
    model = build_model(decoder={"attention_position": order, "input_feeding": feeding, "num_layers": 2})
    encoded = model.encode(padded(SOURCE))
    weights = array(model.align(TARGET, encoded, encoded.state))
    assert weights.shape == (2, 3, 4)
    np.testing.assert_allclose(weights.sum(-1), 1.0, atol=1e-6)
    assert (weights[1, :, 2:] == 0).all()
    assert (weights[0] > 0).all()


def test_a_model_without_attention_has_no_alignments(build_model):
    model = build_model(decoder={"attention": "none"})
    encoded = model.encode(padded(SOURCE))
    with pytest.raises(ValueError, match="no attention"):
        model.align(TARGET, encoded, encoded.state)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tie": "all", "sizes": (12, 13)}, "source_size=12, target_size=13"),
        ({"tie": "target", "embedding_dim": 6}, "readout_units .* features 5, an embedding of 12 x 6"),
    ],
)
def test_sizes_that_do_not_fit_the_tie_are_refused(build_model, options, message):
    with pytest.raises(ValueError, match=message):
        build_model(**options)


def test_without_attention_decoding_needs_a_state_and_no_memory(build_model, array):
    model = build_model(decoder={"attention": "none"})
    encoded = model.encode(padded(SOURCE))
    alone = Encoded(None, encoded.state)
    for got, expected in zip(*(model.decode(TARGET, e, e.state) for e in (alone, encoded)), strict=True):
        for one, other in zip(keras.tree.flatten(got), keras.tree.flatten(expected), strict=True):
            np.testing.assert_array_equal(array(one), array(other))
    with pytest.raises(ValueError, match="a model without a source"):
        _ = alone.source_memory


@pytest.mark.parametrize("pointer", [False, True])
def test_what_is_shared_is_shared_after_loading(build_model, array, tmp_path, pointer):
    model = build_model(tie="all", pointer=pointer)
    model.save(tmp_path / "model.keras")
    for loaded in (keras.saving.load_model(tmp_path / "model.keras"), type(model).from_config(model.get_config())):
        assert loaded.head.embedding is loaded.target_embedding is loaded.source_frontend
        loaded.build()
        assert [w.shape for w in loaded.weights] == [w.shape for w in model.weights]


def test_keras_trains_the_model_by_a_stock_loss_and_a_stock_metric(build_model, array):
    model = build_model()
    model.compile(
        keras.optimizers.SGD(0.1),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        jit_compile=False,
    )
    output, weights = np.array([[9, 5, 3], [10, 3, 0]], np.int32), np.array([[1, 1, 1], [1, 1, 0]], "float32")
    inputs = named(SOURCE, TARGET)
    history = model.fit(inputs, output, sample_weight=weights, epochs=3, verbose=0).history
    assert history["loss"][2] < history["loss"][0]
    assert 0 <= history["accuracy"][2] <= 1
    assert model.predict(inputs, verbose=0).shape == (2, 3, 12)


def test_the_mask_alone_says_what_is_padding(build_model, array):
    """Id 0 may be real, and what padding holds does not matter."""
    model, mask = build_model(), SOURCE != 0
    other = np.where(mask, SOURCE, 9)
    expected = array(model(named(SOURCE, TARGET)))
    np.testing.assert_array_equal(array(model({**named(SOURCE, TARGET), "source": other})), expected)
    real = array(model({**named(SOURCE, TARGET), "source_mask": np.ones_like(mask)}))
    assert np.abs(real[1] - expected[1]).max() > 1e-3


def test_a_source_without_its_mask_is_refused(build_model):
    with pytest.raises(ValueError, match=r"source_mask.*Received: source, target_input"):
        build_model()({"source": SOURCE, "target_input": TARGET})
