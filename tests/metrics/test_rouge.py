import pytest

from seq2seq.metrics.rouge import mean_rouge, rouge
from seq2seq.metrics.tokenization import Tokenization


def numbers(scores):
    return {name: round(score.score, 2) for name, score in scores.items()}


def test_the_numbers_are_those_of_counting_by_hand():
    # the cat sat | the cat lay down: 2 of 3 and of 4 words, 1 of 2 and of 3 bigrams, longest common part 2
    found = numbers(rouge(["the cat sat"], [["the cat lay down"]]))
    assert found == {"rouge1": 57.14, "rouge2": 40.0, "rougeL": 57.14}


def test_equal_texts_have_all_and_strangers_nothing():
    assert set(numbers(rouge(["a b c"], [["a b c"]])).values()) == {100.0}
    assert set(numbers(rouge(["a b c", ""], [["x y z"], ["a b"]])).values()) == {0.0}


def test_further_references_give_a_mean_and_a_best_and_leave_the_first_alone():
    alone = numbers(rouge(["a cat"], [["a dog"]]))
    found = numbers(rouge(["a cat", "x"], [["a dog", "a cat", "b"], ["x"]]))
    assert numbers(rouge(["a cat"], [["a dog", "a cat"]])) | alone == numbers(rouge(["a cat"], [["a dog", "a cat"]]))
    assert found["rouge1"] == 75.0
    assert found["rouge1_mean"] == 75.0  # (50 + 100 + 0) / 3 and 100
    assert found["rouge1_best"] == 100.0


def test_english_is_stemmed_and_other_scripts_keep_their_words():
    assert numbers(rouge(["running dogs"], [["run dog"]]))["rouge1"] == 100.0
    assert numbers(rouge(["собака бежит"], [["собака спит"]], Tokenization.of("ru")))["rouge1"] == 50.0


def test_the_signature_tells_what_must_be_equal():
    scores = rouge(["a"], [["a", "b"]])
    assert scores["rouge1"].signature.startswith("rouge1|refs:1|f1|lang:en|stemmer:porter|tok:default|rouge-score:")
    assert "|refs:2|best|" in scores["rouge2_best"].signature
    assert "stemmer:none" in rouge(["a"], [["a"]], Tokenization.of("de"))["rougeL"].signature


def test_one_number_is_the_mean_of_the_three():
    found = mean_rouge(["the cat sat"], ["the cat lay down"])
    assert round(found.score, 2) == round((57.142 + 40 + 57.142) / 3, 2)
    assert found.signature.startswith("mean-1-2-L|")


@pytest.mark.parametrize(("hypotheses", "references"), [([], []), (["a"], [])])
def test_nothing_to_score_and_unequal_lists_are_refused(hypotheses, references):
    with pytest.raises(ValueError, match=r"nothing to score|one per reference"):
        rouge(hypotheses, references)
