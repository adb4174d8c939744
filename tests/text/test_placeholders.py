"""What is copied: found, masked on both sides, and restored."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.text.placeholders import MOST, PATTERNS, Count, Placeholders, check, count_in, symbol
from seq2seq.text.subword import SubwordTokenizer

ALL = tuple(PATTERNS)
quick = settings(max_examples=150, deadline=None, derandomize=True, database=None)
PARTS = [
    "see ",
    "http://a.b/c?d=1",
    "a@b.cd",
    "<b>",
    "</b>",
    "{x}",
    "%s",
    "%",
    "😀",
    "1,000",
    "⟨1⟩",
    "⟨16⟩",
    "⟨",
    ". ",
    "é",
]


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("url", "(see https://x.org/a_(b)?q=1.) or www.y.de, 访问http://z.cn/a。",
         ["https://x.org/a_(b)?q=1", "www.y.de", "http://z.cn/a"]),
        ("email", "to a.b+c@d-e.co.uk, or @home", ["a.b+c@d-e.co.uk"]),
        ("tag", '<a href="x y">1 < 2</a> &amp; &#8364; a & b', ['<a href="x y">', "</a>", "&amp;", "&#8364;"]),
        ("braces", "Hi {name}, {{ user.x }}, ${n}, {0}", ["{name}", "{{ user.x }}", "${n}", "{0}"]),
        ("printf", "%s of %(all)d, %1$s, %5.2f: 50% sure, 50%s, 100 % der", ["%s", "%(all)d", "%1$s", "%5.2f"]),
        ("emoji", "ok 👍🏽 👩‍👩‍👧! ☺️ 🇩🇪", ["👍🏽", "👩‍👩‍👧", "☺️", "🇩🇪"]),
        ("number", "1,000.50 and -3 of A4 in 2024.", ["1,000.50", "-3", "2024"]),
        ("/[A-Z]{2,4}-[0-9]{1,6}/", "in AB-12, not ABCDE or A-1", ["AB-12"]),
    ],
)  # fmt: skip
def test_each_pattern_finds_its_strings_and_nothing_else(name, text, found):
    masked = Placeholders((name,)).mask(text)
    assert list(masked.strings) == found
    assert masked.restore(masked.text) == text


@pytest.mark.parametrize("count", [1, 2, MOST])
@quick
@given(text=st.one_of(st.lists(st.sampled_from(PARTS), max_size=24).map("".join), st.text(max_size=40)))
def test_masked_text_is_restored_exactly(count, text):
    masked = Placeholders(ALL, count=count).mask(text)
    assert masked.restore(masked.text) == text
    assert len(masked.strings) <= count
    assert not masked.lost(masked.text)
    assert not masked.doubled(masked.text)


def test_a_symbol_that_a_user_types_is_never_taken_for_another():
    masked = Placeholders(("url",), count=2).mask("⟨2⟩ http://a.b http://c.d ⟨1⟩")
    assert masked.strings == ("⟨2⟩", "⟨1⟩")
    assert masked.text == "⟨1⟩ http://a.b http://c.d ⟨2⟩"


def test_equal_strings_of_a_pair_have_equal_symbols_in_the_order_of_the_source():
    pair = Placeholders(("url", "number")).mask_pair("a http://x.y 7 http://x.y 1,5", "7 http://x.y b http://x.y 1.5")
    assert pair.source == "a ⟨1⟩ ⟨2⟩ ⟨1⟩ 1,5"
    assert pair.target == "⟨2⟩ ⟨1⟩ b ⟨1⟩ 1.5"
    assert pair.unmatched == 2
    assert count_in(Placeholders(("number",)), [("1 2", "2 1"), ("3", "4"), ("a", "b")]) == Count(2, 1, 2)


def test_missing_and_repeated_symbols_are_counted():
    masked = Placeholders(("url",)).mask("http://a.b http://c.d")
    assert masked.lost("⟨2⟩ x") == ("⟨1⟩",)
    assert masked.doubled("⟨2⟩ ⟨2⟩ ⟨3⟩") == 2
    assert masked.restore("⟨2⟩ ⟨3⟩.") == "http://c.d ."


def test_each_symbol_is_one_token_under_every_normalisation():
    tokenizer = SubwordTokenizer.train(["see ⟨1⟩, ⟨2⟩ there"] * 3, 40, placeholders=Placeholders(("url",), count=2))
    (ids,) = tokenizer.encode(["see(⟨2⟩)"])
    assert symbol(2) in tokenizer.pieces(ids)
    assert tokenizer.placeholders.count == 2
    masked = [tokenizer.placeholders.mask("a https://x.y/z b")]
    assert tokenizer.line_word_numbers(["a https://x.y/z b"], tokenizer.encode([masked[0].text]), masked) == [
        [0, 0, 1, 1, 2, 2]
    ]


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_the_built_in_patterns_pass_the_check_of_users_patterns(pattern):
    assert check(f"/{pattern}/") == ""


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("urls", "must be url, email"),
        ("/(a+)+b/", "must be fast"),
        ("/a{1,500}a{1,500}b/", "must be fast"),
        ("/a++b/", "must be fast"),
        ("/(((a{1,99}){1,99}){1,99}){1,99}/", "must be fast"),
        ("/x*/", "must be fast|must not match empty text"),
        ("/x{0,3}/", "must not match empty text"),
        ("/(a)\\1/", "references to groups"),
        ("/(/", "must be a regular expression"),
    ],
)
def test_invalid_or_slow_expressions_are_refused(name, reason):
    with pytest.raises(ValueError, match=reason):
        Placeholders((name,))
