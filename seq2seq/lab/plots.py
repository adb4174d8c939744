"""Plots of a report as SVG, which stands in the page and needs nothing else. Imports no framework."""

from __future__ import annotations

import io
import re
from html import escape
from typing import Any

from seq2seq.figures import new_figure
from seq2seq.lab.report import Bars, HeatMap, Plot

COLOURS = ("#3b66b8", "#c4532d", "#2f8a5b", "#8a4fa3", "#b08a00", "#4a4a4a", "#2b9bb0", "#b8417a", "#6b8e23", "#7a5230")
"""Told apart by people who do not see red and green alike too, as lines differ in style as well."""
WIDTH = 5.4
"""Inches: with letters of 9 points still read on a screen of 400 pixels."""
FEW = 8
"""So many places on a logarithmic axis are marked by their own numbers."""
STYLES = ("-", "--", "-.", ":")


def svg_of(item: Plot | Bars | HeatMap) -> str:
    """Returns an `<svg>` element as wide as its place, with the plot's alternative text.

    Raises:
        MissingPackage: matplotlib is not installed.
    """
    figure = new_figure(figsize=(WIDTH, _height(item)), layout="constrained")
    import matplotlib  # only now: `new_figure` imports it safely

    with matplotlib.rc_context({"font.size": 9}):
        axes = figure.subplots()
        if isinstance(item, Plot):
            _draw_curves(axes, item)
        elif isinstance(item, Bars):
            _draw_bars(axes, item)
        else:
            _draw_heat(axes, item)
        axes.spines[["top", "right"]].set_visible(False)
        return _markup(figure, item)


def _height(item: Plot | Bars | HeatMap) -> float:
    """Inches: with room for the label of each bar, row or curve."""
    if isinstance(item, Bars):
        return 0.3 * len(item.labels) + 0.9
    if isinstance(item, HeatMap):
        return 3.0 if _is_measured(item) else max(3.0, 0.18 * len(item.rows) + 1.3)
    return 2.8 + (0.2 * -(-len(item.curves) // 2) if len(item.curves) > 1 else 0.0)


def _is_measured(item: HeatMap) -> bool:
    """Whether the axes are numbers, not names."""
    return all(isinstance(place, int | float) for place in (*item.columns, *item.rows))


def _draw_curves(axes: Any, item: Plot) -> None:
    for number, curve in enumerate(item.curves):
        colour, style = COLOURS[number % len(COLOURS)], STYLES[number // 3 % len(STYLES)]
        axes.plot(curve.x, curve.y, color=colour, linestyle=style, label=curve.name, linewidth=1.8)
        if curve.low:
            axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.15, linewidth=0)
    if "x" in item.log:
        axes.set_xscale("log")
        places = sorted({place for curve in item.curves for place in curve.x})
        if len(places) <= FEW:  # powers of ten would stand between them
            axes.set_xticks(places, [f"{place:,g}" for place in places])
            axes.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
    if "y" in item.log:
        axes.set_yscale("log")
    axes.set_xlabel(item.x)
    axes.set_ylabel(item.y)
    axes.grid(alpha=0.25)
    if len(item.curves) > 1:
        axes.figure.legend(loc="outside lower center", frameon=False, fontsize="small", ncols=2)


def _draw_bars(axes: Any, item: Bars) -> None:
    places = range(len(item.labels))
    error = None
    if item.low:
        error = [
            [value - low for value, low in zip(item.values, item.low, strict=True)],
            [high - value for value, high in zip(item.values, item.high, strict=True)],
        ]
    axes.barh(places, item.values, xerr=error, color=COLOURS[0], ecolor="#222", height=0.62, capsize=3)
    axes.set_yticks(places, item.labels)
    axes.invert_yaxis()
    axes.set_xlabel(item.x)
    axes.grid(alpha=0.25, axis="x")


def _draw_heat(axes: Any, item: HeatMap) -> None:
    if _is_measured(item):
        mesh = axes.pcolormesh(item.columns, item.rows, item.values, shading="nearest", cmap="viridis", rasterized=True)
    else:
        mesh = axes.imshow(item.values, aspect="auto", cmap="viridis")
        axes.set_xticks(range(len(item.columns)), item.columns, rotation=60, ha="right")
        axes.set_yticks(range(len(item.rows)), item.rows)
    for number, path in enumerate(item.paths):
        axes.plot(path.x, path.y, marker=".", linewidth=1, color=("#fff", "#ff7043")[number % 2], label=path.name)
    if item.paths:
        axes.legend(facecolor="#333", labelcolor="#fff", fontsize="small")
    axes.set_xlabel(item.x)
    axes.set_ylabel(item.y)
    axes.figure.colorbar(mesh)


def _markup(figure: Any, item: Plot | Bars | HeatMap) -> str:
    """The figure as an element without a size of its own; its ids begin with the plot's name, as a page has several."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": item.name, "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{item.name}-", text)
    opening, rest = text.split(">", 1)
    opening = re.sub(r' (width|height)="[^"]*"', "", opening).removeprefix("<svg")
    return f'<svg role="img" aria-label="{escape(item.alt, quote=True)}" class="plot"{opening}>{rest}'
