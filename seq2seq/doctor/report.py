"""The doctor's report as a value."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from seq2seq.doctor.examine import CHARACTERS, RATIOS, TOKENS, Example, Tally
from seq2seq.doctor.kinds import SEVERITIES, Severity
from seq2seq.doctor.overlap import Seen


@dataclass
class Finding:
    """One kind of finding, on one side if the kind has sides."""

    kind: str
    severity: Severity
    title: str
    advice: str
    side: str = ""
    """"source", "target", or "" for the pair or the files."""
    count: int = 1
    share: float | None = None
    """Share of the pairs, or of those named in the title; None for whole files."""
    examples: list[Example] = field(default_factory=list)
    """The first few."""


@dataclass
class Forecast:
    """Estimated cost of training on this machine, from a few measured steps."""

    parameters: int
    steps: int
    """Steps per epoch."""
    step_seconds: float
    """Mean over batches drawn from the plan."""
    epoch_seconds: float
    """Training only, without validation."""
    epochs: int
    total_seconds: float
    memory_mb: int
    """Peak resident memory of a process that trained on the widest batch."""
    measured_steps: int
    note: str = ""


@dataclass
class Report:
    """All findings and figures."""

    files: list[tuple[str, int]]
    """Name and lines of each file."""
    pairs: int
    bytes: int
    tally: Tally
    findings: list[Finding]
    """Most severe first."""
    tests: dict[str, Seen] = field(default_factory=dict)
    """Each test or validation text, and how much of it is in training."""
    tokenizer: str = ""
    """Origin of the tokeniser; empty without one."""
    vocabulary: tuple[int, int] = (0, 0)
    max_length: int = 0
    cut_source: int = 0
    forecast: Forecast | None = None
    notes: list[str] = field(default_factory=list)
    """What was not checked, and why."""
    seconds: float = 0.0

    @property
    def refused(self) -> bool:
        """Whether training would refuse the corpus."""
        return any(finding.severity == "error" for finding in self.findings)

    def counts(self) -> dict[Severity, int]:
        """How many kinds of each severity were found."""
        return {name: sum(finding.severity == name for finding in self.findings) for name in SEVERITIES}

    def lengths(self) -> list[tuple[str, str, list[str]]]:
        """Rows of a table: side, unit, then mean, median, 95 and 99 % and maximum."""
        tally, rows = self.tally, []
        for number, side in enumerate(("source", "target")):
            mean = tally.sums[number] / max(1, tally.pairs)
            shares = [_quantile(tally.characters[number], q, CHARACTERS) for q in (0.5, 0.95, 0.99)]
            rows.append((side, "characters", [f"{mean:,.1f}", *shares, f"{tally.longest[number]:,}"]))
            if self.tokenizer:
                mean = tally.all_tokens[number] / max(1, tally.pairs)
                shares = [_quantile(tally.tokens[number], q, TOKENS) for q in (0.5, 0.95, 0.99, 1.0)]
                rows.append((side, "tokens", [f"{mean:,.1f}", *shares]))
        return rows

    def tokens(self) -> list[tuple[str, float, float, float]]:
        """Side, tokens per word, characters per token, share of unknown tokens."""
        tally = self.tally
        return [
            (
                side,
                float(tally.all_tokens[i] / max(1, tally.words[i])),
                float(tally.sums[i] / max(1, tally.all_tokens[i])),
                float(tally.unknown[i] / max(1, tally.all_tokens[i])),
            )
            for i, side in enumerate(("source", "target"))
        ]

    def limits(self) -> list[tuple[int, float]]:
        """Limits in tokens, and the share of pairs that each leaves out."""
        choices = sorted({25, 50, 75, 100, 150, 200, 300, 500, self.max_length} - {0})
        above = np.cumsum(self.tally.longer[::-1])[::-1]
        pairs = max(1, self.tally.pairs)
        return [(limit, float(above[limit + 1] / pairs)) for limit in choices if limit < TOKENS]

    def ratio_shares(self) -> list[str]:
        """Target over source characters: 1, 50 and 99 % of the pairs are below."""
        running = np.cumsum(self.tally.ratios) / max(1, self.tally.pairs)
        return [f"{2 ** ((int(np.searchsorted(running, q)) + 0.5 - RATIOS // 2) / 10):.2f}" for q in (0.01, 0.5, 0.99)]

    def as_json(self) -> dict[str, Any]:
        """Everything but the histograms, as JSON takes it."""
        return {
            "files": [{"name": name, "lines": lines} for name, lines in self.files],
            "pairs": self.pairs,
            "bytes": self.bytes,
            "refused": self.refused,
            "findings": [asdict(finding) for finding in self.findings],
            "tests": {name: asdict(seen) for name, seen in self.tests.items()},
            "lengths": [
                {"side": side, "unit": unit, "mean": v[0], "median": v[1], "95%": v[2], "99%": v[3], "longest": v[4]}
                for side, unit, v in self.lengths()
            ],
            "ratio": dict(zip(("1%", "median", "99%"), self.ratio_shares(), strict=True)),
            "tokenizer": self.tokenizer or None,
            "tokens": [
                {"side": side, "tokens_per_word": words, "characters_per_token": characters, "unknown_share": unknown}
                for side, words, characters, unknown in (self.tokens() if self.tokenizer else [])
            ],
            "limits": [
                {"tokens": limit, "left_out": share} for limit, share in (self.limits() if self.tokenizer else [])
            ],
            "forecast": asdict(self.forecast) if self.forecast else None,
            "notes": self.notes,
            "seconds": round(self.seconds, 1),
        }


def _quantile(histogram: np.ndarray, share: float, last: int) -> str:
    total = int(histogram.sum())
    if not total:
        return "-"
    value = int(np.searchsorted(np.cumsum(histogram), share * total))
    return f"{value:,}" if value < last else f"> {last:,}"
