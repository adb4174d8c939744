"""What is heard in training is a function of the sound and the generator, and stays within what was asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.audio.augmentation import Channel, Noise, SpecAugment, add_noise, change_speed, colored_noise, draw_speed
from seq2seq.audio.features import LogMels, Normalizer

SOUND = np.sin(np.arange(8000) / 5).astype(np.float32)


def generator(row=0):
    return np.random.default_rng([7, 1, row])


def runs(hidden):
    """How many spans of hidden entries there are, and the longest."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], hidden, [False]])))
    lengths = edges[1::2] - edges[::2]
    return len(lengths), int(lengths.max(initial=0))


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(0, 120),
    mels=st.integers(1, 24),
    masks=st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(0, 5), st.integers(0, 40)),
    share=st.floats(0, 1),
    row=st.integers(0, 99),
)
def test_masks_hide_no_more_than_they_may_and_leave_the_rest(length, mels, masks, share, row):
    augment, frames = SpecAugment(*masks, share), np.ones((length, mels), np.float32)
    masked = augment(frames, generator(row))
    assert np.array_equal(masked, augment(frames, generator(row)))
    assert frames.all()
    hidden = masked == 0
    columns, rows = hidden.all(axis=0), hidden.all(axis=1)
    if not length or columns.all():
        return
    assert np.array_equal(hidden, columns | rows[:, None])
    assert columns.sum() <= masks[0] * min(masks[1], mels // 2)
    assert rows.sum() <= share * length
    assert rows.sum() <= masks[2] * masks[3]


def test_masks_reach_their_greatest_width_and_both_ends():
    frames = np.ones((50, 10), np.float32)
    seen = [SpecAugment(1, 4, 1, 20, 0.2)(frames, generator(row)) == 0 for row in range(300)]
    columns, rows = (np.array([hidden.all(axis=axis) for hidden in seen]) for axis in (0, 1))
    assert {runs(one)[1] for one in columns} == set(range(5))
    assert {runs(one)[1] for one in rows} == set(range(11))
    assert columns.any(axis=0).all()
    assert rows.any(axis=0).all()


def test_no_masks_leave_everything():
    frames = np.random.default_rng(1).normal(size=(9, 4)).astype(np.float32)
    assert SpecAugment(0, 0, 0, 0, 0.0)(frames, generator()).tolist() == frames.tolist()


@pytest.mark.parametrize("ratio", [-5, 0, 20])
def test_noise_has_the_ratio_asked_for(ratio):
    noise = colored_noise(len(SOUND), 1.0, generator())
    added = add_noise(SOUND, noise, ratio) - SOUND
    assert added.dtype == np.float32
    assert 10 * np.log10(np.mean(SOUND**2) / np.mean(added**2)) == pytest.approx(ratio, abs=0.01)


def test_noise_comes_in_its_share_of_utterances_at_ratios_of_its_range():
    noise = Noise(0.5, 5, 20)
    ratios = []
    for row in range(200):
        noisy = noise(SOUND, generator(row))
        assert noisy.tolist() == noise(SOUND, generator(row)).tolist()
        if noisy is not SOUND:
            ratios.append(10 * np.log10(np.mean(SOUND**2) / np.mean((noisy - SOUND) ** 2)))
    assert 80 < len(ratios) < 120
    assert 4.9 < min(ratios) < 6
    assert 19 < max(ratios) < 20.1


def test_recorded_noise_is_taken_from_a_random_place_and_repeated():
    recording = np.arange(1, 6, dtype=np.float32)
    noisy = Noise(1, 0, 0)(np.ones(12, np.float32), generator(), [recording])
    steps = np.diff(noisy - 1) / np.abs(np.diff(noisy - 1)).min()
    assert set(np.round(steps).tolist()) == {1.0, -4.0}


def test_silence_stays_silent_and_nothing_nothing():
    assert not Noise(1)(np.zeros(100, np.float32), generator()).any()
    assert len(Noise(1)(np.zeros(0, np.float32), generator())) == 0
    assert add_noise(SOUND, np.zeros_like(SOUND), 5) is SOUND


@pytest.mark.parametrize("slope", [0.0, 1.0, 2.0])
def test_noise_falls_with_frequency_as_asked(slope):
    power = np.abs(np.fft.rfft(colored_noise(1 << 15, slope, generator()))) ** 2
    octaves = [np.log2(power[1 << n : 2 << n].mean()) for n in range(9, 14)]
    np.testing.assert_allclose(np.diff(octaves), -slope, atol=0.3)


@pytest.mark.parametrize("speed", [0.9, 1.0, 1.1, 2.0])
def test_speed_changes_the_length_and_the_pitch(speed):
    faster = change_speed(SOUND, speed)
    assert len(faster) == np.ceil(len(SOUND) / round(speed, 2) - 1e-9)
    expected = np.sin(np.arange(len(faster)) * speed / 5)
    np.testing.assert_allclose(faster[200:-200], expected[200:-200], atol=2e-4)
    assert speed != 1 or faster is SOUND


def test_every_speed_is_drawn():
    assert {draw_speed((0.9, 1.0, 1.1), generator(row)) for row in range(30)} == {0.9, 1.0, 1.1}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SpecAugment(time_masks=-1), "numbers of at least 0 and a share of at most 1. Received: .*=-1"),
        (lambda: SpecAugment(time_share=1.5), "Received: .*time_share=1.5"),
        (lambda: Noise(share=2), "a share from 0 to 1"),
        (lambda: Noise(least=9, most=3), "the least first. Received: .*least=9, most=3"),
        (lambda: Noise(most=float("nan")), "ratios from -100 to 200 dB"),
        (lambda: Channel(-1.0), "a deviation from 0 to 100 dB"),
        (lambda: change_speed(SOUND, 0), "a speed from 0.1 to 10. Received: 0"),
        (lambda: change_speed(SOUND, float("nan")), "a speed from 0.1 to 10. Received: nan"),
    ],
)
def test_options_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_louder_channel_is_what_louder_samples_give():
    mels = LogMels(8000, 20)
    samples = 0.1 * np.random.default_rng(3).standard_normal(4000).astype(np.float32)
    normalizer = Normalizer(tuple(range(20)), tuple(0.5 + n for n in range(20)))
    changed = Channel(6.0)(normalizer(mels.frames(samples)), normalizer.scale, generator())
    loudness, tilt = 6.0 * generator().standard_normal(2)
    middle = np.mean([loudness + tilt * at for at in np.linspace(-1, 1, 20)[9:11]])  # of the two bands in the middle
    louder = normalizer(mels.frames(samples * np.float32(10 ** (middle / 20))))
    np.testing.assert_allclose(changed[:, 9:11].mean(axis=1), louder[:, 9:11].mean(axis=1), atol=1e-2)
    apart = (changed - normalizer(mels.frames(samples))) * normalizer.scale
    np.testing.assert_allclose(apart - apart[:1], 0, atol=1e-4)  # the same for all frames
    assert (apart[0, 19] - apart[0, 0]) * 10 / np.log(10) == pytest.approx(2 * tilt, rel=1e-3)


def test_channels_spread_as_stated():
    frames, scale = np.zeros((1, 3), np.float32), (1.0, 1.0, 1.0)
    found = np.concatenate([Channel(3.0)(frames, scale, generator(row)) for row in range(2000)]) * 10 / np.log(10)
    assert found[:, 1].std() == pytest.approx(3.0, rel=0.1)
    assert (found[:, 2] - found[:, 1]).std() == pytest.approx(3.0, rel=0.1)
