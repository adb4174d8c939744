"""SentencePiece (Kudo & Richardson 2018): trained, encoding, sampling and decoding. No framework is imported here."""

from __future__ import annotations

import io
import logging
import random
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import sentencepiece

from seq2seq.files import check_regular, read_bytes, whole_file
from seq2seq.signals import in_background
from seq2seq.symbols import BOS, EOS, NAMES, PAD, UNK
from seq2seq.text.characters import encodable
from seq2seq.text.normalization import MARK, Normalization
from seq2seq.text.pieces import BEGIN, join_bytes, piece_word_numbers
from seq2seq.text.placeholders import MOST, Masked, Placeholders, symbol
from seq2seq.text.sampling import WordSampler
from seq2seq.text.spelling import mark
from seq2seq.types import Marks

KINDS = ("unigram", "bpe")
MOST_BYTES = 1 << 29
"""Bytes of a model: far above what a million long pieces take."""

_log = logging.getLogger(__name__)


class SubwordTokenizer:
    """Text to ids and back.

    Args:
        model: A serialised SentencePiece model that holds the control symbols of `seq2seq.symbols`.
        right_to_left: Whether the ids of a text run from its last piece to its first.
        placeholders: What was masked in the text that it learned from.

    Raises:
        ValueError: the bytes are no such model.
    """

    def __init__(self, model: bytes, right_to_left: bool = False, placeholders: Placeholders | None = None):
        self.model = model
        self.right_to_left = right_to_left
        self._processor = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(model)
            names = tuple(self._processor.IdToPiece(i) for i in range(len(NAMES)))
        except (RuntimeError, IndexError) as error:
            raise ValueError(
                f"Not a SentencePiece model ({len(model):,} bytes): it is damaged or of another kind."
            ) from error
        self._parts = lru_cache(1 << 16)(self._count_parts)
        self._sampler = lru_cache(1)(lambda alpha: WordSampler(self._processor, alpha))
        if names != NAMES:
            raise ValueError(f"The SentencePiece model must begin with the pieces {NAMES}. Received: {names}")
        shown = self._processor.Normalize("aA")
        self.adds_blank = not shown.startswith(BEGIN)
        """Whether the model puts no blank before a line, so that this class adds it and takes it away again."""
        self.marks_capitals = MARK in shown
        """Whether capitals are written as a mark and the small letter."""
        first = self.pieces(range(len(NAMES), min(self.size, len(NAMES) + MOST)))
        symbols = sum(piece == symbol(number) for number, piece in enumerate(first, 1))
        self.placeholders = replace(placeholders, count=symbols) if placeholders and symbols else None
        """What to mask in a line before it is encoded; None where there is nothing."""

    @classmethod
    def load(
        cls, path: Path, right_to_left: bool = False, placeholders: Placeholders | None = None
    ) -> SubwordTokenizer:
        """Reads a `.model` file; ValueError names the file if it is damaged."""
        try:
            check_regular(path)
            return cls(read_bytes(path, MOST_BYTES), right_to_left, placeholders)
        except FileNotFoundError:
            raise ValueError(f"{path}: the tokeniser is missing.") from None
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    @classmethod
    def train(
        cls,
        lines: Iterable[str],
        size: int,
        kind: str = "unigram",
        byte_fallback: bool = False,
        character_coverage: float = 1.0,
        max_lines: int = 1_000_000,
        seed: int = 1,
        split_digits: bool = False,
        normalization: Normalization = Normalization(),
        placeholders: Placeholders | None = None,
    ) -> SubwordTokenizer:
        """Learns a vocabulary.

        Args:
            lines: Text, one sentence each; read once.
            size: Number of ids, control symbols included. A corpus too small for it gets as many as it can hold, and
                a warning says so.
            kind: "unigram" (Kudo 2018) or "bpe" (Sennrich et al. 2016).
            byte_fallback: Spell unknown characters as bytes instead of UNK; takes 256 ids.
            character_coverage: Share of the characters that get a piece of their own, in (0, 1].
            max_lines: Above so many a random sample is used.
            seed: Of that sample.
            split_digits: Every digit is a piece; otherwise digits join each other and marks of punctuation.
            normalization: What happens to text before it is cut; a rule without loss implies `byte_fallback`.
            placeholders: What is masked in the lines; each symbol gets a piece.

        Raises:
            ValueError: no text, or a size that cannot be reached.
        """
        if kind not in KINDS:
            raise ValueError(f"Unknown kind of tokeniser. Expected one of {', '.join(KINDS)}. Received: {kind!r}")
        characters: set[str] = set()
        lead = " " if normalization.needs_lead else ""
        kept = _sample(_collecting(characters, lines), max_lines, random.Random(seed))
        text = [lead + encodable(line) for line in kept]
        if not text:
            raise ValueError("No text to learn a vocabulary from: every line is empty.")
        options: dict[str, Any] = {
            "model_type": kind,
            "byte_fallback": byte_fallback or normalization.needs_bytes,
            "split_digits": split_digits,
            "character_coverage": character_coverage,
            "max_sentence_length": 1 << 16,
            "num_threads": 1,  # the unigram vocabulary depends on the number of threads
            "pad_id": PAD,
            "unk_id": UNK,
            "bos_id": BOS,
            "eos_id": EOS,
            "pad_piece": NAMES[PAD],
            "unk_piece": NAMES[UNK],
            "bos_piece": NAMES[BOS],
            "eos_piece": NAMES[EOS],
            "minloglevel": 2,
        }
        with tempfile.TemporaryDirectory() as folder:
            if placeholders:
                numbers = range(1, placeholders.count + 1)
                options["user_defined_symbols"] = [symbol(number) for number in numbers]
            options |= normalization.trainer_options(characters, Path(folder))
            model = _named(_train_to_fit(text, size, options), normalization.rule)
        return cls(model, placeholders=placeholders)

    @property
    def size(self) -> int:
        """Number of ids."""
        return int(self._processor.GetPieceSize())

    @property
    def vocabulary(self) -> list[str]:
        """All pieces, by their ids."""
        return self.pieces(range(self.size))

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        """Returns each line's ids without BOS or EOS. A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD."""
        return self._ordered(self._cut(lines))

    def _cut(self, lines: Sequence[str]) -> list[list[int]]:
        # The blank that a model adds by itself comes too late for the rules, which part capitals by what is before.
        lead = " " if self.adds_blank or self.marks_capitals else ""
        return self._processor.EncodeAsIds([lead + encodable(line) if line else "" for line in lines], num_threads=1)

    def sample(self, lines: Sequence[str], alpha: float, seed: int) -> list[list[int]]:
        """As `encode`, each word of each line cut at random (Kudo 2018; for BPE Provilkov et al. 2020).

        Args:
            alpha: Unigram: smoothness, small is more random. BPE: share of the merges dropped.
            seed: The same seed and lines give the same cuts, in every process.
        """
        sampler, draw = self._sampler(alpha), random.Random(seed)
        return self._ordered([sampler.cut(ids, draw) for ids in self._cut(lines)])

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Returns the text of each row of ids; control symbols leave no trace."""
        rows = [[int(i) for i in row if i not in (PAD, BOS, EOS)] for row in ids]
        texts = self._processor.DecodeIds(self._ordered(rows), num_threads=1) if rows else []
        return [text.removeprefix(" ") for text in texts] if self.adds_blank else texts

    def _ordered(self, rows: list[list[int]]) -> list[list[int]]:
        """From the order of the text to that of the ids, and back."""
        return [row[::-1] for row in rows] if self.right_to_left else rows

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Returns the surface form of each id, in the order of the ids."""
        return [self._processor.IdToPiece(int(i)) for i in ids]

    def ids(self, pieces: Sequence[str]) -> list[int]:
        """Returns the id of each piece; UNK for what is none."""
        return [self._processor.PieceToId(encodable(piece)) for piece in pieces]

    def marks(self) -> Marks:
        """Returns what tells words apart in ids of this vocabulary."""
        return mark(self.vocabulary)

    def line_word_numbers(
        self, lines: Sequence[str], ids: Sequence[Sequence[int]], masked: Sequence[Masked] | None = None
    ) -> list[list[int]]:
        """Returns for each piece the number of its word among `line.split()`, from 0.

        Args:
            lines: Text.
            ids: How each line was cut, or its beginning.
            masked: The lines with placeholders, where it was these that were cut.
        """
        rows = [self.pieces(row) for row in ids]
        if masked:
            rows = [[line.restore(piece) for piece in row] for line, row in zip(masked, rows, strict=True)]
        return [self._line_word_numbers(line.split(), row) for line, row in zip(lines, rows, strict=True)]

    def _line_word_numbers(self, words: list[str], pieces: list[str]) -> list[int]:
        # Normalising makes two words of some and nothing of others, of each word alone what it makes of it in a line.
        owners = [word for word, text in enumerate(words) for _ in range(self._parts(text))]
        numbers = self.piece_word_numbers(pieces)
        return [owners[min(number, len(owners) - 1)] for number in numbers] if owners else [0] * len(numbers)

    def _count_parts(self, word: str) -> int:
        """Into how many words normalising parts a word of the user's."""
        return max(self.piece_word_numbers(self.pieces(self.encode([word])[0])), default=-1) + 1

    def piece_word_numbers(self, pieces: Sequence[str]) -> list[int]:
        """Returns for each piece the number of its word, from 0, among those of the text of `pieces`."""
        return piece_word_numbers(self._surfaces(pieces))

    def _surfaces(self, pieces: Sequence[str]) -> list[str]:
        """What each piece adds to the text, but for capitals; the first of several bytes adds their characters."""
        if not self.marks_capitals:
            return join_bytes(pieces)
        found, marked = [], False
        for piece in join_bytes(pieces):
            text = ""
            for character in piece:
                if character == MARK and not marked:
                    marked = True
                else:
                    text += "" if marked and character == BEGIN else character
                    marked = False
            found.append(text)
        return found

    def fill(self, pieces: Sequence[str], words: Sequence[str]) -> str:
        """Returns the text of `pieces`, in which each UNK has become the word at its turn in `words`."""
        taken = "".join(pieces)
        mark = next(c for c in map(chr, range(0xF0000, 0xFFFFE)) if c not in taken)  # for private use: it comes through
        text = self._processor.DecodePieces([mark if piece == NAMES[UNK] else piece for piece in self.unmarked(pieces)])
        parts = (text.removeprefix(" ") if self.adds_blank else text).split(mark)
        return "".join(part + word for part, word in zip(parts, [*words, ""], strict=True))

    def unmarked(self, pieces: Sequence[str]) -> list[str]:
        """Returns the pieces without the mark of a capital before each UNK, which is no letter."""
        if not self.marks_capitals:
            return list(pieces)
        following = [*pieces[1:], ""]
        return [
            piece.removesuffix(MARK) if after == NAMES[UNK] else piece
            for piece, after in zip(pieces, following, strict=True)
        ]

    def save(self, path: Path) -> None:
        """Writes the `.model` file under a temporary name, then renames it."""
        with whole_file(path) as partial:
            partial.write_bytes(self.model)


