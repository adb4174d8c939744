"""What recognisers heard: kept in a table, scored with intervals, and compared. Imports no framework."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from seq2seq.audio.manifest import Manifest, Utterance, load_samples
from seq2seq.evaluation.significance import SAMPLES, Tested, mean_tests
from seq2seq.metrics.error_rate import (
    ErrorCounts,
    character_error_counts,
    character_error_rate,
    error_rates,
    word_error_counts,
    word_error_rate,
)
from seq2seq.metrics.score import Score
from seq2seq.text.lines import read_lines
from seq2seq.text.opening import CorpusError

if TYPE_CHECKING:
    from seq2seq.inference.recognition import Recognizer

HEADER = "test\tplace\ttext\theard"
BLOCK = 256
"""Utterances that are in memory at once."""
SHOWN = 5
"""Utterances that are shown each way."""


class Heard(NamedTuple):
    """An utterance and what was heard of it."""

    test: str
    place: str
    """File and line of its manifest."""
    text: str
    heard: str


def table(rows: Iterable[Heard]) -> str:
    """Returns the rows as lines of a table with a header."""
    return "".join("\t".join(" ".join(field.split()) for field in row) + "\n" for row in [HEADER.split("\t"), *rows])


def read_table(path: Path) -> list[Heard]:
    """Reads what `table` made; CorpusError names a missing file and a line of another form."""
    rows = []
    for number, line in enumerate(read_lines(path), 1):
        fields = line.split("\t")
        if number == 1 and line != HEADER:
            raise CorpusError(f"{path}:1: expected the columns {', '.join(HEADER.split())}. Received: {line[:80]!r}")
        if len(fields) != 4:
            raise CorpusError(f"{path}:{number}: expected 4 columns. Received: {len(fields)}")
        if number > 1:
            rows.append(Heard(*fields))
    if not rows:
        raise CorpusError(f"{path}: expected utterances. Received: none")
    return rows


@dataclass(frozen=True)
class Evaluated:
    """A manifest and what was heard of it."""

    utterances: list[Utterance]
    texts: list[str]
    scores: Mapping[str, Score]
    seconds: float
    """Of sound."""

    def heard(self, test: str) -> list[Heard]:
        """Returns the utterances of a test set of this name, and what was heard."""
        return [Heard(test, u.place, u.text, text) for u, text in zip(self.utterances, self.texts, strict=True)]


def evaluate(recognizer: Recognizer, manifest: Path, channel: int) -> Evaluated:
    """Transcribes the utterances of a manifest and counts the errors; `channel` is as in a recipe.

    Raises:
        ValueError: the manifest or a recording is missing or damaged, or there is no utterance.
    """
    utterances = list(Manifest(manifest))
    texts, seconds = list[str](), 0.0
    for start in range(0, len(utterances), BLOCK):
        samples = [load_samples(utterance, recognizer.rate, channel) for utterance in utterances[start : start + BLOCK]]
        seconds += sum(len(part) for part in samples) / recognizer.rate
        found = recognizer.transcribe_frames([recognizer.frontend.frames(part) for part in samples])
        texts += [result.text for result in found]
    return Evaluated(utterances, texts, error_rates(texts, [u.text for u in utterances]), seconds)


@dataclass(frozen=True)
class Errors:
    """Errors of a system in a unit, such as words."""

    score: Tested
    substitutions: int
    deletions: int
    insertions: int
    length: int
    """Units of the references."""


@dataclass(frozen=True)
class Comparison:
    """Systems on one test set, the baseline first."""

    test: str
    utterances: int
    scores: Mapping[str, Mapping[str, Errors]]
    """By the name of the measure, and by system."""
    better: Mapping[str, Sequence[tuple[str, str, str]]]
    """By system: text, heard by the baseline, heard by it, where it has fewer errors; the largest differences first."""
    worse: Mapping[str, Sequence[tuple[str, str, str]]]

    def as_json(self) -> dict[str, Any]:
        """Returns the comparison for JSON."""
        return asdict(self)


def compare(
    systems: Mapping[str, Sequence[Heard]], shown: int = SHOWN, samples: Mapping[str, int] = SAMPLES
) -> list[Comparison]:
    """Compares systems on the test sets that all have.

    Args:
        systems: What each heard, by its name; the baseline first.
        shown: Utterances to show each way.
        samples: As `SAMPLES`.

    Raises:
        ValueError: they share no test set, or their texts differ.
    """
    parted = {name: _by_test(rows) for name, rows in systems.items()}
    first = next(iter(parted))
    shared = [test for test in parted[first] if all(test in tests for tests in parted.values())]
    if not shared:
        known = "; ".join(f"{name}: {', '.join(tests)}" for name, tests in parted.items())
        raise ValueError(f"Expected a test set that all have. Received: {known}")
    return [_compare(test, {name: tests[test] for name, tests in parted.items()}, shown, samples) for test in shared]


def _by_test(rows: Sequence[Heard]) -> dict[str, list[Heard]]:
    tests: dict[str, list[Heard]] = {}
    for row in rows:
        tests.setdefault(row.test, []).append(row)
    return tests


def _compare(test: str, systems: Mapping[str, Sequence[Heard]], shown: int, samples: Mapping[str, int]) -> Comparison:
    names = list(systems)
    texts = [row.text for row in systems[names[0]]]
    for name, rows in systems.items():
        other = [row.text for row in rows]
        if other != texts:
            place = next((n for n, pair in enumerate(zip(other, texts, strict=False)) if pair[0] != pair[1]), None)
            which = f"utterance {place + 1} differs" if place is not None else f"{len(texts)} and {len(other)} of them"
            raise ValueError(f"{test}: expected the same texts of {names[0]} and {name}. Received: {which}")
    heard = {name: [row.heard for row in rows] for name, rows in systems.items()}
    counts = {name: word_error_counts(lines, texts) for name, lines in heard.items()}
    signatures = {
        "wer": word_error_rate(heard[names[0]], texts).signature,
        "cer": character_error_rate(heard[names[0]], texts).signature,
    }
    characters = {name: character_error_counts(lines, texts) for name, lines in heard.items()}
    scores = {
        measure: _tested(found, signatures[measure], samples)
        for measure, found in {"wer": counts, "cer": characters}.items()
    }
    better: dict[str, list[tuple[str, str, str]]] = {}
    worse: dict[str, list[tuple[str, str, str]]] = {}
    for name in names[1:]:
        gained = counts[names[0]].errors - counts[name].errors
        order = np.argsort(-gained, kind="stable")
        lines = [(texts[n], heard[names[0]][n], heard[name][n]) for n in order]
        better[name] = [line for line, n in zip(lines, order, strict=True) if gained[n] > 0][:shown]
        worse[name] = [line for line, n in zip(lines[::-1], order[::-1], strict=True) if gained[n] < 0][:shown]
    return Comparison(test, len(texts), scores, better, worse)


def _tested(counts: Mapping[str, ErrorCounts], signature: str, samples: Mapping[str, int]) -> dict[str, Errors]:
    lengths = next(iter(counts.values())).lengths
    tested = mean_tests([100.0 * found.errors for found in counts.values()], signature, samples, lengths.astype(float))
    return {
        name: Errors(
            score,
            int(found.substitutions.sum()),
            int(found.deletions.sum()),
            int(found.insertions.sum()),
            int(lengths.sum()),
        )
        for (name, found), score in zip(counts.items(), tested, strict=True)
    }


def measured(rows: Sequence[Heard], samples: Mapping[str, int] = SAMPLES) -> dict[str, Errors]:
    """Returns the errors of one system by the name of the measure, with intervals."""
    [comparison] = compare({"": [row._replace(test="") for row in rows]}, 0, samples)
    return {measure: found[""] for measure, found in comparison.scores.items()}


def as_text(comparison: Comparison) -> str:
    """Returns a comparison in lines."""
    wide = max(len("system"), *(len(name) for found in comparison.scores.values() for name in found))
    lines = [f"{comparison.test}: {comparison.utterances:,} utterances", ""]
    for measure, found in comparison.scores.items():
        lines.append(f"{measure:<8}{'':<{wide}}   95 %   sub   del   ins        p (bootstrap, randomisation)")
        for name, errors in found.items():
            score = errors.score
            kinds = f"{errors.substitutions:>6}{errors.deletions:>6}{errors.insertions:>6}"
            p = "" if score.p_bootstrap is None else f"   {score.p_bootstrap:.4f} {score.p_randomization:.4f}"
            lines.append(f"{score.score:>7.2f} {name:<{wide}} ±{score.interval:5.2f}{kinds} of {errors.length:,}{p}")
        lines += [f"        {next(iter(found.values())).score.signature}", ""]
    for title, examples in (("better", comparison.better), ("worse", comparison.worse)):
        for name, rows in examples.items():
            if rows:
                lines.append(f"{name} {title} than the baseline:")
            for text, base, other in rows:
                lines += [f"  {text}", f"    baseline  {base}", f"    this      {other}"]
    return "\n".join(lines).rstrip()
