"""Translation while the source arrives: nothing is taken back, and a stream writes what the offline path measures."""

from __future__ import annotations

import itertools
import logging
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.inference.requests import InputTooLong
from seq2seq.inference.simultaneous import Choice, Interpreter, TextStream
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import EOS, NAMES
from seq2seq.text.token_batches import spaced_word_starts
from tests.interpreting import LINES, make_interpreting

EVERY_K = (1, 2, 3, 5)


@pytest.fixture(scope="module")
def tokenizer(tokenizers):
    return tokenizers["unigram", False]


@pytest.fixture(scope="module")
def make_generator(build_model, tokenizer):
    return partial(make_interpreting, build_model, tokenizer)


@pytest.fixture(scope="module")
def generator(make_generator):
    return make_generator()


@pytest.fixture(scope="module")
def interpreters(generator):
    return {k: generator.interpreter(k) for k in (*EVERY_K, 1000)}


def written(interpreter, pieces):
    """The updates of a stream that is pushed these pieces, and then finished."""
    stream = TextStream(interpreter)
    return [*map(stream.push, pieces), stream.finish()]


def text_of(updates):
    return " ".join(filter(None, (update.final for update in updates)))


def shown(updates):
    """All text that stands after each update."""
    finals = [text_of(updates[: n + 1]) for n in range(len(updates))]
    return [" ".join(filter(None, (f, update.partial))) for f, update in zip(finals, updates, strict=True)]


def test_more_words_to_wait_for_than_there_are_give_what_greedy_search_does(generator, interpreters):
    expected = [" ".join(text.split()) for text in generator.greedy()(LINES)]  # this model writes blanks alone, too
    assert len(set(expected)) >= 5
    assert [found.text for found in interpreters[1000].interpret(LINES)] == expected
    assert [text_of(written(interpreters[1000], [line])) for line in LINES] == expected


@pytest.mark.parametrize("k", EVERY_K)
def test_word_by_word_equals_the_batch(interpreters, k):
    found = interpreters[k].interpret(LINES, batch_size=3)
    assert len({each.text for each in found}) >= 5
    for line, each in zip(LINES, found, strict=True):
        updates = written(interpreters[k], line.split())
        assert text_of(updates) == each.text
        words = [word for update in updates for word in update.tokens]
        assert [(w.text, w.start, w.end) for w in words] == [(w.text, w.start, w.end) for w in each.words]
        np.testing.assert_allclose([w.confidence for w in words], [w.confidence for w in each.words], rtol=1e-4)


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(0, 12), max_size=4), k=st.sampled_from(EVERY_K))
def test_every_cutting_of_the_words_gives_the_same(interpreters, cuts, k):
    words = LINES[4].split()
    expected = [word for update in written(interpreters[k], words) for word in update.tokens]
    edges = [0, *sorted(min(cut, len(words)) for cut in cuts), len(words)]
    pieces = [" ".join(words[a:b]) for a, b in itertools.pairwise(edges)]
    found = [word for update in written(interpreters[k], pieces) for word in update.tokens]
    assert [(w.text, w.start, w.end) for w in found] == [(w.text, w.start, w.end) for w in expected]


@pytest.mark.parametrize("k", EVERY_K)
def test_the_future_changes_nothing_that_is_written(interpreters, k):
    words, others = LINES[7].split(), ["hello,", "world!", "trees"]
    early = 0
    for place in range(1, len(words)):
        streams = [TextStream(interpreters[k]) for _ in range(2)]
        before = [[stream.push(words[:place])] for stream in streams]
        assert before[0] == before[1]
        after = [
            [*b, s.push(more), s.finish()] for b, s, more in zip(before, streams, (words[place:], others), strict=True)
        ]
        for updates in after:
            assert text_of(updates).startswith(shown(updates)[0])
            early += bool(shown(updates)[0])
    assert early or k > len(words)


@pytest.mark.parametrize("k", EVERY_K)
def test_text_only_grows_and_a_word_waits_for_its_words(interpreters, k):
    for line in LINES:
        words = line.split()
        updates = written(interpreters[k], words)
        for one, other in itertools.pairwise(shown(updates)):
            assert other.startswith(one)
        found = [word for update in updates for word in update.tokens]
        for number, word in enumerate(found):
            assert min(k + number, len(words)) <= word.end <= len(words)
            assert word.start == min(word.start, word.end - 1)
        assert [update.endpoint for update in updates] == [False] * len(words) + [True]


class Scripted:
    """Writes the same ids whatever it reads, and tells how much it had read for each."""

    def __init__(self, ids):
        self.ids, self.seen = [*ids, EOS], []

    def begin(self):
        return (), (np.zeros(1, np.int64),)

    def read(self, parts, states):
        return [((np.zeros((len(ids), 1)), np.zeros((len(ids), 1))), ()) for ids in parts]

    def write(self, tokens, memories, states):
        self.seen += [(int(state[0][0]), len(memory[0])) for memory, state in zip(memories, states, strict=True)]
        return [Choice(self.ids[int(state[0][0])], -0.5, (state[0] + 1,)) for state in states]


@pytest.fixture
def short_words(tokenizer):
    """Ids of whole words, and of one that continues a word."""
    starts = spaced_word_starts(tokenizer)
    begins = [i for i in range(len(NAMES), tokenizer.size) if starts[i] and len(tokenizer.pieces([i])[0]) > 1]
    goes_on = next(i for i in range(len(NAMES), tokenizer.size) if not starts[i])
    return begins[:6], goes_on


