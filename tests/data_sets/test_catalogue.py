import gzip
import hashlib
import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
from seq2seq.catalogue.fetch import FetchError, RemoteFile

from recipes.translation import RECIPES
from seq2seq.catalogue import (
    aeslc,
    etth1,
    fetch,
    grammar,
    m4,
    multi30k,
    nab,
    ptb,
    sentence_compression,
    sentences,
    sigmorphon,
    tatoeba,
    tinyshakespeare,
)


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A mirror and a cache of the test's own."""
    monkeypatch.setenv(fetch.MIRROR, str(tmp_path / "mirror"))
    monkeypatch.setenv(fetch.CACHE, str(tmp_path / "cache"))
    return tmp_path


def _file(text=b"hello\n"):
    # Port 9 of this machine: nobody answers, and nothing leaves it.
    return RemoteFile("set", "a.txt", "http://127.0.0.1:9/a.txt", hashlib.sha256(text).hexdigest())


def _put(folder, text):
    path = folder / "set" / "a.txt"
    path.parent.mkdir(parents=True)
    path.write_bytes(text)
    return path


def test_the_mirror_is_asked_before_the_cache(places):
    _put(places / "cache", b"hello\n")
    assert fetch.fetch(_file()) == places / "cache" / "set" / "a.txt"
    mirrored = _put(places / "mirror", b"hello\n")
    assert fetch.fetch(_file()) == mirrored


@pytest.mark.parametrize("place", ["mirror", "cache"])
def test_a_wrong_checksum_stops_and_says_both(places, place):
    path = _put(places / place, b"other\n")
    with pytest.raises(FetchError) as error:
        fetch.fetch(_file())
    for word in (str(path), _file().sha256, hashlib.sha256(b"other\n").hexdigest()):
        assert word in str(error.value)


def test_a_failed_download_says_what_to_put_where(places):
    with pytest.raises(FetchError) as error:
        fetch.fetch(_file())
    for word in (_file().url, str(places / "cache" / "set" / "a.txt"), fetch.MIRROR, "set/a.txt", _file().sha256):
        assert word in str(error.value)
    assert not list((places / "cache" / "set").iterdir())


def test_multi30k_has_four_languages_in_every_direction():
    directions = {name for name in RECIPES if name.startswith("multi30k_")} - {"multi30k_waitk"}
    assert directions == {f"multi30k_{a}_{b}" for a in multi30k.LANGUAGES for b in multi30k.LANGUAGES if a != b}
    for name in directions:
        data = RECIPES[name].data
        for split in ("train", "val", *data.tests):
            assert {data.source_language, data.target_language} <= set(multi30k.SHA256[split])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("trian", "en", "de"), "splits train, val"),
        (("train", "en", "es"), "exists in"),
        (("test_2017_flickr", "en", "cs"), "exists in"),
        (("train", "de", "de"), "must differ"),
    ],
)
def test_multi30k_says_what_it_has(words, message):
    with pytest.raises(ValueError, match=message):
        multi30k.load(*words)


def test_tatoeba_keeps_an_english_sentence_in_one_split(places, monkeypatch):
    pairs = [(f"Sentence {i % 1000}.", f"Frase {i}.") for i in range(2000)]
    archive = places / "mirror" / tatoeba.NAME / "spa-eng.zip"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(tatoeba.MEMBER, "".join(f"{a}\t{b}\n" for a, b in pairs))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(tatoeba, "FILE", RemoteFile(tatoeba.NAME, "spa-eng.zip", "http://127.0.0.1:9/", digest))
    splits = {s: [(e.source, e.target) for e in tatoeba.load(s, "en", "es")] for s in tatoeba.SPLITS}
    assert sorted(pair for rows in splits.values() for pair in rows) == sorted(pairs)
    english = [{source for source, _ in rows} for rows in splits.values()]
    assert sum(map(len, english)) == 1000
    assert all(english)
    assert [(e.target, e.source) for e in tatoeba.load("val", "es", "en")] == splits["val"]


