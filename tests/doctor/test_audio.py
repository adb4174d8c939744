"""What the doctor finds in recordings, and that a clean corpus has nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from seq2seq.cli.main import main
from seq2seq.doctor.audio import KINDS
from tests.sounds import wav

RATE = 8000


def noise(seconds, seed, level=0.1):
    return level * np.random.default_rng(seed).standard_normal(round(seconds * RATE)).clip(-3, 3)


def write(folder, name, rows):
    """Writes recordings and a manifest of `(name, samples or bytes or None, text, speaker)`."""
    lines = ["audio\ttext\tspeaker"]
    for audio, content, text, speaker in rows:
        if content is not None:
            (folder / audio).write_bytes(content if isinstance(content, bytes) else wav(content, RATE))
        lines.append(f"{audio}\t{text}\t{speaker}")
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder / name


def clean(count=12, first=0, prefix="a", speaker="x"):
    texts = ["one two three", "two three one", "three one two", "one one two", "two two three", "three three one"]
    return [
        (f"{prefix}{n}.wav", noise(1.0 + 0.02 * (n % 5), first + n), texts[n % len(texts)], speaker)
        for n in range(count)
    ]


@pytest.fixture
def doctor(capfd):
    def call(*words):
        capfd.readouterr()
        code = main(["doctor", *map(str, words)])
        return code, *capfd.readouterr()

    return call


def kinds(out):
    return {finding["kind"]: finding["count"] for finding in json.loads(out)["findings"]}


def test_a_clean_corpus_has_nothing(doctor, tmp_path):
    code, out, _ = doctor("--manifest", write(tmp_path, "train.tsv", clean()))
    assert code == 0
    assert "Nothing found" in out
    assert "12 utterances, 0:12 of sound, 1 speakers" in out
    assert "8,000 Hz (12 utterances)" in out


def test_every_kind_is_found_where_it_is_and_nowhere_else(doctor, tmp_path):
    both = np.stack([noise(1.0, 70), noise(1.0, 71)], axis=1)
    loud = np.clip(20 * noise(1.0, 60), -1, 1)
    rows = [
        *clean(),
        ("missing.wav", None, "one two three", "x"),
        ("damaged.wav", b"RIFF\x00\x00", "one two three", "x"),
        ("silent.wav", np.zeros(RATE), "one two three", "x"),
        ("clipped.wav", loud, "one two three", "x"),
        ("short.wav", noise(0.1, 62), "o", "x"),
        ("long.wav", noise(31.0, 63), "one " * 100, "x"),
        ("stereo.wav", both, "one two three", "x"),
        ("again.wav", clean()[0][1], "one two three", "x"),
        ("other.wav", clean()[1][1], "one", "x"),
        ("tight.wav", noise(1.0, 64), "one two three two one one two three one two three two one two three", "x"),
        ("rare.wav", noise(1.0, 65), "one two ß", "x"),
    ]
    test = [("t0.wav", clean()[2][1], "three one two", "x"), ("t1.wav", noise(1.0, 66), "new text here", "y")]
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(record({"audio": {"rate": 16000}, "model": {"stack": 3}})))
    code, out, _ = doctor(
        *("--manifest", write(tmp_path, "train.tsv", rows), "--test-manifest", write(tmp_path, "test.tsv", test)),
        *("--recipe", recipe, "--json"),
    )
    assert code == 1
    found = kinds(out)
    found.pop("rate")  # of texts and recordings made so oddly
    assert found == {
        "missing": 1,
        "damaged": 1,
        "silent": 1,
        "clipped": 1,
        "short": 1,
        "long": 1,
        "channels": 1,
        "repeated": 1,
        "contradicted": 1,
        "heard": 1,
        "speakers": 1,
        "texts": 1,
        "unfit": 1,
        "characters": 1,
        "upsampled": 23,
    }
    assert set(found) | {"rate"} == set(KINDS)
    where = {finding["kind"]: finding["examples"] for finding in json.loads(out)["findings"]}
    assert "train.tsv:14: " in where["missing"][0]
    assert "train.tsv:15: " in where["damaged"][0]
    assert "train.tsv:17: " in where["clipped"][0]
    assert "'ß' (U+00DF)" in where["characters"][0]


def test_a_text_of_another_recording_is_found_by_its_speed(doctor, tmp_path):
    rows = [*clean(30), ("slow.wav", noise(5.0, 61), "one two three", "x")]
    code, out, _ = doctor("--manifest", write(tmp_path, "train.tsv", rows))
    assert code == 0
    assert "1 warning." in out
    assert "train.tsv:32: 5.00 s for 'one two three', 4.8 times longer than usual" in out


def record(fields):
    from seq2seq.run.folder import FORMAT

    return {"format": FORMAT, "recipe": {"task": "speech", **fields}}


def test_a_run_or_a_recipe_names_the_recordings(doctor, tmp_path):
    train, test = write(tmp_path, "train.tsv", clean()), write(tmp_path, "test.tsv", clean(3, 40, "t", "y"))
    recipe = tmp_path / "recipe.json"
    data = {"corpus": "files", "train": str(train), "validation": str(test)}
    recipe.write_text(json.dumps(record({"data": data, "audio": {"rate": RATE}})))
    code, out, _ = doctor("--recipe", recipe, "--json")
    assert (code, kinds(out)) == (0, {"texts": 3})
    assert [count for _, count in json.loads(out)["manifests"]] == [12, 3]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--test-manifest", "x.tsv"], "--test-manifest needs --manifest"),
        (["--manifest", "train.tsv", "--source", "a.en"], "--source is for text"),
        (["--manifest", "train.tsv", "--drop", "silent"], "--drop is for text"),
        (["--manifest", "train.tsv", "--recipe", "multi30k_en_de"], "goes with a recipe or a run of speech"),
        (["--manifest", "missing.tsv"], "missing.tsv"),
    ],
)
def test_options_that_do_not_go_together_are_told(doctor, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "train.tsv", clean(2))
    code, _, err = doctor(*words)
    assert code == 2
    assert message in err
