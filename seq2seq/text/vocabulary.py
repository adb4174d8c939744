"""Words or characters to ids and back, for language models without SentencePiece. Imports no framework."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, get_args

from seq2seq.files import format_json, read_json, write_text
from seq2seq.symbols import BOS, EOS, NAMES, PAD, UNK
from seq2seq.text.characters import encodable

Kind = Literal["words", "characters"]
KINDS: tuple[Kind, ...] = get_args(Kind)
REPLACEMENT = "\ufffd"
"""Stands for an unknown character in text."""

_log = logging.getLogger(__name__)


class Vocabulary:
    """A list of words or characters. Its ids are those of the control symbols, then one for each unit.

    Args:
        units: In the order of their ids. All differ. A word holds no white space and is not the name of a control
            symbol; a character is one code point, and not a line break.
        kind: "words", which white space separates, or "characters", of which a line keeps all.

    Raises:
        ValueError: the kind is unknown, or a unit is not as above.
    """

    def __init__(self, units: Sequence[str], kind: Kind):
        _check_kind(kind)
        self.kind: Kind = kind
        self._surfaces = [*NAMES, *units]
        self._ids: dict[str, int] = {}
        for number, unit in enumerate(units, len(NAMES)):
            if not _is_unit(unit, kind):
                raise ValueError(f"Expected a vocabulary of {kind}. Received: {str(unit)[:60]!r} as id {number}")
            if self._ids.setdefault(unit, number) != number:
                raise ValueError(f"Expected {kind} that all differ. Received: {unit[:60]!r} twice")

    @classmethod
    def learn(cls, lines: Iterable[str], kind: Kind, size: int = 0) -> Vocabulary:
        """Collects the most frequent words or characters; those of equal frequency in the order of their code points.

        Args:
            lines: Text without line breaks; read once.
            kind: One of `KINDS`.
            size: Number of ids, including the control symbols; 0 for as many as the text has. If the text has fewer,
                the vocabulary gets these, with a warning.

        Raises:
            ValueError: there is no text, the kind is unknown, or the size leaves no room for a unit.
        """
        _check_kind(kind)
        if size and size <= len(NAMES):
            raise ValueError(f"Expected a size of 0 (all) or above {len(NAMES)}. Received: {size}")
        counts: Counter[str] = Counter()
        for line in lines:
            counts.update(_cut(line, kind))
        for symbol in (*NAMES, "\n"):
            del counts[symbol]
        if not counts:
            raise ValueError(
                f"No text to learn a vocabulary from: every line is empty, or holds only {', '.join(NAMES)}, which "
                "stand for control symbols."
            )
        if size > len(NAMES) + len(counts):
            _log.warning(
                "The text is too small for a vocabulary of %s %s: using %s.",
                f"{size:,}",
                kind,
                f"{len(NAMES) + len(counts):,}",
            )
        units = sorted(counts, key=lambda unit: (-counts[unit], unit))
        return cls(units[: size - len(NAMES)] if size else units, kind)

    @classmethod
    def load(cls, path: Path | str) -> Vocabulary:
        """Reads what `save` wrote; ValueError with the file's name if it is missing or holds anything else."""
        try:
            content = read_json(path)
            if not isinstance(content, dict) or content.keys() != {"kind", "units"}:
                raise ValueError("expected an object with a kind and units")
            if not isinstance(content["units"], list):
                raise ValueError("its units are not a list")
            return cls(content["units"], content["kind"])
        except FileNotFoundError:
            raise ValueError(f"{path}: the vocabulary is missing.") from None
        except ValueError as error:
            raise ValueError(f"{path}: not a vocabulary: {error}") from error

    def save(self, path: Path | str) -> None:
        """Writes a JSON file, completely or not at all."""
        write_text(path, format_json({"kind": self.kind, "units": self._surfaces[len(NAMES) :]}, indent=0) + "\n")

    @property
    def size(self) -> int:
        """Number of ids."""
        return len(self._surfaces)

    @property
    def vocabulary(self) -> list[str]:
        """The surface forms of all ids, in order."""
        return list(self._surfaces)

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        """Returns the ids of each line without BOS or EOS.

        A word `<unk>` is UNK, as are words and characters that the vocabulary lacks, and so the names of the other
        control symbols. Lone surrogates, which UTF-8 cannot hold, become U+FFFD.
        """
        find = self._ids.get
        return [[find(unit, UNK) for unit in _cut(line, self.kind)] for line in lines]

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Returns the text of each row of ids without PAD, BOS and EOS. UNK is `<unk>`, or U+FFFD among characters."""
        between, unknown = (" ", NAMES[UNK]) if self.kind == "words" else ("", REPLACEMENT)
        texts = [NAMES[PAD], unknown, *self._surfaces[len(NAMES) - 2 :]]
        return [between.join(texts[int(i)] for i in row if i not in (PAD, BOS, EOS)) for row in ids]

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Returns the surface form of each id; control symbols by their names."""
        return [self._surfaces[int(i)] for i in ids]


def _check_kind(kind: object) -> None:
    if kind not in KINDS:
        raise ValueError(f"Unknown kind of vocabulary. Expected one of {', '.join(KINDS)}. Received: {kind!r}")


def _cut(line: str, kind: Kind) -> Sequence[str]:
    text = encodable(line)
    return text.split() if kind == "words" else text


def _is_unit(unit: object, kind: Kind) -> bool:
    if not isinstance(unit, str) or encodable(unit) != unit:
        return False
    return unit.split() == [unit] and unit not in NAMES if kind == "words" else len(unit) == 1 and unit != "\n"
