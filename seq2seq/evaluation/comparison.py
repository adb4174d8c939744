"""Several systems on one test set: scores with tests of significance, by kinds of lines, and where they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import numpy as np

from seq2seq.evaluation.significance import SAMPLES, Tested, mean_tests, sacrebleu_tests
from seq2seq.metrics.bleu import bleu
from seq2seq.metrics.exact import character_error_rate, character_errors, exact_match, exact_match_lines
from seq2seq.metrics.rouge import KINDS, rouge, rouge_lines
from seq2seq.metrics.summary import kept_word_scores
from seq2seq.metrics.tokenization import SPACED, Tokenization
from seq2seq.types import Example

LENGTHS = (1, 6, 11, 16, 21, 31)
"""Where the buckets by source length begin, in words."""
RARE = 1
"""A word is rare that the counted text has at most so often."""


@dataclass(frozen=True)
class System:
    """What is compared."""

    name: str
    hypotheses: Sequence[str]
    signatures: Mapping[str, str]
    """Of the scores on record, by metric; what must be equal for systems to be compared."""


@dataclass(frozen=True)
class Bucket:
    """Some lines of the test, and the scores of every system on them."""

    kind: str
    """What the lines are told apart by."""
    label: str
    lines: int
    scores: list[float]


@dataclass(frozen=True)
class Difference:
    """A line in which a system and the baseline differ much."""

    line: int
    """From 1."""
    system: str
    gain: float
    """The line's score less that of the baseline."""
    source: str
    reference: str
    baseline_output: str
    output: str


