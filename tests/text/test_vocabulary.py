"""Vocabularies of words and characters."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.symbols import BOS, EOS, NAMES, PAD, UNK
from seq2seq.text.vocabulary import KINDS, Vocabulary

LINES = ["the cat sat", "the dog sat  down", "", "\ta cat"]
quick = settings(max_examples=100, deadline=None, derandomize=True, database=None)


def units(vocabulary):
    return vocabulary.vocabulary[len(NAMES) :]


def test_the_control_symbols_come_first_then_the_most_frequent_units_then_those_of_equal_frequency_by_code_point():
    words = Vocabulary.learn(LINES, "words")
    assert words.vocabulary == [*NAMES, "cat", "sat", "the", "a", "dog", "down"]
    assert words.size == 10
    assert units(Vocabulary.learn(["bab", "éa z"], "characters")) == ["a", "b", " ", "z", "é"]


def test_the_size_includes_the_control_symbols_and_words_beyond_it_are_unknown():
    words = Vocabulary.learn(LINES, "words", size=6)
    assert units(words) == ["cat", "sat"]
    assert words.encode(["the cat sat", ""]) == [[UNK, 4, 5], []]


def test_a_text_too_small_for_the_size_gives_what_it_has_with_a_warning(caplog):
    assert Vocabulary.learn(LINES, "words", size=1000).size == 10
    assert "too small for a vocabulary of 1,000 words: using 10" in caplog.text


@quick
@given(line=st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(" \t\r\0")), max_size=30))
def test_known_characters_are_decoded_to_the_same_line_and_known_words_to_the_same_words(line):
    line = line.replace("\n", "")
    if line:
        characters = Vocabulary.learn([line], "characters")
        (row,) = characters.encode([line])
        assert len(row) == len(line)
        assert characters.decode([row]) == [line]
    if line.split() and not set(line.split()) & set(NAMES):
        words = Vocabulary.learn([line], "words")
        assert words.decode(words.encode([line])) == [" ".join(line.split())]


@pytest.mark.parametrize("lines", [[], ["", " "], ["<unk> <s>", "</s>"]])
def test_a_text_without_words_is_refused_with_what_does_not_count(lines):
    with pytest.raises(ValueError, match=r"every line is empty, or holds only .*<unk>"):
        Vocabulary.learn(lines, "words")


def test_no_text_becomes_a_control_symbol_other_than_unk():
    words = Vocabulary.learn(["<unk> a <s> b </s> <pad>"], "words")
    assert units(words) == ["a", "b"]
    assert words.encode(["<unk> a <s> b </s> <pad>"]) == [[UNK, 4, UNK, 5, UNK, UNK]]
    assert UNK not in Vocabulary.learn(["<unk>"], "characters").encode(["<unk>"])[0]


def test_a_line_break_and_a_lone_surrogate_are_no_characters():
    characters = Vocabulary.learn(["a\nb\ud800"], "characters")
    assert units(characters) == ["a", "b", "\ufffd"]
    assert characters.encode(["\n\udfff"]) == [[UNK, 6]]


def test_decoding_drops_what_is_no_text_and_pieces_name_it():
    row = [BOS, 4, UNK, 5, EOS, PAD]
    words, characters = Vocabulary(["ab", "c"], "words"), Vocabulary(["a", " "], "characters")
    assert words.decode([row, []]) == ["ab <unk> c", ""]
    assert characters.decode([row]) == ["a\ufffd "]
    assert words.pieces(row) == ["<s>", "ab", "<unk>", "c", "</s>", "<pad>"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_vocabulary_is_loaded_as_it_was(tmp_path, kind):
    saved = Vocabulary.learn([*LINES, 'é "\\\u2028😀'], kind)
    saved.save(tmp_path / "v.json")
    loaded = Vocabulary.load(tmp_path / "v.json")
    assert (loaded.kind, loaded.vocabulary) == (kind, saved.vocabulary)
    assert [path.name for path in tmp_path.iterdir()] == ["v.json"]


@pytest.mark.parametrize(
    ("kind", "listed", "message"),
    [
        ("letters", ["a"], "words, characters. Received: 'letters'"),
        (["words"], ["a"], "Unknown kind"),
        ("words", ["a", "b c"], "'b c' as id 5"),
        ("words", [" a"], "as id 4"),
        ("words", [""], "as id 4"),
        ("words", ["</s>"], "'</s>' as id 4"),
        ("words", [7], "'7' as id 4"),
        ("words", ["\ud800"], "as id 4"),
        ("words", ["a", "b", "a"], "'a' twice"),
        ("characters", ["ab"], "'ab' as id 4"),
        ("characters", [""], "as id 4"),
        ("characters", ["\n"], "as id 4"),
    ],
)
def test_a_file_with_anything_else_is_refused_with_its_name(tmp_path, kind, listed, message):
    path = tmp_path / "v.json"
    path.write_text(json.dumps({"kind": kind, "units": listed}))
    with pytest.raises(ValueError, match=r"v\.json: not a vocabulary: ") as error:
        Vocabulary.load(path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\xff", b'{"kind": "words"}', b'{"kind": "words", "units": "ab"}', b"[" * 9999]
)
def test_a_damaged_file_is_refused_with_its_name(tmp_path, content):
    (tmp_path / "v.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"v\.json: not a vocabulary: "):
        Vocabulary.load(tmp_path / "v.json")


def test_a_missing_or_endless_file_is_refused_with_its_name(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"v\.json: the vocabulary is missing"):
        Vocabulary.load(tmp_path / "v.json")
    with pytest.raises(ValueError, match="/dev/zero: not a vocabulary: it is not a regular file"):
        Vocabulary.load("/dev/zero")
    monkeypatch.setattr("seq2seq.files.MOST", 40)
    Vocabulary(list("abcdefghij"), "characters").save(tmp_path / "v.json")
    with pytest.raises(ValueError, match="longer than 40 bytes"):
        Vocabulary.load(tmp_path / "v.json")


@pytest.mark.parametrize("lines", [[], ["", " \t"], ["<unk>"]])
def test_nothing_is_learned_from_no_text(lines):
    with pytest.raises(ValueError, match="every line is empty"):
        Vocabulary.learn(lines, "words")


@pytest.mark.parametrize("size", [-1, 1, 4])
def test_a_size_without_room_for_text_is_refused(size):
    with pytest.raises(ValueError, match=f"above 4. Received: {size}"):
        Vocabulary.learn(LINES, "words", size=size)


def test_an_unknown_kind_is_refused_before_the_text_is_read():
    with pytest.raises(ValueError, match=r"words, characters\. Received: 'bytes'"):
        Vocabulary.learn(iter([]), "bytes")
