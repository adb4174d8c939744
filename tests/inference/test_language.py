"""A language model at work: scores, what comes next, samples; with a cache and with dynamic evaluation."""

import math
from dataclasses import replace
from functools import partial
from itertools import islice, product

import keras
import numpy as np
import pytest

from seq2seq.evaluation.language import CachedModel, CacheOptions, DynamicModel, best_weight, likelihood, mixed
from seq2seq.inference import next_words as words_module
from seq2seq.inference import text_scoring
from seq2seq.inference.language import TextModel
from seq2seq.inference.next_words import next_tokens, next_words
from seq2seq.inference.text_scoring import State
from seq2seq.inference.writing import stream_text, text_of
from seq2seq.layers.decoder import RNNDecoder
from seq2seq.layers.frontends import TokenEmbedding
from seq2seq.layers.heads import VocabularyHead
from seq2seq.models.language_model import LanguageModel
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import BOS, EOS, PAD
from seq2seq.text.codecs import word_starts
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.text.vocabulary import Vocabulary

LINES = ["the cat sits", "", "the dog sees the cat", "a cat", "dog dog dog"]
TEXT = [" ".join(LINES[n % 5].split()) for n in range(40)]


def network(size, uniform=False):
    embedding = TokenEmbedding(size, 6)
    model = LanguageModel(embedding, RNNDecoder(6, "gru", attention=None), VocabularyHead(size))
    model.build()
    random = np.random.default_rng(5)
    for variable in model.trainable_variables:
        variable.assign(0.0 * variable if uniform else random.normal(size=variable.shape))
    return model


@pytest.fixture(scope="module")
def words():
    return Vocabulary.learn(TEXT, "words")


@pytest.fixture(scope="module")
def model(words):
    return TextModel(network(words.size), words, word_starts(words), "runs/a")


def total(lines):
    return sum(line.log_probability for line in lines)


def test_the_best_weight_of_a_mixture_is_the_best(model):
    lines = list(model.score_text(LINES))
    random = np.random.default_rng(4)
    others = [replace(line, log_probs=line.log_probs + random.normal(0, 2, len(line.ids)) - 0.3) for line in lines]
    others = [replace(line, log_probs=np.minimum(line.log_probs, -0.01)) for line in others]
    scores = {weight: mixed(lines, others, weight).scores()["perplexity"].score for weight in np.linspace(0, 1, 101)}
    assert scores[0.0] == pytest.approx(likelihood(model, LINES).scores()["perplexity"].score)
    best = best_weight(lines, others)
    assert 0.05 < best < 0.95
    assert best == pytest.approx(min(scores, key=scores.get), abs=0.011)


def test_a_uniform_model_has_the_perplexity_of_its_vocabulary(words):
    model = TextModel(network(words.size, uniform=True), words)
    found = likelihood(model, LINES)
    assert found.scores()["perplexity"].score == pytest.approx(words.size)
    assert (found.tokens, found.lines, found.words, found.unknown) == (18, 5, 13, 0)
    assert found.characters == sum(map(len, LINES))
    bits = found.tokens * math.log2(words.size) / (found.characters + 5)
    assert found.scores()["bits_per_character"].score == pytest.approx(bits)
    nats = found.tokens * math.log(words.size) / (13 + 5)
    assert found.scores()["word_perplexity"].score == pytest.approx(math.exp(nats))


def test_words_and_characters_of_other_tokens_count_alike():
    lines = ["the cat", "a dog"]
    whole, spelled = Vocabulary.learn(lines, "words"), Vocabulary.learn(lines, "characters")
    counts = [likelihood(TextModel(network(codec.size, True), codec), lines) for codec in (whole, spelled)]
    assert counts[0].words == counts[1].words == 4
    assert counts[0].characters == counts[1].characters == 12
    assert (counts[0].tokens, counts[1].tokens) == (6, 14)


