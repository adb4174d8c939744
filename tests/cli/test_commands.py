import json
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from seq2seq.cli import text_io

pytestmark = pytest.mark.usefixtures("loaded_once")

LINES = ["ab cd", "", "ef gh ij", "op"]


def _text(lines):
    return "".join(line + "\n" for line in lines).encode()


def test_translate_gives_a_line_for_a_line_and_an_empty_one_for_an_empty_one(cli, finished):
    code, out, _ = cli("translate", finished, text=_text(LINES))
    assert code == 0
    assert len(out.split("\n")) == len(LINES) + 1
    assert out.split("\n")[1] == ""


def test_files_and_streams_give_the_same(cli, finished, tmp_path):
    (tmp_path / "in").write_bytes(_text(LINES))
    _, out, _ = cli("translate", finished, text=_text(LINES))
    code, nothing, _ = cli("translate", finished, "--input", tmp_path / "in", "--output", tmp_path / "out")
    assert (code, nothing) == (0, "")
    assert (tmp_path / "out").read_text() == out


def test_n_best_is_numbered_and_falls(cli, finished):
    code, out, _ = cli("translate", finished, "--n-best", 3, text=_text(["ab cd", "ef"]))
    rows = [line.split(" ||| ") for line in out.splitlines()]
    assert code == 0
    assert [row[0] for row in rows] == ["0"] * 3 + ["1"] * 3
    scores = [float(row[2]) for row in rows[:3]]
    assert scores == sorted(scores, reverse=True)
    assert len({row[1] for row in rows[:3]}) > 1


def test_alignments_are_rows_that_sum_to_one(cli, finished, tmp_path):
    code, _, _ = cli("translate", finished, "--alignments", tmp_path / "a", text=_text(LINES))
    rows = [json.loads(line) for line in (tmp_path / "a").read_text().splitlines()]
    assert code == 0
    assert len(rows) == len(LINES)
    assert rows[1] == {"source": [], "target": [], "weights": []}
    for row in (rows[0], rows[2], rows[3]):
        assert len(row["weights"]) == len(row["target"])
        for weights in row["weights"]:
            assert len(weights) == len(row["source"])
            assert sum(weights) == pytest.approx(1, abs=1e-3)


def test_sampling_obeys_its_seed(cli, finished):
    words = ("translate", finished, "--sampling", "--temperature", "2")
    one, same, other = (cli(*words, "--seed", s, text=_text(["ab cd ef gh"] * 5))[1] for s in (1, 1, 2))
    assert one == same
    assert one != other


def test_evaluate_prints_four_scores_with_signatures(cli, finished):
    code, out, _ = cli("evaluate", finished, "--test", "test", "--json")
    scores = json.loads(out)
    assert code == 0
    assert scores == json.loads((finished / "scores.json").read_text())["tests"]["test"]
    _, table, _ = cli("evaluate", finished)
    for name, value in scores.items():
        assert name in table
        assert value["signature"] in table


def test_references_without_blanks_under_another_language_are_named(cli, finished, corpus_files, tmp_path, caplog):
    (tmp_path / "y").write_text("我喜欢吃苹果\n" * 8, "utf-8")
    files = ("--source", corpus_files / "test.x", "--target", tmp_path / "y")
    _, out, _ = cli("evaluate", finished, *files, "--json")
    assert "tok:13a" in json.loads(out)["bleu"]["signature"]
    assert "data.target_language is 'de'" in caplog.text
    caplog.clear()
    _, out, _ = cli("evaluate", finished, *files, "--json", "--score-tokenizer", "zh")
    assert "tok:zh" in json.loads(out)["bleu"]["signature"]
    assert "target_language" not in caplog.text


def test_outputs_and_references_that_a_limit_cuts_are_counted_once(cli, finished, caplog):
    _, out, err = cli("translate", finished, "--max-ratio", "0", "--max-extra", "1", text=_text(["ab cd"] * 3))
    assert len(out.splitlines()) == 3
    assert err.count("reached the limit of length and may be cut short: raise --max-ratio or --max-extra") == 1
    assert "3 outputs have" in err
    cli("evaluate", finished)
    assert "longer than the search may write" not in caplog.text
    cli("evaluate", finished, "--max-ratio", "0", "--max-extra", "1")
    assert "references are longer than the search may write (search.max_ratio 0, search.max_extra 1)" in caplog.text


def test_lowercase_and_tokenize_make_bleu_the_published_one(cli, finished):
    _, out, _ = cli("evaluate", finished, "--lowercase", "--tokenize", "--json")
    scores = json.loads(out)
    assert scores["bleu"] == scores["bleu_published"]


def test_evaluate_on_files_equals_evaluate_by_name(cli, finished, corpus_files, tmp_path):
    files = ("--source", corpus_files / "test.x", "--target", corpus_files / "test.y")
    code, by_files, _ = cli("evaluate", finished, *files, "--output", tmp_path / "hypotheses")
    assert code == 0
    assert by_files == cli("evaluate", finished)[1]
    assert (tmp_path / "hypotheses").read_bytes() == (finished / "hypotheses" / "test.txt").read_bytes()


