"""What is usual in a corpus, from a sample spread over it; every pair is compared with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from seq2seq.doctor.characters import LETTER, NAMES, property_table, script_table, scripts_of
from seq2seq.doctor.lines import BUCKETS, Lines
from seq2seq.doctor.mend import LEAST_MARKED, Mender, make_mender

LEAST_GRAMS = 15
"""Trigrams; shorter lines say too little about their language."""
SEPARABLE = 0.9
"""Share of the sample that must look like its own side for a line that does not to count."""
LEAST_PAIRS = 50
"""Fewest pairs for a profile."""
ALL_IDS = 0.5
"""Share of number-only lines from which a side is taken for ids."""


@dataclass(frozen=True)
class Side:
    """One side of the corpus."""

    scripts: frozenset[str]
    """Expected scripts of its letters; empty if unknown."""
    likelihoods: np.ndarray
    """`(BUCKETS,)` float32: log-probability of each trigram."""
    other_cut: float
    """Lines whose mean own minus other log-likelihood is at most this look like the other side."""
    unlike_cut: float
    """Lines with a lower mean log-likelihood are unlike their side."""
    mender: Mender = field(default_factory=Mender)
    """Restores lines that another program changed."""
    ids: bool = False
    """Whether its lines are only numbers."""


@dataclass(frozen=True)
class Profile:
    """Both sides, and their relation."""

    sides: tuple[Side, Side]
    separable: bool
    """Whether a line's characters show which side it is from."""
    ratio: float
    """Usual log of target to source characters."""
    ratio_cut: float
    """Pairs whose log ratio is further away are findings."""
    same_language: bool
    """One language on both sides, as in summarisation: copies, names and numbers are judged differently."""
    pairs: int = 0
    """Pairs in the sample, without empty ones."""

    @property
    def unlike_known(self) -> bool:
        """Whether the sample is large enough to find unlike lines."""
        return math.isfinite(self.sides[0].unlike_cut)


def make_profile(
    pairs: list[tuple[str, str]], languages: tuple[str, str] = ("", ""), same_language: bool = False
) -> Profile:
    """Returns the profile of a corpus from a sample of its pairs.

    Args:
        pairs: Text before repair.
        languages: ISO 639-1 codes of source and target; empty if unknown.
        same_language: See `Profile`.
    """
    menders = [make_mender([pair[side] for pair in pairs]) for side in (0, 1)]
    pairs = [(source, target) for a, b in pairs if (source := menders[0](a)) and (target := menders[1](b))]
    lines = [Lines.of([pair[side] for pair in pairs]) for side in (0, 1)]
    enough = len(pairs) >= LEAST_PAIRS
    # Each half is judged by a model of the other: text is too likely under its own model.
    halves = [[Lines.of([pair[side] for pair in pairs[half::2]]).normal for half in (0, 1)] for side in (0, 1)]
    learned = [_likelihoods(halves[side][0]) for side in (0, 1)]
    gains, right, unlike = [], [], []
    for side in (0, 1):
        own, counts = mean_by_line(halves[side][1], learned[side])
        other, _ = mean_by_line(halves[side][1], learned[1 - side])
        long = counts >= LEAST_GRAMS
        gain = (own - other)[long]
        judged = enough and len(gain) > 0
        right.append(float((gain > 0).mean()) if judged else 0.0)
        gains.append(float(np.median(gain)) if judged else math.inf)
        centre, spread = _spread(own[long]) if judged else (-math.inf, 0.0)
        unlike.append(centre - max(6 * spread, 1.0))
    sides = [
        Side(
            scripts_of(languages[side]) or _scripts(lines[side]),
            _likelihoods(lines[side].normal),
            -gains[1 - side] / 2,
            unlike[side],
            menders[side],
            _are_ids(lines[side]),
        )
        for side in (0, 1)
    ]
    ratios = log_ratio(lines[0].lengths, lines[1].lengths)
    centre, spread = _spread(ratios) if enough else (0.0, 0.0)
    return Profile(
        (sides[0], sides[1]),
        enough and not same_language and min(right) >= SEPARABLE,
        centre,
        max(math.log(3), 5 * spread) if enough else math.inf,
        same_language,
        len(pairs),
    )


def log_ratio(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Log ratio of target to source length in characters, smoothed for short lines."""
    return np.log((target + 5.0) / (source + 5.0))


def mean_by_line(normal: Lines, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean of `(BUCKETS,)` values over each line's trigrams, and their number."""
    buckets, valid = normal.buckets()
    counts = normal.sums(valid.astype(np.int64))
    return normal.sums(np.where(valid, values[buckets], 0.0)) / np.maximum(counts, 1), counts


def letters_by_line(lines: Lines, scripts: frozenset[str]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the number of letters of each line, and of those in other scripts."""
    letter = (property_table()[lines.codes] & LETTER) > 0
    fine = np.array([name in scripts for name in NAMES])
    fine[0] = True  # unknown scripts get the benefit of the doubt
    other = letter & ~fine[script_table()[lines.codes]]
    return lines.sums(letter.astype(np.int64)), lines.sums(other.astype(np.int64))


def _are_ids(lines: Lines) -> bool:
    return int(lines.are_numbers().sum()) >= max(LEAST_MARKED, ALL_IDS * len(lines))


def _spread(values: np.ndarray) -> tuple[float, float]:
    """Returns the median, and a standard deviation from the median absolute deviation."""
    centre = float(np.median(values))
    return centre, 1.4826 * float(np.median(np.abs(values - centre)))


def _likelihoods(normal: Lines) -> np.ndarray:
    buckets, valid = normal.buckets()
    counts = np.bincount(buckets[valid], minlength=BUCKETS) + 0.1
    return np.log(counts / counts.sum()).astype(np.float32)


def _scripts(lines: Lines) -> frozenset[str]:
    letters = lines.codes[(property_table()[lines.codes] & LETTER) > 0]
    counts = np.bincount(script_table()[letters], minlength=len(NAMES))
    return frozenset(name for name, count in zip(NAMES, counts, strict=True) if count > 0.1 * max(1, len(letters)))
