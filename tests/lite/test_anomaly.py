"""A LiteRT folder of a detector answers as the run, without TensorFlow, a stream in constant memory."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import hashlib
import io
import json
import random
import shutil
import subprocess
import sys
import tracemalloc

import keras
import numpy as np
import pytest

import seq2seq
from benchmarks.fuzz_crafted import Crafter
from seq2seq.cli.main import main
from seq2seq.inference.surprises import Surprises
from seq2seq.lite.folder import LiteFolderError
from seq2seq.lite.verify import verify
from seq2seq.series.streams import Stream
from tests.crafted import use_crafted
from tests.detectors import HOURS, in_memory, readings, write_run

pytest.importorskip("ai_edge_litert", reason="the LiteRT runtime is not installed")
if keras.backend.backend() != "tensorflow":
    pytest.skip("a LiteRT model is made by TensorFlow", allow_module_level=True)

from seq2seq.export import anomaly_litert
from seq2seq.export.anomaly_litert import export_anomaly_litert

NORMAL = [np.linspace(0, 2, 3000), np.linspace(0, 1, 500)]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """An export that is not quantised, and its detector in memory; tests may not change them."""
    detector = in_memory(threshold=0.5, normal=lambda: NORMAL, per_reading=True, rest=False)
    return export_anomaly_litert(detector, tmp_path_factory.mktemp("detectors") / "it", "none"), detector


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run, and its export in eight bits."""
    run = write_run(tmp_path_factory.mktemp("detectors") / "run", threshold=0.5, units=32)
    assert main(["export", str(run), "--format", "litert"]) == 0
    return run


def streams(*series):
    return [Stream(str(number), values, HOURS[: len(values)], 24) for number, values in enumerate(series)]


def test_tables_have_the_scores_and_alarms_of_the_detector_in_memory(pair):
    folder, detector = pair
    lite = seq2seq.load(folder)
    assert (lite.codec, lite.alarms, lite.make) == (detector.codec, detector.alarms, detector.make)
    series = [readings(), readings(250, seed=1, jump=200), readings(61, seed=2, jump=40), np.zeros(0)]
    series[0][[0, 3, 50, 51, 299]] = np.nan
    series[2][:] = np.nan
    series += [readings(40 + row, seed=row, jump=30) for row in range(35)]  # more than the largest network takes
    one, other = (each.detect_streams(streams(*series), 0.5) for each in (lite, detector))
    for own, known in zip(one, other, strict=True):
        np.testing.assert_allclose(own.scores, known.scores, atol=1e-4)
        assert [alarm[:2] for alarm in own.alarms] == [alarm[:2] for alarm in known.alarms]
    assert one[0].alarms
    assert max(own.scores.max(initial=0) for own in one) > 1


@pytest.mark.parametrize("cuts", [range(1, 400), [1, 7, 90, 91, 300]], ids=["each", "some"])
def test_a_stream_equals_the_table_for_every_cut(pair, cuts):
    lite, values = seq2seq.load(pair[0]), readings()
    values[[3, 50, 51, 299, 399]] = np.nan
    (whole,) = lite.detect_streams(streams(values), 0.5)
    stream = lite.stream()
    scores = [answer.score for part in np.split(values, cuts) for answer in stream.extend(part)]
    np.testing.assert_allclose(scores, whole.scores, atol=1e-5)


def test_streams_side_by_side_equal_each_alone(pair):
    network, values = seq2seq.load(pair[0]).network, np.stack([readings(60, seed, 40) for seed in range(40)])
    values[np.random.default_rng(0).random(values.shape) < 0.3] = np.nan
    values[7], values[8, :59] = np.nan, np.nan
    together = Surprises(network, np.full(40, 24))
    found = [np.concatenate(part, 1) for part in zip(*map(together.advance, np.split(values, [13], 1)), strict=True)]
    for row in (0, 7, 8, 39):
        alone = Surprises(network, np.array([24])).advance(values[row : row + 1])
        np.testing.assert_allclose([part[0] for part in alone], [part[row] for part in found], atol=1e-5)


