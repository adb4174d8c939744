"""Tags are tokens of their own: in training, under every rule and kind, in graphs, in samples, in own models."""

from __future__ import annotations

import io
import random

import pytest
import sentencepiece

from seq2seq.run.parsing import RecipeError, override
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.tasks.text_to_text.tokenizers import learn
from seq2seq.text.in_graph import GraphTokenizer
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.text.tags import problems

TAGS = (">>de<<", "<BT>", "½Ａ")
DRAW = random.Random(1)
WORDS = [f"{DRAW.choice(TAGS[:2])} A man >> 12 de << BT {DRAW.choice(['Hat', 'cat', 'coats'])}." for _ in range(80)]
PAIRS = [(line, line.upper()[7:]) for line in WORDS]
LINES = [">>de<< A man", "<BT> Hat", "½Ａ a", "cat >>de<< cat", ">>de<<", ">>de<< <BT> A"]


def recipe(**options):
    return override(Recipe(), {"tokenizer.tags": ",".join(TAGS), "tokenizer.size": "48"} | options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tokenizer.kind": "bpe"},
        {"tokenizer.kind": "words"},
        {"tokenizer.kind": "characters"},
        {"tokenizer.normalization": "lossless", "tokenizer.size": "320"},
        {"tokenizer.normalization": "nmt_nfkc_cf"},
        {"tokenizer.casing": "mark", "tokenizer.byte_fallback": "true", "tokenizer.size": "320"},
        {"tokenizer.placeholders": "number"},
        {"tokenizer.joint": "false", "model.tie": "target", "tokenizer.source_kind": "characters"},
    ],
    ids=lambda options: " ".join(options.values()) or "plain",
)
def test_a_tag_is_one_token_and_comes_back(options):
    source, target = learn(recipe(**options), lambda: PAIRS)
    graph = GraphTokenizer(source.model)
    for line, ids, in_graph in zip(LINES, source.encode(LINES), graph.encode(LINES).to_list(), strict=True):
        pieces = [piece.removeprefix("▁") for piece in source.pieces(ids)]
        for tag in TAGS:
            assert pieces.count(tag) == line.count(tag)
        assert ids == in_graph
        (text,) = source.decode([ids])
        assert [word for word in text.split() if word in TAGS] == [word for word in line.split() if word in TAGS]
    if target is not source:
        assert not {*TAGS} & {*target.vocabulary}, "no target has them, so none can be written"


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_sampling_cuts_words_but_never_tags(kind):
    tokenizer = SubwordTokenizer.train(WORDS, 60, kind, tags=TAGS)
    lines = [f"{line} coats coats" for line in LINES] * 20
    whole, drawn = tokenizer.encode(lines), tokenizer.sample(lines, 0.5, 1)
    assert whole != drawn
    assert tokenizer.decode(drawn) == lines
    for ids, others in zip(whole, drawn, strict=True):
        assert [i for i in ids if i in tokenizer.symbols] == [i for i in others if i in tokenizer.symbols]


def test_an_own_model_must_have_the_tags(tmp_path):
    for name, symbols in (("with", list(TAGS)), ("without", [])):
        model = io.BytesIO()
        options = {"vocab_size": 60, "minloglevel": 2, "hard_vocab_limit": False, "user_defined_symbols": symbols}
        sentencepiece.SentencePieceTrainer.Train(sentence_iterator=iter(WORDS), model_writer=model, **options)
        (tmp_path / name).write_bytes(model.getvalue())
    source, _ = learn(recipe(**{"tokenizer.model": str(tmp_path / "with")}), lambda: PAIRS)
    assert source.pieces(source.encode([">>de<< A"])[0])[:2] == ["▁", ">>de<<"]
    with pytest.raises(ValueError, match=r"without has no symbol >>de<<, <BT>, ½Ａ of tokenizer\.tags"):
        learn(recipe(**{"tokenizer.model": str(tmp_path / "without")}), lambda: PAIRS)


def test_a_tag_that_normalisation_changes_is_refused():
    with pytest.raises(ValueError, match=r"tokenizer\.tags: DE: is no longer itself"):
        learn(recipe(**{"tokenizer.casing": "mark", "tokenizer.tags": "DE:"}), lambda: PAIRS)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (["", "a"], "without spaces"),
        (["a b"], "without spaces"),
        (["a\tb"], "without spaces"),
        (["<BT>", "<BT>"], "all differ"),
        (["<pad>"], "vocabulary writes itself"),
        (["⟨2⟩"], "placeholders copies"),
        (["<0x41>"], "vocabulary writes itself"),
        (["▁de"], "vocabulary writes itself"),
    ],
)
def test_what_is_no_tag_is_said(tags, message):
    (problem,) = problems(tags)
    assert message in problem
    assert repr(tags[0] or "") in problem


def test_a_tag_that_a_placeholder_would_copy_is_refused():
    with pytest.raises(RecipeError, match=r"tokenizer\.tags must not be what tokenizer\.placeholders copies, .*'<BT>'"):
        recipe(**{"tokenizer.placeholders": "tag", "tokenizer.tags": "<BT>"})
