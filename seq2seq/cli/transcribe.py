"""`seq2seq transcribe RUN FILE…`: the text of recordings."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from seq2seq.cli.arguments import options_from, positive
from seq2seq.cli.text_io import output
from seq2seq.clock import clock
from seq2seq.messages import say
from seq2seq.outputs import STDOUT, check_outputs
from seq2seq.progress import ProgressLine

if TYPE_CHECKING:
    from seq2seq.inference.recognition import Recognizer, Transcript

FORMATS = ("text", "json", "srt", "vtt")
LINE_SECONDS = 6.0
"""A subtitle is shown so long at most."""
LINE_CHARACTERS = 42
"""A subtitle has so many characters at most; of a longer word it is all."""
PAUSE_SECONDS = 0.8
"""A pause between two words that ends a subtitle."""


@dataclass(frozen=True)
class TranscribeOptions:
    """The options of the verb."""

    run: str
    files: tuple[str, ...]
    output: str | None
    format: Literal["text", "json", "srt", "vtt"]
    channel: int | None
    beam_size: int | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder of a recogniser")
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="recordings of any length and rate: WAV; FLAC, OGG, MP3 with soundfile"
    )
    parser.add_argument("--output", metavar="FILE", help="where to write (default: standard output)")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="text: a line for each recording; json: a line of JSON for each, with words, times in seconds and "
        "confidences; srt, vtt: subtitles of one recording",
    )
    parser.add_argument("--channel", type=positive, metavar="N", help="channel to hear, from 1 (default: their mean)")
    parser.add_argument(
        "--beam-size", type=positive, metavar="N", help="prefixes of the search (default: the recipe's)"
    )


def run(arguments: argparse.Namespace) -> None:
    """Transcribes. Raises ValueError for a mistake in the options, or a recording that cannot be read."""
    options = options_from(TranscribeOptions, arguments)
    if options.format in ("srt", "vtt") and len(options.files) > 1:
        raise ValueError(f"Subtitles are of one recording: give one FILE. Received: {len(options.files)}")
    check_outputs([options.run, *options.files], {"--output": options.output or STDOUT})
    from seq2seq.audio.reading import inspect

    lengths = [inspect(Path(file)).seconds for file in options.files]
    from seq2seq.tasks import load

    recognizer = load(Path(options.run))
    if options.beam_size:
        recognizer.beam_size = options.beam_size
    progress = _Progress(sum(length or 0.0 for length in lengths))
    with output(options.output) as out:
        if options.format == "vtt":
            out.write("WEBVTT\n\n")
        for file in options.files:
            found = _transcribe(recognizer, Path(file), options.channel, progress)
            out.write(_format(options.format, file, found))
            out.flush()
    progress.line.clear()


class _Progress:
    def __init__(self, seconds: float):
        self.total, self.done = seconds, 0.0
        self.line = ProgressLine(terminal_pause=0.5, log_pause=30.0)

    def add(self, seconds: float) -> None:
        self.done += seconds
        if self.line.is_due():
            self.line.show(f"{clock(self.done)} of {clock(max(self.done, self.total))}")


def _transcribe(recognizer: Recognizer, path: Path, channel: int | None, progress: _Progress) -> Transcript:
    from seq2seq.inference.recognition import joined

    parts = []
    for part in recognizer.transcribe_file(path, channel):
        parts.append(part)
        progress.add(part.seconds)
    return joined(parts)


def _format(form: str, file: str, found: Transcript) -> str:
    """Returns what is written for a recording."""
    if form == "text":
        return found.text + "\n"
    if form == "json":
        words = [
            {
                "text": word.text,
                "start": round(word.start, 3),
                "end": round(word.end, 3),
                "confidence": round(word.confidence, 4),
            }
            for word in found.words
        ]
        values = {"file": file, "text": found.text, "seconds": round(found.seconds, 3), "words": words}
        return json.dumps(values, ensure_ascii=False) + "\n"
    mark = "," if form == "srt" else "."
    blocks = []
    for number, (start, end, text) in enumerate(subtitles(found), 1):
        head = f"{number}\n" if form == "srt" else ""
        blocks.append(f"{head}{_time(start, mark)} --> {_time(end, mark)}\n{text}\n\n")
    if not blocks:
        say(f"{file}: no words were heard.")
    return "".join(blocks)


def subtitles(found: Transcript) -> Iterator[tuple[float, float, str]]:
    """Yields start and end in seconds and the text of each subtitle: a new one after a pause, and where one is full."""
    line: list[str] = []
    start = end = 0.0
    for word in found.words:
        full = len(" ".join([*line, word.text])) > LINE_CHARACTERS or word.end - start > LINE_SECONDS
        if line and (full or word.start - end > PAUSE_SECONDS):
            yield start, end, " ".join(line)
            line = []
        if not line:
            start = word.start
        line.append(word.text)
        end = word.end
    if line:
        yield start, end, " ".join(line)


def _time(seconds: float, mark: str) -> str:
    """`3661.5` -> `01:01:01,500`."""
    whole = round(seconds * 1000)
    minutes, rest = divmod(whole, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{mark}{rest % 1000:03}"
