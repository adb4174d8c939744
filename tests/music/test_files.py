import json
from pathlib import Path

import pytest
from hypothesis import given, settings

from seq2seq.music.kern import read_kern
from seq2seq.music.music_json import music_from_json, music_to_json
from seq2seq.music.notes import Music, Note
from seq2seq.music.reading import read_music
from seq2seq.music.writing import SUFFIXES, write_music
from tests.pieces import pieces

READ = ".mid, .midi, .abc, .krn, .kern, .json"
NOTES = (Note(0, 72, 4), Note(4, 74, 12), Note(0, 48, 16, 1))
PIECE = Music(NOTES, 16, meter=(3, 4), upbeat=4, key="Am", title="A tune")


@pytest.mark.parametrize("name", ["a.mid", "a.MIDI", "a.abc", "a.json"])
def test_what_is_written_is_read(tmp_path, name):
    told = []
    write_music(PIECE, tmp_path / name)
    assert read_music(tmp_path / name, warn=told.append) == [PIECE]
    assert told == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_is_complete_or_absent(tmp_path, suffix, monkeypatch):
    def fail(*_):
        raise ValueError("no")

    path = tmp_path / f"a{suffix}"
    path.write_text("before")
    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(ValueError, match="no"):
        write_music(PIECE, path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a.mp3", "a", "a.krn"])
def test_another_kind_of_file_is_not_written(tmp_path, name):
    came = f"a name that ends in {name[1:]}" if "." in name else "a name without an ending"
    with pytest.raises(ValueError, match="expected a file of music to write") as caught:
        write_music(PIECE, tmp_path / name)
    assert str(caught.value).endswith(f": .mid, .midi, .wav, .abc, .html, .json. Received: {came}")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.mp3", f"expected a file of music: {READ}. Received: a name that ends in .mp3"),
        ("a", f"expected a file of music: {READ}. Received: a name without an ending"),
        ("folder.abc", "expected a file of music. Received: a folder"),
    ],
)
def test_what_is_no_file_of_music_is_one_sentence(tmp_path, name, message):
    (tmp_path / "folder.abc").mkdir()
    (tmp_path / "a.mp3").touch()
    with pytest.raises(ValueError) as caught:
        read_music(tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name}: {message}"


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_music(tmp_path / "a.abc")


def test_old_files_in_latin_1_are_read(tmp_path):
    (tmp_path / "a.abc").write_bytes("X:1\nT:Ständchen\nK:C\nC\n".encode("latin-1"))
    assert read_music(tmp_path / "a.abc")[0].title == "Ständchen"


# JSON.


@settings(max_examples=50, deadline=None)
@given(pieces())
def test_json_written_and_read_is_the_same_music(music):
    assert music_from_json(music_to_json(music), "a.json") == [music]


def test_json_holds_one_piece_a_list_or_a_piece_a_line():
    one = music_to_json(PIECE)
    assert music_from_json(f"[{one}, {one}]", "a") == music_from_json(one + "\n" + one, "a") == [PIECE, PIECE]
    assert music_from_json('{"notes": [[0, 60, 3]]}', "a") == [Music((Note(0, 60, 3),), 3)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.json: expected pieces of music as JSON. Received: Expecting value"),
        ("{", "a.json: expected pieces of music as JSON. Received: Expecting property name"),
        ("[]", "a.json: expected pieces of music. Received: an empty list"),
        ("3", "a.json: piece 1: expected an object with a list of notes. Received: 3"),
        ('{"notes": []}', "a.json: piece 1: expected notes. Received: none"),
        ('{"notes": [[0, 60]]}', "a.json: piece 1, note 1: expected [start, pitch, length, voice]. Received: [0, 60]"),
        ('{"notes": [[0, 60, true]]}', "a.json: piece 1, note 1: expected [start, pitch, length, voice]."),
        ('{"notes": [[0, 200, 1]]}', "a.json: piece 1: Expected pitches of 0 to 127. Received: 200"),
        ('{"notes": [[0, 60, 1]], "steps": "x"}', "a.json: piece 1: expected a whole number of steps. Received: 'x'"),
        ('{"notes": [[0, 60, 1]], "meter": 3}', "a.json: piece 1: expected a meter such as [3, 4]. Received: 3"),
        ('{"notes": [[0, 60, 1]], "tempo": "x"}', "a.json: piece 1: expected a tempo in quarter notes a minute."),
        ('{"notes": [[0, 60, 1]], "key": 1}', "a.json: piece 1: expected a text as key. Received: 1"),
        ('{"notes": [[0, 60, 1]], "tmepo": 1}', "a.json: piece 1: expected the fields key, meter, notes, steps, "),
    ],
)
def test_json_that_is_no_music_is_one_sentence(text, message):
    with pytest.raises(ValueError) as caught:
        music_from_json(text, "a.json")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_json_is_plain():
    assert json.loads(music_to_json(PIECE))["notes"] == [[0, 48, 16, 1], [0, 72, 4, 0], [4, 74, 12, 0]]