def test_a_text_cut_anywhere_has_the_same_log_probability(model, monkeypatch):
    expected = [line.log_probs for line in model.score_text(LINES)]
    for block in (1, 3, 1000):
        monkeypatch.setattr(text_scoring, "BLOCK", block)
        for found, wanted in zip(model.score_text(LINES), expected, strict=True):
            np.testing.assert_allclose(found.log_probs, wanted, atol=1e-5)


def test_lines_by_themselves_forget_those_before_and_keep_their_order(model, monkeypatch):
    found = model.score_lines(LINES, batch_size=2)
    assert [line.text for line in found] == LINES
    for line in found:
        (alone,) = model.score_text([line.text])
        np.testing.assert_allclose(line.log_probs, alone.log_probs, atol=1e-5)
    assert abs(total(found) - total(model.score_text(LINES))) > 1e-3
    monkeypatch.setattr(text_scoring, "BLOCK", 2)
    assert total(model.score_lines(LINES)) == pytest.approx(total(found), abs=1e-4)
    assert [len(p) for p in model.score([("x", line) for line in LINES])] == [len(line.ids) for line in found]


@pytest.mark.parametrize("options", [{}, {"temperature": 0.5, "top_k": 3}, {"top_p": 0.6}])
def test_the_log_probability_of_a_sample_is_its_score(options, model):
    search = SearchOptions(sampling=True, **options)
    drawn = [tokens[0] for tokens in islice(model.sample(model.begin(), search, 7), 30)]
    ids = [token.id for token in drawn]
    assert PAD not in ids
    assert BOS not in ids
    text = text_of(model.codec, [*ids, EOS])
    assert total(model.score_text(text[:-1].split("\n"))) == pytest.approx(
        sum(token.log_prob for token in drawn)
        + float(model.advance(model_after(model, ids), np.array([[EOS]]))[0][0, 0]),
        abs=1e-3,
    )
    again = [tokens[0].id for tokens in islice(model.sample(model.begin(), search, 7), 30)]
    assert ids == again
    if not options:
        assert ids != [tokens[0].id for tokens in islice(model.sample(model.begin(), search, 8), 30)]
    rows = list(islice(model.sample(model.begin(2), search, 7), 5))
    assert [row[0].id for row in rows] == ids[:5]  # the number of rows changes none of them


def repeat(times, part):
    return np.repeat(part, times, axis=0)


def model_after(model, ids):
    return model.advance(model.begin(), np.array([ids]))[1]


def test_what_comes_next_is_the_distribution_after_the_prompt(model):
    state = model.read(["the cat sits", "the dog"])
    found = next_tokens(model, state, 100)
    assert len(found) == model.codec.size - 2  # all but PAD and BOS
    assert [one.probability for one in found] == sorted((one.probability for one in found), reverse=True)
    ends = {one.text: one.log_probability for one in found}
    lines = list(model.score_text(["the cat sits", "the dog"]))
    assert ends["\n"] == pytest.approx(float(lines[1].log_probs[-1]), abs=1e-5)
    assert next_words(model, state, 3) == found[:3]  # a token is a word


def test_a_word_of_several_tokens_has_the_probability_of_all_its_tokens_and_of_a_word_after_it(monkeypatch):
    codec = SubwordTokenizer.train(["ab ba aab bb abab"] * 30, 12, "bpe")
    starts = word_starts(codec)
    model = TextModel(network(codec.size), codec, starts)
    state, select = model.read(["ab"]), model.select
    found = {one.text: one.probability for one in next_words(model, state, 50)}
    going = np.flatnonzero(~starts)
    going = going[~np.isin(going, (PAD, BOS))]
    begins = np.setdiff1d(np.flatnonzero(starts), (PAD, BOS, EOS))
    expected = {}
    for length in range(4):
        rows = np.array(list(product(begins, *[going] * length)), np.int32)
        many = State(
            np.repeat(state.last, len(rows)), keras.tree.map_structure(partial(repeat, len(rows)), state.carried)
        )
        log_probs, after = model.advance(many, rows)
        ends = np.exp(model.next_log_probs(after)[0])[:, starts].sum(1)
        for text, probability in zip(codec.decode(rows), np.exp(log_probs.sum(1)) * ends, strict=True):
            expected[text] = expected.get(text, 0.0) + probability
    best = max(expected, key=expected.__getitem__)
    assert found[best] == pytest.approx(expected[best], rel=0.05)
    assert sum(found.values()) <= 1 + 1e-5
    monkeypatch.setattr(words_module, "BEGINNINGS", 3)
    monkeypatch.setattr(words_module, "PROBABILITIES", 1)
    rows = []
    monkeypatch.setattr(model, "select", lambda carried, chosen: rows.append(len(chosen)) or select(carried, chosen))
    assert 1 < len(next_words(model, state, 10**6)) < len(found)
    assert max(rows) == 3  # whatever the number of words, memory is bounded
    with pytest.raises(ValueError, match="writes characters"):
        next_words(TextModel(model.model, codec), state, 3)


