"""Pieces to files, by what the name ends in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seq2seq.files import output_file
from seq2seq.music.abc_writing import write_abc
from seq2seq.music.midi import midi_bytes
from seq2seq.music.music_json import music_to_json
from seq2seq.music.notes import Music
from seq2seq.music.page import music_page
from seq2seq.music.synthesis import synthesise, wav_bytes

SUFFIXES = (".mid", ".midi", ".wav", ".abc", ".html", ".json")
"""Of the files that can be written."""


def write_music(music: Music, path: Path | str, facts: Sequence[tuple[str, str]] = ()) -> None:
    """Writes a piece to a file, which appears only when it is complete.

    Args:
        music: The piece.
        path: A file whose name ends in one of `SUFFIXES`; capitals do not matter.
        facts: More lines of the table on a page, each a name and a text; other files do not hold them.

    Raises:
        ValueError: the name ends in something else; or the piece is such as this kind of file cannot hold, see
            `midi_bytes`, `write_abc`, `synthesise` and `music_page`.
        OSError: it cannot be written.
        MissingPackage: it is MIDI, and mido is not installed.
    """
    data = file_of_music(music, check_music_path(path), facts)
    with output_file(path) as partial:
        partial.write_bytes(data)


def check_music_path(path: Path | str) -> str:
    """Returns what a name ends in, in small letters; ValueError where it is none of `SUFFIXES`."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        came = f"a name that ends in {suffix}" if suffix else "a name without an ending"
        raise ValueError(f"{path}: expected a file of music to write: {', '.join(SUFFIXES)}. Received: {came}")
    return suffix


def file_of_music(music: Music, suffix: str, facts: Sequence[tuple[str, str]] = ()) -> bytes:
    """Returns the contents of a file of a kind of `SUFFIXES`; raises as `write_music`."""
    if suffix in (".mid", ".midi"):
        return midi_bytes(music)
    if suffix == ".wav":
        return wav_bytes(synthesise(music))
    if suffix == ".html":
        return music_page(music, facts).encode("utf-8", "replace")
    text = {".abc": write_abc, ".json": music_to_json}[suffix](music)
    return text.encode("utf-8", "replace")
