"""n-best lists in the format of Moses: `id ||| hypothesis ||| score`, or `id ||| hypothesis ||| name= x … ||| score`.

Ids count the lines of the source from 0, in order. Imports no framework.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seq2seq.text.corpus import CorpusError, read_lines

BAR = " ||| "


@dataclass(frozen=True)
class Candidate:
    """One hypothesis of a list."""

    text: str
    score: float
    """What the list is sorted by."""
    line: int
    """Its line in the file, from 1."""
    features: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """What the list has in addition to the score."""


def read_n_best(path: Path, sources: int) -> list[list[Candidate]]:
    """Reads the hypotheses of `sources` source lines, in the order of the file.

    Raises:
        CorpusError: a line of another form, or ids that decrease, skip a source or exceed the number of sources. It
            names the file and the line.
    """
    lists: list[list[Candidate]] = []
    number = 0
    for number, line in enumerate(read_lines(Path(path)), 1):
        place = f"{path}:{number}"
        index, candidate = _parse(line, place, number)
        if index >= sources:
            raise CorpusError(f"{place}: the id is {index}, and the source has {sources:,} lines, counted from 0.")
        if not len(lists) - 1 <= index <= len(lists):
            expected = f"{max(len(lists) - 1, 0)} or {len(lists)}" if lists else "0"
            raise CorpusError(f"{place}: expected the id {expected}: every source line in order. Received: {index}")
        if index == len(lists):
            lists.append([])
        lists[index].append(candidate)
    if len(lists) != sources:
        raise CorpusError(
            f"{path}:{number}: the list ends with the hypotheses of {len(lists):,} lines; the source has {sources:,}."
        )
    return lists


def _parse(line: str, place: str, number: int) -> tuple[int, Candidate]:
    # An empty hypothesis is between two spaces, or one if spaces were collapsed. Further spaces belong to the text.
    parts = [part.removeprefix(" ").removesuffix(" ") for part in line.split("|||")]
    if len(parts) not in (3, 4):
        raise CorpusError(
            f"{place}: expected 'id ||| hypothesis ||| score', or four parts, the third with features. "
            f"Received {len(parts)} parts: {line[:60]!r}"
        )
    parts[0] = parts[0].strip(" ")
    if not (parts[0].isascii() and parts[0].isdigit()):
        raise CorpusError(f"{place}: the id must be a whole number from 0. Received: {parts[0][:40]!r}")
    features = _features(parts[2], place) if len(parts) == 4 else {}
    return int(parts[0]), Candidate(parts[1], _number(parts[-1], "score", place), number, features)


def _features(text: str, place: str) -> dict[str, tuple[float, ...]]:
    """`name= x y name= z`, as Moses writes them."""
    features: dict[str, tuple[float, ...]] = {}
    name = ""
    for word in text.split():
        if word.endswith("=") and len(word) > 1:
            name = word[:-1]
            if name in features:
                raise CorpusError(f"{place}: the feature {name!r} is given twice.")
            features[name] = ()
        elif not name:
            raise CorpusError(f"{place}: expected features as 'name= number …'. Received: {text[:60]!r}")
        else:
            features[name] = (*features[name], _number(word, f"feature {name!r}", place))
    return features


def _number(text: str, what: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CorpusError(f"{place}: the {what} must be a number. Received: {text[:40]!r}")
    return value


def format_n_best(lists: Iterable[Iterable[Candidate]]) -> Iterator[str]:
    """Yields the lines of the lists, with line ends."""
    for index, candidates in enumerate(lists):
        for candidate in candidates:
            words = (
                f"{name}= {' '.join(f'{value:.6f}' for value in values)}" for name, values in candidate.features.items()
            )
            features = [" ".join(words)] if candidate.features else []
            yield BAR.join([str(index), candidate.text, *features, f"{candidate.score:.6f}"]) + "\n"
