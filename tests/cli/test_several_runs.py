"""Ensembles, averages, scores as JSON, calibration and reranking, by the command line."""

from __future__ import annotations

import json
import math
import re
import shutil
from itertools import groupby

import numpy as np
import pytest

from seq2seq.cli.main import main
from seq2seq.metrics.bleu import bleu
from seq2seq.run.folder import save_weights
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.model import build_model
from seq2seq.text.corpus import read_lines

pytestmark = pytest.mark.usefixtures("loaded_once")

LINES = ["ab cd", "", "ef gh ij", "op"]


@pytest.fixture
def text(tmp_path):
    """Writes lines to a file, returns its path."""

    def write(name, lines):
        (tmp_path / name).write_text("".join(line + "\n" for line in lines), "utf-8")
        return tmp_path / name

    return write


@pytest.fixture(scope="module")
def other(finished, tmp_path_factory):
    """A run of the same vocabularies that believes otherwise."""
    folder = tmp_path_factory.mktemp("runs") / "other"
    shutil.copytree(finished, folder)
    model, _, _ = TextRunFolder(folder).load_model()
    draw = np.random.default_rng(1)
    model.set_weights([w + draw.normal(scale=0.3, size=w.shape) for w in model.get_weights()])
    save_weights(model, folder / "model.weights.h5")
    return folder


def rows(out):
    return [json.loads(line) for line in out.splitlines()]


def test_a_run_twice_is_the_run_and_two_runs_are_not(cli, finished, other, text):
    source = text("in", LINES)
    alone = cli("translate", finished, "--input", source)[1]
    assert cli("translate", finished, finished, "--input", source)[:2] == (0, alone)
    code, out, _ = cli("translate", finished, other, "--ensemble", "log-probabilities", "--input", source)
    assert code == 0
    assert len(out.splitlines()) == len(LINES)
    assert out != alone


def test_an_ensemble_scores_by_the_mean_of_its_members(cli, finished, other, corpus_files):
    files = ("--source", corpus_files / "test.x", "--target", corpus_files / "test.y", "--json")
    one, two = (rows(cli("score", run, *files)[1]) for run in (finished, other))
    both = rows(cli("score", finished, other, *files)[1])
    logs = rows(cli("score", finished, other, "--ensemble", "log-probabilities", *files)[1])
    for a, b, mixed, log in zip(one, two, both, logs, strict=True):
        wanted = np.mean([a["probabilities"], b["probabilities"]], axis=0)
        np.testing.assert_allclose(mixed["probabilities"], wanted, atol=1e-5)
        mean = np.mean([a["log_probabilities"], b["log_probabilities"]], axis=0)
        assert (np.asarray(log["log_probabilities"]) >= mean - 1e-4).all()


def test_evaluate_takes_an_ensemble(cli, finished, other):
    code, out, _ = cli("evaluate", finished, finished, "--json")
    assert code == 0
    assert json.loads(out) == json.loads((finished / "scores.json").read_text())["tests"]["test"]
    code, out, _ = cli("evaluate", finished, other, "--json")
    assert code == 0
    assert "bleu" in json.loads(out)


def test_members_that_do_not_go_together_are_told_by_name(cli, finished, backwards, tmp_path, tokenizers):
    shutil.copytree(finished, tmp_path / "cut")
    code, _, err = cli("translate", finished, backwards, text=b"ab\n")
    assert code == 2
    assert f"{finished} writes from left to right, {backwards} from right to left" in err
    folder = TextRunFolder(tmp_path / "cut")
    values = json.loads(folder.recipe_file.read_text())
    tokenizers["bpe", False].save(folder.path / "target.model")
    values["recipe"]["model"]["tie"] = "none"
    folder.recipe_file.write_text(json.dumps(values))
    source, target = folder.load_tokenizers()
    save_weights(build_model(folder.load_recipe().model, source.size, target.size), folder.weights_file)
    code, _, err = cli("translate", finished, folder.path, text=b"ab\n")
    assert code == 2
    assert f"{finished} and {folder.path} have different target vocabularies" in err
    code, _, err = cli("translate", finished, finished, "--coverage-penalty", "0.2", text=b"ab\n")
    assert code == 2
    assert "An ensemble has no coverage penalty" in err


