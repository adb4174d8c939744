"""A vocabulary grows: old ids keep their meaning, and new text is cut into fewer, known tokens."""

from __future__ import annotations

import random
from itertools import accumulate

import pytest

from seq2seq.run.parsing import override
from seq2seq.symbols import UNK
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.tasks.text_to_text.tokenizers import grow, learn
from seq2seq.text.growth import parts_of
from seq2seq.text.in_graph import GraphTokenizer
from seq2seq.text.pieces import BEGIN
from seq2seq.text.subword import SubwordTokenizer

DRAW = random.Random(5)


def sentences(words, count=150):
    lines = [" ".join(DRAW.choice(words) for _ in range(4)) for _ in range(count)]
    return [(line, line.title()) for line in lines]


OLD = sentences(["a", "man", "woman", "hat", "walks", "talks"])
NEW = sentences(["a", "hat", "кот", "кошка", "walks", "manhattan", "é"])


def recipe(**options):
    base = override(Recipe(), {"tokenizer.size": "60", "training.start_from": "x", "training.grow_vocabulary": "25"})
    return override(base, options)


def both(first=OLD, then=NEW, **options):
    new = recipe(**options)
    old = learn(override(new, {"tokenizer.tags": ""}), lambda: first)
    return old, grow(new, old, lambda: then)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tokenizer.kind": "bpe"},
        {"tokenizer.kind": "words", "tokenizer.size": "12"},
        {"tokenizer.kind": "characters"},
        {"tokenizer.kind": "bpe", "tokenizer.normalization": "lossless", "tokenizer.size": "310"},
        {"tokenizer.kind": "bpe", "tokenizer.casing": "mark"},
        {"tokenizer.joint": "false", "model.tie": "target"},
        {"tokenizer.tags": ">>ru<<"},
    ],
    ids=str,
)
def test_old_ids_stay_and_new_text_has_fewer_and_known_tokens(options):
    olds, news = both(**options)
    for side, (old, new) in enumerate(zip(olds, news, strict=True)):
        assert new.vocabulary[: old.size] == old.vocabulary
        tags = {piece for piece in new.vocabulary if piece.removeprefix(BEGIN) == ">>ru<<"}
        assert old.size < new.size <= old.size + 25 + len(tags)
        lines = [pair[side] for pair in NEW]
        before, after = old.encode(lines), new.encode(lines)
        assert sum(map(len, after)) < sum(map(len, before)) or options.get("tokenizer.kind") in ("words", "characters")
        assert sum(row.count(UNK) for row in after) <= sum(row.count(UNK) for row in before)
        if options.get("tokenizer.kind") != "words":
            assert not any(UNK in row for row in after)
            assert new.decode(after) == lines
        known = [line for line in (pair[side] for pair in OLD) if UNK not in old.encode([line])[0]]
        assert known
        assert new.decode(new.encode(known)) == old.decode(old.encode(known))
        assert GraphTokenizer(new.model).encode(lines).to_list() == after


def test_growing_by_the_same_text_again_is_the_same():
    assert both()[1][0].model == both()[1][0].model


def test_a_tag_is_one_token_that_comes_besides():
    (old, _), (new, _) = both(**{"tokenizer.tags": ">>ru<<", "training.grow_vocabulary": "1"})
    assert new.size == old.size + 2
    (ids,) = new.encode([">>ru<< a"])
    assert [piece for piece in new.pieces(ids) if ">" in piece] in ([">>ru<<"], [BEGIN + ">>ru<<"])


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_parts_spell_what_is_new(kind):
    (old, _), (new, _) = both(**{"tokenizer.kind": kind})
    parts = parts_of(old, new)
    assert parts[: old.size] == [[i] for i in range(old.size)]
    assert len(parts) == new.size
    spelled = 0
    for piece, some in zip(new.vocabulary[old.size :], parts[old.size :], strict=True):
        assert not some or "".join(old.pieces(some)).removeprefix(BEGIN) == piece.removeprefix(BEGIN)
        assert some or set(piece) - set("".join(old.vocabulary))
        spelled += bool(some)
    assert spelled
    backwards = SubwordTokenizer(old.model, right_to_left=True)
    assert parts_of(backwards, new) == parts


def test_a_character_that_new_text_lacks_stays_itself():
    # Full-width letters become usual ones where only these are known.
    (old, _), (new, _) = both([*OLD, *[("Ａa Ａb", "ab")] * 9], sentences(["Ab", "Aa", "B"]))
    assert new.decode(new.encode(["Ａa"])) == old.decode(old.encode(["Ａa"])) == ["Ａa"]


def test_placeholders_keep_their_symbols_and_gain_none():
    numbers = [(f"{n} a {n + 1} hat", f"{n} A {n + 1} Hat") for n in range(40)]
    more = [(f"{n} кот {n + 1} кошка {n + 2}", f"{n} Кот {n + 1} Кошка {n + 2}") for n in range(40)]
    (old, _), (new, _) = both([*OLD, *numbers], [*NEW, *more], **{"tokenizer.placeholders": "number"})
    assert old.placeholders.count == 2
    assert new.placeholders == old.placeholders
    masked, *_ = new.placeholders.mask_pair(*more[30])
    (ids,) = new.encode([masked])
    assert ids[:1] == old.encode([masked])[0][:1]
    assert UNK not in ids
    assert not any("⟨3⟩" in piece for piece in new.vocabulary)


def test_new_merges_come_after_the_old_ones():
    def cuts(tokenizer, line):
        ends = accumulate(map(len, tokenizer.pieces(tokenizer.encode([line])[0])))
        return set(ends)

    words = ["ab", "abc", "bcd", "cdab"]
    (old, _), (new, _) = both(
        sentences(words), sentences(["bca", "cab", "dabc"]), **{"tokenizer.kind": "bpe", "tokenizer.size": "22"}
    )
    joined = 0
    for line in ["abc", "bcab", "cdabc dabca", "bcdab abcab"]:
        assert cuts(new, line) <= cuts(old, line)
        joined += cuts(new, line) < cuts(old, line)
    assert joined
