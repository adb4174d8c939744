import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.metrics.summary import describe_summaries, kept_word_scores, kept_words, names_right
from seq2seq.metrics.tokenization import SPACED

TOKENS = st.lists(st.sampled_from("abc"), max_size=7)


def numbers(scores):
    return {name: round(score.score, 1) for name, score in scores.items()}


def test_words_and_marks_stand_alone():
    found = SPACED.words("Mr. O'Neil paid €5, twice!")
    assert found == [
        "Mr",
        ".",
        "O",
        "'",
        "Neil",
        "paid",
        "€",
        "5",
        ",",
        "twice",
        "!",
    ]


def test_descriptions_are_shares_over_all_lines():
    found = numbers(describe_summaries(["a b c d", "x y"], ["a b a b", "x z"]))
    assert found == {"length": 100.0, "copied": 83.3, "novel_2": 50.0, "novel_3": 100.0, "repeated_2": 25.0}


def subsequence(part, whole):
    rest = iter(whole)
    return all(token in rest for token in part)


@given(TOKENS, TOKENS)
def test_kept_words_are_a_longest_common_subsequence(source, output):
    kept = kept_words(source, output)
    chosen = [token for token, keep in zip(source, kept, strict=True) if keep]
    assert subsequence(chosen, output)
    longest = max(
        bits.bit_count()
        for bits in range(1 << len(source))
        if subsequence([t for i, t in enumerate(source) if bits >> i & 1], output)
    )
    assert len(chosen) == longest


@given(TOKENS, st.data())
def test_a_part_of_the_source_is_kept_whole(source, data):
    keep = data.draw(st.lists(st.booleans(), min_size=len(source), max_size=len(source)))
    part = [token for token, k in zip(source, keep, strict=True) if k]
    assert kept_words(source, part).sum() == len(part)


def test_scores_of_kept_words_count_by_hand():
    found = numbers(kept_word_scores(["a b c d", "x y"], ["a b", "x y"], ["a c", "x y"]))
    assert found == {"f1": 75.0, "f1_pooled": 75.0, "accuracy": 66.7, "exact": 50.0}
    assert numbers(kept_word_scores(["a b"], ["a b"], ["a b"])) == dict.fromkeys(found, 100.0)
    assert numbers(kept_word_scores(["a b"], [""], ["a b"]))["f1"] == 0.0


def test_capitals_make_no_difference_to_what_was_kept():
    found = kept_word_scores(["On Monday the cat sat"], ["the cat sat"], ["The cat sat"])
    assert {name: score.score for name, score in found.items()} == dict.fromkeys(found, 100.0)
    assert all("caseless" in score.signature for score in found.values())


def test_names_are_right_when_all_are_there_as_often():
    hypotheses = ["Anna owes 12", "Anna owes 13", "Bo and Bo", "Bo", "nothing"]
    references = ["12 from Anna", "12 from Anna", "Bo met Bo", "Bo met Bo", "no name"]
    assert names_right(hypotheses, references).score == 50.0
    assert names_right(["a"], ["a"]).score == 0.0


def test_nothing_to_score_is_refused():
    with pytest.raises(ValueError, match="nothing to score"):
        kept_word_scores([], [], [])
    assert np.isfinite([s.score for s in describe_summaries([""], [""]).values()]).all()