def test_score_gives_the_log_probability_that_the_search_reported(cli, finished, tmp_path):
    (tmp_path / "x").write_bytes(_text(["ab cd ef"]))
    _, out, _ = cli("translate", finished, "--n-best", 2, "--normalization", "none", text=_text(["ab cd ef"]))
    _, hypothesis, score = out.splitlines()[0].split(" ||| ")
    (tmp_path / "y").write_bytes(_text([hypothesis]))
    code, out, err = cli("score", finished, "--source", tmp_path / "x", "--target", tmp_path / "y")
    assert code == 0
    # The text may be cut into other pieces than the search chose, which can only be the likelier cut's doing.
    assert float(out) == pytest.approx(float(score), abs=0.5)
    assert "perplexity" in err
    _, pieces, _ = cli("score", finished, "--source", tmp_path / "x", "--target", tmp_path / "y", "--pieces")
    assert sum(map(float, pieces.split())) == pytest.approx(float(out), abs=1e-3)


@pytest.mark.parametrize(
    ("words", "text", "message"),
    [
        (["translate", "nowhere"], b"", "nowhere: no such run folder"),
        (["translate", "RUN", "--input", "nowhere.txt"], b"", "nowhere.txt: no such file"),
        (["translate", "RUN"], b"fine\n\xff\n", "standard input:2: not valid UTF-8"),
        (["translate", "RUN"], b"a\0b\n", "standard input:1: the line holds a NUL byte"),
        (["translate", "RUN"], b"a" * 1_100_000, "standard input:1: the line is longer than"),
        (["translate", "RUN", "--length-penalty", "-1"], b"x\n", "length_penalty must not be negative"),
        (["translate", "RUN", "--mbr", "-1"], b"x\n", "mbr must not be negative"),
        (["translate", "RUN", "--sampling", "--top-p", "2"], b"x\n", "top_p must be in"),
        (["translate", "RUN", "--beam-size", "0"], b"", "must be from 1 to 1,000,000,000"),
        (["translate", "RUN", "--batch-size", "10000000000000000000"], b"", "must be from 1 to 1,000,000,000"),
        (["translate", "RUN", "--beam"], b"", "unrecognized arguments: --beam"),
        (["translate", "RUN", "--beem-size", "3"], b"", "--beem-size 3. Did you mean --beam-size?"),
        (["evaluate", "RUN", "--test", "tset"], b"", "This run knows the test sets test"),
        (["evaluate", "RUN", "--test", "test", "--source", "x"], b"", "either --test or --source"),
        (["score", "RUN", "--source", "nowhere"], b"", "nowhere: no such file"),
        (["translat", "RUN"], b"", "invalid choice: 'translat'"),
    ],
)
def test_a_mistake_gets_one_message_and_no_traceback(cli, finished, words, text, message):
    code, out, err = cli(*[finished if word == "RUN" else word for word in words], text=text)
    assert code == 2
    assert out == ""
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [(), ("--json",), ("--n-best", 2), ("--hard-alignments",)])
def test_a_line_that_is_too_long_stays_empty_and_is_named_and_the_others_are_translated(cli, finished, tmp_path, words):
    lines = ["ab", "ab " * 2000, "cd ef"]
    if words == ("--hard-alignments",):
        words = (*words, tmp_path / "links")
    given = [json.dumps({"text": line}) for line in lines] if words == ("--json",) else lines
    code, out, err = cli("translate", finished, *words, text=_text(given))
    assert code == 2
    assert re.search(r"standard input:2: the line has [\d,]+ tokens; at most 1,000 .*--max-input.*--cut-input", err)
    assert "1 line was too long" in err
    wanted = cli("translate", finished, *words, text=_text([given[0], given[0].replace(lines[0], ""), given[2]]))[1]
    if words == ("--json",):
        out, wanted = ([json.loads(line) for line in text.splitlines()] for text in (out, wanted))
        assert out.pop(1)["output"] is None
        assert wanted.pop(1)["output"] == ""
    if words == ("--n-best", 2):
        wanted = "".join(line for line in wanted.splitlines(True) if not line.startswith("1 "))
    assert out == wanted


@pytest.mark.parametrize("verb", ["score", "align"])
def test_pairs_with_a_source_that_is_too_long_are_named_or_cut(cli, finished, tmp_path, verb):
    (tmp_path / "x").write_bytes(_text(["ab", "ab " * 2000]))
    (tmp_path / "y").write_bytes(_text(["AB", "AB"]))
    words = (verb, finished, "--source", tmp_path / "x", "--target", tmp_path / "y")
    code, _, err = cli(*words)
    assert code == 2
    assert f"{tmp_path / 'x'}:2: the line has" in err
    assert cli(*words, "--cut-input")[0] == 0


