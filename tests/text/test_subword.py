"""SentencePiece: training, encoding, sampling and decoding."""

from __future__ import annotations

import unicodedata
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.symbols import BOS, EOS, NAMES, PAD, UNK
from seq2seq.text.normalization import Normalization
from seq2seq.text.subword import SubwordTokenizer

KINDS = ["unigram", "bpe"]
BOTH = [(kind, fallback) for kind in KINDS for fallback in (False, True)]
ALPHABET = "thecatdogsmr é öß"
TEXT = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(" \t\0\r\u200b▁é\u0301😀ﬁ½")), max_size=30
)

quick = settings(max_examples=150, deadline=None, derandomize=True, database=None)
normalizer = sentencepiece.SentencePieceNormalizer(rule_name="nmt_nfkc")


def normalized(text: str) -> str:
    """By SentencePiece's own rules: NFKC and more, spaces collapsed and stripped. It writes a space as ▁."""
    return " ".join(normalizer.Normalize(text).replace("▁", " ").split(" ")).strip(" ")


def collapsed(text: str) -> str:
    return " ".join(piece for piece in text.split(" ") if piece)


@pytest.fixture(scope="module")
def nfkc(sentences):
    rule = Normalization("nmt_nfkc")
    return {
        kind: SubwordTokenizer.train(sentences, 320, kind, byte_fallback=True, normalization=rule) for kind in KINDS
    }


@pytest.mark.parametrize("kind", KINDS)
@quick
@given(text=TEXT)
def test_with_byte_fallback_decoding_gives_back_the_normalised_text_and_nothing_is_unknown(nfkc, kind, text):
    tokenizer = nfkc[kind]
    (ids,) = tokenizer.encode([text])
    assert UNK not in ids
    assert tokenizer.decode([ids]) == [collapsed(normalized(text))]


@pytest.mark.parametrize("kind", KINDS)
@quick
@given(text=st.text(st.sampled_from(ALPHABET), max_size=40))
def test_text_in_known_letters_comes_back_with_single_spaces(tokenizers, kind, text):
    tokenizer = tokenizers[kind, False]
    (ids,) = tokenizer.encode([text])
    assert UNK not in ids
    assert tokenizer.decode([ids]) == [" ".join(unicodedata.normalize("NFKC", text).split())]


@pytest.mark.parametrize(("kind", "fallback"), BOTH)
@quick
@given(lines=st.lists(st.one_of(TEXT, st.sampled_from([*NAMES, "<s>the</s>", "</s> <pad>", "a<unk>b"])), max_size=4))
def test_control_symbols_that_a_user_types_never_become_control_ids(tokenizers, kind, fallback, lines):
    tokenizer = tokenizers[kind, fallback]
    for encode in (tokenizer.encode, lambda x: tokenizer.sample(x, 0.1, 1)):
        for line, ids in zip(lines, encode(lines), strict=True):
            assert not {PAD, BOS, EOS} & set(ids)
            assert all(0 <= i < tokenizer.size for i in ids)
            assert ids or not any(c.isprintable() and c != " " and unicodedata.category(c) != "Mn" for c in line)


@pytest.mark.parametrize(("kind", "fallback"), BOTH)
def test_control_ids_leave_no_trace_in_text(tokenizers, kind, fallback):
    tokenizer = tokenizers[kind, fallback]
    (ids,) = tokenizer.encode(["the cat sees a house"])
    assert tokenizer.decode([[BOS, *ids[:3], PAD, *ids[3:], EOS, PAD], [PAD], []]) == ["the cat sees a house", "", ""]
    assert tokenizer.decode([]) == []
    assert tokenizer.encode([]) == []


@pytest.mark.parametrize(("kind", "fallback"), BOTH)
def test_lines_together_equal_lines_alone(tokenizers, kind, fallback, sentences):
    tokenizer = tokenizers[kind, fallback]
    together = tokenizer.encode(sentences[:50])
    assert together == [tokenizer.encode([line])[0] for line in sentences[:50]]
    assert tokenizer.decode(together) == [tokenizer.decode([ids])[0] for ids in together]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("max_lines", [1_000_000, 150])
