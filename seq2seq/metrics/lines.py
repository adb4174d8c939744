"""What is wrong with single lines, by any of the scores: the risk of minimum risk training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from sacrebleu.metrics import BLEU

from seq2seq.metrics.bleu import sacrebleu_metric
from seq2seq.metrics.error_rate import character_errors, word_errors
from seq2seq.metrics.exact import exact_match_lines
from seq2seq.metrics.rouge import rouge_lines
from seq2seq.metrics.tokenization import SPACED, Tokenization

Lines = Sequence[str]


def line_risks(name: str, hypotheses: Lines, references: Lines, tokenization: Tokenization = SPACED) -> np.ndarray:
    """Returns what is wrong with each line, `(lines,)`: 0 is perfect, and 1 is as wrong as a score can say.

    Error rates may exceed 1. BLEU of a line counts the orders of n-grams that it has and is smoothed as sacreBLEU does;
    ROUGE is the mean of ROUGE-1, -2 and -L.

    Args:
        name: A name in RISKS.
        hypotheses: A text a line.
        references: One for each.
        tokenization: Of the text, for the scores that count words.

    Raises:
        ValueError: nothing to score, lists of unequal length, or an unknown name.
    """
    if name not in RISKS:
        raise ValueError(f"Unknown measure of single lines. Expected one of {', '.join(RISKS)}. Received: {name!r}")
    return RISKS[name](hypotheses, references, tokenization)


def _bleu(hypotheses: Lines, references: Lines, tokenization: Tokenization) -> np.ndarray:
    name = tokenization.name
    return 1.0 - _sentences(BLEU(tokenize=name, force=name == "none", effective_order=True), hypotheses, references)


def _chrf(hypotheses: Lines, references: Lines, tokenization: Tokenization) -> np.ndarray:
    return 1.0 - _sentences(sacrebleu_metric("chrf", tokenization), hypotheses, references)


def _ter(hypotheses: Lines, references: Lines, tokenization: Tokenization) -> np.ndarray:
    return _sentences(sacrebleu_metric("ter", tokenization), hypotheses, references)


def _rouge(hypotheses: Lines, references: Lines, tokenization: Tokenization) -> np.ndarray:
    kinds = rouge_lines(hypotheses, [[reference] for reference in references], tokenization)
    return 1.0 - np.mean([[row[0] for row in rows] for rows in kinds.values()], axis=0) / 100


def _exact_match(hypotheses: Lines, references: Lines, _: Tokenization) -> np.ndarray:
    return 1.0 - exact_match_lines(hypotheses, references) / 100


def _wer(hypotheses: Lines, references: Lines, _: Tokenization) -> np.ndarray:
    errors, lengths = word_errors(hypotheses, references)
    return errors / np.maximum(lengths, 1.0)


def _cer(hypotheses: Lines, references: Lines, _: Tokenization) -> np.ndarray:
    errors, lengths = character_errors(hypotheses, references)
    return errors / np.maximum(lengths, 1.0)


def _sentences(metric: BLEU, hypotheses: Lines, references: Lines) -> np.ndarray:
    """Returns the score of each line by one of sacreBLEU's metrics, over 100."""
    pairs = zip(hypotheses, references, strict=True)
    return np.asarray([metric.sentence_score(one, [other]).score for one, other in pairs]) / 100


RISKS: Mapping[str, Callable[[Lines, Lines, Tokenization], np.ndarray]] = {
    "bleu": _bleu,
    "chrf": _chrf,
    "ter": _ter,
    "rouge": _rouge,
    "exact_match": _exact_match,
    "wer": _wer,
    "cer": _cer,
}
"""By the names of the scores."""
