import io
import json
import logging
import sys

import pytest

from seq2seq.cli.common import guarded, quiet_start
from seq2seq.messages import Parser, plain_markdown, say, shell_word, show, visible

HOSTILE = "a\x1b]0;title\x07b\x7fc\x9bd\u202ee\u2066f\rg"
SHOWN = r"a\u001b]0;title\u0007b\u007fc\u009bd\u202ee\u2066f\u000dg"


def _fail(error):
    raise error


def test_control_characters_are_shown_and_everything_else_stays():
    assert visible(HOSTILE) == SHOWN
    text = "Zwei Männer\tam Herd\n你好 👍🏽 \u200c"
    assert visible(text) == text


def test_json_that_is_made_visible_is_the_same_json():
    value = {HOSTILE: [HOSTILE, "ä"]}
    text = visible(json.dumps(value, ensure_ascii=False, indent=2))
    assert "\x9b" not in text
    assert json.loads(text) == value


@pytest.mark.parametrize(
    "error", [ValueError(HOSTILE), OSError(2, "No such file", HOSTILE), FileNotFoundError(2, HOSTILE)]
)
def test_an_error_message_sends_no_control_characters(error, capsys):
    guarded(lambda: _fail(error))
    assert SHOWN in capsys.readouterr().err


def test_a_log_line_sends_no_control_characters(capsys):
    root = logging.getLogger()
    before = root.handlers[:]
    root.handlers[:] = []
    try:
        quiet_start()
        logging.getLogger("seq2seq.test").warning("from %s", HOSTILE)
    finally:
        root.handlers[:] = before
    assert SHOWN in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--\x1b[2J"], ["translate", "run", "--beam-size", HOSTILE], [HOSTILE]])
def test_a_wrong_argument_sends_no_control_characters(cli, words):
    code, _, err = cli(*words)
    assert code == 2
    assert "\x1b" not in err


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_message_reaches_a_terminal_of_any_encoding(monkeypatch, encoding):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    show("Kälte \udc80")
    assert raw.getvalue().decode(encoding) in ("Kälte \\udc80\n", "K\\xe4lte \\udc80\n")


def test_without_a_stream_nothing_is_said_and_nothing_breaks(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    say("x")


@pytest.mark.parametrize(
    "text", ["# head", "[a](http://x)", "<img src=x>", "| a | b |\n|---|", "`x`", "__a__ *b*", "&lt;", "\\"]
)
def test_markup_of_a_name_is_text_in_markdown(text):
    parser = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table")
    (found,) = [token for token in parser.parse(f"Data: {plain_markdown(text)}.") if token.type == "inline"]
    assert {child.type for child in found.children} <= {"text", "text_special"}
    assert "".join(child.content for child in found.children) == f"Data: {' '.join(text.split())}."


def test_an_address_in_a_name_becomes_no_link():
    assert plain_markdown("www.x.org a@b.org http://c") == r"www\.x.org a\@b.org http\://c"


def test_a_path_in_a_command_stays_one_word_on_one_line():
    assert shell_word("runs/a") == "runs/a"
    assert shell_word("my runs\n/$(x)") == "'my runs /$(x)'"


@pytest.mark.parametrize(
    "words", [["run", "a", "b", "--n", "1"], ["run", "--n", "1", "a", "b"], ["run", "a", "--n", "1", "b"]]
)
def test_what_may_come_any_number_of_times_may_come_after_options(words):
    parser = Parser()
    parser.add_argument("run")
    parser.add_argument("files", nargs="*")
    parser.add_argument("--n")
    assert vars(parser.parse_args(words)) == {"run": "run", "files": ["a", "b"], "n": "1"}
    with pytest.raises(SystemExit):
        parser.parse_args([*words, "--unknown"])
