"""Statistics of BLEU per line, whose sum gives the BLEU of any choice of lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sacrebleu.metrics import BLEU

from seq2seq.metrics.tokenization import SPACED, Tokenization

WIDTH = 2 * BLEU().max_ngram_order + 2


def bleu_counts(
    hypotheses: Sequence[str], references: Sequence[str], tokenization: Tokenization = SPACED
) -> np.ndarray:
    """Returns `(lines, WIDTH)` counts that `bleu` sums: matching n-grams, all n-grams, both lengths."""
    metric = BLEU(
        tokenize=tokenization.name, force=tokenization.name == "none", effective_order=True
    )  # for single lines sacreBLEU asks for it; the counts do not depend on it
    rows = []
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        found = metric.sentence_score(hypothesis, [reference])
        rows.append([*found.counts, *found.totals, found.sys_len, found.ref_len])
    return np.asarray(rows, np.int64).reshape(-1, WIDTH)


def bleu_of(counts: np.ndarray) -> float:
    """Returns the BLEU of lines with these `(lines, WIDTH)` counts, equal to `bleu`; 0 to 100."""
    total = [int(number) for number in counts.sum(axis=0)]
    orders = WIDTH // 2 - 1
    return float(BLEU.compute_bleu(total[:orders], total[orders:-2], *total[-2:], smooth_method="exp").score)
