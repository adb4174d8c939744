"""By which names notes are written: those of the key, or of the scale that they are from."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.music.abc_reading import read_abc
from seq2seq.music.abc_writing import write_abc
from seq2seq.music.keys import MAJOR, MINOR, SEMITONES, fifths
from seq2seq.music.notes import Music, Note
from seq2seq.music.scales import FURTHER, MODES, key_number, key_pitches, scale_key, scale_pitches
from seq2seq.music.spelling import fitting_key, spelled, spelling_key

KEYS = ["", *MAJOR, *MINOR, "Ddor", "Amix", "Ephr"]


def scale(name, key=""):
    """A scale upwards, a quarter each."""
    tonic = key_number(name[:2].strip()) - 1
    pitches = sorted(scale_pitches(name), key=lambda pitch: (pitch - tonic) % 12)
    rising = [60 + tonic + (pitch - tonic) % 12 for pitch in pitches]
    return Music(tuple(Note(4 * at, pitch, 4) for at, pitch in enumerate(rising)), 4 * len(rising), key=key)


def names(music):
    signs = {-2: "bb", -1: "b", 0: "", 1: "#", 2: "##"}
    found = (spelled(note.pitch, spelling_key(music)) for note in music.notes)
    return " ".join(letter + signs[alteration] for letter, alteration, _ in found)


@pytest.mark.parametrize(
    ("name", "key", "expected"),
    [
        ("Eb major", "C", "Eb F G Ab Bb C D"),
        ("E major", "C", "E F# G# A B C# D#"),
        ("Db major", "", "Db Eb F Gb Ab Bb C"),
        ("B major", "", "B C# D# E F# G# A#"),
        ("C major", "E", "C D E F G A B"),
        ("F minor", "C", "F G Ab Bb C Db Eb"),
        ("E harmonic minor", "", "E F# G A B C D#"),
        ("E harmonic minor", "C", "E F# G A B C D#"),
        ("F# harmonic minor", "C", "F# G# A B C# D E#"),
        ("C harmonic minor", "", "C D Eb F G Ab B"),
        ("G melodic minor", "Gm", "G A Bb C D E F#"),
        ("A harmonic minor", "C", "A B C D E F G#"),
        ("D dorian", "Eb", "D E F G A B C"),
        ("C chromatic", "C", "C C# D Eb E F F# G G# A Bb B"),
        ("Bb pentatonic", "C", "Bb C D F G"),
        ("C major", "C", "C D E F G A B"),
    ],
)
def test_notes_have_the_names_of_their_scale_under_any_signature(name, key, expected):
    assert names(scale(name, key)) == expected


@pytest.mark.parametrize("key", ["", "C"])
@pytest.mark.parametrize("mode", [*MODES, "harmonic minor", "melodic minor"])
def test_the_seven_notes_of_a_scale_have_seven_letters(mode, key):
    for tonic in ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"):
        music = scale(f"{tonic} {mode}", key)
        letters = [spelled(note.pitch, spelling_key(music))[0] for note in music.notes]
        assert len(set(letters)) == 7, names(music)


@pytest.mark.parametrize("key", ["C", "Gm", "E", "Ab", "Ddor"])
def test_a_few_notes_outside_of_the_key_do_not_change_the_names(key):
    inside = sorted(key_pitches(key_number(key)))
    outside = sorted(set(range(12)) - set(inside))
    notes = [Note(4 * at, 60 + pitch, 4) for at, pitch in enumerate(inside * 3)]
    for pitch in outside:
        more = [Note(84, 60 + pitch, 4), Note(88, 72 + pitch, 4)]
        assert spelling_key(Music((*notes, *more), 92, key=key)) == key


def test_too_few_pitches_tell_no_key():
    assert fitting_key(scale("C major")) == "C"
    assert fitting_key(Music((Note(0, 61, 4), Note(4, 63, 4)), 8)) == ""
    assert spelling_key(Music((Note(0, 61, 4), Note(4, 63, 4)), 8, key="D")) == "D"
    assert spelling_key(Music((), 0)) == ""


def chords(*roots_and_notes):
    """Chords of a half note each."""
    notes = [Note(8 * at, pitch, 8) for at, pitches in enumerate(roots_and_notes) for pitch in pitches]
    return Music(tuple(sorted(notes)), 8 * len(roots_and_notes))


@pytest.mark.parametrize("tonic", range(12))
def test_a_cadence_tells_major_from_its_relative_minor(tonic):
    def moved(*chord):
        return [pitch + tonic for pitch in chord]

    one, four, five = moved(48, 64, 67), moved(53, 57, 60), moved(55, 59, 62)
    passing = moved(52, 56, 59)  # the dominant of the relative minor, once
    major = fitting_key(chords(one, four, five, one, passing, moved(57, 60, 64), four, five, one))
    assert (major in MAJOR, (7 * fifths(major)) % 12) == (True, tonic)
    minor = fitting_key(chords(*[moved(*chord) for chord in ((57, 60, 64), (50, 53, 57), (52, 56, 59), (57, 60, 64))]))
    assert (minor in MINOR, (7 * fifths(minor)) % 12) == (True, tonic)


@given(st.sampled_from([*MODES, *FURTHER]), st.sampled_from(["C", "Db", "E", "F#", "B"]), st.sampled_from(KEYS))
@settings(max_examples=60, deadline=None)
def test_what_is_written_by_another_key_is_read_as_the_same_music(mode, tonic, key):
    music = scale(f"{tonic} {mode}", key)
    assert read_abc(write_abc(music), "a.abc") == [music]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("C major", "C"),
        ("d dorian", "Ddor"),
        ("Eb", "Eb"),
        ("A harmonic minor", "Am"),
        ("F# blues", "F#m"),
        ("G# major", "Ab"),
        ("Db minor", "C#m"),
        ("B# minor", "Cm"),
        ("Ebb lydian", "Dlyd"),
        ("C whole tone", ""),
        ("C chromatic", ""),
    ],
)
def test_a_scale_is_written_in_its_key(name, key):
    assert scale_key(name) == key


def test_every_scale_that_is_a_key_holds_the_notes_of_it():
    for mode in MODES:
        for tonic in SEMITONES:
            for sign in ("", "#", "b"):
                key = scale_key(f"{tonic}{sign} {mode}")
                assert abs(fifths(key)) <= 7
                assert key_pitches(key_number(key)) == scale_pitches(f"{tonic}{sign} {mode}")
