"""ETTh1: load and oil temperature of an electricity transformer, hourly, 7 channels (Zhou et al. 2021).

17,420 hours from 1 July 2016. The literature uses 12 + 4 + 4 months of 30 days; scales with mean and standard deviation
of the training part; and scores all windows whose horizon lies within the test part, their context may reach back.
"""

from __future__ import annotations

from seq2seq.series.cells import Columns
from seq2seq.series.reading import read_table
from seq2seq.series.table import SeriesTable

from .fetch import RemoteFile, fetch

NAME = "etth1"
LANGUAGES = ()
LICENCE = "CC BY-ND 4.0"
CITATION = "Zhou et al. 2021, Informer: Beyond Efficient Transformer for Long Sequence Time-Series Forecasting, AAAI"
FILE = RemoteFile(
    NAME,
    "ETTh1.csv",
    "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/main/ETT-small/ETTh1.csv",
    "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066",
)
CHANNELS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
BORDERS = {"train": (0, 8640), "validation": (8640, 11520), "test": (11520, 14400)}
"""First step and the one after the last, of each split; the steps from 14,400 on are not used."""
SPLITS = tuple(BORDERS)


def load(split: str, context: int = 0) -> SeriesTable:
    """Returns the channels of a split as series; downloads the file if necessary.

    Args:
        split: One of `SPLITS`.
        context: Steps before the split to add, as far as there are any.

    Raises:
        ValueError: the split is unknown, or the file is not available.
    """
    if split not in BORDERS:
        raise ValueError(f"ETTh1 has the splits {', '.join(SPLITS)}. Received: {split!r}")
    start, stop = BORDERS[split]
    table = read_table(fetch(FILE), Columns(time="date", target=CHANNELS), frequency="h")
    return table.cut(max(0, start - context), stop)
