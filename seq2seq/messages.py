"""Messages for people: the one way text reaches a terminal. Control characters from data are shown, not sent.

A name in a file or a line of a corpus may hold escape sequences, which move the cursor or rewrite the screen, and
marks that reverse the direction of what follows. Text outputs (translations, scores of lines) are not messages: they
stay as they are, byte for byte. Imports no framework.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import shlex
import sys
from typing import NoReturn, TextIO

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MARKUP = re.compile(r"[\\`*\[\]<>|#!&~$^:@]|(?<![^\W_])_|_(?![^\W_])|(?<=www)\.", re.IGNORECASE)


def visible(text: object) -> str:
    r"""Returns `str(text)` with control characters written as `\u001b`; newlines and tabs stay.

    Escaped are C0, DEL, C1, the marks that override the direction of text, and lone surrogates, which no output can
    encode. JSON stays the same JSON: there, such characters stand in strings alone.
    """
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", str(text))


def plain_markdown(text: object) -> str:
    """Returns `str(text)` on one line, for the middle of a line of Markdown: no link, tag, cell or emphasis in it."""
    return _MARKUP.sub(lambda found: "\\" + found[0], " ".join(visible(text).split()))


def shell_word(path: object) -> str:
    """Returns a path as a command shown to a person names it: quoted where a shell needs that, on one line."""
    return " ".join(visible(shlex.quote(str(path))).split())


def say(message: object = "", stream: TextIO | None = None) -> None:
    """Prints a message, to stderr."""
    _write(stream or sys.stderr, visible(message) + "\n")


def show(text: object = "") -> None:
    """Prints a result for people to stdout: a table, a report, the JSON of one."""
    _write(sys.stdout, visible(text) + "\n")


def rewrite(line: object = "", stream: TextIO | None = None) -> None:
    """Replaces the last line of a terminal, to show progress."""
    _write(stream or sys.stderr, "\r\033[K" + visible(line))


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # the process was started without it
        return
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError:
        if stream is not sys.stderr:
            raise
        # Nobody can be told, and the work goes on; what is buffered would fail again at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class VisibleFormatter(logging.Formatter):
    """Log lines, their control characters made visible."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


class Parser(argparse.ArgumentParser):
    """An argument parser whose error messages repeat no control characters."""

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        super().exit(status, message and visible(message))
