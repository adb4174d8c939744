"""Manifests of every kind give the same utterances; a line that cannot be trained on is named."""

from __future__ import annotations

import json

import pytest

from seq2seq.audio.manifest import Manifest, Utterance
from seq2seq.text.opening import CorpusError

FILES = ("a.wav", "sub/b.flac", "c d.wav")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in FILES:
        (tmp_path / name).write_bytes(b"audio")
    return tmp_path


@pytest.fixture
def manifest(folder):
    def manifest_(text: str, name: str = "m.tsv", **options):
        (folder / name).write_text(text, "utf-8", newline="")
        return list(Manifest(folder / name, **options))

    return manifest_


ROWS = [
    {"audio": "a.wav", "text": "yes", "speaker": "ann", "start": "", "end": "", "id": "u1"},
    {"audio": "./sub/../sub/b.flac", "text": "no, never", "speaker": "", "start": "0.5", "end": "1.25", "id": "u2"},
]


def tsv(rows):
    return "\n".join("\t".join(cells) for cells in (rows[0].keys(), *(row.values() for row in rows))) + "\n"


def without_place(utterances):
    return [(one.audio.resolve(), one.text, one.speaker, one.start, one.end, one.id) for one in utterances]


def test_every_format_gives_the_same_utterances(manifest, folder):
    table = manifest(tsv(ROWS))
    assert table[0] == Utterance(folder / "a.wav", "yes", "ann", None, None, "u1", f"{folder / 'm.tsv'}:2")
    assert without_place(table)[1] == (folder / "sub" / "b.flac", "no, never", "", 0.5, 1.25, "u2")
    numbers = [ROWS[0] | {"start": None, "end": None}, ROWS[1] | {"start": 0.5, "end": 1.25, "other": [1]}]
    lines = manifest("".join(json.dumps(row) + "\n" for row in numbers), "m.jsonl")
    assert [one.place for one in lines] == [f"{folder / 'm.jsonl'}:1", f"{folder / 'm.jsonl'}:2"]
    array = manifest(json.dumps(numbers), "m.json")
    commas = manifest(
        'audio,text,speaker,start,end,id\na.wav,yes,ann,,,u1\nsub/b.flac,"no, never",,.5,1.25,u2\n', "m.csv"
    )
    assert without_place(table) == without_place(lines) == without_place(array) == without_place(commas)


def test_columns_that_are_not_required_may_be_missing_and_others_are_not_read(manifest, folder):
    (found,) = manifest("text\tseconds\taudio\n hallo\u2028du \t7\tc d.wav\n")
    assert without_place([found]) == [(folder / "c d.wav", "hallo du", "", None, None, "")]


def test_paths_start_from_another_folder_where_one_is_given_and_full_paths_from_none(manifest, folder):
    assert manifest("audio\ttext\nb.flac\tx\n", root=folder / "sub")[0].audio == folder / "sub" / "b.flac"
    assert manifest(f"audio\ttext\n{folder / 'a.wav'}\tx\n", root=folder / "sub")[0].audio == folder / "a.wav"
    assert manifest("audio\ttext\nnone.wav\tx\n", check_files=False)[0].audio == folder / "none.wav"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Audio\ttext\na.wav\tx\n",
            "1: the header has no column 'audio'. It names: Audio, text. Did you mean 'Audio'?",
        ),
        ("audio\ttranscript\na.wav\tx\n", "1: the header has no column 'text'. It names: audio, transcript$"),
        ("audio\ttext\na.wav\tx\ta\n", "2: expected 2 columns, as in the header. Received: 3"),
        ("audio\ttext\na.wav\tx\na.wav\t \n", "3: the text is empty"),
        ("audio\ttext\n\tx\n", "2: the audio is empty"),
        ("audio\ttext\nno.wav\tx\n", "2: no such audio file: '.*no.wav'"),
        ("audio\ttext\nsub\tx\n", "2: no such audio file: '.*sub'"),
        ("audio\ttext\n../a.wav\tx\n", r"2: the path '../a.wav' leaves the folder .* a full path"),
        ("audio\ttext\nsub/../../a.wav\tx\n", "2: the path .* leaves the folder"),
        ("audio\ttext\ncat a.wav |\tx\n", "2: a command is not run: 'cat a.wav |'"),
        (
            "audio\ttext\tstart\na.wav\tx\tone\n",
            "2: expected as start a number of seconds, at least 0. Received: 'one'",
        ),
        ("audio\ttext\tend\na.wav\tx\tnan\n", "2: expected as end a number of seconds"),
        ("audio\ttext\tend\na.wav\tx\tinf\n", "2: expected as end a number of seconds"),
        ("audio\ttext\tstart\na.wav\tx\t-1\n", "2: expected as start .* Received: '-1'"),
        ("audio\ttext\tstart\tend\na.wav\tx\t2\t1.5\n", "2: expected a start before the end. Received: 2.0 to 1.5"),
        ("audio\ttext\tend\na.wav\tx\t0\n", "2: expected a start before the end. Received: 0 to 0.0"),
        ("audio\ttext\tid\na.wav\tx\tu\na.wav\ty\tu\n", "3: the utterance id 'u' occurs twice, first at .*m.tsv:2"),
        ("audio\ttext\n", " expected utterances. Received: none"),
        ("", " expected utterances. Received: none"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(manifest, text, message):
    with pytest.raises(CorpusError, match=f"m.tsv:{message}") as found:
        manifest(text)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"audio": "a.wav", "txt": "x"}, "1: expected a field 'text'. Did you mean 'txt'? Received: audio, txt"),
        ({"audio": "a.wav", "text": 7}, "1: expected text as text. Received: 7"),
        ({"audio": ["a.wav"], "text": "x"}, "1: expected text as audio"),
        ({"audio": "a\0.wav", "text": "x"}, "1: no such audio file"),
        ({"audio": "a.wav", "text": None}, "1: the text is empty"),
        ({"audio": "a.wav", "text": "x", "start": True}, "1: expected as start a number of seconds"),
        ({"audio": "a.wav", "text": "x", "start": {}}, "1: expected as start a number of seconds"),
        ({"audio": "a.wav", "text": "x", "end": 10**400}, "1: expected as end a number of seconds"),
    ],
    ids=str,
)
def test_a_json_value_of_another_kind_is_named(manifest, row, message):
    with pytest.raises(CorpusError, match=f"m.jsonl:{message}".replace("?", r"\?")):
        manifest(json.dumps(row) + "\n", "m.jsonl")


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"no.tsv: no such file"):
        list(Manifest(tmp_path / "no.tsv"))