def test_score_as_json_has_every_piece(cli, finished, text):
    files = ("--source", text("x", LINES), "--target", text("y", [line.upper() for line in LINES]))
    code, out, err = cli("score", finished, *files, "--json")
    assert code == 0
    assert "perplexity" in err
    sums = cli("score", finished, *files)[1].split()
    pieces = cli("score", finished, *files, "--pieces")[1].splitlines()
    for line, row, total, listed in zip(LINES, rows(out), sums, pieces, strict=True):
        assert (row["source"], row["target"]) == (line, line.upper())
        gains = row["log_probabilities"]
        assert len(row["pieces"]) == len(gains) == len(row["probabilities"])
        assert row["log_probability"] == pytest.approx(sum(gains), abs=1e-4)
        assert row["log_probability"] == pytest.approx(float(total), abs=1e-3)
        np.testing.assert_allclose(gains, [float(x) for x in listed.split()], atol=1e-3)
        np.testing.assert_allclose(row["probabilities"], np.exp(gains), atol=1e-5)
        if line:
            assert row["pieces"][-1] == "</s>"
            assert "".join(row["pieces"][:-1]).replace("▁", " ").strip() == line.upper()
            assert row["confidence"] == pytest.approx(math.exp(sum(gains) / len(gains)), abs=1e-5)
            assert row["perplexity"] * row["confidence"] == pytest.approx(1, abs=1e-3)
        else:
            assert (row["pieces"], row["log_probability"], row["confidence"]) == ([], 0.0, 1.0)


@pytest.mark.parametrize("which", ["finished", "backwards"])
def test_forced_decoding_of_its_own_output_gives_its_own_score(cli, which, request, text):
    run, source = request.getfixturevalue(which), text("x", [line for line in LINES if line])
    flags = ("--normalization", "none", "--beam-size", 3, "--min-length", 4, "--no-repeat-ngram", 1)
    found = cli("translate", run, *flags, "--n-best", 2, "--input", source)[1].splitlines()
    best = [next(lines) for _, lines in groupby((line.split(" ||| ") for line in found), key=lambda row: row[0])]
    cli("translate", run, *flags, "--input", source, "--alignments", source.parent / "a")
    pieces = [" ".join(json.loads(line)["target"]) for line in read_lines(source.parent / "a")]
    target = text("y", pieces)
    code, out, _ = cli("score", run, "--source", source, "--target", target, "--target-pieces", "--json")
    assert code == 0
    for row, (_, hypothesis, score), written in zip(rows(out), best, pieces, strict=True):
        assert row["target"] == hypothesis
        assert row["pieces"] == written.split(" ")
        assert row["log_probability"] == pytest.approx(float(score), abs=1e-4)


def test_calibration_is_printed_and_drawn(cli, finished, tmp_path, corpus_files):
    for name, begin in (("c.png", b"\x89PNG"), ("c.svg", b"<?xml")):
        code, out, _ = cli("evaluate", finished, "--calibration", tmp_path / name, "--json")
        assert code == 0
        assert (tmp_path / name).read_bytes().startswith(begin)
        found = json.loads(out)["calibration_error"]
    assert 0 <= found["score"] <= 100
    files = ("--source", corpus_files / "test.x", "--target", corpus_files / "test.y")
    scored = rows(cli("score", finished, *files, "--json")[1])
    assert f"tokens:{sum(len(row['pieces']) for row in scored)}|" in found["signature"]
    code, out, _ = cli("evaluate", finished, "--calibration", tmp_path / "c.png")
    assert code == 0
    assert re.search(r"calibration_error +\d+\.\d\d   bins:10\|", out)
    assert not list(tmp_path.glob("partial-*"))
    (tmp_path / "kept.png").write_bytes(b"before")
    assert cli("evaluate", finished, "--calibration", tmp_path / "kept.png", "--source", "nowhere")[0] == 2
    assert (tmp_path / "kept.png").read_bytes() == b"before"
    code, out, err = cli("evaluate", finished, "--calibration", tmp_path / "c.bmp")
    assert (code, out) == (2, "")
    assert "A figure must be a .png or .svg file" in err


def test_average_makes_a_run_that_every_verb_takes(cli, finished, tmp_path, text):
    code, out, _ = cli("average", finished, finished, "--output", tmp_path / "new")
    assert (code, out) == (0, f"{tmp_path / 'new'}\n")
    source = text("in", LINES)
    assert cli("translate", tmp_path / "new", "--input", source)[1] == cli("translate", finished, "--input", source)[1]
    code, out, _ = cli("evaluate", tmp_path / "new", "--json")
    assert json.loads(out) == json.loads((finished / "scores.json").read_text())["tests"]["test"]
    code, _, err = cli("average", finished, "--output", tmp_path / "more", "--last", 2)
    assert code == 2
    assert "train with --training.keep_epochs 2" in err


@pytest.fixture(scope="module")
def three_best(finished, corpus_files, tmp_path_factory):
    """An n-best list of the test text."""
    path = tmp_path_factory.mktemp("n_best") / "list"
    flags = ("--input", corpus_files / "test.x", "--output", path, "--n-best", 3)
    assert main([str(word) for word in ("translate", finished, *flags)]) == 0
    return path


@pytest.fixture
def listed(three_best, corpus_files, tmp_path):
    """The flags that name a copy of the list, which a test may change, and its source."""
    shutil.copy(three_best, tmp_path / "list")
    return "--source", corpus_files / "test.x", "--n-best", tmp_path / "list"


