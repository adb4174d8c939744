"""BLEU, chrF and TER by sacreBLEU (Post 2018). A score never travels without its signature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sacrebleu.metrics import BLEU, CHRF, TER


@dataclass(frozen=True)
class Score:
    """A number and how it was made."""

    score: float
    """0 to 100 (TER may exceed 100; lower is better there)."""
    signature: str
    """All that must be equal for two numbers to be compared."""


Metric = Callable[[Sequence[str], Sequence[str]], Score]
"""`(hypotheses, references) -> Score`, both detokenised text, line by line."""


def bleu(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Cased BLEU with sacreBLEU's own tokenisation (13a)."""
    return _measure(BLEU(), hypotheses, references)


def chrf(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """chrF2 (Popović 2015)."""
    return _measure(CHRF(), hypotheses, references)


def ter(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Translation edit rate (Snover et al. 2006); lower is better."""
    return _measure(TER(), hypotheses, references)


def bleu_published(language: str) -> Metric:
    """Returns BLEU as published for Multi30k: both sides lower-cased, punctuation normalised, Moses-tokenised."""
    return bleu_prepared(language, lowercase=True, tokenize=True)


def bleu_prepared(language: str, lowercase: bool, tokenize: bool) -> Metric:
    """Returns BLEU on text prepared alike on both sides.

    Args:
        language: Of the text, an ISO 639-1 code; decides on abbreviations and apostrophes.
        lowercase: Lower-case it.
        tokenize: Normalise its punctuation and tokenise it by Moses' rules, instead of by sacreBLEU's 13a.
    """

    def metric(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
        import sacremoses

        normalizer = sacremoses.MosesPunctNormalizer(lang=language)
        tokenizer = sacremoses.MosesTokenizer(lang=language)

        def prepare(line: str) -> str:
            line = line.lower() if lowercase else line
            return str(tokenizer.tokenize(normalizer.normalize(line), return_str=True)) if tokenize else line

        how = BLEU(tokenize="none", force=True) if tokenize else BLEU()
        score = _measure(how, [prepare(h) for h in hypotheses], [prepare(r) for r in references])
        steps = ["lc"] * lowercase + [f"norm+moses-{language}|sacremoses:{sacremoses.__version__}"] * tokenize
        return Score(score.score, "|prepared:".join([score.signature, "+".join(steps)]) if steps else score.signature)

    return metric


def _measure(metric: Any, hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    if len(hypotheses) != len(references):
        raise ValueError(
            f"{len(hypotheses):,} hypotheses for {len(references):,} references: they must run in parallel."
        )
    if not references:
        raise ValueError("There is nothing to score: no reference.")
    result = metric.corpus_score(list(hypotheses), [list(references)])
    return Score(float(result.score), str(metric.get_signature()))
