"""Calibration of a generator on a test set, measured and drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq import __version__
from seq2seq.extras import require
from seq2seq.figures import new_figure
from seq2seq.files import output_file
from seq2seq.inference.generator import Generator
from seq2seq.metrics.calibration import Calibration, calibrate
from seq2seq.metrics.score import Score
from seq2seq.text.examples import Example

FORMATS = (".png", ".svg")


def measure_calibration(generator: Generator, examples: Sequence[Example], batch_size: int = 64) -> Calibration:
    """Returns the confidence of the model's first choice for every target token, and how often it is right.

    Forced decoding: each token is predicted after the reference so far, so earlier mistakes do not count. EOS is a
    token; an example with an empty source has none.
    """
    choices = generator.choices([(e.source, e.target) for e in examples], batch_size)
    probabilities = np.concatenate([np.zeros(0), *(found[:, 0] for found in choices)])
    correct = np.concatenate([np.zeros(0, bool), *(found[:, 1] > 0 for found in choices)])
    return calibrate(np.clip(probabilities, 0.0, 1.0), correct)


def as_score(calibration: Calibration) -> Score:
    """The expected calibration error in percent, with its signature; lower is better."""
    signature = (
        f"bins:{len(calibration.counts)}|tokens:{int(calibration.counts.sum())}|forced:yes|seq2seq:{__version__}"
    )
    return Score(100 * calibration.error, f"{signature}|bias:{100 * calibration.bias:+.2f}")


def check_figure(path: str) -> None:
    """Raises ValueError for a figure that cannot be drawn; call it before the work."""
    if Path(path).suffix.lower() not in FORMATS:
        raise ValueError(f"A figure must be a {' or '.join(FORMATS)} file. Received: {path}")
    require("matplotlib")


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Draws accuracy over confidence, and a histogram of tokens, to a .png or .svg file, completely or not at all."""
    check_figure(str(path))
    bins = len(calibration.counts)
    some = calibration.counts > 0
    left, width = np.arange(bins) / bins, 1 / bins
    figure = new_figure(figsize=(5, 6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot([0, 1], [0, 1], color="gray", linestyle="--", label="calibrated")
    upper.bar(left[some], calibration.accuracy[some], width, align="edge", color="tab:blue", alpha=0.4)
    upper.plot(
        calibration.confidence[some], calibration.accuracy[some], marker="o", color="tab:blue", label="this model"
    )
    title = f"Calibration of {int(calibration.counts.sum()):,} tokens: error {100 * calibration.error:.1f} %"
    upper.set(ylabel="share of correct tokens", xlim=(0, 1), ylim=(0, 1), title=title)
    upper.legend(loc="upper left")
    lower.bar(left, calibration.counts, width, align="edge", color="tab:gray")
    lower.set(xlabel="probability of the first choice", ylabel="tokens")
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
    kind = Path(path).suffix.lower()[1:]
    metadata: dict[str, Any] = {"Date": None} if kind == "svg" else {}
    with output_file(path) as partial:
        figure.savefig(partial, format=kind, dpi=100, metadata=metadata)
