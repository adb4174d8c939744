"""What is wrong with single lines, by every score."""

from __future__ import annotations

import numpy as np
import pytest
import sacrebleu

from seq2seq.metrics.lines import RISKS, line_risks
from seq2seq.metrics.rouge import mean_rouge
from seq2seq.metrics.tokenization import Tokenization

REFERENCES = ["the cat sits on the mat", "a dog", "green trees near a house"]
OUTPUTS = ["the cat is on a mat", "a dog", ""]


@pytest.mark.parametrize("name", RISKS)
def test_nothing_is_wrong_with_the_reference_and_more_with_what_is_less_like_it(name):
    risks = line_risks(name, OUTPUTS, REFERENCES)
    assert risks.shape == (3,)
    np.testing.assert_allclose(line_risks(name, REFERENCES, REFERENCES), 0.0, atol=1e-6)
    assert risks[1] == pytest.approx(0.0, abs=1e-6)
    assert 0.2 < risks[0] <= risks[2] == pytest.approx(1.0)


def test_the_numbers_are_those_of_the_scores():
    found = {name: line_risks(name, OUTPUTS[:1], REFERENCES[:1])[0] for name in RISKS}
    assert found["bleu"] == pytest.approx(1 - sacrebleu.sentence_bleu(OUTPUTS[0], REFERENCES[:1]).score / 100)
    assert found["chrf"] == pytest.approx(1 - sacrebleu.sentence_chrf(OUTPUTS[0], REFERENCES[:1]).score / 100)
    assert found["ter"] == pytest.approx(sacrebleu.sentence_ter(OUTPUTS[0], REFERENCES[:1]).score / 100)
    assert found["rouge"] == pytest.approx(1 - mean_rouge(OUTPUTS[:1], REFERENCES[:1]).score / 100)
    assert (found["exact_match"], found["wer"], found["cer"]) == pytest.approx((1.0, 2 / 6, 5 / 23))


def test_text_without_blanks_is_split_as_its_language_says():
    chinese = Tokenization.of("zh")
    half, whole = (line_risks("bleu", ["我们喜欢猫"], ["我们喜欢狗"], way)[0] for way in (chinese, Tokenization()))
    assert half < whole


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="Expected one of bleu, chrf"):
        line_risks("meteor", OUTPUTS, REFERENCES)
