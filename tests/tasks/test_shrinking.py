"""The share of a network: chosen by the validation windows, kept in the weights, and the same again."""

from __future__ import annotations

import numpy as np
import pytest

import seq2seq
from recipes.forecast import RECIPES
from seq2seq.cli.train import run_recipe
from seq2seq.run.folder import RunFolderError
from seq2seq.series.cells import Columns
from seq2seq.series.codec import learn_codec
from seq2seq.series.shrinkage import shares
from seq2seq.series.windows import Windows
from seq2seq.tasks import forecast
from seq2seq.tasks.forecast import shrinking
from seq2seq.tasks.forecast.data import find_corpus
from seq2seq.tasks.forecast.folder import ForecastRunFolder
from seq2seq.tasks.forecast.loading import make_forecaster
from tests.small_forecasters import series, small_codec, small_network, small_recipe


def written(path):
    """A table of two noisy series that no linear map knows."""
    draw = np.random.default_rng(0)
    rows = ["unique_id,ds,y"]
    for name in "ab":
        values = np.abs(np.sin(np.arange(240) / 6)) ** 3 + 0.05 * draw.normal(size=240)
        rows += [f"{name},{step},{value:.4f}" for step, value in enumerate(values)]
    path.write_text("\n".join(rows) + "\n")
    return path


