"""SentencePiece (Kudo & Richardson 2018): training, encoding, sampling and decoding. Imports no framework."""

from __future__ import annotations

import io
import logging
import random
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

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

TokenizerKind = Literal["unigram", "bpe", "words", "characters"]
KINDS = get_args(TokenizerKind)
_MODEL_TYPES = {"words": "word", "characters": "char"}
"""SentencePiece's names, where they differ."""
MOST_BYTES = 1 << 29
"""Bytes of a model, at most: far more than a million long pieces need."""

_FIXED_OPTIONS = {
    "max_sentence_length": 1 << 16,
    "num_threads": 1,  # the unigram vocabulary depends on the number of threads
    "minloglevel": 2,
    **{f"{name}_id": i for name, i in (("pad", PAD), ("unk", UNK), ("bos", BOS), ("eos", EOS))},
    **{f"{name}_piece": NAMES[i] for name, i in (("pad", PAD), ("unk", UNK), ("bos", BOS), ("eos", EOS))},
}
"""Of SentencePiece's trainer, for every vocabulary."""
_log = logging.getLogger(__name__)


class SubwordTokenizer:
    """Text to ids and back.

    Args:
        model: A serialised SentencePiece model that holds the control symbols of `seq2seq.symbols`.
        right_to_left: Whether the ids of a text run from its last token to its first.
        placeholders: What was masked in the training text.

    Raises:
        ValueError: the bytes are not such a model.
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
                f"Not a SentencePiece model ({len(model):,} bytes): it is damaged, or in another format."
            ) from error
        self._count_parts_cached = lru_cache(1 << 16)(self._count_parts)
        self._sampler = lru_cache(1)(lambda alpha: WordSampler(self._processor, alpha, self.symbols))
        if names != NAMES:
            raise ValueError(f"The SentencePiece model must begin with the pieces {NAMES}. Received: {names}")
        normalized = self._processor.Normalize("aA")
        self.adds_space = not normalized.startswith(BEGIN)
        """Whether the model adds no leading space, so that this class adds and removes it."""
        self.marks_capitals = MARK in normalized
        """Whether capitals are written as a mark and the small letter."""
        first = self.pieces(range(len(NAMES), min(self.size, len(NAMES) + MOST)))
        symbols = sum(piece == symbol(number) for number, piece in enumerate(first, 1))
        self.placeholders = replace(placeholders, count=symbols) if placeholders and symbols else None
        """What to mask in a line before it is encoded; None for nothing."""

    @classmethod
    def load(
        cls, path: Path, right_to_left: bool = False, placeholders: Placeholders | None = None
    ) -> SubwordTokenizer:
        """Reads a `.model` file; ValueError with its name if it is missing or damaged."""
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
        tags: Sequence[str] = (),
        known: Iterable[str] = (),
    ) -> SubwordTokenizer:
        """Learns a vocabulary.

        Args:
            lines: One sentence each; read once.
            size: Number of ids, including control symbols. If the corpus is too small for it, the vocabulary gets as
                many as the corpus allows, with a warning if they are learned.
            kind: "unigram" (Kudo 2018) or "bpe" (Sennrich et al. 2016), which are learned; "words", between spaces, or
                "characters".
            byte_fallback: Spell unknown characters as bytes instead of UNK; takes 256 ids.
            character_coverage: Fraction of the characters that get their own piece, in (0, 1].
            max_lines: If there are more lines, a random sample of this size is used.
            seed: Of that sample.
            split_digits: Every digit is a piece; otherwise digits merge with each other and with punctuation.
            normalization: Applied before text is cut; the lossless rule implies `byte_fallback`.
            placeholders: What is masked in the lines; each symbol gets a piece.
            tags: Each is a piece of its own that is never cut or normalised; see `text.tags`.
            known: Characters that normalisation leaves as they are even if the lines lack them.

        Raises:
            ValueError: there is no text, or the size cannot be reached.
        """
        if kind not in KINDS:
            raise ValueError(f"Unknown kind of tokeniser. Expected one of {', '.join(KINDS)}. Received: {kind!r}")
        characters = set(known)
        lead = " " if normalization.needs_lead else ""
        sample = _sample(_collecting(characters, lines), max_lines, random.Random(seed))
        text = [lead + encodable(line) for line in sample]
        if not text:
            raise ValueError("No text to learn a vocabulary from: every line is empty.")
        options: dict[str, Any] = {
            "model_type": _MODEL_TYPES.get(kind, kind),
            "byte_fallback": byte_fallback or normalization.needs_bytes,
            "split_digits": split_digits,
            "character_coverage": character_coverage,
            **_FIXED_OPTIONS,
        }
        if symbols := [*_symbols(placeholders), *tags]:
            options["user_defined_symbols"] = symbols
        with tempfile.TemporaryDirectory() as folder:
            options |= normalization.trainer_options(characters, Path(folder))
            model = _named(_train_to_fit(text, size, options), normalization.rule)
        return cls(model, placeholders=placeholders)

    @property
    def size(self) -> int:
        """Number of ids."""
        return int(self._processor.GetPieceSize())

    @property
    def vocabulary(self) -> list[str]:
        """All pieces, in the order of their ids."""
        return self.pieces(range(self.size))

    @cached_property
    def symbols(self) -> frozenset[int]:
        """Ids of symbols that text is never cut within, such as tags; those of placeholders are none of them."""
        from sentencepiece.sentencepiece_model_pb2 import ModelProto

        pieces, copied = ModelProto.FromString(self.model).pieces, set(_symbols(self.placeholders))
        kind = ModelProto.SentencePiece.USER_DEFINED
        return frozenset(i for i, one in enumerate(pieces) if one.type == kind and one.piece not in copied)

    def encode(self, lines: Sequence[str]) -> list[list[int]]:
        """Returns the ids of each line without BOS or EOS. Lone surrogates, which UTF-8 cannot hold, become U+FFFD."""
        return self._ordered(self._cut(lines))

    def _cut(self, lines: Sequence[str]) -> list[list[int]]:
        # The space that the model adds itself comes too late for the rules that mark capitals after a space.
        lead = " " if self.adds_space or self.marks_capitals else ""
        return self._processor.EncodeAsIds([lead + encodable(line) if line else "" for line in lines], num_threads=1)

    def sample(self, lines: Sequence[str], alpha: float, seed: int) -> list[list[int]]:
        """As `encode`, with a random segmentation of each word (Kudo 2018; for BPE Provilkov et al. 2020).

        Args:
            alpha: Unigram: smoothness, small is more random. BPE: fraction of merges dropped.
            seed: Equal seeds and lines give equal ids, in every process.
        """
        sampler, draw = self._sampler(alpha), random.Random(seed)
        return self._ordered([sampler.sample(ids, draw) for ids in self._cut(lines)])

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Returns the text of each row of ids, without control symbols."""
        rows = [[int(i) for i in row if i not in (PAD, BOS, EOS)] for row in ids]
        texts = self._processor.DecodeIds(self._ordered(rows), num_threads=1) if rows else []
        return [text.removeprefix(" ") for text in texts] if self.adds_space else texts

    def _ordered(self, rows: list[list[int]]) -> list[list[int]]:
        """Returns rows in the order of the text as rows in the order of the ids, and the reverse."""
        return [row[::-1] for row in rows] if self.right_to_left else rows

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Returns the surface form of each id, in the order of the ids."""
        return [self._processor.IdToPiece(int(i)) for i in ids]

    def ids(self, pieces: Sequence[str]) -> list[int]:
        """Returns the id of each piece; UNK for unknown pieces."""
        return [self._processor.PieceToId(encodable(piece)) for piece in pieces]

    def marks(self) -> Marks:
        """Returns where words begin in ids of this vocabulary, and which ids are punctuation."""
        return mark(self.vocabulary)

    def line_word_numbers(
        self, lines: Sequence[str], ids: Sequence[Sequence[int]], masked: Sequence[Masked] | None = None
    ) -> list[list[int]]:
        """Returns for each token the number of its word in `line.split()`, from 0.

        Args:
            lines: Text.
            ids: The ids of each line, or of its beginning.
            masked: The lines with placeholders, if these were encoded.
        """
        rows = [self.pieces(row) for row in ids]
        if masked:
            rows = [[line.restore(piece) for piece in row] for line, row in zip(masked, rows, strict=True)]
        return [self._line_word_numbers(line.split(), row) for line, row in zip(lines, rows, strict=True)]

    def _line_word_numbers(self, words: list[str], pieces: list[str]) -> list[int]:
        # Normalisation splits some words in two and removes others; it does the same to a word alone as in a line.
        owners = [word for word, text in enumerate(words) for _ in range(self._count_parts_cached(text))]
        numbers = self.piece_word_numbers(pieces)
        return [owners[min(number, len(owners) - 1)] for number in numbers] if owners else [0] * len(numbers)

    def _count_parts(self, word: str) -> int:
        """Returns into how many words normalisation splits a word of the user's text."""
        return max(self.piece_word_numbers(self.pieces(self.encode([word])[0])), default=-1) + 1

    def piece_word_numbers(self, pieces: Sequence[str]) -> list[int]:
        """Returns for each piece the number of its word in the text of `pieces`, from 0."""
        return piece_word_numbers(self._surfaces(pieces))

    def _surfaces(self, pieces: Sequence[str]) -> list[str]:
        """Returns the text of each piece, in small letters; the first of several bytes has their characters."""
        if not self.marks_capitals:
            return join_bytes(pieces)
        texts, marked = [], False
        for piece in join_bytes(pieces):
            text = ""
            for character in piece:
                if character == MARK and not marked:
                    marked = True
                else:
                    text += "" if marked and character == BEGIN else character
                    marked = False
            texts.append(text)
        return texts

    def fill(self, pieces: Sequence[str], words: Sequence[str]) -> str:
        """Returns the text of `pieces`, with the words of `words` in place of the UNKs, in order."""
        used = "".join(pieces)
        # A character for private use: decoding keeps it.
        gap = next(c for c in map(chr, range(0xF0000, 0xFFFFE)) if c not in used)
        text = self._processor.DecodePieces([gap if piece == NAMES[UNK] else piece for piece in self.unmarked(pieces)])
        parts = (text.removeprefix(" ") if self.adds_space else text).split(gap)
        return "".join(part + word for part, word in zip(parts, [*words, ""], strict=True))

    def unmarked(self, pieces: Sequence[str]) -> list[str]:
        """Returns the pieces without capital marks before UNKs, which are not letters."""
        if not self.marks_capitals:
            return list(pieces)
        following = [*pieces[1:], ""]
        return [
            piece.removesuffix(MARK) if after == NAMES[UNK] else piece
            for piece, after in zip(pieces, following, strict=True)
        ]

    def save(self, path: Path) -> None:
        """Writes the `.model` file, whole or not at all."""
        with whole_file(path) as partial:
            partial.write_bytes(self.model)


