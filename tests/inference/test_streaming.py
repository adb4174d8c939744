"""A stream gives what the whole recording gives, however it is cut."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.audio.features import LogMels
from seq2seq.inference.streaming import NEVER, Endpoints, Listener, Stream, words_of
from seq2seq.search.ctc import Emission
from seq2seq.search.prefix_beam import PrefixBeam, PrefixBeamOptions, prefix_beam_search
from tests.recognizers import MELS, RATE, letters, sound

STACK, STEPS, DELAY = 2, 3, 2
CODEC = letters()
SIZE = CODEC.size
RANDOM = np.random.default_rng(33)
READ, RECUR, WRITE = (RANDOM.normal(size=shape).astype(np.float32) for shape in ((MELS * STACK, 6), (6, 6), (6, SIZE)))


class SmallFrontend:
    mels = LogMels(RATE, MELS)

    @staticmethod
    def normalizer(frames):
        return (frames - np.float32(8)) / np.float32(3)

    def frames(self, samples):
        return self.normalizer(self.mels.frames(samples))


def step(vector, state):
    state = np.tanh(0.3 * vector @ READ + 0.5 * state @ RECUR)
    return 3 * state @ WRITE, state


def normalized(logits):
    logits = np.array(logits, np.float64)
    logits[:, 1:4] = -20.0  # control symbols
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


class SmallNetwork:
    """A recurrent network whose output at a step is the sum with that two steps later."""

    stack, steps, delay = STACK, STEPS, DELAY

    def begin(self):
        return np.zeros(6, np.float32), np.zeros((DELAY, SIZE), np.float32)

    def hear(self, frames, real, state):
        state, ahead = state
        outputs = []
        for n in range(STEPS):
            output = np.zeros(SIZE, np.float32)
            if n * STACK < real:
                vector = np.array(frames[n * STACK : (n + 1) * STACK])
                vector[max(0, real - n * STACK) :] = 0
                output, state = step(vector.ravel(), state)
            outputs.append(output)
        known = np.concatenate([ahead, outputs])
        return normalized(known[:STEPS] + known[DELAY:]), (state, known[STEPS:])


def whole(samples):
    """The log-probabilities of a recording, without blocks."""
    frames = SmallFrontend().frames(samples)
    state, outputs = np.zeros(6, np.float32), []
    for begin in range(0, len(frames), STACK):
        part = frames[begin : begin + STACK]
        vector = np.concatenate([part, np.zeros((STACK - len(part), MELS), np.float32)])
        output, state = step(vector.ravel(), state)
        outputs.append(output)
    known = np.concatenate([np.reshape(outputs, (-1, SIZE)), np.zeros((DELAY, SIZE))])
    return normalized(known[: len(outputs)] + known[DELAY:])


def listener(endpoints=NEVER, beam_size=4):
    beam = PrefixBeam(SIZE, PrefixBeamOptions(beam_size=beam_size))
    return Listener(SmallNetwork(), SmallFrontend(), CODEC, beam, endpoints)


def collect(stream, pieces):
    updates = [*(stream.push(piece) for piece in pieces), stream.finish()]
    return [word for update in updates for word in update.tokens], updates


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 6000), max_size=6), rate=st.sampled_from([RATE, 11025]))
def test_every_cutting_gives_the_words_of_the_whole_recording(cuts, rate):
    samples = sound(0.75)
    expected, _ = collect(Stream(listener(), rate), [samples])
    assert len(expected) >= 2
    edges = [0, *sorted(min(cut, len(samples)) for cut in cuts), len(samples)]
    found, _ = collect(Stream(listener(), rate), [samples[a:b] for a, b in itertools.pairwise(edges)])
    assert found == expected  # texts, times and confidences, to the bit


@pytest.mark.parametrize("count", [0, 1, 199, 200, 201, 360, 2000, 6000])
def test_blocks_give_what_the_network_gives_without_blocks(count):
    samples = sound(1.0)[:count]
    found, _ = collect(Stream(listener(), RATE), [samples[:50], samples[50:]])
    log_probs = whole(samples)
    label = prefix_beam_search(log_probs, PrefixBeamOptions(beam_size=4))[0]
    expected = words_of(CODEC, label.emissions, STACK * 80 / RATE)
    assert [word.text for word in found] == [word.text for word in expected]
    for one, other in zip(found, expected, strict=True):
        assert (one.start, one.end) == (other.start, other.end)
        assert one.confidence == pytest.approx(other.confidence, rel=1e-4)


def test_one_sample_at_a_time_gives_the_same():
    samples = sound(0.2)
    expected, _ = collect(Stream(listener(), RATE), [samples])
    assert expected
    assert collect(Stream(listener(), RATE), [samples[n : n + 1] for n in range(len(samples))])[0] == expected


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(0, 16000), max_size=5))
def test_endpoints_do_not_depend_on_the_cutting_either(cuts):
    samples = np.concatenate([sound(0.6), np.zeros(RATE // 2, np.float32), sound(0.6, 1)])
    endpoints = Endpoints(after_words=0.2, without_words=0.3, longest=0.7)
    expected, updates = collect(Stream(listener(endpoints), RATE), [samples])
    edges = [0, *sorted(min(cut, len(samples)) for cut in cuts), len(samples)]
    pieces = [samples[a:b] for a, b in itertools.pairwise(edges)]
    found, updates = collect(Stream(listener(endpoints), RATE), pieces)
    assert found == expected
    assert updates[-1].endpoint


def test_an_endpoint_makes_all_words_final_and_loses_none():
    samples, size = sound(1.0), 15  # steps of an utterance
    longest = size * STACK * 80 / RATE
    stream = Stream(listener(Endpoints(longest=longest, after_words=math.inf, without_words=math.inf)), RATE)
    found, updates = collect(stream, [samples[n : n + 240] for n in range(0, len(samples), 240)])
    log_probs, options = whole(samples), PrefixBeamOptions(beam_size=4)
    expected = []
    for begin in range(0, len(log_probs), size):
        label = prefix_beam_search(log_probs[begin : begin + size], options)[0]
        expected += words_of(CODEC, label.emissions, STACK * 80 / RATE, begin)
    assert len(expected) >= 6
    assert [(word.text, word.start, word.end) for word in found] == [(w.text, w.start, w.end) for w in expected]
    assert sum(update.endpoint for update in updates) == -(-len(log_probs) // size)


def test_the_state_of_a_stream_stays_of_constant_size():
    heard = listener(Endpoints(longest=2.0))
    state, sizes = heard.begin(RATE), []
    for seed in range(12):
        state, _ = heard.advance(state, sound(1.0, seed))
        beam = state.beam
        arrays = [state.tail, state.frames, state.resampler.tail, beam.ids, beam.alignments.frames]
        sizes.append(sum(part.nbytes for part in arrays) + 100 * (len(beam.committed) + len(state.open)))
    assert max(sizes) < 60_000
    assert max(sizes[6:]) <= 1.5 * max(sizes[:6])


def test_a_stream_that_is_finished_refuses_more():
    stream = Stream(listener(), RATE)
    stream.finish()
    for call in (stream.finish, lambda: stream.push(np.zeros(3))):
        with pytest.raises(ValueError, match="The stream is finished"):
            call()


@pytest.mark.parametrize("samples", [np.zeros((3, 2)), np.array([0.0, np.nan]), np.array([np.inf]), np.array(["a"])])
def test_what_is_no_sound_is_refused(samples):
    with pytest.raises(ValueError, match="Expected samples of one channel"):
        Stream(listener(), RATE).push(samples)


def test_a_word_has_the_times_of_its_own_symbols():
    ids = {piece: number for number, piece in enumerate([*"ab "], 4)}
    symbols = [Emission(ids[c], frame, 0.5) for c, frame in zip(" ab a b", (0, 2, 4, 6, 9, 10, 12), strict=True)]
    found = words_of(CODEC, symbols, 0.1, origin=10)
    assert [(word.text, round(word.start, 6), round(word.end, 6)) for word in found] == [
        ("ab", 1.2, 1.5),
        ("a", 1.9, 2.0),
        ("b", 2.2, 2.3),
    ]
    assert all(word.confidence == pytest.approx(0.5) for word in found)
    assert words_of(CODEC, [], 0.1) == []
