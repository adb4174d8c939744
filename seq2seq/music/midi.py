"""MIDI files to notes on a grid and back, by `mido`. A track for each voice; drums are left out."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction
from io import BytesIO
from typing import Any, NamedTuple

from seq2seq.extras import require
from seq2seq.music.keys import MAJOR, MINOR, fifths
from seq2seq.music.notes import Music, Note
from seq2seq.music.quantising import Sound, Warn, apart, nearest, quiet, to_grid

MOST_QUARTERS = 100_000
"""Length of the longest file that is read: a damaged time takes no memory."""
SLOWEST, FASTEST = 3.6, 999.0
"""Quarter notes a minute that a file can say."""
_DRUMS = 9
"""The channel of drums, from 0."""
_VELOCITY = 80


def read_midi(data: bytes, name: str, steps_per_quarter: int = 4, warn: Warn = quiet) -> Music:
    """Returns the music of a MIDI file of type 0 or 1.

    Each track with notes is a voice, in the order of the file; of a file with one track each channel is. Times go to
    the grid as `quantising.to_grid` says. The piece has the first meter, key and tempo of the file. A first bar that
    has a shorter meter of its own is read as the upbeat. Pedals, instruments and velocities are ignored.

    Args:
        data: The file.
        name: The file, for messages.
        steps_per_quarter: Of the grid.
        warn: Gets a sentence for each thing that is lost: notes off the grid, notes that never end, drums, changes of
            meter, key or tempo.

    Raises:
        ValueError: the file is empty, damaged, of another type, in seconds instead of beats, has no notes or is longer
            than `MOST_QUARTERS`: one sentence that names it.
        MissingPackage: mido is not installed.
    """
    file = _parsed(data, name)
    events = list(_events(file, name))
    ticks = file.ticks_per_beat
    sounds, end = _sounds(events, ticks, name, warn)
    if not sounds:
        what = "only drums" if any(event.message.type == "note_on" for event in events) else "none"
        raise ValueError(f"{name}: expected notes. Received: a MIDI file with {what}")
    metas: dict[str, list[tuple[int, Any]]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.time):
        if event.message.is_meta:
            metas[event.message.type].append((event.time, event.message))
    notes = to_grid(sounds, steps_per_quarter, name, warn)
    meter, upbeat = _meter(metas["time_signature"], ticks, name, warn)
    _warn_of_changes([message.tempo for _, message in metas["set_tempo"]], "tempo", name, warn)
    keys = [key for _, message in metas["key_signature"] if (key := _key(message.key))]
    _warn_of_changes(keys, "key", name, warn)
    steps = max([nearest(end, steps_per_quarter), *(note.start + note.length for note in notes)])
    beats, unit = meter
    bar = beats * 4 * steps_per_quarter // unit
    upbeat_steps = nearest(upbeat, steps_per_quarter)
    return Music(
        tuple(notes),
        steps,
        steps_per_quarter,
        meter,
        upbeat_steps if upbeat_steps < bar else 0,
        keys[0] if keys else "",
        _tempo(metas["set_tempo"]),
        _title(file),
    )


def midi_bytes(music: Music) -> bytes:
    """Returns a MIDI file of type 1: a track with title, meter, key and tempo, then one for each voice.

    Every note ends, and the file ends with the piece. What `read_midi` reads from it is the same music, except that of
    notes of the same voice and pitch the earlier ends where the next begins, voices without notes do not count, a mode
    becomes the major key of the same accidentals, and the tempo is kept to hundredths. An upbeat is written as a bar
    with a meter of its own, and lost where there is no such meter, as for a third of a quarter note.

    Raises:
        ValueError: the tempo is below `SLOWEST`.
        MissingPackage: mido is not installed.
    """
    require("mido")
    import mido

    if music.tempo < SLOWEST or music.meter[0] > 255 or music.steps_per_quarter > 960:
        raise ValueError(
            f"Expected for MIDI a tempo of at least {SLOWEST} quarter notes a minute, a bar of at most 255 beats and "
            f"at most 960 steps a quarter. Received: {music.tempo:g}, {music.meter[0]} and {music.steps_per_quarter}"
        )
    step = max(1, round(480 / music.steps_per_quarter))
    file = mido.MidiFile(type=1, ticks_per_beat=step * music.steps_per_quarter, charset="utf-8")
    head = [(0, mido.MetaMessage("track_name", name=_encodable(music.title)))] if music.title else []
    head += [
        (time * step, mido.MetaMessage("time_signature", numerator=beats, denominator=unit))
        for time, beats, unit in _meters(music)
    ]
    if music.key:
        head.append((0, mido.MetaMessage("key_signature", key=_signature_name(music.key))))
    head.append((0, mido.MetaMessage("set_tempo", tempo=min(round(60e6 / music.tempo), (1 << 24) - 1))))
    file.tracks.append(_track(sorted(head, key=lambda one: one[0]), music.steps * step))
    for voice, notes in enumerate(_voices(music)):
        channel = voice % 15 if voice % 15 < _DRUMS else voice % 15 + 1
        messages = []
        for note in apart(notes):
            on = mido.Message("note_on", note=note.pitch, velocity=_VELOCITY, channel=channel)
            off = mido.Message("note_off", note=note.pitch, velocity=0, channel=channel)
            messages += [(note.start * step, on), ((note.start + note.length) * step, off)]
        # The sort is stable and the notes are in order: what ends comes before the same pitch begins again.
        file.tracks.append(_track(sorted(messages, key=lambda one: one[0]), music.steps * step))
    out = BytesIO()
    file.save(file=out)
    return out.getvalue()


class _Event(NamedTuple):
    time: int
    """Ticks from the beginning."""
    track: int
    message: Any


def _parsed(data: bytes, name: str) -> Any:
    """Returns the `mido.MidiFile`."""
    require("mido")
    import mido

    if not data:
        raise ValueError(f"{name}: expected a MIDI file. Received: an empty file")
    if not data.startswith((b"MThd", b"RIFF")):
        raise ValueError(f"{name}: expected a MIDI file, which begins with MThd. Received: {data[:8]!r}")
    if data.startswith(b"RIFF"):
        at = data.find(b"MThd")
        if at < 0:
            raise ValueError(f"{name}: expected a MIDI file, which begins with MThd. Received: {data[:8]!r}")
        data = data[at:]
    try:
        file = mido.MidiFile(file=BytesIO(data), clip=True, charset="latin-1")
    except Exception as error:  # mido raises what the damage makes it raise: EOFError, KeyError, IndexError, ...
        what = str(error) or "it ends too early"
        raise ValueError(
            f"{name}: expected a whole MIDI file. Received: a damaged one ({' '.join(what.split())[:80]})"
        ) from None
    if file.type not in (0, 1):
        raise ValueError(f"{name}: expected a MIDI file of type 0 or 1. Received: type {file.type}")
    if not 0 < file.ticks_per_beat < 1 << 15:
        raise ValueError(f"{name}: expected times in parts of a quarter note. Received: times in parts of a second")
    return file


def _events(file: Any, name: str) -> Iterator[_Event]:
    for number, track in enumerate(file.tracks):
        time = 0
        for message in track:
            time += message.time
            if time > MOST_QUARTERS * file.ticks_per_beat:
                raise ValueError(f"{name}: expected at most {MOST_QUARTERS:,} quarter notes. Received: a longer file")
            yield _Event(time, number, message)


def _sounds(events: list[_Event], ticks: int, name: str, warn: Warn) -> tuple[list[Sound], Fraction]:
    """Returns the notes in time, voices numbered, and the end of the last track, quarter notes."""
    open_notes: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    balance: Counter[tuple[int, int, int]] = Counter()
    for event in events:
        if event.message.type in ("note_on", "note_off"):
            key = (event.track, event.message.channel, event.message.note)
            balance[key] += 1 if event.message.type == "note_on" and event.message.velocity > 0 else -1
    found: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
    drums = 0
    for event in events:
        message = event.message
        if message.type not in ("note_on", "note_off"):
            continue
        key = (event.track, message.channel, message.note)
        begins = message.type == "note_on" and message.velocity > 0
        if message.channel == _DRUMS:
            drums += begins
        elif begins:
            if balance[key] > 0:  # an end is missing: what is struck again has ended
                found[key[:2]] += [(start, event.time, message.note) for start in open_notes.pop(key, ())]
            open_notes[key].append(event.time)
        elif open_notes[key]:
            found[key[:2]].append((open_notes[key].pop(0), event.time, message.note))
    ends: dict[int, int] = defaultdict(int)
    for event in events:
        ends[event.track] = max(ends[event.track], event.time)
    end = max(ends.values(), default=0)
    hanging = 0
    for (track, channel, pitch), starts in open_notes.items():
        hanging += len(starts)
        found[track, channel] += [(start, max(ends[track], start + 1), pitch) for start in starts]
    if drums:
        warn(f"{name}: {drums:,} strokes of drums are left out.")
    if hanging:
        warn(f"{name}: {hanging:,} notes never end; they are held to the end of their track.")
    tracks = {track for track, _ in found}
    lines = sorted(found) if len(tracks) == 1 else sorted(tracks)
    voices = {line: voice for voice, line in enumerate(lines)}
    sounds = [
        Sound(
            Fraction(start, ticks),
            Fraction(max(until, start + 1), ticks),
            pitch,
            voices[line if len(tracks) == 1 else line[0]],
        )
        for line, notes in found.items()
        for start, until, pitch in notes
    ]
    return sounds, Fraction(end, ticks)


def _meter(messages: list[tuple[int, Any]], ticks: int, name: str, warn: Warn) -> tuple[tuple[int, int], Fraction]:
    """Returns the meter of a piece and the length of its upbeat, quarter notes."""
    meters = [(Fraction(time, ticks), (one.numerator, one.denominator)) for time, one in messages]
    meters = [(time, meter) for time, meter in meters if meter[0] > 0 and meter[1] in (1, 2, 4, 8, 16, 32)]
    meters = sorted(dict(meters).items())  # of those at the same time the last counts
    if not meters:
        return (4, 4), Fraction(0)
    (_, first), upbeat = meters[0], Fraction(0)
    if len(meters) > 1 and meters[0][0] == 0:
        length = Fraction(4 * first[0], first[1])
        (time, second) = meters[1]
        if time == length and length < Fraction(4 * second[0], second[1]):
            meters, first, upbeat = meters[1:], second, time
    _warn_of_changes([meter for _, meter in meters], "meter", name, warn)
    return first, upbeat


def _warn_of_changes(values: Iterable[Any], what: str, name: str, warn: Warn) -> None:
    if len(set(values)) > 1:
        warn(f"{name}: the {what} changes; the piece keeps the first.")


def _tempo(messages: list[tuple[int, Any]]) -> float:
    """Returns the first tempo, to hundredths of a quarter note a minute."""
    if not messages:
        return 120.0  # what MIDI says
    return min(max(round(60e6 / max(messages[0][1].tempo, 1), 2), SLOWEST), FASTEST)


def _title(file: Any) -> str:
    """Returns the name of the first track, where it names the piece: of type 0, or where that track has no notes."""
    if file.type and any(message.type == "note_on" for message in file.tracks[0]):
        return ""
    name = next((message.name for message in file.tracks[0] if message.type == "track_name"), "")
    raw = name.encode("latin-1", "replace")
    with contextlib.suppress(UnicodeDecodeError):
        name = raw.decode("utf-8")
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())


def _key(name: str) -> str:
    return name if name in MAJOR or name in MINOR else ""


def _signature_name(key: str) -> str:
    """Returns the major or minor key of the same signature."""
    return (MINOR if key.endswith("m") else MAJOR)[fifths(key) + 7]


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _meters(music: Music) -> list[tuple[int, int, int]]:
    """Returns the meters, each with the step at which it begins."""
    beats, unit = music.meter
    length = Fraction(music.upbeat, 4 * music.steps_per_quarter)
    if not 0 < music.upbeat < music.steps or length.denominator > 32 or length.denominator & (length.denominator - 1):
        return [(0, beats, unit)]
    denominator = max(length.denominator, unit)
    return [(0, length.numerator * denominator // length.denominator, denominator), (music.upbeat, beats, unit)]


def _voices(music: Music) -> list[list[Note]]:
    """Returns the notes of each voice that has any."""
    voices = sorted({note.voice for note in music.notes})
    return [[note for note in music.notes if note.voice == voice] for voice in voices]


def _track(messages: Iterable[tuple[int, Any]], end: int) -> Any:
    """Returns a track of messages at absolute ticks, in order."""
    import mido

    track, now = mido.MidiTrack(), 0
    for time, message in messages:
        track.append(message.copy(time=time - now))
        now = time
    track.append(mido.MetaMessage("end_of_track", time=end - now))
    return track
