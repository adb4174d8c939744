"""A SavedModel of a forecaster gives what the forecaster in memory gives, from readings as they are."""

from __future__ import annotations

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.series.calendar import CYCLES
from seq2seq.series.calendar import phases as expected_phases
from seq2seq.series.windows import Windows, carried_forward, cut_windows, scale_of
from tests.small_forecasters import COLUMNS, PLAIN, series, small_forecaster, write_run

if keras.backend.backend() != "tensorflow":
    pytest.skip("a SavedModel is made by TensorFlow", allow_module_level=True)

from seq2seq.export import series_graphs
from seq2seq.export.forecast_saved_model import export_forecast_saved_model
from seq2seq.export.series_graphs import phases, scaled_context

MODELS = {
    "quantiles": (COLUMNS, {"scale_feature": True, "skip": False}),
    "student_t": (COLUMNS, {"head": "student_t", "series_units": 3, "scaling": "standard", "standardize": True}),
    "negative_binomial": (PLAIN, {"head": "negative_binomial", "scaling": "mean_absolute", "horizon": 7}),
    "squares": (PLAIN, {"head": "squares", "scaling": "last", "calendar": False, "shrink": "validation", "horizon": 7}),
}
WINDOWS = Windows(np.array([0, 1, 2, 1, 0]), np.array([40, 40, 40, 15, 5]))
CLIENT = """
import sys
import numpy as np
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
found = model(context=tf.constant([[1.0, 2.0, float("nan"), 4.0] * 3]))
assert not {"seq2seq", "tensorflow_text"} & set(sys.modules)
print(found["quantiles"].shape, np.isfinite(found["mean"]).all())
"""


def given(forecaster, table, windows, signature):
    """What a client knows, for the inputs of the signature."""
    names = set(signature.structured_input_signature[1])
    cut = cut_windows(table, windows, forecaster.context, forecaster.horizon)
    rows, codec = np.where(cut.inside, cut.positions, 0), forecaster.codec
    columns = {
        name: np.where(cut.inside, column[rows], np.nan).astype("f") for name, column in table.covariates.items()
    }
    found = {
        "context": np.where(cut.context_observed, cut.context, np.nan).astype("f"),
        "age": windows.cuts,
        "clock": table.clock(cut.positions, windows.series[:, None]),
        "series": np.array(table.ids)[windows.series],
    }
    if columns:
        found["future"] = np.stack([columns[name] for name in codec.future], axis=-1)
        found["historic"] = np.stack([columns[name] for name in codec.historic], axis=-1)[:, : forecaster.context]
        found["static_numbers"] = table.static["size"][windows.series][:, None].astype("f")
        found["static_strings"] = table.static["kind"][windows.series][:, None]
    return {name: tf.constant(found[name]) for name in names}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    place, found = tmp_path_factory.mktemp("forecasters"), {}
    for name, (columns, options) in MODELS.items():
        forecaster = small_forecaster(columns, **options)
        path = export_forecast_saved_model(forecaster, place / name)
        signature = tf.saved_model.load(str(path)).signatures["serving_default"]
        found[name] = forecaster, path, signature, series(columns=columns, ahead=8)
    return found


@pytest.mark.parametrize("name", MODELS)
def test_readings_become_quantiles_as_in_memory(name, exported):
    forecaster, _, signature, table = exported[name]
    found = signature(**given(forecaster, table, WINDOWS, signature))
    expected = forecaster.predict(table, WINDOWS)
    levels = [round(float(level), 6) for level in found["levels"]]
    assert len(levels) == (15 if name == "quantiles" else 13)
    np.testing.assert_allclose(found["mean"], expected.mean, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found["quantiles"], expected.quantiles(levels), rtol=1e-5, atol=1e-5)
    assert np.ptp(found["quantiles"][0]) > 1
    if name != "negative_binomial":
        assert (found["quantiles"][2].numpy() == 7).all()  # the constant series


@pytest.mark.parametrize("name", MODELS)
def test_a_row_is_the_same_alone_and_none_is_no_fault(name, exported):
    forecaster, _, signature, table = exported[name]
    together = given(forecaster, table, WINDOWS, signature)
    found = signature(**together)["quantiles"]
    alone = signature(**{key: part[3:4] for key, part in together.items()})["quantiles"]
    np.testing.assert_allclose(alone[0], found[3], rtol=1e-5)
    assert signature(**{key: part[:0] for key, part in together.items()})["mean"].shape == (0, forecaster.horizon)


def test_it_says_what_its_inputs_are(exported):
    forecaster, path, signature, _ = exported["quantiles"]
    about = json.loads((path / "assets.extra" / "about.json").read_text())
    assert set(about["inputs"]) == set(signature.structured_input_signature[1])
    assert about["inputs"]["future"].endswith("horizon: price")
    assert (about["context"], about["horizon"], about["levels"]) == (12, 6, list(forecaster.distribution.levels))
    assert about["series"]["categories"] == {"kind": ["x", "y"]}
    assert set(exported["squares"][2].structured_input_signature[1]) == {"context"}


