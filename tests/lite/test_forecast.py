"""A LiteRT folder of a forecaster forecasts as the model in memory, without TensorFlow."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import seq2seq
from benchmarks.fuzz_crafted import Crafter
from seq2seq.cli.main import main
from seq2seq.lite import operators
from seq2seq.lite.folder import LiteFolderError
from seq2seq.lite.forecast import load_forecaster
from seq2seq.lite.graph import FLOAT32, INT32, Tensor
from seq2seq.lite.verify import verify
from seq2seq.series.windows import Windows
from seq2seq.series.writing import write_table
from tests.crafted import use_crafted
from tests.small_forecasters import COLUMNS, PLAIN, series, small_forecaster, write_run

pytest.importorskip("ai_edge_litert", reason="the LiteRT runtime is not installed")
if keras.backend.backend() != "tensorflow":
    pytest.skip("a LiteRT model is made by TensorFlow", allow_module_level=True)

from seq2seq.export import forecast_litert
from seq2seq.export.forecast import export_forecaster, refusal
from seq2seq.export.forecast_litert import export_forecast_litert

MODELS = {
    "direct": {
        "attention": True,
        "series_units": 3,
        "num_layers": 2,
        "horizon": 7,
        "scale_feature": True,
        "shrink": "validation",
    },
    "steps": {"kind": "autoregressive", "head": "student_t", "cell": "lstm", "num_layers": 2, "series_units": 3},
    "counts": {"kind": "autoregressive", "head": "negative_binomial", "scaling": "mean_absolute", "calendar": False},
}
COLUMNS_OF = {"direct": COLUMNS, "steps": COLUMNS, "counts": PLAIN}
WIDE = {"units": 48, "scale": 0.1, "context": 48, "horizon": 24}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The export of each model, not quantised, and the models; tests may not change them."""
    place, found = tmp_path_factory.mktemp("forecasters"), {}
    for name, options in MODELS.items():
        forecaster = small_forecaster(COLUMNS_OF[name], **options)
        found[name] = export_forecast_litert(forecaster, place / name, "none"), forecaster
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with covariates, and its export in eight bits."""
    run = write_run(tmp_path_factory.mktemp("forecasters") / "run", COLUMNS)
    assert main(["export", str(run), "--format", "litert"]) == 0
    return run


def quantiles(forecaster, table, windows, **options):
    return forecaster.predict(table, windows, samples=40, **options).quantiles([0.2, 0.5, 0.8])


@pytest.mark.parametrize("name", MODELS)
def test_every_kind_of_model_forecasts_as_in_memory(name, folders):
    folder, forecaster = folders[name]
    lite = seq2seq.load(folder)
    assert (lite.horizon, lite.longest, lite.season) == (forecaster.horizon, forecaster.longest, forecaster.season)
    assert (lite.columns, lite.level, lite.codec) == (forecaster.columns, forecaster.level, forecaster.codec)
    table = series(columns=COLUMNS_OF[name], ahead=7)
    windows = Windows(np.array([0, 1, 2, 1]), np.array([40, 40, 40, 13]))
    one, other = (quantiles(each, table, windows) for each in (lite, forecaster))
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    assert np.ptp(one[0]) > 1
    assert (one[2] == 7).all() or name == "counts"  # the constant series; counts are drawn


@pytest.mark.parametrize("name", ["steps", "counts"])
def test_rows_go_side_by_side_by_networks_of_any_size(name, folders, rng):
    lite = load_forecaster(folders[name][0])
    (network,) = lite.networks
    inputs, *_ = lite.inputs.inputs(series(columns=COLUMNS_OF[name]), Windows(np.array([0, 1]), np.array([30, 20])))
    for rows in (1, 7, 32, 41, 73):  # alone, a block that is filled up, a whole one, and some beside it
        chosen = rng.integers(2, size=rows)
        state = {name: rng.normal(size=part.shape).astype("f") for name, part in network.begin(rows).items()}
        parameters, after = network.advance({name: part[chosen] for name, part in inputs.items()}, state)
        for row in (0, rows - 1):
            own = network.select(state, [row])
            alone, then = network.advance({key: part[chosen[row : row + 1]] for key, part in inputs.items()}, own)
            np.testing.assert_allclose(alone[0], parameters[row], rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(then["state_0"][0], after["state_0"][row], atol=1e-5)


def test_numbers_far_from_training_overflow_nowhere(folders):
    """LiteRT writes log(1 + exp(x)) out."""
    folder, forecaster = folders["counts"]
    lite = load_forecaster(folder)
    inputs, *_ = lite.inputs.inputs(series(), Windows(np.array([0]), np.array([30])))
    for value in (400, -400):
        inputs["target_input"] = np.full_like(inputs["target_input"][:, :2], value)
        one, other = (each.advance(inputs, each.begin(1))[0] for each in (lite.networks[0], forecaster.networks[0]))
        np.testing.assert_allclose(one, other, rtol=1e-5)


@pytest.mark.parametrize("kind", ["direct", "autoregressive"])
def test_eight_bits_are_smaller_and_nearly_the_same(kind, tmp_path):
    options = {"kind": kind, "head": "gaussian", "segment": 12, **WIDE}
    forecaster, table = small_forecaster(**options), series(100)
    windows = Windows(np.array([0, 0, 1, 1]), np.array([60, 100, 60, 100]))
    folder = export_forecast_litert(forecaster, tmp_path / "it")
    one, other = (each.predict(table, windows, samples=100).mean for each in (load_forecaster(folder), forecaster))
    spread = np.asarray([each.values[each.observed].std() for each in table])
    assert 1e-4 < (np.abs(one - other).max(axis=1) / spread[windows.series]).max() < 0.1
    assert (folder / "model.tflite").stat().st_size < 3 * forecaster.networks[0].model.count_params()


def test_the_folder_gives_what_its_run_gives_and_the_command_needs_no_framework(run, tmp_path, cli):
    folder = run / "export" / "litert"
    write_table(series(30, COLUMNS, seed=5), tmp_path / "new.csv", COLUMNS)
    write_table(series(40, COLUMNS, seed=5).cut(30), tmp_path / "ahead.csv", COLUMNS)
    words = ["forecast", folder, "--input", tmp_path / "new.csv", "--future", tmp_path / "ahead.csv"]
    code = (
        "import sys\nfrom seq2seq.cli import stderr_filter\nfrom seq2seq.cli.main import main\n"
        f"stderr_filter.install()\nassert main({[str(word) for word in words]!r}) == 0\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'pydantic', 'sacrebleu', 'pooch', 'matplotlib', 'pandas'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert lines[0].startswith("unique_id,ds,forecast,forecast-lo-80")
    code, out, _ = cli(*words[:1], run, *words[2:])
    assert code == 0
    one, other = (np.array([line.split(",")[2:] for line in each[1:]], float) for each in (lines, out.splitlines()))
    assert one.shape == (3 * 6, 5)
    np.testing.assert_allclose(one, other, atol=0.2)


def test_a_folder_holds_no_series_and_says_what_it_takes(run, cli):
    folder = run / "export" / "litert"
    for verb in ("forecast", "backtest"):
        code, out, err = cli(verb, folder)
        assert (code, out) == (2, "")
        assert err == f"error: {folder} holds no series. Give the table to forecast: --input FILE.\n"
    code, _, err = cli("translate", folder)
    assert code == 2
    assert err == (
        f"error: {folder} is the LiteRT folder of a forecaster, which `seq2seq translate` does not take. "
        "Use one of its verbs: forecast, backtest, evaluate.\n"
    )
    with pytest.raises(ValueError, match="a forecaster is loaded alone, without options"):
        seq2seq.load(folder, run)


def test_a_folder_that_translates_forecasts_nothing(cli, tmp_path):
    (tmp_path / "model.json").write_text("{}")
    code, _, err = cli("forecast", tmp_path)
    assert code == 2
    assert err == (
        f"error: `seq2seq forecast` takes forecasters. Received: {tmp_path}, a LiteRT folder that translates.\n"
    )


def _json(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def _codec(folder, **values):
    """Changes what was learned of the table, and its checksum with it."""
    _json(folder / "series.json", **values)
    data = (folder / "series.json").read_bytes()
    files = json.loads((folder / "model.json").read_text())["files"]
    files["series.json"] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    _json(folder / "model.json", files=files)


def _inputs(folder, **values):
    _json(folder / "model.json", inputs=json.loads((folder / "model.json").read_text())["inputs"] | values)


DAMAGED = "description of the networks is damaged"
DAMAGES = {
    "cut off": (lambda f: (f / "model.tflite").write_bytes(b"TFL3"), r"model\.tflite: 4 bytes; model\.json says"),
    "no codec": (lambda f: (f / "series.json").unlink(), r"series\.json: No such file"),
    "altered codec": (lambda f: _json(f / "series.json", frequency="h"), r"series\.json: .* model\.json"),
    "other format": (lambda f: _json(f / "model.json", format=99), "written in format 99"),
    **{
        f"{name} {value!r:.20}": (lambda f, name=name, value=value: _json(f / "model.json", **{name: value}), DAMAGED)
        for name, value in (
            *(("context", value) for value in (0, -1, 1.5, True, "12", 10**30, None, [12])),
            *(("horizon", value) for value in (0, 10**6)),
            *(("season", value) for value in (0, 1e30)),
            *(("scaling", value) for value in ("first", ["last"], None)),
            *(("distribution", value) for value in ("cauchy", "gaussian", ["quantiles"])),
            *(("levels", value) for value in ([0.5, 0.1], [0.5, 0.5], [0, 0.5], [float("nan")], [], [0.1] * 2000)),
            *(("level", value) for value in ([0], [100], [True], ["80"], 80, [float("inf")])),
            *(("lags", value) for value in ([1], [0], {})),
            *(("state", value) for value in ([6], [-1], "6")),
            *(("batches", value) for value in ([], [2], [1, 1], [1, 32], [1, "2"])),
            *(("inputs", value) for value in ({}, [], None)),
            *(("size", value) for value in (0, 14, 15.5)),
            *(("scale_feature", value) for value in (0, "no")),
            *(("network", value) for value in ("step", "forecast")),
        )
    },
    "inputs of words": (lambda f: _inputs(f, source=["a", "b"]), DAMAGED),
    "inputs without end": (lambda f: _inputs(f, source=[12, 1 << 40]), DAMAGED),
    "another input": (lambda f: _inputs(f, other=[1]), DAMAGED),
    "a scale": (lambda f: _inputs(f, scale=[1]), DAMAGED),
    "a series": (lambda f: _inputs(f, series=[]), "its network window has"),
    "a wider input": (lambda f: _inputs(f, source=[12, 99]), "its columns give 13 numbers of the input source"),
    "a longer horizon": (
        lambda f: (_json(f / "model.json", horizon=8), _inputs(f, target_input=[8, 11])),
        "of its network window is of another size",
    ),
    "no calendar": (lambda f: _codec(f, calendar=False), "its columns give 4 numbers of the input source"),
    "a deviation of 0": (lambda f: _codec(f, ranges={"price": [0, 0], "rain": [0, 1], "size": [0, 1]}), "deviation"),
    "no ranges": (lambda f: _codec(f, ranges={}), "the ranges do not belong to the columns"),
    "a range too large": (lambda f: _codec(f, ranges={"price": [10**400, 1]}), "missing or damaged"),
    "an unknown frequency": (lambda f: _codec(f, frequency="fortnight"), "missing or damaged"),
    "an unknown zone": (lambda f: _codec(f, time_zone="Europe/Nowhere"), "name of a time zone"),
    "an unknown rule": (lambda f: _codec(f, irregular="perhaps"), "the rules for stamps are not known"),
    "no columns": (lambda f: _codec(f, columns=None), "missing or damaged"),
    "columns of numbers": (lambda f: _codec(f, future=["tax"]), "series or covariates do not fit together"),
    "half a standard": (lambda f: _codec(f, standard=[[0.0], [1.0]]), "missing or damaged"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_wrong_with_a_damaged_folder_is_said(damage, run, tmp_path):
    shutil.copytree(run / "export" / "litert", tmp_path / "it")
    change, message = DAMAGES[damage]
    change(tmp_path / "it")
    with pytest.raises(LiteFolderError, match=message) as caught:
        seq2seq.load(tmp_path / "it")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["direct", "steps"])
def test_crafted_files_are_refused_in_words(name, folders):
    folder, _ = folders[name]
    data, shape = (folder / "model.tflite").read_bytes(), json.loads((folder / "model.json").read_text())
    verify(data, shape)
    crafter, refused = Crafter(data), 0
    for number in range(60):
        with contextlib.suppress(ValueError):
            verify(crafter.craft(random.Random(f"words/{number}"))[0], shape)
            continue
        refused += 1
    assert refused > 30  # the others changed what nobody reads


@pytest.mark.parametrize(
    ("rule", "shape", "counts"),
    [
        *((operators.tile, (3, 2), counts) for counts in ((2,), (2, 1, 1), (2, 0), (2, -1), None)),
        *((operators.reverse, (3, 2), axes) for axes in ((2,), (-3,), (0, 1), (), None)),
    ],
)
def test_repeats_and_axes_that_cannot_be_are_refused(rule, shape, counts):
    def step(numbers):
        places = Tensor(INT32, (2 if numbers is None else len(numbers),), numbers is not None, numbers)
        given = Tensor(FLOAT32, shape, False, None)
        return operators.Step((given, places), (given,), ())

    good = {operators.tile: ((2, 1), (6, 2)), operators.reverse: ((-1,), (3, 2))}[rule]
    assert rule(step(good[0])) == [good[1]]
    with pytest.raises(ValueError, match=r"constants|sizes|types|axes"):
        rule(step(counts))


@pytest.mark.parametrize("name", ["direct", "steps"])
def test_nothing_that_passes_makes_the_runtime_crash(name, folders, tmp_path):
    use_crafted(folders[name][0], tmp_path / "copy")


def test_a_failed_export_leaves_the_old_one(run, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    shutil.copytree(run / "export" / "litert", tmp_path / "it")
    monkeypatch.setattr(forecast_litert, "convert", full)
    forecaster = small_forecaster()
    with pytest.raises(OSError, match="No space"):
        export_forecast_litert(forecaster, tmp_path / "it")
    assert [path.name for path in tmp_path.iterdir()] == ["it"]
    assert seq2seq.load(tmp_path / "it").horizon == 6
    with pytest.raises(ValueError, match="one of none, float16, int8"):
        export_forecast_litert(forecaster, tmp_path / "new", "int4")


def test_what_has_no_export_says_so(tmp_path, monkeypatch):
    forecaster = small_forecaster()
    monkeypatch.setattr(forecast_litert, "MOST_SEGMENTS", 2)
    with pytest.raises(ValueError, match="contexts of at most 2 segments; this one has 3"):
        export_forecaster("litert", forecaster, tmp_path / "it")
    assert "Train with a longer model.segment" in refusal("litert", forecaster)
    assert refusal("saved_model", forecaster) == ""
    with pytest.raises(ValueError, match="no export of the form dot"):
        export_forecaster("dot", forecaster, tmp_path / "it")
    forecaster.networks *= 2
    with pytest.raises(ValueError, match="An ensemble is not exported"):
        export_forecaster("litert", forecaster, tmp_path / "it")
    assert not (tmp_path / "it").exists()
