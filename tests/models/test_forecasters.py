"""The laws of forecasters: one step equals all, a row alone equals it in a batch, nothing comes from the future."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.series.distributions import distribution_of
from seq2seq.series.ridge import fit_ridge
from seq2seq.series.table import table_of
from seq2seq.series.windows import TrainingWindows, Windows
from seq2seq.tasks.forecast import network
from tests.forecasters import (
    CONTEXT,
    HORIZON,
    make_codec,
    make_network,
    make_recipe,
    make_table,
    model_inputs,
)

WINDOWS = Windows(np.asarray([0, 1, 0, 2]), np.asarray([20, 12, 30, 4]))
CASES = {
    "direct": {"kind": "direct", "head": "quantiles"},
    "attention": {"kind": "direct", "head": "student_t", "attention": True, "series_units": 3, "num_layers": 2},
    "no skip": {"kind": "direct", "head": "squares", "skip": False, "cell": "lstm", "segment": 2},
    "autoregressive": {"kind": "autoregressive", "head": "student_t", "series_units": 2},
    "counts": {"kind": "autoregressive", "head": "negative_binomial", "cell": "lstm", "num_layers": 2, "skip": False},
}
STEPPING = ["autoregressive", "counts"]
DIRECT = ["direct", "attention", "no skip"]


def build(name, randomize=None, table=None, seed=3):
    scaling = "mean_absolute" if name == "counts" else "last_mean_absolute"
    table = make_table() if table is None else table
    model, inputs = make_network(make_recipe(scaling=scaling, **CASES[name]), make_codec(table))
    if randomize:
        randomize(model, seed)
    return model, inputs, table


@pytest.fixture(params=CASES)
def name(request):
    return request.param


@pytest.fixture
def case(name, randomize):
    """A model with random weights, and a batch for it."""
    model, inputs, table = build(name, randomize)
    return model, model_inputs(inputs.batch(table, WINDOWS))


def test_parameters_have_the_shape_of_the_targets(case, name, array):
    model, given = case
    steps = HORIZON if name in DIRECT else CONTEXT + HORIZON
    found = array(model(given))
    assert found.shape == (4, steps, model.target_size)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_a_row_alone_equals_the_row_in_a_batch(case, array):
    model, given = case
    whole = array(model(given))
    for row in range(4):
        alone = {part: values[row : row + 1] for part, values in given.items()}
        np.testing.assert_allclose(array(model(alone))[0], whole[row], rtol=2e-5, atol=2e-5)


def test_the_order_of_rows_is_that_of_the_inputs(case, array):
    model, given = case
    turned = array(model({part: values[::-1] for part, values in given.items()}))
    np.testing.assert_allclose(turned[::-1], array(model(given)), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", STEPPING)
@pytest.mark.parametrize("pieces", [[CONTEXT] + [1] * HORIZON, [3, 4, 7]])
def test_one_step_at_a_time_equals_all_at_once(case, array, pieces):
    model, given = case
    whole = array(model(given))
    state, start, found = model.initial_state(4), 0, []
    for length in pieces:
        part = {**given, "target_input": given["target_input"][:, start : start + length]}
        features, state = model.advance(part, state)
        found.append(array(model.head.parameters(features)))
        start += length
    np.testing.assert_allclose(np.concatenate(found, axis=1), whole, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", STEPPING)
def test_a_later_step_changes_no_earlier_one(case, array):
    model, given = case
    other = given["target_input"].copy()
    other[:, 9:] += 5
    one, two = array(model(given)), array(model({**given, "target_input": other}))
    np.testing.assert_array_equal(one[:, :9], two[:, :9])
    assert not np.allclose(one[:, 9:], two[:, 9:])


@pytest.mark.parametrize("name", DIRECT)
def test_what_is_known_of_a_segment_changes_that_segment_alone(case, name, array):
    model, given = case
    length = model.head.steps
    assert HORIZON % 4  # a last segment that is cut off
    for segment in range(model.segments):
        other = given["target_input"].copy()
        own = slice(segment * length, (segment + 1) * length)
        other[:, own] += 5
        differs = np.abs(array(model({**given, "target_input": other})) - array(model(given))).max(axis=(0, 2))
        assert (differs[own] > 1e-4).all()
        differs[own] = 0
        np.testing.assert_allclose(differs, 0, atol=1e-6)


@pytest.mark.parametrize("name", ["no skip"])
def test_every_step_of_the_context_matters(case, array):
    model, given = case
    whole = array(model(given))
    for step in range(CONTEXT):
        other = given["source"].copy()
        other[:, step] += 3
        assert not np.allclose(array(model({**given, "source": other})), whole, atol=1e-4)


def test_static_features_and_known_series_matter(case, name, array):
    model, given = case
    whole = array(model(given))
    assert not np.allclose(array(model({**given, "static": given["static"] + 3})), whole, atol=1e-4)
    others = array(model({**given, "series": np.asarray([2, 3, 1, 1], np.int32)}))
    assert np.allclose(others, whole) == ("series_units" not in CASES[name])


@pytest.mark.parametrize("name", ["attention", "autoregressive"])
def test_an_unknown_series_has_no_vector_of_its_own(case, array):
    model, given = case
    unknown = {**given, "series": np.zeros(4, np.int32)}
    found = array(model(unknown))
    model.series.vectors.assign(model.series.vectors + 1.0)
    np.testing.assert_array_equal(array(model(unknown)), found)
    assert not np.allclose(array(model({**given, "series": np.asarray([1, 2, 3, 1], np.int32)})), found, atol=1e-4)
    model.series.vectors.assign(model.series.vectors * 0.0)
    np.testing.assert_allclose(array(model({**given, "series": np.asarray([1, 2, 3, 1], np.int32)})), found, 1e-6)


def test_a_new_model_forecasts_its_linear_map(name, rng, array):
    model, inputs, table = build(name)
    given = model_inputs(inputs.batch(table, WINDOWS))
    kind = distribution_of(model.head.KIND, getattr(model.head, "levels", ()))
    found = kind.mean(array(model(given)))
    if model.skip is None:
        if name == "counts":
            found = np.log(np.expm1(found / given["scale"] - 1e-4))
        np.testing.assert_allclose(found, 0, atol=1e-5)
        return
    weights = rng.normal(size=model.skip.kernel.shape)
    model.skip.assign(weights)
    if name in DIRECT:
        expected = given["source"][..., 0] @ weights
    else:
        expected = (given["target_input"][..., : model.lags] @ weights)[..., 0]
    np.testing.assert_allclose(kind.mean(array(model(given))), expected, rtol=1e-4, atol=1e-4)


def test_weights_that_were_saved_make_the_same_model(case, name, array, tmp_path):
    model, given = case
    model.save_weights(tmp_path / "model.weights.h5")
    other, *_ = build(name, seed=4)
    assert not np.allclose(array(other(given)), array(model(given)), atol=1e-3)
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(array(other(given)), array(model(given)))


def test_gradients_reach_every_trainable_variable(name, randomize, gradients):
    model, inputs, table = build(name, randomize)
    batch = inputs.batch(table, WINDOWS)
    objective = network.build_objective(model)

    def loss():
        outputs = objective(model_inputs(batch), training=True)
        return objective.compute_loss(model_inputs(batch), batch.target_output, outputs, batch.weights)

    value, found = gradients(loss, model.trainable_variables)
    assert np.isfinite(value)
    for variable, gradient in zip(model.trainable_variables, found, strict=True):
        assert gradient is not None, variable.path
        assert np.abs(gradient).max() > 0, variable.path


def test_dropout_changes_training_alone(name, randomize, array):
    model, inputs, table = build(name, randomize)
    given = model_inputs(inputs.batch(table, WINDOWS))
    np.testing.assert_array_equal(array(model(given)), array(model(given, training=False)))
    assert not np.allclose(array(model(given, training=True)), array(model(given)))


def test_half_precision_is_near_and_keeps_scales_and_lags_exact(name, randomize, array):
    model, inputs, table = build(name, randomize)
    given = model_inputs(inputs.batch(table, WINDOWS))
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half, *_ = build(name, randomize)
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(model.get_weights())
    found, expected = array(half(given)), array(model(given))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.3)
    # What does not go through the recurrent network is exact.
    for one in (half, model):
        one.head.projection.set_weights([0 * weight for weight in one.head.projection.get_weights()])
    np.testing.assert_allclose(array(half(given)), array(model(given)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["direct", "autoregressive"])
def test_a_wave_is_learned_in_some_steps(name):
    keras.utils.set_random_seed(1)
    time = np.arange(400)
    table = table_of({"a": 10 + np.sin(time / 2) + np.sign(np.sin(time / 2))}, "step")
    head = "gaussian"
    recipe = make_recipe(kind=name, head=head, skip=False, dropout=0.0, units=8)
    model, inputs = make_network(recipe, make_codec(table, calendar=False))
    objective = network.build_objective(model)
    objective.compile(keras.optimizers.Adam(0.03), jit_compile=False)
    windows = TrainingWindows(table, HORIZON, 38, seed=1, min_context=CONTEXT)
    losses = []
    for step in range(30):
        batch = inputs.batch(table, windows.at(step // windows.steps, step % windows.steps))
        losses.append(objective.train_on_batch(model_inputs(batch), batch.target_output, batch.weights))
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.7  # nats a reading: half the deviation


@pytest.mark.parametrize(("horizon", "segment"), [(1, 1), (1, 8), (3, 4), (9, 4)])
def test_any_horizon_goes_with_any_segment(horizon, segment, array):
    table = make_table()
    recipe = make_recipe(segment=segment)
    recipe = recipe.model_copy(update={"window": recipe.window.model_copy(update={"horizon": horizon})})
    model, inputs = make_network(recipe, make_codec(table))
    assert array(model(model_inputs(inputs.batch(table, WINDOWS)))).shape == (4, horizon, 2)


@pytest.mark.parametrize("kind", ["direct", "autoregressive"])
def test_the_linear_map_of_straight_lines_continues_them(kind, array):
    table = table_of({"a": np.arange(90.0), "b": 100 - 3 * np.arange(80.0)}, "step")
    recipe = make_recipe(kind=kind, ridge=1e-6)
    recipe = recipe.model_copy(update={"window": recipe.window.model_copy(update={"min_context": 20})})
    model, inputs = make_network(recipe, make_codec(table, calendar=False))
    model.skip.assign(network.fit_skip(recipe, inputs, table))
    batch = inputs.batch(table, Windows(np.asarray([0, 1]), np.asarray([30, 40])))
    found = array(model(model_inputs(batch)))[..., 0]
    np.testing.assert_allclose(found[:, -HORIZON:], batch.target_output[:, -HORIZON:], atol=0.05)


def test_a_new_model_forecasts_the_ridge_regression_for_short_series_too(array):
    table, recipe = make_table(), make_recipe()
    model, inputs = make_network(recipe, make_codec(table))
    model.skip.assign(network.fit_skip(recipe, inputs, table))
    windows = Windows(np.repeat([0, 1, 2], 3), np.asarray([3, 5, 20, 2, 8, 24, 2, 3, 4]))
    given, scale, _ = inputs.inputs(table, windows)
    expected = fit_ridge(table, CONTEXT, HORIZON, recipe.model.ridge, min_context=1).forecast(table, windows)
    found = scale.back(array(model(given))[..., 0].astype(np.float64))
    np.testing.assert_allclose(found, expected.mean, rtol=1e-4)


def test_no_layer_of_two_models_is_shared():
    one, other = (build("direct")[0] for _ in range(2))
    assert not {id(v) for v in one.variables} & {id(v) for v in other.variables}
