"""Bach's chorales as their literature splits them: 229 for training, 76 for validation, 77 for the test.

The quarter grid is that of Boulanger-Lewandowski et al. 2012, with which the negative log-likelihoods a frame are
published; most of its pieces are transposed to C major or C minor. The 8ths and 16ths are in the keys of the scores.
The 16ths have four voices, the highest first. A voice that repeats a pitch cannot be told from one that holds it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from seq2seq.music.notes import Music, music_of_voices

from .fetch import FetchError, RemoteFile, fetch

NAME = "jsb"
LANGUAGES = ()
LICENCE = "None stated; the music is in the public domain"
CITATION = (
    "Boulanger-Lewandowski et al. 2012, Modeling Temporal Dependencies in High-Dimensional Sequences, ICML; files of "
    "github.com/czhuang/JSB-Chorales-dataset"
)
ADDRESS = "https://raw.githubusercontent.com/czhuang/JSB-Chorales-dataset/master"
FILES = {
    1: ("jsb-chorales-quarter.json", "2db9329f1881a1d3f49703ec556bf1d6f84b4f6c1d702c156536e93cf31e1c91"),
    2: ("jsb-chorales-8th.json", "88fb80b22829a815e8105da538d94ae803773158507e2145938351f35142390a"),
    4: ("Jsb16thSeparated.json", "79294cc374f9252e95ef4b703161524c1c53dc1f712c236f00f1c1f5d54af5a7"),
}
"""File and sha256, by the steps of a quarter note."""
SPLITS = {"train": "train", "validation": "valid", "test": "test"}
"""Their names in the files."""
TEMPO = 80.0


def load(split: str, steps_per_quarter: int = 1) -> list[Music]:
    """Returns the chorales of a split; downloads them if necessary.

    Args:
        split: One of `SPLITS`.
        steps_per_quarter: The grid, one of `FILES`.

    Raises:
        ValueError: the split or the grid is unknown, or the file is not available.
    """
    if split not in SPLITS:
        raise ValueError(f"The chorales have the splits {', '.join(SPLITS)}. Received: {split!r}")
    if steps_per_quarter not in FILES:
        raise ValueError(f"Of the chorales there are 1, 2 and 4 steps a quarter. Received: {steps_per_quarter}")
    name, digest = FILES[steps_per_quarter]
    path = fetch(RemoteFile(NAME, name, f"{ADDRESS}/{name}", digest))
    read = _voices if steps_per_quarter == 4 else _chords
    try:
        pieces: list[Any] = json.loads(path.read_bytes())[SPLITS[split]]
        return [read(piece, steps_per_quarter, f"{split} {number}") for number, piece in enumerate(pieces, 1)]
    except (ValueError, KeyError, TypeError) as error:
        raise FetchError(f"{path} is not the file of chorales that was expected ({error}).") from None


def _chords(frames: Sequence[Sequence[int]], steps: int, title: str) -> Music:
    """Returns a piece of frames of pitches; a pitch that sounds in frames one after the other is one note."""
    pitches = sorted({pitch for frame in frames for pitch in frame if pitch >= 0}, reverse=True)
    parts = [_runs([pitch if pitch in frame else -1 for frame in frames]) for pitch in pitches]
    notes = [note for part in parts for note in part]
    return music_of_voices([notes], steps=len(frames), steps_per_quarter=steps, tempo=TEMPO, title=title)


def _voices(frames: Sequence[Sequence[int]], steps: int, title: str) -> Music:
    parts = [_runs([frame[voice] for frame in frames]) for voice in range(4)]
    return music_of_voices(parts, steps=len(frames), steps_per_quarter=steps, tempo=TEMPO, title=title)


def _runs(pitches: Sequence[int]) -> list[tuple[int, int, int]]:
    """Returns (start, pitch, length) of a part that has one pitch in each frame; below 0 it rests."""
    found: list[tuple[int, int, int]] = []
    for step, pitch in enumerate(pitches):
        if pitch < 0:
            continue
        if found and found[-1][1] == pitch and found[-1][0] + found[-1][2] == step:
            start, _, length = found[-1]
            found[-1] = start, pitch, length + 1
        else:
            found.append((step, pitch, 1))
    return found
