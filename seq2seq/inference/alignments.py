"""Which source and target tokens a model aligns by its attention, soft and hard. Imports no framework."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seq2seq.inference.lines import LineGenerator
from seq2seq.symbols import EOS, NAMES
from seq2seq.text.alignment import align_words, format_alignment
from seq2seq.text.examples import AlignmentPoints

UNITS = ("words", "pieces")
"""What the numbers of hard alignments count."""


@dataclass(frozen=True)
class Alignment:
    """One source and target, and how much each target token attends to each source token."""

    source: tuple[str, ...]
    """Tokens, without EOS, as far as the model has read the line."""
    target: tuple[str, ...]
    """Tokens, without EOS."""
    weights: np.ndarray
    """`(target + 1, source + 1)`, float32: the last row and the last column are the EOS; rows sum to 1. `(0, 0)` for an
    empty source, of which nothing was written."""
    source_words: tuple[int, ...]
    """The number of each source token's word in the line."""
    target_words: tuple[int, ...]
    """The same of the target."""

    def hard(self, units: str = "pieces") -> AlignmentPoints:
        """Returns the points of `hard` between tokens or, with units "words", between their words.

        Raises:
            ValueError: unknown units.
        """
        if units not in UNITS:
            raise ValueError(f"Unknown units. Expected one of {', '.join(UNITS)}. Received: {units!r}")
        points = hard(self.weights)
        return points if units == "pieces" else align_words(points, self.source_words, self.target_words)

    def labels(self) -> tuple[list[str], list[str]]:
        """Returns the labels of the columns and of the rows of the weights."""
        if not self.source:
            return [], []
        return [*self.source, NAMES[EOS]], [*self.target, NAMES[EOS]]


def hard(weights: np.ndarray) -> AlignmentPoints:
    """Returns a point for each target token: with the source token that it attends to most, the first of equals.

    The last row and column, which are the EOS, are left out: the EOS of the target has no point, and a token that
    attends most to the EOS of the source is aligned with the token of the next largest weight.

    Args:
        weights: `(target + 1, source + 1)`, as `Alignment` has them.
    """
    inner = np.asarray(weights)[:-1, :-1]
    if not inner.size:
        return []
    return sorted((int(source), target) for target, source in enumerate(inner.argmax(axis=1)))


def align_pieces(
    generator: LineGenerator, lines: Sequence[str], pieces: Sequence[Sequence[str]], batch_size: int = 64
) -> list[Alignment]:
    """Returns the alignment of each line with its output, given as tokens; errors as `generator.align`."""
    tokenizer, rows = generator.target_tokenizer, zip(pieces, generator.masked(lines), strict=True)
    words = [tokenizer.piece_word_numbers([line.restore(piece) for piece in row]) for row, line in rows]
    return _align(generator, lines, pieces, words, batch_size)


def align_text(generator: LineGenerator, pairs: Sequence[tuple[str, str]], batch_size: int = 64) -> list[Alignment]:
    """Returns the alignment of each (source line, target line); a pair with an empty side has no points.

    Raises:
        ValueError: the model has no attention.
        InputTooLong: a source has more than `max_input` tokens and `cut_input` is off.
    """
    tokenizer, targets = generator.target_tokenizer, [target for _, target in pairs]
    lines = [line for line, _ in pairs]
    ids = generator.target_ids(pairs)
    words = tokenizer.line_word_numbers(targets, ids, generator.masked(lines))
    return _align(generator, lines, [tokenizer.pieces(row) for row in ids], words, batch_size)


def _align(
    generator: LineGenerator,
    lines: Sequence[str],
    pieces: Sequence[Sequence[str]],
    target_words: Sequence[Sequence[int]],
    batch_size: int,
) -> list[Alignment]:
    tokenizer = generator.source_tokenizer
    weights_of_lines = generator.align(list(zip(lines, pieces, strict=True)), batch_size)
    masked = generator.masked(lines)
    sources = [ids[: generator.options.max_input] for ids in tokenizer.encode([line.text for line in masked])]
    source_words = tokenizer.line_word_numbers(lines, sources, masked)
    rows = zip(sources, pieces, weights_of_lines, source_words, target_words, strict=True)
    return [
        Alignment(
            tuple(tokenizer.pieces(ids)),
            tuple(target),
            np.asarray(weights, np.float32) if ids else np.zeros((0, 0), np.float32),
            tuple(of_source),
            tuple(of_target),
        )
        for ids, target, weights, of_source, of_target in rows
    ]


def as_json(alignment: Alignment) -> str:
    """Returns the JSON of an alignment: source and target tokens with their EOS, and the rows of weights."""
    source, target = alignment.labels()
    weights = [[round(float(w), 5) for w in row] for row in alignment.weights]
    return json.dumps({"source": source, "target": target, "weights": weights}, ensure_ascii=False)


def as_pharaoh(alignment: Alignment, units: str) -> str:
    """Returns the hard alignment as a line of pairs i-j, without its end."""
    return format_alignment(alignment.hard(units))


class ArrayFile:
    """An `.npz` that is written array by array, so that memory never holds all of it.

    The n-th alignment, from 0, is `weights_n`, float32; `source_n` and `target_n`, text, are its columns and its rows.
    `np.load` reads them without pickle.
    """

    def __init__(self, path: Path):
        self._file = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        self._count = 0

    def add(self, alignment: Alignment) -> None:
        source, target = (np.asarray(labels, np.str_) for labels in alignment.labels())
        for name, array in (("weights", alignment.weights), ("source", source), ("target", target)):
            with self._file.open(f"{name}_{self._count}.npy", "w") as stream:
                np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)
        self._count += 1

    def close(self) -> None:
        self._file.close()