def test_the_same_text_and_seed_give_the_same_vocabulary(sentences, kind, max_lines):
    train = lambda seed: SubwordTokenizer.train(sentences, 60, kind, max_lines=max_lines, seed=seed).model  # noqa: E731
    first = train(1)
    assert SubwordTokenizer.train(sentences[::-1], 50, kind).model != first
    assert train(1) == first
    if max_lines == 150:
        assert train(2) != first


@pytest.mark.parametrize(("kind", "alpha"), [("unigram", 0.1), ("bpe", 0.3)])
def test_sampled_ids_follow_the_seed_and_keep_the_text(tokenizers, sentences, kind, alpha):
    tokenizer, lines = tokenizers[kind, True], sentences[:40]
    first = tokenizer.sample(lines, alpha, seed=5)
    tokenizer.sample(lines[:7], alpha, seed=9)
    assert tokenizer.sample(lines, alpha, seed=5) == first
    assert tokenizer.sample(lines, alpha, seed=6) != first
    assert first != tokenizer.encode(lines)
    assert tokenizer.decode(first) == lines


@pytest.mark.parametrize(("kind", "alpha"), [("unigram", 0.2), ("bpe", 0.1)])
def test_sampled_ids_are_equal_in_every_process(tokenizers, sentences, kind, alpha, tmp_path):
    tokenizer, lines = tokenizers[kind, False], sentences[:30]
    tokenizer.save(tmp_path / "it.model")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        elsewhere = pool.submit(_sample, tmp_path / "it.model", lines, alpha).result()
    assert elsewhere == tokenizer.sample(lines, alpha, 5)


def _sample(path, lines, alpha):
    tokenizer = SubwordTokenizer.load(path)
    tokenizer.sample(lines[::-1], alpha, 7)  # what was cut before does not matter
    return tokenizer.sample(lines, alpha, 5)


@pytest.mark.parametrize(("kind", "alpha"), [("unigram", 1000.0), ("bpe", 0.0)])
@pytest.mark.parametrize("fallback", [False, True])
def test_without_randomness_sampling_equals_encoding(tokenizers, sentences, kind, alpha, fallback):
    tokenizer = tokenizers[kind, fallback]
    lines = [*sentences[:40], "", " ", "naïve 😀 cat\u0301", "▁▁ x", "never-seen;words"]
    assert tokenizer.sample(lines, alpha, 1) == tokenizer.encode(lines)


def test_unigram_segmentations_are_drawn_in_proportion_to_their_smoothed_probability(tokenizers, sentences):
    tokenizer, alpha, count = tokenizers["unigram", False], 0.1, 4000
    processor = tokenizer._processor
    all_cuts = {word: processor.NBestEncodeAsIds(word, 64) for word in " ".join(sentences).split()}
    word = max(sorted(all_cuts), key=lambda word: len(all_cuts[word]))
    cuts = [tuple(cut) for cut in all_cuts[word]]
    chances = np.exp([alpha * sum(map(processor.GetScore, cut)) for cut in cuts])
    drawn = Counter(map(tuple, tokenizer.sample([word] * count, alpha, 3)))
    assert len(cuts) > 2
    for cut, chance in zip(cuts, chances / chances.sum(), strict=True):
        assert abs(drawn[cut] / count - chance) < 5 * np.sqrt(chance * (1 - chance) / count) + 1e-3


@pytest.mark.parametrize(("kind", "fallback"), BOTH)
def test_pieces_and_ids_are_inverse_and_the_vocabulary_begins_with_the_control_symbols(tokenizers, kind, fallback):
    tokenizer = tokenizers[kind, fallback]
    every = list(range(tokenizer.size))
    assert tuple(tokenizer.pieces(every[:4])) == NAMES
    assert tokenizer.ids(tokenizer.pieces(every)) == every
    assert tokenizer.ids(["never a piece"]) == [UNK]


def test_a_lone_surrogate_does_not_stop_the_line(tokenizers):
    tokenizer = tokenizers["unigram", True]
    assert tokenizer.encode(["cat \ud83d dog"]) == tokenizer.encode(["cat \ufffd dog"])