@pytest.mark.parametrize("kind", ["words", "characters", "bpe"])
def test_text_appears_as_it_is_written_and_joined_it_is_the_text(kind):
    lines = ["the cat  sits", "", "Straße ☃ x"] if kind == "characters" else ["the cat sits", "", "Straße ☃ x"]
    if kind == "bpe":
        codec = SubwordTokenizer.train(TEXT, 300, "bpe", byte_fallback=True)
    else:
        codec = Vocabulary.learn(lines, kind)
    ids = [number for row in codec.encode(lines) for number in [*row, EOS]]
    parts = list(stream_text(codec, ids))
    assert len(parts) == len(ids)
    assert "".join(parts) == text_of(codec, ids) == "".join(line + "\n" for line in lines)
    before = codec.encode(["the"])[0]
    after = codec.encode(["the cat"])[0][len(before) :]
    assert text_of(codec, after, before) == " cat"


def test_a_cache_gives_a_share_to_what_followed_where_the_features_were_alike(model):
    options = CacheOptions(size=4, weight=0.3, flatness=0.7)
    lines = ["the cat sits", "the cat sees"]
    ids = np.array([[number for row in model.codec.encode(lines) for number in [*row, EOS]]])
    plain, features, _ = model.advance_with_features(model.begin(), ids)
    expected = []
    for place in range(ids.shape[1]):
        seen = range(max(0, place - 4), place)
        weights = [math.exp(0.7 * float(features[0, place] @ features[0, other])) for other in seen]
        same = sum(w for w, other in zip(weights, seen, strict=True) if ids[0, other] == ids[0, place])
        p = math.exp(plain[0, place])
        expected.append(math.log(0.7 * p + 0.3 * same / sum(weights)) if weights else float(plain[0, place]))
    cached = CachedModel(model, options)
    for cuts in ([8], [1, 2, 5]):
        state, found = cached.begin(), []
        for size in cuts:
            log_probs, state = cached.advance(state, ids[:, len(found) : len(found) + size])
            found += log_probs[0].tolist()
        np.testing.assert_allclose(found, expected[: sum(cuts)], atol=1e-4)
    with pytest.raises(ValueError, match="A cache expects"):
        CacheOptions(size=0)


def test_dynamic_evaluation_scores_before_it_learns_and_goes_back_to_what_was_trained(words):
    text = ["dog dog dog dog dog dog"] * 10
    still = TextModel(network(words.size), words)
    before = [keras.ops.convert_to_numpy(v) for v in still.model.trainable_variables]
    expected = [line.log_probability for line in still.score_text(text)]
    dynamic = DynamicModel(still, rate=1.0, decay=0.01, block=7)
    found = [line.log_probability for line in dynamic.score_text(text)]
    assert found[0] == pytest.approx(expected[0], abs=1e-4)  # the first block is scored by the trained weights
    assert sum(found) > sum(expected) + 5
    dynamic.decay = 0.9
    dynamic.objective.optimizer.learning_rate.assign(1e-6)
    list(dynamic.score_text(text[:2]))
    for variable, trained in zip(still.model.trainable_variables, before, strict=True):
        np.testing.assert_allclose(variable, trained, atol=0.1)
    with pytest.raises(ValueError, match="Dynamic evaluation expects"):
        DynamicModel(still, rate=0.0)
