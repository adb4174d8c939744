"""CSV as spreadsheets write it is read as intended, or refused with the line and the reason."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.text.corpus import CorpusError, kind_of, text_at
from seq2seq.text.lines import one_line

LONG = "a sentence that is longer than a name"


@pytest.fixture
def read(tmp_path):
    def read_(text: str, source: str = "", target: str = "", name: str = "a.csv"):
        (tmp_path / name).write_text(text, "utf-8", newline="")
        return [(e.source, e.target, e.line) for e in text_at(str(tmp_path / name), "", source, target)]

    return read_


CELLS = st.text(st.sampled_from("ab ,;\t\"\n'é"), max_size=8)


@given(
    rows=st.lists(st.tuples(CELLS, CELLS), max_size=6),
    delimiter=st.sampled_from(",;\t"),
    end=st.sampled_from(["\n", "\r\n"]),
    everywhere=st.booleans(),
)
def test_csv_of_a_spreadsheet_is_read(tmp_path_factory, rows, delimiter, end, everywhere):
    out = io.StringIO()
    quoting = csv.QUOTE_ALL if everywhere else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows([("en", "de"), *rows])
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(out.getvalue().encode())
    found = [(e.source, e.target) for e in text_at(str(path), "", "en", "de")]
    assert found == [(one_line(source), one_line(target)) for source, target in rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_inferred_and_records_have_the_line_numbers_of_their_beginning(read, delimiter):
    text = f'"{LONG}, a"|"b\nc"\n\nd|"e ""f"""\n'.replace("|", delimiter)
    assert read(text) == [(f"{LONG}, a", "b c", 1), ("d", 'e "f"', 4)]


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        (f"en,de\n{LONG},b\n", ("", ""), [(LONG, "b", 2)]),
        (f"target,source\nb,{LONG}\n", ("", ""), [(LONG, "b", 2)]),
        (f"id,de,en\n7,b,{LONG}\n", ("en", "de"), [(LONG, "b", 2)]),
        ("it,es\nhe,er\n", ("", ""), [("it", "es", 1), ("he", "er", 2)]),
        (f"{LONG},b,2\nc,d,3\n", ("", ""), [(LONG, "b", 1), ("c", "d", 2)]),
        (f"sep=;\n{LONG};b, c, d\ne;f\n", ("", ""), [(LONG, "b, c, d", 2), ("e", "f", 3)]),
        ("", ("", ""), []),
    ],
)
def test_the_first_record_names_the_columns_where_required_or_likely(read, text, names, expected):
    assert read(text, *names) == expected


@pytest.mark.parametrize(
    ("text", "names", "message"),
    [
        ("a,b\nc\n", ("", ""), ":2: expected 2 columns, as in the header. Received: 1"),
        ("a;b\nc;d;e\n", ("", ""), ":2: expected 2 columns.*Received: 3"),
        ("a,b;c\nd,e;f\n", ("", ""), ":1: commas and semicolons could both separate the columns.*sep=;"),
        ("one column\n", ("", ""), ":1: expected source and target with a comma between them.*one column"),
        ("en,de\na,b\n", ("en", "fr"), ":1: the header has no column 'fr'. It names: en, de"),
        ("en,en\na,b\n", ("en", "en"), ":1: the header names the column 'en' twice"),
        ('a,b\nc,"d\ne\n', ("", ""), ":2: a quote in this record is never closed"),
        ('a,b\nc,"d"e\n', ("", ""), ":2: expected a comma or the end of the line after a closing quote"),
        ("a,b\rc,d\n", ("", ""), ":1: a carriage return within a line"),
        (
            'a,b\nc,"' + "x" * 999 + "\n" + "x" * 1_048_000,
            ("", ""),
            ":2: the record that begins here is longer than 1,048,576",
        ),
        ('a,b\nc,"' + "x" * 1_100_000, ("", ""), ":2: the line is longer than 1,048,576 bytes"),
    ],
    ids=range(11),
)
def test_anything_but_a_table_is_refused_with_its_line(read, text, names, message):
    with pytest.raises(CorpusError, match=f"a.csv{message}"):
        read(text, *names)


def test_quotes_are_ordinary_characters_in_a_tsv(read):
    text = '"b c\ta\n x " y\tb\n"He said\t"c\n'
    assert read(text, name="a.tsv") == [('"b c', "a", 1), (' x " y', "b", 2), ('"He said', '"c', 3)]
    assert read("x\ty\n" + text, "x", "y", "a.tsv")[0] == ('"b c', "a", 2)


def test_several_files_are_read_in_order_and_pairs_name_their_file(tmp_path):
    for name, text in {"a.en": "1\n2\n", "b.en": "3\n", "a.de": "x\ny\n", "b.de": "z\n", "c,d.tsv": "4\tw\n"}.items():
        (tmp_path / name).write_text(text)
    a, b, c, d = (str(tmp_path / name) for name in ("a.en", "b.en", "a.de", "b.de"))
    pairs = list(text_at(f"{a},{b}", f"{c},{d}"))
    assert [(pair.source, pair.target) for pair in pairs] == [("1", "x"), ("2", "y"), ("3", "z")]
    assert [pair.place for pair in pairs] == [f"{a}:1", f"{a}:2", f"{b}:1"]
    assert [pair.source for pair in text_at(str(tmp_path / "c,d.tsv"))] == ["4"], "a name may hold a comma"
    with pytest.raises(
        CorpusError, match="2 source files and 1 target file: expected the same number, in the same order"
    ):
        text_at(f"{a},{b}", c)
    with pytest.raises(CorpusError, match=r"a.en has 2 lines, .*b.de has 1"):
        list(text_at(f"{a},{b}", f"{d},{c}"))
    with pytest.raises(CorpusError, match=r"x.csv: expected one sentence per line in each of two files"):
        text_at("x.csv", "y.csv")


def test_names_decide_the_format_ignoring_case():
    kinds = {"a.TSV": "tsv", "a.csv.gz": "csv", "a.JSON.xz": "json", "a.ndjson": "jsonl", "a.en": "lines"}
    assert {name: kind_of(Path(name)) for name in kinds} == kinds
