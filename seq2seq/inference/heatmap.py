"""An alignment as a picture."""

from __future__ import annotations

import warnings
from pathlib import Path

from seq2seq.extras import require
from seq2seq.figures import new_figure
from seq2seq.files import output_file
from seq2seq.inference.alignments import Alignment

FORMATS = (".png", ".svg")
"""What a picture's name may end in."""


def check_heatmap(path: Path) -> None:
    """Raises ValueError if no heatmap can be drawn to `path`: another ending, or matplotlib is not installed."""
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"A heatmap is written as {' or '.join(FORMATS)}. Received: {path}")
    require("matplotlib")


def draw_heatmap(alignment: Alignment, path: Path) -> None:
    """Draws the weights, a row for each target token, to a PNG or SVG, whole or not at all.

    Scripts that the font lacks become boxes in a PNG; an SVG holds text, which the viewer's fonts show.

    Raises:
        ValueError: another ending, no matplotlib, or an empty alignment.
    """
    check_heatmap(path)
    columns, rows = alignment.labels()
    if not rows:
        raise ValueError("There is nothing to draw: the sentence is empty.")
    size = [min(1.5 + 0.35 * len(labels), 60.0) for labels in (columns, rows)]  # inches
    figure = new_figure(figsize=(size[0], size[1]), layout="constrained")
    import matplotlib

    axes = figure.subplots()
    axes.imshow(alignment.weights, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    # A dollar sign is text here, not the beginning of a formula.
    axes.set_xticks(range(len(columns)), labels=columns, rotation=90, parse_math=False)
    axes.set_yticks(range(len(rows)), labels=rows, parse_math=False)
    axes.xaxis.tick_top()
    axes.set(xlabel="source", ylabel="target")
    axes.xaxis.set_label_position("top")
    form = path.suffix.lower()[1:]
    settings = {"svg.fonttype": "none", "svg.hashsalt": "seq2seq"}  # the same alignment, the same file
    with matplotlib.rc_context(settings), warnings.catch_warnings(), output_file(path) as partial:
        warnings.filterwarnings("ignore", message=r"(?s).*missing from (current )?font")
        figure.savefig(partial, format=form, dpi=100, metadata={"Date": None} if form == "svg" else None)
