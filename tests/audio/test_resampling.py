"""Resampling: the same bits for every cutting, tones kept up to the Nyquist frequency, and none made."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seq2seq.audio.resampling import PASS_BAND, advance, lookahead, resample, start

RATES = [(8000, 16000), (16000, 8000), (44100, 16000), (22050, 16000), (48000, 16000), (9, 10), (11, 10)]
ERROR, ALIAS = 10 ** (-78 / 20), 10 ** (-80 / 20)
"""What the module states."""


PIECES = st.lists(st.sampled_from([0, 1, 2, 7, 160, 500]), max_size=9)


@pytest.mark.parametrize("rates", [*RATES, (16000, 16000), (192000, 16000), (8000, 44100)], ids=str)
@settings(max_examples=30, deadline=None)
@given(count=st.integers(0, 1500), pieces=PIECES)
@example(count=90, pieces=[1] * 90)
def test_every_cutting_gives_the_same_bits_and_length(rates, count, pieces):
    samples = np.random.default_rng(count).normal(size=count).astype(np.float32)
    whole = resample(samples, *rates)
    assert len(whole) == -(-count * rates[1] // rates[0])
    state, outputs = start(*rates), []
    size = len(state.tail)
    *before, rest = np.split(samples, np.minimum(np.cumsum([*pieces, 0]), count))
    for piece in before:
        values, state = advance(state, piece)
        outputs.append(values)
        assert len(state.tail) == size
    values, state = advance(state, rest, last=True)
    assert np.array_equal(np.concatenate([*outputs, values]).view(np.int32), whole.view(np.int32))
    assert not state.tail.any()
    assert state.position == 0


def tone(share, source_rate, rate, count):
    """A tone at this share of the lower Nyquist frequency, at both rates."""
    frequency = share * min(source_rate, rate) / 2
    outputs = -(-count * rate // source_rate)
    return (
        np.cos(2 * np.pi * frequency * np.arange(count) / source_rate + 0.3).astype(np.float32),
        np.cos(2 * np.pi * frequency * np.arange(outputs) / rate + 0.3),
    )


@pytest.mark.parametrize("rates", RATES, ids=str)
def test_a_tone_in_the_pass_band_is_that_tone_at_the_new_rate(rates):
    for share in (0.01, 0.3, 0.5, 0.8, 0.85, PASS_BAND):
        samples, expected = tone(share, *rates, count=3000)
        middle = slice(len(expected) // 4, -len(expected) // 4)  # there are zeros behind both ends
        assert np.abs(resample(samples, *rates) - expected)[middle].max() < ERROR


@pytest.mark.parametrize("rates", [rates for rates in RATES if rates[0] > rates[1]], ids=str)
def test_a_tone_above_the_new_nyquist_frequency_leaves_no_alias(rates):
    for share in np.linspace(1.0, rates[0] / rates[1], 9, endpoint=False):
        outputs = resample(tone(share, *rates, count=3000)[0], *rates)
        assert np.abs(outputs[len(outputs) // 4 : -len(outputs) // 4]).max() < ALIAS


@pytest.mark.parametrize("rates", RATES, ids=str)
def test_silence_stays_silent_and_a_constant_constant(rates):
    outputs = resample(np.ones(3000, np.float32), *rates)
    np.testing.assert_allclose(outputs[len(outputs) // 4 : -len(outputs) // 4], 1, atol=1e-6)
    assert not resample(np.zeros(100, np.float32), *rates).any()


def test_an_output_comes_as_soon_as_what_it_reads():
    rates = 44100, 16000
    needed = round(lookahead(*rates) * rates[0])
    assert lookahead(*rates) < 0.004
    assert lookahead(16000, 16000) == 0
    assert len(advance(start(*rates), np.ones(needed, np.float32))[0]) == 0
    assert len(advance(start(*rates), np.ones(needed + 1, np.float32))[0]) == 1


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ((0, 16000), "sample rates of at least 1 Hz. Received: 0 and 16000"),
        ((16000, -8000), "Received: 16000 and -8000"),
        ((192_000, 191_999), "in a ratio of small numbers. Received: 192,000 Hz and 191,999 Hz"),
        ((4_000_000_000, 16000), "in a ratio of small numbers"),
    ],
)
def test_rates_without_a_use_are_refused(rates, message):
    with pytest.raises(ValueError, match=message):
        start(*rates)
    with pytest.raises(ValueError, match=r"samples of one channel, \(samples,\). Received: \(2, 3\)"):
        resample(np.zeros((2, 3), np.float32), 8000, 16000)
