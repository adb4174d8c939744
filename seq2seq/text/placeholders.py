"""Strings that a model copies instead of translating: a numbered symbol stands for each, and is replaced in the output.

Equal strings have equal symbols, numbered in the order of the source. Text that looks like a symbol is such a string
too.
"""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

MOST = 16
"""Different strings in a line, at most."""
WAYS = 1 << 16
"""Ways to match an expression at one position, at most, so that no line takes long."""

_WEB = r"[A-Za-z0-9À-ɏ\-._~:/?#\[\]@!$&'()*+,;=%]"
_EMOJI = "[\U0001f000-\U0001faff\u231a\u231b\u23e9-\u23fa\u2600-\u27bf\u2b05-\u2b55\u3030\u303d]"
_FLAG = "[\U0001f1e6-\U0001f1ff]{2}"
_EMOJI_MORE = "[\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]{0,8}+"
PATTERNS = {
    "url": rf"(?:https?://|ftp://|www\.){_WEB}{{0,2000}}[A-Za-z0-9À-ɏ/_~=#&%\-+$]",
    "email": r"[A-Za-z0-9._%+\-]{1,64}+@[A-Za-z0-9\-]{1,63}+(?:\.[A-Za-z0-9\-]{1,63}+){1,8}+",
    "tag": r"</?[A-Za-z][A-Za-z0-9:\-]{0,30}+(?:\s[^<>]{0,1000}+)?+>"
    r"|&(?:[A-Za-z]{2,8}|#[0-9]{1,6}|#x[0-9a-fA-F]{1,5});",
    "braces": r"\$?\{\{?+[\w.:$!\[\]\- ]{0,80}+\}\}?+",
    "printf": r"(?<![\w%])%(?:[0-9]{1,2}+\$)?+(?:\(\w{1,60}+\))?+[\-+#0]{0,3}+[0-9]{0,4}+(?:\.[0-9]{1,4}+)?+"
    r"(?:hh|h|ll|l|z|j|t|L)?+[diouxXeEfFgGaAcs@](?![\w])",
    "emoji": f"(?:{_FLAG}|{_EMOJI}{_EMOJI_MORE}(?:\u200d{_EMOJI}{_EMOJI_MORE}){{0,6}}+|[#*0-9]\ufe0f?+\u20e3)",
    "number": r"(?<![\w.,])[+\-−]?+[0-9]{1,40}+(?:[.,'\u202f\u00a0][0-9]{1,40}+){0,20}+(?![\w])",
}
"""By name, in the order in which they are tried; the user's own expressions come first."""

_SYMBOL = re.compile("⟨([1-9]|1[0-6])⟩")


def symbol(number: int) -> str:
    """Returns the token for the string of this number, from 1."""
    return f"⟨{number}⟩"


class Masked(NamedTuple):
    """A text with symbols, and the strings they stand for, in order."""

    text: str
    strings: tuple[str, ...] = ()
    known: int = 0
    """Symbols in the vocabulary."""

    def restore(self, text: str) -> str:
        """Returns an output with its symbols replaced by their strings; symbols without a string are removed."""

        def write(match: re.Match[str]) -> str:
            number = int(match[1])
            if number <= len(self.strings):
                return self.strings[number - 1]
            return "" if number <= self.known else match.group()

        return _SYMBOL.sub(write, text)

    def lost(self, text: str) -> tuple[str, ...]:
        """Returns the symbols that are missing in an output that is not yet restored."""
        return tuple(symbol(n) for n in range(1, len(self.strings) + 1) if symbol(n) not in text)

    def doubled(self, text: str) -> int:
        """Returns how many symbols are more frequent in an output, not yet restored, than in this text."""
        expected, received = (Counter(_symbols(t, self.known)) for t in (self.text, text))
        return sum(received[s] > expected[s] for s in received)


class MaskedPair(NamedTuple):
    """A source and a target with symbols for the strings that both have equally often."""

    source: str
    target: str
    strings: tuple[str, ...]
    unmatched: int
    """Strings that one side has more often than the other; they are not masked."""