def test_rerank_by_the_lists_own_score_keeps_it(cli, other, listed, tmp_path):
    code, out, _ = cli("rerank", *listed, "--score", other, "--weights", "1,0", "--n-best-output", tmp_path / "sorted")
    before = [line.split(" ||| ") for line in read_lines(tmp_path / "list")]
    assert code == 0
    assert out.splitlines() == [row[1] for number, row in enumerate(before) if number % 3 == 0]
    after = [line.split(" ||| ") for line in read_lines(tmp_path / "sorted")]
    assert [(row[0], row[1], row[-1]) for row in after] == [tuple(row) for row in before]
    assert all(re.fullmatch(r"list= \S+ score1= -\S+", row[2]) for row in after)


def test_rerank_by_a_models_score_alone_sorts_by_what_score_prints(cli, finished, backwards, listed, tmp_path, text):
    source = list(read_lines(listed[1]))
    for flags, reverse in ((("--score", backwards), False), (("--reverse", finished), True)):
        words = (*flags, "--weights", "0,1", "--normalize", "none", "--n-best-output", tmp_path / "sorted")
        code, _, _ = cli("rerank", *listed, *words, "--output", tmp_path / "best", "--batch-size", 5)
        assert code == 0
        after = [line.split(" ||| ") for line in read_lines(tmp_path / "sorted")]
        pairs = [(source[int(row[0])], row[1]) for row in after]
        x, y = text("x", [s for s, _ in pairs]), text("y", [t for _, t in pairs])
        sides = ("--source", y, "--target", x) if reverse else ("--source", x, "--target", y)
        wanted = [float(line) for line in cli("score", flags[1], *sides)[1].split()]
        np.testing.assert_allclose([float(row[-1]) for row in after], wanted, atol=1e-3)
        for _, group in groupby(after, key=lambda row: row[0]):
            scores = [float(row[-1]) for row in group]
            assert scores == sorted(scores, reverse=True)
        firsts = [next(group)[1] for _, group in groupby(after, key=lambda row: row[0])]
        assert list(read_lines(tmp_path / "best")) == firsts


def test_tuned_weights_are_printed_and_do_no_worse(cli, caplog, other, backwards, listed, corpus_files, tmp_path):
    runs = ("--score", backwards, "--score", other)
    references = corpus_files / "test.y"
    words = ("--tune-on", references, "--seed", 3, "--output", tmp_path / "best")
    code, weights, _ = cli("rerank", *listed, *runs, *words)
    assert code == 0
    assert "BLEU on" in caplog.text
    assert len(weights.split(",")) == 3
    again = cli("rerank", *listed, *runs, "--weights", weights.strip())[1]
    assert again == (tmp_path / "best").read_text()
    before = cli("rerank", *listed, *runs, "--weights", "1,0,0")[1]
    tuned, plain = (bleu(out.splitlines(), list(read_lines(references))).score for out in (again, before))
    assert tuned >= plain


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        ("0 ||| AB\n", [], "list:1: expected 'id ||| hypothesis ||| score'"),
        ("7 ||| AB ||| 1\n", [], "list:1: expected the id 0"),
        ("0 ||| AB ||| 1\n", [], "list:1: the list ends with the hypotheses of 1 lines; the source has 8"),
        (None, ["--weights", "1"], "--weights takes 2 numbers, for list, score1. Received: '1'"),
        (None, ["--weights", "1,x"], "--weights takes 2 numbers"),
        (None, ["--tune-on", "LIST"], "they must run in parallel"),
        (None, ["--tune-on", "nowhere"], "nowhere: no such file"),
        (None, ["--score", "nowhere"], "nowhere: no such run folder"),
        (None, ["--normalize", "words"], "invalid choice: 'words'"),
    ],
)
def test_rerank_tells_mistakes_before_it_writes(cli, finished, listed, tmp_path, change, words, message):
    if change:
        (tmp_path / "list").write_text(change)
    words = [tmp_path / "list" if word == "LIST" else word for word in words]
    code, out, err = cli("rerank", *listed, "--score", finished, *words)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_a_text_too_long_for_a_reverse_run_is_told_by_its_line(cli, finished, listed, tmp_path):
    lines = list(read_lines(tmp_path / "list"))
    lines[1] = f"0 ||| {'AB ' * 2000}||| -1"
    (tmp_path / "list").write_text("".join(line + "\n" for line in lines))
    code, _, err = cli("rerank", *listed, "--reverse", finished)
    assert code == 2
    assert f"{tmp_path / 'list'}:2: the line has" in err


def test_score_refuses_two_forms_at_once(cli, finished, text):
    code, _, err = cli("score", finished, "--source", text("x", ["a\tb"]), "--json", "--pieces")
    assert code == 2
    assert "either --json" in err
