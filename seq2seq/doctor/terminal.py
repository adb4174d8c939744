"""The report as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from seq2seq.clock import clock
from seq2seq.doctor.report import Finding, Forecast, Report

SHOWN = 2
"""Excerpts per finding."""


def as_text(report: Report) -> str:
    """Returns the report in lines of about 120 characters."""
    return "\n".join(_lines(report))


def summary(report: Report) -> str:
    """One line with the number of findings by severity."""
    counts = report.counts()
    if not report.findings:
        return "Nothing found: the corpus looks fine."
    counted = ", ".join(f"{count} {name}{'s' if count != 1 else ''}" for name, count in counts.items() if count)
    return counted + (
        ". Training would refuse this corpus." if report.refused else ". Training would accept this corpus."
    )


def share(value: float | None) -> str:
    """A share of the pairs in per cent; a small share is not shown as zero."""
    if value is None:
        return ""
    return f"{100 * value:.2f} %" if value == 0 or value >= 5e-5 else "< 0.01 %"


def what(finding: Finding) -> str:
    """The title with its side."""
    return f"{finding.side}: {finding.title}" if finding.side else finding.title


def forecast_lines(forecast: Forecast) -> list[tuple[str, str]]:
    """Rows of a table."""
    return [
        ("model", f"{forecast.parameters:,} weights"),
        (
            "an epoch",
            f"{clock(forecast.epoch_seconds)}: {forecast.steps:,} steps of {forecast.step_seconds * 1000:,.0f} ms",
        ),
        ("all epochs", f"{clock(forecast.total_seconds)}: {forecast.epochs} at most, without validation between them"),
        ("memory", f"{forecast.memory_mb:,} MB at the widest batch"),
    ]


def looked_up(report: Report) -> list[str]:
    """Each test with its lines, and how many are in training."""
    shown = []
    for name, seen in report.tests.items():
        more = f"; training has {seen.sources:,} of the sources"
        more += f", {seen.pairs:,} with the same target" if seen.pairs else ""
        shown.append(f"{name} ({seen.lines:,} lines{more if seen.sources else ''})")
    return shown


def _lines(report: Report) -> Iterator[str]:
    yield f"{report.pairs:,} pairs, {report.bytes / 1e6:,.1f} MB: " + ", ".join(
        f"{name} ({lines:,} lines)" for name, lines in report.files
    )
    yield summary(report)
    yield ""
    for finding in report.findings:
        count = f"{finding.count:,}" if finding.share is not None else ""
        yield f"{finding.severity:<8}{count:>10} {share(finding.share):>8}  {what(finding)}"
        for example in finding.examples[:SHOWN]:
            remark = f"[{example.remark}]" if example.remark else ""
            texts = [text for text in (example.source, example.target, remark) if text]
            yield f"{'':>29}line {example.line:,}: {texts[0] if texts else ''}"
            for text in texts[1:]:
                yield f"{'':>29}{'':>{len(f'line {example.line:,}: ')}}{text}"
        more = [f"{example.line:,}" for example in finding.examples[SHOWN:]]
        if more:
            rest = ", …" if finding.count > len(finding.examples) else ""
            yield f"{'':>29}line{'s' if len(more) > 1 else ''} {', '.join(more)}{rest}"
        yield f"{'':>29}-> {finding.advice}"
    yield ""
    yield f"{'length':<8}{'':<12}{'mean':>10}{'median':>10}{'95 %':>10}{'99 %':>10}{'longest':>14}"
    for side, unit, (mean, half, most, nearly, longest) in report.lengths():
        yield f"{side:<8}{unit:<12}{mean:>10}{half:>10}{most:>10}{nearly:>10}{longest:>14}"
    low, middle, high = report.ratio_shares()
    yield f"{'ratio':<8}target / source characters: usually {middle}, between {low} and {high} in 98 % of the pairs"
    if report.tokenizer:
        yield ""
        source, target = report.vocabulary
        yield f"tokeniser: {report.tokenizer}, {source:,} tokens" + (f" and {target:,}" if source != target else "")
        for side, words, characters, unknown in report.tokens():
            lengths = f"{words:.2f} tokens per word, {characters:.2f} characters per token"
            yield f"{side:<8}{lengths}, {share(unknown)} unknown"
        cut = f" (sources cut to {report.cut_source:,} first)" if report.cut_source else ""
        yield f"pairs left out by a limit in tokens{cut}:"
        yield "        " + "   ".join(
            f"{limit}: {share(part)}" + (" (chosen)" if limit == report.max_length else "")
            for limit, part in report.limits()
        )
    if report.forecast:
        yield ""
        yield f"forecast, from {report.forecast.measured_steps} measured steps on this machine at its present load:"
        for name, text in forecast_lines(report.forecast):
            yield f"        {name:<12}{text}"
        if report.forecast.note:
            yield f"        {report.forecast.note}"
    if report.tests:
        yield ""
        yield "looked up: " + ", ".join(looked_up(report))
    yield from report.notes
    yield f"{report.seconds:.1f} s"
