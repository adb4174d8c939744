"""Log-mels as Kaldi defines them, the same bits for every cutting; one mean and deviation for a whole corpus."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seq2seq.audio.features import LEAST_SCALE, LogMels, Normalizer
from seq2seq.audio.resampling import PASS_BAND, resample

FRONT_ENDS = [(16000, 80), (16000, 40), (8000, 40), (11025, 23)]


def sound(count, seed=1):
    """Noise with a spectrum like speech, and an offset."""
    random = np.random.default_rng(seed)
    return (0.02 * np.cumsum(random.normal(size=count)) % 0.5 - 0.1 + 0.01 * random.normal(size=count)).astype(
        np.float32
    )


@pytest.mark.parametrize("front_end", FRONT_ENDS, ids=str)
def test_features_equal_those_of_kaldi(front_end):
    kaldi = pytest.importorskip("kaldi_native_fbank", reason="the reference is not installed")
    rate, mels = front_end
    options = kaldi.FbankOptions()
    options.frame_opts.samp_freq, options.frame_opts.dither, options.mel_opts.num_bins = rate, 0, mels
    samples = np.concatenate([sound(rate // 2), np.zeros(rate // 10, np.float32), sound(rate // 2, 2) / 1000])
    bank = kaldi.OnlineFbank(options)
    bank.accept_waveform(rate, (samples * 32768).tolist())
    bank.input_finished()
    expected = np.array([bank.get_frame(i) for i in range(bank.num_frames_ready)])
    np.testing.assert_allclose(LogMels(rate, mels).frames(samples), expected, atol=1e-3)


@pytest.mark.parametrize("front_end", FRONT_ENDS, ids=str)
def test_features_follow_the_definition(front_end):
    rate, mels = front_end
    features = LogMels(rate, mels)
    samples, window, hop = sound(rate // 4), int(rate * 0.025), int(rate * 0.01)
    frames = features.frames(samples)
    assert frames.shape == (1 + (len(samples) - window) // hop, mels)
    assert frames.dtype == np.float32
    edges = np.linspace(1127 * np.log(1 + 20 / 700), 1127 * np.log(1 + rate / 2 / 700), mels + 2)
    for number in (0, 7, len(frames) - 1):
        part = 32768 * samples[number * hop : number * hop + window].astype(float)
        part -= part.mean()
        part = part - 0.97 * np.concatenate([part[:1], part[:-1]])
        part *= (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / (window - 1))) ** 0.85
        size = 256 if window <= 256 else 512
        turns = np.exp(-2j * np.pi * np.outer(np.arange(size // 2), np.arange(window)) / size)
        power = np.abs(turns @ part) ** 2
        mel = 1127 * np.log(1 + np.arange(size // 2) * rate / size / 700)
        energies = [
            np.interp(mel, [left, centre, right], [0, 1, 0]) @ power
            for left, centre, right in zip(edges, edges[1:], edges[2:], strict=False)
        ]
        np.testing.assert_allclose(frames[number], np.log(energies), atol=2e-3)


@settings(max_examples=50, deadline=None)
@given(count=st.integers(0, 3000), pieces=st.lists(st.sampled_from([0, 1, 3, 80, 199, 1000]), max_size=9))
@example(count=290, pieces=[1] * 290)
def test_every_cutting_gives_the_same_bits(count, pieces):
    features, samples = LogMels(8000, 40), sound(count)
    whole = features.frames(samples)
    assert len(whole) == features.count(count)
    tail, frames = features.start(), []
    *before, rest = np.split(samples, np.minimum(np.cumsum([*pieces, 0]), count))
    for piece in before:
        new, tail = features.advance(tail, piece)
        frames.append(new)
        assert len(tail) < features.window_samples
    new, tail = features.advance(tail, rest, last=True)
    assert np.array_equal(np.concatenate([*frames, new]).view(np.int32), whole.view(np.int32))
    assert not len(tail)


def test_long_signals_are_computed_in_blocks_of_the_same_bits():
    features, samples = LogMels(8000, 23), sound(80 * 1100)
    whole = features.frames(samples)
    one_by_one = [features.frames(samples[80 * i : 80 * i + 200]) for i in (0, 511, 512, 1023, 1024, 1097)]
    assert np.concatenate(one_by_one).tolist() == whole[[0, 511, 512, 1023, 1024, 1097]].tolist()


@pytest.mark.parametrize(("count", "frames"), [(0, 0), (1, 0), (399, 0), (400, 1), (559, 1), (560, 2)])
def test_only_whole_windows_give_frames(count, frames):
    assert LogMels().frames(np.zeros(count, np.float32)).shape == (frames, 80)
    assert LogMels().count(count) == frames


def test_silence_and_an_offset_have_the_lowest_value():
    lowest = np.log(np.finfo(np.float32).eps)
    assert set(LogMels().frames(np.zeros(800, np.float32)).ravel().tolist()) == {np.float32(lowest)}
    assert LogMels().frames(np.full(800, 0.5, np.float32)).max() < lowest + 5


@pytest.mark.parametrize("source_rate", [8000, 48000])
def test_another_rate_resampled_has_the_features_of_the_true_rate(source_rate):
    """Tones at both rates, all in the pass band: wherever there is sound, features differ by at most 0.02 nats."""
    random, rate = np.random.default_rng(4), 16000
    frequencies = random.uniform(50, PASS_BAND * min(source_rate, rate) / 2, 150)
    turns = random.uniform(size=150)
    true, given = (
        np.cos(2 * np.pi * (np.outer(np.arange(hz // 2) / hz, frequencies) + turns)).sum(axis=1) / 150
        for hz in (rate, source_rate)
    )
    features = LogMels(rate, 40)
    expected = features.frames(true.astype(np.float32))[5:-5]
    found = features.frames(resample(given.astype(np.float32), source_rate, rate))[5:-5]
    loud = expected > expected.max() - 10
    assert loud.mean() > 0.4
    assert np.abs(found - expected)[loud].max() < 0.02


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rate": 0}, "a rate and a number of mels of at least 1. Received: 0, 80"),
        ({"mels": 0}, "Received: 16000, 0"),
        ({"hop": 0.03}, "a hop of at least 1, at most the window. Received: 0.025 and 0.03 seconds"),
        ({"hop": 0}, "Received: 0.025 and 0 seconds"),
        ({"window": float("nan")}, "Received: nan"),
        ({"rate": 30}, "a window of at least 2 samples.* at 30 Hz"),
        ({"rate": 8000, "mels": 120}, "fewer mels, or a longer window: filter .* Received: 120 mels"),
    ],
)
def test_a_front_end_that_cannot_be_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        LogMels(**values)
    with pytest.raises(ValueError, match=r"samples of one channel.* Received: \(2, 3\)"):
        LogMels().frames(np.zeros((2, 3), np.float32))


def test_a_corpus_normalized_has_mean_0_and_deviation_1():
    random = np.random.default_rng(2)
    corpus = [random.normal(-1000, [2, 3], (count, 2)).astype(np.float32) for count in (0, 1, 50, 300)]
    normalizer = Normalizer.fit(iter(corpus))
    everything = np.concatenate(corpus)
    np.testing.assert_allclose(normalizer.mean, everything.mean(axis=0, dtype=float), rtol=1e-9)
    np.testing.assert_allclose(normalizer.scale, everything.std(axis=0, dtype=float), rtol=1e-6)
    normalized = normalizer(everything)
    assert normalized.dtype == np.float32
    np.testing.assert_allclose([normalized.mean(axis=0), normalized.std(axis=0)], [[0, 0], [1, 1]], atol=1e-3)
    assert np.concatenate([normalizer(one) for one in corpus]).tolist() == normalized.tolist()
    assert Normalizer(**json.loads(json.dumps(asdict(normalizer)))) == normalizer


def test_a_channel_that_hardly_varies_is_not_amplified():
    assert Normalizer.fit([np.full((9, 1), 3, np.float32)]) == Normalizer((3.0,), (LEAST_SCALE,))


@pytest.mark.parametrize(
    ("mean", "scale"), [((), ()), ((1.0,), (1.0, 2.0)), ((1.0,), (0.0,)), ((float("nan"),), (1.0,))], ids=str
)
def test_numbers_that_cannot_normalize_are_refused(mean, scale):
    with pytest.raises(ValueError, match="as many means as scales, all finite, and scales above 0"):
        Normalizer(mean, scale)


def test_no_frames_cannot_be_fitted():
    with pytest.raises(ValueError, match=r"frames to compute mean and deviation of. Received: none"):
        Normalizer.fit([np.zeros((0, 80), np.float32)])
