"""Files of music to pieces, by what the name ends in."""

from __future__ import annotations

from pathlib import Path

from seq2seq.files import check_regular, read_bytes
from seq2seq.music.abc_reading import read_abc
from seq2seq.music.kern import read_kern
from seq2seq.music.midi import read_midi
from seq2seq.music.music_json import music_from_json
from seq2seq.music.notes import Music
from seq2seq.music.quantising import Warn, quiet

SUFFIXES = (".mid", ".midi", ".abc", ".krn", ".kern", ".json")
"""Of the files that can be read."""
MOST_BYTES = 1 << 26


def read_music(path: Path | str, steps_per_quarter: int = 4, chords: bool = True, warn: Warn = quiet) -> list[Music]:
    """Returns the pieces of a file: of a tune book and of JSON any number, of MIDI and kern one.

    Args:
        path: A file whose name ends in one of `SUFFIXES`; capitals do not matter.
        steps_per_quarter: Of the grid. A piece in JSON has its own.
        chords: Whether the chord symbols of ABC become a voice.
        warn: Gets a sentence for each thing that is lost; see `read_abc`, `read_midi` and `read_kern`.

    Raises:
        ValueError: the file is none of these, a folder, not a file, longer than `MOST_BYTES`, or cannot be read: one
            sentence that names it.
        OSError: it is missing or not readable.
        MissingPackage: it is MIDI, and mido is not installed.
    """
    path, name = Path(path), str(path)
    if path.is_dir():
        raise ValueError(f"{name}: expected a file of music. Received: a folder")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{name}: expected a file of music: {', '.join(SUFFIXES)}. Received: {_ending(path)}")
    try:
        check_regular(path)
        data = read_bytes(path, MOST_BYTES)
    except ValueError as error:
        raise ValueError(f"{name}: expected a file of music. Received: {error}") from None
    if suffix in (".mid", ".midi"):
        return [read_midi(data, name, steps_per_quarter, warn)]
    if suffix == ".json":
        return music_from_json(data, name)
    if suffix == ".abc":
        return read_abc(_text(data), name, steps_per_quarter, chords, warn)
    return [read_kern(_text(data), name, steps_per_quarter, warn)]


def _text(data: bytes) -> str:
    """Returns the text of a file in UTF-8 or, as many old ones are, Latin-1."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _ending(path: Path) -> str:
    return f"a name that ends in {path.suffix}" if path.suffix else "a name without an ending"
