"""Every option of alignment, through the command line on a trained run."""

from __future__ import annotations

import json
import shutil

import keras
import numpy as np
import pytest

from seq2seq.run.folder import save_weights
from seq2seq.symbols import NAMES, UNK
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.text.alignment import parse_alignment

pytestmark = pytest.mark.usefixtures("loaded_once")

LINES = ["ab cd", "", "ef gh ij", "op"]


def _text(lines):
    return "".join(line + "\n" for line in lines).encode()


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Source, target, and both in a TSV; one side of the last pairs is empty."""
    folder = tmp_path_factory.mktemp("pairs")
    sources, targets = [*LINES, "", "ab"], [*(line.upper() for line in LINES), "AB", ""]
    (folder / "x").write_bytes(_text(sources))
    (folder / "y").write_bytes(_text(targets))
    (folder / "xy.tsv").write_bytes(_text(f"{x}\t{y}" for x, y in zip(sources, targets, strict=True)))
    return folder


@pytest.fixture(scope="module")
def unsure(finished, tmp_path_factory):
    """The run, but so that it often writes the unknown piece."""
    folder = tmp_path_factory.mktemp("unsure") / "run"
    shutil.copytree(finished, folder)
    model, _, _ = TextRunFolder(folder).load_model()
    bias = model.head.bias.numpy()
    bias[UNK] += 4.0
    model.head.bias.assign(bias)
    save_weights(model, TextRunFolder(folder).weights_file)
    return folder


def test_arrays_hold_what_the_json_lines_hold_and_rows_sum_to_one(cli, finished, tmp_path):
    for name in ("a.npz", "a.jsonl"):
        assert cli("translate", finished, "--alignments", tmp_path / name, text=_text(LINES))[0] == 0
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert len(arrays.files) == 3 * len(LINES)
        for n, row in enumerate(rows):
            weights = arrays[f"weights_{n}"]
            assert (arrays[f"source_{n}"].tolist(), arrays[f"target_{n}"].tolist()) == (row["source"], row["target"])
            assert weights.shape == (len(row["target"]), len(row["source"]))
            np.testing.assert_allclose(weights.ravel(), np.ravel(row["weights"]), atol=1e-5)
            np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)


def test_links_are_those_of_the_soft_alignment_on_words_and_on_pieces(cli, finished, tmp_path):
    soft, words, pieces = (tmp_path / name for name in ("soft", "words", "pieces"))
    code, out, _ = cli("translate", finished, "--alignments", soft, "--hard-alignments", words, text=_text(LINES))
    assert code == 0
    more = ("--hard-alignments", pieces, "--alignment-units", "pieces")
    assert cli("translate", finished, *more, text=_text(LINES))[:2] == (0, out)
    rows = [json.loads(line) for line in soft.read_text().splitlines()]
    texts = out.split("\n")[:-1]
    for row, text, line, on_words, on_pieces in zip(
        rows, texts, LINES, words.read_text().split("\n"), pieces.read_text().split("\n"), strict=False
    ):
        links = parse_alignment(on_pieces, len(row["source"]), len(row["target"]))
        assert [j for _, j in sorted(links, key=lambda link: link[1])] == list(range(max(len(row["target"]) - 1, 0)))
        for i, j in links:
            assert row["weights"][j][i] == max(row["weights"][j][:-1])
        linked = parse_alignment(on_words, len(line.split()), len(text.split()))
        assert {j for _, j in linked} == set(range(len(text.split())))
    assert words.read_text().split("\n")[1] == ""
    assert words.read_text().count("\n") == pieces.read_text().count("\n") == len(LINES)


def test_given_pairs_are_aligned_from_files_and_from_a_tsv_to_every_output(cli, finished, pairs, tmp_path):
    files = ("--source", pairs / "x", "--target", pairs / "y")
    code, links, _ = cli("align", finished, *files)
    assert code == 0
    assert cli("align", finished, "--source", pairs / "xy.tsv", "--batch-size", 1)[:2] == (0, links)
    outputs = ("--alignments", tmp_path / "a", "--hard-alignments", tmp_path / "b", "--alignment-units", "words")
    assert cli("align", finished, *files, *outputs)[:2] == (0, "")
    assert (tmp_path / "b").read_text() == links
    for line, found in zip(map(str.split, LINES), links.splitlines(), strict=False):
        assert {j for _, j in parse_alignment(found, len(line), len(line))} == set(range(len(line)))
    assert links.split("\n")[1] == links.split("\n")[4] == links.split("\n")[5] == ""
    rows = [json.loads(line) for line in (tmp_path / "a").read_text().splitlines()]
    assert len(rows) == len(LINES) + 2
    assert rows[4] == {"source": [], "target": [], "weights": []}
    assert rows[5]["target"] == ["</s>"]
    for row in rows:
        np.testing.assert_allclose([sum(weights) for weights in row["weights"]], 1, atol=1e-3)


def test_what_was_translated_is_aligned_as_what_is_given(cli, finished, tmp_path):
    (tmp_path / "x").write_bytes(_text(LINES))
    cli("translate", finished, "--alignments", tmp_path / "a", "--output", tmp_path / "y", text=_text(LINES))
    cli("align", finished, "--source", tmp_path / "x", "--target", tmp_path / "y", "--alignments", tmp_path / "b")
    same = 0
    for one, other in zip(*((tmp_path / n).read_text().splitlines() for n in "ab"), strict=True):
        ours, theirs = json.loads(one), json.loads(other)
        if ours["target"] == theirs["target"]:  # the search may have cut its text otherwise than the tokeniser
            np.testing.assert_allclose(np.ravel(ours["weights"]), np.ravel(theirs["weights"]), atol=1e-4)
            same += 1
    assert same


@pytest.mark.parametrize(("ending", "begin"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_a_heatmap_is_drawn_of_one_line(cli, finished, pairs, tmp_path, ending, begin):
    path = tmp_path / f"map.{ending}"
    assert cli("translate", finished, "--heatmap", path, text=_text(["ab $x$ 漢"]))[0] == 0
    assert path.read_bytes().startswith(begin)
    (tmp_path / "one.tsv").write_bytes(_text(["ab cd\tAB CD"]))
    before = path.read_bytes()
    assert cli("align", finished, "--source", tmp_path / "one.tsv", "--heatmap", path)[:2] == (0, "")
    assert path.read_bytes() != before


@pytest.mark.parametrize(
    ("words", "lines", "message"),
    [
        (["translate", "--heatmap", "OUT.png"], ["ab", "cd"], "--heatmap draws a single line. Received: more than one"),
        (["translate", "--heatmap", "OUT.png"], [], "--heatmap draws a single line. Received: none"),
        (["translate", "--heatmap", "OUT.png"], [""], "nothing to draw: the sentence is empty"),
        (["translate", "--heatmap", "OUT.jpg"], ["ab"], "A heatmap is written as .png or .svg"),
        (["align", "--source", "PAIRS", "--heatmap", "OUT.svg"], [], "Received: more than one"),
        (["align", "--source", "nowhere", "--target", "nowhere"], [], "nowhere: no such file"),
        (["align", "--target", "x"], [], "required: --source"),
        (["translate", "--alignment-units", "letters"], [], "invalid choice: 'letters'"),
        (["translate", "--dictionary", "DICT"], ["ab"], "--dictionary is for --replace-unknown"),
        (["translate", "--replace-unknown", "--dictionary", "nowhere"], ["ab"], "nowhere: no such file"),
        (["translate", "--replace-unknown", "--dictionary", "DICT"], ["ab"], "DICT:2: expected a source word"),
    ],
)
def test_a_mistake_is_told_and_no_file_is_left(cli, finished, pairs, tmp_path, words, lines, message):
    (tmp_path / "DICT").write_text("ab\tAB\ncd\n")
    places = {"PAIRS": pairs / "xy.tsv", "DICT": tmp_path / "DICT"}
    verb, *flags = [places.get(word, str(tmp_path / word) if word.startswith("OUT") else word) for word in words]
    code, out, err = cli(verb, finished, *flags, text=_text(lines))
    assert (code, out.strip()) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["DICT"]


def test_a_line_that_is_too_long_is_told_by_its_place(cli, finished, tmp_path):
    (tmp_path / "x.tsv").write_bytes(_text(["ab\tAB", "ab " * 2000 + "\tAB"]))
    code, _, err = cli("align", finished, "--source", tmp_path / "x.tsv")
    assert code == 2
    assert "x.tsv:2: the line has" in err


def test_unknown_pieces_become_words_of_the_source_and_the_rest_stays(cli, unsure, tmp_path):
    lines = ["ab 漢字 cd", "", "☃ ef", "gh"]
    code, plain, _ = cli("translate", unsure, "--alignments", tmp_path / "soft", text=_text(lines))
    rows = [json.loads(line) for line in (tmp_path / "soft").read_text().splitlines()]
    assert code == 0
    assert any(NAMES[UNK] in row["target"] for row in rows)
    code, out, _ = cli("translate", unsure, "--replace-unknown", text=_text(lines))
    assert code == 0
    assert "⁇" not in out
    dictionary = tmp_path / "d.tsv"
    words = " ".join(lines).split()
    dictionary.write_text("".join(f"{word}\t<{n}>\n" for n, word in enumerate(words)), "utf-8")
    more = ("--replace-unknown", "--dictionary", dictionary)
    code, translated, _ = cli("translate", unsure, *more, text=_text(lines))
    assert code == 0
    for line, row, before, after, other in zip(
        lines, rows, *(text.split("\n") for text in (plain, out, translated)), strict=False
    ):
        if NAMES[UNK] in row["target"]:
            assert any(word in after for word in line.split())
            assert "<" in other
            assert not any(word in other for word in line.split())
        else:
            assert before == after == other
    code, many, _ = cli("translate", unsure, "--replace-unknown", "--n-best", 2, text=_text(lines))
    assert code == 0
    assert "⁇" not in many
    assert many.split(" ||| ")[1] == out.split("\n")[0]


def test_a_run_without_unknown_pieces_writes_what_it_wrote(cli, finished):
    plain = cli("translate", finished, text=_text(LINES))[1]
    assert "⁇" not in plain
    assert cli("translate", finished, "--replace-unknown", text=_text(LINES))[1] == plain


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="exports are made by TensorFlow")
def test_a_litert_folder_aligns_and_replaces_as_the_run_does(cli, unsure, pairs, tmp_path):
    pytest.importorskip("ai_edge_litert")
    lite = tmp_path / "lite"
    assert cli("export", unsure, "--format", "litert", "--quantize", "none", "--output", lite)[0] == 0
    files = ("--source", pairs / "x", "--target", pairs / "y")
    assert cli("align", lite, *files)[:2] == cli("align", unsure, *files)[:2]
    words = ("--replace-unknown", "--hard-alignments")
    links = [tmp_path / name for name in ("ours", "theirs")]
    answers = [
        cli("translate", folder, *words, path, text=_text(["ab ☃"]))
        for folder, path in zip((unsure, lite), links, strict=True)
    ]
    assert answers[0][:2] == answers[1][:2]
    assert links[0].read_text() == links[1].read_text() != "\n"


def test_a_run_without_attention_says_so(cli, run, tmp_path):
    assert run(tmp_path / "run", "--model.decoder.attention", "none", "--training.epochs", "1") == 0
    for words in (
        ["translate", "--replace-unknown"],
        ["translate", "--hard-alignments", "x"],
        ["align", "--source", "PAIRS"],
    ):
        (tmp_path / "PAIRS.tsv").write_bytes(_text(["ab\tAB"]))
        verb, *flags = [str(tmp_path / "PAIRS.tsv") if word == "PAIRS" else word for word in words]
        code, _, err = cli(verb, tmp_path / "run", *flags, text=_text(["ab"]))
        assert code == 2
        assert "has no attention, so it has no alignments" in err
