"""Scores are sacreBLEU's own, and say how they were made."""

from __future__ import annotations

import pytest
import sacrebleu

from seq2seq.metrics.bleu import bleu, bleu_published, chrf, ter
from seq2seq.metrics.tokenization import Tokenization

HYPOTHESES = ["The cat sat on the mat.", "Two dogs, running!", "A man is l'ami of the house", "A green tree"]
REFERENCES = ["The cat sat on a mat.", "Two dogs are running!", "A man is a friend of the house", "A green tree stands"]


@pytest.mark.parametrize(
    ("metric", "reference", "signature"),
    [
        (bleu, sacrebleu.corpus_bleu, "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:"),
        (chrf, sacrebleu.corpus_chrf, "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:"),
        (ter, sacrebleu.corpus_ter, "nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no|version:"),
    ],
)
def test_a_score_equals_sacrebleu_called_directly_and_carries_its_signature(metric, reference, signature):
    score = metric(HYPOTHESES, REFERENCES)
    assert score.score == pytest.approx(reference(HYPOTHESES, [REFERENCES]).score, abs=1e-9)
    assert 0 < score.score < 100
    assert score.signature == signature + sacrebleu.__version__


def test_bleu_equals_its_formula_on_a_line_done_by_hand():
    # 7 and 7 tokens (13a parts the full stop): 6/7 unigrams, 4/6 bigrams, 2/5 trigrams, 1/4 four-grams.
    expected = 100 * (6 / 7 * 4 / 6 * 2 / 5 * 1 / 4) ** 0.25
    assert bleu(HYPOTHESES[:1], REFERENCES[:1]).score == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("metric", [bleu, chrf])
def test_the_reference_itself_scores_a_hundred(metric):
    assert metric(REFERENCES, REFERENCES).score == pytest.approx(100)
    assert ter(REFERENCES, REFERENCES).score == pytest.approx(0)


def test_the_published_protocol_lowers_normalises_and_tokenises_both_sides_and_says_so():
    # By hand: "the cat &apos;s mat ." with straight quotes on both sides.
    score = bleu_published(Tokenization.of("en"))(["THE CAT’S „mat“."], ['the cat\'s "mat".'])
    assert score.score == pytest.approx(100)
    assert "tok:none" in score.signature
    assert "|prepared:lc+norm+moses-en|sacremoses:" in score.signature
    assert bleu(["THE CAT’S „mat“."], ['the cat\'s "mat".']).score < 50


def test_the_published_protocol_equals_bleu_of_lines_prepared_by_hand():
    by_hand = [
        ["the cat sat on the mat .", "two dogs , running !", "a man is l &apos;ami of the house", "a green tree"],
        ["the cat sat on a mat .", "two dogs are running !", "a man is a friend of the house", "a green tree stands"],
    ]
    expected = sacrebleu.corpus_bleu(by_hand[0], [by_hand[1]], tokenize="none", force=True).score
    assert bleu_published(Tokenization.of("en"))(HYPOTHESES, REFERENCES).score == pytest.approx(expected, abs=1e-9)


def test_the_language_decides_on_the_apostrophe():
    french, english = (
        bleu_published(Tokenization.of(code))(["l'ami de la maison"], ["ami de la maison"]) for code in ("fr", "en")
    )
    assert french.score > english.score + 10  # "l' ami" in French, "l 'ami" in English
    assert "moses-fr" in french.signature


@pytest.mark.parametrize("metric", [bleu, chrf, ter, bleu_published(Tokenization.of("de"))])
def test_unequal_counts_and_nothing_at_all_are_refused(metric):
    with pytest.raises(ValueError, match="3 hypotheses for 4 references"):
        metric(HYPOTHESES[:3], REFERENCES)
    with pytest.raises(ValueError, match="nothing to score"):
        metric([], [])
