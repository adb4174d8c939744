import gzip
import json

import pytest

from seq2seq.text.corpus import CorpusError, ParallelText, Part, Records, overlap, text_at
from seq2seq.text.examples import Example

ROWS = [{"body": "a\nb", "title": "A", "second": "AA"}, {"body": "c", "title": "C", "other": 3}]


@pytest.fixture
def write(tmp_path):
    def write_(name, text):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write_


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz"])
def test_named_fields_of_json_lines_become_examples(write, name):
    path = write(name, "".join(json.dumps(row) + "\n" for row in ROWS))
    found = list(Records(path, "body", "title", ("second", "third")))
    assert found == [Example("a b", "A", 1, ("AA",)), Example("c", "C", 2)]


def test_the_first_line_of_a_tsv_names_its_columns(write):
    path = write("x.tsv", "id\ttext\tshort\n7\ta b\tA\n8\tc\tC\n")
    assert list(Records(path, "text", "short")) == [Example("a b", "A", 2), Example("c", "C", 3)]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "x.jsonl",
            '{"body": "a", "title": "b"}\n{"body": "a"}\n',
            r"x.jsonl:2: expected text in the field 'title'.*body",
        ),
        ("x.jsonl", '{"body": 3, "title": "b"}\n', r"x.jsonl:1: expected text in the field 'body'. Received: 3"),
        ("x.jsonl", "[1]\n", r"x.jsonl:1: expected a JSON object"),
        ("x.jsonl", "{broken\n", r"x.jsonl:1: not valid JSON"),
        ("x.jsonl", "[" * 100_000 + "\n", r"x.jsonl:1: not valid JSON"),
        ("x.tsv", "body\ttitle\na\n", r"x.tsv:2: expected 2 columns.*Received: 1"),
    ],
)
def test_anything_but_records_is_refused_with_its_line(write, name, text, message):
    with pytest.raises(CorpusError, match=message):
        list(Records(write(name, text), "body", "title"))


def test_the_name_of_a_file_decides_its_format(tmp_path):
    assert text_at("a.jsonl") == Records(tmp_path.joinpath("a.jsonl").relative_to(tmp_path))
    assert isinstance(text_at("a.tsv"), ParallelText)
    assert text_at("a.tsv.gz", "", "x").source_field == "x"
    assert text_at("a.jsonl", "b").target is not None


def test_held_out_records_do_not_depend_on_lines_per_record(write):
    rows = [{"source": str(n), "target": "x"} for n in range(1, 201)]
    arrays = write("a.json", json.dumps(rows, indent=3)), write("b.json", json.dumps(rows))
    for path in arrays:
        held_out = [pair.source for pair in Part(text_at(str(path)), held_out=True)]
        assert held_out == ["50", "100", "150", "200"]
        assert len(list(Part(text_at(str(path)), held_out=False))) == 196


def test_overlap_counts_test_sources_in_the_training_text_ignoring_case_and_spaces():
    train = [Example("Hi  there", "x", 1), Example("other", "y", 2)]
    test = [Example(source, "z", 1) for source in ("hi THERE", "hi there", "there", "")]
    assert overlap(train, {"test": test, "none": test[2:]}) == {"test": 2, "none": 0}