@dataclass(frozen=True)
class Placeholders:
    """Which strings are copied, and with how many symbols.

    Raises:
        ValueError: `check` rejects a name.
    """

    names: tuple[str, ...]
    """Names of `PATTERNS`, or regular expressions between slashes."""
    required: bool = True
    """Whether an output must have all strings of its source; a summary need not."""
    count: int = MOST
    """Symbols in the vocabulary."""

    def __post_init__(self) -> None:
        for name in self.names:
            if wrong := check(name):
                raise ValueError(f"A placeholder {wrong}.")

    def mask(self, source: str) -> Masked:
        """Returns the text with symbols for its first `count` strings."""
        matches = dict.fromkeys(match.group() for match in self._pattern.finditer(source))
        # Text that looks like a symbol comes first: unmasked it would be taken for another symbol.
        kept = set(sorted(matches, key=lambda string: not self._is_symbol(string))[: self.count])
        strings = tuple(string for string in matches if string in kept)
        return Masked(self.mask_by(source, strings), strings, self.count)

    def mask_by(self, text: str, strings: Sequence[str]) -> str:
        """Returns a text with the symbols of `strings`, which may come from another text."""
        numbers = {string: number for number, string in enumerate(strings, 1)}

        def write(match: re.Match[str]) -> str:
            string = match.group()
            if string in numbers:
                return symbol(numbers[string])
            return f"<{string[1:-1]}>" if self._is_symbol(string) else string

        return self._pattern.sub(write, text)

    def mask_pair(self, source: str, target: str, one_word: bool = False) -> MaskedPair:
        """Returns a training pair; with `one_word`, strings with spaces are not masked."""
        in_source, in_target = (Counter(match.group() for match in self._pattern.finditer(t)) for t in (source, target))
        shared = (s for s in in_source if in_source[s] == in_target[s] and not (one_word and len(s.split()) > 1))
        strings = tuple(islice(shared, self.count))
        unmatched = sum(in_source[s] != in_target[s] for s in in_source | in_target)
        return MaskedPair(self.mask_by(source, strings), self.mask_by(target, strings), strings, unmatched)

    def _is_symbol(self, string: str) -> bool:
        return bool(_symbols(string, self.count)) and bool(_SYMBOL.fullmatch(string))

    @property
    def _pattern(self) -> re.Pattern[str]:
        return _compiled(self.names)


class Count(NamedTuple):
    """The placeholders in training pairs."""

    symbols: int
    """Different symbols in one pair, at most."""
    pairs: int
    """Pairs with at least one symbol."""
    unmatched: int
    """Strings that one side has more often than the other."""


def count_in(placeholders: Placeholders, pairs: Iterable[tuple[str, str]], one_word: bool = False) -> Count:
    """Counts the placeholders in training pairs."""
    symbols = some = unmatched = 0
    for source, target in pairs:
        masked = placeholders.mask_pair(source, target, one_word)
        symbols, some = max(symbols, len(masked.strings)), some + bool(masked.strings)
        unmatched += masked.unmatched
    return Count(symbols, some, unmatched)


def _symbols(text: str, count: int) -> list[str]:
    """Returns the symbols in a text that a vocabulary with `count` symbols has."""
    return [match.group() for match in _SYMBOL.finditer(text) if int(match[1]) <= count]


def check(name: str) -> str:
    """Returns the error in a name of `Placeholders`, or ""."""
    if name in PATTERNS:
        return ""
    if len(name) < 3 or not name.startswith("/") or not name.endswith("/"):
        return f"must be {', '.join(PATTERNS)}, or a regular expression between slashes. Received: {name!r}"
    try:
        tree = _parser().parse(name[1:-1])
        if tree.getwidth()[0] < 1:
            return f"must not match empty text. Received: {name!r}"
        ways = _ways(tree)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        return f"must be a regular expression. Received: {name!r} ({error})"
    if ways > WAYS:
        return (
            f"must be fast: {name!r} has more than {WAYS:,} ways to match at one position. Limit its repetitions, "
            "such as {1,20} instead of +"
        )
    return ""


@cache
def _compiled(names: tuple[str, ...]) -> re.Pattern[str]:
    own = [name[1:-1] for name in names if name not in PATTERNS]
    known = [pattern for name, pattern in PATTERNS.items() if name in names]
    return re.compile("|".join(f"(?:{pattern})" for pattern in (_SYMBOL.pattern, *own, *known)))


def _parser() -> Any:
    return importlib.import_module("re._parser")


def _ways(tree: Any) -> int:
    """Returns in how many ways an expression can match from one position, at most."""
    ways = 1
    for operation, value in tree:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, inner = value
            each = _ways(inner)
            most = min(int(most), WAYS + 1)  # unbounded
            ways *= (most - least + 1) if each == 1 else each ** min(most, 40)
        elif name == "POSSESSIVE_REPEAT":
            ways *= _ways(value[2]) if int(value[1]) <= WAYS else WAYS + 1
        elif name == "SUBPATTERN":
            if value[1] or value[2]:
                raise ValueError("flags within an expression are not supported")
            ways *= _ways(value[3])
        elif name == "ATOMIC_GROUP":
            ways *= _ways(value)
        elif name == "BRANCH":
            ways *= sum(_ways(branch) for branch in value[1])
        elif name in ("ASSERT", "ASSERT_NOT"):
            ways *= _ways(value[1])
        elif name not in ("LITERAL", "NOT_LITERAL", "IN", "ANY", "AT", "CATEGORY"):
            raise ValueError("references to groups are not supported")
        if ways > WAYS:
            return WAYS + 1
    return ways
