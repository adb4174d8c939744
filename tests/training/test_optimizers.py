"""The optimizer's one-pass kernels compute what Keras computes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from recipes.language_model import RECIPES
from seq2seq.run.train import make_optimizer
from seq2seq.training.optimizers import AveragingAdam, AveragingSGD

OPTIONS = {"learning_rate": 0.01}


def run(optimizer, gradients, start):
    variables = [keras.Variable(value, name=f"v{i}") for i, value in enumerate(start)]
    optimizer.build(variables)
    for step in gradients:
        optimizer.apply([None if g is None else keras.ops.convert_to_tensor(g) for g in step], variables)
    averages = optimizer._model_variables_moving_average if optimizer.use_ema else []
    return [np.asarray(keras.ops.convert_to_numpy(v)) for v in (*variables, *averages)]


@pytest.fixture
def problem(rng):
    shapes = [(3, 4), (4,), (1,)]
    start = [rng.normal(size=shape).astype("float32") for shape in shapes]
    return [[rng.normal(size=shape).astype("float32") for shape in shapes] for _ in range(5)], start


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"global_clipnorm": 1.0},
        {"global_clipnorm": 100.0},
        {"clipnorm": 0.5},
        {"weight_decay": 0.1},
        {"global_clipnorm": 0.5, "weight_decay": 0.1, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3},
        {"gradient_accumulation_steps": 2, "global_clipnorm": 1.0},
        {"amsgrad": True},
    ],
    ids=lambda options: "+".join(options) or "plain",
)
def test_the_steps_are_those_of_keras_own_adam(problem, options):
    class Plain(keras.optimizers.Adam):
        def finalize_variable_values(self, var_list):
            pass

    options = {**OPTIONS, **options}
    ours, keras_own = AveragingAdam(**options), Plain(**options)
    for got, expected in zip(run(ours, *problem), run(keras_own, *problem), strict=True):
        np.testing.assert_allclose(got, expected, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize(
    "options",
    [{}, {"global_clipnorm": 0.25}, {"weight_decay": 0.1}, {"momentum": 0.9}, {"gradient_accumulation_steps": 2}],
    ids=lambda options: "+".join(options) or "plain",
)
def test_the_steps_are_those_of_keras_own_gradient_descent(problem, options):
    class Plain(keras.optimizers.SGD):
        def finalize_variable_values(self, var_list):
            pass

    options = {"learning_rate": 0.5, "use_ema": False, **options}
    ours, keras_own = AveragingSGD(**options), Plain(**options)
    for got, expected in zip(run(ours, *problem), run(keras_own, *problem), strict=True):
        np.testing.assert_allclose(got, expected, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("momentum", [0.5, 0.9, 0.999])
def test_the_average_is_of_the_last_tenth_of_the_steps_until_its_momentum_holds(problem, momentum):
    gradients, start = problem
    variables = [keras.Variable(value, name=f"v{i}") for i, value in enumerate(start)]
    optimizer = AveragingAdam(0.01, use_ema=True, ema_momentum=momentum)
    wanted = None
    for n, step in enumerate(gradients * 20):
        optimizer.apply(list(map(keras.ops.convert_to_tensor, step)), variables)
        weights = [keras.ops.convert_to_numpy(v).astype("float64") for v in variables]
        share = max(1 - momentum, 10 / (10 + n))
        wanted = [old + share * (new - old) for old, new in zip(wanted or weights, weights, strict=True)]
    for got, expected in zip(optimizer._model_variables_moving_average, wanted, strict=True):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(got), expected, rtol=1e-5, atol=1e-5)


def test_the_average_forgets_what_chance_began_with(problem):
    _, start = problem
    variables = [keras.Variable(value, name=f"v{i}") for i, value in enumerate(start)]
    optimizer = AveragingAdam(0.0, use_ema=True, ema_momentum=0.998)
    for _ in range(30):
        optimizer.apply([keras.ops.ones_like(v) for v in variables], variables)
    for variable in variables:
        variable.assign(keras.ops.ones_like(variable))
    for _ in range(70):
        optimizer.apply([keras.ops.ones_like(v) for v in variables], variables)
    for average in optimizer._model_variables_moving_average:
        np.testing.assert_allclose(keras.ops.convert_to_numpy(average), 1, atol=1e-3)


@pytest.mark.parametrize("kind", [AveragingAdam, AveragingSGD])
@pytest.mark.parametrize("accumulate", [None, 2])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e9, 0.0], ids=str)
def test_a_bad_step_is_as_if_it_had_not_been(problem, bad, accumulate, kind):
    gradients, start = problem
    options = {"global_clipnorm": 1.0, "use_ema": True, "gradient_accumulation_steps": accumulate}
    spoilt = [np.zeros_like(g) if bad == 0 else g.copy() for g in gradients[2]]
    spoilt[1][2] = bad
    ours, other = kind(**options), kind(**options)
    without = run(other, gradients, start)
    for got, expected in zip(run(ours, [*gradients[:2], spoilt, *gradients[2:]], start), without, strict=True):
        np.testing.assert_array_equal(got, expected)
    assert (float(ours.refused), float(other.refused)) == (1.0, 0.0)
    assert float(ours.usual_norm) == float(other.usual_norm)


def test_long_gradients_at_the_start_are_not_an_explosion(problem):
    gradients, start = problem
    optimizer = AveragingAdam(global_clipnorm=1.0)
    run(optimizer, [[g * size for g in step] for step, size in zip(gradients, (50, 900, 30, 2, 1), strict=True)], start)
    assert float(optimizer.refused) == 0


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow has gradients given row by row")
def test_rows_that_occur_twice_count_once_in_the_norm():
    import tensorflow as tf

    rows = tf.IndexedSlices(tf.constant([[3.0], [-3.0], [0.5]]), tf.constant([1, 1, 0]), tf.constant([2, 1]))
    whole = np.array([[0.5], [0.0]], "float32")
    start = [np.ones((2, 1), "float32")]
    found = []
    for gradient in (rows, tf.constant(whole)):
        variable = keras.Variable(start[0])
        optimizer = AveragingAdam(0.01, global_clipnorm=1.0, epsilon=1.0)
        optimizer.build([variable])
        optimizer.apply([gradient], [variable])
        found.append(keras.ops.convert_to_numpy(variable))
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(("name", "kind"), [("adam", AveragingAdam), ("sgd", AveragingSGD)])
def test_a_recipe_names_its_optimizer(name, kind):
    options = RECIPES["demo"].training.model_copy(update={"optimizer": name, "gradient_clip": 0.25})
    found = make_optimizer(RECIPES["demo"].model_copy(update={"training": options}), 10)
    assert type(found) is kind
    assert (found.global_clipnorm, found.ema_momentum) == (0.25, options.ema)
    assert float(found.learning_rate) == pytest.approx(options.learning_rate / options.warmup_steps)
