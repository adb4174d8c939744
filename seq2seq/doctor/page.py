"""The report as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from seq2seq.doctor.examine import CHARACTERS, RATIOS, TOKENS
from seq2seq.doctor.report import Finding, Report
from seq2seq.doctor.terminal import forecast_lines, looked_up, share, summary, what

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; color: #222; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; }
td, th { padding: .3em .8em .3em 0; border-bottom: 1px solid #ddd; vertical-align: top; }
.number { text-align: right; white-space: nowrap; } .advice { color: #555; }
.error { color: #b00020; font-weight: 600; } .warning { color: #9a6200; font-weight: 600; } .note { color: #555; }
.text { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere; }
figure { display: inline-block; margin: 0 2em 1em 0; } figcaption { font-size: .9em; color: #555; }
svg text { font: 11px system-ui, sans-serif; fill: #555; } summary { cursor: pointer; }
"""


def as_html(report: Report) -> str:
    """Returns the page; everything from the corpus is escaped."""
    names = ", ".join(name for name, _ in report.files)
    parts = [
        f"<h1>{escape(names)}</h1>",
        f"<p>{report.pairs:,} pairs, {report.bytes / 1e6:,.1f} MB. {escape(summary(report))}</p>",
        "<h2>Findings</h2>",
        _table(["", "pairs", "share", "what, and what to do"], (_finding(finding) for finding in report.findings)),
        "<h2>Lengths</h2>",
        _table(
            ["side", "unit", "mean", "median", "95 %", "99 %", "longest"],
            ([escape(side), unit, *map(escape, values)] for side, unit, values in report.lengths()),
        ),
        _figures(report),
    ]
    if report.tokenizer:
        cut = f", sources cut to {report.cut_source:,} first" if report.cut_source else ""
        parts += [
            "<h2>Tokeniser</h2>",
            f"<p>{escape(report.tokenizer)}, vocabulary {' and '.join(f'{n:,}' for n in report.vocabulary)}</p>",
            _table(
                ["side", "tokens per word", "characters per token", "unknown tokens"],
                ([side, f"{words:.2f}", f"{chars:.2f}", share(unk)] for side, words, chars, unk in report.tokens()),
            ),
            f"<h2>Pairs left out by a limit in tokens{cut}</h2>",
            _table(
                ["limit", "left out"],
                (
                    [f"{limit:,}" + (" (chosen)" if limit == report.max_length else ""), share(part)]
                    for limit, part in report.limits()
                ),
            ),
        ]
    if report.forecast:
        parts += [
            "<h2>Forecast</h2>",
            f"<p>From {report.forecast.measured_steps} measured steps on this machine.",
            f"{escape(report.forecast.note)}</p>",
            _table(["", ""], ([name, escape(text)] for name, text in forecast_lines(report.forecast))),
        ]
    if report.tests:
        parts.append(f"<p>Looked up: {escape(', '.join(looked_up(report)))}</p>")
    parts += [f"<p class=advice>{escape(note)}</p>" for note in report.notes]
    head = f'<meta charset="utf-8"><title>{escape(names)}</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(parts) + "\n</body></html>\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "\n".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _cell(html: str) -> str:
    number = html[:1].isdigit() or html.startswith(("&lt; ", "&gt; "))
    return f"<td class=number>{html}</td>" if number else f"<td>{html}</td>"


def _finding(finding: Finding) -> list[str]:
    rows = []
    for example in finding.examples:
        texts = "<br>".join(escape(text) for text in (example.source, example.target) if text)
        remark = f"<br><span class=advice>{escape(example.remark)}</span>" if example.remark else ""
        rows.append([f"{example.line:,}", f"<span class=text>{texts}</span>{remark}"])
    shown = f"<details><summary>the first lines</summary>{_table(['line', 'text'], rows)}</details>" if rows else ""
    return [
        f"<span class={finding.severity}>{finding.severity}</span>",
        f"{finding.count:,}" if finding.share is not None else "",
        escape(share(finding.share)),
        f"{escape(what(finding))}<br><span class=advice>{escape(finding.advice)}</span>{shown}",
    ]


def _figures(report: Report) -> str:
    tally, unit = report.tally, "tokens" if report.tokenizer else "characters"
    lengths, last = (tally.tokens, TOKENS) if report.tokenizer else (tally.characters, CHARACTERS)
    figures = []
    for number, side in enumerate(("source", "target")):
        heights, top = _binned(lengths[number], last)
        figures.append(_histogram(heights, [(0, "0"), (0.5, f"{top // 2:,}"), (1, f"{top:,}")], f"{side}, {unit}"))
    marks = [((place * 10 + RATIOS / 2) / RATIOS, f"{2.0**place:g}") for place in (-4, -2, 0, 2, 4)]
    figures.append(_histogram(tally.ratios, marks, "target / source characters"))
    return "".join(figures)


def _binned(histogram: np.ndarray, last: int) -> tuple[np.ndarray, int]:
    """Returns some 60 bins that cover 99.5 %, and their upper end; the last bin holds the rest."""
    total = int(histogram.sum())
    end = int(np.searchsorted(np.cumsum(histogram), 0.995 * total)) + 1 if total else 10
    width = max(1, -(-min(end, last) // 60))
    bins = -(-min(end, last) // width)
    places = np.minimum(np.arange(len(histogram)) // width, bins - 1)
    return np.bincount(places, histogram, minlength=bins), bins * width


def _histogram(heights: np.ndarray, marks: Sequence[tuple[float, str]], caption: str) -> str:
    wide, high = 360, 120
    most, step = max(1.0, float(heights.max(initial=0))), wide / max(1, len(heights))
    bars = "".join(
        f'<rect x="{place * step:.1f}" y="{high - high * value / most:.1f}" width="{max(step - 0.5, 0.5):.1f}" '
        f'height="{high * value / most:.1f}" fill="#4a78a8"/>'
        for place, value in enumerate(heights.tolist())
        if value
    )
    labels = "".join(
        f'<text x="{place * wide:.0f}" y="{high + 14}" '
        f'text-anchor="{"start" if place == 0 else "end" if place == 1 else "middle"}">{escape(text)}</text>'
        for place, text in marks
    )
    line = f'<line x1="0" y1="{high}" x2="{wide}" y2="{high}" stroke="#888"/>'
    svg = (
        f'<svg width="{wide}" height="{high + 20}" role="img" aria-label="{escape(caption)}">{bars}{line}{labels}</svg>'
    )
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"
