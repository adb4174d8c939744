import hashlib
import zipfile

import pytest

from data import fetch, multi30k, tatoeba
from data.fetch import FetchError, RemoteFile
from recipes.translation import RECIPES


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
    directions = {name for name in RECIPES if name.startswith("multi30k_")}
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