@dataclass(frozen=True)
class Comparison:
    """All that was found."""

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
    task: str,
    how: Tokenization,
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
        task: As in recipes. Translation has BLEU, chrF, TER, exact match and character error rate, summaries have
            ROUGE, compressions token F1 too.
        how: The tokenisation of the references' language.
        examples: The test set.
        systems: At least two; their hypotheses run parallel to `examples`.
        counted: Source text to count words in, for the buckets of rare words; None: the test's own.
        labels: One for each line, for buckets of the user's own; or none.
        shown: How many of the largest differences to keep, each way and system.
        samples: See `significance.SAMPLES`.
        source: The tokenisation of the sources' language.

    Raises:
        ValueError: fewer than two systems, lists that are not parallel, or scores on record with other signatures.
    """
    check_comparable(examples, systems)
    if labels and len(labels) != len(examples):
        raise ValueError(f"{len(labels):,} bucket labels for {len(examples):,} lines: they must run in parallel.")
    references = [example.target for example in examples]
    named = {system.name: system.hypotheses for system in systems}
    if task == "translation":
        scores = sacrebleu_tests(named, references, ("bleu", "chrf", "ter"), samples, how)
        scores |= _exact_tests(references, systems, samples)
        by_line, example_metric = [_chrf_lines(system.hypotheses, references) for system in systems], "chrF of the line"
    else:
        scores, by_line = _summary_tests(task, how, examples, systems, samples)
        example_metric = "mean of ROUGE-1, -2, -L of the line"
    groups = [
        ("source length in words", [_length(source.count(e.source)) for e in examples]),
        ("rare words in the source", _rarity([e.source for e in examples], counted, source)),
    ]
    if labels:
        groups.append(("label", list(labels)))
    buckets = [
        _bucket(kind, label, [i for i, own in enumerate(each) if own == label], task, how, examples, systems)
        for kind, each in groups
        for label in sorted(set(each), key=lambda text: (len(text.split("-")[0]), text))
    ]
    bucket_metric = "BLEU" if task == "translation" else "mean of ROUGE-1, -2, -L"
    found = _differences(examples, systems, by_line, shown)
    return Comparison(test, len(examples), list(named), scores, bucket_metric, buckets, example_metric, found)


def check_comparable(examples: Sequence[Example], systems: Sequence[System]) -> None:
    """ValueError says what keeps systems from being compared."""
    if len(systems) < 2 or len({system.name for system in systems}) < len(systems):
        raise ValueError(f"A comparison wants two systems or more. Received: {', '.join(s.name for s in systems)}")
    first = systems[0]
    for system in systems:
        if len(system.hypotheses) != len(examples):
            raise ValueError(
                f"{system.name} has {len(system.hypotheses):,} hypotheses for {len(examples):,} references. "
                "Were they written for another version of the test set? Evaluate it again."
            )
        for metric in first.signatures.keys() & system.signatures.keys():
            ours, theirs = first.signatures[metric], system.signatures[metric]
            if ours != theirs:
                raise ValueError(
                    f"The scores of {first.name} and {system.name} cannot be compared, their signatures differ:\n"
                    f"  {metric} of {first.name}: {ours}\n  {metric} of {system.name}: {theirs}\n"
                    "Evaluate both again with the same versions and options."
                )


def _summary_tests(
    task: str, how: Tokenization, examples: Sequence[Example], systems: Sequence[System], samples: Mapping[str, int]
) -> tuple[dict[str, list[Tested]], list[np.ndarray]]:
    references = [[e.target] for e in examples]
    found = [
        {
            kind: np.asarray([row[0] for row in rows])
            for kind, rows in rouge_lines(s.hypotheses, references, how).items()
        }
        for s in systems
    ]
    signatures = {name: score.signature for name, score in rouge(["x"], [["x"]], how).items()}
    scores = {kind: mean_tests([lines[kind] for lines in found], signatures[kind], samples) for kind in KINDS}
    if task == "compression":
        sources, targets = [e.source for e in examples], [e.target for e in examples]
        found_f1 = [
            [kept_word_scores([a], [b], [c], how)["f1"] for a, b, c in zip(sources, s.hypotheses, targets, strict=True)]
            for s in systems
        ]
        f1 = [np.asarray([score.score for score in lines]) for lines in found_f1]
        scores["f1"] = mean_tests(f1, found_f1[0][0].signature, samples)
    return scores, [np.mean([lines[kind] for kind in KINDS], axis=0) for lines in found]


def _exact_tests(
    references: Sequence[str], systems: Sequence[System], samples: Mapping[str, int]
) -> dict[str, list[Tested]]:
    matches = [exact_match_lines(system.hypotheses, references) for system in systems]
    edits, (lengths, *_) = zip(*(character_errors(system.hypotheses, references) for system in systems), strict=True)
    return {
        "exact_match": mean_tests(matches, exact_match(["x"], ["x"]).signature, samples),
        "cer": mean_tests(
            [100 * each for each in edits], character_error_rate(["x"], ["x"]).signature, samples, lengths
        ),
    }


def _chrf_lines(hypotheses: Sequence[str], references: Sequence[str]) -> np.ndarray:
    from sacrebleu.metrics import CHRF

    metric = CHRF()
    pairs = zip(hypotheses, references, strict=True)
    return np.asarray([metric.sentence_score(ours, [gold]).score for ours, gold in pairs])


def _length(count: int) -> str:
    count = max(1, count)
    place = max(i for i, start in enumerate(LENGTHS) if count >= start)
    return f"{LENGTHS[place]}-{LENGTHS[place + 1] - 1}" if place + 1 < len(LENGTHS) else f"{LENGTHS[place]} and more"


def _rarity(sources: Sequence[str], counted: Sequence[str] | None, how: Tokenization) -> list[str]:
    """A label for each source; of the test's own text a word that stands there once is rare."""
    counts = Counter(word for line in (sources if counted is None else counted) for word in how.words(line.lower()))
    where = "in the test set" if counted is None else "in the training text"
    return [
        f"has a word seen at most {RARE} x {where}"
        if any(counts[word] <= RARE for word in how.words(line.lower()))
        else "has none"
        for line in sources
    ]


def _bucket(
    kind: str,
    label: str,
    chosen: list[int],
    task: str,
    how: Tokenization,
    examples: Sequence[Example],
    systems: Sequence[System],
) -> Bucket:
    references = [examples[i].target for i in chosen]
    scores = []
    for system in systems:
        hypotheses = [system.hypotheses[i] for i in chosen]
        if task == "translation":
            scores.append(bleu(hypotheses, references, how).score)
        else:
            found = rouge(hypotheses, [[reference] for reference in references], how)
            scores.append(fmean(found[name].score for name in KINDS))
    return Bucket(kind, label, len(chosen), scores)


def _differences(
    examples: Sequence[Example], systems: Sequence[System], by_line: Sequence[np.ndarray], shown: int
) -> list[Difference]:
    found = []
    for system, values in zip(systems[1:], by_line[1:], strict=True):
        gains = values - by_line[0]
        rises, falls = (np.argsort(sign * gains, kind="stable")[:shown] for sign in (-1, 1))
        for i in (*(i for i in rises if gains[i] > 0), *(i for i in falls if gains[i] < 0)):
            example = examples[i]
            outputs = systems[0].hypotheses[i], system.hypotheses[i]
            found.append(Difference(int(i) + 1, system.name, float(gains[i]), example.source, example.target, *outputs))
    return found
