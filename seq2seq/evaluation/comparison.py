"""Several systems on one test set: scores with significance tests, by groups of lines, and the largest differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from seq2seq.evaluation.measures import Measures, Outputs
from seq2seq.evaluation.significance import SAMPLES, Tested
from seq2seq.metrics.tokenization import SPACED, Tokenization
from seq2seq.text.examples import Example

LENGTHS = (1, 6, 11, 16, 21, 31)
"""The smallest source length of each bucket, in words."""
RARE = 1
"""A word is rare if the counted text has it at most this often."""


@dataclass(frozen=True)
class System:
    """A system to compare."""

    name: str
    hypotheses: Sequence[str]
    signatures: Mapping[str, str]
    """Signatures of the recorded scores, by metric; they must be equal for a comparison."""


@dataclass(frozen=True)
class Bucket:
    """A group of lines of the test set, and the score of each system on it."""

    kind: str
    """What the lines are grouped by."""
    label: str
    lines: int
    scores: list[float]


@dataclass(frozen=True)
class Difference:
    """A line on which a system and the baseline differ most."""

    line: int
    """From 1."""
    system: str
    gain: float
    """The line's score minus the baseline's."""
    source: str
    reference: str
    baseline_output: str
    output: str


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison."""

    test: str
    lines: int
    systems: list[str]
    scores: dict[str, list[Tested]]
    """By metric, in the order of the systems; the first is the baseline."""
    bucket_metric: str
    buckets: list[Bucket]
    example_metric: str
    examples: list[Difference]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def compare(
    test: str,
    measures: Measures,
    tokenization: Tokenization,
    examples: Sequence[Example],
    systems: Sequence[System],
    counted: Sequence[str] | None = None,
    labels: Sequence[str] = (),
    shown: int = 5,
    samples: Mapping[str, int] = SAMPLES,
    source: Tokenization = SPACED,
) -> Comparison:
    """Compares systems with the first of them.

    Args:
        test: Name of the test set.
        measures: The scores of the task.
        tokenization: The tokenisation of the references' language.
        examples: The test set.
        systems: At least two; their hypotheses run parallel to `examples`.
        counted: Source text in which words are counted, for the buckets of rare words; None: the test set.
        labels: A label for each line, for the user's own buckets; or empty.
        shown: How many of the largest differences to keep, for each system and direction.
        samples: See `significance.SAMPLES`.
        source: The tokenisation of the sources' language.

    Raises:
        ValueError: fewer than two systems, lists of unequal length, or recorded scores with unequal signatures.
    """
    check_comparable(examples, systems)
    if labels and len(labels) != len(examples):
        raise ValueError(f"{len(labels):,} bucket labels for {len(examples):,} lines: they must run in parallel.")
    outputs = {system.name: system.hypotheses for system in systems}
    scores, by_line = measures.tests(outputs, examples, tokenization, samples)
    groups = [
        ("source length in words", [_length(source.count(e.source)) for e in examples]),
        ("rare words in the source", _rarity([e.source for e in examples], counted, source)),
    ]
    if labels:
        groups.append(("label", list(labels)))
    buckets = [
        _bucket(
            kind, label, [i for i, own in enumerate(each) if own == label], measures, tokenization, examples, outputs
        )
        for kind, each in groups
        for label in sorted(set(each), key=lambda text: (len(text.split("-")[0]), text))
    ]
    return Comparison(
        test=test,
        lines=len(examples),
        systems=list(outputs),
        scores=scores,
        bucket_metric=measures.bucket_metric,
        buckets=buckets,
        example_metric=measures.line_metric,
        examples=_differences(examples, systems, by_line, shown),
    )


def check_comparable(examples: Sequence[Example], systems: Sequence[System]) -> None:
    """Raises ValueError if the systems cannot be compared."""
    if len(systems) < 2 or len({system.name for system in systems}) < len(systems):
        names = ", ".join(system.name for system in systems)
        raise ValueError(f"A comparison needs at least two systems, of different names. Received: {names}")
    first = systems[0]
    for system in systems:
        if len(system.hypotheses) != len(examples):
            raise ValueError(
                f"{system.name} has {len(system.hypotheses):,} hypotheses for {len(examples):,} references. "
                "Were they written for another version of the test set? Evaluate it again."
            )
        for metric in first.signatures.keys() & system.signatures.keys():
            expected, signature = first.signatures[metric], system.signatures[metric]
            if signature != expected:
                raise ValueError(
                    f"The scores of {first.name} and {system.name} cannot be compared, their signatures differ:\n"
                    f"  {metric} of {first.name}: {expected}\n  {metric} of {system.name}: {signature}\n"
                    "Evaluate both again with the same versions and options."
                )


def _length(count: int) -> str:
    count = max(1, count)
    place = max(i for i, start in enumerate(LENGTHS) if count >= start)
    return f"{LENGTHS[place]}-{LENGTHS[place + 1] - 1}" if place + 1 < len(LENGTHS) else f"{LENGTHS[place]} and more"


def _rarity(sources: Sequence[str], counted: Sequence[str] | None, tokenization: Tokenization) -> list[str]:
    """Returns a label for each source. If words are counted in the test set, one that occurs once is rare."""
    counts = Counter(
        word for line in (sources if counted is None else counted) for word in tokenization.words(line.lower())
    )
    where = "in the test set" if counted is None else "in the training text"
    return [
        f"has a word seen at most {RARE} x {where}"
        if any(counts[word] <= RARE for word in tokenization.words(line.lower()))
        else "has none"
        for line in sources
    ]


def _bucket(
    kind: str,
    label: str,
    chosen: list[int],
    measures: Measures,
    tokenization: Tokenization,
    examples: Sequence[Example],
    systems: Outputs,
) -> Bucket:
    references = [examples[i].target for i in chosen]
    outputs = [[lines[i] for i in chosen] for lines in systems.values()]
    scores = [measures.bucket_score(lines, references, tokenization) for lines in outputs]
    return Bucket(kind, label, len(chosen), scores)


def _differences(
    examples: Sequence[Example], systems: Sequence[System], by_line: Sequence[np.ndarray], shown: int
) -> list[Difference]:
    differences = []
    for system, values in zip(systems[1:], by_line[1:], strict=True):
        gains = values - by_line[0]
        rises, falls = (np.argsort(sign * gains, kind="stable")[:shown] for sign in (-1, 1))
        for i in (*(i for i in rises if gains[i] > 0), *(i for i in falls if gains[i] < 0)):
            example = examples[i]
            differences.append(
                Difference(
                    line=int(i) + 1,
                    system=system.name,
                    gain=float(gains[i]),
                    source=example.source,
                    reference=example.target,
                    baseline_output=systems[0].hypotheses[i],
                    output=system.hypotheses[i],
                )
            )
    return differences