def test_a_rate_has_the_threshold_of_the_detector_in_memory(pair):
    folder, detector = pair
    lite = seq2seq.load(folder)
    assert [lite.threshold(rate) for rate in (None, 10, 30, 500)] == [
        detector.threshold(rate) for rate in (None, 10, 30, 500)
    ]
    with pytest.raises(ValueError, match="Expected at least 100,000 readings"):
        lite.threshold(0.1)


def test_eight_bits_are_smaller_and_nearly_the_same(run, tmp_path):
    folder, detector = run / "export" / "litert", seq2seq.load(run)
    many = streams(readings(), readings(300, seed=4, jump=250))
    lite = seq2seq.load(folder)
    for own, known in zip(lite.surprises(many), detector.surprises(many), strict=True):
        difference = np.abs(own[0] - known[0])
        assert 1e-5 < difference.max() < 0.2
        assert difference.mean() < 0.02


def test_a_stream_takes_constant_memory(pair):
    stream, values = seq2seq.load(pair[0]).stream(), readings(2000)
    tracemalloc.start()
    try:
        for value in values[:1200]:  # weeks, ranks and what Python keeps are full then
            stream.push(value)
        before = tracemalloc.get_traced_memory()[0]
        for value in values[1200:]:
            stream.push(value)
        assert tracemalloc.get_traced_memory()[0] - before < 4000  # of 800 readings
    finally:
        tracemalloc.stop()


def test_the_command_answers_as_the_run_and_needs_no_framework(run, tmp_path, cli):
    folder, table = run / "export" / "litert", tmp_path / "live.csv"
    values = readings(330, jump=300)
    rows = (f"{str(stamp).replace('T', ' ')},{value}\n" for stamp, value in zip(HOURS, values, strict=False))
    table.write_text("ds,y\n" + "".join(rows))
    tail = "heavy = {'keras', 'tensorflow', 'jax', 'pydantic', 'sacrebleu', 'pooch', 'matplotlib', 'pandas'}\n"
    found = {}
    for name, words in {
        "table": ["--input", str(table), "--scores", str(tmp_path / "scores.csv"), "--rate", "20"],
        "follow": ["--follow"],
    }.items():
        code = (
            "import sys\nfrom seq2seq.cli import stderr_filter\nfrom seq2seq.cli.main import main\n"
            f"stderr_filter.install()\nassert main({['detect', str(folder), *words]!r}) == 0\n{tail}"
            "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        )
        with table.open() as given:
            done = subprocess.run(
                [sys.executable, "-c", code], stdin=given, capture_output=True, text=True, check=False
            )
        assert done.returncode == 0, done.stderr[-2000:]
        found[name] = list(csv.DictReader(io.StringIO(done.stdout)))
    assert list(found["table"][0]) == ["unique_id", "start", "end", "severity"]
    written = csv.DictReader(io.StringIO((tmp_path / "scores.csv").read_text()))
    scores = [float(row["score"]) for row in written]
    np.testing.assert_allclose([float(row["score"]) for row in found["follow"]], scores, atol=1e-3)
    code, out, _ = cli("detect", run, "--follow", text=table.read_bytes())
    assert code == 0
    known = [float(row["score"]) for row in csv.DictReader(io.StringIO(out))]
    np.testing.assert_allclose(scores, known, atol=0.2)
    assert max(known) > 1


def test_a_folder_holds_no_series_and_says_what_it_takes(run, cli, tmp_path):
    folder = run / "export" / "litert"
    code, out, err = cli("detect", folder)
    assert (code, out) == (2, "")
    assert err == (
        f"error: {folder} holds no series. Give the table to look at, --input FILE, or rows with --follow.\n"
    )
    (tmp_path / "new.csv").write_text(
        "ds,y,bad\n" + "".join(f"{hour},{row % 7},0\n" for row, hour in enumerate(HOURS[:200]))
    )
    code, out, err = cli("evaluate", folder, "--input", tmp_path / "new.csv", "--label-column", "bad")
    assert (code, "false_alarms" in out) == (0, True)
    assert "No baselines: their thresholds are learned from the series of the run." in err
    code, _, err = cli("forecast", folder)
    assert code == 2
    assert err == (
        f"error: {folder} is the LiteRT folder of a detector, which `seq2seq forecast` does not take. "
        "Use one of its verbs: detect, evaluate.\n"
    )
    with pytest.raises(ValueError, match="a detector is loaded alone, without options"):
        seq2seq.load(folder, run)
    (tmp_path / "model.json").write_text("{}")
    code, _, err = cli("detect", tmp_path)
    assert code == 2
    assert err == f"error: `seq2seq detect` takes detectors. Received: {tmp_path}, a LiteRT folder that translates.\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "onnx", "--beam-size", "3"], "A detector is exported without options of a search"),
        (["--format", "litert", "--beam-size", "3"], "A detector is exported without options of a search"),
        (["--format", "saved_model", "--ids-only"], "A detector is exported without options of a search"),
    ],
)
def test_what_has_no_export_says_so(run, cli, words, message, monkeypatch):
    monkeypatch.setattr("seq2seq.cli.export.require", lambda *modules: None)
    code, out, err = cli("export", run, *words)
    assert (code, out) == (2, "")
    assert message in err


