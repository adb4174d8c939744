"""A series with its scores and alarms as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.extras import require
from seq2seq.figures import new_figure
from seq2seq.files import output_file
from seq2seq.series.alarms import Alarm
from seq2seq.series.table import Floats

FORMATS = (".png", ".svg")
"""What a picture's name may end in."""
_LEAST_WIDTH = 1 / 400
"""Of an alarm, as a share of the series: a single row would be too thin to see."""


def check_alarm_plot(path: Path) -> None:
    """Raises ValueError if nothing can be drawn to `path`: another ending, or matplotlib is not installed."""
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"A plot of alarms is written as {' or '.join(FORMATS)}. Received: {path}")
    require("matplotlib")


def draw_alarms(
    path: Path,
    values: Floats,
    alarms: Sequence[Alarm],
    *,
    scores: Floats | None = None,
    threshold: float | None = None,
    times: NDArray[Any] | None = None,
    title: str = "",
) -> None:
    """Draws a series with its alarms shaded, and below it the scores, to a PNG or SVG, whole or not at all.

    Args:
        path: Where to.
        values: `(time,)`; NaN where they are missing.
        alarms: Rows of `values`; the darker, the more severe.
        scores: `(time,)`; without them, only the series is drawn.
        threshold: A line among the scores.
        times: `(time,)`, datetime64 or numbers, in any order; without them, rows are counted.
        title: Above all; a dollar sign is text.

    Raises:
        ValueError: another ending, no matplotlib, no reading, different lengths, or an alarm outside of the series.
    """
    check_alarm_plot(path)
    size = len(values)
    if not size:
        raise ValueError("There is nothing to draw: the series has no readings.")
    for name, array in (("scores", scores), ("times", times)):
        if array is not None and len(array) != size:
            raise ValueError(f"Expected {name} of all {size} readings. Received: {len(array)}")
    outside = [alarm for alarm in alarms if not 0 <= alarm.start <= alarm.end < size]
    if outside:
        raise ValueError(f"Expected alarms within the {size} readings. Received: {outside[0]}")
    # Repeated and backward stamps would draw lines back and forth: the axis counts rows, the labels tell the time.
    rows = np.arange(size)
    figure = new_figure(figsize=(11, 3 if scores is None else 5), layout="constrained")
    import matplotlib

    panels = figure.subplots(1 if scores is None else 2, 1, sharex=True, squeeze=False)[:, 0]
    panels[0].plot(rows, values, color="tab:blue", linewidth=0.8)
    panels[0].set_ylabel("reading")
    panels[0].set_title(title, parse_math=False)
    if scores is not None:
        panels[1].plot(rows, scores, color="0.3", linewidth=0.8)
        panels[1].set_ylabel("score")
        if threshold is not None and np.isfinite(threshold):
            panels[1].axhline(threshold, color="tab:red", linewidth=0.8, linestyle="--")
    most = max((alarm.severity for alarm in alarms if np.isfinite(alarm.severity)), default=1.0)
    for alarm in alarms:
        share = np.clip(alarm.severity / most, 0, 1) if most > 0 else 1.0
        half = max((alarm.end - alarm.start + 1) / 2, _LEAST_WIDTH * size / 2)
        middle = (alarm.start + alarm.end) / 2
        for panel in panels:
            panel.axvspan(middle - half, middle + half, color="tab:red", alpha=0.15 + 0.35 * share, linewidth=0)
    panels[-1].set_xlim(-0.5, size - 0.5)
    panels[-1].set_xlabel("row" if times is None else "time")
    if times is not None:
        ticks = np.unique(np.linspace(0, size - 1, 7).round().astype(int))
        panels[-1].set_xticks(ticks, labels=[_label(times[tick]) for tick in ticks], parse_math=False)
    form = path.suffix.lower()[1:]
    # The same alarms, the same file.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "seq2seq"}), output_file(path) as partial:
        figure.savefig(partial, format=form, dpi=100, metadata={"Date": None} if form == "svg" else None)


def _label(time: Any) -> str:
    """A stamp to the minute, or a number."""
    return str(time.astype("datetime64[m]")).replace("T", "\n") if isinstance(time, np.datetime64) else str(time)
