"""How far simultaneous translation lags behind its source, in words. Imports no framework.

The delay of a word is the number of source words that were read when it was written. An output without a word counts as
one word that is written at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from seq2seq import __version__
from seq2seq.metrics.score import Score


class Written(NamedTuple):
    """One output, as latency sees it."""

    delays: Sequence[int]
    """Source words read when each word was written, ascending."""
    source: int
    """Words of the source, at least 1."""
    reference: int
    """Words of the reference."""


def average_lagging(delays: Sequence[int], source: int, target: int) -> float:
    """Words by which an output lags behind one that keeps pace with its source (AL; Ma et al. 2019, eq. 8).

        AL = 1/τ · Σ_{t=1..τ} g(t) - (t - 1) · |x| / |y|, where τ is the first t at which all is read

    Args:
        delays: g.
        source: |x|, words of the source.
        target: |y|, words of what the pace is measured by: the reference, as SimulEval does. 0 counts as 1.
    """
    pace, lags = source / max(1, target), []
    for written, delay in enumerate(delays or (source,)):
        lags.append(delay - written * pace)
        if delay >= source:
            break
    return sum(lags) / len(lags)


def length_adaptive_average_lagging(delays: Sequence[int], source: int, reference: int) -> float:
    """As `average_lagging`, with the longer of output and reference as target (LAAL; Papi et al. 2022).

    So an output that is too long does not seem to be early.
    """
    return average_lagging(delays, source, max(len(delays), reference))


def average_proportion(delays: Sequence[int], source: int) -> float:
    """The mean share of the source that was read when a word was written, in (0, 1] (AP; Cho & Esipova 2016).

    AP = 1 / (|x| · |y|) · Σ_t g(t), with the words of the output as |y|.
    """
    delays = delays or (source,)
    return sum(delays) / (source * len(delays))


def latency_scores(outputs: Sequence[Written]) -> dict[str, Score]:
    """Returns al, laal (in words) and ap (from 0 to 1), means over the outputs; lower is earlier.

    Raises:
        ValueError: there is no output.
    """
    if not outputs:
        raise ValueError("There is nothing to measure: no source has a word.")
    measures: dict[str, tuple[str, Callable[[Written], float]]] = {
        "al": ("reference", lambda each: average_lagging(each.delays, each.source, each.reference)),
        "laal": ("longer", lambda each: length_adaptive_average_lagging(each.delays, each.source, each.reference)),
        "ap": ("output", lambda each: average_proportion(each.delays, each.source)),
    }
    return {
        name: Score(sum(map(measure, outputs)) / len(outputs), f"unit:word|length:{length}|seq2seq:{__version__}")
        for name, (length, measure) in measures.items()
    }
