"""Undoes what another program did to a whole side of a corpus: quoting, or cutting into subwords."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seq2seq.doctor.characters import repair

LEAST_MARKED = 3
"""Fewest marked lines in the sample that count as evidence."""
USUAL = 0.2
"""Share of marked lines in the sample from which the whole text is taken to be marked."""
_STRAY = 0.05
"""Fields with a stray quotation mark per quoted field; up to this many are taken for slips."""
_ALL = 0.95
"""Share of quoted fields from which all fields are taken to be quoted."""

_QUOTED = re.compile(r'"(?:[^"]|"")*"')


@dataclass(frozen=True)
class Subwords:
    """A notation for words cut into subwords."""

    mark: str
    """As shown to the user."""
    found: re.Pattern[str]
    """Matches lines in this notation."""
    join: Callable[[str], str]
    """Returns a line with whole words."""


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
    """Restores lines of one side."""

    quoted: bool = False
    """Fields are in quotation marks, with inner ones doubled, as spreadsheets write them."""
    subwords: str = ""
    """A key of `SUBWORDS`; empty if words are whole."""

    @property
    def idle(self) -> bool:
        """Whether there is nothing to undo."""
        return not self.quoted and not self.subwords

    def unquote(self, text: str) -> str:
        """Returns a field without its quotation marks, if it has any."""
        return text[1:-1].replace('""', '"') if self.quoted and _is_quoted(text) else text

    def join(self, text: str) -> str:
        """Returns a line with whole words."""
        style = SUBWORDS.get(self.subwords)
        return style.join(text) if style and style.found.search(text) else text

    def __call__(self, text: str) -> str:
        """Returns the line as `--fix` writes it."""
        return repair(self.join(self.unquote(text)))


def make_mender(lines: Sequence[str]) -> Mender:
    """Finds what to undo on a side, from a sample of its lines."""
    plain = Mender(quoted=_are_quoted(lines))
    return Mender(plain.quoted, _subwords([plain.unquote(line) for line in lines]))


def _subwords(lines: Sequence[str]) -> str:
    for mark, style in SUBWORDS.items():
        count = sum(mark in line and bool(style.found.search(line)) for line in lines)
        if count >= max(LEAST_MARKED, USUAL * len(lines)):
            return mark
    return ""


def _are_quoted(lines: Sequence[str]) -> bool:
    """Whether the quotation marks come from a spreadsheet, which leaves none in an unquoted field.

    Direct speech looks quoted too; doubled inner marks, or quotes around every line, tell the two apart.
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