def _symbols(placeholders: Placeholders | None) -> list[str]:
    return [symbol(number) for number in range(1, placeholders.count + 1)] if placeholders else []


def _sample(lines: Iterable[str], most: int, draw: random.Random) -> list[str]:
    """Returns all lines, or a uniform sample of `most` of them, in one pass (Vitter 1985, algorithm R)."""
    kept: list[str] = []
    for number, line in enumerate(lines):
        if number < most:
            kept.append(line)
        elif (place := draw.randrange(number + 1)) < most:
            kept[place] = line
    return kept


def _collecting(characters: set[str], lines: Iterable[str]) -> Iterator[str]:
    """Yields the lines that are not blank, and adds their characters to `characters`."""
    for line in lines:
        if line.strip():
            characters.update(line)
            yield line


def _train_to_fit(text: list[str], size: int, options: dict[str, Any]) -> bytes:
    """Learns a vocabulary of `size`, or of as many pieces as the text allows."""
    refusal = "SentencePiece could not learn a vocabulary of {:,}: {}"
    try:
        return in_background(lambda: _train(text, size, options))
    except RuntimeError as error:
        reachable = re.search(r"value <= (\d+)", str(error))
        if reachable is None:
            raise ValueError(refusal.format(size, _reason(error))) from error
    most = int(reachable.group(1))
    if options["model_type"] not in _MODEL_TYPES.values():
        _log.warning("The text is too small for a vocabulary of %s tokens: using %s.", f"{size:,}", f"{most:,}")
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
    """Returns the model with the name of its rule instead of a temporary file's, so equal text gives equal bytes."""
    from sentencepiece.sentencepiece_model_pb2 import ModelProto

    proto = ModelProto.FromString(model)
    proto.normalizer_spec.name = rule
    for spec in (proto.normalizer_spec, proto.denormalizer_spec):
        spec.ClearField("normalization_rule_tsv")
    return bytes(proto.SerializeToString(deterministic=True))


def _reason(error: RuntimeError) -> str:
    """Returns the message of a C++ error without its source location."""
    return str(error).split("] ")[-1].strip() or "no reason given"
