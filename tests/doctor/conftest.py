from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from seq2seq.doctor.diagnose import Diagnosis, Options, diagnose
from seq2seq.doctor.reading import Layout
from seq2seq.text.corpus import ParallelText, text_at

ENGLISH = "the quick brown house where children sing with their mothers while winter wind blows through open windows"
GERMAN = "das schnelle braune Haus worin Kinder mit ihren Müttern singen während Wind durch offene Fenster weht"
PAIRS = list(zip(ENGLISH.split(), GERMAN.split(), strict=False))


def clean(count: int = 300, seed: int = 1) -> list[tuple[str, str]]:
    """Pairs of which none has anything wrong."""
    draw, seen, pairs = random.Random(seed), set(), []
    while len(pairs) < count:
        words = draw.sample(PAIRS, draw.randint(7, 12))
        key = tuple(word for word, _ in words)
        if key not in seen:
            seen.add(key)
            pairs.append(tuple(" ".join(word[side] for word in words) for side in (0, 1)))
    return pairs


@pytest.fixture
def pairs() -> list[tuple[str, str]]:
    return clean()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Layout]:
    """Writes pairs, or lines of bytes, to two files; returns where they are."""

    def write_(pairs: Sequence[tuple[str | bytes, str | bytes]], name: str = "text") -> Layout:
        paths = [tmp_path / f"{name}.{end}" for end in ("en", "de")]
        for side, path in enumerate(paths):
            sides = [pair[side] for pair in pairs]
            path.write_bytes(b"".join((x if isinstance(x, bytes) else x.encode()) + b"\n" for x in sides))
        return Layout.of(ParallelText(*paths))

    return write_


@pytest.fixture
def look(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Diagnosis]:
    """Diagnoses a layout."""

    def look_(layout: Layout, **options: object) -> Diagnosis:
        options = {"languages": ("en", "de"), "processes": 1} | options
        return diagnose(layout, tmp_path_factory.mktemp("work"), Options(**options))

    return look_


@pytest.fixture
def case(tmp_path: Path) -> Callable[[Iterable[str]], Layout]:
    """Writes lines to a table; returns where it is."""

    def case_(lines: Iterable[str]) -> Layout:
        path = tmp_path / "case.tsv"
        path.write_text("".join(line + "\n" for line in lines), "utf-8")
        return Layout.of(text_at(str(path)))

    return case_


@pytest.fixture
def found() -> Callable[..., dict[tuple[str, str], list[int]]]:
    """The first lines of each finding, by kind and side."""

    def found_(diagnosis: Diagnosis) -> dict[tuple[str, str], list[int]]:
        return {(f.kind, f.side): [e.line for e in f.examples] for f in diagnosis.report.findings}

    return found_
