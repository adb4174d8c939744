"""What a language model adds to a search over labels is the log-probability of the text, whatever the tokens are."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.inference.fusion import TokenFusion, WordFusion, fused, hotwords
from seq2seq.search.prefix_beam import PrefixBeam, PrefixBeamOptions, prefix_beam_search
from seq2seq.symbols import EOS
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.text.vocabulary import Vocabulary
from tests.language_models import LINES, characters, make_text_model, words

PLAIN = Vocabulary([*" aehost"], "characters")
SUBWORDS = SubwordTokenizer.train(LINES * 3, 30)


def likely(size, time=12, seed=2):
    random = np.random.default_rng(seed)
    logits = 2 * random.normal(size=(time, size))
    logits[:, 1 : EOS + 1] = -30.0
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.mark.parametrize(
    ("model", "labels", "kind"),
    [
        (characters(), PLAIN, TokenFusion),
        (words(), PLAIN, WordFusion),
        (characters(), words(), WordFusion),
        (SUBWORDS, SUBWORDS, TokenFusion),
        (characters(), SUBWORDS, WordFusion),
    ],
    ids=["characters", "words over characters", "characters over words", "pieces", "characters over pieces"],
)
def test_a_language_model_adds_the_score_of_the_text(model, labels, kind):
    scorer = make_text_model(model)
    language = fused(scorer, labels)
    assert isinstance(language, kind)
    options = PrefixBeamOptions(beam_size=12, weight=0.7)
    found = prefix_beam_search(likely(labels.size), options, language, num_best=12)
    texts = labels.decode([label.ids for label in found])
    # Words are scored as they are written, whatever spaces are around them; tokens as they are.
    exact = texts if kind is TokenFusion else [" ".join(text.split()) for text in texts]
    assert len({*texts}) > 6
    if kind is TokenFusion and labels is SUBWORDS:  # a text may be cut into pieces in another way than the tokeniser's
        rows = [(*label.ids, EOS) for label in found]
        expected = [scorer.advance(scorer.begin(), np.asarray([row]))[0].sum() for row in rows]
    else:
        expected = [line.log_probability for line in scorer.score_lines(exact)]
    added = [(label.score - label.log_probability) / 0.7 for label in found]
    np.testing.assert_allclose(added, expected, atol=1e-4)


def test_a_stream_of_frames_asks_for_the_same_as_the_whole():
    log_probs = likely(PLAIN.size, 40)
    beam = PrefixBeam(PLAIN.size, PrefixBeamOptions(beam_size=4), fused(make_text_model(words()), PLAIN))
    state = beam.start()
    for row in log_probs:
        state = beam.advance(state, row[None])
    assert beam.results(state, 4) == beam.results(beam.advance(beam.start(), log_probs), 4)


def test_a_language_model_of_another_spelling_is_refused():
    with pytest.raises(ValueError, match="spelled alike"):
        fused(make_text_model(characters()), Vocabulary([*"ABCDEF"], "characters"))


@pytest.mark.parametrize("labels", [PLAIN, SUBWORDS, words()], ids=["characters", "pieces", "words"])
def test_a_hotword_gains_its_bonus_as_a_word_and_not_within_one(labels):
    preferred = hotwords(["the"], 1.0, labels)
    gains = {}
    for text in ("the", "the cat", "cat the", "cat"):
        [ids] = labels.encode([text])
        state, total = preferred.START, 0.0
        for label in ids:
            total += preferred.gains[state, label]
            state = preferred.following[state, label]
        gains[text] = total + preferred.closing[state]
    count = len(labels.encode(["the"])[0])
    assert gains == {"the": count, "the cat": count, "cat the": count, "cat": 0.0}


def test_hotwords_are_single_words_that_can_be_written():
    with pytest.raises(ValueError, match="single words"):
        hotwords(["the cat"], 1.0, PLAIN)
    with pytest.raises(ValueError, match="'zzz' has characters"):
        hotwords(["zzz"], 1.0, PLAIN)
