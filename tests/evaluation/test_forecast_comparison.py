"""Losses of windows are read as they were written; a better forecaster is distinguished from a lucky one."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest

from seq2seq.evaluation.forecast_comparison import as_text, compare, is_losses, read_losses, write_losses
from seq2seq.evaluation.forecasting import NAIVE2, evaluate
from seq2seq.series.baselines import METHODS, forecast_table
from seq2seq.series.forecast import SpreadForecast
from seq2seq.series.table import table_of
from seq2seq.series.windows import rolling_origins
from seq2seq.text.opening import CorpusError

HORIZON, SEASON = 3, 4
SAMPLES = {"bs": 300, "ar": 600}


def data(series=12, seed=0):
    rng = np.random.default_rng(seed)
    return table_of({f's,{n}"': rng.normal(10 * n, 1, 60) for n in range(series)}, "h", "2024-01-01")


def forecaster(table, error, seed):
    """The level of each series, and an error of its own for each window."""
    rng = np.random.default_rng(seed)

    def predict(windows):
        shape = len(windows.cuts), HORIZON
        level = np.array([table[int(number)].values.mean() for number in windows.series])
        return SpreadForecast(level[:, None] + error * rng.normal(size=shape), np.ones(shape))

    return predict


def models_of(table, tmp_path, windows=5, **errors):
    chosen = rolling_origins(table, HORIZON, windows, 3)
    models = {name: forecaster(table, error, seed) for seed, (name, error) in enumerate(errors.items())}
    found = evaluate(table, chosen, HORIZON, SEASON, models)
    with open(tmp_path / "losses.csv", "w", encoding="utf-8", newline="\n") as stream:
        write_losses(found, stream)
    return found, read_losses(tmp_path / "losses.csv")


def test_a_better_forecaster_is_told_from_a_lucky_one(tmp_path):
    found, models = models_of(data(), tmp_path, base=1.0, better=0.1, like=1.0)
    comparison = compare(models, samples=SAMPLES)
    assert comparison.units == "series"
    for measure in ("mae", "mase", "crps", "wql", "msis"):
        tested = comparison.scores[measure]
        assert tested["base"].p_bootstrap is None
        assert max(tested["better"].p_bootstrap, tested["better"].p_randomization) < 0.02, measure
        assert min(tested["like"].p_bootstrap, tested["like"].p_randomization) > 0.05, measure
    for model, own in found.scores.items():
        for measure, tested in comparison.scores.items():
            assert tested[model].score == pytest.approx(own[measure].score, rel=1e-10)
            assert tested[model].signature.startswith(own[measure].signature)
    text = as_text(comparison)
    assert "60 windows of 12 series, horizon 3, season 4" in text
    assert "better better than the baseline" in text


def test_few_series_are_compared_by_windows_and_that_is_said(tmp_path):
    _, models = models_of(data(2), tmp_path, windows=15, base=1.0, better=0.1)
    comparison = compare(models, samples=SAMPLES)
    assert comparison.units == "windows"
    assert comparison.scores["mae"]["better"].p_randomization < 0.02
    assert "Fewer than 10 series" in as_text(comparison)


def test_windows_of_a_series_are_no_evidence_of_their_own(tmp_path):
    """A series repeated in many windows that all have the same error counts once."""
    table, lean = data(), {}
    chosen = rolling_origins(table, HORIZON, 15, 1)
    shift = 5 * np.random.default_rng(1).normal(size=(2, len(table)))
    for name, own in zip(("one", "other"), shift, strict=True):
        lean[name] = lambda w, own=own: SpreadForecast(
            np.repeat(own[w.series][:, None] + 10 * w.series[:, None], HORIZON, 1), np.ones((len(w.cuts), HORIZON))
        )
    found = evaluate(table, chosen, HORIZON, SEASON, lean)
    stream = io.StringIO()
    write_losses(found, stream)
    (tmp_path / "x.csv").write_text(stream.getvalue())
    models = read_losses(tmp_path / "x.csv")
    over_series = compare(models, samples=SAMPLES).scores["mae"]["other"]
    # As if each window were a series of its own:
    for model in models.values():
        model.keys[:] = [(f"{series} {cutoff}", cutoff) for series, cutoff in model.keys]
    over_windows = compare(models, samples=SAMPLES).scores["mae"]["other"]
    assert over_windows.score == pytest.approx(over_series.score)
    assert over_series.interval > 2 * over_windows.interval


def test_rounding_is_no_difference(tmp_path):
    _, models = models_of(data(), tmp_path, base=1.0)
    base = models["base"]
    means = {name: values * (1 + 1e-14) for name, values in base.means.items()}
    comparison = compare({"base": base, "rounded": dataclasses.replace(base, means=means)}, samples=SAMPLES)
    for tested in comparison.scores.values():
        assert tested["rounded"].p_bootstrap == tested["rounded"].p_randomization == 1


def test_losses_are_read_as_they_were_written(tmp_path):
    table = table_of({"a": [1.0, 2, 4, 8, 9, 11, 14, 12], "constant": [3.0] * 8}, "D", "2024-01-01")
    chosen = rolling_origins(table, 2, 2, 2)
    methods = {n: lambda w, m=m: forecast_table(table, m, 2, 1, w) for n, m in METHODS.items()}
    found = evaluate(table, chosen, 2, 1, methods)
    with open(tmp_path / "x.csv", "w", encoding="utf-8") as stream:
        write_losses(found, stream)
    assert is_losses(tmp_path / "x.csv")
    models = read_losses(tmp_path / "x.csv")
    assert list(models) == list(methods)
    for name, model in models.items():
        assert model.keys == [
            ("a", "2024-01-04"), ("a", "2024-01-06"), ("constant", "2024-01-04"), ("constant", "2024-01-06")
        ]  # fmt: skip
        assert (model.horizon, model.season) == (2, 1)
        np.testing.assert_array_equal(model.points, found.points)
        np.testing.assert_array_equal(model.absolute, found.absolute)
        for measure, values in found.losses[name].means.items():
            np.testing.assert_array_equal(model.means[measure], values)
    assert compare(models, samples=SAMPLES).scores["mase"][NAIVE2].score == found.scores[NAIVE2]["mase"].score


def test_forecasters_of_other_data_are_refused(tmp_path):
    _, models = models_of(data(), tmp_path, base=1.0)
    _, other = models_of(data(seed=1), tmp_path, base=1.0)
    _, fewer = models_of(data(11), tmp_path, base=1.0)
    base = models["base"]
    with pytest.raises(ValueError, match=r"a and b were scored on different values. First: series 's,0\"'"):
        compare({"a": base, "b": other["base"]})
    with pytest.raises(ValueError, match=r"same windows of a and b. Only one has series 's,11\"'"):
        compare({"a": base, "b": fewer["base"]})
    with pytest.raises(ValueError, match=r"two or more forecasters to compare. Received: a"):
        compare({"a": base})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("m,a,1,2,3,4,5,x", r"x.csv:2: column 'mae': expected a number. Received: 'x'"),
        ("m,a,1,2,3,4,5,inf", r"x.csv:2: column 'mae': expected a number"),
        ("m,a,1,2,3,,5,1", r"x.csv:2: column 'points': expected a number"),
        ("m,a,1,2,3,4,5,1\nm,a,2,9,3,4,5,1", "one horizon and one season"),
        ("", "expected losses of windows. Received: none"),
    ],
)
def test_a_damaged_table_is_named_by_its_line(line, message, tmp_path):
    (tmp_path / "x.csv").write_text(f"model,unique_id,cutoff,horizon,season,points,absolute,mae\n{line}\n")
    with pytest.raises(CorpusError, match=message):
        read_losses(tmp_path / "x.csv")
    with pytest.raises(CorpusError, match="missing"):
        read_losses(tmp_path / "missing.csv")