KALDI = {
    "wav.scp": "rec1 a.wav\nrec2 c d.wav\n",
    "segments": "ann-1 rec1 0.5 1.25\nann-2 rec2 1 -1\n",
    "utt2spk": "ann-1 ann\nann-2 ann\n",
    "text": "ann-2 NO NEVER\nann-1 YES\n",
}


@pytest.fixture
def kaldi(folder):
    def kaldi_(root=None, **changes):
        for name, text in (KALDI | changes).items():
            if text is not None:
                (folder / name.replace("wav", "wav.scp") if name == "wav" else folder / name).write_text(text)
        return list(Manifest(folder, root))

    return kaldi_


def test_a_folder_of_kaldi_has_recordings_segments_and_speakers(kaldi, folder):
    assert kaldi() == [
        Utterance(folder / "c d.wav", "NO NEVER", "ann", 1.0, None, "ann-2", f"{folder / 'text'}:1"),
        Utterance(folder / "a.wav", "YES", "ann", 0.5, 1.25, "ann-1", f"{folder / 'text'}:2"),
    ]


def test_without_segments_recordings_are_utterances_and_speakers_may_be_unknown(kaldi, folder):
    assert without_place(kaldi(segments=None, utt2spk=None, text="rec1 YES\n")) == [
        (folder / "a.wav", "YES", "", None, None, "rec1")
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wav": "rec1 sox a.wav -t wav - |\nrec2 a.wav\n"}, "text:2: a command is not run: 'sox a.wav -t wav - |'"),
        ({"wav": "rec1\n"}, r"wav.scp:1: the audio of 'rec1' is missing"),
        ({"wav": "rec1 a.wav\nrec1 a.wav\n"}, r"wav.scp:2: 'rec1' occurs twice, first at .*wav.scp:1"),
        ({"wav": "rec2 a.wav\n"}, r"text:2: 'rec1' is not in .*wav.scp"),
        ({"wav": "rec1 ../x.wav\nrec2 a.wav\n"}, "text:2: the path '../x.wav' leaves the folder"),
        (
            {"segments": "ann-1 rec1 0.5\nann-2 rec2 1 -1\n"},
            "segments:1: expected an utterance, a recording, start and",
        ),
        ({"segments": "ann-2 rec2 1 -1\n"}, "text:2: 'ann-1' is not in .*segments"),
        ({"utt2spk": "ann-1 ann\n"}, "text:1: 'ann-2' is not in .*utt2spk"),
        ({"text": "ann-1\n"}, "text:1: the text is empty"),
        ({"text": "ann-1 A\n\n"}, "text:2: the line is empty"),
        ({"text": "ann-1 A\nann-1 B\n"}, "text:2: the utterance id 'ann-1' occurs twice, first at .*text:1"),
        ({"text": ""}, "expected utterances. Received: none"),
        ({"text": None}, "text: no such file"),
    ],
    ids=str,
)
def test_a_folder_of_kaldi_that_does_not_fit_together_is_refused(kaldi, changes, message):
    with pytest.raises(CorpusError, match=message):
        kaldi(**changes)
