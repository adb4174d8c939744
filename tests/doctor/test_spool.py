"""Tables, JSON of any layout and several files are examined by records, and mended as JSON lines or as one file."""

from __future__ import annotations

import json

import pytest

from seq2seq.doctor.fix import fix, names
from seq2seq.doctor.kinds import dropped
from seq2seq.doctor.reading import Layout
from seq2seq.doctor.spool import Spool
from seq2seq.text.corpus import CorpusError, ParallelText, text_at


@pytest.fixture
def write(tmp_path):
    def write_(**files):
        for name, text in files.items():
            (tmp_path / name.replace("_", ".")).write_text(text)
        return lambda *parts: ",".join(str(tmp_path / part) for part in parts)

    return write_


def test_a_csv_is_examined_by_records_and_mended_with_all_its_fields(write, tmp_path, look):
    at = write(a_csv='id,en,de\n1,"a, b","c\nd"\n2,,f\n3,g,h\n')
    spool = Spool(tmp_path)
    layout = Layout.of(spool(text_at(at("a.csv"), "", "en", "de")))
    assert "a.csv; --fix writes them as a.jsonl" in spool.notes[0]
    diagnosis = look(layout)
    assert [e.line for f in diagnosis.report.findings if f.kind == "empty" for e in f.examples] == [2]
    result = fix(diagnosis, tmp_path / "clean", dropped())
    rows = [json.loads(line) for line in result.files[0].read_text().splitlines()]
    assert [(row["id"], row["en"]) for row in rows] == [("1", "a, b"), ("3", "g")]


def test_nested_fields_are_found_and_mended_where_they_are(write, tmp_path, look):
    at = write(a_jsonl='{"t": {"en": " a  b", "de": "c"}, "id": 1}\n{"t": {"en": "x"}}\n')
    diagnosis = look(Layout.of(Spool(tmp_path)(text_at(at("a.jsonl"), "", "t.en", "t.de"))))
    (lacking,) = [f.examples for f in diagnosis.report.findings if f.kind == "record"]
    assert (lacking[0].line, lacking[0].source) == (2, "its fields are t.en")
    result = fix(diagnosis, tmp_path / "clean", dropped())
    row = json.loads(result.files[0].read_text())
    assert row == {"t": {"en": "a b", "de": "c"}, "id": 1}


def test_several_files_are_one(write, tmp_path):
    at = write(
        a_en="1\n2",
        b_en="\ufeff3\n",
        a_de="x\ny\n",
        b_de="z",
        a_csv="a,b\nc,d\n",
        b_jsonl='{"source": "e", "target": "f"}',
    )
    spool = Spool(tmp_path)
    text = spool(text_at(at("a.en", "b.en"), at("a.de", "b.de")))
    assert [(e.source, e.target) for e in text] == [("1", "x"), ("2", "y"), ("3", "z")]
    assert spool.notes[0].endswith("a.en (2), b.en (1).")
    one_sided = spool(text_at(at("a.en", "b.en"), at("a.en", "b.en")))
    assert isinstance(one_sided, ParallelText)
    assert Layout.of(one_sided).one_sided
    assert [e.source for e in spool(text_at(at("a.csv", "b.jsonl")))] == ["a", "c", "e"]
    with pytest.raises(CorpusError, match=r"a.en has 2 lines, .*b.de has 1"):
        spool(text_at(at("a.en", "b.en"), at("b.de", "a.de")))


def test_a_copy_is_compressed_by_gzip_or_not_at_all(tmp_path):
    assert names(Layout(tmp_path / "a.en.xz", tmp_path / "a.de.gz")) == ["a.en", "a.de.gz"]
