"""BLEU, chrF and TER by sacreBLEU (Post 2018). A score never travels without its signature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sacrebleu.metrics import BLEU, CHRF, TER

from seq2seq.metrics.score import Score
from seq2seq.metrics.tokenization import SPACED, Tokenization

Metric = Callable[[Sequence[str], Sequence[str]], Score]
"""`(hypotheses, references) -> Score`, both detokenised text, line by line."""


def bleu(hypotheses: Sequence[str], references: Sequence[str], tokenization: Tokenization = SPACED) -> Score:
    """Cased BLEU with one of sacreBLEU's tokenisers."""
    return _measure(sacrebleu_metric("bleu", tokenization), hypotheses, references)


def chrf(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """chrF2 (Popović 2015), which compares characters and needs no tokeniser."""
    return _measure(CHRF(), hypotheses, references)


def ter(hypotheses: Sequence[str], references: Sequence[str], tokenization: Tokenization = SPACED) -> Score:
    """Translation edit rate (Snover et al. 2006), over tokens for text without blanks; lower is better."""
    return _measure(sacrebleu_metric("ter", tokenization), hypotheses, references)


def sacrebleu_metric(name: str, tokenization: Tokenization, references: Sequence[str] | None = None) -> Any:
    """Returns sacreBLEU's metric "bleu", "chrf" or "ter" for a language; `signature_of` gives its signature."""
    given = None if references is None else [list(references)]
    if name == "chrf":
        return CHRF(references=given)
    if name == "bleu":
        return BLEU(tokenize=tokenization.name, force=tokenization.name == "none", references=given)
    return TER(references=given) if tokenization.has_blanks else _TokenTER(tokenization, given)


class _TokenTER(TER):
    """TER over the tokens of another tokeniser; its own splits only at blanks."""

    def __init__(self, tokenization: Tokenization, references: list[list[str]] | None):
        self.tokenization = tokenization
        super().__init__(references=references)

    def _preprocess_segment(self, sent: str) -> str:
        return str(super()._preprocess_segment(" ".join(self.tokenization.split(sent))))


def signature_of(metric: Any, signature: object) -> str:
    """Returns the signature of a metric made by `sacrebleu_metric`, including our own tokeniser."""
    return f"{signature}|words:{metric.tokenization.name}" if isinstance(metric, _TokenTER) else str(signature)


def bleu_published(tokenization: Tokenization) -> Metric:
    """BLEU as published for Multi30k: both sides lower-cased, punctuation normalised, Moses-tokenised.

    Moses rules need blanks; for text without them this is lower-cased BLEU with the tokeniser of `tokenization`.
    """
    return bleu_prepared(tokenization, lowercase=True, tokenize=True)


def bleu_prepared(tokenization: Tokenization, lowercase: bool, tokenize: bool) -> Metric:
    """BLEU with both sides prepared in the same way.

    Args:
        tokenization: Of the text; its language decides on abbreviations and apostrophes.
        lowercase: Lower-case it.
        tokenize: Normalise its punctuation and tokenise it by Moses' rules instead of `tokenization`, if words are
            separated by blanks.
    """
    language, tokenize = tokenization.language, tokenize and tokenization.has_blanks

    def metric(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
        import sacremoses

        normalizer = sacremoses.MosesPunctNormalizer(lang=language)
        tokenizer = sacremoses.MosesTokenizer(lang=language)

        def prepare(line: str) -> str:
            line = line.lower() if lowercase else line
            return str(tokenizer.tokenize(normalizer.normalize(line), return_str=True)) if tokenize else line

        measured = BLEU(tokenize="none", force=True) if tokenize else sacrebleu_metric("bleu", tokenization)
        score = _measure(measured, [prepare(h) for h in hypotheses], [prepare(r) for r in references])
        steps = ["lc"] * lowercase + [f"norm+moses-{language}|sacremoses:{sacremoses.__version__}"] * tokenize
        return Score(score.score, "|prepared:".join([score.signature, "+".join(steps)]) if steps else score.signature)

    return metric


def check_parallel(hypotheses: Sequence[object], references: Sequence[object]) -> None:
    """Raises ValueError for no references, or unequal numbers of hypotheses and references."""
    if len(hypotheses) != len(references):
        raise ValueError(
            f"{len(hypotheses):,} hypotheses for {len(references):,} references: expected one per reference."
        )
    if not references:
        raise ValueError("There is nothing to score: no reference.")


def _measure(metric: Any, hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    check_parallel(hypotheses, references)
    result = metric.corpus_score(list(hypotheses), [list(references)])
    return Score(float(result.score), signature_of(metric, metric.get_signature()))
