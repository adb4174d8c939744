from io import BytesIO

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mido import Message, MetaMessage, MidiFile, MidiTrack

from seq2seq.music.midi import midi_bytes, read_midi
from seq2seq.music.notes import Music, Note
from tests.pieces import pieces


def file(*tracks, type=1, ticks=480):
    """A MIDI file of tracks, each a list of (ticks since the message before, message)."""
    made = MidiFile(type=type, ticks_per_beat=ticks)
    for messages in tracks:
        made.tracks.append(MidiTrack(message.copy(time=time) for time, message in messages))
    out = BytesIO()
    made.save(file=out)
    return out.getvalue()


def on(note, channel=0):
    return Message("note_on", note=note, velocity=64, channel=channel)


def off(note, channel=0):
    return Message("note_off", note=note, channel=channel)


def meter(beats, unit):
    return MetaMessage("time_signature", numerator=beats, denominator=unit)


def read(data, **options):
    told = []
    music = read_midi(data, "a.mid", warn=told.append, **options)
    return music, told


def notes(music):
    return [(note.start, note.pitch, note.length, note.voice) for note in music.notes]


@settings(max_examples=100, deadline=None)
@given(pieces())
def test_written_and_read_is_the_same_music(music):
    assert read(midi_bytes(music), steps_per_quarter=music.steps_per_quarter) == (music, [])


@settings(max_examples=30, deadline=None)
@given(pieces())
def test_every_note_ends_at_the_end_at_the_latest(music):
    for track in MidiFile(file=BytesIO(midi_bytes(music))).tracks:
        sounding = []
        for message in track:
            if message.type == "note_on":
                assert message.note not in sounding
                sounding.append(message.note)
            elif message.type == "note_off":
                sounding.remove(message.note)
        assert sounding == []
        assert track[-1].type == "end_of_track"


def test_what_cannot_be_said_in_midi_becomes_the_nearest():
    twice = Music((Note(0, 60, 8), Note(2, 60, 2), Note(0, 64, 4, voice=2)), 8, key="Bbdor", tempo=97.123456)
    again, _ = read(midi_bytes(twice))
    assert notes(again) == [(0, 60, 2, 0), (0, 64, 4, 1), (2, 60, 2, 0)]
    assert (again.key, again.tempo) == ("Ab", 97.12)


def test_of_type_0_each_channel_is_a_voice():
    data = file([(0, on(60)), (0, on(40, 1)), (480, off(60)), (480, off(40, 1))], type=0)
    assert notes(read(data)[0]) == [(0, 40, 8, 1), (0, 60, 4, 0)]


def test_velocity_0_ends_a_note():
    data = file([(0, on(60)), (480, Message("note_on", note=60, velocity=0))])
    assert notes(read(data)[0]) == [(0, 60, 4, 0)]


def test_overlapping_notes_of_a_pitch_end_in_order():
    data = file([(0, on(60)), (240, on(60)), (240, off(60)), (480, off(60))])
    assert notes(read(data)[0]) == [(0, 60, 2, 0), (2, 60, 6, 0)]


def test_a_note_that_never_ends_is_held_to_the_end_of_its_track_and_told():
    data = file([(0, on(60)), (480, on(62)), (960, MetaMessage("end_of_track"))])
    music, told = read(data)
    assert notes(music) == [(0, 60, 12, 0), (4, 62, 8, 0)]
    assert told == ["a.mid: 2 notes never end; they are held to the end of their track."]


def test_a_note_struck_again_without_an_end_ends_there():
    music, told = read(file([(0, on(60)), (480, on(60)), (480, off(60))]))
    assert (notes(music), told) == ([(0, 60, 4, 0), (4, 60, 4, 0)], [])


def test_drums_are_left_out_and_told():
    music, told = read(file([(0, on(60)), (480, off(60))], [(0, on(36, 9)), (480, off(36, 9))]))
    assert notes(music) == [(0, 60, 4, 0)]
    assert told == ["a.mid: 1 strokes of drums are left out."]


def test_triplets_are_moved_to_the_grid_and_told():
    data = file([(0, on(60)), (160, off(60)), (0, on(62)), (160, off(62)), (0, on(64)), (160, off(64))])
    music, (told,) = read(data)
    assert notes(music) == [(0, 60, 1, 0), (1, 62, 2, 0), (3, 64, 1, 0)]
    assert told.startswith("a.mid: 3 of 3 notes are not on the grid of 4 steps a quarter")
    assert told.endswith("A grid of 12 steps a quarter holds them all.")
    assert read(data, steps_per_quarter=3)[1] == []


