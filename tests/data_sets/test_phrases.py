"""The embedded summaries: the same everywhere, and their tests hold names and numbers that training never shows."""

from itertools import chain

import pytest

from seq2seq.catalogue import phrases
from seq2seq.metrics.tokenization import Tokenization

words = Tokenization.of("en").words


def texts(split):
    return list(phrases.generate(split))


def names_of(split):
    joined = " ".join(chain.from_iterable(texts(split)))
    return {w for w in words(joined) if w[0].isupper() or w[0].isdigit()}


COMMON = {"The", "Please", "On", "Store", *phrases.DAYS}


@pytest.mark.parametrize("split", phrases.SPLITS)
def test_a_split_is_as_large_as_it_says_and_the_same_each_time(split):
    assert len(texts(split)) == phrases.SPLITS[split]
    assert texts(split) == texts(split)


def test_no_name_and_no_number_of_a_test_stands_in_training():
    assert not (names_of("test") - COMMON) & names_of("train")
    assert not (names_of("val") - COMMON) & names_of("train")


def test_every_name_and_number_of_a_summary_stands_in_its_message():
    for message, summary in texts("test"):
        assert {w for w in words(summary) if w[0].isupper() or w[0].isdigit()} <= set(words(message))


def test_the_message_has_names_that_the_summary_must_not_take():
    for message, summary in texts("test")[:200]:
        due = {w for w in words(summary) if w[0].isupper() or w[0].isdigit()}
        assert len({w for w in words(message) if w[0].isupper() or w[0].isdigit()} - COMMON - due) >= 2


def test_an_unknown_split_or_language_is_refused():
    with pytest.raises(ValueError, match="splits train, val, test"):
        phrases.load("dev")
    with pytest.raises(ValueError, match="English"):
        phrases.load("test", "en", "de")
