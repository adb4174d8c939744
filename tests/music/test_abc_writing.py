import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.music.abc_reading import read_abc
from seq2seq.music.abc_writing import write_abc
from seq2seq.music.keys import SEMITONES
from seq2seq.music.notes import Music, Note
from seq2seq.music.quantising import apart
from seq2seq.music.spelling import spelled
from tests.pieces import KEYS, pieces


def read(text, **options):
    told = []
    (music,) = read_abc(text, "a.abc", warn=told.append, **options)
    return music, told


def body(text, key="C", **fields):
    """The music of one voice as `write_abc` writes it, of notes such as "60:4 62:2", a rest as 0."""
    notes, at = [], 0
    for word in text.split():
        pitches, length = word.split(":")
        notes += [Note(at, int(pitch), int(length)) for pitch in pitches.split(",") if pitch != "0"]
        at += int(length)
    written = write_abc(Music(**{"notes": tuple(notes), "steps": at, "key": key, **fields}))
    return written.partition("K:")[2].partition("\n")[2].strip()


@pytest.mark.parametrize("rule", ["octave", "pitch"])
@settings(max_examples=100, deadline=None)
@given(music=pieces(keys=[*KEYS, "Bbdor", "F#loc", "Gmix"]))
def test_written_and_read_is_the_same_music_whichever_way_accidentals_hold(rule, music):
    text = write_abc(music).replace("M:", f"%%propagate-accidentals {rule}\nM:", 1)
    assert read(text, steps_per_quarter=music.steps_per_quarter) == (music, [])


@given(st.integers(0, 127), st.sampled_from(KEYS))
def test_a_spelled_pitch_sounds_as_the_pitch(pitch, key):
    letter, alteration, octave = spelled(pitch, key)
    assert 60 + 12 * octave + SEMITONES[letter] + alteration == pitch


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("C", "C ^C D _E E F ^F G ^G A _B B"),
        ("Am", "C ^C D ^D E F ^F G ^G A _B B"),
        ("Gm", "C ^C D _E E F ^F G _A A _B B"),
        ("E", "^B ^C D ^D E ^E ^F G ^G A ^A B"),
        ("Ab", "C _D D _E E F _G G _A A _B _C"),
    ],
)
def test_pitches_are_spelled_as_the_key_has_them(key, names):
    marks = {-1: "_", 0: "", 1: "^"}
    assert " ".join(marks[one[1]] + one[0] for one in (spelled(pitch, key) for pitch in range(60, 72))) == names


@pytest.mark.parametrize(
    ("notes", "text"),
    [
        ("60:4 62:2 64:2 65:8", "C2 DE F4 |]"),
        ("60:16 62:8 0:8", "C8 | D4 z4 |]"),
        ("60:12 62:12", "C6 D2- | D4 |]"),
        ("60:5 62:3", "C2- C/2D3/2 |]"),
        ("61:4 61:4 73:4 61:4 61:4", "^C2 C2 ^c2 C2 | ^C2 |]"),
        ("61:4 60:4", "^C2 =C2 |]"),
        ("61:12 61:8 61:4 61:4", "^C6 C2- | ^C2 ^C2 C2 |]"),
        ("60,64,67:4 60,61:4", "[CEG]2 [=C^C]2 |]"),
        ("48:4 84:4 36:4", "C,2 c'2 C,,2 |]"),
    ],
)
def test_what_is_written(notes, text):
    assert body(notes) == text


def test_notes_of_a_chord_that_end_at_other_times_are_tied():
    music = Music((Note(0, 60, 8), Note(4, 64, 4), Note(0, 67, 6)), 8, key="C")
    assert write_abc(music).endswith("\n[C-G-]2 [C-E-G][CE] |]\n")


def test_thirds_of_a_beat_are_triplets():
    assert body("60:1 62:1 64:1 65:3 67:2 69:1", steps_per_quarter=3) == "(3CDE F2 (3:2:2G2A |]"


def test_bars_begin_after_the_upbeat_and_four_stand_in_a_line():
    assert body("60:4 62:12 64:12", meter=(3, 4), upbeat=4) == "C2 | D6 | E6 |]"
    assert body("60:16 " * 5).splitlines() == ["C8 | C8 | C8 | C8 |", "C8 |]"]


def test_the_header():
    text = write_abc(Music((Note(0, 40, 4), Note(0, 70, 4, 1)), 4, title="A\n tune", key="Gm", tempo=92.5), number=7)
    assert text.splitlines()[:8] == [
        *("X:7", "T:A tune", "M:4/4", "L:1/8", "Q:1/4=92.5", "V:1 clef=bass", "V:2", "K:Gm"),
    ]


def test_a_key_that_is_none_is_refused():
    with pytest.raises(ValueError, match="Expected a key such as G"):
        write_abc(Music((Note(0, 60, 4),), 4, key="H"))


ABCJS = Path(__file__).parents[2] / "seq2seq/music/abcjs/abcjs-basic-min.js"
PLAY = """
const tunes = JSON.parse(require("fs").readFileSync(0)).map(abc => {
  const [tune] = require(process.argv[1]).parseOnly(abc);
  const {tracks} = tune.setUpAudio({});
  const notes = tracks.map(track => track.filter(event => event.cmd === "note"));
  return {warnings: tune.warnings || [], voices: notes.map(voice => voice.map(n => [n.start, n.pitch, n.duration]))};
});
console.log(JSON.stringify(tunes));
"""
"""What abcjs would play of each tune: times in whole notes."""


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_abcjs_reads_the_same_music_without_a_warning():
    """Of voices whose notes begin and end together: abcjs 6.7.2 misses ties between chords of other sizes."""
    rng, made = random.Random(7), []
    for grid, meter, key in [
        (4, (4, 4), "G"),
        (4, (6, 8), "Fm"),
        (12, (3, 4), "D"),
        (6, (2, 2), "Ebm"),
        (4, (3, 8), "C"),
    ] * 6:
        notes: list[Note] = []
        for voice in range(rng.randint(1, 4)):
            at = 0
            while at < 8 * grid:
                length = rng.choice([grid // 2, grid, grid, 2 * grid, 3, 5 * grid])
                chord = {rng.randint(30, 90) for _ in range(rng.choice([0, 1, 1, 1, 3]))}
                notes += [Note(at, pitch, length, voice) for pitch in chord]
                at += length
        if not notes:
            continue
        end = max(note.start + note.length for note in notes)
        made.append(Music(tuple(apart(notes)), end, grid, meter, rng.choice([0, grid]), key))
    tunes = json.dumps([write_abc(music) for music in made])
    done = subprocess.run(["node", "-e", PLAY, str(ABCJS)], input=tunes, capture_output=True, text=True, check=True)
    for music, read in zip(made, json.loads(done.stdout), strict=True):
        whole = 4 * music.steps_per_quarter
        played = [
            (round(start * whole, 2), pitch, round(length * whole, 2), voice)
            for voice, notes in enumerate(read["voices"])
            for start, pitch, length in notes
        ]
        assert read["warnings"] == []
        assert sorted(played) == sorted((n.start, n.pitch, n.length, n.voice) for n in music.notes)
