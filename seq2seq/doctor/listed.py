"""Findings that name places: collected by kind, and shown in lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from seq2seq.doctor.kinds import SEVERITIES, Kind, Severity
from seq2seq.doctor.terminal import share

EXAMPLES = 5


@dataclass
class ListedFinding:
    """One kind of finding."""

    kind: str
    severity: Severity
    title: str
    advice: str
    count: int
    share: float | None
    """Of what the title is about; None where it is about nothing that is counted."""
    examples: list[str]
    """Places and remarks of the first few."""


class Listing:
    """Collects findings; of each kind the count and the first examples are kept.

    Args:
        kinds: What may be found, by name, the gravest first.
    """

    def __init__(self, kinds: Mapping[str, Kind]):
        self._kinds = kinds
        self.counts: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = {}

    def add(self, kind: str, where: str, count: int = 1) -> None:
        """Adds `count` findings of a kind, with one example."""
        self.counts[kind] += count
        examples = self._examples.setdefault(kind, [])
        if len(examples) < EXAMPLES:
            examples.append(where)

    def is_open(self, kind: str) -> bool:
        """Whether another example of a kind would be kept."""
        return len(self._examples.get(kind, ())) < EXAMPLES

    def more(self, kind: str, count: int) -> None:
        """Adds findings without an example."""
        self.counts[kind] += count

    def findings(self, totals: Mapping[str, int | None], otherwise: int | None) -> list[ListedFinding]:
        """Returns all findings, the gravest first.

        Args:
            totals: What the share of each kind is of; None: it has no share.
            otherwise: The same for kinds that are not in `totals`.
        """
        found = []
        for name in sorted(self.counts, key=[*self._kinds].index):
            kind, count, total = self._kinds[name], self.counts[name], totals.get(name, otherwise)
            part = total and count / total
            examples = self._examples.get(name, [])
            found.append(ListedFinding(name, kind.severity, kind.title, kind.advice, count, part, examples))
        return found


def summary(findings: Sequence[ListedFinding], what: str) -> str:
    """Returns how many kinds of each severity were found in a corpus, or whatever else it is called."""
    counts = Counter(finding.severity for finding in findings)
    counted = ", ".join(f"{counts[one]} {one}{'s' if counts[one] != 1 else ''}" for one in SEVERITIES if counts[one])
    accepted = f"Training would {'refuse' if counts['error'] else 'accept'} this {what}."
    return f"{counted}. {accepted}" if counted else f"Nothing found: the {what} looks fine."


def listed_lines(findings: Sequence[ListedFinding]) -> Iterator[str]:
    """Yields each finding with its examples and what to do."""
    for finding in findings:
        yield f"{finding.severity:<8}{finding.count:>10,} {share(finding.share):>9}  {finding.title}"
        for example in finding.examples:
            yield f"{'':>29}{example}"
        if finding.count > len(finding.examples):
            yield f"{'':>29}and {finding.count - len(finding.examples):,} more"
        yield f"{'':>29}-> {finding.advice}"
