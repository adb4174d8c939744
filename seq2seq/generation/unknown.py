"""Unknown pieces replaced by what they stand for in the source (Luong et al. 2015b, by attention)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from seq2seq.generation.alignments import Alignment, align_pieces, hard
from seq2seq.generation.lines import LineGenerator
from seq2seq.pipeline.corpus import CorpusError, read_lines
from seq2seq.symbols import NAMES, UNK
from seq2seq.types import Hypothesis


def read_dictionary(path: Path) -> dict[str, str]:
    """Reads a TSV of source word and target word; blank lines are skipped, of two entries the first is taken.

    Raises:
        CorpusError: it names file and line.
    """
    entries: dict[str, str] = {}
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        columns = [column.strip() for column in line.split("\t")]
        if len(columns) != 2 or not all(columns):
            raise CorpusError(
                f"{path}:{number}: expected a source word and a target word with a tab between them. "
                f"Received: {line[:60]!r}"
            )
        entries.setdefault(columns[0], columns[1])
    return entries


def replace_unknown(
    generator: LineGenerator,
    lines: Sequence[str],
    results: Sequence[Sequence[Hypothesis]],
    dictionary: Mapping[str, str] | None = None,
    batch_size: int = 64,
) -> list[list[Hypothesis]]:
    """Returns the hypotheses with every unknown piece replaced in their text; those without any are unchanged.

    What takes its place is the source word that the piece attends to most, or that word's entry in `dictionary`. Marks
    of punctuation around a word do not belong to it, unless the dictionary knows it with them. Unknown pieces
    side by side that attend to the same word become it once. The pieces of a hypothesis stay what the model wrote.

    Raises:
        ValueError: the model has no attention.
    """
    replaced = [list(hypotheses) for hypotheses in results]
    places = [(i, n) for i, row in enumerate(replaced) for n, best in enumerate(row) if NAMES[UNK] in best.pieces]
    texts, pieces = [lines[i] for i, _ in places], [replaced[i][n].pieces for i, n in places]
    found = align_pieces(generator, texts, pieces, batch_size) if places else []
    for (i, n), alignment in zip(places, found, strict=True):
        kept, words = _fillings(alignment, lines[i].split(), dictionary or {})
        replaced[i][n] = replace(replaced[i][n], text=generator.target_tokenizer.fill(kept, words))
    return replaced


def _fillings(alignment: Alignment, words: Sequence[str], dictionary: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The pieces to write, and the words that the unknown ones among them become."""
    source_of = {target: source for source, target in hard(alignment.weights)}
    kept: list[str] = []
    fillings: list[str] = []
    last = -1  # the word that an unknown piece right before this one became
    for place, piece in enumerate(alignment.target):
        word = alignment.source_words[source_of[place]] if piece == NAMES[UNK] else -1
        if word < 0 or word != last:
            kept.append(piece)
            if word >= 0:
                fillings.append(_translated(words[word], dictionary))
        last = word
    return kept, fillings


def _translated(word: str, dictionary: Mapping[str, str]) -> str:
    if word in dictionary:
        return dictionary[word]
    inner = _without_marks(word)
    return dictionary.get(inner, inner)


def _without_marks(word: str) -> str:
    """A word without the punctuation around it; one of punctuation alone stays."""
    inside = [place for place, character in enumerate(word) if not unicodedata.category(character).startswith("P")]
    return word[inside[0] : inside[-1] + 1] if inside else word