def trained(folder, shrink):
    """A run over the table."""
    words = [
        *("tiny", "--run-folder", str(folder / shrink), "--data.corpus", "files", "--exports", ""),
        *("--data.train", str(written(folder / "own.csv")), "--data.validation_windows", "4"),
        *("--window.horizon", "6", "--window.context", "12", "--model.segment", "4", "--window.per_series", "0"),
        *("--model.shrink", shrink, "--training.epochs", "8", "--training.keep_epochs", "2"),
    ]
    assert run_recipe(RECIPES, "train", "", words) == 0
    return folder / shrink


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run whose share was chosen by its validation windows."""
    return trained(tmp_path_factory.mktemp("shrinking"), "validation")


@pytest.fixture(scope="module")
def with_past(tmp_path_factory):
    """A run whose share was chosen by its past too."""
    return trained(tmp_path_factory.mktemp("past"), "history")


def share_of(folder):
    return np.asarray(ForecastRunFolder(folder).load_model()[0].share)


def test_a_finished_run_keeps_falling_shares_and_says_them(finished):
    share = share_of(finished)
    assert ((share >= 0) & (share <= 1)).all()
    assert (np.diff(share) <= 0).all()
    assert 0 < share.sum() < len(share)
    assert f"{shrinking.described(share)}, by the same windows." in (finished / "README.md").read_text()


def test_shares_are_those_of_the_forecasts_without_and_with_the_network(finished):
    folder = ForecastRunFolder(finished)
    recipe, data = folder.load_recipe(), find_corpus(folder.load_recipe())
    model, codec = folder.load_model()
    table, windows = data.validation
    forecaster = make_forecaster([model], recipe, codec, lambda: data)
    own, found = np.asarray(model.share), []
    for share in (0, 1):
        model.share.assign(np.full(6, share))
        forecast = forecaster.predict(table, windows)
        found.append(forecast.mean / forecast.scale.scale)
    actual = np.stack([table[int(s)].values[int(c) : int(c) + 6] for s, c in zip(*windows, strict=True)])
    lacks, added = actual / forecast.scale.scale - found[0], found[1] - found[0]
    groups = np.repeat([0, 1, 2, 3], 2).reshape(4, 2).T.ravel()  # two series of four horizons each
    sums = [np.stack([(lacks * added)[groups == g].sum(axis=0), (added**2)[groups == g].sum(axis=0)]) for g in range(4)]
    np.testing.assert_allclose(own, shares(*np.stack(sums, axis=1)), atol=1e-4)
    np.testing.assert_allclose(shrinking.choose_share(folder, recipe, data), own, atol=1e-6)
    np.testing.assert_allclose(share_of(finished), own, atol=1e-6)


def test_an_average_chooses_its_own_share(finished, cli, tmp_path):
    code, _, err = cli("average", finished, "--last", 2, "--output", tmp_path / "mean")
    assert (code, err) == (0, "")
    folder = ForecastRunFolder(tmp_path / "mean")
    own = share_of(tmp_path / "mean")
    assert not np.array_equal(own, np.ones(6))
    recipe = folder.load_recipe()
    np.testing.assert_allclose(shrinking.choose_share(folder, recipe, find_corpus(recipe)), own, atol=1e-6)
    assert len(seq2seq.load(tmp_path / "mean").forecast(horizon=3)) == 6


def test_the_past_is_forecast_by_a_network_that_saw_only_what_came_before(with_past):
    folder, half = ForecastRunFolder(with_past), ForecastRunFolder(with_past / "past")
    recipe = folder.load_recipe()
    data = find_corpus(recipe)
    earlier = shrinking.halved(recipe, data)
    learned, windows = earlier.train, earlier.validation.windows
    assert (windows.cuts >= learned.lengths[windows.series]).all()
    assert (windows.cuts + 6 <= data.train.lengths[windows.series]).all()
    assert half.load_codec() == learn_codec(learned, Columns(), (), "error", recipe.model.calendar, False)
    model, codec = half.load_model()
    sums = shrinking.products_and_squares(model, codec, half.load_recipe(), earlier.validation)
    np.testing.assert_allclose(folder.load_past(6), sums, rtol=1e-5)
    assert sums.shape[1] > shrinking.FEWEST
    fewer = Windows(windows.series[::3], windows.cuts[::3])
    thinned = shrinking.products_and_squares(
        model, codec, half.load_recipe(), earlier.validation._replace(windows=fewer)
    )
    np.testing.assert_allclose(thinned.sum() / sums.sum() * sums.shape[1] / thinned.shape[1], 1, atol=0.3)  # not 1 / 3


def test_the_past_changes_the_share_and_nothing_else(finished, with_past):
    folder, plain = ForecastRunFolder(with_past), ForecastRunFolder(finished)
    models = [one.load_model()[0] for one in (folder, plain)]
    for one, other in zip(*(model.weights for model in models), strict=True):
        if "share" not in one.path:
            np.testing.assert_array_equal(one, other)
    recipe, codec = plain.load_recipe(), plain.load_codec()
    held = shrinking.products_and_squares(models[1], codec, recipe, find_corpus(recipe).validation)
    both = np.concatenate([held, folder.load_past(6)], axis=1)
    np.testing.assert_allclose(share_of(with_past), shares(*both), atol=1e-5)
    assert not np.array_equal(share_of(with_past), share_of(finished))


def test_an_average_takes_the_past_along_and_a_damaged_one_is_named(with_past, tmp_path):
    assert forecast.learned_files(ForecastRunFolder(with_past)) == [with_past / "past.json"]
    copy = ForecastRunFolder(tmp_path)
    for text in ("{}", '{"products": [[1]], "squares": [[1]]}', '{"products": 1, "squares": [[NaN]]}'):
        copy.past_file.write_text(text)
        with pytest.raises(RunFolderError, match=r"past\.json: missing or damaged"):
            copy.load_past(6)


def test_halves_that_are_too_short_are_refused_before_the_epochs(tmp_path, capsys):
    words = ["tiny", "--run-folder", str(tmp_path / "run"), "--data.corpus", "files", "--model.shrink", "history"]
    words += ["--data.train", str(written(tmp_path / "own.csv")), "--window.horizon", "40", "--window.context", "56"]
    assert run_recipe(RECIPES, "train", "", words) == 2
    assert (
        "model.shrink history halves the training part, whose longest series has 200 steps" in capsys.readouterr().err
    )
    assert not (tmp_path / "run" / "history.csv").exists()


def test_a_newer_half_of_windows_in_too_few_stretches_is_refused_before_the_epochs(tmp_path, capsys):
    table = written(tmp_path / "own.csv")
    table.write_text("".join(line for line in table.read_text().splitlines(True) if not line.startswith("b")))
    words = ["tiny", "--run-folder", str(tmp_path / "run"), "--data.corpus", "files", "--model.shrink", "history"]
    words += ["--data.train", str(table), "--data.validation_windows", "4", "--window.horizon", "24"]
    assert run_recipe(RECIPES, "train", "", words) == 2  # three horizons, whose windows begin within little over two
    assert (
        "model.shrink history halves the training part, whose longest series has 144 steps" in capsys.readouterr().err
    )
    assert not (tmp_path / "run" / "past").exists()


@pytest.mark.parametrize("head", ["quantiles", "gaussian", "student_t"])
def test_a_share_of_0_leaves_the_linear_map_and_no_deviation_changes(head):
    recipe = small_recipe(head=head, shrink="validation")
    codec = small_codec(recipe)
    model = small_network(recipe, codec)
    forecaster = make_forecaster([model], recipe, codec, lambda: None)
    table, windows = series(), Windows(np.array([0, 1]), np.array([30, 34]))
    inputs, *_ = forecaster.inputs.inputs(table, windows)
    found = {}
    for share in (0.0, 0.5, 1.0):
        model.share.assign(np.full(6, share))
        parameters = forecaster.networks[0].parameters(inputs)
        found[share] = forecaster.distribution.mean(parameters), parameters
    linear = np.asarray(inputs["source"])[..., 0] @ np.asarray(model.skip.kernel)
    np.testing.assert_allclose(found[0.0][0], linear, atol=1e-5)
    np.testing.assert_allclose(found[0.5][0], (linear + found[1.0][0]) / 2, atol=1e-5)
    apart = [
        parameters[..., 1:] - (parameters[..., :1] if head == "quantiles" else 0) for _, parameters in found.values()
    ]
    np.testing.assert_allclose(apart[0], apart[2], atol=1e-5)
    assert model.share.path not in {variable.path for variable in model.trainable_variables}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model.skip", "false"], "model.shrink needs model.skip"),
        (["--model.kind", "autoregressive", "--model.head", "gaussian"], "model.shrink is for direct models"),
    ],
)
def test_what_cannot_be_shrunk_is_refused(tmp_path, capsys, words, message):
    assert (
        run_recipe(
            RECIPES, "train", "", ["tiny", "--run-folder", str(tmp_path / "r"), "--model.shrink", "validation", *words]
        )
        == 2
    )
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_too_few_validation_windows_are_refused_before_the_epochs(tmp_path, capsys):
    table = written(tmp_path / "own.csv")
    table.write_text("\n".join(line for line in table.read_text().splitlines() if not line.startswith("b")) + "\n")
    words = ["tiny", "--run-folder", str(tmp_path / "run"), "--data.corpus", "files", "--data.train", str(table)]
    assert run_recipe(RECIPES, "train", "", [*words, "--model.shrink", "validation"]) == 2
    assert "model.shrink needs validation windows of two series, or of 3 horizons" in capsys.readouterr().err
