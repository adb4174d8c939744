"""Characters are kept, mapped or marked, and never lost silently."""

from __future__ import annotations

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.symbols import UNK
from seq2seq.text.normalization import MARK, Normalization, parse_rules
from seq2seq.text.subword import SubwordTokenizer

ODD = ["10⁶ m²", "½ …", "今天，老师！", "می‌خواهم", "น้ำ ລຳ", "dix\u00a0%", "a▁b ␛ ⇧", "Ein Haus", "ein Haus,"]
"""Text with characters that NFKC changes, a no-break space, a zero-width non-joiner, and the signs of the rules."""
CHARACTERS = sorted({c for line in ODD for c in line} - {" "})

quick = settings(max_examples=100, deadline=None, derandomize=True, database=None)
one_line = st.text(st.one_of(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), st.sampled_from(
    " \t▁␛⇧AaÉéßİǅ\u00a0")), max_size=20)  # fmt: skip


def learn(rule="keep", mark=False, size=600, own=None, **options):
    return SubwordTokenizer.train(ODD * 5, size, normalization=Normalization(rule, mark, own), **options)


@pytest.fixture(scope="module")
def kept():
    return learn()


@pytest.fixture(scope="module")
def lossless():
    return {mark: learn("lossless", mark, character_coverage=0.98) for mark in (False, True)}


def there_and_back(tokenizer, text):
    return tokenizer.decode(tokenizer.encode([text]))[0]


@quick
@given(text=st.text(st.sampled_from([*CHARACTERS, " "]), max_size=20))
def test_text_in_the_characters_of_the_training_text_comes_back(kept, text):
    assert there_and_back(kept, text) == " ".join(filter(None, text.split(" ")))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("ﬁ ｅｉｎ", "fi ein"),
        ("a\u2009b\tc\u2028", "a b c"),
        ("Ha\u00adus\u200b\ufe0f\x07", "Haus"),
        ("\ufeffein", "ein"),
    ],
)
def test_a_character_outside_the_training_text_becomes_its_equivalent_in_it(given, expected):
    tokenizer = SubwordTokenizer.train([*ODD, "fi bc"], 300)
    assert there_and_back(tokenizer, given) == expected


def test_letters_are_composed_as_in_the_training_text():
    composed, apart = (SubwordTokenizer.train(["é ế e"], 20), SubwordTokenizer.train(["e\u0301 e"], 20))
    assert there_and_back(composed, "e\u0301 \u00ea\u0301 e\u0302\u0301") == "é ế ế"
    assert there_and_back(apart, "e\u0301") == "e\u0301"


def test_mappings_that_change_the_meaning_are_not_applied():
    tokenizer = SubwordTokenizer.train(["10 6 1⁄2 m"], 20)
    for text in ("10⁶", "½", "①"):
        assert UNK in tokenizer.encode([text])[0]


@pytest.mark.parametrize("rule", ["identity", "nfkc", "nmt_nfkc", "nfkc_cf", "nmt_nfkc_cf"])
def test_the_rules_of_sentencepiece_are_its_own(rule):
    tokenizer, normalizer = learn(rule), sentencepiece.SentencePieceNormalizer(rule_name=rule)
    for line in ODD[:6]:
        expected = normalizer.Normalize(line).replace("▁", " ")
        assert there_and_back(tokenizer, line) == " ".join(filter(None, expected.split(" ")))


@pytest.mark.parametrize("mark", [False, True])
@quick
@given(text=one_line)
def test_the_lossless_rule_restores_any_line(lossless, mark, text):
    assert there_and_back(lossless[mark], text) == text
    assert lossless[mark].encode([""]) == [[]]


def test_sampling_loses_nothing_either(lossless):
    lines = ["  def f(x):\treturn  x ", "a b  c", *ODD]
    for tokenizer in lossless.values():
        assert tokenizer.decode(tokenizer.sample(lines, 0.1, 1)) == lines


@pytest.fixture(scope="module")
def plain_and_marked():
    how = {"byte_fallback": True, "character_coverage": 0.98}
    return {rule: [learn(rule, mark, **how) for mark in (False, True)] for rule in ("keep", "identity")}


@pytest.mark.parametrize("rule", ["keep", "identity"])
@quick
@given(text=one_line)
def test_marked_capitals_come_back(plain_and_marked, rule, text):
    plain, marked = plain_and_marked[rule]
    assert there_and_back(marked, text) == there_and_back(plain, text)


def test_a_word_has_the_same_pieces_with_and_without_a_capital():
    lines = ["Hello world, hello World", "the house. House", "(Hello) USA"] * 9
    tokenizer = SubwordTokenizer.train(lines, 40, "bpe", normalization=Normalization("keep", True))
    small, capital, inner = (tokenizer.pieces(ids) for ids in tokenizer.encode(["hello", "Hello", "a Hello"]))
    assert small == ["▁hello"]
    assert capital == ["▁" + MARK, "▁hello"]
    assert inner[-2:] == capital
    assert tokenizer.line_word_numbers(["a Hello (Hello) X"], [tokenizer.encode(["a Hello"])[0]]) == [[0, 0, 1, 1]]
    assert tokenizer.fill(["▁" + MARK, "<unk>", "▁hello"], ["Xy"]) == "Xy hello"


def test_a_mark_without_a_letter_leaves_no_trace(lossless):
    tokenizer = learn(mark=True)
    ids = tokenizer.ids(["▁Ein"[:1] + MARK, "▁"])
    assert MARK not in tokenizer.decode([ids])[0]


def test_an_output_never_has_a_line_break():
    for rule in ("keep", "lossless", "nmt_nfkc"):
        tokenizer = learn(rule, byte_fallback=True)
        assert tokenizer.decode([tokenizer.ids(["<0x61>", "<0x0A>", "<0x62>", "<0x0D>", "<0x63>"])]) == ["a b c"]


def test_the_users_own_rules_hold_in_the_model():
    own = parse_rules(["# comment", "", "00BD\t0031 002F 0032\thalf", "0065 0065\t0045", "2026"], "my.tsv")
    assert there_and_back(learn("my.tsv", own=own, byte_fallback=True), "½ see…") == "1/2 sE"
    assert there_and_back(learn("my.tsv", True, own=own, byte_fallback=True), "½ See Ee") == "1/2 SE Ee"


@pytest.mark.parametrize(
    ("line", "reason"),
    [("xyz\t41", "'xyz' is not a code point"), ("D800\t41", "not a character"), ("\t41", "nothing to replace"),
     ("110000", "not a character"), ("0041\t43", "an earlier line")],
)  # fmt: skip
def test_a_wrong_rule_is_named_by_file_and_line(line, reason):
    with pytest.raises(ValueError, match=rf"my\.tsv:2: expected code points.*{reason}"):
        parse_rules(["41\t42", line], "my.tsv")


def test_capitals_are_not_marked_where_the_rule_folds_or_hides_them():
    with pytest.raises(ValueError, match="cannot be marked"):
        Normalization("nfkc_cf", True)


def test_words_are_counted_by_characters_whatever_the_pieces_are(lossless):
    tokenizer = lossless[False]
    line = "  a\tb\u00a0c  Ein "
    (ids,) = tokenizer.encode([line])
    (found,) = tokenizer.line_word_numbers([line], [ids])
    assert found == sorted(found)
    assert set(found) == set(range(len(line.split())))
