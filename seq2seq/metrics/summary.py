"""How a summary relates to its source: compression, copied and novel n-grams, repetition, kept words."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from seq2seq.metrics.score import Score
from seq2seq.metrics.subsequence import longest_common_subsequence
from seq2seq.metrics.tokenization import SPACED, Tokenization


def ngrams(tokens: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """All runs of `size` tokens, in order."""
    return [tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1)]


def _signed(tokenization: Tokenization, case: str = "cased") -> str:
    """Part of the signatures: how text is split and compared."""
    return f"words:{'unicode+punctuation' if tokenization.has_blanks else tokenization.name}|{case}"


def describe_summaries(
    sources: Sequence[str], hypotheses: Sequence[str], tokenization: Tokenization = SPACED
) -> dict[str, Score]:
    """Returns percentages over all lines: descriptive figures, not measures of quality.

    length: words of the output for 100 of the input. copied: words of the output that stand in its input.
    novel_2, novel_3: bigrams and trigrams of the output that do not. repeated_2: bigrams that the output had before.
    """
    inputs, outputs = ([tokenization.words(text) for text in side] for side in (sources, hypotheses))

    def share(part: float, whole: float, name: str) -> Score:
        return Score(100 * part / max(whole, 1), f"{name}|{_signed(tokenization)}")

    total = sum(map(len, outputs))
    copied = sum(sum(word in set_ for word in out) for out, set_ in zip(outputs, map(set, inputs), strict=True))
    found = {
        "length": share(total, sum(map(len, inputs)), "length"),
        "copied": share(copied, total, "copied"),
    }
    for size in (2, 3):
        grams = [ngrams(out, size) for out in outputs]
        known = [set(ngrams(given, size)) for given in inputs]
        novel = sum(sum(gram not in given for gram in out) for out, given in zip(grams, known, strict=True))
        found[f"novel_{size}"] = share(novel, sum(map(len, grams)), f"novel_{size}")
        if size == 2:
            again = sum(len(out) - len(set(out)) for out in grams)
            found["repeated_2"] = share(again, sum(map(len, grams)), "repeated_2")
    return found


def kept_words(source: Sequence[str], output: Sequence[str]) -> np.ndarray:
    """Returns `(len(source),)` bool: source words in the earliest longest common subsequence of both."""
    kept = np.zeros(len(source), bool)
    kept[[place for place, _ in longest_common_subsequence(source, output)]] = True
    return kept


def kept_word_scores(
    sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str], tokenization: Tokenization = SPACED
) -> dict[str, Score]:
    """Scores compressions by which source words they keep, as found by `kept_words`.

    Ignores case, since a word may start the compression but not the source.
    f1: of the kept words, the mean over the lines; f1_pooled: over all words together; accuracy: words of the source
    on which both agree; exact: lines in which they agree on every word. All in percent.
    """
    lines = [
        [kept_words(source, tokenization.words(side.casefold())) for side in (hypothesis, reference)]
        for source, hypothesis, reference in zip(
            (tokenization.words(source.casefold()) for source in sources), hypotheses, references, strict=True
        )
    ]
    if not lines:
        raise ValueError("There is nothing to score: no reference.")
    both = np.asarray([(kept & gold).sum() for kept, gold in lines], float)
    each = np.asarray([kept.sum() + gold.sum() for kept, gold in lines], float)
    agreed = [kept == gold for kept, gold in lines]
    found = {
        "f1": fmean(np.where(each > 0, 2 * both / np.maximum(each, 1), 1.0)),
        "f1_pooled": 2 * both.sum() / max(each.sum(), 1),
        "accuracy": float(np.concatenate(agreed).mean()),
        "exact": fmean(bool(line.all()) for line in agreed),
    }
    return {
        name: Score(100 * float(value), f"{name}|kept:lcs|{_signed(tokenization, 'caseless')}")
        for name, value in found.items()
    }


def names_right(hypotheses: Sequence[str], references: Sequence[str], tokenization: Tokenization = SPACED) -> Score:
    """Percentage of lines whose output has every name and number of its reference, equally often.

    A name is a word with a capital letter, a number one with a digit; lines without any are skipped.
    """
    right = []
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        due = [word for word in tokenization.words(reference) if any(c.isupper() or c.isdigit() for c in word)]
        have = tokenization.words(hypothesis)
        if due:
            right.append(all(have.count(word) >= due.count(word) for word in due))
    return Score(100 * fmean(right) if right else 0.0, f"names|{_signed(tokenization)}")