def _with(values, name, place, value):
    changed = values[name].numpy()
    changed[place] = value
    return {**values, name: tf.constant(changed)}


@pytest.mark.parametrize(
    ("name", "where", "place", "value", "message"),
    [
        ("quantiles", "context", (1, 3), np.inf, "(?s)holds infinite readings.*1"),
        ("quantiles", "context", 2, np.nan, "(?s)holds no reading.*2"),
        ("quantiles", "future", (3, 14), np.nan, "(?s)lacks covariates of the horizon.*3"),
        ("student_t", "series", 0, b"other", "(?s)was not in training.*0"),
    ],
)
def test_what_cannot_be_forecast_is_refused(name, where, place, value, message, exported):
    forecaster, _, signature, table = exported[name]
    inputs = given(forecaster, table, WINDOWS, signature)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        signature(**_with(inputs, where, place, value))


def test_other_levels_can_be_asked_for(tmp_path):
    forecaster, table = small_forecaster(calendar=False), series(ahead=8)
    path = export_forecast_saved_model(forecaster, tmp_path / "it", levels=(0.25, 0.5))
    signature = tf.saved_model.load(str(path)).signatures["quantiles"]
    found = signature(**given(forecaster, table, WINDOWS, signature))["quantiles"]
    expected = forecaster.predict(table, WINDOWS).quantiles((0.25, 0.5))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    for levels, message in (((0.5, 0.1), "that ascend between 0 and 1"), ((0.001,), "knows the quantiles from 0.01")):
        with pytest.raises(ValueError, match=message):
            export_forecast_saved_model(forecaster, tmp_path / "other", levels)


def test_the_command_writes_what_needs_tensorflow_alone(tmp_path, cli):
    run = write_run(tmp_path / "run", calendar=False, head="student_t")
    for version in (1, 2):
        assert cli("export", run, "--format", "saved_model")[:2] == (0, f"{run}/export/saved_model/{version}\n")
    words = [sys.executable, "-c", CLIENT, str(run / "export/saved_model/2")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == "(1, 6, 13) True\n"
    code, _, err = cli("export", run, "--format", "saved_model", "--ids-only")
    assert (code, "without --ids-only" in err) == (2, True)


def test_a_step_keeps_its_state_with_the_client(tmp_path):
    forecaster = small_forecaster(COLUMNS, kind="autoregressive", head="student_t", cell="lstm", series_units=3)
    path = export_forecast_saved_model(forecaster, tmp_path / "it")
    step = tf.saved_model.load(str(path)).signatures["step"]
    inputs, *_ = forecaster.inputs.inputs(series(columns=COLUMNS, ahead=8), WINDOWS)
    network = forecaster.networks[0]
    expected, _ = network.advance(inputs, network.begin(5))
    about = json.loads((path / "assets.extra" / "about.json").read_text())
    state = {f"state_{number}": tf.zeros((5, width)) for number, width in enumerate(about["state"])}
    given = {name: tf.constant(inputs[name]) for name in about["inputs"] if name in inputs}
    for time in range(expected.shape[1]):
        state = step(**{**given, **state, "target_input": given["target_input"][:, time : time + 1]})
        np.testing.assert_allclose(state.pop("parameters")[:, 0], expected[:, time], rtol=1e-4, atol=1e-5)
    assert about["inputs"]["target_input"].endswith("price, rain; covariates are normalised by ranges, 0 where "
    "missing, those of the past one step late")  # fmt: skip


@pytest.mark.parametrize("cycle", CYCLES)
def test_the_calendar_is_that_of_the_tables(cycle, rng):
    days = np.arange(-200_000, 200_000, 13) * 86_400_000_000
    leap = (np.datetime64("2000-02-27", "us") + np.arange(5) * np.timedelta64(1, "D")).astype(np.int64)
    clock = np.concatenate([days + rng.integers(86_400_000_000, size=len(days)), leap, [-1, 0, 1]])
    np.testing.assert_allclose(phases(tf.constant(clock), cycle), expected_phases(clock, cycle), rtol=0, atol=1e-12)


@pytest.mark.parametrize("scaling", ["none", "last", "mean_absolute", "standard", "last_mean_absolute"])
def test_contexts_are_scaled_as_in_memory(scaling, rng):
    values, observed = 5 + rng.normal(size=(9, 20)), rng.random((9, 20)) < 0.4
    values[7], observed[8] = 3, False
    values = np.where(observed, values, 0.0)
    found = scaled_context(tf.constant(values), tf.constant(observed), scaling)
    expected = scale_of(values, observed, scaling)
    np.testing.assert_allclose(found.scale, expected.scale, rtol=1e-12)
    np.testing.assert_allclose(found.location, expected.location, rtol=1e-12, atol=1e-12)
    held = carried_forward(values, observed)
    np.testing.assert_array_equal(series_graphs.carried_forward(tf.constant(values), tf.constant(observed)), held)
