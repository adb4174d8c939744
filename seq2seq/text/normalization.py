"""How a tokeniser normalises text: rules that SentencePiece compiles into its model, so every host applies them.

A rule replaces a sequence of characters; the longest match wins. Encoding rules apply before text is cut into pieces,
decoding rules after pieces are joined.
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
"""Marks a capital that became a small letter. Where capitals are marked, the sign itself is written twice."""
ESCAPE = "␛"
"""Begins a sequence for a character that SentencePiece could not distinguish from a space."""
_ESCAPED = {BEGIN: ESCAPE + "_", ESCAPE: ESCAPE * 2}

_LINE_BREAKS = {"\n": " ", "\r": " "}
"""No output has line breaks, even of a model that spells them as bytes."""
_SAFE = ("<compat>", "<wide>", "<narrow>", "<noBreak>", "<initial>", "<medial>", "<final>", "<isolated>", "<vertical>",
         "<font>", "<square>")  # fmt: skip
"""Unicode's compatibility mappings that keep the meaning, unlike 10⁶ to 106, ½ to 1⁄2 or ① to 1."""

Rules = dict[str, str]


@dataclass(frozen=True)
class Normalization:
    """How text is normalised before it is cut into pieces.

    Raises:
        ValueError: the rule is unknown, or capitals cannot be marked under it.
    """

    rule: str = KEEP
    """One of `NAMES`, or a name for the user's own rules."""
    mark_capitals: bool = False
    """Whether capitals are written as a mark and the small letter."""
    own: Rules | None = None
    """The user's own rules, if `rule` is not one of `NAMES`."""

    def __post_init__(self) -> None:
        if (self.rule in NAMES) != (self.own is None):
            raise ValueError(
                f"Expected one of the rules {', '.join(NAMES)}, or rules of your own. Received: {self.rule!r}"
            )
        if self.mark_capitals and not can_mark_capitals(self.rule):
            raise ValueError(f"Capitals cannot be marked under the rule {self.rule!r}.")

    @property
    def needs_bytes(self) -> bool:
        """Whether the vocabulary must be able to spell every character."""
        return self.rule == LOSSLESS

    @property
    def needs_lead(self) -> bool:
        """Whether each line needs a leading space from us: the model adds its own only after the rules."""
        return self.mark_capitals or self.rule == LOSSLESS

    def trainer_options(self, characters: Collection[str], folder: Path) -> dict[str, Any]:
        """Returns options for SentencePiece's trainer and writes the rules that it reads to `folder`.

        Args:
            characters: All characters of the text to learn from.
            folder: An existing folder.
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
                "add_dummy_prefix": False,  # `SubwordTokenizer` adds the space, and removes it again
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
    """Whether the rule keeps capitals in a known way, so that they can be marked."""
    return rule == "identity" or rule not in NAMED


def keep_rules(characters: Collection[str]) -> Rules:
    """Returns rules that leave text in `characters` unchanged.

    They remove control characters and turn tabs and line separators into spaces. They also remove other invisible
    characters, and replace those that have an equivalent in `characters`: a no-break space, a ligature, a full-width
    letter, a letter whose accent is a separate character.
    """
    known = {*characters, " "}
    rules: Rules = {"\u2028": " ", "\u2029": " ", "\ufeff": "", **_ESCAPED}
    for code in (*range(1, 0x20), *range(0x7F, 0xA0)):
        rules[chr(code)] = " " if chr(code).isspace() else ""
    for character, equivalent in _equivalents().items():
        if character not in known and known.issuperset(equivalent):
            rules.setdefault(character, equivalent)
    for character in known:
        for parts in _decompositions(character):
            if not known.issuperset(parts):
                rules.setdefault(parts, character)
    return rules


@cache
def _equivalents() -> Rules:
    """Returns characters that text can do without, each with its equivalent."""
    equivalents: Rules = {}
    for character in map(chr, range(0x80, 0x30000)):
        if unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f":
            equivalents[character] = ""
        mapping = unicodedata.decomposition(character)
        if mapping and (mapping[0] != "<" or mapping.split()[0] in _SAFE):
            equivalent = unicodedata.normalize("NFKC", character)
            if equivalent != character and (equivalent == " " or equivalent.strip() == equivalent):
                equivalents[character] = equivalent
    return equivalents


def _decompositions(character: str) -> Iterator[str]:
    """Yields the canonical decompositions of a character: by one step, and in full."""
    mapping = unicodedata.decomposition(character)
    if mapping and mapping[0] != "<" and " " in mapping:
        yield "".join(chr(int(code, 16)) for code in mapping.split())
    whole = unicodedata.normalize("NFD", character)
    if len(whole) > 1:
        yield whole


@cache
def _small_letters() -> Rules:
    """Returns the small letter of each capital, where the pair is unique: not İ, ß or ǅ."""
    letters = map(chr, range(sys.maxunicode + 1))
    pairs = {c: c.lower() for c in letters if c.lower() != c and len(c.lower()) == 1 and c.lower().upper() == c}
    return {capital: small for capital, small in pairs.items() if small not in pairs}


def _with_marks(rules: Rules) -> Rules:
    """Returns the rules with capitals in their results replaced by the mark and the small letter.

    After a space the mark is followed by another space, so that the word is cut as in small letters. Within a word the
    mark has no space.
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
    """Returns the decoding rules that restore the capitals; a mark without a letter is removed."""
    rules: Rules = {MARK * 2: MARK, f" {MARK * 2}": f" {MARK}", MARK: "", f" {MARK}": " ", f" {MARK} ": " "}
    for capital, small in _small_letters().items():
        for space in ("", " "):
            rules[space + MARK + small] = rules[f"{space}{MARK} {small}"] = space + capital
    return rules


def parse_rules(lines: Iterable[str], place: str) -> Rules:
    """Reads rules in SentencePiece's format: code points in hex separated by spaces, a tab, and their replacement.

    An empty replacement deletes. A third column, blank lines and lines that begin with # are comments.

    Args:
        lines: The lines of a file.
        place: The name of the file, for messages.

    Raises:
        ValueError: a line is not a rule, or contradicts another; the message names file and line.
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
                raise ValueError("an earlier line has another replacement for the same characters")
        except ValueError as error:
            raise ValueError(
                f"{place}:{number}: expected code points in hex, a tab, and the code points that replace them, such as "
                f"'00BD<tab>0031 002F 0032': {error}. Received: {line[:60]!r}"
            ) from None
    return rules


_CODE = re.compile("[0-9A-Fa-f]{1,6}")


def _characters(codes: str) -> str:
    characters = []
    for code in codes.split():
        if not _CODE.fullmatch(code):
            raise ValueError(f"{code[:20]!r} is not a code point in hex")
        value = int(code, 16)
        if not 0 < value <= sys.maxunicode or 0xD800 <= value < 0xE000:
            raise ValueError(f"{code} is not a character")
        characters.append(chr(value))
    return "".join(characters)


def _write_rules(path: Path, rules: Mapping[str, str]) -> None:
    def codes(text: str) -> str:
        return " ".join(f"{ord(c):X}" for c in text)

    lines = (f"{codes(source)}\t{codes(target)}\n" for source, target in sorted(rules.items()))
    path.write_text("".join(lines), "utf-8")
