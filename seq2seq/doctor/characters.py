"""Properties of characters: their script and what may be wrong with them; and repair of text."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import numpy as np

CONTROL, SEPARATOR, INVISIBLE, UNREADABLE, BLANK, LETTER, DIGIT, MARKUP, MOJIBAKE, MARK = (1 << i for i in range(10))
"""Properties of a character, bits of a uint16."""

_SEPARATORS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_INVISIBLE = "\xad\u180e\u200b\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_REMOVED = re.compile(f"[{_INVISIBLE}\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f]")
_BLANKS = re.compile(r"\s+")
_MOJIBAKE = re.compile("[ÃÂ][\x80-\xbf]|â€|ï»¿|[ÐÑ][\x80-\xbf]{1}[ÐÑ]|ã[\x80-\x83][\x80-\xbf]")
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]{0,80}>|&(?:[a-zA-Z]{2,8}|#[0-9]{1,6}|#x[0-9a-fA-F]{1,5});")

_TABLED = 0x20000
"""Code points below this are classified one by one, those above by plane."""

SCRIPTS: dict[str, tuple[tuple[int, int], ...]] = {
    "Latin": ((0x41, 0x24F), (0x250, 0x2AF), (0x1E00, 0x1EFF), (0x2C60, 0x2C7F), (0xA720, 0xA7FF), (0xFB00, 0xFB06),
              (0xFF21, 0xFF5A)),
    "Greek": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    "Cyrillic": ((0x400, 0x52F), (0x1C80, 0x1C8F), (0x2DE0, 0x2DFF), (0xA640, 0xA69F)),
    "Armenian": ((0x530, 0x58F), (0xFB13, 0xFB17)),
    "Hebrew": ((0x590, 0x5FF), (0xFB1D, 0xFB4F)),
    "Arabic": ((0x600, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFE)),
    "Devanagari": ((0x900, 0x97F), (0xA8E0, 0xA8FF)),
    "Bengali": ((0x980, 0x9FF),),
    "Gurmukhi": ((0xA00, 0xA7F),),
    "Gujarati": ((0xA80, 0xAFF),),
    "Oriya": ((0xB00, 0xB7F),),
    "Tamil": ((0xB80, 0xBFF),),
    "Telugu": ((0xC00, 0xC7F),),
    "Kannada": ((0xC80, 0xCFF),),
    "Malayalam": ((0xD00, 0xD7F),),
    "Sinhala": ((0xD80, 0xDFF),),
    "Thai": ((0xE00, 0xE7F),),
    "Lao": ((0xE80, 0xEFF),),
    "Tibetan": ((0xF00, 0xFFF),),
    "Myanmar": ((0x1000, 0x109F), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F)),
    "Georgian": ((0x10A0, 0x10FF), (0x1C90, 0x1CBF), (0x2D00, 0x2D2F)),
    "Hangul": ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF)),
    "Ethiopic": ((0x1200, 0x139F), (0x2D80, 0x2DDF)),
    "Khmer": ((0x1780, 0x17FF),),
    "Mongolian": ((0x1800, 0x18AF),),
    "Kana": ((0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F)),
    "Han": ((0x3005, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF)),
}  # fmt: skip
"""Ranges of code points by script; only letters are looked up in them."""

NAMES = ("other", *SCRIPTS)
"""Scripts by their number in the table."""

_BY_LANGUAGE = {
    "Greek": "el",
    "Cyrillic": "ru uk be bg mk kk ky tg mn tt ba cv",
    "Armenian": "hy",
    "Hebrew": "he iw yi",
    "Arabic": "ar fa ur ps sd ug ku ckb",
    "Devanagari": "hi mr ne sa",
    "Bengali": "bn as",
    "Gurmukhi": "pa",
    "Gujarati": "gu",
    "Oriya": "or",
    "Tamil": "ta",
    "Telugu": "te",
    "Kannada": "kn",
    "Malayalam": "ml",
    "Sinhala": "si",
    "Thai": "th",
    "Lao": "lo",
    "Tibetan": "bo dz",
    "Myanmar": "my",
    "Georgian": "ka",
    "Hangul": "ko",
    "Ethiopic": "am ti",
    "Khmer": "km",
    "Kana": "ja",
    "Han": "zh yue ja ko",
    "Latin": "en de fr es it pt nl sv da no nb nn fi is et lv lt pl cs sk sl hr bs hu ro sq mt ga gd cy br eu ca gl "
    "oc lb af sw so ha yo ig zu xh id ms tl jv su vi tr az uz tk ku eo la sr",
}
_BY_LANGUAGE["Cyrillic"] += " sr"
_BY_LANGUAGE["Arabic"] += " az"
_BY_LANGUAGE["Cyrillic"] += " az uz"


def scripts_of(language: str) -> frozenset[str]:
    """The scripts of a language (ISO 639-1); empty for an unknown language."""
    code = re.split("[-_]", language.lower())[0]
    return frozenset(script for script, codes in _BY_LANGUAGE.items() if code in codes.split())


@cache
def script_table() -> np.ndarray:
    """`(0x110000,)` uint8: the script of each code point, as an index in `NAMES`; valid for letters only."""
    table = np.zeros(0x110000, np.uint8)
    for number, ranges in enumerate(SCRIPTS.values(), 1):
        for first, last in ranges:
            table[first : last + 1] = number
    return table


@cache
def property_table() -> np.ndarray:
    """`(0x110000,)` uint16: the properties of each code point."""
    table = np.zeros(0x110000, np.uint16)
    for code in range(_TABLED):
        category = unicodedata.category(chr(code))
        if category[0] == "L":
            table[code] = LETTER
        elif category[0] == "M":
            table[code] = MARK
        elif category == "Nd":
            table[code] = DIGIT
        elif category == "Zs" and code != 0x20:
            table[code] = BLANK
        elif category == "Cc":
            table[code] = CONTROL
        elif category in ("Co", "Cs"):
            table[code] = UNREADABLE
    table[0x20000:0x323B0] = LETTER
    table[0xF0000:] = UNREADABLE  # private use
    table[0xFFFD::0x10000] |= UNREADABLE * (np.arange(17) == 0).astype(np.uint16)
    for last in (0xFFFE, 0xFFFF):  # no characters, in every plane
        table[last::0x10000] = UNREADABLE
    table[0xFDD0:0xFDF0] = UNREADABLE
    for characters, what in ((_SEPARATORS, SEPARATOR), (_INVISIBLE, INVISIBLE), ("\t", BLANK)):
        table[[ord(c) for c in characters]] = what
    table[[ord(c) for c in "<&"]] |= MARKUP
    table[[ord(c) for c in "ÃÂâïÐÑã"]] |= MOJIBAKE
    return table


@cache
def normal_table() -> np.ndarray:
    """`(0x110000,)` uint32: letters and marks case-folded, digits as 0, LF kept, everything else a space."""
    properties = property_table()
    table = np.where(properties & (LETTER | MARK), np.arange(0x110000), 0x20).astype(np.uint32)
    for code in np.flatnonzero(properties[:_TABLED] & LETTER).tolist():
        folded = chr(code).casefold()
        if len(folded) == 1:
            table[code] = ord(folded)
    table[(properties & DIGIT) > 0] = ord("0")
    table[0x0A] = 0x0A
    return table


@cache
def digit_table() -> np.ndarray:
    """`(0x110000,)` uint64: a random number per digit value, the same in all scripts; 0 for other characters."""
    table = np.zeros(0x110000, np.uint64)
    values = np.random.default_rng(10).integers(1, 2**63, 10, np.uint64)
    for code in np.flatnonzero(property_table()[:_TABLED] & DIGIT).tolist():
        table[code] = values[unicodedata.decimal(chr(code))]
    return table


THOUSANDS = np.array([ord(c) for c in ".,' \xa0\u2009\u202f\u2019"])
"""Separators of thousands."""


def repair(text: str) -> str:
    """Returns the text as `--fix` writes it; idempotent.

    Removes control and invisible characters, collapses separators and unusual blanks to single spaces, strips the ends,
    and composes the rest to normal form C.
    """
    text = unicodedata.normalize("NFC", _REMOVED.sub("", text))
    return _BLANKS.sub(" ", text).strip(" ")


def has_markup(text: str) -> bool:
    """Whether there is an HTML tag or entity."""
    return bool(_MARKUP.search(text))


def has_mojibake(text: str) -> bool:
    """Whether the text has sequences typical of UTF-8 read in another encoding."""
    return bool(_MOJIBAKE.search(text))


def visible(text: str, length: int = 90) -> str:
    """Returns the beginning of a text for a terminal, unprintable characters escaped."""
    shown = []
    for character in text[: length + 1]:
        code = ord(character)
        odd = character != " " and not character.isprintable()
        shown.append((f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}") if odd else character)
    return "".join(shown[:length]) + ("…" if len(text) > length else "")