def test_a_run_that_has_not_ended_and_a_failed_export_leave_what_was_there(pair, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    shutil.copytree(pair[0], tmp_path / "it")
    detector = in_memory()
    monkeypatch.setattr(anomaly_litert, "convert", full)
    with pytest.raises(OSError, match="No space"):
        export_anomaly_litert(detector, tmp_path / "it")
    assert [path.name for path in tmp_path.iterdir()] == ["it"]
    assert seq2seq.load(tmp_path / "it").alarms == pair[1].alarms
    with pytest.raises(ValueError, match="one of none, float16, int8"):
        export_anomaly_litert(detector, tmp_path / "new", "int4")
    detector.alarms = None
    with pytest.raises(ValueError, match="has no threshold yet"):
        export_anomaly_litert(detector, tmp_path / "new")


def _json(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def _within(folder, part, **values):
    _json(folder / "model.json", **{part: json.loads((folder / "model.json").read_text())[part] | values})


def _signed(folder, name, data):
    """Changes a file, and its checksum with it."""
    (folder / name).write_bytes(data)
    _within(folder, "files", **{name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}})


def _codec(folder, **values):
    entry = json.loads((folder / "streams.json").read_text()) | values
    _signed(folder, "streams.json", json.dumps(entry).encode())


def _normal(folder, **arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    _signed(folder, "normal.npz", file.getvalue())


NAN, INFINITY = float("nan"), float("inf")
DAMAGED = "description of the networks is damaged"
MISSING = r"streams\.json: missing or damaged"
DAMAGES = {
    "cut off": (lambda f: (f / "model.tflite").write_bytes(b"TFL3"), r"model\.tflite: 4 bytes; model\.json says"),
    "no codec": (lambda f: (f / "streams.json").unlink(), r"streams\.json: No such file"),
    "no normal scores": (lambda f: (f / "normal.npz").unlink(), r"normal\.npz: No such file"),
    "altered codec": (lambda f: _json(f / "streams.json", frequency="D"), r"streams\.json: .* model\.json"),
    "other format": (lambda f: _json(f / "model.json", format=99), "written in format 99"),
    **{
        f"{name} {value!r:.20}": (lambda f, name=name, value=value: _json(f / "model.json", **{name: value}), DAMAGED)
        for name, value in (
            *(("network", value) for value in ("window", None, ["step"])),
            *(("distribution", value) for value in ("gaussian", 3)),
            *(("size", value) for value in (2, 0, "3")),
            *(("inputs", value) for value in ({}, {"target_input": [1, 7], "static": [1]}, None, [])),
            *(("state", value) for value in ([], [-1], "4", [1 << 40])),
            *(("batches", value) for value in ([], [2], [1, 1], [1, "2"])),
            *(("least_scale", value) for value in (0, -1, NAN, INFINITY, "0.4", None, True)),
            *(("alarms", value) for value in (None, [], {}, {"rate": 10, "gap": 3, "threshold": 1, "more": 1})),
            *(("scores", value) for value in (None, {}, {"level": True})),
        )
    },
    **{
        f"{name} is {value!r:.20}": (lambda f, name=name, value=value: _within(f, "alarms", **{name: value}), DAMAGED)
        for name, value in (
            *(("rate", value) for value in (0, 10_000, NAN, "10", None, True)),
            *(("gap", value) for value in (-1, 1.5, NAN, 10**30, "3", True)),
            *(("threshold", value) for value in (0, -1, NAN, INFINITY, "1", None)),
        )
    },
    "a score of numbers": (lambda f: _within(f, "scores", level=1), DAMAGED),
    "another score": (lambda f: _within(f, "scores", luck=True), DAMAGED),
    "a wider state": (lambda f: _json(f / "model.json", state=[5]), "of another size"),
    "more networks": (lambda f: _json(f / "model.json", batches=[1, 16, 32]), "it lacks the networks step_16"),
    **{
        f"codec {name} {value!r:.20}": (lambda f, name=name, value=value: _codec(f, **{name: value}), MISSING)
        for name, value in (
            *(("day", value) for value in (-1, 1.5, 10**9, "24", True, None)),
            *(("frequency", value) for value in ("fortnight", 5, None)),
            *(("irregular", value) for value in ("perhaps", ["error"], None)),
            *(("time_zone", value) for value in ("Europe/Nowhere", 5)),
            *(("columns", value) for value in (None, {}, {"id": 1})),
            ("more", 1),
        )
    },
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_wrong_with_a_damaged_folder_is_said(damage, pair, tmp_path):
    shutil.copytree(pair[0], tmp_path / "it")
    change, message = DAMAGES[damage]
    change(tmp_path / "it")
    with pytest.raises(LiteFolderError, match=message) as caught:
        seq2seq.load(tmp_path / "it")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "missing or damaged"),
        ({"scores": np.zeros(5), "offsets": np.array([0, 9])}, "offsets do not fit"),
        ({"scores": np.zeros((5, 1)), "offsets": np.array([0, 5])}, "offsets do not fit"),
        ({"scores": np.array([0, np.nan]), "offsets": np.array([0, 2])}, "a score is not finite"),
        ({"scores": np.array(["a"]), "offsets": np.array([0, 1])}, "missing or damaged"),
        ({"scores": np.array([{}]), "offsets": np.array([0, 1])}, "missing or damaged"),
    ],
    ids=range(6),
)
def test_normal_scores_that_are_none_are_refused(arrays, message, pair, tmp_path, monkeypatch):
    shutil.copytree(pair[0], tmp_path / "it")
    _normal(tmp_path / "it", **arrays)
    with pytest.raises(LiteFolderError, match=rf"normal\.npz: .*{message}"):
        seq2seq.load(tmp_path / "it").threshold(30)
    monkeypatch.setattr("seq2seq.series.alarms._MOST_BYTES", 100)
    with pytest.raises(LiteFolderError, match="more than 100 bytes of scores"):
        seq2seq.load(pair[0]).threshold(30)


