"""How a tokeniser normalises text: rules that SentencePiece compiles into its model, so that they hold in every host.

A rule replaces a sequence of characters, the longest that fits first. Encoding rules come before the pieces are cut,
decoding rules after they are joined.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from seq2seq.text.pieces import BEGIN

NAMED = ("identity", "nfkc", "nmt_nfkc", "nfkc_cf", "nmt_nfkc_cf")
"""SentencePiece's own."""
KEEP = "keep"
LOSSLESS = "lossless"
NAMES = (KEEP, LOSSLESS, *NAMED)

MARK = "⇧"
"""Written before what was a capital, where capitals are marked; the sign itself is then written twice."""
ESCAPE = "␛"
"""With what follows it stands for a character that SentencePiece could not tell from a blank."""
_ESCAPED = {BEGIN: ESCAPE + "_", ESCAPE: ESCAPE * 2}

_LINE_BREAKS = {"\n": " ", "\r": " "}
"""No output has any, even of a model that spells them as bytes."""
_SAFE = ("<compat>", "<wide>", "<narrow>", "<noBreak>", "<initial>", "<medial>", "<final>", "<isolated>", "<vertical>",
         "<font>", "<square>")  # fmt: skip
"""Unicode's compatibility mappings that leave the meaning: not 10⁶ to 106, ½ to 1⁄2 or ① to 1."""

Rules = dict[str, str]


@dataclass(frozen=True)
class Normalization:
    """How text is normalised before it is cut into pieces."""

    rule: str = KEEP
    """One of `NAMES`, or what to call rules of one's own."""
    mark_capitals: bool = False
    """Write capitals as a mark and the small letter."""
    own: Rules | None = None
    """Rules of one's own, where `rule` is none of `NAMES`."""

    def __post_init__(self) -> None:
        if (self.rule in NAMES) != (self.own is None):
            raise ValueError(
                f"Expected a rule out of {', '.join(NAMES)}, or rules of one's own. Received: {self.rule!r}"
            )
        if self.mark_capitals and not can_mark_capitals(self.rule):
            raise ValueError(f"Capitals cannot be marked under the rule {self.rule!r}.")

    @property
    def needs_bytes(self) -> bool:
        """Whether every character must have a spelling."""
        return self.rule == LOSSLESS

    @property
    def needs_lead(self) -> bool:
        """Whether a blank must be put before each line: the one that a model adds by itself comes behind the rules."""
        return self.mark_capitals or self.rule == LOSSLESS

    def trainer_options(self, characters: Collection[str], folder: Path) -> dict[str, Any]:
        """Returns options of SentencePiece's trainer; the rules that it reads are written to `folder`.

        Args:
            characters: All that are in the text to learn from.
            folder: An existing one.

        """
        decoding: Rules = dict(_LINE_BREAKS)
        options: dict[str, Any] = {"denormalization_rule_tsv": str(folder / "decoding.tsv")}
        if self.rule in NAMED and not self.mark_capitals:
            options["normalization_rule_name"] = self.rule
        else:
            encoding = self._encoding(characters)
            decoding |= {escaped: c for c, escaped in _ESCAPED.items() if encoding.get(c) == escaped}
            if self.mark_capitals:
                encoding = _with_marks(encoding)
                decoding |= _without_marks()
            options["normalization_rule_tsv"] = str(folder / "encoding.tsv")
            _write_rules(folder / "encoding.tsv", encoding)
        if self.rule == LOSSLESS:
            options |= {
                "remove_extra_whitespaces": False,
                "add_dummy_prefix": False,  # `SubwordTokenizer` adds a blank: what it adds it can take away again
                "allow_whitespace_only_pieces": True,
            }
        _write_rules(folder / "decoding.tsv", decoding)
        return options

    def _encoding(self, characters: Collection[str]) -> Rules:
        if self.rule == KEEP:
            return keep_rules(characters)
        if self.rule == LOSSLESS:
            return dict(_ESCAPED)
        return dict(self.own or {})


def can_mark_capitals(rule: str) -> bool:
    """Whether the rule leaves capitals that are known, so that they can be marked."""
    return rule == "identity" or rule not in NAMED


def keep_rules(characters: Collection[str]) -> Rules:
    """Returns the rules under which text in `characters` stays as it is.

    Control characters go, tabs and line separators become blanks. Of other characters those go that show nothing, and
    those change that have an equal made of `characters`: a no-break space, a ligature, a full-width letter, a letter
    whose accent is a character of its own.
    """
    known = {*characters, " "}
    rules: Rules = {"\u2028": " ", "\u2029": " ", "\ufeff": "", **_ESCAPED}
    for code in (*range(1, 0x20), *range(0x7F, 0xA0)):
        rules[chr(code)] = " " if chr(code).isspace() else ""
    for character, equal in _equals().items():
        if character not in known and known.issuperset(equal):
            rules.setdefault(character, equal)
    for character in known:
        for parts in _decompositions(character):
            if not known.issuperset(parts):
                rules.setdefault(parts, character)
    return rules


