"""`seq2seq transcribe RUN FILE…`: the text of recordings."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from seq2seq.cli.arguments import options_from, positive
from seq2seq.cli.speech_search import SpeechSearch, add_speech_search
from seq2seq.cli.text_io import output
from seq2seq.clock import clock
from seq2seq.messages import say
from seq2seq.outputs import STDOUT, check_outputs
from seq2seq.progress import ProgressLine

if TYPE_CHECKING:
    from seq2seq.audio.reading import Audio
    from seq2seq.inference.recognition import Recognizer, Transcript

STDIN_NAME = "-"
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
    live: bool
    microphone: bool
    output: str | None
    format: Literal["text", "json", "srt", "vtt"]
    n_best: int
    channel: int | None
    search: SpeechSearch

    def __post_init__(self) -> None:
        count = len(self.files)
        if self.microphone and (count or self.live):
            raise ValueError("--microphone is heard alone: leave out FILE and --live.")
        if not self.microphone and not count:
            raise ValueError("Expected a FILE to transcribe, - for standard input, or --microphone.")
        if self.files.count(STDIN_NAME) > 1:
            raise ValueError("Standard input can be heard once: give - once.")
        if self.live and count != 1:
            raise ValueError(f"--live plays one recording: give one FILE. Received: {count}")
        if self.format in ("srt", "vtt") and (self.live or self.microphone):
            raise ValueError(f"Captions while the sound arrives are text or json. Received: --format {self.format}")
        if self.format in ("srt", "vtt") and count > 1:
            raise ValueError(f"Subtitles are of one recording: give one FILE. Received: {count}")
        if self.n_best > 1 and (self.live or self.microphone or self.format in ("srt", "vtt")):
            raise ValueError("--n-best is for --format text or json, of recordings that are whole.")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder of a recogniser, or a LiteRT folder made of one")
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="recordings of any length and rate: WAV; FLAC, OGG, MP3 with soundfile. - is WAV on standard input, which "
        "a run of one direction writes down while it arrives",
    )
    parser.add_argument(
        "--live", action="store_true", help="play FILE at its own speed, and show how late each word comes"
    )
    parser.add_argument("--microphone", action="store_true", help="hear the microphone until Ctrl-C (extra mic)")
    parser.add_argument("--output", metavar="FILE", help="where to write (default: standard output)")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="text: a line for each recording; json: a line of JSON for each, with words, times in seconds and "
        "confidences; srt, vtt: subtitles of one recording. Of sound that still arrives: text, an utterance on a line; "
        "json, a line for each change",
    )
    parser.add_argument(
        "--n-best", type=positive, default=1, metavar="N", help="N texts for each recording, which must be short"
    )
    parser.add_argument("--channel", type=positive, metavar="N", help="channel to hear, from 1 (default: their mean)")
    add_speech_search(parser)


def run(arguments: argparse.Namespace) -> None:
    """Transcribes. Raises ValueError for a mistake in the options, or a recording that cannot be read."""
    options = options_from(TranscribeOptions, arguments)
    files = [file for file in options.files if file != STDIN_NAME]
    check_outputs([options.run, *files, *options.search.inputs], {"--output": options.output or STDOUT})
    from seq2seq.audio.reading import inspect

    lengths = [inspect(Path(file)).seconds for file in files]
    from seq2seq.tasks import load

    recognizer = load(Path(options.run))
    options.search.apply(recognizer)
    if options.live or options.microphone or (options.files == (STDIN_NAME,) and _can_caption(options, recognizer)):
        _caption(options, recognizer)
        return
    progress = _Progress(sum(length or 0.0 for length in lengths))
    with output(options.output) as out:
        if options.format == "vtt":
            out.write("WEBVTT\n\n")
        for number, file in enumerate(options.files):
            found = _transcribe(recognizer, file, options, progress)
            out.write(_format(options, number, file, found))
            out.flush()
    progress.line.clear()


def _can_caption(options: TranscribeOptions, recognizer: Recognizer) -> bool:
    return recognizer.can_stream and options.n_best == 1 and options.format in ("text", "json")


def _caption(options: TranscribeOptions, recognizer: Recognizer) -> None:
    """Writes what is heard while the sound arrives."""
    import numpy as np

    from seq2seq.audio.microphone import microphone
    from seq2seq.audio.reading import blocks
    from seq2seq.cli.captions import PIECE, at_own_speed, caption

    # The first block takes longest, and a model of both directions refuses: before a word is said.
    recognizer.stream(recognizer.rate).push(np.zeros(recognizer.rate, np.float32))

    def pieces(now: Callable[[], float]) -> Iterator[Audio]:
        if options.microphone:
            sound = microphone(recognizer.rate, PIECE)
            say("Listening. Ctrl-C ends.")
            return sound
        sound = blocks(_source(options.files[0]), PIECE, channel=options.channel)
        return at_own_speed(sound, now) if options.live else sound

    form: Literal["text", "json"] = "json" if options.format == "json" else "text"
    with output(options.output) as out:
        caption(recognizer, pieces, out, form, options.live or options.microphone)


def _source(file: str) -> Path | BinaryIO:
    """Returns what is read: a file, or standard input."""
    if file != STDIN_NAME:
        return Path(file)
    if sys.stdin is None:
        raise ValueError("Standard input is closed. Give WAV on it, or a FILE.")
    return sys.stdin.buffer


class _Progress:
    def __init__(self, seconds: float):
        self.total, self.done = seconds, 0.0
        self.line = ProgressLine(terminal_pause=0.5, log_pause=30.0)

    def add(self, seconds: float) -> None:
        self.done += seconds
        if self.line.is_due():
            self.line.show(f"{clock(self.done)} of {clock(max(self.done, self.total))}")


def _transcribe(recognizer: Recognizer, file: str, options: TranscribeOptions, progress: _Progress) -> Transcript:
    from seq2seq.inference.recognition import joined

    if options.n_best > 1:
        audio = _whole(file, options.channel)
        progress.add(len(audio.samples) / audio.rate)
        return recognizer.transcribe(audio.samples, audio.rate, options.n_best)
    parts = []
    for part in recognizer.transcribe_file(_source(file), options.channel):
        parts.append(part)
        progress.add(part.seconds)
    return joined(parts)


def _whole(file: str, channel: int | None) -> Audio:
    """Returns a recording that is short enough for an n-best list; AudioError for a longer one."""
    from seq2seq.audio.reading import Audio, AudioError, blocks
    from seq2seq.inference.recognition import LONGEST

    parts = list(islice(blocks(_source(file), LONGEST, channel=channel), 2))
    if len(parts) > 1:
        raise AudioError(
            f"{file}: expected a recording of at most {LONGEST:.0f} s for --n-best. Received a longer one."
        )
    return Audio(*parts[0])


def _format(options: TranscribeOptions, number: int, file: str, found: Transcript) -> str:
    """Returns what is written for a recording, the one of this number from 0."""
    form = options.format
    if form == "text" and options.n_best > 1:
        return "".join(f"{number} ||| {one.text} ||| {one.score:.6f}\n" for one in found.alternatives)
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
        if options.n_best > 1:
            values["alternatives"] = [{"text": one.text, "score": round(one.score, 6)} for one in found.alternatives]
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
