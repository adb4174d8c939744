"""What a user may ask of an output: how it begins, what it must hold and what it must not. Imports no framework."""

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

EXCLUDED_PIECES = 8
"""Of a longer excluded phrase the last pieces stand for all."""
ROUNDS = 10
"""An excluded word can be spelled by other pieces: so many times the search is sent back for it."""


@dataclass(frozen=True)
class Constraints:
    """What is asked of the output for one line."""

    prefix: str = ""
    """How it begins."""
    include: tuple[str, ...] = ()
    """Terms that stand in it as they are here, case and all."""
    exclude: tuple[str, ...] = ()
    """Words or phrases that do not stand in it as words of their own, case and all."""

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
        """From the fields prefix, include and exclude of a JSON object; ValueError says what is wrong with one."""
        prefix = fields.get("prefix", "")
        if not isinstance(prefix, str):
            raise ValueError(f"prefix must be text. Received: {prefix!r}")
        lists = {}
        for name in ("include", "exclude"):
            value = fields.get(name, [])
            value = [value] if isinstance(value, str) else value
            if not isinstance(value, list) or not all(isinstance(term, str) and term.strip() for term in value):
                raise ValueError(f"{name} must be a list of texts that are not empty. Received: {value!r}")
            lists[name] = tuple(value)
        return cls(prefix, **lists)

    def changed(self, change: Callable[[str], str]) -> Constraints:
        """Returns them with every text changed."""
        return Constraints(change(self.prefix), tuple(map(change, self.include)), tuple(map(change, self.exclude)))

    def holds(self, text: str) -> bool:
        """Whether `text` keeps to them."""
        return (
            text.startswith(self.prefix)
            and all(term in text for term in self.include)
            and not any(_as_word(term).search(text) for term in self.exclude)
        )


@dataclass(frozen=True)
class PieceConstraints:
    """The same in pieces of the target."""

    asked: Constraints
    """As the tokeniser writes them: it may normalise characters and spaces."""
    prefix: tuple[int, ...]
    include: tuple[tuple[int, ...], ...]
    exclude: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, asked: Constraints, tokenizer: SubwordTokenizer) -> PieceConstraints:
        """ValueError for a prefix or a term that the vocabulary cannot write."""
        texts = [asked.prefix, *asked.include, *asked.exclude]
        ids = [tuple(row) for row in tokenizer.encode(texts)]
        written = tokenizer.decode(ids)
        count = 1 + len(asked.include)
        for text, row in zip(texts[:count], ids, strict=False):
            if UNK in row or (text.strip() and not row):
                raise ValueError(f"The vocabulary of the target has no pieces to write {text!r} with.")
        return cls(
            Constraints(written[0], tuple(written[1:count]), tuple(filter(None, written[count:]))),
            ids[0],
            tuple(ids[1:count]),
            tuple(row for row in ids[count:] if row and UNK not in row),
        )

    @property
    def room(self) -> int:
        """Pieces by which an output may be longer for them."""
        return len(self.prefix) + sum(map(len, self.include))

    def without_spellings_in(self, text: str, ids: Sequence[int], tokenizer: SubwordTokenizer) -> PieceConstraints:
        """Also excludes the pieces by which `ids`, the pieces of `text`, have spelled an excluded word."""
        found = [_spelling(term, ids, tokenizer) for term in self.asked.exclude if _as_word(term).search(text)]
        fresh = tuple(dict.fromkeys(row for row in found if row and row not in self.exclude))
        return replace(self, exclude=self.exclude + fresh)


class ConstraintArrays(NamedTuple):
    """Those of a batch; widths are rounded up, so that few shapes are met."""

    prefix: np.ndarray
    """`(batch, n)`, int32, PAD behind."""
    exclude: np.ndarray
    """`(batch, phrases, EXCLUDED_PIECES)`, int32, PAD before."""
    pieces: np.ndarray
    """`(batch, size)`, int32: the terms to include, one after another, PAD behind."""
    term: np.ndarray
    """`(batch, size)`, int32: which term a piece is of, from 1."""


def arrays(rows: Sequence[PieceConstraints]) -> ConstraintArrays:
    """The constraints of a batch as arrays."""
    terms = [[(piece, n) for n, ids in enumerate(row.include, 1) for piece in ids] for row in rows]
    prefix = np.zeros((len(rows), _rounded(len(row.prefix) for row in rows)), np.int32)
    exclude = np.zeros((len(rows), _rounded(len(row.exclude) for row in rows), EXCLUDED_PIECES), np.int32)
    pieces, term = np.zeros((2, len(rows), _rounded(map(len, terms))), np.int32)
    for i, row in enumerate(rows):
        prefix[i, : len(row.prefix)] = row.prefix
        for j, phrase in enumerate(row.exclude):
            last = phrase[-EXCLUDED_PIECES:]
            exclude[i, j, EXCLUDED_PIECES - len(last) :] = last
        for j, (piece, number) in enumerate(terms[i]):
            pieces[i, j], term[i, j] = piece, number
    return ConstraintArrays(prefix, exclude, pieces, term)


class Terminology:
    """Which term of the target stands for which of the source.

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
        """Reads a TSV: source term, tab, target term; CorpusError names a line that is none."""
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
        """The target terms for the source terms that stand in `line` as words, the longest where they overlap."""
        if self._pattern is None:
            return Constraints()
        found = self._pattern.findall(" ".join(line.casefold().split()))
        return Constraints(include=tuple(dict.fromkeys(self._targets[source] for source in found)))


def _rounded(counts: Iterable[int]) -> int:
    return -(-max(1, *counts, 1) // 4) * 4


def _as_word(term: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(term)}(?!\w)")


def _spelling(term: str, ids: Sequence[int], tokenizer: SubwordTokenizer) -> tuple[int, ...]:
    """The shortest run of `ids` whose text holds the term; empty if there is none."""
    pattern = _as_word(term)
    for length in range(1, len(ids) + 1):
        runs = [ids[i : i + length] for i in range(len(ids) - length + 1)]
        for run, text in zip(runs, tokenizer.decode(runs), strict=True):
            if pattern.search(text):
                return tuple(run)
    return ()
