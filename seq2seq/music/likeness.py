"""How a composition compares with the pieces that were learned from: what is copied, and how the notes are spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seq2seq.files import whole_file
from seq2seq.music.notes import HIGHEST, LOWEST, MOST_STEPS, Music, Note

INTERVALS = ("repeats", "steps", "thirds", "leaps")
CORPUS_FILE = "corpus.npz"
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


class Stretch(NamedTuple):
    """Notes that follow each other in a composition and in a piece of the corpus alike, at any pitch."""

    notes: int
    start: int = 0
    """Place of the first among the notes of the composition."""
    piece: int = -1
    """Number of the piece in the corpus, from 0; -1: none."""
    step: int = 0
    """Where it begins in that piece."""


@dataclass(frozen=True)
class Corpus:
    """The notes of the training pieces."""

    notes: np.ndarray
    """`(notes, 4)`, int32: start, pitch, length and voice, piece after piece."""
    ends: np.ndarray
    """`(pieces,)`, int64: where the notes of each piece end."""
    steps: np.ndarray
    """`(pieces,)`, int64."""
    steps_per_quarter: int
    tempo: float
    """The median of the pieces."""
    key: str = ""
    """The most frequent one."""

    @classmethod
    def of(cls, pieces: Sequence[Music]) -> Corpus:
        """Returns that of pieces on one grid, at least one."""
        notes = [(n.start, n.pitch, n.length, n.voice) for piece in pieces for n in piece.notes]
        ends = np.cumsum([len(piece.notes) for piece in pieces])
        return cls(
            np.asarray(notes, np.int32).reshape(-1, 4),
            ends.astype(np.int64),
            np.asarray([piece.steps for piece in pieces], np.int64),
            pieces[0].steps_per_quarter,
            float(np.median([piece.tempo for piece in pieces])),
            Counter(piece.key for piece in pieces).most_common(1)[0][0],
        )

    def pieces(self) -> Iterator[Music]:
        """Yields the pieces, without what is not kept of them: meter, key and title."""
        for rows, steps in zip(np.split(self.notes, self.ends[:-1]), self.steps, strict=True):
            notes = tuple(Note(*map(int, row)) for row in rows)
            yield Music(notes, int(steps), self.steps_per_quarter, tempo=self.tempo)

    def save(self, path: Path) -> None:
        """Writes it, whole or not at all."""
        with whole_file(path) as partial, open(partial, "wb") as file:
            np.savez_compressed(
                file,
                notes=self.notes,
                ends=self.ends,
                steps=self.steps,
                grid=np.asarray([self.steps_per_quarter, self.tempo]),
                key=np.asarray(self.key),
            )

    @classmethod
    def load(cls, path: Path) -> Corpus:
        """Reads what `save` wrote; ValueError where it is missing or damaged."""
        try:
            with np.load(path, allow_pickle=False) as file:
                notes, ends, steps, grid, key = (file[name] for name in ("notes", "ends", "steps", "grid", "key"))
            whole = notes.ndim == 2 and notes.shape[1] == 4 and ends.shape == steps.shape == (len(ends),)
            if not whole or grid.shape != (2,) or not len(ends) or ends[-1] != len(notes) or (np.diff(ends) < 0).any():
                raise ValueError("its parts do not fit together")
            found = cls(notes, ends, steps, int(grid[0]), float(grid[1]), str(key))
            found.check()
            return found
        except Exception as error:  # zipfile and NumPy raise many kinds for a bad file
            raise ValueError(f"{path}: missing or damaged ({' '.join(str(error).split())[:120]}).") from error

    def check(self) -> None:
        """Raises ValueError for notes, grid, tempo or lengths of pieces that cannot be."""
        if self.steps_per_quarter < 1 or not 0 < self.tempo < 1000:
            raise ValueError("its grid or tempo cannot be")
        start, pitch, length, voice = self.notes.astype(np.int64).T
        steps = np.repeat(self.steps, np.diff(self.ends, prepend=0))
        inside = (start >= 0) & (length >= 1) & (start + length <= steps) & (voice >= 0)
        if not (inside & (pitch >= LOWEST) & (pitch <= HIGHEST)).all():
            raise ValueError("a note is outside of its piece or has no pitch")
        if (self.steps < 0).any() or (self.steps > MOST_STEPS).any():
            raise ValueError(f"a piece has more than {MOST_STEPS:,} steps")


def longest_copy(notes: Sequence[Note], corpus: Corpus) -> Stretch:
    """Returns the longest stretch of notes that a piece of the corpus has too, transposed or not.

    Notes are in order of start, then pitch. Compared are their distances in pitch and time, and how long each but the
    last sounds.

    Args:
        notes: Of the composition, on the corpus' grid.
        corpus: The training pieces.
    """
    own = np.asarray([(note.start, note.pitch, note.length) for note in sorted(notes)], np.int64).reshape(-1, 3)
    if not len(own) or not len(corpus.notes):
        return Stretch(0)
    piece = np.searchsorted(corpus.ends, np.arange(len(corpus.notes)), side="right")
    mine, theirs = _links(own), _links(corpus.notes[:, :3].astype(np.int64))

    def places(count: int) -> tuple[int, int] | None:
        """Where the first stretch of `count` notes that both have begins in each."""
        links = count - 1
        if links > len(mine) or links > len(theirs):
            return None
        hashed, known = _windows(mine, links), _windows(theirs, links)
        inside = piece[: len(known)] == piece[links : links + len(known)]
        common = np.isin(hashed, known[inside])
        if not common.any():
            return None
        first = int(common.argmax())
        return first, int(np.flatnonzero(inside & (known == hashed[first]))[0])

    low, high, best = 1, len(own), (0, 0)
    while low < high:
        middle = (low + high + 1) // 2
        if found := places(middle):
            low, best = middle, found
        else:
            high = middle - 1
    return Stretch(low, best[0], int(piece[best[1]]), int(corpus.notes[best[1], 0]))


def _links(notes: np.ndarray) -> np.ndarray:
    """`(notes, 3)` -> `(notes - 1,)`, uint64: how each note leads to the next."""
    steps = np.diff(notes[:, :2], axis=0)
    numbers = (steps[:, 0] << 32) + ((steps[:, 1] + 256) << 16) + np.minimum(notes[:-1, 2], 0xFFFF)
    mixed = numbers.astype(np.uint64) * _FACTOR
    return np.asarray(mixed ^ (mixed >> np.uint64(29)))


def _windows(links: np.ndarray, count: int) -> np.ndarray:
    """Returns a number for each `count` links that follow each other, `(links - count + 1,)`, uint64."""
    found = np.zeros(len(links) - count + 1, np.uint64)
    for offset in range(count):
        found = found * _FACTOR + links[offset : offset + len(found)]
    return found


def statistics(notes: np.ndarray, ends: np.ndarray, steps: np.ndarray, steps_per_quarter: int) -> dict[str, float]:
    """Returns how the notes of pieces are spread.

    Args:
        notes: `(notes, 4)`: start, pitch, length and voice, piece after piece.
        ends: `(pieces,)`: where the notes of each piece end.
        steps: `(pieces,)`: how long each is.
        steps_per_quarter: Of the grid.

    Returns:
        notes_per_quarter, length (of a note, in quarters), sounding (notes at a time), low and high (the 5 % and the
        95 % quantile of the pitches), and of the highest note that begins at a time, to the next such: repeats, steps
        (1 or 2 semitones), thirds (3 or 4) and leaps (more), as shares.
    """
    if not len(notes):
        return {}
    quarters = float(steps.sum()) / steps_per_quarter
    piece = np.searchsorted(ends, np.arange(len(notes)), side="right")
    order = np.lexsort((notes[:, 1], notes[:, 0], piece))
    last = np.append(np.diff(notes[order, 0]) != 0, True) | np.append(np.diff(piece[order]) != 0, True)
    tops = order[last]
    within = np.diff(piece[tops]) == 0
    intervals = np.abs(np.diff(notes[tops, 1]))[within]
    count = max(1, len(intervals))
    return {
        "notes_per_quarter": len(notes) / max(quarters, 1e-9),
        "length": float(notes[:, 2].mean()) / steps_per_quarter,
        "sounding": float(notes[:, 2].sum()) / max(float(steps.sum()), 1.0),
        "low": float(np.quantile(notes[:, 1], 0.05)),
        "high": float(np.quantile(notes[:, 1], 0.95)),
        "repeats": float((intervals == 0).sum()) / count,
        "steps": float(((intervals == 1) | (intervals == 2)).sum()) / count,
        "thirds": float(((intervals == 3) | (intervals == 4)).sum()) / count,
        "leaps": float((intervals > 4).sum()) / count,
    }


def interval_distance(one: Mapping[str, float], other: Mapping[str, float]) -> float | None:
    """Returns how far the shares of repeats, steps, thirds and leaps are apart in two `statistics`.

    It is half the sum of their differences, the total variation distance: 0 where they are the same, 1 where nothing is
    shared; None where one of the two has no notes.
    """
    if not one or not other:
        return None
    return sum(abs(one[name] - other[name]) for name in INTERVALS) / 2
