"""How the outputs of a task are scored, as values that tasks refer to. Imports no framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from seq2seq.evaluation.significance import Tested, mean_tests, sacrebleu_tests
from seq2seq.metrics.bleu import bleu, bleu_published, chrf, ter
from seq2seq.metrics.error_rate import character_error_rate, character_errors
from seq2seq.metrics.exact import exact_match, exact_match_lines
from seq2seq.metrics.rouge import KINDS, rouge, rouge_lines
from seq2seq.metrics.score import Score
from seq2seq.metrics.summary import describe_summaries, kept_word_scores, names_right
from seq2seq.metrics.tokenization import Tokenization
from seq2seq.text.examples import Example

Outputs = Mapping[str, Sequence[str]]
"""Outputs of each system by its name, a line for each example; the first system is the baseline."""
Tests = tuple[dict[str, list[Tested]], list[np.ndarray]]
"""Scores by metric, one for each system in order; and for each system a score for each line."""


@dataclass(frozen=True)
class Measures:
    """The scores of a task and how systems are compared by them."""

    scores: Callable[[Sequence[str], Sequence[Example], Tokenization], dict[str, Score]]
    """Returns all scores of outputs by name."""
    tests: Callable[[Outputs, Sequence[Example], Tokenization, Mapping[str, int]], Tests]
    """Returns the scores of several systems with significance tests."""
    line_metric: str
    """Name of the score of single lines."""
    bucket_score: Callable[[Sequence[str], Sequence[str], Tokenization], float]
    """Returns the score of some lines, given outputs and references."""
    bucket_metric: str
    """Name of that score."""
    has_bleu: bool
    """Whether BLEU is among the scores."""


def translation_scores(
    outputs: Sequence[str], examples: Sequence[Example], tokenization: Tokenization
) -> dict[str, Score]:
    """Returns bleu (cased), bleu_published (lower-cased, Moses-tokenised), chrf, ter, exact_match and cer."""
    references = [example.target for example in examples]
    return {
        "bleu": bleu(outputs, references, tokenization),
        "bleu_published": bleu_published(tokenization)(outputs, references),
        "chrf": chrf(outputs, references),
        "ter": ter(outputs, references, tokenization),
        "exact_match": exact_match(outputs, references),
        "cer": character_error_rate(outputs, references),
    }


def summary_scores(outputs: Sequence[str], examples: Sequence[Example], tokenization: Tokenization) -> dict[str, Score]:
    """Returns the scores of `rouge`, `names_right` and `describe_summaries`."""
    return _rouge_scores(outputs, examples, tokenization) | _description_scores(outputs, examples, tokenization)


def compression_scores(
    outputs: Sequence[str], examples: Sequence[Example], tokenization: Tokenization
) -> dict[str, Score]:
    """Returns the scores of summaries and those of `kept_word_scores`."""
    sources, targets = [example.source for example in examples], [example.target for example in examples]
    kept = kept_word_scores(sources, outputs, targets, tokenization)
    rouges = _rouge_scores(outputs, examples, tokenization)
    return rouges | kept | _description_scores(outputs, examples, tokenization)


def _rouge_scores(outputs: Sequence[str], examples: Sequence[Example], tokenization: Tokenization) -> dict[str, Score]:
    return rouge(outputs, [(example.target, *example.references) for example in examples], tokenization)


def _description_scores(
    outputs: Sequence[str], examples: Sequence[Example], tokenization: Tokenization
) -> dict[str, Score]:
    sources, targets = [example.source for example in examples], [example.target for example in examples]
    names = names_right(outputs, targets, tokenization)
    return {"names": names} | describe_summaries(sources, outputs, tokenization)


def _translation_tests(
    systems: Outputs, examples: Sequence[Example], tokenization: Tokenization, samples: Mapping[str, int]
) -> Tests:
    references = [example.target for example in examples]
    scores = sacrebleu_tests(systems, references, ("bleu", "chrf", "ter"), samples, tokenization)
    matches = [exact_match_lines(outputs, references) for outputs in systems.values()]
    errors = [character_errors(outputs, references) for outputs in systems.values()]
    edits, lengths = [100 * each for each, _ in errors], errors[0][1]
    scores["exact_match"] = mean_tests(matches, exact_match(["x"], ["x"]).signature, samples)
    scores["cer"] = mean_tests(edits, character_error_rate(["x"], ["x"]).signature, samples, lengths)
    return scores, [_chrf_lines(outputs, references) for outputs in systems.values()]


def _chrf_lines(outputs: Sequence[str], references: Sequence[str]) -> np.ndarray:
    from sacrebleu.metrics import CHRF

    metric = CHRF()
    pairs = zip(outputs, references, strict=True)
    return np.asarray([metric.sentence_score(output, [reference]).score for output, reference in pairs])


def _summary_tests(
    systems: Outputs, examples: Sequence[Example], tokenization: Tokenization, samples: Mapping[str, int]
) -> Tests:
    references = [[example.target] for example in examples]
    lines = []
    for outputs in systems.values():
        rouges = rouge_lines(outputs, references, tokenization)
        lines.append({kind: np.asarray([row[0] for row in rows]) for kind, rows in rouges.items()})
    signatures = {name: score.signature for name, score in rouge(["x"], [["x"]], tokenization).items()}
    scores = {kind: mean_tests([each[kind] for each in lines], signatures[kind], samples) for kind in KINDS}
    return scores, [np.mean([each[kind] for kind in KINDS], axis=0) for each in lines]


def _compression_tests(
    systems: Outputs, examples: Sequence[Example], tokenization: Tokenization, samples: Mapping[str, int]
) -> Tests:
    scores, by_line = _summary_tests(systems, examples, tokenization, samples)
    f1 = [
        [
            kept_word_scores([example.source], [output], [example.target], tokenization)["f1"]
            for example, output in zip(examples, outputs, strict=True)
        ]
        for outputs in systems.values()
    ]
    values = [np.asarray([score.score for score in lines]) for lines in f1]
    return scores | {"f1": mean_tests(values, f1[0][0].signature, samples)}, by_line


def _mean_rouge(outputs: Sequence[str], references: Sequence[str], tokenization: Tokenization) -> float:
    scores = rouge(outputs, [[reference] for reference in references], tokenization)
    return fmean(scores[name].score for name in KINDS)


TRANSLATION = Measures(
    scores=translation_scores,
    tests=_translation_tests,
    line_metric="chrF of the line",
    bucket_score=lambda outputs, references, tokenization: bleu(outputs, references, tokenization).score,
    bucket_metric="BLEU",
    has_bleu=True,
)
SUMMARIES = Measures(
    scores=summary_scores,
    tests=_summary_tests,
    line_metric="mean of ROUGE-1, -2, -L of the line",
    bucket_score=_mean_rouge,
    bucket_metric="mean of ROUGE-1, -2, -L",
    has_bleu=False,
)
COMPRESSION = Measures(
    scores=compression_scores,
    tests=_compression_tests,
    line_metric="mean of ROUGE-1, -2, -L of the line",
    bucket_score=_mean_rouge,
    bucket_metric="mean of ROUGE-1, -2, -L",
    has_bleu=False,
)
