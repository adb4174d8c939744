"""Humdrum **kern files to notes on a grid: spines, chords, ties, split spines. No framework.

See www.humdrum.org/rep/kern. A spine is a voice; the last of the file is the highest. Grace notes are dropped, repeats
are not played.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from seq2seq.music.keys import SEMITONES, fifths
from seq2seq.music.notes import HIGHEST, LOWEST, Music
from seq2seq.music.quantising import Sound, Warn, nearest, quiet, to_grid

_LENGTH = re.compile(r"(\d{1,5})(?:%(\d{1,4}))?(\.*)")
_PITCH = re.compile(r"([a-g]+|[A-G]+)(#+|-+|n|)")
_KEY = re.compile(r"\*([A-Ga-g])([#-]?):(dor|phr|lyd|mix|loc|aeo|ion)?")
_METER = re.compile(r"\*M(\d{1,3})/(\d{1,2})")
_TEMPO = re.compile(r"\*MM\[?[A-Za-z]*\]?(\d+(?:\.\d+)?)")


@dataclass
class _Spine:
    """A column of the file."""

    voice: int
    """The spine of the first line that it stems from; below 0: not **kern."""
    until: Fraction = Fraction(0)
    """When the note in it ends, quarter notes."""


def read_kern(text: str, name: str, steps_per_quarter: int = 4, warn: Warn = quiet) -> Music:
    """Returns the music of a **kern file.

    Args:
        text: The file.
        name: The file, for messages.
        steps_per_quarter: Of the grid; times go to it as `quantising.to_grid` says.
        warn: Gets a sentence for each thing that is lost.

    Raises:
        ValueError: it has no spine in **kern or no notes, or a line cannot be read: one sentence that names the line.
    """
    reader = _Reader(name, warn)
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        try:
            reader.read_line(line.rstrip("\r\n"))
        except ValueError as error:
            raise ValueError(f"{name}:{number}: {error}") from None
    return reader.music(steps_per_quarter)


class _Reader:
    def __init__(self, name: str, warn: Warn):
        self._name, self._warn = name, warn
        self._spines: list[_Spine] = []
        self._time = Fraction(0)
        self._sounds: list[Sound] = []
        self._open: dict[tuple[int, int], tuple[Fraction, Fraction]] = {}
        self._meter: tuple[int, int] | None = None
        self._key, self._tempo, self._title = "", 0.0, ""
        self._bars: list[Fraction] = []
        self._changes: set[str] = set()

    def music(self, steps_per_quarter: int) -> Music:
        """Returns the piece that has been read."""
        for (voice, pitch), (start, end) in self._open.items():  # tied to nothing
            self._sounds.append(Sound(start, end, pitch, voice))
        if not self._sounds:
            raise ValueError(f"{self._name}: expected a spine **kern with notes. Received: none")
        for change in sorted(self._changes):
            self._warn(f"{self._name}: the {change} changes; the piece keeps the first.")
        order = {voice: place for place, voice in enumerate(sorted({one.voice for one in self._sounds}, reverse=True))}
        sounds = [sound._replace(voice=order[sound.voice]) for sound in self._sounds]
        notes = to_grid(sounds, steps_per_quarter, self._name, self._warn)
        end = max(self._time, *(spine.until for spine in self._spines), *(sound.end for sound in sounds))
        meter = self._meter or (4, 4)
        upbeat = nearest(next((bar for bar in self._bars if 0 < bar < end), Fraction(0)), steps_per_quarter)
        return Music(
            tuple(notes),
            max([nearest(end, steps_per_quarter), *(note.start + note.length for note in notes)]),
            steps_per_quarter,
            meter,
            upbeat if upbeat < meter[0] * 4 * steps_per_quarter // meter[1] else 0,
            self._key,
            self._tempo or 100.0,
            self._title,
        )

    def read_line(self, line: str) -> None:
        """Reads a line: a comment, an interpretation, a bar line or notes."""
        if line.startswith("!!!OTL") and not self._title:
            self._title = line.partition(":")[2].strip()
        if not line or line.startswith("!"):
            return
        words = line.split("\t")
        if not self._spines or words[0].startswith("**"):
            if not line.startswith("**"):
                raise ValueError(f"expected spines such as **kern. Received: {line[:24]!r}")
            self._spines = [_Spine(place if word == "**kern" else -1, self._time) for place, word in enumerate(words)]
            return
        if len(words) != len(self._spines):
            raise ValueError(f"expected {len(self._spines)} columns. Received: {len(words)}")
        if line.startswith("*"):
            self._interpret(words)
        elif line.startswith("="):
            self._bars.append(max((spine.until for spine in self._spines if spine.voice >= 0), default=self._time))
        else:
            self._read_notes(words)

    def _read_notes(self, words: list[str]) -> None:
        kern = [(word, spine) for word, spine in zip(words, self._spines, strict=True) if spine.voice >= 0]
        begun = [(word, spine) for word, spine in kern if word != "." and not re.fullmatch(r"[^ ]*[qQ].*", word)]
        if not begun:
            return
        time = max(min(spine.until for _, spine in begun), self._time)
        for word, spine in begun:
            spine.until = time + self._read_token(word, spine.voice, time)
        self._time = time

    def _read_token(self, word: str, voice: int, time: Fraction) -> Fraction:
        """Reads a note, chord or rest; returns its length in quarter notes."""
        length = Fraction(0)
        for part in word.split(" "):
            found = _LENGTH.search(part)
            if found is None and not length:
                raise ValueError(f"expected a length before a note or rest. Received: {part[:24]!r}")
            own = _quarters(found) if found else length
            length = length or own
            if "r" in part:
                continue
            pitch = _PITCH.search(part)
            if pitch is None:
                raise ValueError(f"expected a note or rest. Received: {part[:24]!r}")
            self._sound(_number(pitch), voice, time, time + own, part)
        return length

    def _sound(self, pitch: int, voice: int, start: Fraction, end: Fraction, text: str) -> None:
        place = (voice, pitch)
        if "_" in text or "]" in text:
            start, _ = self._open.pop(place, (start, end))
        if "_" in text or "[" in text:
            self._open[place] = start, end
        else:
            self._sounds.append(Sound(start, end, pitch, voice))

    def _interpret(self, words: list[str]) -> None:
        for word in words:
            self._read_field(word)
        if not any(word in ("*^", "*v", "*-", "*+", "*x") for word in words):
            return
        spines: list[_Spine] = []
        joining = False
        for word, spine in zip(words, self._spines, strict=True):
            if word == "*v" and joining:
                spines[-1].until = max(spines[-1].until, spine.until)
            elif word == "*^":
                spines += [spine, _Spine(spine.voice, spine.until)]
            elif word == "*+":
                spines += [spine, _Spine(-1)]
            elif word != "*-":
                spines.append(spine)
            joining = word == "*v"
        crossed = [place for place, word in enumerate(words) if word == "*x"]
        if len(crossed) == 2 and len(spines) == len(words):
            first, second = crossed
            spines[first], spines[second] = spines[second], spines[first]
        if not spines:
            self._time = max(spine.until for spine in self._spines)
        self._spines = spines

    def _read_field(self, word: str) -> None:
        if found := _METER.fullmatch(word):
            meter = int(found[1]), int(found[2])
            if meter[0] < 1 or meter[1] not in (1, 2, 4, 8, 16, 32):
                raise ValueError(f"expected a meter such as *M3/4. Received: {word[:24]!r}")
            if self._meter not in (None, meter):
                self._changes.add("meter")
            self._meter = self._meter or meter
        elif found := _KEY.fullmatch(word):
            mode = {"aeo": "m", "ion": "", None: "m" if found[1].islower() else ""}.get(found[3], found[3])
            key = found[1].upper() + found[2].replace("-", "b") + mode
            fifths(key)
            if self._key not in ("", key):
                self._changes.add("key")
            self._key = self._key or key
        elif (found := _TEMPO.fullmatch(word)) and not self._tempo:
            if not 0 < float(found[1]) < 1000:
                raise ValueError(f"expected a tempo of 0 to 1000 quarter notes a minute. Received: {word[:24]!r}")
            self._tempo = float(found[1])


def _quarters(found: re.Match[str]) -> Fraction:
    """Returns what "4", "8.", "0" (two whole notes) or "3%2" stands for, quarter notes."""
    number, dots = found[1], len(found[3])
    if set(number) == {"0"}:
        whole = Fraction(2 ** min(len(number), 3))
    else:
        whole = Fraction(int(found[2] or 1), int(number))
    if dots > 4 or (found[2] and int(found[2]) == 0):
        raise ValueError(f"expected a length such as 4 or 8.., of at most 4 dots. Received: {found[0][:24]!r}")
    return 4 * whole * (2 - Fraction(1, 2**dots))


def _number(found: re.Match[str]) -> int:
    letters, accidental = found[1], found[2]
    octave = len(letters) - 1 if letters[0].islower() else -len(letters)
    sharps = accidental.count("#") - accidental.count("-")
    pitch = 60 + 12 * octave + SEMITONES[letters[0].upper()] + sharps
    if not LOWEST <= pitch <= HIGHEST:
        raise ValueError(f"expected pitches of {LOWEST} to {HIGHEST}. Received: {found[0][:24]!r}")
    return pitch
