"""A comparison as text for the terminal, and as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby

from seq2seq.evaluation.comparison import Comparison
from seq2seq.evaluation.significance import Tested
from seq2seq.metrics import LOWER_IS_BETTER

COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#9c6b4e")
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0 }
td, th { padding: .2rem .8rem; text-align: left; border-bottom: 1px solid #ddd }
td.n { text-align: right; font-variant-numeric: tabular-nums }
.s, dt { color: #777; font-size: 12px }
svg text { font-size: 12px }
dl { margin: 1rem 0; padding: .5rem 1rem; background: #f6f6f6 }
dd { margin: 0 0 .4rem }
"""
NOTE = (
    "± is half of the 95 % confidence interval. p is the probability of a difference from the baseline at least this "
    "large if both systems are equal, by paired bootstrap (bs) and by approximate randomisation (ar)."
)


def as_text(found: Comparison) -> str:
    """Returns the comparison as lines of text."""
    wide = max(map(len, found.systems))
    rows = [f"{found.test}: {found.lines:,} lines; the baseline is {found.systems[0]}", ""]
    for metric, scores in found.scores.items():
        rows.append(metric + ("  (lower is better)" if metric in LOWER_IS_BETTER else ""))
        for name, tested in zip(found.systems, scores, strict=True):
            apart = f"  {tested.score - scores[0].score:+7.2f}  {_p(tested)}" if tested.p_bootstrap is not None else ""
            rows.append(f"  {name:{wide}}  {tested.score:6.2f} ± {tested.interval:4.2f}{apart}")
        rows += [f"  {scores[0].signature}", ""]
    rows += [NOTE, "", f"{found.bucket_metric} by lines"]
    for kind, buckets in groupby(found.buckets, lambda bucket: bucket.kind):
        rows.append(f"  {kind}")
        for bucket in buckets:
            values = "  ".join(f"{score:6.2f}" for score in bucket.scores)
            rows.append(f"    {bucket.label:44} {bucket.lines:6,} lines  {values}")
    rows += ["", f"Lines with the largest differences, by {found.example_metric}"]
    for d in found.examples:
        rows += [
            f"  line {d.line}, {d.system} {d.gain:+.1f}",
            f"    source     {d.source}",
            f"    reference  {d.reference}",
            f"    {found.systems[0]:10} {d.baseline_output}",
            f"    {d.system:10} {d.output}",
        ]
    return "\n".join(rows)


def _p(tested: Tested) -> str:
    return f"p {tested.p_bootstrap:.3f} (bs)  {tested.p_randomization:.3f} (ar)"