@cache
def _equals() -> Rules:
    """Characters that text can do without, and what says the same."""
    found: Rules = {}
    for character in map(chr, range(0x80, 0x30000)):
        if unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f":
            found[character] = ""
        mapping = unicodedata.decomposition(character)
        if mapping and (mapping[0] != "<" or mapping.split()[0] in _SAFE):
            equal = unicodedata.normalize("NFKC", character)
            if equal != character and (equal == " " or equal.strip() == equal):
                found[character] = equal
    return found


def _decompositions(character: str) -> Iterator[str]:
    """Canonical ones, by one step and by all."""
    mapping = unicodedata.decomposition(character)
    if mapping and mapping[0] != "<" and " " in mapping:
        yield "".join(chr(int(code, 16)) for code in mapping.split())
    whole = unicodedata.normalize("NFD", character)
    if len(whole) > 1:
        yield whole


@cache
def _small_letters() -> Rules:
    """The capitals that have one small letter, which has no other capital: not İ, ß or ǅ."""
    letters = map(chr, range(sys.maxunicode + 1))
    pairs = {c: c.lower() for c in letters if c.lower() != c and len(c.lower()) == 1 and c.lower().upper() == c}
    return {capital: small for capital, small in pairs.items() if small not in pairs}


def _with_marks(rules: Rules) -> Rules:
    """The rules, and after them a mark before each capital, which becomes small.

    Where a blank is before the capital, the mark comes before another blank: so the word has the piece that it has in
    small letters. Further in a word the mark has no blank.
    """
    small = _small_letters()

    def write(text: str) -> str:
        return "".join(MARK + small[c] if c in small else c * (2 if c == MARK else 1) for c in text)

    marked: Rules = {}
    for source, target in ({c: c for c in (*small, MARK)} | rules).items():
        marked[source] = write(target)
        if target[:1] in small:
            marked[" " + source] = f" {MARK} {small[target[0]]}{write(target[1:])}"
    return marked | {source: write(target) for source, target in rules.items() if source[0] == " "}


def _without_marks() -> Rules:
    """What takes the marks away again; one that no capital follows leaves nothing."""
    rules: Rules = {MARK * 2: MARK, f" {MARK * 2}": f" {MARK}", MARK: "", f" {MARK}": " ", f" {MARK} ": " "}
    for capital, small in _small_letters().items():
        for blank in ("", " "):
            rules[blank + MARK + small] = rules[f"{blank}{MARK} {small}"] = blank + capital
    return rules


def parse_rules(lines: Iterable[str], place: str) -> Rules:
    """Returns rules in SentencePiece's form: code points in hex with blanks between, a tab, and what replaces them.

    Nothing behind the tab deletes. A third column, blank lines and lines that begin with # are comments.

    Args:
        lines: Of a file.
        place: Its name.

    Raises:
        ValueError: it names file and line.
    """
    rules: Rules = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        source, target, *_ = (*line.split("\t"), "")
        try:
            before, after = _characters(source), _characters(target)
            if not before:
                raise ValueError("there is nothing to replace")
            if rules.setdefault(before, after) != after:
                raise ValueError("an earlier line replaces the same by something else")
        except ValueError as error:
            raise ValueError(
                f"{place}:{number}: expected code points in hex, a tab, and the code points that replace them, such as "
                f"'00BD<tab>0031 002F 0032': {error}. Received: {line[:60]!r}"
            ) from None
    return rules


_CODE = re.compile("[0-9A-Fa-f]{1,6}")


def _characters(codes: str) -> str:
    found = []
    for code in codes.split():
        if not _CODE.fullmatch(code):
            raise ValueError(f"{code[:20]!r} is no code point in hex")
        value = int(code, 16)
        if not 0 < value <= sys.maxunicode or 0xD800 <= value < 0xE000:
            raise ValueError(f"{code} is no character")
        found.append(chr(value))
    return "".join(found)


def _write_rules(path: Path, rules: Mapping[str, str]) -> None:
    def codes(text: str) -> str:
        return " ".join(f"{ord(c):X}" for c in text)

    lines = (f"{codes(source)}\t{codes(target)}\n" for source, target in sorted(rules.items()))
    path.write_text("".join(lines), "utf-8")
