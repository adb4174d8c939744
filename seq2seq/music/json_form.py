"""A piece as JSON: what the toolkit writes where no other form is asked for."""

from __future__ import annotations

import json
from typing import Any

from seq2seq.music.notes import Music, Note


def music_as_json(music: Music) -> str:
    """Returns a piece as one JSON object; each note is [start, pitch, length, voice]."""
    values = {name: value for name, value in vars(music).items() if name != "notes"}
    notes = [[note.start, note.pitch, note.length, note.voice] for note in music.notes]
    return json.dumps({**values, "notes": notes}, ensure_ascii=False) + "\n"


def music_of_json(text: str, name: str) -> Music:
    """Returns the piece that `music_as_json` wrote.

    Raises:
        ValueError: it is none; the message begins with `name`.
    """
    try:
        values: dict[str, Any] = json.loads(text)
        numbers = [number for note in values["notes"] for number in note]
        numbers += [values["steps"], values["steps_per_quarter"], values["upbeat"], *values["meter"]]
        if any(type(number) is not int for number in numbers):
            raise ValueError("expected whole numbers")
        notes = tuple(Note(*note) for note in values.pop("notes"))
        return Music(**{**values, "notes": notes, "meter": tuple(values["meter"])})
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{name}: not a piece as JSON ({error}).") from None