@pytest.mark.parametrize("k", [1, 2, 4])
def test_a_translation_as_long_as_its_source_is_k_words_behind(tokenizer, short_words, k):
    ids = short_words[0]
    interpreter = Interpreter(Scripted(ids), tokenizer, tokenizer, k, SearchOptions(max_ratio=9.0))
    [found] = interpreter.interpret(["the cat sits on a mat"])
    assert found.delays == [min(k + t, 6) for t in range(6)]
    assert found.text == tokenizer.decode([ids])[0]
    assert found.words[0].confidence == pytest.approx(np.exp(-0.5))


def test_the_rest_of_a_word_does_not_wait(tokenizer, short_words):
    (first, second, *_), goes_on = short_words
    network = Scripted([first, goes_on, goes_on, second])
    stream = TextStream(Interpreter(network, tokenizer, tokenizer, 1, SearchOptions(max_ratio=9.0)))
    update = stream.push("cat")
    assert update.partial == tokenizer.decode([[first, goes_on, goes_on]])[0]
    assert update.final == ""
    update = stream.push("dog")
    assert update.final == tokenizer.decode([[first, goes_on, goes_on]])[0]
    assert update.partial == tokenizer.decode([[second]])[0]
    assert stream.finish().final == tokenizer.decode([[second]])[0]


class Hasty(Scripted):
    """Would end after each word, unless it has read `enough` tokens for it."""

    def __init__(self, ids, enough):
        super().__init__(ids)
        self.enough = enough

    def write(self, tokens, memories, states):
        choices = super().write(tokens, memories, states)
        read = [len(memory[0]) for memory in memories]
        return [
            choice if size >= self.enough * int(state[0][0]) else choice._replace(id=EOS)
            for choice, size, state in zip(choices, read, states, strict=True)
        ]


def test_text_ends_only_where_its_source_does(tokenizer, short_words):
    ids, line = short_words[0][:2], "the cat sits on a mat"
    enough = len(tokenizer.encode([line])[0])  # for the second word: the whole line
    stream = TextStream(Interpreter(Hasty(ids, enough), tokenizer, tokenizer, 1, SearchOptions(max_ratio=9.0)))
    updates = [*map(stream.push, line.split()), stream.finish()]
    assert text_of(updates) == tokenizer.decode([ids])[0]
    assert [update.endpoint for update in updates] == [False] * 6 + [True]


def test_a_word_that_never_ends_is_cut_by_the_limit_of_what_is_read(tokenizer, short_words):
    begin, goes_on = short_words[0][0], short_words[1]
    network = Scripted([begin, *[goes_on] * 500])
    options = SearchOptions(max_ratio=1.0, max_extra=2)
    [found] = Interpreter(network, tokenizer, tokenizer, 1, options).interpret(["cat dog"])
    tokens = len(tokenizer.encode(["cat dog"])[0])
    assert found.text == tokenizer.decode([[begin, *[goes_on] * (tokens + 1)]])[0]


def test_a_stream_that_is_finished_refuses_more(interpreters):
    stream = TextStream(interpreters[1])
    assert stream.finish().final == ""
    for call in (stream.finish, lambda: stream.push("a")):
        with pytest.raises(ValueError, match="The stream is finished"):
            call()


def test_what_is_no_text_is_refused(interpreters):
    with pytest.raises(TypeError, match=r"Expected words.*b'cat'"):
        TextStream(interpreters[1]).push([b"cat"])


@pytest.mark.parametrize("k", [0, -1, 1.5, True, "3"])
def test_words_to_wait_for_are_a_whole_number_of_at_least_one(generator, k):
    with pytest.raises(ValueError, match="wait_k must be a whole number of words, at least 1"):
        generator.stream(wait_k=k)


def test_a_sentence_that_is_too_long_is_refused_and_named_or_cut(generator):
    short = generator.with_options(max_input=6)
    with pytest.raises(InputTooLong) as error:
        short.interpreter(1).interpret(["a", LINES[4]])
    assert error.value.index == 1
    cut = generator.with_options(max_input=6, cut_input=True)
    expected = [" ".join(cut.greedy()([line])[0].split()) for line in LINES]
    assert expected != [" ".join(generator.greedy()([line])[0].split()) for line in LINES]
    assert [found.text for found in cut.interpreter(1000).interpret(LINES)] == expected
    assert [text_of(written(cut.interpreter(1000), line.split())) for line in LINES] == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": {"bidirectional": True}}, "its encoder reads in both directions"),
        ({"bridge": "dense"}, "its decoder begins with the end of the source"),
        ({"attention": "none"}, "it has no attention"),
        ({"coverage": True, "attention_position": "after"}, "it has a pointer, coverage"),
    ],
)
def test_a_model_that_cannot_is_refused_with_what_trains_one(make_generator, options, message):
    with pytest.raises(ValueError, match=rf"{message}.*training\.wait_k"):
        make_generator(**options).stream(wait_k=3)


def test_what_it_was_trained_on_does_not_depend_on_the_search(make_generator):
    generator = make_generator()
    generator.several_sentences = 0.25
    changed = generator.with_options(max_extra=2)  # as the exports at the end of a run are made of
    assert (changed.wait_k, changed.several_sentences) == ((1, 3), 0.25)


def test_a_model_that_was_not_trained_for_it_is_warned_of(make_generator, caplog):
    generator = make_generator()
    generator.wait_k = ()
    with caplog.at_level(logging.WARNING):
        generator.stream(wait_k=3)
    assert "trained on whole sentences" in caplog.text
