"""Text while the sound arrives: words as they are heard, what seems to follow, and how late each came."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Literal, TextIO

from seq2seq.audio.reading import Audio
from seq2seq.messages import say, visible

if TYPE_CHECKING:
    from seq2seq.inference.recognition import Recognizer
    from seq2seq.inference.streaming import Update, Word

PIECE = 0.1
"""Seconds of sound that are heard at once."""
DIM, PLAIN, CLEAR = "\033[2m", "\033[0m", "\033[K"


@dataclass(frozen=True)
class Timed:
    """A word, and how long after the end of its sound it was shown."""

    word: Word
    shown: float
    """Seconds until it stood there for the first time, as it stayed."""
    final: float
    """Seconds until nothing could change it."""


@dataclass
class Latency:
    """Compares when words were shown with when they were said.

    Args:
        now: Seconds since the first sample.
    """

    now: Callable[[], float]
    words: list[Timed] = field(default_factory=list)
    _seen: list[tuple[str, float]] = field(default_factory=list)
    """Words that may still change, and since when they have stood there."""

    def add(self, update: Update) -> list[Timed]:
        """Notes an update. Returns its words."""
        now, before = self.now(), self._seen
        texts = [*(word.text for word in update.tokens), *update.partial.split()]
        seen = [
            (text, before[place][1] if place < len(before) and before[place][0] == text else now)
            for place, text in enumerate(texts)
        ]
        count = len(update.tokens)
        timed = [Timed(word, seen[n][1] - word.end, now - word.end) for n, word in enumerate(update.tokens)]
        self._seen = seen[count:]
        self.words += timed
        return timed

    def summary(self) -> str:
        """Returns a line for people."""
        if not self.words:
            return "No words were heard."
        shown, final = [w.shown for w in self.words], [w.final for w in self.words]
        return (
            f"{len(self.words)} words. Seconds from the end of a word's sound until it was shown: median "
            f"{median(shown):.2f}, most {max(shown):.2f}; until it was final: median {median(final):.2f}, most "
            f"{max(final):.2f}"
        )


def at_own_speed(pieces: Iterable[Audio], now: Callable[[], float]) -> Iterator[Audio]:
    """Yields pieces of a recording no sooner than they would come from a microphone."""
    heard = 0.0
    for piece in pieces:
        heard += len(piece.samples) / piece.rate
        time.sleep(max(0.0, heard - now()))
        yield piece


def caption(
    recognizer: Recognizer,
    pieces: Callable[[Callable[[], float]], Iterator[Audio]],
    out: TextIO,
    form: Literal["text", "json"],
    is_live: bool,
) -> None:
    """Writes what is heard, an utterance on a line, words as soon as nothing will change them.

    Args:
        recognizer: One that can stream.
        pieces: Given a clock, the sound.
        out: Where to write.
        form: "json" writes a line for each update that has something new.
        is_live: Whether the sound comes at its own speed: then the latency of each word is shown.

    Raises:
        ValueError: the recogniser reads in both directions, or the sound cannot be read.
    """
    begin: list[float] = []

    def now() -> float:
        begin[:] = begin or [time.monotonic()]
        return time.monotonic() - begin[0]

    latency, lines = Latency(now), _Lines(out, form, is_live)
    stream = None
    now()  # the clock starts with the sound, not with its first piece
    try:
        for piece in pieces(now):
            stream = stream or recognizer.stream(piece.rate)
            update = stream.push(piece.samples)
            lines.write(update, latency.add(update))
    finally:  # also what was heard until Ctrl-C
        if stream is not None:
            update = stream.finish()
            lines.write(update, latency.add(update))
        if is_live:
            say(latency.summary())


class _Lines:
    """Writes updates: finished words to the output, and on a terminal behind them what may still change."""

    def __init__(self, out: TextIO, form: Literal["text", "json"], is_live: bool):
        self.out, self.form, self.is_live = out, form, is_live
        self.on_terminal = form == "text" and out.isatty()
        self.line = ""
        self.timed: list[Timed] = []
        self.partial = ""

    def write(self, update: Update, timed: list[Timed]) -> None:
        if self.form == "json":
            if update.final or update.endpoint or update.partial != self.partial:
                self.partial = update.partial
                self.out.write(self._record(update, timed) + "\n")
                self.out.flush()
            return
        new = f"{' ' if self.line and update.final else ''}{update.final}"
        self.line += new
        self.timed += timed
        self.out.write(f"{CLEAR}{visible(new)}{self._rest(update.partial)}" if self.on_terminal else new)
        self.out.flush()
        if update.endpoint and self.line:
            self._end_line()

    def _rest(self, partial: str) -> str:
        """Returns what shows words that may change, on the rest of the terminal's line, and goes back before them."""
        columns = shutil.get_terminal_size().columns
        room = columns - len(self.line) % columns - 1
        rest = visible(f" {partial}" if self.line and partial else partial)[:room]
        return f"{DIM}{rest}{PLAIN}\033[{len(rest)}D" if rest else ""

    def _end_line(self) -> None:
        self.out.write("\n")
        self.out.flush()
        if self.is_live:
            say("  " + "  ".join(f"{one.word.text} {one.shown:+.2f}/{one.final:+.2f}" for one in self.timed))
        self.line, self.timed = "", []

    def _record(self, update: Update, timed: list[Timed]) -> str:
        words = [
            {
                "text": one.word.text,
                "start": round(one.word.start, 3),
                "end": round(one.word.end, 3),
                "confidence": round(one.word.confidence, 4),
                **({"shown": round(one.shown, 3), "final": round(one.final, 3)} if self.is_live else {}),
            }
            for one in timed
        ]
        values = {"final": update.final, "partial": update.partial, "endpoint": update.endpoint, "words": words}
        return json.dumps(values, ensure_ascii=False)