@pytest.mark.parametrize("options", [("--coverage-penalty", 1000), ("--no-repeat-ngram", 1000000000)])
def test_a_search_at_its_limits_still_writes(cli, finished, options):
    _, plain, err = cli("translate", finished, text=_text(LINES))
    assert plain, err
    code, out, _ = cli("translate", finished, *options, text=_text(LINES))
    assert code == 0
    assert len(out.splitlines()) == len(LINES)
    assert out == plain or "--coverage-penalty" in options


def test_where_the_rules_leave_nothing_to_write_it_is_said(cli, finished):
    code, out, err = cli("translate", finished, "--no-repeat-ngram", 1, "--min-length", 200, text=b"ab\n")
    assert (code, out) == (0, "\n")
    assert "standard input:1: no output fits" in err


def test_a_source_from_a_pipe_has_no_checksum(cli, finished, tmp_path):
    texts = [b"ab\ncd\n", b"AB\nCD\n"]
    ends = [os.pipe() for _ in texts]
    for text, (_, writer) in zip(texts, ends, strict=True):
        os.write(writer, text)
        os.close(writer)
    source, target = (f"/dev/fd/{reader}" for reader, _ in ends)
    words = ("evaluate", finished, "--source", source, "--target", target, "--output-folder", tmp_path / "kept")
    code, _, err = cli(*words)
    assert code == 0, err
    assert set(json.loads((tmp_path / "kept" / "scores.json").read_text())["data"]["sha256"].values()) == {None}
    for reader, _ in ends:
        os.close(reader)


def test_an_output_file_is_never_half_written(cli, finished, tmp_path):
    (tmp_path / "out").write_text("before")
    code, _, _ = cli("translate", finished, "--output", tmp_path / "out", text=b"ab\n\xff\n")
    assert code == 2
    assert (tmp_path / "out").read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_device_is_written_to_as_it_is():
    with text_io.output(os.devnull) as stream:
        stream.write("gone")
    assert Path(os.devnull).is_char_device()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="exports are made by TensorFlow")
def test_export_prints_where_it_wrote_and_translate_takes_a_litert_folder(cli, finished, request, tmp_path):
    pytest.importorskip("ai_edge_litert")
    lite = request.getfixturevalue("litert_folder")  # which checks what the command prints
    for flags in ([], ["--n-best", 2], ["--beam-size", 1]):
        answers = [cli("translate", folder, *flags, text=_text(LINES)) for folder in (finished, lite)]
        wanted, got = ([line.split(" ||| ") for line in out.splitlines()] for _, out, _ in answers)
        assert [code for code, _, _ in answers] == [0, 0]
        assert [row[:2] for row in got] == [row[:2] for row in wanted]
        scores = ([float(row[2]) for row in rows if len(row) == 3] for rows in (got, wanted))
        np.testing.assert_allclose(*scores, atol=1e-4)
    paths = [tmp_path / "a", tmp_path / "b"]
    for folder, path in zip((finished, lite), paths, strict=True):
        assert cli("translate", folder, "--alignments", path, text=_text(LINES))[0] == 0
    for ours, theirs in zip(*(path.read_text().splitlines() for path in paths), strict=True):
        one, other = json.loads(ours), json.loads(theirs)
        assert one["target"] == other["target"]
        np.testing.assert_allclose(one.pop("weights"), other.pop("weights"), atol=1e-4)
    code, out, _ = cli("export", finished, "--format", "saved_model", "--ids-only", "--output", tmp_path / "saved")
    assert (code, out) == (0, f"{tmp_path / 'saved' / '1'}\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "litert", "--ids-only"], "--ids-only is for --format saved_model"),
        (["--format", "saved_model", "--quantize", "int8"], "--quantize is for --format litert"),
        (["--format", "onnx", "--ids-only"], "--ids-only is for --format saved_model"),
        (["--format", "onxn"], "invalid choice: 'onxn'"),
        ([], "required: --format"),
    ],
)
def test_export_flags_that_do_not_go_together_are_refused(cli, finished, words, message):
    code, _, err = cli("export", finished, *words)
    assert code == 2
    assert message in err


def test_help_and_argument_checks_import_no_framework():
    code = (
        "import sys\nfrom seq2seq.cli.main import main\n"
        "for words in (['--help'], ['translate', '--help'], ['evaluate', 'x', '--batch-size', '0']):\n"
        "    try: main(words)\n    except SystemExit: pass\n"
        "assert main(['translate', 'nowhere']) == 2\n"
        "assert not {'keras', 'tensorflow', 'matplotlib', 'sacrebleu'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_command_in_its_own_process_is_quiet_and_says_its_code(finished):
    done = subprocess.run(
        [sys.executable, "-m", "seq2seq.cli.main", "translate", str(finished)],
        input=b"ab cd\n",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == b""
    assert done.stdout.count(b"\n") == 1
