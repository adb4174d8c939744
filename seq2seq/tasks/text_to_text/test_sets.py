"""Test sets as data.json records them: where they are, how they are read, and the checksums of their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seq2seq.run.environment import checksums
from seq2seq.text.corpus import Joined, ParallelText, Records, Text, files_of


def data_entry(text: Text) -> dict[str, Any]:
    """Returns the place of a test set, how it is read, and the checksums of its files by path."""
    place = {"texts": [_place(one) for one in text.texts]} if isinstance(text, Joined) else _place(text)
    return {**place, "sha256": checksums(files_of(text))}


def _place(text: ParallelText | Records) -> dict[str, Any]:
    target = str(text.target.resolve()) if text.target else None
    place: dict[str, Any] = {"source": str(text.source.resolve()), "target": target}
    if isinstance(text, Records):
        place["fields"] = {"source": text.source_field, "target": text.target_field, "named": text.named}
        place["fields"]["references"] = text.reference_fields
    return place


def text_of(entry: dict[str, Any]) -> Text:
    """Returns a test set from its entry in data.json; TypeError, ValueError or KeyError where it is none."""
    if "texts" in entry:
        return Joined(tuple(_one_text(dict(one)) for one in entry["texts"]))
    return _one_text(entry)


def _one_text(entry: dict[str, Any]) -> ParallelText | Records:
    source, target = Path(entry["source"]), entry["target"]
    if not isinstance(target, str | None):
        raise TypeError(f"a target is a path or null, not {target!r}")
    for path in (source, Path(target) if target else None):
        if path and path.exists() and not path.is_file():  # a pipe may block, a device may never end
            raise ValueError(f"{path} is not a regular file")
    if fields := entry.get("fields"):
        names = str(fields["source"]), str(fields["target"]), tuple(map(str, fields["references"]))
        return Records(source, *names, bool(fields.get("named", True)))
    return ParallelText(source, Path(target) if target else None)
