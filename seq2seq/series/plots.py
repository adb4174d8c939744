"""Pictures of forecasts: fan charts, and the histogram of the probability integral transform."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seq2seq.extras import require
from seq2seq.figures import new_figure
from seq2seq.files import output_file
from seq2seq.messages import visible
from seq2seq.series.forecast import Forecast, interval_levels
from seq2seq.series.table import SeriesTable
from seq2seq.series.windows import Windows, cut_windows

if TYPE_CHECKING:
    from seq2seq.metrics.forecasts import PIT

FIGURES = (".png", ".svg")
PANELS = 12
"""Series that are drawn at most."""
_SHOWN = 3
"""Horizons of history that are drawn."""


def check_figure(path: str | Path) -> None:
    """Raises ValueError for a figure that cannot be drawn; call it before the work."""
    if Path(path).suffix.lower() not in FIGURES:
        raise ValueError(f"A figure is a {' or '.join(FIGURES)} file. Received: {path}")
    require("matplotlib")


def plot_fan(
    path: str | Path,
    table: SeriesTable,
    windows: Windows,
    forecast: Forecast,
    level: Sequence[float] = (80.0, 95.0),
    history: int | None = None,
    total: int | None = None,
) -> None:
    """Draws what was known, the forecast and its intervals, a panel for each of the first 12 windows.

    Actual values after the cut, in a backtest, are drawn as dots. Times are those of the table's zone.

    Args:
        path: A .png or .svg, written whole or not at all.
        table: The series.
        windows: Rows of the forecast.
        forecast: Of these windows.
        level: Percent of the bands, one within the other.
        history: Steps before the cut; None: three horizons.
        total: How many forecasts there are, of which these are the first; None: no more.

    Raises:
        LevelError: a level is no percentage, or the forecast does not cover it.
    """
    check_figure(path)
    rows, horizon = forecast.mean.shape
    if not rows or rows != len(windows.cuts):
        raise ValueError(f"Expected forecasts of {len(windows.cuts)} windows to draw. Received: {rows}")
    count = min(rows, PANELS)
    across = 1 if count == 1 else 2 if count <= 4 else 3
    down = -(-count // across)
    some = Windows(windows.series[:count], windows.cuts[:count])
    before = max(1, min(history or _SHOWN * horizon, int(some.cuts.max())))
    cut = cut_windows(table, some, before, horizon)
    times: Any = table.clock(cut.positions, some.series[:, None])
    if table.frequency.unit != "step":
        times = times.astype("datetime64[us]")
    known = np.where(cut.context_observed, cut.context, np.nan)
    future = np.where(cut.target_observed, cut.target, np.nan)
    levels = sorted(dict.fromkeys(level), reverse=True)
    ends = [end for one in levels for end in interval_levels(one)]
    bands = forecast.quantiles(ends)[:count] if ends else np.zeros((count, horizon, 0))
    figure = new_figure(figsize=(max(7.0, 5.0 * across), max(3.5, 2.8 * down)), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for row, axes in enumerate(panels[:count]):
        past, ahead = times[row, :before], times[row, before:]
        inside = cut.inside[row, :before]
        axes.plot(past[inside], known[row][inside], color="black", linewidth=1, label="history")
        for place, one in enumerate(levels):
            low, high = bands[row, :, 2 * place], bands[row, :, 2 * place + 1]
            shade = 0.2 + 0.3 * place / max(len(levels) - 1, 1)
            marks = {"color": "tab:blue", "alpha": shade}
            if horizon > 1:
                axes.fill_between(ahead, low, high, linewidth=0, label=f"{one:g} %", **marks)
            else:  # a band of one step has no width
                axes.vlines(ahead, low, high, linewidth=6, label=f"{one:g} %", **marks)
        mark = "." if horizon == 1 else None
        axes.plot(ahead, forecast.mean[row], color="tab:blue", marker=mark, label="forecast")
        if cut.target_observed[row].any():
            axes.plot(ahead, future[row], color="black", marker=".", markersize=3, linewidth=0, label="actual")
        axes.set_title(visible(table.ids[int(some.series[row])]), fontsize="medium", parse_math=False)
        axes.grid(alpha=0.3)
        if table.frequency.unit != "step":
            _concise(axes)
    for axes in panels[count:]:
        axes.set_visible(False)
    handles, labels = max(
        (axes.get_legend_handles_labels() for axes in panels[:count]), key=lambda found: len(found[1])
    )
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize="small")
    if (total := total or rows) > count:
        figure.suptitle(f"The first {count} of {total:,} forecasts", fontsize="medium")
    _save(figure, path)


def plot_pit(path: str | Path, found: Mapping[str, PIT]) -> None:
    """Draws the histograms of several forecasts side by side: flat where a forecast is calibrated.

    A hump in the middle: the intervals are too wide; heaps at the ends: they are too narrow; a slope: a bias.

    Args:
        path: A .png or .svg, written whole or not at all.
        found: Histograms by the name of the forecast.
    """
    check_figure(path)
    if not found:
        raise ValueError("Expected a histogram to draw. Received none.")
    across = min(len(found), 3)
    down = -(-len(found) // across)
    figure = new_figure(figsize=(4 * across, 3 * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharey=True).ravel()
    for axes, (name, pit) in zip(panels, found.items(), strict=False):
        widths = np.diff(pit.edges)
        axes.bar(pit.edges[:-1], pit.shares / widths, widths, align="edge", color="tab:blue", edgecolor="white")
        axes.axhline(1, color="gray", linestyle="--")
        axes.set(xlim=(0, 1), xlabel="quantile of the actual value", ylabel="density")
        axes.set_title(f"{visible(name)}: {pit.score.score:.1f} %", fontsize="medium", parse_math=False)
    for axes in panels[len(found) :]:
        axes.set_visible(False)
    _save(figure, path)


def _concise(axes: Any) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _save(figure: Any, path: str | Path) -> None:
    kind = Path(path).suffix.lower()[1:]
    metadata: dict[str, Any] = {"Date": None} if kind == "svg" else {}
    with warnings.catch_warnings(), output_file(path) as partial:
        warnings.filterwarnings("ignore", message=r"(?s).*missing from (current )?font")
        figure.savefig(partial, format=kind, dpi=100, metadata=metadata)
