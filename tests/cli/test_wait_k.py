"""`translate --wait-k` and `evaluate --wait-k`."""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import contextmanager

import pytest

import seq2seq
from seq2seq.cli import simultaneous
from seq2seq.cli.word_input import input_words
from seq2seq.text.corpus import CorpusError
from tests.tasks.test_wait_k import WAIT_K

pytestmark = pytest.mark.usefixtures("loaded_once")

LINES = ["ab cd ef gh", "", "ij", "op mn kl ij gh ef"]
TEXT = "".join(line + "\n" for line in LINES).encode()


@pytest.fixture(scope="module")
def live(made_run):
    return made_run("wait_k", *WAIT_K)


@pytest.fixture(scope="module")
def expected(live):
    """By k: what is written for each line where its words come one by one."""
    model = seq2seq.load(live)
    return {k: [each.text for each in model.interpreter(k).interpret(LINES)] for k in (1, 2)}


@pytest.mark.parametrize("k", [1, 2])
def test_a_line_for_each_line_by_stream_and_by_file(cli, live, expected, tmp_path, k):
    assert any(expected[k])
    out = "".join(line + "\n" for line in expected[k])
    assert cli("translate", live, "--wait-k", k, text=TEXT)[:2] == (0, out)
    assert cli("translate", live, "--wait-k", k, text=TEXT.removesuffix(b"\n"))[:2] == (0, out)
    assert cli("translate", live, "--wait-k", k, text=b"")[:2] == (0, "")
    (tmp_path / "in").write_bytes(TEXT.replace(b" ", b"  \t").replace(b"\n", b" \r\n"))
    words = ("--wait-k", k, "--input", tmp_path / "in", "--output", tmp_path / "out", "--beam-size", 1)
    assert cli("translate", live, *words)[:2] == (0, "")
    assert (tmp_path / "out").read_text() == out


def test_the_litert_folder_of_the_run_writes_the_same(cli, live, expected, tmp_path):
    pytest.importorskip("ai_edge_litert")
    code, _, err = cli("export", live, "--format", "litert", "--quantize", "none", "--output", tmp_path / "it")
    assert code == 0, err
    for k, texts in expected.items():
        assert cli("translate", tmp_path / "it", "--wait-k", k, text=TEXT)[:2] == (0, "".join(f"{t}\n" for t in texts))


def test_words_are_written_before_their_line_has_ended(cli, live, expected, monkeypatch):
    shown, raw = [], io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="utf-8", newline="\n")

    def words(path):
        for word in [*LINES[3].split(), None]:
            yield word
            shown.append(raw.getvalue().decode())

    monkeypatch.setattr(simultaneous, "input_words", words)
    monkeypatch.setattr(simultaneous, "output", lambda path: _same(out))
    assert cli("translate", live, "--wait-k", 1)[0] == 0
    assert shown[-1] == expected[1][3] + "\n"
    assert shown[0]
    assert len(set(shown)) >= 3
    for text in shown:
        assert shown[-1].startswith(text)


@contextmanager
def _same(out):
    yield out


