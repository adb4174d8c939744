"""Files to examples. Errors name the file and the line."""

from __future__ import annotations

import gzip

import pytest

from seq2seq.text.corpus import MAX_LINE_BYTES, CorpusError, ParallelText, read_lines
from seq2seq.text.examples import Example
from seq2seq.text.lines import Lines


@pytest.fixture
def write(tmp_path):
    def write_file(name: str, content: bytes):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write_file


def test_two_files_are_read_in_parallel_with_line_numbers(write):
    text = ParallelText(write("a.de", "Hund\n\nÄpfel".encode()), write("a.en", b"dog\nnothing\napples\n"))
    expected = [Example("Hund", "dog", 1), Example("", "nothing", 2), Example("Äpfel", "apples", 3)]
    assert list(text) == expected
    assert list(text) == expected  # again, from the start


def test_a_tsv_gives_its_first_two_columns(write):
    text = ParallelText(write("a.tsv", b"Hund\tdog\nKatze\tcat\tCC-BY\n\t\n"))
    assert list(text) == [Example("Hund", "dog", 1), Example("Katze", "cat", 2), Example("", "", 3)]


def test_gzipped_equals_plain(write):
    content = "eins\nzwei\u2028drei\n".encode()
    assert list(read_lines(write("a.gz", gzip.compress(content)))) == list(read_lines(write("a", content)))


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\rb\n", ["a\rb"]),
        ("a\u2028b\u2029c\x85d\x0be\x0cf\n".encode(), ["a\u2028b\u2029c\x85d\x0be\x0cf"]),
        (b"\n\n", ["", ""]),
        (b"a", ["a"]),
        (b"", []),
        (b" a \n", [" a "]),
    ],
)
def test_only_lf_and_crlf_end_a_line(write, content, lines):
    assert list(read_lines(write("a", content))) == lines


def test_lines_are_those_of_all_files_each_time_with_empty_ones(write):
    files = (write("a", b"\xef\xbb\xbf a \t\n\nb"), write("b", b""), write("c.gz", gzip.compress(b"c\n\n")))
    lines = Lines(files)
    assert list(lines) == [" a \t", "", "b", "c", ""]
    assert list(lines) == list(lines)
    assert list(Lines(files, stripped=True)) == ["a \t", "", "b", "c", ""]


def test_a_missing_file_is_named(tmp_path, write):
    with pytest.raises(CorpusError, match=r"gone\.en: no such file"):
        list(ParallelText(write("a.de", b"x\n"), tmp_path / "gone.en"))


def test_a_folder_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"is a folder"):
        list(read_lines(tmp_path))


@pytest.mark.parametrize(("source", "target", "longer"), [(1, 3, "a.en"), (1234, 2, "a.de")])
def test_unequal_counts_name_both_and_the_first_line_without_a_partner(write, source, target, longer):
    text = ParallelText(write("a.de", b"x\n" * source), write("a.en", b"y\n" * target))
    with pytest.raises(CorpusError) as error:
        list(text)
    message = str(error.value)
    assert f"a.de has {source:,} lines" in message
    assert f"a.en has {target:,}" in message
    assert message.endswith(f"{longer}:{min(source, target) + 1}.")


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"a\0b", "NUL"),
        ("abc".encode("utf-16"), "not valid UTF-8|NUL"),
        (b"ab\xffc", r"not valid UTF-8 \(byte 3 of the line is 0xff\)"),
        (b"ab\xc3", r"not valid UTF-8 \(byte 3 of the line is 0xc3\)"),
        (b"x" * (MAX_LINE_BYTES + 1), "longer than"),
    ],
    ids=["nul", "utf-16", "byte", "cut", "endless"],
)
def test_a_line_that_is_not_text_is_named_by_file_and_line(write, line, message, suffix):
    content = b"fine\nfine\n" + line + b"\nfine\n"
    path = write("a.de" + suffix, gzip.compress(content) if suffix else content)
    with pytest.raises(CorpusError, match=rf"a\.de{suffix}:3: .*({message})".replace(".gz", r"\.gz")):
        list(read_lines(path))


def test_a_line_as_long_as_allowed_is_read(write):
    assert [len(line) for line in read_lines(write("a", b"x" * MAX_LINE_BYTES + b"\r\ny\n"))] == [MAX_LINE_BYTES, 1]


@pytest.mark.parametrize("damage", ["cut", "no gzip", "flipped"])
def test_a_damaged_gzip_file_is_named(write, damage):
    whole = gzip.compress(b"".join(b"line %d of a text\n" % i for i in range(2000)))
    broken = {"cut": whole[:-200], "no gzip": b"plain text\n", "flipped": whole[:60] + b"\xff" * 400 + whole[460:]}
    with pytest.raises(CorpusError, match=r"a\.gz: damaged gzip file"):
        list(read_lines(write("a.gz", broken[damage])))


def test_a_tsv_line_without_a_tab_is_named_and_shown(write):
    with pytest.raises(CorpusError, match=r"a\.tsv:2: expected source and target with a tab.*'no tab here'"):
        list(ParallelText(write("a.tsv", b"a\tb\nno tab here\n")))


def test_corpus_errors_are_value_errors():
    assert issubclass(CorpusError, ValueError)