def _sample(lines: Iterable[str], most: int, draw: random.Random) -> list[str]:
    """Returns all lines, or `most` of them, each as likely as the others, in one pass (Vitter 1985, algorithm R)."""
    kept: list[str] = []
    for number, line in enumerate(lines):
        if number < most:
            kept.append(line)
        elif (place := draw.randrange(number + 1)) < most:
            kept[place] = line
    return kept


def _collecting(characters: set[str], lines: Iterable[str]) -> Iterator[str]:
    """Yields the lines that are not blank, and keeps of which characters they are."""
    for line in lines:
        if line.strip():
            characters.update(line)
            yield line


def _train_to_fit(text: list[str], size: int, options: dict[str, Any]) -> bytes:
    """Learns a vocabulary of `size`, or of as many as the text can hold."""
    refusal = "SentencePiece could not learn a vocabulary of {:,}: {}"
    try:
        return in_background(lambda: _train(text, size, options))
    except RuntimeError as error:
        reachable = re.search(r"value <= (\d+)", str(error))
        if reachable is None:
            raise ValueError(refusal.format(size, _reason(error))) from error
    most = int(reachable.group(1))
    _log.warning("The text is too small for a vocabulary of %s pieces: it gets %s.", f"{size:,}", f"{most:,}")
    try:
        return in_background(lambda: _train(text, most, options))
    except RuntimeError as error:
        raise ValueError(refusal.format(most, _reason(error))) from error


def _train(text: list[str], size: int, options: dict[str, Any]) -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.Train(
        sentence_iterator=iter(text), model_writer=model, vocab_size=size, **options
    )
    return model.getvalue()


def _named(model: bytes, rule: str) -> bytes:
    """The model with the name of its rule in place of a temporary file's: equal text gives equal bytes."""
    from sentencepiece.sentencepiece_model_pb2 import ModelProto

    proto = ModelProto.FromString(model)
    proto.normalizer_spec.name = rule
    for spec in (proto.normalizer_spec, proto.denormalizer_spec):
        spec.ClearField("normalization_rule_tsv")
    return bytes(proto.SerializeToString(deterministic=True))


def _reason(error: RuntimeError) -> str:
    """The words of a C++ error without its source location."""
    return str(error).split("] ")[-1].strip() or "no reason given"