# Kern.

KERN = """!!!OTL: A tune
**kern\t**text\t**kern
*k[f#]\t*\t*k[f#]
*G:\t*\t*G:
*M3/4\t*\t*M3/4
*MM90\t*\t*MM90
4GG\ta\t4g
=1\t=1\t=1
2.[GG\tb\t8.g#L
.\t.\t16a-J
.\t.\t2r
=2\t=2\t=2
4GG]\t.\t4cc 4ee
8F\t.\t12dd
.\t.\t12ee
8E\t.\t.
.\t.\t12ff
4D\t.\tqg
.\t.\t4dd;
==\t==\t==
*-\t*-\t*-
"""


def test_kern_is_read():
    told = []
    music = read_kern(KERN, "a.krn", steps_per_quarter=12, warn=told.append)
    assert [(note.start, note.pitch, note.length) for note in music.notes if note.voice == 0] == [
        *((0, 67, 12), (12, 68, 9), (21, 68, 3), (48, 72, 12), (48, 76, 12)),
        *((60, 74, 4), (64, 76, 4), (68, 77, 4), (72, 74, 12)),
    ]
    assert [(note.start, note.pitch, note.length) for note in music.notes if note.voice == 1] == [
        *((0, 43, 12), (12, 43, 48), (60, 53, 6), (66, 52, 6), (72, 50, 12))
    ]
    assert (music.title, music.key, music.meter, music.tempo, music.upbeat) == ("A tune", "G", (3, 4), 90, 12)
    assert (music.steps, told) == (84, [])


def test_split_spines_of_kern_stay_in_their_voice():
    text = "**kern\t**kern\n4C\t4c\n*\t*^\n2D\t4e\t2c\n.\t4f\t.\n*\t*v\t*v\n4C\t4g\n*-\t*-\n"
    music = read_kern(text, "a.krn")
    assert [(n.start, n.pitch, n.length) for n in music.notes if n.voice == 0] == [
        *((0, 60, 4), (4, 60, 8), (4, 64, 4), (8, 65, 4), (12, 67, 4))
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.krn: expected a spine **kern with notes. Received: none"),
        ("hello", "a.krn:1: expected spines such as **kern. Received: 'hello'"),
        ("**text\nla\n*-", "a.krn: expected a spine **kern with notes. Received: none"),
        ("**kern\n4c\t4d", "a.krn:2: expected 1 columns. Received: 2"),
        ("**kern\nc", "a.krn:2: expected a length before a note or rest. Received: 'c'"),
        ("**kern\n4x", "a.krn:2: expected a note or rest. Received: '4x'"),
        ("**kern\n4cccccccc", "a.krn:2: expected pitches of 0 to 127. Received: 'cccccccc'"),
        ("**kern\n*M3/5\n4c", "a.krn:2: expected a meter such as *M3/4. Received: '*M3/5'"),
        ("**kern\n4.....c", "a.krn:2: expected a length"),
    ],
)
def test_kern_that_cannot_be_read_is_one_sentence(text, message):
    with pytest.raises(ValueError) as caught:
        read_kern(text, "a.krn")
    assert str(caught.value).startswith(message)
