"""Manifests to utterances: which audio says what. Tables with named columns, JSON, and Kaldi's folders.

Imports no framework.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2seq.audio.reading import read
from seq2seq.audio.resampling import resample
from seq2seq.audio.wav import Samples
from seq2seq.text.characters import encodable
from seq2seq.text.corpus import kind_of
from seq2seq.text.json_text import json_lines, json_objects
from seq2seq.text.lines import one_line, read_lines
from seq2seq.text.opening import CorpusError
from seq2seq.text.tables import csv_rows, did_you_mean, named_tsv

COLUMNS = ("audio", "text", "speaker", "start", "end", "id")
"""Of a manifest; the first two are required, others than these are not read."""
_REQUIRED = COLUMNS[:2]


@dataclass(frozen=True)
class Utterance:
    """A piece of audio and what is said in it."""

    audio: Path
    """The file."""
    text: str
    """Without line breaks, not empty."""
    speaker: str = ""
    """Empty if unknown."""
    start: float | None = None
    """Seconds; None: the beginning of the file."""
    end: float | None = None
    """Seconds; None: the end of the file."""
    id: str = ""
    """Differs from those of all others in the manifest; empty in a manifest without ids."""
    place: str = ""
    """File and line, for messages."""


def load_samples(utterance: Utterance, rate: int, channel: int = 0) -> Samples:
    """Returns the samples of an utterance at `rate`, `(samples,)`, float32 in [-1, 1].

    Raises:
        ValueError: the recording is missing, damaged or empty; the message begins with its place in the manifest.
    """
    try:
        audio = read(utterance.audio, utterance.start, utterance.end, channel or None)
    except (OSError, ValueError) as error:
        raise ValueError(f"{utterance.place}: {error}") from error
    return resample(audio.samples, audio.rate, rate)


@dataclass(frozen=True)
class Manifest:
    """The utterances of a manifest, in its order.

    A folder is one of Kaldi's, with `wav.scp`, `text`, and optionally `segments` and `utt2spk`. A file has the columns
    or fields `COLUMNS`: TSV with a header, CSV, JSON lines or a JSON array, by its name; it may be compressed.

    Args:
        path: The folder or file.
        root: The folder that relative paths of audio start from and may not leave; None: that of the manifest.
        check_files: Whether a missing audio file is an error.
    """

    path: Path
    root: Path | None = None
    check_files: bool = True

    def __iter__(self) -> Iterator[Utterance]:
        """Yields every utterance.

        Raises:
            CorpusError: with the file and the line: a column or a file is missing, a text is empty, times are no
                numbers or not in order, an id occurs twice, a path leaves the folder, or there are no utterances.
        """
        ids: dict[str, str] = {}
        empty = True
        for utterance in self._kaldi() if self.path.is_dir() else self._rows():
            empty = False
            if utterance.id and (first := ids.setdefault(utterance.id, utterance.place)) != utterance.place:
                raise CorpusError(
                    f"{utterance.place}: the utterance id {utterance.id!r} occurs twice, first at {first}."
                )
            yield utterance
        if empty:
            raise CorpusError(f"{self.path}: expected utterances. Received: none")

    def _rows(self) -> Iterator[Utterance]:
        for number, row in _records(self.path):
            place = f"{self.path}:{number}"
            for name in _REQUIRED:
                if name not in row:
                    raise CorpusError(
                        f"{place}: expected a field {name!r}.{did_you_mean(name, row)} Received: {', '.join(row)[:300]}"
                    )
            yield self._utterance(row, place)

    def _kaldi(self) -> Iterator[Utterance]:
        audio = _table(self.path / "wav.scp", "audio")
        segments = _table(self.path / "segments", "recording") if (self.path / "segments").exists() else None
        speakers = _table(self.path / "utt2spk", "speaker") if (self.path / "utt2spk").exists() else None
        for id, (text, place) in _lines(self.path / "text"):
            row: dict[str, Any] = {"id": id, "text": text, "audio": id}
            if segments is not None:
                words = _found(segments, id, place, self.path / "segments").split()
                if len(words) != 3:
                    raise CorpusError(
                        f"{segments[id][1]}: expected an utterance, a recording, start and end. "
                        f"Received: {id} {segments[id][0]}"
                    )
                row |= {"audio": words[0], "start": words[1], "end": None if words[2] == "-1" else words[2]}
            if speakers is not None:
                row["speaker"] = _found(speakers, id, place, self.path / "utt2spk")
            row["audio"] = _found(audio, row["audio"], place, self.path / "wav.scp")
            yield self._utterance(row, place)

    def _utterance(self, row: Mapping[str, Any], place: str) -> Utterance:
        words = {}
        for name in ("audio", "text", "speaker", "id"):
            value = row.get(name)
            if not isinstance(value, str | None):
                raise CorpusError(f"{place}: expected text as {name}. Received: {str(value)[:60]}")
            words[name] = encodable(one_line(value or "")).strip()
        for name in _REQUIRED:
            if not words[name]:
                raise CorpusError(f"{place}: the {name} is empty.")
        start, end = (_seconds(row.get(name), name, place) for name in ("start", "end"))
        if end is not None and (start or 0) >= end:
            raise CorpusError(f"{place}: expected a start before the end. Received: {start or 0} to {end}")
        audio = self._audio(words["audio"], place)
        return Utterance(audio, words["text"], words["speaker"], start, end, words["id"], place)

    def _audio(self, name: str, place: str) -> Path:
        if name.endswith("|") or name.startswith("|"):
            raise CorpusError(
                f"{place}: a command is not run: {name[:80]!r}. Convert the audio first, and write the names of files."
            )
        root = self.path if self.path.is_dir() else self.path.parent
        root = root if self.root is None else self.root
        if not os.path.isabs(name) and os.path.normpath(name).split(os.sep)[0] == os.pardir:
            raise CorpusError(
                f"{place}: the path {name!r} leaves the folder {root}. Expected one below it, or a full path."
            )
        path = root / name
        if "\0" in name or (self.check_files and not path.is_file()):
            raise CorpusError(f"{place}: no such audio file: {str(path)!r}")
        return path


def _records(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    match kind_of(path):
        case "json":
            return json_objects(path)
        case "jsonl":
            return json_lines(path)
        case "csv":
            return csv_rows(path, _REQUIRED)
        case _:
            return named_tsv(path, _REQUIRED)


def _seconds(value: Any, name: str, place: str) -> float | None:
    if value is None or value == "":
        return None
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise CorpusError(f"{place}: expected as {name} a number of seconds, at least 0. Received: {str(value)[:60]!r}")
    return seconds


_Table = dict[str, tuple[str, str]]
"""Of each key the rest of its line, and the place of the line."""


def _lines(path: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yields the first word of each line, the rest of it, and its place."""
    for number, line in enumerate(read_lines(path), 1):
        key, *rest = line.strip().split(maxsplit=1) or [""]
        if not key:
            raise CorpusError(f"{path}:{number}: the line is empty.")
        yield key, (rest[0] if rest else "", f"{path}:{number}")


def _table(path: Path, what: str) -> _Table:
    table: _Table = {}
    for key, (value, place) in _lines(path):
        if key in table:
            raise CorpusError(f"{place}: {key!r} occurs twice, first at {table[key][1]}.")
        if not value:
            raise CorpusError(f"{place}: the {what} of {key!r} is missing.")
        table[key] = value, place
    return table


def _found(table: _Table, key: str, place: str, file: Path) -> str:
    if key not in table:
        raise CorpusError(f"{place}: {key!r} is not in {file}.")
    return table[key][0]