def test_a_network_whose_scales_are_too_small_is_refused_when_it_speaks(pair, tmp_path):
    shutil.copytree(pair[0], tmp_path / "it")
    _json(tmp_path / "it" / "model.json", least_scale=1e6)
    detector = seq2seq.load(tmp_path / "it")
    with pytest.raises(LiteFolderError, match="its scales are smaller"):
        detector.stream().push(1.0)


def test_crafted_files_are_refused_in_words(pair):
    data, shape = (pair[0] / "model.tflite").read_bytes(), json.loads((pair[0] / "model.json").read_text())
    verify(data, shape)
    crafter, refused = Crafter(data), 0
    for number in range(60):
        with contextlib.suppress(ValueError):
            verify(crafter.craft(random.Random(f"words/{number}"))[0], shape)
            continue
        refused += 1
    assert refused > 30  # the others changed what nobody reads


def test_nothing_that_passes_makes_the_runtime_crash(pair, tmp_path):
    use_crafted(pair[0], tmp_path / "copy")


def test_what_scores_are_made_of_is_all_in_the_folder(pair):
    parts = json.loads((pair[0] / "model.json").read_text())["scores"]
    assert parts == dataclasses.asdict(pair[1].make)
    assert parts["per_reading"]
    assert not parts["rest"]
