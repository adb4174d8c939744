"""Which synthetic pairs are kept, and noise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.text.synthetic import FURTHEST, PairFilter, noisy, repeats


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("ein Hund läuft", "a dog runs", ""),
        ("", "a dog", "an empty side"),
        ("ein Hund", "  ", "an empty side"),
        ("Hund", "a dog runs", "too few or too many words"),
        ("w " * 7, "eins zwei drei", "too few or too many words"),
        ("ein Hund", "a dog that runs quickly away", "lengths that do not fit each other"),
        ("ein kurzer", "a " + "long " * 2, ""),  # short pairs may differ
        ("A dog, runs!", "a dog runs", "copies"),
        ("der der der der", "a dog runs", "repetitions"),
    ],
)
def test_a_pair_is_left_out_for_one_reason(source, target, reason):
    assert PairFilter(2, 6, 3.0).reason(source, target) == reason
    if reason == "copies":
        assert not PairFilter(2, 6, 3.0).reason(source, target, may_copy=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a man and a man and a man", False),
        ("no no no", False),
        ("No no no NO", True),
        ("he said that he said that he said that", True),
        ("", False),
    ],
)
def test_a_text_goes_round_in_circles(text, expected):
    assert repeats(text) == expected


def test_of_text_without_spaces_characters_count():
    assert (
        PairFilter(max_words=20).reason("一只狗在草地上奔跑着" * 3, "a dog runs over the grass")
        == "too few or too many words"
    )


def test_numbers_that_leave_nothing_are_refused():
    with pytest.raises(ValueError, match=r"at most --max-words\. Received: 5 and 4"):
        PairFilter(5, 4)
    with pytest.raises(ValueError, match=r"at least 1\. Received: nan"):
        PairFilter(length_ratio=float("nan"))


@given(st.lists(st.text("abc", min_size=1), min_size=1, max_size=30), st.integers(0, 99))
def test_noise_drops_and_moves_words_but_makes_none(words, seed):
    named = [f"{word}{place}" for place, word in enumerate(words)]
    found = noisy(" ".join(named), (seed, 1)).split()
    assert 1 <= len(found) <= len(words)
    assert len(set(found)) == len(found)
    assert set(found) <= set(named)
    kept = [word for word in named if word in found]
    assert all(abs(kept.index(word) - place) <= FURTHEST + 1 for place, word in enumerate(found))
    assert noisy(" ".join(named), (seed, 1)).split() == found


def test_noise_is_another_for_another_seed_or_line_and_drops_a_tenth():
    text = " ".join(map(str, range(1000)))
    found = {noisy(text, seed) for seed in ((1, 1), (1, 2), (2, 1))}
    assert len(found) == 3
    assert all(850 < len(one.split()) < 950 for one in found)
