"""The catalogue's music: what its files hold becomes notes, and what is missing or wrong is named."""

import hashlib
import io
import json
import tarfile

import pytest
from seq2seq.catalogue.fetch import FetchError
from seq2seq.catalogue.recordings import digest_of

from seq2seq.catalogue import fetch, jsb, nottingham
from seq2seq.music.notes import Note


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A mirror and a cache of the test's own, and no network."""
    monkeypatch.setenv(fetch.MIRROR, str(tmp_path / "mirror"))
    monkeypatch.setenv(fetch.CACHE, str(tmp_path / "cache"))

    def no_network(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("pooch.retrieve", no_network)
    return tmp_path / "mirror"


def put(places, steps, content, monkeypatch):
    text = json.dumps(content)
    (places / "jsb").mkdir(parents=True, exist_ok=True)
    (places / "jsb" / "a.json").write_text(text)
    monkeypatch.setitem(jsb.FILES, steps, ("a.json", hashlib.sha256(text.encode()).hexdigest()))


def test_frames_of_chorales_become_notes_that_sound_in_the_same_frames(places, monkeypatch):
    frames = [[60, 64], [60, 67], [], [67]]
    put(places, 1, {"train": [], "valid": [frames], "test": []}, monkeypatch)
    (piece,) = jsb.load("validation")
    assert piece.frames() == frames
    assert (piece.steps_per_quarter, piece.bar) == (1, 4)
    assert jsb.load("train") == []


def test_voices_of_chorales_keep_their_parts_in_unison_too(places, monkeypatch):
    frames = [[72, 60, 55, 48], [72, 60, 60, 48], [71, 60, 60, -1]]
    put(places, 4, {"train": [frames], "valid": [], "test": []}, monkeypatch)
    (piece,) = jsb.load("train", 4)
    assert [note for note in piece.notes if note.voice == 0] == [Note(0, 72, 2, 0), Note(2, 71, 1, 0)]
    assert [note for note in piece.notes if note.voice == 2] == [Note(0, 55, 1, 2), Note(1, 60, 2, 2)]
    assert [note for note in piece.notes if note.voice == 3] == [Note(0, 48, 2, 3)]


def test_tunes_of_nottingham_are_read_with_and_without_chords_and_each_is_in_one_split(places, monkeypatch):
    tunes = "".join(f'X: {n}\nT:{n}\nM:4/4\nL:1/4\nK:C\n"C"CDE{"FGAB"[n % 4]}|\n\n' for n in range(40))
    files = {"ABC_cleaned/waltzes.abc": tunes.encode(), "MIDI/a.mid": b"x"}
    (places / "nottingham_abc").mkdir(parents=True)
    with tarfile.open(places / "nottingham_abc" / nottingham.ARCHIVE.name, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(f"top/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    nottingham._tunes.cache_clear()
    try:
        with pytest.raises(FetchError, match="does not hold the expected files"):
            nottingham.load("train")
        wanted = {"ABC_cleaned/waltzes.abc": tunes.encode()}
        monkeypatch.setattr(nottingham, "CONTENT", digest_of(wanted))
        splits = {split: nottingham.load(split) for split in nottingham.SPLITS}
        titles = [piece.title for pieces in splits.values() for piece in pieces]
        assert sorted(titles, key=int) == [str(number) for number in range(40)]
        assert all(splits.values())
        piece, plain = splits["train"][0], nottingham.load("train", chords=False)[0]
        assert max(map(len, piece.frames())) > 1 == max(map(len, plain.frames()))
        assert nottingham.load("train", 2)[0].steps == plain.steps / 2
    finally:
        nottingham._tunes.cache_clear()


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (lambda: jsb.load("dev"), r"splits train, validation, test\. Received: 'dev'"),
        (lambda: jsb.load("test", 3), r"1, 2 and 4 steps a quarter\. Received: 3"),
        (lambda: nottingham.load("dev"), r"splits train, validation, test\. Received: 'dev'"),
        (lambda: jsb.load("test"), "folder that holds jsb/jsb-chorales-quarter.json"),
    ],
)
def test_the_music_says_what_it_has(places, load, message):
    with pytest.raises(ValueError, match=message):
        load()


def test_a_damaged_file_of_chorales_is_named(places, monkeypatch):
    put(places, 1, {"train": [[["c"]]]}, monkeypatch)
    for split in ("train", "test"):
        with pytest.raises(FetchError, match=r"a\.json is not the file of chorales that was expected"):
            jsb.load(split)
