"""A report as one self-contained page: text, plots, tables; nothing is loaded. Imports no framework."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from seq2seq.lab.plots import svg_of
from seq2seq.lab.report import Cell, Coloured, Interactive, Item, Listing, Part, Report, Table

STYLE = """
:root { color-scheme: light }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 46rem; margin: 1.5rem auto; padding: 0 1rem; color: #1c1c1c;
  background: #fff }
h1 { line-height: 1.2; margin-bottom: .3rem }
h2 { margin-top: 2.2rem }
figure { margin: 1.2rem 0 }
figcaption { font-weight: 600; margin-bottom: .3rem }
.plot { width: 100%; height: auto }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-size: 14px }
td, th { padding: .25rem .7rem; text-align: left; border-bottom: 1px solid #ddd; vertical-align: top }
td:first-child { min-width: 6rem }
td.n { text-align: right; font-variant-numeric: tabular-nums }
td.range { white-space: nowrap; font-variant-numeric: tabular-nums }
@media (max-width: 30rem) { td, th { padding: .25rem .4rem } }
pre { background: #f5f5f3; padding: .7rem; overflow-x: auto; font-size: 13px; line-height: 1.4 }
.text { white-space: pre-wrap; font: 14px/1.6 ui-monospace, monospace }
.answer { border-left: 4px solid #3b66b8; padding: .3rem 0 .3rem 1rem; font-size: 17px }
.small { color: #666; font-size: 13px }
"""


def page_of(report: Report) -> str:
    """Returns the page of a report."""
    scripts = any(isinstance(item, Interactive) for part in report.parts for item in part.items)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:" + "; script-src 'unsafe-inline'" * scripts
    form = "Quick form: small models, few steps; a sketch of the full one." if report.settings.quick else "Full form."
    seeds = ", ".join(map(str, report.settings.seeds))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{escape(report.title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{escape(report.title)}</h1>
<p>{escape(report.question)}</p>
<p class="answer">{escape(report.answer)}</p>
{"".join(map(markup_of, report.parts))}
<p class="small">{form} Seeds: {seeds}. Shaded areas and bars are ranges over the seeds, lines medians. The numbers of
every plot stand beside this page as CSV.</p>
</body>
</html>
"""


def markup_of(part: Part) -> str:
    """Returns the heading, paragraphs and items of a part as HTML."""
    text = "".join(f"<p>{escape(paragraph)}</p>\n" for paragraph in part.paragraphs)
    return f"<h2>{escape(part.heading)}</h2>\n{text}{''.join(map(_item, part.items))}"


def _item(item: Item) -> str:
    if isinstance(item, Interactive):
        return f"<noscript><p>{escape(item.without)}</p></noscript>\n{item.markup}\n"
    if isinstance(item, Listing):
        body = f"<pre><code>{escape(item.code)}</code></pre>"
    elif isinstance(item, Table):
        body = f'<div class="wide">{table_of(item)}</div>'
    elif isinstance(item, Coloured):
        body = coloured(item)
    else:
        body = svg_of(item)
    return f"<figure><figcaption>{escape(item.title)}</figcaption>\n{body}</figure>\n"


def table_of(item: Table) -> str:
    """Returns a `<table>` element."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in item.columns)
    rows = "".join(f"<tr>{_cells(row)}</tr>\n" for row in item.rows)
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table>"


def coloured(item: Coloured) -> str:
    """Returns the text of an item, its pieces on grounds of their colours; a piece's value is its title."""
    largest = max(map(abs, item.values), default=0.0) or 1.0
    return (
        f'<p class="text">{"".join(_piece(*pair, largest) for pair in zip(item.pieces, item.values, strict=True))}</p>'
    )


def _piece(text: str, value: float, largest: float) -> str:
    red_green_blue = "59, 102, 184" if value > 0 else "196, 83, 45"
    style = f"background: rgba({red_green_blue}, {abs(value) / largest:.2f})"
    return f'<span style="{style}" title="{value:+.2f}">{escape(text)}</span>'


def _cells(row: Sequence[Cell]) -> str:
    return "".join(map(_cell, row))


def _cell(value: Cell) -> str:
    if not isinstance(value, str):
        return f'<td class="n">{shown(value)}</td>'
    kind = ' class="range"' if re.match(r"[-\d.]\S* \(.* to ", value) else ""
    return f"<td{kind}>{escape(value)}</td>"


def shown(value: Cell) -> str:
    """Returns a value as people read it: numbers with four digits, thousands apart."""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return value
