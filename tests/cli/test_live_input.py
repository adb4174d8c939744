"""Lines are handed on when the input pauses, and in full chunks where it does not."""

import argparse
import os
import sys

import pytest

from seq2seq.cli.arguments import options_from
from seq2seq.cli.live_input import LiveInput, in_chunks
from seq2seq.cli.request_input import InputOptions, RequestReader, add_input_arguments
from seq2seq.cli.text_io import input_lines


@pytest.fixture
def pipe(monkeypatch):
    """Standard input is a pipe; what writes to it."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "r") as stream, os.fdopen(writer, "wb", buffering=0) as out:
        monkeypatch.setattr(sys, "stdin", stream)
        yield out


def test_a_co_process_gets_what_is_there_while_the_pipe_stays_open(pipe):
    parser = argparse.ArgumentParser()
    add_input_arguments(parser)
    chunks = RequestReader(options_from(InputOptions, parser.parse_args([]))).read(64)
    pipe.write(b"one\n")
    assert [line.request.text for line in next(chunks)] == ["one"]
    pipe.write("zwei\r\ndr\u00e4i\nvie".encode())  # the last line has no end yet
    assert [line.request.text for line in next(chunks)] == ["zwei", "dräi"]
    pipe.write(b"r\n\n")
    assert [line.request.text for line in next(chunks)] == ["vier", ""]
    pipe.write(b"last")
    pipe.close()
    assert [[line.request.text for line in chunk] for chunk in chunks] == [["last"]]


def test_input_that_does_not_pause_comes_in_full_chunks(pipe):
    pipe.write(b"x\n" * 100)
    pipe.close()
    texts, at_hand = input_lines(None)
    assert [len(chunk) for chunk in in_chunks(texts, 32, at_hand)] == [32, 32, 32, 4]


def test_a_line_is_never_longer_than_was_asked_for():
    reader, writer = os.pipe()
    os.write(writer, b"a" * 100 + b"\nb\n")
    os.close(writer)
    stream = LiveInput(reader)
    assert [stream.readline(64), stream.readline(64), stream.readline(64)] == [b"a" * 64, b"a" * 36 + b"\n", b"b\n"]
    assert stream.readline(64) == b""
    os.close(reader)


def test_without_standard_input_it_is_said(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ValueError, match="Standard input is closed"):
        input_lines(None)