def test_saved_and_loaded_it_is_the_same(tokenizers, tmp_path):
    tokenizer = tokenizers["bpe", True]
    tokenizer.save(tmp_path / "source.model")
    assert [path.name for path in tmp_path.iterdir()] == ["source.model"]
    loaded = SubwordTokenizer.load(tmp_path / "source.model")
    assert loaded.model == tokenizer.model
    assert loaded.encode(["the cat"]) == tokenizer.encode(["the cat"])


@pytest.mark.parametrize("damage", ["empty", "text", "half", "last byte", "first byte"])
def test_a_damaged_model_is_refused_and_named(tokenizers, tmp_path, damage):
    model = tokenizers["unigram", False].model
    damaged = {
        "empty": b"",
        "text": b"the cat sat on the mat\n" * 20,
        "half": model[: len(model) // 2],
        "last byte": model[:-1],
        "first byte": model[1:],
    }[damage]
    with pytest.raises(ValueError, match="SentencePiece model"):
        SubwordTokenizer(damaged)
    (tmp_path / "target.model").write_bytes(damaged)
    with pytest.raises(ValueError, match=r"target\.model: .*SentencePiece model"):
        SubwordTokenizer.load(tmp_path / "target.model")


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"gone\.model: the tokeniser is missing"):
        SubwordTokenizer.load(tmp_path / "gone.model")


def test_a_model_of_other_control_symbols_is_refused(sentences):
    import io

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.Train(
        sentence_iterator=iter(sentences), model_writer=model, vocab_size=50, minloglevel=2, num_threads=1
    )
    with pytest.raises(ValueError, match=r"must begin with the pieces .*<pad>.*Received"):
        SubwordTokenizer(model.getvalue())


@pytest.mark.parametrize("kind", KINDS)
def test_a_size_beyond_the_text_falls_back_with_a_warning(caplog, kind):
    tokenizer = SubwordTokenizer.train(["the cat sat", "the dog sat"], 5000, kind)
    assert 10 < tokenizer.size < 5000
    assert f"too small for a vocabulary of 5,000 tokens: using {tokenizer.size}" in caplog.text
    assert tokenizer.decode(tokenizer.encode(["the cat"])) == ["the cat"]


@pytest.mark.parametrize(
    ("kind", "size", "pieces", "kept"),
    [
        ("characters", 100, ["▁", "a", "b", "▁", "c", "t", "\u0361", "ʃ"], "ab ct͡ʃ"),
        ("words", 100, ["▁ab", "▁ct͡ʃ"], "ab ct͡ʃ"),
        ("words", 5, ["▁ab", "<unk>"], "ab ⁇"),
    ],
)
def test_words_and_characters_are_tokens_by_themselves(caplog, kind, size, pieces, kept):
    tokenizer = SubwordTokenizer.train(["ab ct͡ʃ", "ab ab d"], size, kind)
    assert not caplog.records
    (ids,) = tokenizer.encode(["ab ct͡ʃ"])
    assert tokenizer.pieces(ids) == pieces
    assert [text.strip() for text in tokenizer.decode([ids])] == [kept]
    assert tokenizer.size <= size


@pytest.mark.parametrize("kind", KINDS)
def test_split_digits_merge_with_nothing(kind):
    lines = ["in 2014, 1,000 paid $10.50 and 50% more", "in 2014. 1,000 paid $10.50 and 50% less"] * 20

    def mixed(split):
        pieces = SubwordTokenizer.train(lines, 60, kind, split_digits=split).vocabulary[len(NAMES) :]
        texts = [piece.removeprefix("▁") for piece in pieces]
        return [text for text in texts if len(text) > 1 and any(map(str.isdigit, text))]

    assert mixed(False)
    assert not mixed(True)


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        (["", "  "], {}, "every line is empty"),
        (["the cat"], {"kind": "wordpiece"}, "unigram, bpe, words, characters. Received: 'wordpiece'"),
        (["the cat sat on the mat"], {"size": 5}, "vocabulary of 5"),
    ],
)
def test_errors_of_training_say_why(lines, options, message):
    with pytest.raises(ValueError, match=message):
        SubwordTokenizer.train(lines, **{"size": 30, **options})
