"""ROUGE by the `rouge-score` package (Lin 2004). A score never travels without its signature."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from statistics import fmean
from typing import Any

from seq2seq.metrics.bleu import check_parallel
from seq2seq.metrics.score import Score
from seq2seq.metrics.tokenization import SPACED, Tokenization

KINDS = ("rouge1", "rouge2", "rougeL")


def rouge(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], tokenization: Tokenization = SPACED
) -> dict[str, Score]:
    """Returns rouge1, rouge2 and rougeL: F1 in percent, averaged over lines.

    Where a line has further references, its score is that of the first one; `…_mean` is the mean over all of its
    references and `…_best` that of the best one.

    Args:
        hypotheses: A text a line.
        references: One or more for each, the main one first.
        tokenization: Of the text. English: the package's tokeniser and Porter's stemmer; otherwise words as they are.

    Raises:
        ValueError: nothing to score, or lists of unequal length.
    """
    found = rouge_lines(hypotheses, references, tokenization)
    tokens = "stemmer:none|tok:words" if tokenization.has_blanks else f"stemmer:none|tok:{tokenization.name}"
    tokens = "stemmer:porter|tok:default" if _is_english(tokenization) else tokens
    signature = f"{{}}|f1|lang:{tokenization.language}|{tokens}|rouge-score:{metadata.version('rouge-score')}"
    scores: dict[str, Score] = {}
    ways: list[tuple[str, str, Any]] = [("", "refs:1", lambda row: row[0])]
    if most := max(map(len, references)) - 1:
        ways += [("_mean", f"refs:{most + 1}|mean", fmean), ("_best", f"refs:{most + 1}|best", max)]
    for suffix, label, choose in ways:
        for kind in KINDS:
            scores[kind + suffix] = Score(fmean(map(choose, found[kind])), signature.format(f"{kind}|{label}"))
    return scores


def rouge_lines(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], tokenization: Tokenization = SPACED
) -> dict[str, list[list[float]]]:
    """Returns F1 in percent by kind, line and reference; see `rouge`."""
    from rouge_score import rouge_scorer

    check_parallel(hypotheses, references)
    english = _is_english(tokenization)
    scorer = rouge_scorer.RougeScorer(KINDS, use_stemmer=english, tokenizer=None if english else tokenization)
    found: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
    for hypothesis, refs in zip(hypotheses, references, strict=True):
        each = [scorer.score(reference, hypothesis) for reference in refs]
        for kind in KINDS:
            found[kind].append([100 * score[kind].fmeasure for score in each])
    return found


def mean_rouge(hypotheses: Sequence[str], references: Sequence[str], tokenization: Tokenization = SPACED) -> Score:
    """Returns the mean of rouge1, rouge2 and rougeL with one reference each: one number to choose an epoch by."""
    scores = rouge(hypotheses, [[reference] for reference in references], tokenization)
    return Score(fmean(s.score for s in scores.values()), scores["rouge1"].signature.replace("rouge1", "mean-1-2-L"))


def _is_english(tokenization: Tokenization) -> bool:
    return tokenization.language == "en" and tokenization.has_blanks
