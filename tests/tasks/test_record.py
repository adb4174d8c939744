"""Where a test set stands is on record, for every kind of file: it is found and held to its checksums later."""

from __future__ import annotations

import json

import pytest

from seq2seq.tasks.text_to_text.test_sets import data_entry, text_of
from seq2seq.text.corpus import files_of, text_at

FILES = {
    "a/x.en": "one\n",
    "a/x.de": "eins\n",
    "b/x.en": "two\n",
    "b/x.de": "zwei\n",
    "x.csv": "one,eins\n",
    "y.csv": "en,de,ref\none,eins,Eins\n",
    "x.json": '[{"t": {"en": "one", "de": "eins"}}]',
}


@pytest.mark.parametrize(
    ("given", "digests"),
    [
        (("a/x.en", "a/x.de"), 2),
        (("a/x.en,b/x.en", "a/x.de,b/x.de"), 4),
        (("x.csv",), 1),
        (("y.csv", "", "en", "de", ("ref",)), 1),
        (("x.json", "", "t.en", "t.de"), 1),
    ],
)
def test_an_entry_of_data_json_names_the_same_text_and_a_checksum_of_each_file(tmp_path, monkeypatch, given, digests):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    text = text_at(*given)
    entry = json.loads(json.dumps(data_entry(text)))
    monkeypatch.chdir("/")
    again = text_of(entry)
    assert list(again) == list(text_of(data_entry(again)))
    assert [pair.references for pair in again] == [("Eins",) if "ref" in str(given) else ()] * (
        2 if digests == 4 else 1
    )
    assert list(entry["sha256"]) == [str(path) for path in files_of(again)]
    assert len(set(entry["sha256"])) == digests
