"""How a side of a corpus was changed by another program as a whole, quoted or cut into subwords, and how to undo it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seq2seq.doctor.characters import repair

LEAST_MARKED = 3
"""Lines of the sample with a mark; fewer show nothing."""
USUAL = 0.2
"""Share of the sample's lines with a mark from which on the mark belongs to the text as a whole."""
_STRAY = 0.05
"""Fields with a bare quotation mark, for each quoted one: up to this many are slips."""
_ALL = 0.95
"""Share of quoted fields from which on all of them are."""

_QUOTED = re.compile(r'"(?:[^"]|"")*"')


@dataclass(frozen=True)
class Subwords:
    """A way to write words that are cut into subwords."""

    mark: str
    """As a reader sees it."""
    found: re.Pattern[str]
    """Where a line is cut in this way."""
    join: Callable[[str], str]
    """Returns a line with its words whole."""


SUBWORDS = {
    each.mark: each
    for each in (
        Subwords("@@", re.compile(r"\S@@(?: |$)"), lambda text: re.sub(r"@@(?: |$)", "", text)),
        Subwords("▁", re.compile(r"(?:^| )▁"), lambda text: text.replace(" ", "").replace("▁", " ").strip()),
        Subwords("##", re.compile(r"\S ##\w"), lambda text: re.sub(r"(?<=\S) ##(?=\w)", "", text)),
        Subwords("￭", re.compile("￭"), lambda text: re.sub(" ?￭ ?", "", text)),
    )
}
"""By mark: subword-nmt, SentencePiece, WordPiece, the joiner of OpenNMT."""


@dataclass(frozen=True)
class Mender:
    """Undoes on a line what was done to all of its side."""

    quoted: bool = False
    """Fields are in quotation marks, with those inside doubled, as spreadsheets write them."""
    subwords: str = ""
    """The mark, a key of `SUBWORDS`; empty where words are whole."""

    @property
    def idle(self) -> bool:
        """Whether there is nothing to undo."""
        return not self.quoted and not self.subwords

    def unquote(self, text: str) -> str:
        """Returns a field without its quotation marks; one that has none stays."""
        return text[1:-1].replace('""', '"') if self.quoted and _is_quoted(text) else text

    def join(self, text: str) -> str:
        """Returns a line with its words whole."""
        style = SUBWORDS.get(self.subwords)
        return style.join(text) if style and style.found.search(text) else text

    def __call__(self, text: str) -> str:
        """Returns the line as `--fix` writes it."""
        return repair(self.join(self.unquote(text)))


def make_mender(lines: Sequence[str]) -> Mender:
    """Returns what there is to undo on a side, from a sample of its lines."""
    plain = Mender(quoted=_are_quoted(lines))
    return Mender(plain.quoted, _subwords([plain.unquote(line) for line in lines]))


def _subwords(lines: Sequence[str]) -> str:
    for mark, style in SUBWORDS.items():
        count = sum(mark in line and bool(style.found.search(line)) for line in lines)
        if count >= max(LEAST_MARKED, USUAL * len(lines)):
            return mark
    return ""


def _are_quoted(lines: Sequence[str]) -> bool:
    """Whether the quotation marks are those of a spreadsheet, which never leaves one in a field that is not quoted.

    A line of direct speech looks quoted as well. Doubled marks inside, or quotes around every line, tell them apart.
    """
    marked = [line for line in lines if '"' in line]
    quoted = [line for line in marked if _is_quoted(line)]
    if len(marked) - len(quoted) > _STRAY * len(quoted):
        return False
    if len(quoted) >= max(LEAST_MARKED, _ALL * len(lines)):
        return True
    return sum('""' in line[1:-1] for line in quoted) >= LEAST_MARKED


def _is_quoted(text: str) -> bool:
    return len(text) > 1 and text[0] == '"' and _QUOTED.fullmatch(text) is not None
