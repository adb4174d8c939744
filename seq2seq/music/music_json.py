"""Pieces as JSON: the fields of `Music` under their names, each note as [start, pitch, length, voice]. No framework."""

from __future__ import annotations

from typing import Any

from seq2seq.files import format_json, parse_json
from seq2seq.music.notes import MOST_STEPS, Music, Note
from seq2seq.music.scales import written_key

_NUMBERS = {"steps": 0, "steps_per_quarter": 4, "upbeat": 0}
"""Fields that are whole numbers, and what they are where they are missing; steps: the end of the last note."""
_FIELDS = {"notes", "meter", "key", "tempo", "title", *_NUMBERS}


def music_to_json(music: Music) -> str:
    """Returns a piece as one line of JSON, with an end of line."""
    return (
        format_json(
            {
                "title": music.title,
                "key": music.key,
                "meter": list(music.meter),
                "tempo": music.tempo,
                "steps_per_quarter": music.steps_per_quarter,
                "upbeat": music.upbeat,
                "steps": music.steps,
                "notes": [[note.start, note.pitch, note.length, note.voice] for note in music.notes],
            }
        )
        + "\n"
    )


def music_from_json(text: str | bytes, name: str) -> list[Music]:
    """Returns the pieces of a file: one object, a list of objects, or one object a line.

    Args:
        text: The file.
        name: The file, for messages.

    Raises:
        ValueError: it is not JSON, or not pieces: one sentence that names the file, the piece and the field.
    """
    lines = (text.decode("utf-8-sig", "replace") if isinstance(text, bytes) else text).strip()
    try:
        value = parse_json(lines, finite=True)
    except ValueError as error:
        try:
            value = [parse_json(line, finite=True) for line in lines.splitlines() if line.strip()]
        except ValueError:
            value = None
        if not value:
            raise ValueError(
                f"{name}: expected pieces of music as JSON. Received: {' '.join(str(error).split())}"
            ) from None
    pieces = value if isinstance(value, list) else [value]
    if not pieces:
        raise ValueError(f"{name}: expected pieces of music. Received: an empty list")
    return [_piece(piece, f"{name}: piece {number}") for number, piece in enumerate(pieces, 1)]


def _piece(value: Any, place: str) -> Music:
    if not isinstance(value, dict) or not isinstance(value.get("notes"), list):
        raise ValueError(f"{place}: expected an object with a list of notes. Received: {_short(value)}")
    if unknown := sorted(set(value) - _FIELDS):
        raise ValueError(f"{place}: expected the fields {', '.join(sorted(_FIELDS))}. Received: {unknown[0][:40]!r}")
    notes = tuple(_note(note, f"{place}, note {number}") for number, note in enumerate(value["notes"], 1))
    if not notes:
        raise ValueError(f"{place}: expected notes. Received: none")
    end = max(note.start + note.length for note in notes)
    numbers = {name: value.get(name, end if name == "steps" else usual) for name, usual in _NUMBERS.items()}
    meter, tempo = value.get("meter", [4, 4]), value.get("tempo", 100.0)
    for name, number in numbers.items():
        if not _whole(number) or number > MOST_STEPS:
            raise ValueError(f"{place}: expected a whole number of {name}. Received: {_short(number)}")
    if not isinstance(meter, list) or len(meter) != 2 or not all(map(_whole, meter)):
        raise ValueError(f"{place}: expected a meter such as [3, 4]. Received: {_short(meter)}")
    if isinstance(tempo, bool) or not isinstance(tempo, int | float):
        raise ValueError(f"{place}: expected a tempo in quarter notes a minute. Received: {_short(tempo)}")
    texts = {name: value.get(name, "") for name in ("key", "title")}
    for name, one in texts.items():
        if not isinstance(one, str):
            raise ValueError(f"{place}: expected a text as {name}. Received: {_short(one)}")
    try:
        texts["key"] = texts["key"] and written_key(texts["key"])
        return Music(notes, meter=(meter[0], meter[1]), tempo=float(tempo), **numbers, **texts)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _note(value: Any, place: str) -> Note:
    if (
        not isinstance(value, list)
        or len(value) not in (3, 4)
        or not all(_whole(one) and one <= MOST_STEPS for one in value)
    ):
        raise ValueError(f"{place}: expected [start, pitch, length, voice]. Received: {_short(value)}")
    return Note(*value)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 40 else text[:40] + "…"
