"""A detector from the command line: trained once, from made-up sensors and from a table of one's own."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

import seq2seq
from recipes.anomaly import RECIPES
from seq2seq.cli.train import run_recipe
from seq2seq.export.formats import missing_for
from seq2seq.inference.anomalies import Detected
from seq2seq.metrics.nab import Scored, nab_score
from seq2seq.run.folder import RunFolderError
from seq2seq.run.parsing import RecipeError, from_json
from seq2seq.series.alarms import threshold_for
from seq2seq.series.streams import Stream, StreamCodec
from seq2seq.tasks.anomaly import scoring
from seq2seq.tasks.anomaly.data import Corpus, Labelled, find_corpus
from seq2seq.tasks.anomaly.folder import AnomalyRunFolder
from seq2seq.tasks.anomaly.recipe import Recipe
from tests.detectors import HOURS, readings

pytestmark = pytest.mark.usefixtures("loaded_once")


def train(folder, *more):
    return run_recipe(RECIPES, "seq2seq train", "", ["tiny", "--run-folder", str(folder), *map(str, more)])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("anomaly") / "run"
    assert train(folder, "--training.keep_epochs", 2) == 0
    return folder


def test_a_run_leaves_its_threshold_its_scores_and_how_to_use_it(finished):
    folder = AnomalyRunFolder(finished)
    scores = json.loads(folder.scores_file.read_text())
    assert set(scores["tests"]["faults"]) == {"found", "false_alarms"}
    assert set(scores["baselines"]["faults"]) == {"run with the range rule", "windowed Gaussian", "range rule"}
    alarms, normal = folder.load_alarms(), folder.load_normal()
    assert scores["threshold"] == alarms.threshold == threshold_for(normal, alarms.rate, alarms.gap)
    corpus = find_corpus(folder.load_recipe())
    assert [len(part) for part in normal] == corpus.train
    detector = seq2seq.load(finished)
    whole = detector.detect_streams(detector.own_streams(), alarms.threshold)
    for own, rows, part in zip(whole, corpus.train, normal, strict=True):
        np.testing.assert_array_equal(own.scores[:rows], part)
    rows = list(csv.DictReader((finished / "losses-faults.csv").read_text().splitlines()))
    assert {row["detector"] for row in rows} == {"run", *scores["baselines"]["faults"]}
    rows = [row for row in rows if row["detector"] == "run"]
    found = 100 * sum(int(row["found"]) for row in rows) / sum(int(row["windows"]) for row in rows)
    assert scores["tests"]["faults"]["found"]["score"] == pytest.approx(found)
    readme = folder.readme_file.read_text()
    assert "| windowed Gaussian |" in readme
    assert f"seq2seq detect {finished} --follow" in readme
    assert (finished / "alarms.png").stat().st_size > 1000


@pytest.mark.skipif(missing_for("litert") is not None, reason="exports are made by TensorFlow")
def test_a_run_leaves_a_litert_folder_with_its_threshold(finished):
    pytest.importorskip("ai_edge_litert", reason="the LiteRT runtime is not installed")
    lite, detector = seq2seq.load(finished / "export" / "litert"), seq2seq.load(finished)
    assert (lite.alarms, lite.make, lite.codec) == (detector.alarms, detector.make, detector.codec)
    assert lite.threshold(40) == detector.threshold(40)
    (one,), (other,) = (each.detect_streams(detector.own_streams()[:1], 0.5) for each in (lite, detector))
    np.testing.assert_allclose(one.scores, other.scores, atol=0.01)
    assert f"seq2seq detect {finished / 'export' / 'litert'} --follow" in (finished / "README.md").read_text()


def test_an_evaluation_gives_the_scores_of_the_training_and_its_table_compares_with_others(finished, cli, tmp_path):
    code, out, err = cli("evaluate", finished, "--json", "--output", tmp_path / "again.csv")
    assert (code, err) == (0, "")
    scores, found = json.loads((finished / "scores.json").read_text()), json.loads(out)
    for name, own in {"run": scores["tests"]["faults"], **scores["baselines"]["faults"]}.items():
        for measure, score in own.items():
            assert found["scores"][name][measure] == score
    assert found["thresholds"]["run"] == scores["threshold"]
    assert (tmp_path / "again.csv").read_text() == (finished / "losses-faults.csv").read_text()
    assert "labelled anomalies in" in cli("evaluate", finished, "--threshold", 1)[1]
    code, out, _ = cli("compare", finished, tmp_path / "again.csv", "--json")
    compared = json.loads(out)["scores"]["found"]
    assert (code, list(compared)) == (0, [str(finished), str(tmp_path / "again.csv")])
    assert [one["score"] for one in compared.values()] == [
        pytest.approx(scores["tests"]["faults"]["found"]["score"])
    ] * 2
    assert compared[str(tmp_path / "again.csv")]["p_randomization"] == 1
    code, out, _ = cli("compare", finished, "--samples", 50)
    assert (code, "windowed Gaussian beside the baseline" in out) == (0, True)


def test_labels_of_ones_own_score_other_readings_too(finished, cli, tmp_path):
    detector = seq2seq.load(finished)
    values = detector.own_streams()[0].values[:1500].copy()
    values[1200:1205] += 20 * values.std()
    labels = (np.arange(1500) // 5 == 240).astype(int)
    rows = [f"{hour},{value},{label}" for hour, value, label in zip(HOURS, values, labels, strict=False)]
    (tmp_path / "new.csv").write_text("ds,y,bad\n" + "\n".join(rows) + "\n")
    (tmp_path / "windows.csv").write_text(f"start,end\n{HOURS[1200]},{HOURS[1204]}\n")
    words = ("evaluate", finished, "--json", "--input", tmp_path / "new.csv")
    code, out, _ = cli(*words, "--label-column", "bad")
    scores = json.loads(out)["scores"]
    assert (code, set(scores)) == (0, {"run", "run with the range rule", "windowed Gaussian", "range rule"})
    assert scores["run"]["found"]["score"] == 100
    assert scores["run"]["nab_standard"]["score"] > 80
    labels = ("--labels", tmp_path / "windows.csv")
    one, other = (json.loads(cli(*words, *labels, "--threshold", level)[1])["scores"] for level in (1, 1000))
    assert (set(one), one["run"]["found"]["score"], other["run"]["found"]["score"]) == ({"run"}, 100, 0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--input", "x.csv"], "--input needs --labels FILE"),
        (["--label-column", "bad"], "--label-column names a column of --input FILE"),
        (["--labels", "missing.csv"], "missing.csv"),
    ],
)
def test_a_mistake_in_an_evaluation_gets_one_sentence(finished, cli, words, message):
    code, out, err = cli("evaluate", finished, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_an_average_learns_its_own_threshold(finished, cli, tmp_path):
    code, _, err = cli("average", finished, "--last", 2, "--output", tmp_path / "mean")
    assert (code, err) == (0, "")
    folder = AnomalyRunFolder(tmp_path / "mean")
    alarms, normal = folder.load_alarms(), folder.load_normal()
    assert alarms.threshold == threshold_for(normal, alarms.rate, alarms.gap)
    detector = seq2seq.load(tmp_path / "mean")
    one = detector.own_streams()[0]
    np.testing.assert_array_equal(detector.detect_streams([one], 1)[0].scores[: len(normal[0])], normal[0])
    assert not np.array_equal(normal[0], AnomalyRunFolder(finished).load_normal()[0])


def test_the_same_command_finds_a_finished_run(finished, capsys):
    assert train(finished, "--training.keep_epochs", 2) == 0
    assert "is finished" in capsys.readouterr().out


def test_a_stream_of_a_run_equals_its_table(finished):
    detector = seq2seq.load(finished)
    one = detector.own_streams()[0]
    whole = detector.detect_streams([one], 0.5)[0]
    stream = detector.stream(threshold=0.5)
    scores = [stream.push(value).score for value in one.values[:300]]
    np.testing.assert_allclose(scores, whole.scores[:300], atol=1e-3)


def test_a_table_of_ones_own_is_learned_detected_and_looked_for_again(tmp_path, caplog):
    stamps = [str(stamp) for stamp in HOURS[:1200]]
    values = readings(1200, jump=1100).tolist()
    values[7] = ""
    table = tmp_path / "own.csv"
    table.write_text("when,load\n" + "".join(f"{a},{b}\n" for a, b in zip(stamps, values, strict=True)))
    words = ("--data.train", table, "--data.corpus", "files", "--data.time_column", "when", "--exports", "")
    assert train(tmp_path / "run", *words, "--data.target_columns", "load", "--alarms.rate", 20) == 0
    assert "Inferred the frequency h" in caplog.text
    detector = seq2seq.load(tmp_path / "run")
    assert detector.codec.frequency == "h"
    assert detector.own_streams()[0].day == 24
    found = detector.detect(rate=50)
    assert [len(found.scores_frame()), found.alarms_frame().columns.tolist()] == [
        1200,
        ["unique_id", "start", "end", "severity"],
    ]
    assert json.loads((tmp_path / "run" / "scores.json").read_text())["tests"] == {}
    assert "Nothing is labelled" in (tmp_path / "run" / "README.md").read_text()
    table.write_text(table.read_text() + "2024-03-01,1\n")
    with pytest.raises(RunFolderError, match="has changed since training"):
        seq2seq.load(tmp_path / "run").own_streams()


def test_too_few_normal_readings_are_refused_before_the_training(tmp_path, capsys):
    (tmp_path / "own.csv").write_text("ds,y\n" + "".join(f"{row},{row % 7}\n" for row in range(100)))
    words = ("--data.train", tmp_path / "own.csv", "--data.corpus", "files", "--exports", "")
    assert train(tmp_path / "run", *words) == 2
    assert "has 100 readings. Expected at least 1,000" in capsys.readouterr().err
    assert train(tmp_path / "run", *words, "--alarms.rate", 200, "--window.start", 30, "--data.day", 3) == 0


@pytest.mark.parametrize(
    ("section", "field", "value", "message"),
    [
        ("data", "corpus", "files", "data.train must name a table"),
        ("data", "train_share", 0, "data.train_share must be above 0"),
        ("data", "frequency", "fortnight", "data.frequency: Expected a frequency"),
        ("window", "warmup", 200, "window.warmup must be from 0 and below window.rows"),
        ("model", "least_scale", 0, "model.least_scale must be above 0"),
        ("alarms", "rate", 0, "alarms.rate must be above 0"),
        ("batching", "steps", 0, "batching.steps must be at least 1"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(section, field, value, message):
    with pytest.raises(RecipeError, match=message):
        from_json(Recipe, {section: {field: value}}, "recipe.json")


@pytest.mark.parametrize("name", ["alarms.json", "normal.npz", "streams.json"])
def test_a_damaged_file_is_named(finished, tmp_path, name):
    from shutil import copytree

    copytree(finished, tmp_path / "run")
    (tmp_path / "run" / name).write_text("{")
    with pytest.raises(RunFolderError, match=name.replace(".", r"\.")):
        seq2seq.load(tmp_path / "run").threshold(30)


def test_windows_and_false_alarms_are_counted():
    values = np.zeros(50)
    values[4] = np.nan
    scores = np.zeros(50)
    scores[[3, 12, 20, 21, 40, 48]] = 1
    labels = Labelled(10, ((19, 23), (30, 33), (45, 49)))
    detected = Detected(scores, scores, [])
    found = scoring.count(values, labels, detected, 1.0, gap=2)
    assert found[:4] == (3, 2, 2, 50 - 10 - 5 - 4 - 5)
    assert found.earned / found.counted == pytest.approx(
        nab_score([Scored(scores, labels.windows)], threshold=1.0)[0].score
    )
    corpus = Corpus(StreamCodec(), [Stream("a", values, HOURS[:50], 0)], [10], [labels], ())
    assert scoring.at_rate(corpus, [detected], 2000, 2).threshold > 0
    nab, scored = scoring.nab_scores(corpus, [detected], 0.5), [Scored(scores, labels.windows)]
    assert nab["nab_standard"] == nab_score(scored).score
    assert nab["nab_at_rate"] == nab_score(scored, threshold=0.5).score
