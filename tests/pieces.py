"""Pieces of music of every kind that a file can hold."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from seq2seq.music.notes import Music, Note
from seq2seq.music.quantising import apart

KEYS = ["", "C", "G", "Bb", "F#", "Cb", "Am", "F#m", "Ebm"]


@st.composite
def pieces(draw: Any, keys: list[str] = KEYS, most_voices: int = 4) -> Music:
    """Pieces in which notes of a voice and pitch do not overlap, and every voice has notes."""
    grid = draw(st.sampled_from([1, 2, 3, 4, 6, 8, 12]))
    beats, unit = draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (2, 2), (9, 8), (5, 4), (1, 4)]))
    step = 3 if grid % 3 == 0 else 1  # an upbeat that a meter can say
    count = draw(st.integers(1, most_voices))
    note = st.tuples(st.integers(0, 40), st.integers(0, 127), st.integers(1, 30))
    voices = draw(st.lists(st.lists(note, min_size=1, max_size=8), min_size=count, max_size=count))
    notes = [Note(start, pitch, length, voice) for voice, part in enumerate(voices) for start, pitch, length in part]
    end = max(note.start + note.length for note in notes)
    bar = beats * 4 * grid // unit
    upbeat = draw(st.integers(0, max(min(bar, end) - 1, 0))) // step * step
    return Music(
        tuple(apart(notes)),
        end + draw(st.integers(0, 20)),
        grid,
        (beats, unit),
        upbeat,
        draw(st.sampled_from(keys)),
        float(draw(st.integers(400, 30_000))) / 100,
        draw(st.sampled_from(["", "A tune", "Ständchen, op. 3 № 1"])),
    )
