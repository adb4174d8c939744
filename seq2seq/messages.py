"""Messages for people: the only way text reaches a terminal. Control characters in data are escaped.

File names and corpus lines may contain escape sequences that move the cursor or rewrite the screen, and marks that
reverse the text direction. Outputs (translations, scores of lines) are not messages: they are written unchanged, byte
for byte. Imports no framework.
"""

from __future__ import annotations

import argparse
import difflib
import logging
import os
import re
import shlex
import sys
from typing import Any, NoReturn, TextIO

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MARKUP = re.compile(r"[\\`*\[\]<>|#!&~$^:@]|(?<![^\W_])_|_(?![^\W_])|(?<=www)\.", re.IGNORECASE)


def visible(text: object) -> str:
    r"""Returns `str(text)` with control characters written as `\u001b`; newlines and tabs stay.

    Escapes C0, DEL, C1, the marks that override text direction, and lone surrogates, which no output can encode. JSON
    text keeps its meaning, since such characters occur only inside strings.
    """
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", str(text))


def plain_markdown(text: object) -> str:
    """Returns `str(text)` on one line with Markdown escaped: no link, tag, table cell or emphasis."""
    return _MARKUP.sub(lambda found: "\\" + found[0], " ".join(visible(text).split()))


def shell_word(path: object) -> str:
    """Returns a path for a command line shown to a person: on one line, quoted if a shell needs it."""
    return " ".join(visible(shlex.quote(str(path))).split())


def counted(number: int, one: str, more: str = "") -> str:
    """Returns a number with what it counts, as "1 window" and "1,200 windows"; `more` where the plural is irregular."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def say(message: object = "", stream: TextIO | None = None) -> None:
    """Prints a message to stderr."""
    _write(stream or sys.stderr, visible(message) + "\n")


def show(text: object = "") -> None:
    """Prints a result to stdout: a table, a report or its JSON."""
    _write(sys.stdout, visible(text) + "\n")


def rewrite(line: object = "", stream: TextIO | None = None) -> None:
    """Replaces the current terminal line, to show progress."""
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
        # stderr is gone but the work goes on; what is buffered would fail again when the process exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class VisibleFormatter(logging.Formatter):
    """Formats log lines with control characters escaped."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


class Parser(argparse.ArgumentParser):
    """An argument parser that escapes control characters in its error messages, and knows what is nearly right."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse, and what may come any number of times may also come after options."""
        found, rest = super().parse_known_args(args, namespace)
        many = [action.dest for action in self._actions if not action.option_strings and action.nargs == "*"]
        if many and rest and not any(word.startswith("-") and word != "-" for word in rest):
            setattr(found, many[-1], [*getattr(found, many[-1]), *rest])
            rest = []
        return found, rest

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        super().exit(status, message and visible(message))

    def error(self, message: str) -> NoReturn:
        _, _, rest = message.partition("unrecognized arguments: ")
        unknown = next((word.partition("=")[0] for word in rest.split() if word.startswith("--")), "")
        close = difflib.get_close_matches(unknown, self._flags(), n=1) if unknown else []
        super().error(f"{message}. Did you mean {close[0]}?" if close else message)

    def _flags(self) -> list[str]:
        """Returns the options of this parser and of its verbs."""
        parsers: list[argparse.ArgumentParser] = [self]
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                parsers += action.choices.values()
        return [flag for parser in parsers for flag in parser._option_string_actions if flag.startswith("--")]
