"""Unknown tokens replaced by the source words that they attend to (Luong et al. 2015b)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from seq2seq.inference.alignments import Alignment, align_pieces, hard
from seq2seq.inference.lines import LineGenerator
from seq2seq.symbols import NAMES, UNK
from seq2seq.text.corpus import CorpusError, read_lines
from seq2seq.text.pieces import BEGIN
from seq2seq.types import Hypothesis


def read_dictionary(path: Path) -> dict[str, str]:
    """Reads a TSV of source word and target word; blank lines are skipped, of two entries for a word the first counts.

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
    """Returns the hypotheses with every unknown token replaced in their text; those without any are unchanged.

    The replacement is the source word that the token attends to most, or that word's entry in `dictionary`. Punctuation
    around a word is no part of it, unless the dictionary has the word with it. A word is written once, even if further
    tokens beside the unknown one attend to it that are unknown too, or letters of it. The tokens of a hypothesis stay
    as the model wrote them.

    Raises:
        ValueError: the model has no attention.
    """
    replaced = [list(hypotheses) for hypotheses in results]
    places = [(i, n) for i, row in enumerate(replaced) for n, best in enumerate(row) if NAMES[UNK] in best.pieces]
    texts, pieces = [lines[i] for i, _ in places], [replaced[i][n].pieces for i, n in places]
    alignments = align_pieces(generator, texts, pieces, batch_size) if places else []
    for (i, n), alignment in zip(places, alignments, strict=True):
        alignment = replace(alignment, target=tuple(generator.target_tokenizer.unmarked(alignment.target)))
        kept, words = _fillings(alignment, lines[i].split(), dictionary or {})
        text = generator.masked([lines[i]])[0].restore(generator.target_tokenizer.fill(kept, words))
        replaced[i][n] = replace(replaced[i][n], text=text)
    return replaced


def _fillings(alignment: Alignment, words: Sequence[str], dictionary: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Returns the tokens to write, an unknown one for each word to fill in, and those words with blanks around them."""
    places = {target: source for source, target in hard(alignment.weights)}
    owners = [alignment.source_words[places[target]] for target in range(len(alignment.target))]
    pieces, end = alignment.target, 0
    kept: list[str] = []
    fillings: list[str] = []
    for first, last in _spans(alignment, owners, words):
        kept += [*pieces[end:first], NAMES[UNK]]
        parted = first == end and bool(fillings) and fillings[-1].endswith(" ")
        before = _apart(pieces, owners, first) and not parted
        # A token that stays and begins a word brings its own blank.
        after = last < len(pieces) and not pieces[last].startswith(BEGIN) and _apart(pieces, owners, last)
        fillings.append(" " * before + _translated(words[owners[first]], dictionary) + " " * after)
        end = last
    return [*kept, *pieces[end:]], fillings


def _spans(alignment: Alignment, owners: Sequence[int], words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yields where tokens begin and end that become one word: unknown ones, and the parts of the word beside them."""
    pieces, end = alignment.target, 0

    def together(one: int, other: int) -> bool:
        same = owners[one] == owners[other] and alignment.target_words[one] == alignment.target_words[other]
        part = pieces[other].removeprefix(BEGIN)
        inside = part.casefold() in words[owners[one]].casefold()  # where capitals are marked, tokens are lower-case
        return same and (pieces[other] == NAMES[UNK] or (inside and not _is_marks(part)))

    for place, piece in enumerate(pieces):
        if piece != NAMES[UNK] or place < end:
            continue
        first, last = place, place + 1
        while first > end and together(place, first - 1):
            first -= 1
        while last < len(pieces) and together(place, last):
            last += 1
        yield first, last
        end = last


def _apart(pieces: Sequence[str], owners: Sequence[int], place: int) -> bool:
    """Whether a blank goes before the token at `place`, beside a word that is filled in.

    It does where a word begins, and between tokens of different source words unless one is punctuation.
    """
    if place == 0 or pieces[place - 1] == BEGIN:
        return False
    if pieces[place].startswith(BEGIN):
        return True
    return owners[place] != owners[place - 1] and not (_is_marks(pieces[place]) or _is_marks(pieces[place - 1]))


def _translated(word: str, dictionary: Mapping[str, str]) -> str:
    if word in dictionary:
        return dictionary[word]
    inner = _without_marks(word)
    return dictionary.get(inner, inner)


def _without_marks(word: str) -> str:
    """A word without the punctuation around it; one of punctuation alone stays."""
    inside = [place for place, character in enumerate(word) if not _is_mark(character)]
    return word[inside[0] : inside[-1] + 1] if inside else word


def _is_marks(piece: str) -> bool:
    """Whether a token is punctuation alone."""
    text = piece.removeprefix(BEGIN)
    return bool(text) and piece != NAMES[UNK] and all(map(_is_mark, text))


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("P")
