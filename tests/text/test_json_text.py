"""JSON of any layout gives its objects in constant memory, and errors name the line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.text import json_text
from seq2seq.text.corpus import CorpusError, text_at
from seq2seq.text.json_text import json_lines, json_objects

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(
    rows=st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=3), max_size=5),
    indent=st.sampled_from([None, 0, 2]),
    ascii=st.booleans(),
    array=st.booleans(),
    block=st.integers(1, 40),
)
def test_objects_in_blocks_of_any_size_are_those_of_the_json_module(
    tmp_path_factory, rows, indent, ascii, array, block
):
    path = tmp_path_factory.mktemp("json") / "a.json"
    if array:
        text = json.dumps(rows, indent=indent, ensure_ascii=ascii)
    else:
        text = "\n".join(json.dumps(row, indent=indent, ensure_ascii=ascii) for row in rows) or "[]"
    path.write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "_BLOCK", block)
        found = list(json_objects(path))
    assert [row for _, row in found] == rows
    lines = text.split("\n")
    assert all("{" in lines[number - 1] for number, _ in found)
    assert [number for number, _ in found] == sorted(number for number, _ in found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: expected a JSON array of objects, or an object per line. Received: the end of the file"),
        ("7", ":1: expected a JSON array of objects.*'7'"),
        ("[\n1]", ":2: expected a JSON object. Received: '1]'"),
        ('[\n{"a": 1}\n{"a": 2}]', ":3: expected a comma or the end of the array"),
        ('[{"a": 1},\n]', ":2: expected a JSON object. Received: ']'"),
        ('[{"a": 1},\n', ":2: expected a JSON object. Received: the end of the file, which may be truncated"),
        ('[{"a": 1}\n] {}', ":2: expected nothing after the end of the array"),
        ('[\n{"a": \n x}]', ":3: not valid JSON"),
        ('[{"a": "x', ":1: not valid JSON"),
        ("[" * 1_000_000, ":1: expected a JSON object"),
        ('\n{"a": ' + "[" * 1_000_000, ":2: not valid JSON .*nested too deeply"),
        ('\n{"a": ' + '{"a": ' * 1_000_000, ":2: not valid JSON .*nested too deeply"),
        ('[\n{"a": "' + "x" * (1 << 21), ":2: the object that begins here is longer than 1,048,576 characters"),
        ('[\n{"a": ' + "1" * 5000 + "}]", ":2: not valid JSON"),
    ],
)
def test_anything_but_objects_is_refused_with_its_line(tmp_path, text, message):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(CorpusError, match=f"a.json{message}"):
        list(json_objects(tmp_path / "a.json"))


def test_invalid_utf_8_is_named_with_its_line(tmp_path):
    (tmp_path / "a.json").write_bytes(b'[{"a": "b"},\n{"a": "\xff"}]')
    with pytest.raises(CorpusError, match=r"a.json:2: not valid UTF-8 \(byte 0xff\)"):
        list(json_objects(tmp_path / "a.json"))


def test_nested_fields_are_named_with_dots_unless_a_field_has_that_name(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"t": {"en": "a", "de": "b"}}\n{"t.en": "c", "t": {"en": "x", "de": "d"}}\n{"t": {"en": "x"}}\n')
    assert [row for row, _ in json_lines(path)] == [1, 2, 3]
    pairs = iter(text_at(str(path), "", "t.en", "t.de"))
    assert [(pair.source, pair.target) for pair in (next(pairs), next(pairs))] == [("a", "b"), ("c", "d")]
    with pytest.raises(CorpusError, match=r"a.jsonl:3: expected text in the field 't.de'.* The fields are: t.en$"):
        next(pairs)