def as_html(found: Sequence[Comparison], histories: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Returns the comparisons as one page.

    Args:
        found: A comparison for each test set.
        histories: For each system, columns of its training history to draw, a value for each epoch; may be empty.
    """
    parts = [_test(comparison) for comparison in found]
    columns = sorted({column for history in histories.values() for column in history})
    curves = "".join(
        f"<h3>{escape(column)}</h3>"
        + _curves({name: history[column] for name, history in histories.items() if column in history})
        for column in columns
    )
    if curves:
        parts.append(f"<h2>Training</h2>{curves}")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Comparison</title><style>{STYLE}</style></head>
<body><h1>Comparison</h1>
{"".join(parts)}
</body></html>
"""


def _test(found: Comparison) -> str:
    rows = []
    for metric, scores in found.scores.items():
        lower = " (lower is better)" if metric in LOWER_IS_BETTER else ""
        for name, tested in zip(found.systems, scores, strict=True):
            apart = (
                [f"{tested.score - scores[0].score:+.2f}", f"{tested.p_bootstrap:.3f}", f"{tested.p_randomization:.3f}"]
                if (tested.p_bootstrap is not None and tested.p_randomization is not None)
                else ["", "", ""]
            )
            cells = [f"{tested.score:.2f} ± {tested.interval:.2f}", *apart]
            rows.append(
                f"<tr><td>{escape(metric)}{lower}</td><td>{escape(name)}</td>"
                + "".join(f'<td class="n">{cell}</td>' for cell in cells)
                + "</tr>"
            )
        rows.append(f'<tr><td colspan="6" class="s">{escape(scores[0].signature)}</td></tr>')
    head = "".join(f"<th>{name}</th>" for name in ("metric", "system", "score", "difference", "p (bs)", "p (ar)"))
    buckets = "".join(
        f"<h3>{escape(kind)}</h3>" + _bars(found.systems, [(f"{b.label} ({b.lines:,})", b.scores) for b in group])
        for kind, group in groupby(found.buckets, lambda bucket: bucket.kind)
    )
    examples = "".join(
        f"<dl><dt>line {d.line}, {escape(d.system)} {d.gain:+.1f}</dt><dd></dd>"
        + "".join(
            f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>"
            for name, text in (
                ("source", d.source),
                ("reference", d.reference),
                (found.systems[0], d.baseline_output),
                (d.system, d.output),
            )
        )
        + "</dl>"
        for d in found.examples
    )
    first = next(iter(found.scores))
    totals = [(name, [tested.score]) for name, tested in zip(found.systems, found.scores[first], strict=True)]
    return f"""<h2>{escape(found.test)}, {found.lines:,} lines</h2>
<p>The baseline is {escape(found.systems[0])}. {NOTE}</p>
<table><tr>{head}</tr>{"".join(rows)}</table>
<h3>{escape(first)}</h3>{_bars([first], totals, [tested.interval for tested in found.scores[first]])}
<h2>{escape(found.bucket_metric)} by lines</h2>{_legend(found.systems)}{buckets}
<h2>Lines with the largest differences, by {escape(found.example_metric)}</h2>{examples}"""


def _legend(names: Sequence[str]) -> str:
    return (
        "<p>"
        + " ".join(
            f'<span style="color:{COLOURS[i % len(COLOURS)]}">■</span> {escape(name)}' for i, name in enumerate(names)
        )
        + "</p>"
    )


def _bars(names: Sequence[str], rows: Sequence[tuple[str, Sequence[float]]], intervals: Sequence[float] = ()) -> str:
    """Horizontal bars, one group per row, with optional confidence intervals."""
    most = max([value for _, values in rows for value in values] + [1e-9]) * 1.1
    height = 18 * len(names) + 10
    drawn = []
    for i, (label, values) in enumerate(rows):
        top = i * height
        drawn.append(f'<text x="0" y="{top + height / 2 + 4}">{escape(label)}</text>')
        for j, value in enumerate(values):
            y, width = top + 4 + 18 * j, 420 * max(value, 0) / most
            drawn.append(f'<rect x="330" y="{y}" width="{width:.1f}" height="14" fill="{COLOURS[j % len(COLOURS)]}"/>')
            edge = 330 + width
            if intervals:
                reach = 420 * intervals[i] / most
                drawn.append(f'<path d="M{edge - reach:.1f} {y + 7}H{edge + reach:.1f}" stroke="#222"/>')
                edge += reach
            drawn.append(f'<text x="{edge + 5:.1f}" y="{y + 12}">{value:.1f}</text>')
    return f'<svg width="820" height="{height * len(rows)}" role="img">{"".join(drawn)}</svg>'


def _curves(lines: Mapping[str, Sequence[float]]) -> str:
    """Values over epochs, one line per system."""
    values = [value for line in lines.values() for value in line]
    low, high = min(values), max(values)
    span, longest = (high - low) or 1.0, max(map(len, lines.values()))
    drawn = [
        f'<text x="0" y="14">{high:.2f}</text><text x="0" y="230">{low:.2f}</text><text x="50" y="250">epoch 1</text>'
    ]
    drawn.append(f'<text x="730" y="250">{longest}</text><path d="M50 10V234H750" fill="none" stroke="#999"/>')
    for i, line in enumerate(lines.values()):
        points = " ".join(
            f"{50 + 700 * x / max(1, longest - 1):.1f},{230 - 216 * (y - low) / span:.1f}" for x, y in enumerate(line)
        )
        drawn.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[i % len(COLOURS)]}" stroke-width="2"/>')
    return _legend(list(lines)) + f'<svg width="820" height="256" role="img">{"".join(drawn)}</svg>'