def test_words_go_from_letters_to_phones(places, monkeypatch):
    path = places / "mirror" / sigmorphon.NAME / "eng_us_dev.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("abaht\tə b ɑ t\n", "utf-8")
    monkeypatch.setitem(sigmorphon.SHA256, "val", hashlib.sha256(path.read_bytes()).hexdigest())
    assert [(e.source, e.target) for e in sigmorphon.load("val", "en", "ipa")] == [("abaht", "ə b ɑ t")]
    with pytest.raises(ValueError, match=r"from en to ipa\. Received: 'ipa' to 'en'"):
        sigmorphon.load("val", "ipa", "en")
    with pytest.raises(ValueError, match=r"splits train, val, test\. Received: 'dev'"):
        sigmorphon.load("dev", "en", "ipa")


MAILS = {
    "train/a.subject": b"Hi\n\nthere \n\n@subject\nGreetings",
    "dev/b.subject": b"Body\n\n@subject\nOne\n\n@ann0\ntwo\n\n@ann1\nthree\n\n@ann2\nfour",
    "test/c.subject": b"hi THERE\n@subject\nAgain\n",
}


def archive_of(mails, path):
    """Writes the e-mails as the official archive has them, or as the mirror does, told by the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = {f"AESLC-master/enron_subject_line/{name}": data for name, data in mails.items()}
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as file:
            for name, data in {**names, "../../outside.subject": b"x", "AESLC-master/README.md": b"x"}.items():
                file.writestr(name, data)
        return path
    with tarfile.open(path, "w:gz") as file:
        for name, data in names.items():
            info = tarfile.TarInfo(name.removeprefix("AESLC-master/"))
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture
def mails(places, monkeypatch):
    digest = hashlib.sha256()
    for name, data in sorted(MAILS.items()):
        digest.update(name.encode() + b"\0" + data + b"\0")
    monkeypatch.setattr(aeslc, "CONTENT", digest.hexdigest())
    return places


@pytest.mark.parametrize("official", [False, True])
def test_aeslc_is_the_same_from_both_archives(mails, monkeypatch, official):
    name = aeslc.OFFICIAL.name if official else aeslc.MIRRORED.name
    path = archive_of(MAILS, mails / "mirror" / aeslc.NAME / name)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(aeslc, "MIRRORED", RemoteFile(aeslc.NAME, aeslc.MIRRORED.name, "http://127.0.0.1:9/", digest))
    found = {split: [(e.source, e.target, e.references) for e in aeslc.load(split)] for split in aeslc.SPLITS}
    assert found == {
        "train": [("Hi there", "Greetings", ())],
        "val": [("Body", "One", ("two", "three", "four"))],
        "test": [("hi THERE", "Again", ())],
    }


def test_aeslc_refuses_other_mails_and_damaged_archives_and_leaves_nothing(mails):
    path = archive_of({**MAILS, "test/c.subject": b"x"}, mails / "cache" / aeslc.NAME / aeslc.OFFICIAL.name)
    with pytest.raises(FetchError, match="does not hold the expected e-mails"):
        aeslc.load("test")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(FetchError, match="not a readable archive"):
        aeslc.load("test")
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("official", [False, True])
def test_sentence_compression_splits_as_the_literature_does(places, monkeypatch, official):
    text = "original\tcompressed\n" + "".join(f'a "b {i}\ta {i}\n' for i in range(10_000))
    content = hashlib.sha256(text.encode()).hexdigest()
    monkeypatch.setattr(sentence_compression, "CONTENT", content)
    data = text.encode() if official else gzip.compress(text.encode())
    kind = "OFFICIAL" if official else "MIRRORED"
    file = getattr(sentence_compression, kind)
    known = RemoteFile(file.dataset, file.name, "http://127.0.0.1:9/", hashlib.sha256(data).hexdigest())
    monkeypatch.setattr(sentence_compression, kind, known)
    path = places / "mirror" / file.dataset / file.name
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    found = {split: [e.source for e in sentence_compression.load(split)] for split in ("test", "val", "train")}
    assert [s for split in found.values() for s in split] == [f'a "b {i}' for i in range(10_000)]
    assert {split: len(rows) for split, rows in found.items()} == {"test": 1000, "val": 1000, "train": 8000}


@pytest.mark.parametrize("module", [aeslc, sentence_compression])
def test_the_summaries_say_what_they_have(module):
    with pytest.raises(ValueError, match="has the splits"):
        module.load("dev")
    with pytest.raises(ValueError, match="English"):
        module.load("test", "en", "de")


def test_penn_treebank_is_read_without_the_blanks_around_its_lines(places, monkeypatch):
    folder = places / "mirror" / "lm"
    folder.mkdir(parents=True)
    for split, name in ptb.FILES.items():
        (folder / name).write_bytes(f" {split} <unk> N \n \n last \n".encode())
        monkeypatch.setitem(ptb.SHA256, split, hashlib.sha256((folder / name).read_bytes()).hexdigest())
    for split in ptb.SPLITS:
        text = ptb.load(split)
        assert list(text) == list(text) == [f"{split} <unk> N", "", "last"]
        assert text.files == (folder / ptb.FILES[split],)


def test_tiny_shakespeare_is_split_by_characters(places, monkeypatch):
    whole = "".join(f"{number} é\n\n" for number in range(100))
    path = places / "mirror" / "lm" / "tinyshakespeare.txt"
    path.parent.mkdir(parents=True)
    path.write_bytes(whole.encode())
    file = RemoteFile("lm", path.name, "http://127.0.0.1:9/", hashlib.sha256(whole.encode()).hexdigest())
    monkeypatch.setattr(tinyshakespeare, "FILE", file)
    parts = []
    for split in tinyshakespeare.SPLITS:
        text = tinyshakespeare.load(split)
        parts.append(text.files[0].read_bytes().decode())
        assert list(text) == list(text) == parts[-1].removesuffix("\n").split("\n")
    assert "".join(parts) == whole
    assert [len(part) for part in parts] == [531, 29, 30]


def test_the_embedded_sentences_are_the_english_side_of_the_grammar(places, monkeypatch):
    # Instead of the grammar, which takes seconds to generate.
    monkeypatch.setattr(grammar, "generate", lambda split: [(f"A {split}.", "Ein Satz."), ("One more.", "Noch einer.")])
    for split, name in (("train", "train"), ("validation", "dev"), ("test", "test")):
        text = sentences.load(split)
        assert list(text) == list(text) == [f"A {name}.", "One more."]


@pytest.mark.parametrize("module", [ptb, tinyshakespeare, sentences])
def test_the_texts_for_language_models_have_the_same_three_splits(module):
    assert tuple(module.SPLITS) == ("train", "validation", "test")
    with pytest.raises(ValueError, match=r"splits train, validation, test\. Received: 'valid'"):
        module.load("valid")


@pytest.mark.parametrize("module", [ptb, tinyshakespeare])
def test_without_internet_a_text_says_which_file_to_put_where(places, monkeypatch, module):
    def no_network(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("pooch.retrieve", no_network)
    with pytest.raises(FetchError, match=r"Could not download https://raw\.githubusercontent\.com/") as error:
        module.load("test")
    assert f"folder that holds lm/{'ptb.test' if module is ptb else module.NAME}.txt" in str(error.value)


def _mirrored(places, path, text):
    """Puts a file in the mirror and returns its sha256."""
    path = places / "mirror" / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return hashlib.sha256(text.encode()).hexdigest()


def test_etth1_is_cut_by_months_of_thirty_days(places, monkeypatch):
    names = ",".join(etth1.CHANNELS)
    hours = [
        str(np.datetime64("2016-07-01T00", "h") + np.timedelta64(hour, "h")).replace("T", " ") + ":00:00"
        for hour in range(14500)
    ]
    text = f"date,{names}\n" + "".join(f"{hour}{f',{i}' * 7}\n" for i, hour in enumerate(hours))
    digest = _mirrored(places, "etth1/ETTh1.csv", text)
    monkeypatch.setattr(etth1, "FILE", RemoteFile("etth1", "ETTh1.csv", "http://127.0.0.1:9/", digest))
    for split, first, last in (("train", 0, 8639), ("validation", 8640, 11519), ("test", 11520, 14399)):
        table = etth1.load(split)
        assert tuple(table.ids) == etth1.CHANNELS
        assert all((series.values[0], series.values[-1]) == (first, last) for series in table)
    series = etth1.load("test", context=96)[0]
    assert (series.values[0], str(series.times[0])) == (11424, f"{hours[11424].replace(' ', 'T')}.000000")


def test_m4_reads_series_of_different_lengths(places, monkeypatch):
    digests = (
        _mirrored(places, "m4/Hourly-train.csv", '"V1","V2","V3","V4"\n"H1",1,2.5,3\n"H2",4,,\n'),
        _mirrored(places, "m4/Hourly-test.csv", '"V1","V2"\n"H1",7\n"H2",8\n'),
    )
    monkeypatch.setitem(m4.GROUPS, "hourly", m4.GROUPS["hourly"]._replace(sha256=digests))
    train, test = m4.load("train", "hourly"), m4.load("test", "hourly")
    assert list(train.ids) == list(test.ids) == ["H1", "H2"]
    assert [list(series.values) for series in train] == [[1, 2.5, 3], [4]]
    assert [list(series.values) for series in test] == [[7], [8]]


def test_nab_keeps_the_rows_as_they_come_and_finds_the_windows(places, monkeypatch):
    stamps = ["2015-01-01 00:00:00", "2015-01-01 00:10:00", "2015-01-01 00:10:00", "2015-01-01 00:05:00"]
    text = "timestamp,value\n" + "".join(f"{stamp},{i}.5\n" for i, stamp in enumerate(stamps))
    digest = _mirrored(places, "nab/data/real/a.csv", text)
    window = [[f"{stamps[1]}.000000", f"{stamps[3]}.000000"]]
    labels = _mirrored(places, "nab/labels/combined_windows.json", json.dumps({"real/a.csv": window}))
    monkeypatch.setattr(nab, "FILES", {"real": {"a": digest}})
    monkeypatch.setattr(nab, "WINDOWS", RemoteFile("nab", nab.WINDOWS.name, "http://127.0.0.1:9/", labels))
    ((name, recording),) = nab.load().items()
    assert (name, recording.windows) == ("real/a.csv", ((1, 3),))
    assert list(recording.values) == [0.5, 1.5, 2.5, 3.5]
    assert [str(stamp).replace("T", " ") for stamp in recording.stamps] == stamps


def test_nab_is_58_series():
    assert sum(map(len, nab.FILES.values())) == 58
    assert len({digest for group in nab.FILES.values() for digest in group.values()}) == 58


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (lambda: etth1.load("dev"), r"splits train, validation, test\. Received: 'dev'"),
        (lambda: m4.load("dev", "hourly"), r"splits train, test\. Received: 'dev'"),
        (lambda: m4.load("train", "daily"), r"groups hourly, weekly\. Received: 'daily'"),
        (lambda: nab.load("test"), r"split all\. Received: 'test'"),
    ],
)
def test_the_series_say_what_they_have(load, message):
    with pytest.raises(ValueError, match=message):
        load()


@pytest.mark.parametrize(
    ("load", "name"),
    [
        (lambda: etth1.load("test"), "etth1/ETTh1.csv"),
        (lambda: m4.load("test", "weekly"), "m4/Weekly-test.csv"),
        (nab.load, "nab/labels/combined_windows.json"),
    ],
)
def test_without_internet_series_say_which_file_to_put_where(places, monkeypatch, load, name):
    def no_network(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("pooch.retrieve", no_network)
    with pytest.raises(FetchError, match=r"Could not download https://raw\.githubusercontent\.com/") as error:
        load()
    assert f"folder that holds {name}" in str(error.value)
    assert list((places / "cache").iterdir())


def test_a_download_into_a_folder_of_a_data_set_is_put_there(places, monkeypatch):
    """The server is pooch's: what it is asked to write must be where the file is looked for again."""

    def download(url, known_hash, fname, path):
        (path / fname).write_bytes(b"hello\n")

    monkeypatch.setattr("pooch.retrieve", download)
    file = RemoteFile("set", "one/two/a.txt", "http://127.0.0.1:9/", _file().sha256)
    assert fetch.fetch(file) == places / "cache" / "set" / "one" / "two" / "a.txt"
    assert fetch.find(file) == places / "cache" / "set" / "one" / "two" / "a.txt"