@pytest.fixture
def pipe(monkeypatch):
    """Standard input is a pipe; what writes to it."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "r") as stream, os.fdopen(writer, "wb", buffering=0) as out:
        monkeypatch.setattr(sys, "stdin", stream)
        yield out


def test_a_word_comes_as_soon_as_a_blank_follows_it(pipe):
    words = input_words(None)
    pipe.write("\ufeffone zw".encode())
    assert next(words) == "one"
    pipe.write("\u00e4i \r".encode()[:1])  # within a character
    pipe.write("\u00e4i \r".encode()[1:])
    assert next(words) == "zwäi"
    pipe.write(b"\n\nlast")
    assert [next(words), next(words)] == [None, None]
    pipe.close()
    assert list(words) == ["last", None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"ab\ncd \xff\xfe", r"standard input:2: not valid UTF-8 \(byte 4"),
        (b"\xff\xfea\0", "UTF-16"),
        (b"ab\0 ", "NUL byte"),
        (b"x" * (1 << 20) + b"xx", "longer than"),
        (b"x " * (1 << 19) + b"xx ", "longer than"),
    ],
)
def test_what_is_no_text_is_named_by_its_line(monkeypatch, text, message):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    with pytest.raises(CorpusError, match=message):
        list(input_words(None))


def test_a_line_that_is_too_long_is_named_and_the_others_are_translated(cli, live, expected):
    code, out, err = cli("translate", live, "--wait-k", 1, "--max-input", 30, text=b"ab " * 40 + b"\n" + TEXT)
    assert code == 2
    assert out.splitlines()[1:] == expected[1]
    assert "standard input:1: the line has 3" in err
    assert "Its rest is not translated." in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--wait-k", 0], "must be from 1"),
        (["--wait-k", "x"], "invalid"),
        (["--wait-k", 3, "--beam-size", 5], "excludes --beam-size"),
        (["--wait-k", 3, "--n-best", 2], "excludes --n-best."),
        (["--wait-k", 3, "--sampling", "--prefix", "AB"], "excludes --prefix, --sampling"),
        (["--wait-k", 3, "--json"], "excludes --json"),
        (["--wait-k", 3, "--alignments", "x"], "excludes --alignments"),
    ],
)
def test_what_does_not_go_with_it_is_refused(cli, live, options, message):
    code, out, err = cli("translate", live, *options, text=TEXT)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_a_run_that_reads_in_both_directions_is_refused_in_one_sentence(cli, finished, litert_folder):
    for verb in ("translate", "evaluate"):
        code, out, err = cli(verb, finished, "--wait-k", 3, text=TEXT)
        assert (code, out) == (2, "")
        assert "reads in both directions. Train one with training.wait_k" in err
    code, out, err = cli("translate", litert_folder, "--wait-k", 3, text=TEXT)
    assert (code, out) == (2, "")
    assert "This LiteRT folder cannot translate while it reads (wait_k): its encoder reads in both directions." in err


def test_evaluate_measures_quality_and_latency_of_every_k(cli, live, tmp_path):
    pytest.importorskip("matplotlib")
    plot = tmp_path / "curve.svg"
    code, out, _ = cli("evaluate", live, "--wait-k", 1, 3, 20, "--json", "--plot", plot)
    assert code == 0
    found = json.loads(out)
    assert list(found) == ["1", "3", "20"]
    for scores in found.values():
        assert list(scores) == ["bleu", "al", "laal", "ap"]
        assert all(score["signature"] for score in scores.values())
    latency = [found[k]["ap"]["score"] for k in found]
    assert latency == sorted(latency)
    assert latency[-1] == 1.0  # all is read before the first word is written
    assert plot.read_text().startswith("<?xml")
    code, out, _ = cli("evaluate", live, "--wait-k", 20, "--output", tmp_path / "out")
    assert code == 0
    assert out.split()[:6] == ["wait-k", "bleu", "al", "laal", "ap", "20"]
    code, greedy, _ = cli("evaluate", live, "--beam-size", 1, "--json", "--output", tmp_path / "greedy")
    assert json.loads(greedy)["bleu"]["score"] == pytest.approx(found["20"]["bleu"]["score"], abs=0.01)
    texts = [[line.split() for line in (tmp_path / name).read_text().split("\n")] for name in ("out", "greedy")]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--plot", "x.svg"], "--plot is for --wait-k"),
        (["--wait-k", 3, "--plot", "x.pdf"], "must be a .png or .svg"),
        (["--wait-k", 3, "--beam-size", 2], "excludes --beam-size"),
        (["--wait-k", 1, 3, "--output", "x"], "excludes --output (for several K)"),
        (["--wait-k", 0], "must be from 1"),
    ],
)
def test_evaluate_refuses_what_does_not_go_with_it(cli, live, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = cli("evaluate", live, *options)
    assert (code, out) == (2, "")
    assert message in err
    assert list(tmp_path.iterdir()) == []