def test_a_changing_tempo_or_meter_keeps_the_first_and_the_notes():
    head = [
        (0, MetaMessage("set_tempo", tempo=500_000)),
        (0, meter(3, 4)),
        (480, MetaMessage("set_tempo", tempo=600_000)),
    ]
    music, told = read(file([*head, (2400, meter(4, 4))], [(0, on(60)), (2880, off(60))]))
    assert (music.tempo, music.meter, music.upbeat, notes(music)) == (120, (3, 4), 0, [(0, 60, 24, 0)])
    assert sorted(told) == [
        "a.mid: the meter changes; the piece keeps the first.",
        "a.mid: the tempo changes; the piece keeps the first.",
    ]


def test_a_short_first_bar_is_an_upbeat():
    music, told = read(file([(0, meter(1, 4)), (480, meter(3, 4))], [(0, on(60)), (1920, off(60))]))
    assert (music.meter, music.upbeat, told) == ((3, 4), 4, [])


def test_without_a_tempo_it_is_120():
    assert read(file([(0, on(60)), (480, off(60))]))[0].tempo == 120


GOOD = file([(0, on(60)), (480, off(60))])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a.mid: expected a MIDI file. Received: an empty file"),
        (b"hello, world", "a.mid: expected a MIDI file, which begins with MThd. Received: b'hello, w'"),
        (b"MThd", "a.mid: expected a whole MIDI file. Received: a damaged one"),
        (GOOD[:20], "a.mid: expected a whole MIDI file. Received: a damaged one"),
        (GOOD[:-3], "a.mid: expected a whole MIDI file. Received: a damaged one"),
        (GOOD[:14] + b"XXXX" + GOOD[18:], "a.mid: expected a whole MIDI file. Received: a damaged one (no MTrk"),
        (GOOD[:8] + b"\0\2" + GOOD[10:], "a.mid: expected a MIDI file of type 0 or 1. Received: type 2"),
        (GOOD[:12] + b"\xe7\x28" + GOOD[14:], "a.mid: expected times in parts of a quarter note. Received: times in"),
        (file([(0, meter(4, 4))]), "a.mid: expected notes. Received: a MIDI file with none"),
        (file([(0, on(36, 9)), (9, off(36, 9))]), "a.mid: expected notes. Received: a MIDI file with only drums"),
        (
            file([(0, on(60)), (10**8, off(60))]),
            "a.mid: expected at most 100,000 quarter notes. Received: a longer file",
        ),
    ],
)
def test_what_cannot_be_read_is_one_sentence(data, message):
    with pytest.raises(ValueError) as caught:
        read_midi(data, "a.mid")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_any_damage_gives_music_or_one_sentence(changes):
    data = bytearray(GOOD)
    for place, byte in changes:
        data[place] = byte
    try:
        music = read_midi(bytes(data), "a.mid")
    except ValueError as error:
        message = str(error)
    else:
        message = "a.mid"
        assert music.notes
    assert message.startswith("a.mid")


def test_a_tempo_that_midi_cannot_say_is_refused():
    with pytest.raises(ValueError, match=r"tempo of at least 3.6"):
        midi_bytes(Music((Note(0, 60, 1),), 1, tempo=1.0))


def test_mido_reads_the_length_in_seconds():
    music = Music((Note(0, 60, 4), Note(4, 62, 12)), 16, tempo=80.0)
    assert mido.MidiFile(file=BytesIO(midi_bytes(music))).length == pytest.approx(16 * music.seconds_per_step)


def test_another_library_reads_the_same_notes_without_a_warning(tmp_path):
    symusic = pytest.importorskip("symusic", reason="symusic is not installed")
    music = Music(
        (Note(0, 60, 3), Note(3, 60, 5), Note(4, 72, 4), Note(0, 48, 8, 1)), 8, meter=(3, 4), upbeat=4, key="Gm"
    )
    (tmp_path / "a.mid").write_bytes(midi_bytes(music))
    score = symusic.Score(str(tmp_path / "a.mid"))
    step = score.ticks_per_quarter // 4
    found = [
        (note.time // step, note.pitch, note.duration // step, voice)
        for voice, track in enumerate(track for track in score.tracks if track.notes)
        for note in track.notes
    ]
    assert sorted(found) == notes(music)
    assert [(one.time // step, one.numerator, one.denominator) for one in score.time_signatures] == [
        (0, 1, 4),
        (4, 3, 4),
    ]
    assert [(one.key, one.tonality) for one in score.key_signatures] == [(-2, 1)]
    assert [one.qpm for one in score.tempos] == [100.0]
