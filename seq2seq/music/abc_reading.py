"""Tunes in ABC notation (standard 2.1, abcnotation.com) to notes on a grid. No framework.

A tune book holds tunes, each from its X: to an empty line. Repeats, endings and an order of parts (P: above K:) are
played out. Chord symbols become held chords, a voice below the others. Decorations, grace notes, words and whatever
only concerns the page are left out; what changes the music and cannot be kept is told.

An accidental holds for its letter in its octave to the end of the bar, as on paper; `%%propagate-accidentals pitch` (in
all octaves, the default that section 11 of the standard calls volatile) and `not` are obeyed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

from seq2seq.music.abc_fields import parse_meter, parse_numbers, parse_shift, parse_tempo, parse_tuplet, parse_unit
from seq2seq.music.abc_structure import Mark, Range, part_order, play_order
from seq2seq.music.abc_tokens import ONE, Token, Unreadable, tokens
from seq2seq.music.abc_voice import Part, held_chords, played_chords, played_notes
from seq2seq.music.chord_symbols import chord_pitches
from seq2seq.music.keys import altered, parse_key
from seq2seq.music.notes import HIGHEST, LOWEST, Music
from seq2seq.music.quantising import Sound, Warn, nearest, quiet, to_grid

MOST_QUARTERS = 100_000
"""Length of the longest tune that is read: a slip such as C99999 takes no memory."""
_FIELD = re.compile(r"([A-Za-z]):(?![|:])(.*)")
_PROPAGATE = re.compile(r"(?:%%|I:)\s*propagate-accidentals\s+(not|octave|pitch)\b")
_JUMP = re.compile(r"(?:D\.?C|D\.?S|fine|coda|segno|dacapo|dacoda)\b\.?", re.IGNORECASE)


def read_abc(text: str, name: str, steps_per_quarter: int = 4, chords: bool = True, warn: Warn = quiet) -> list[Music]:
    """Returns the tunes of a tune book.

    Voices (V:) keep their order; chord symbols follow as one more voice. A piece has the meter, key and tempo with
    which it begins. Times are put on the grid as `quantising.to_grid` says.

    Args:
        text: The tune book.
        name: The file, for messages.
        steps_per_quarter: Steps of a quarter note.
        chords: Whether chord symbols are read.
        warn: Gets a sentence for each thing that is lost: notes off the grid, changes of meter, key or tempo, jumps,
            chord symbols that are not known, lines outside of any tune.

    Raises:
        ValueError: there is no tune, a tune has no notes or no K:, or something cannot be read: one sentence that names
            file and line, what was expected and what came.
    """
    defaults: list[tuple[int, str]] = []
    blocks = list(_blocks(text, name, defaults, warn))
    if not blocks:
        raise ValueError(f"{name}: expected tunes in ABC, each from a line X: on. Received: a file without one")
    return [_Tune(name, block, defaults, chords, warn).music(steps_per_quarter) for block in blocks]


def _blocks(text: str, name: str, defaults: list[tuple[int, str]], warn: Warn) -> Iterator[list[tuple[int, str]]]:
    """Yields the numbered lines of each tune; fields before the first become `defaults`."""
    block: list[tuple[int, str]] = []
    seen, stray = False, 0
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        line = line.rstrip()
        if line.startswith("X:"):
            if block:
                yield block
            block, seen = [(number, line)], True
        elif block and not line:
            yield block
            block = []
        elif block:
            block.append((number, line))
        elif not seen and _FIELD.match(line):
            defaults.append((number, line))
        elif line and seen and not line.startswith("%"):
            stray = stray or number
    if block:
        yield block
    if stray:
        warn(f"{name}:{stray}: text outside of any tune, after an empty line, is left out.")


class _Tune:
    """Reads one tune."""

    def __init__(
        self, name: str, lines: list[tuple[int, str]], defaults: list[tuple[int, str]], chords: bool, warn: Warn
    ):
        self._name, self._chords, self._warn = name, chords, warn
        self._line, self._first = lines[0]
        self._first_line = self._line
        self._title, self._key = "", ""
        self._tempo: Fraction | None = None
        self._meter, self._written_meter = (4, 4), (4, 4)
        self._unit: Fraction | None = None
        self._signature: dict[str, int] = {}
        self._parts_order = ""
        self._parts: dict[str, Part] = {}
        self._shifts: dict[str, int] = {}
        self._now: Part | None = None
        self._lost: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()
        self._long_bars = 0
        self._current_meter = self._meter
        self._rule = "octave"
        for number, line in [*defaults, *lines]:
            self._line = number
            try:
                self._read_line(line)
            except (Unreadable, ValueError) as error:
                raise self._error(str(error)) from None
        if self._now is None:
            raise self._error("expected a field K: before the notes. Received: none in this tune")

    def music(self, steps_per_quarter: int) -> Music:
        """Returns the piece."""
        parts = list(self._parts.values())
        for part in parts:
            part.time = max(part.time, part.longest)
        orders = self._orders(parts)
        sounds: list[Sound] = []
        for voice, (part, order) in enumerate(zip(parts, orders, strict=True)):
            sounds += played_notes(part, order, voice)
        if not sounds:
            raise ValueError(f"{self._name}:{self._first_line}: expected notes in this tune. Received: none")
        end = max(sum((until - begin for begin, until in order), Fraction(0)) for order in orders)
        if self._chords:
            symbols = [one for part, order in zip(parts, orders, strict=True) for one in played_chords(part, order)]
            sounds += held_chords(sorted(symbols), end, len(parts))
        place = f"{self._name}:{self._first_line}"
        notes = to_grid(sounds, steps_per_quarter, place, self._warn)
        self._tell_losses(place)
        steps = max([nearest(end, steps_per_quarter), *(note.start + note.length for note in notes)])
        beats, unit = self._meter
        begin = orders[0][0][0] if orders[0] else Fraction(0)
        upbeat = next((bar - begin for bar in parts[0].bars if begin < bar < parts[0].time), Fraction(0))
        upbeat_steps = nearest(upbeat, steps_per_quarter)
        return Music(
            tuple(notes),
            steps,
            steps_per_quarter,
            self._meter,
            upbeat_steps if upbeat_steps < beats * 4 * steps_per_quarter // unit else 0,
            self._key,
            float(self._tempo or 100),
            self._title,
        )

    def _orders(self, parts: list[Part]) -> list[list[Range]]:
        """Returns the stretches of each voice in the order of playing; voices of the same length share one."""
        try:
            if all(part.time == parts[0].time for part in parts):
                marked = max(parts, key=lambda part: len(part.marks))
                return [play_order(marked.marks, marked.time, self._parts_order)] * len(parts)
            return [play_order(part.marks, part.time, self._parts_order) for part in parts]
        except ValueError as error:
            self._line = self._first_line
            raise self._error(str(error)) from None

    def _tell_losses(self, place: str) -> None:
        for what, count in self._lost.items():
            self._warn(f"{place}: {what}" + (f" ({count} times)." if count > 1 else "."))
        if self._unknown:
            names = ", ".join(f'"{symbol}"' for symbol in list(self._unknown)[:5])
            self._warn(f"{place}: chord symbols that are not known are left out: {names}.")
        if self._long_bars:
            self._warn(f"{place}: {self._long_bars} bars are longer than the meter says; they are played as written.")

    def _error(self, message: str) -> ValueError:
        return ValueError(f"{self._name}:{self._line}: {message[:1].lower()}{message[1:]}")

    # The fields.

    def _read_line(self, line: str) -> None:
        found = _FIELD.match(line)
        if rule := _PROPAGATE.match(line):
            self._rule = rule[1]
        elif found:
            self._read_field(found[1], found[2])
        elif line and not line.startswith("%"):
            if self._now is None:
                raise Unreadable(f"expected a field K: before the first notes. Received: {line[:24]!r}")
            for token in tokens(line):
                self._read_token(token, self._now)

    def _read_field(self, letter: str, value: str) -> None:
        value = value.partition("%")[0].strip() if letter not in "TQ" else value.strip()
        if letter == "T":
            self._title = self._title or value
        elif letter == "M":
            self._read_meter(value)
        elif letter == "L":
            self._unit = parse_unit(value)
            if self._now:
                self._now.unit = self._unit
        elif letter == "Q":
            self._read_tempo(value)
        elif letter == "P":
            self._read_part(value)
        elif letter == "V":
            self._read_voice(value)
        elif letter == "K":
            self._read_key(value)

    def _read_meter(self, value: str) -> None:
        meter = parse_meter(value)
        if self._now is None:
            self._written_meter = meter  # the one that L: follows
        if not any(part.sounds for part in self._parts.values()):
            self._meter = meter
        elif meter != self._current_meter:
            self._lost["the meter changes; the piece keeps the first, and its notes are as written"] += 1
        self._current_meter = meter

    def _read_tempo(self, value: str) -> None:
        tempo = parse_tempo(value, self._unit or self._default_unit())
        if tempo is None:
            return
        if self._tempo is None:
            self._tempo = tempo
        elif tempo != self._tempo:
            self._lost["the tempo changes; the piece keeps the first"] += 1

    def _read_part(self, value: str) -> None:
        if self._now is None:
            self._parts_order = part_order(value)
        elif value:
            self._now.marks.append(Mark(self._now.time, "part", label=value[0]))
            self._now.bar = self._now.time

    def _read_voice(self, value: str) -> None:
        words = value.split(None, 1)
        if not words:
            raise Unreadable("expected the name of a voice after V:. Received: nothing")
        name, rest = words[0], words[1] if len(words) > 1 else ""
        if rest or name not in self._shifts:
            self._shifts[name] = parse_shift(rest) if rest else self._shifts.get(name, 0)
        if self._now is None:  # only described
            self._parts.setdefault(name, Part(Fraction(1), {}))
            return
        if len(self._parts) == 1 and "" in self._parts:
            if not self._parts[""].sounds and not self._parts[""].time:
                self._parts[name] = self._parts.pop("")
            else:
                self._parts[name] = self._new_part()
        elif name not in self._parts:
            self._parts[name] = self._new_part()
        self._now = self._parts[name]
        self._now.shift = self._shifts[name]

    def _read_key(self, value: str) -> None:
        key = parse_key(value)
        shift = parse_shift(value)
        if self._now is None:
            self._key, self._signature = key or ("", {})
            self._unit = self._unit or self._default_unit()
            described = list(self._parts) or [""]
            self._parts = {name: self._new_part() for name in described}
            for name, part in self._parts.items():
                part.shift = self._shifts.get(name, 0) + shift
            self._now = self._parts[described[0]]
        elif key is not None:
            if not any(part.sounds for part in self._parts.values()):
                self._key, self._signature = key
                for part in self._parts.values():
                    part.signature = key[1]
            elif key[1] != self._now.signature:
                self._lost["the key changes; the piece keeps the first as its label, and its notes are as written"] += 1
            self._now.signature = key[1]
            self._now.altered = {}

    def _new_part(self) -> Part:
        return Part(self._unit or Fraction(1, 2), self._signature)

    def _default_unit(self) -> Fraction:
        beats, unit = self._written_meter
        return Fraction(1, 4) if Fraction(beats, unit) < Fraction(3, 4) else Fraction(1, 2)

    # The music.

    def _read_token(self, token: Token, part: Part) -> None:
        kind = token.kind
        if kind == "note":
            self._read_note(token, part)
        elif kind in ("rest", "bars"):
            beats, unit = self._current_meter
            length = token.length * (part.unit if kind == "rest" else Fraction(4 * beats, unit))
            part.last, part.last_length = len(part.sounds), Fraction(0)
            part.ties = {}
            self._advance(part, self._stretched(length, part))
        elif kind == "chord":
            self._read_symbol(token.text, part)
        elif kind == "bar":
            self._read_bar(token.text, part)
        elif kind == "ending":
            part.marks.append(Mark(part.time, "ending", numbers=parse_numbers(token.text)))
        elif kind == "field":
            self._read_field(token.text[0], token.text[2:])
        elif kind == "tuplet":
            part.tuplet = parse_tuplet(token.text, self._current_meter)
        elif kind == "broken":
            self._break(token.text, part)
        elif kind == "tie":
            self._tie(part)
        elif kind == "overlay":
            part.longest = max(part.longest, part.time)
            part.time, part.last = part.bar, None
        elif kind == "repaired":
            self._warn(f"{self._name}:{self._line}: a chord has no ]; it is read as {token.text}].")
        elif kind == "mark" and _JUMP.fullmatch(token.text):
            self._lost["jumps such as D.C. are not followed"] += 1

    def _read_note(self, token: Token, part: Part) -> None:
        before, first = len(part.sounds), token.pitches[0]
        length = token.length * part.unit
        length = self._stretched(length if first.length is ONE else length * first.length, part)
        ties, part.written = {}, {}
        for pitch in token.pitches:
            place = (pitch.letter, pitch.octave)
            scope = (pitch.letter, pitch.octave if self._rule == "octave" else 0)
            number = altered(part.signature, *place)
            if pitch.accidental is not None:
                if self._rule != "not":
                    part.altered[scope] = pitch.accidental
                number = altered({pitch.letter: pitch.accidental}, *place)
            elif scope in part.altered:
                number = altered({pitch.letter: part.altered[scope]}, *place)
            elif place in part.ties:
                number = part.ties[place]
            part.written[place] = number
            if pitch.tied:
                ties[place] = number
            number += part.shift
            if not LOWEST <= number <= HIGHEST:
                raise Unreadable(f"expected pitches of {LOWEST} to {HIGHEST}. Received: {number}, {token.text[:24]!r}")
            own = length if pitch is first or pitch.length == first.length else length * pitch.length / first.length
            part.sounds.append((Sound(part.time, part.time + own, number), pitch.tied))
        part.ties = ties
        part.last, part.last_length = before, length
        self._advance(part, length)

    def _stretched(self, length: Fraction, part: Part) -> Fraction:
        """Returns a length as a tuplet and a broken rhythm change it."""
        factor, left = part.tuplet
        if left:
            length *= factor
            part.tuplet = factor, left - 1
        if part.factor is not ONE:
            length *= part.factor
            part.factor = ONE
        return length

    def _advance(self, part: Part, length: Fraction) -> None:
        if not part.last_length:
            part.last_length = length
        part.time += length
        if part.time.numerator > MOST_QUARTERS * part.time.denominator:  # faster than as fractions
            raise Unreadable(f"expected a tune of at most {MOST_QUARTERS:,} quarter notes. Received: a longer one")

    def _read_symbol(self, text: str, part: Part) -> None:
        if text[:1] in "^_<>@" or not self._chords or not text.strip():
            if _JUMP.fullmatch(text.lstrip("^_<>@").strip()):
                self._lost["jumps such as D.C. are not followed"] += 1
            return
        pitches = chord_pitches(text)
        if pitches is None:
            self._unknown[text] += 1
        elif not part.symbols or part.symbols[-1][0] != part.time:  # of two, the second is for the repeat
            part.symbols.append((part.time, pitches))

    def _read_bar(self, text: str, part: Part) -> None:
        part.time = max(part.time, part.longest)
        beats, unit = self._current_meter
        if part.time - part.bar > Fraction(4 * beats, unit):
            self._long_bars += 1
        if part.time > part.bar or not part.bars:
            part.bars.append(part.time)
        part.bar, part.altered, part.last, part.factor = part.time, {}, None, ONE
        left = len(text) - len(text.lstrip(":"))
        right = len(text) - len(text.rstrip(":"))
        if left and left == len(text):  # "::"
            left = right = max(left // 2, 1)
        if left:
            part.marks.append(Mark(part.time, "end", plays=left + 1))
        if right:
            part.marks.append(Mark(part.time, "start"))
        elif text.count("|") > 1 or "[" in text or "]" in text:
            part.marks.append(Mark(part.time, "double"))

    def _break(self, text: str, part: Part) -> None:
        if part.last is None or len(text) > 3:
            raise Unreadable(f"expected {text[:4]} between two notes of a bar. Received: no note before it")
        less = Fraction(1, 2 ** len(text))
        first, part.factor = (2 - less, less) if text[0] == ">" else (less, 2 - less)
        change = part.last_length * (first - 1)
        for place in range(part.last, len(part.sounds)):
            sound, tied = part.sounds[place]
            part.sounds[place] = sound._replace(end=sound.end + change), tied
        part.time += change

    def _tie(self, part: Part) -> None:
        if part.last is not None or part.sounds:
            for place in range(part.last if part.last is not None else len(part.sounds) - 1, len(part.sounds)):
                part.sounds[place] = part.sounds[place][0], True
            part.ties = dict(part.written)
