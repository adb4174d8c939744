"""Constraints, terminology and JSON lines, on a trained run by the command line."""

import io
import json
import sys

import pytest

from seq2seq.cli.main import main

pytestmark = pytest.mark.usefixtures("loaded_once")

TEXT = ["ab cd", "", "ef gh ij", "op"]


@pytest.fixture
def cli(monkeypatch, capfdbinary):
    def call(*words, text=TEXT):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("".join(t + "\n" for t in text).encode())))
        capfdbinary.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code
        out, err = capfdbinary.readouterr()
        return code, out.decode().splitlines(), err.decode()

    return call


@pytest.mark.parametrize("n_best", [1, 2])
def test_every_output_begins_with_the_prefix_holds_its_terms_and_no_other_word(cli, finished, n_best):
    asked = ("--prefix", "KL", "--include", "IJ", "--include", "MN OP", "--exclude", "AB", "--exclude", "CD")
    code, out, _ = cli("translate", finished, *asked, "--n-best", n_best)
    texts = [line.split(" ||| ")[1] if n_best > 1 else line for line in out]
    assert code == 0
    assert len(out) >= len(TEXT)
    for text in filter(None, texts):
        words = text.split()
        assert text.startswith("KL")
        assert "IJ" in text
        assert "MN OP" in text
        assert not {"AB", "CD"} & set(words)
    assert sum(not text for text in texts) == 1


def test_where_nothing_fits_it_is_said_and_the_line_stays_empty(cli, finished, tmp_path):
    (tmp_path / "words").write_text("AB\n\n")
    code, out, err = cli("translate", finished, "--include", "AB", "--exclude-file", tmp_path / "words")
    assert (code, out) == (0, ["", "", "", ""])
    assert "standard input:1: no output fits: include 'AB', exclude 'AB'" in err
    assert "standard input:2" not in err


def test_terminology_asks_only_where_its_term_stands(cli, finished, tmp_path):
    (tmp_path / "terms.tsv").write_text("gh\tMN\n")
    plain = cli("translate", finished)[1]
    code, out, _ = cli("translate", finished, "--terms", tmp_path / "terms.tsv")
    assert code == 0
    assert "MN" in out[2]
    assert [out[0], out[1], out[3]] == [plain[0], plain[1], plain[3]]


def test_json_lines_go_out_with_all_their_fields(cli, finished):
    rows = [{"id": [1, {"x": None}], "body": text, "output": "old"} for text in TEXT]
    rows[3]["include"] = ["IJ"]
    code, out, _ = cli("translate", finished, "--json", "--field", "body", text=map(json.dumps, rows))
    plain = cli("translate", finished)[1]
    found = [json.loads(line) for line in out]
    assert code == 0
    assert [row["id"] for row in found] == [row["id"] for row in rows]
    assert [row["output"] for row in found[:3]] == plain[:3]
    assert "IJ" in found[3]["output"]
    assert all(0 < row["confidence"] <= 1 for row in found)


def test_json_lines_hold_n_best_lists_of_different_texts(cli, finished):
    text = [json.dumps({"text": line}) for line in TEXT]
    code, out, _ = cli("translate", finished, "--json", "--n-best", 3, text=text)
    assert code == 0
    for line in out:
        row = json.loads(line)
        texts = [hypothesis["output"] for hypothesis in row["hypotheses"]]
        assert row["output"] == texts[0]
        assert len(set(texts)) == len(texts) <= 3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "standard input:2: expected a JSON object"),
        ("[1]", "standard input:2: expected a JSON object with text in its field 'text'"),
        ('{"text": 3}', "standard input:2: expected a JSON object with text in its field 'text'"),
        ('{"text": "a", "prefix": 1}', "standard input:2: prefix must be text"),
        ("[" * 5000, "standard input:2: expected a JSON object"),
    ],
)
def test_a_line_that_is_no_such_object_is_named(cli, finished, line, message):
    code, _, err = cli("translate", finished, "--json", text=['{"text": "ab"}', line])
    assert code == 2
    assert message in err


def test_groups_of_one_are_the_beam_and_groups_make_lists_differ(cli, finished):
    one, plain = (
        cli("translate", finished, "--beam-size", 4, "--n-best", 4, *more)[1] for more in (("--groups", 1), ())
    )
    assert one == plain
    groups = ("--beam-size", 4, "--n-best", 4, "--groups", 4, "--diversity", 9)
    code, diverse, _ = cli("translate", finished, *groups)
    assert code == 0
    firsts = [{line.split(" ||| ")[1][:2] for line in rows if line.startswith("2 |||")} for rows in (plain, diverse)]
    assert len(firsts[1]) >= len(firsts[0])
    assert cli("translate", finished, "--beam-size", 3, "--groups", 2)[0] == 2


def test_terms_are_not_promised_by_sampling(cli, finished):
    code, _, err = cli("translate", finished, "--sampling", "--include", "AB")
    assert code == 2
    assert "Sampling cannot promise terms" in err
    code, out, _ = cli("translate", finished, "--sampling", "--prefix", "KL", "--exclude", "AB")
    assert code == 0
    assert all(line.startswith("KL") for line in out if line)
