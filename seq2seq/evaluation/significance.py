"""Whether one system is better than another, or only lucky: paired tests against a baseline.

Paired bootstrap resampling (Koehn 2004) and approximate randomisation (Riezler & Maxwell 2005), computed by
sacreBLEU for BLEU, chrF and TER, and here for scores that are means over lines, such as ROUGE and token F1.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seq2seq.metrics.tokenization import SPACED, Tokenization

SEED = 12345
"""sacreBLEU's seed, also used for the tests of this module."""
SAMPLES = {"bs": 1000, "ar": 10000}
"""Resamples (bs) and trials (ar) of a test: sacreBLEU's defaults."""
_BLOCK = 1 << 22
"""Draws that are in memory at once."""


@dataclass(frozen=True)
class Tested:
    """A score of a system, compared with the baseline."""

    score: float
    interval: float
    """Half the width of the 95 % confidence interval of the score, by bootstrap."""
    p_bootstrap: float | None
    """p-value of the difference if the systems were equal; None for the baseline."""
    p_randomization: float | None
    signature: str


def sacrebleu_tests(
    systems: Mapping[str, Sequence[str]],
    references: Sequence[str],
    names: Sequence[str],
    samples: Mapping[str, int],
    tokenization: Tokenization = SPACED,
) -> dict[str, list[Tested]]:
    """Tests BLEU, chrF and TER.

    Args:
        systems: Hypotheses by name, the baseline first.
        references: A text for each line.
        names: Which of bleu, chrf, ter.
        samples: As `SAMPLES`.
        tokenization: That of the references' language.

    Returns:
        For each metric a `Tested` of each system, in their order.
    """
    from sacrebleu.significance import PairedTest

    from seq2seq.metrics.bleu import sacrebleu_metric, signature_of

    pairs = list(systems.items())
    results: dict[str, dict[str, tuple[Any, str]]] = {name: {} for name in names}
    for kind, count in samples.items():
        metrics = {name: sacrebleu_metric(name, tokenization, references) for name in names}
        with _seeded():
            signatures, found = PairedTest(pairs, metrics, None, kind, count)()
        for name, shown in zip(names, (key for key in found if key != "System"), strict=True):
            results[name][kind] = found[shown], signature_of(metrics[name], signatures[shown])
    tested: dict[str, list[Tested]] = {}
    for name in names:
        bootstrap, signature = results[name]["bs"]
        randomized, _ = results[name]["ar"]
        signature = f"{signature}|ar:{samples['ar']}"
        tested[name] = []
        for one, other in zip(bootstrap, randomized, strict=True):
            p_values = one.p_value, other.p_value
            if tested[name] and one.score == bootstrap[0].score:
                p_values = 1.0, 1.0  # sacreBLEU counts only larger differences, and finds none above 0
            tested[name].append(Tested(one.score, float(one.ci or 0.0), *p_values, signature))
    return tested


@contextlib.contextmanager
def _seeded() -> Iterator[None]:
    """Sets the environment variable of sacreBLEU's seed, and restores it."""
    before = os.environ.get("SACREBLEU_SEED")
    os.environ["SACREBLEU_SEED"] = str(SEED)
    try:
        yield
    finally:
        if before is None:
            del os.environ["SACREBLEU_SEED"]
        else:
            os.environ["SACREBLEU_SEED"] = before


def mean_tests(
    lines: Sequence[np.ndarray], signature: str, samples: Mapping[str, int], weights: np.ndarray | None = None
) -> list[Tested]:
    """Tests a score that is a mean over lines, or a ratio of sums over lines.

    Args:
        lines: `(lines,)` of each system, the baseline first.
        signature: That of the score.
        samples: As `SAMPLES`.
        weights: `(lines,)`, whose sum divides the sum of `lines`; None: 1 each, which gives the mean.
    """
    baseline, count = lines[0], len(lines[0])
    weights = np.ones(count) if weights is None else weights
    signature = f"{signature}|bs:{samples['bs']}|ar:{samples['ar']}|seed:{SEED}"
    sums, *totals = _resampled([weights, *lines], samples["bs"])
    sums = np.maximum(sums, 1e-9)
    results = []
    for system, values in enumerate(lines):
        means = totals[system] / sums
        low, high = np.percentile(means, [2.5, 97.5])
        total = max(float(weights.sum()), 1e-9)
        score = float(values.sum()) / total
        if system == 0:
            results.append(Tested(score, float(high - low) / 2, None, None, signature))
            continue
        apart = values - baseline
        real = abs(float(apart.sum())) / total
        # Under the null hypothesis the difference spreads around 0 as the resampled one does around its mean.
        resampled = (totals[system] - totals[0]) / sums
        bootstrap = (np.sum(np.abs(resampled - resampled.mean()) >= real) + 1) / (len(resampled) + 1)
        flips = np.random.default_rng(SEED)
        beyond = 0
        trials = max(4, min(500, _BLOCK // count // 4 * 4))  # of 4, as one draw of random bits has 4 signs
        for start in range(0, samples["ar"], trials):
            signs = flips.integers(0, 2, (min(trials, samples["ar"] - start), count), dtype=np.int8) * 2 - 1
            beyond += int((np.abs((signs * apart).sum(axis=1)) / total >= real - 1e-12).sum())
        p_values = float(bootstrap), (beyond + 1) / (samples["ar"] + 1)
        results.append(Tested(score, float(high - low) / 2, *p_values, signature))
    return results


def _resampled(arrays: Sequence[np.ndarray], samples: int) -> list[np.ndarray]:
    """Returns the sums of arrays over the same resamples of their lines, `(samples,)` each."""
    count = len(arrays[0])
    draws = np.random.default_rng(SEED)
    parts: list[list[np.ndarray]] = [[] for _ in arrays]
    step = max(1, _BLOCK // count)
    for start in range(0, samples, step):
        chosen = draws.integers(0, count, (min(step, samples - start), count), dtype=np.int32)
        for part, values in zip(parts, arrays, strict=True):
            part.append(values[chosen].sum(axis=1))
    return [np.concatenate(part) for part in parts]
