"""Files in every format give the lines of the plain file; a file that is not text is refused in one sentence."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile

import pytest

from seq2seq.cli.text_io import input_lines
from seq2seq.files import read_json
from seq2seq.inference.constraints import Terminology
from seq2seq.inference.unknown import read_dictionary
from seq2seq.text import opening
from seq2seq.text.corpus import AlignedText, CorpusError, ParallelText, kind_of, read_lines, text_at
from seq2seq.text.lines import BOM

TEXT = "eins\nzwei\u2028drei\r\n\nvier".encode()


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


PACK = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zip": lambda data: zipped({"a.de": data, "__MACOSX/a.de": b"\0"}),
}


@pytest.fixture
def write(tmp_path):
    def write_file(name: str, content: bytes):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write_file


@pytest.mark.parametrize("mark", [b"", BOM], ids=["plain", "mark"])
@pytest.mark.parametrize("suffix", PACK)
def test_compression_and_a_byte_order_mark_do_not_change_the_lines(write, suffix, mark):
    assert list(read_lines(write("a.de" + suffix.upper(), PACK[suffix](mark + TEXT)))) == [
        "eins",
        "zwei\u2028drei",
        "",
        "vier",
    ]


def test_concatenated_files_give_all_lines_and_a_mark_inside_is_text(write):
    for suffix in (".gz", ".xz", ".bz2"):
        path = write("a" + suffix, PACK[suffix](BOM + b"a\n") + PACK[suffix](BOM + b"b\n"))
        assert list(read_lines(path)) == ["a", "\ufeffb"]


def test_a_file_with_only_a_mark_has_no_lines(write):
    assert list(read_lines(write("a", BOM))) == []
    assert list(read_lines(write("a", BOM + b"\n"))) == [""]


def test_a_mark_is_not_part_of_terms_words_alignments_json_or_standard_input(write, monkeypatch):
    assert read_dictionary(write("d.tsv", BOM + b"dog\tKater\n")) == {"dog": "Kater"}
    assert Terminology.load(write("t.tsv", BOM + b"dog\tKater\r\n")).for_line("a dog").include == ("Kater",)
    text = ParallelText(write("p.tsv", BOM + b"a b\tc\n"))
    assert [e.alignment for e in AlignedText(text, write("links", BOM + b"0-0\n"))] == [((0, 0),)]
    assert [e.source for e in text] == ["a b"]
    assert read_json(write("r.json", BOM + b'{"a": 1}')) == {"a": 1}
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(BOM + b"one\n")))
    lines, _ = input_lines(None)
    assert list(lines) == ["one"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_other_marks_name_the_encoding_and_the_remedy(write, encoding):
    name = encoding.upper().replace("-LE", "LE").replace("-BE", "BE")
    with pytest.raises(CorpusError, match=rf"a: expected UTF-8. Received {name}.* iconv -f {name[:-2]} -t UTF-8"):
        list(read_lines(write("a", "\ufeffHund\n".encode(encoding))))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.gz", b"plain\n", "damaged gzip file"),
        ("a.xz", lzma.compress(TEXT * 99)[:-20], "damaged xz file"),
        ("a.bz2", b"BZh9 no", "damaged bz2 file"),
        ("a.zip", zipped({"a": TEXT})[:-30], "damaged zip file"),
        ("a.zip", zipped({"a": TEXT})[:-6] + b"\xff\0\0\0\0\0", "damaged zip file"),
        ("a.zip", zipped({"a": b"1", "b": b"2"}), "expected a zip file with one text. It holds 2: 'a', 'b'"),
        ("a.zip", zipped({}), "expected a zip file with one text. It holds none"),
        ("a.txt", gzip.compress(TEXT), "Received a gzip file; its name must end in .gz"),
        ("a.txt", zipped({"a": TEXT}), "Received a zip file"),
        ("a.xlsx", b"", "a .xlsx file, a spreadsheet, cannot be read. Expected plain text"),
        ("A.PDF.gz", b"", "a .pdf file, a PDF, cannot be read"),
        ("a.tar.gz", b"", "a .tar.gz file, an archive, cannot be read"),
        ("a.zst", b"", "a .zst file"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,  # packed bytes hold the time of day
)
def test_a_file_that_is_not_text_is_refused_by_name(write, name, content, message):
    with pytest.raises(CorpusError, match=f"{name}: .*{message}"):
        list(read_lines(write(name, content)))


def test_an_encrypted_zip_file_is_refused(write):
    data = bytearray(zipped({"a": TEXT}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(CorpusError, match="the zip file is encrypted"):
        list(read_lines(write("a.zip", bytes(data))))


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".bz2", ".zip"])
def test_a_file_that_unpacks_to_far_more_than_text_is_refused(write, monkeypatch, suffix):
    monkeypatch.setattr(opening, "_LARGE", 1 << 16)
    monkeypatch.setattr(opening, "_MAX_RATIO", 50)
    path = write("a" + suffix, PACK[suffix](b"a\n" * (1 << 19)))
    with pytest.raises(CorpusError, match="50 times its size: unlikely for text"):
        list(read_lines(path))


def test_a_zip_file_is_read_by_its_own_name_or_that_of_its_member(write):
    assert kind_of(write("a.csv.zip", zipped({"b.json": b""}))) == "csv"
    assert kind_of(write("corpus.zip", zipped({"../b.json": b""}))) == "json"
    assert kind_of(write("corpus.zip", b"damaged")) == "lines"
    path = write("corpus.zip", zipped({"/etc/x.csv": b"source,target\na,b\n"}))
    assert [e.target for e in text_at(str(path))] == ["b"]


def test_a_language_code_is_not_taken_for_a_format(write):
    for code in ("pt", "br", "ps", "ar", "id"):
        assert list(read_lines(write(f"a.{code}", b"x\n"))) == ["x"]
