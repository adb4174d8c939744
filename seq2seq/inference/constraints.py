"""Constraints on an output: how it begins, what it must contain and what it must not. Imports no framework."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seq2seq.symbols import UNK
from seq2seq.text.corpus import CorpusError, read_lines
from seq2seq.text.subword import SubwordTokenizer

EXCLUDED_TOKENS = 8
"""Of a longer excluded phrase only the last tokens are excluded."""
MAX_ROUNDS = 10
"""An excluded word can be spelled with other tokens: the search is repeated at most this often to exclude them."""


@dataclass(frozen=True)
class Constraints:
    """Constraints on the output for one line."""

    prefix: str = ""
    """The output begins with it."""
    include: tuple[str, ...] = ()
    """Terms that the output contains, case-sensitive."""
    exclude: tuple[str, ...] = ()
    """Words or phrases that the output does not contain as separate words, case-sensitive."""

    def __bool__(self) -> bool:
        return bool(self.prefix or self.include or self.exclude)

    def __add__(self, other: Constraints) -> Constraints:
        return Constraints(
            self.prefix or other.prefix,
            tuple(dict.fromkeys(self.include + other.include)),
            tuple(dict.fromkeys(self.exclude + other.exclude)),
        )

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> Constraints:
        """Reads the fields prefix, include and exclude of a JSON object; raises ValueError for a wrong one."""
        prefix = fields.get("prefix", "")
        if not isinstance(prefix, str):
            raise ValueError(f"prefix must be text. Received: {prefix!r}")
        lists = {}
        for name in ("include", "exclude"):
            value = fields.get(name, [])
            value = [value] if isinstance(value, str) else value
            if not isinstance(value, list) or not all(isinstance(term, str) and term.strip() for term in value):
                raise ValueError(f"{name} must be a list of non-empty texts. Received: {value!r}")
            lists[name] = tuple(value)
        return cls(prefix, **lists)

    def map(self, function: Callable[[str], str]) -> Constraints:
        """Returns the constraints with `function` applied to every text."""
        return Constraints(
            function(self.prefix), tuple(map(function, self.include)), tuple(map(function, self.exclude))
        )

    def satisfied_by(self, text: str) -> bool:
        """Whether `text` satisfies the constraints."""
        return (
            text.startswith(self.prefix)
            and all(term in text for term in self.include)
            and not any(_as_word(term).search(text) for term in self.exclude)
        )


@dataclass(frozen=True)
class TokenConstraints:
    """Constraints as tokens of the target."""

    texts: Constraints
    """As the tokeniser writes them: it may normalise characters and spaces."""
    prefix: tuple[int, ...]
    include: tuple[tuple[int, ...], ...]
    exclude: tuple[tuple[int, ...], ...]

    @classmethod
    def encode(cls, constraints: Constraints, tokenizer: SubwordTokenizer) -> TokenConstraints:
        """Raises ValueError for a prefix or a term that the vocabulary cannot write."""
        texts = [constraints.prefix, *constraints.include, *constraints.exclude]
        ids = [tuple(row) for row in tokenizer.encode(texts)]
        normalized = tokenizer.decode(ids)
        count = 1 + len(constraints.include)
        for text, row in zip(texts[:count], ids, strict=False):
            if UNK in row or (text.strip() and not row):
                raise ValueError(f"The target vocabulary has no tokens for {text!r}. Remove it from the constraints.")
        return cls(
            Constraints(normalized[0], tuple(normalized[1:count]), tuple(filter(None, normalized[count:]))),
            ids[0],
            tuple(ids[1:count]),
            tuple(row for row in ids[count:] if row and UNK not in row),
        )

    @property
    def length(self) -> int:
        """Number of required tokens, by which the output may be longer."""
        return len(self.prefix) + sum(map(len, self.include))

    def without_spellings_in(self, text: str, ids: Sequence[int], tokenizer: SubwordTokenizer) -> TokenConstraints:
        """Also excludes the tokens with which `ids`, the tokens of `text`, spell an excluded word."""
        spellings = [_spelling(term, ids, tokenizer) for term in self.texts.exclude if _as_word(term).search(text)]
        new = tuple(dict.fromkeys(row for row in spellings if row and row not in self.exclude))
        return replace(self, exclude=self.exclude + new)


class ConstraintArrays(NamedTuple):
    """The constraints of a batch. Widths are rounded up, so that there are few shapes."""

    prefix: np.ndarray
    """`(batch, n)`, int32, then PAD."""
    exclude: np.ndarray
    """`(batch, phrases, EXCLUDED_TOKENS)`, int32, PAD before."""
    terms: np.ndarray
    """`(batch, size)`, int32: the tokens of all terms to include, then PAD."""
    term_numbers: np.ndarray
    """`(batch, size)`, int32: the number of the term that a token belongs to, from 1; 0 at PAD."""


def to_arrays(rows: Sequence[TokenConstraints]) -> ConstraintArrays:
    """Returns the constraints of a batch as arrays."""
    included = [[(token, n) for n, ids in enumerate(row.include, 1) for token in ids] for row in rows]
    prefix = np.zeros((len(rows), _rounded(len(row.prefix) for row in rows)), np.int32)
    exclude = np.zeros((len(rows), _rounded(len(row.exclude) for row in rows), EXCLUDED_TOKENS), np.int32)
    terms, term_numbers = np.zeros((2, len(rows), _rounded(map(len, included))), np.int32)
    for i, row in enumerate(rows):
        prefix[i, : len(row.prefix)] = row.prefix
        for j, phrase in enumerate(row.exclude):
            last = phrase[-EXCLUDED_TOKENS:]
            exclude[i, j, EXCLUDED_TOKENS - len(last) :] = last
        for j, (token, number) in enumerate(included[i]):
            terms[i, j], term_numbers[i, j] = token, number
    return ConstraintArrays(prefix, exclude, terms, term_numbers)


class Terminology:
    """Translations of terms, to be included in the output where the source contains them.

    Args:
        terms: Source term -> target term.
    """

    def __init__(self, terms: Mapping[str, str]):
        self._targets = {" ".join(source.casefold().split()): target for source, target in terms.items()}
        longest_first = sorted(self._targets, key=len, reverse=True)
        joined = "|".join(re.escape(source) for source in longest_first)
        self._pattern = re.compile(rf"(?<!\w)(?:{joined})(?!\w)") if joined else None

    @classmethod
    def load(cls, path: Path) -> Terminology:
        """Reads a TSV: source term, tab, target term; raises CorpusError for a line of another form."""
        terms = {}
        for number, line in enumerate(read_lines(path), 1):
            if not line.strip():
                continue
            columns = [column.strip() for column in line.split("\t")]
            if len(columns) != 2 or not all(columns):
                raise CorpusError(
                    f"{path}:{number}: expected a source term, a tab and a target term. Received: {line[:80]!r}"
                )
            terms[columns[0]] = columns[1]
        return cls(terms)

    def for_line(self, line: str) -> Constraints:
        """Returns the target terms of the source terms in `line`, the longest where they overlap."""
        if self._pattern is None:
            return Constraints()
        terms = self._pattern.findall(" ".join(line.casefold().split()))
        return Constraints(include=tuple(dict.fromkeys(self._targets[source] for source in terms)))


def _rounded(counts: Iterable[int]) -> int:
    """The largest of the counts, at least 1, rounded up to a multiple of 4."""
    return -(-max(1, *counts, 1) // 4) * 4


def _as_word(term: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(term)}(?!\w)")


def _spelling(term: str, ids: Sequence[int], tokenizer: SubwordTokenizer) -> tuple[int, ...]:
    """Returns the shortest run of `ids` whose text contains the term; empty if there is none."""
    pattern = _as_word(term)
    for length in range(1, len(ids) + 1):
        runs = [ids[i : i + length] for i in range(len(ids) - length + 1)]
        for run, text in zip(runs, tokenizer.decode(runs), strict=True):
            if pattern.search(text):
                return tuple(run)
    return ()
