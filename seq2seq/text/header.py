"""Whether the first line of a table of text names its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONG = 20
"""Characters of a typical line of text. Shorter lines may be a list of words, which can begin with "it" and "es"."""

_NAMES = """
    source target src tgt trg hypothesis hyp reference ref original translation translated input output
    text txt sentence sent sentences segment summary abstract highlights document doc completion
    word words lemma inflected pronunciation grapheme graphemes phoneme phonemes transcription transliteration
    language lang arabic basque bengali bulgarian catalan chinese croatian czech danish dutch english estonian finnish
    french german greek hebrew hindi hungarian icelandic indonesian irish italian japanese korean latvian lithuanian
    norwegian persian polish portuguese romanian russian serbian slovak slovenian spanish swahili swedish thai turkish
    ukrainian urdu vietnamese deutsch englisch francais français español espanol italiano português
"""

_IN_LONG_TEXT = """
    in out mt pe line phrase string title headline subject heading article body message mail email question answer
    prompt response instruction query reply form complex simple formal informal noisy clean incorrect correct wrong
    right left
"""
"""Names that may also be entries of a word list."""

_CODES = """
    aa ab af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo
    es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka
    kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng
    nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su
    sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
LANGUAGES = frozenset(_CODES.split())
"""Codes of languages (ISO 639-1)."""


def is_header(first: tuple[str, str], sample: Sequence[tuple[str, str]], languages: tuple[str, str] = ("", "")) -> bool:
    """Whether both sides of the first pair are column names, such as source and target or en and de.

    Args:
        first: The first pair.
        sample: Pairs of the corpus, at least the first few.
        languages: Codes of source and target; empty if unknown.
    """
    parts = [[part for part in re.split(r"[\W_\d]+", side.casefold()) if part] for side in first]
    if parts[0] == parts[1] or not all(0 < len(words) <= 3 for words in parts):
        return False
    lengths = sorted(len(source) for source, _ in sample)
    names = set(_NAMES.split()) | {code.lower() for code in languages if code}
    if lengths and lengths[len(lengths) // 2] >= LONG:
        names |= set(_IN_LONG_TEXT.split()) | LANGUAGES
    return all(word in names for words in parts for word in words)
