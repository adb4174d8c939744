"""The synthesiser is a function of words, voice and generator, and its words can be told apart."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.audio.features import LogMels
from seq2seq.audio.synthesis import PRONUNCIATIONS, WORDS, Voice, _phonemes, draw_voice, synthesize


def test_every_word_has_a_pronunciation_of_its_own_from_known_phonemes():
    assert 10 <= len(WORDS) <= 20
    assert len(set(PRONUNCIATIONS.values())) == len(WORDS)
    assert {name for names in PRONUNCIATIONS.values() for name in names} <= set(_phonemes())


@pytest.mark.parametrize("rate", [8000, 16000])
def test_speech_is_a_function_of_words_voice_and_generator(rate):
    once, again, other = (
        synthesize(["one", "six", "stop"], draw_voice(random), random, rate)
        for random in map(np.random.default_rng, (3, 3, 4))
    )
    assert once.samples.tolist() == again.samples.tolist()
    assert once.words == again.words != other.words
    assert once.samples.dtype == np.float32
    assert 0.05 < np.abs(once.samples).max() <= 1


def test_words_are_where_they_are_said_to_be():
    random = np.random.default_rng(5)
    samples, words = synthesize(WORDS, Voice(noise=60), random, 8000)
    assert [word for word, _, _ in words] == list(WORDS)
    ends = [time for _, *times in words for time in times]
    assert ends == sorted(ends)
    assert all(0.15 < end - start < 0.9 for _, start, end in words)
    inside = np.zeros(len(samples), bool)
    for _, start, end in words:
        inside[round((start - 0.02) * 8000) : round((end + 0.02) * 8000)] = True
    power = samples.astype(float) ** 2
    assert power[inside].mean() > 1e4 * power[~inside].mean()


def test_a_voice_has_its_pitch_level_and_tempo():
    def spoken(**voice):
        return synthesize(["no", "nine", "zero", "one"] * 2, Voice(noise=90, **voice), np.random.default_rng(1), 8000)

    for pitch in (100, 200):
        samples = spoken(pitch=pitch).samples.astype(float)
        found = np.fft.irfft(np.abs(np.fft.rfft(samples, 1 << 16)) ** 2)[8000 // 300 : 8000 // 70]
        assert 8000 / (8000 // 300 + found.argmax()) == pytest.approx(pitch, rel=0.15)
    for level in (-40, -26):
        samples, words = spoken(level=level)
        parts = [samples[round(start * 8000) : round(end * 8000)] for _, start, end in words]
        assert 10 * np.log10(np.mean(np.concatenate(parts) ** 2)) == pytest.approx(level, abs=0.5)
    slow, fast = (sum(end - start for _, start, end in spoken(tempo=tempo).words) for tempo in (0.8, 1.2))
    assert slow / fast == pytest.approx(1.5, rel=0.1)


def test_a_linear_classifier_tells_the_words_of_new_voices_apart():
    """Ridge regression on 14 points of 24 log-mels; chance is 1 in 20."""
    features = LogMels(8000, 24)

    def examples(seed, count):
        random, rows = np.random.default_rng(seed), []
        for word in WORDS * count:
            samples, ((_, start, end),) = synthesize([word], draw_voice(random), random, 8000)
            frames = features.frames(samples[round((start - 0.03) * 8000) : round((end + 0.03) * 8000)])
            at = np.linspace(0, len(frames) - 1, 14)
            rows.append(np.stack([np.interp(at, np.arange(len(frames)), mel) for mel in (frames - frames.mean()).T]))
        return np.reshape(rows, (len(rows), -1)), np.tile(np.arange(len(WORDS)), count)

    (train, labels), (test, truth) = examples(1, 6), examples(2, 2)
    weights = np.linalg.solve(train @ train.T + 30 * np.eye(len(train)), np.eye(len(WORDS))[labels])
    assert ((test @ train.T @ weights).argmax(axis=1) == truth).mean() > 0.85


@pytest.mark.parametrize(
    ("words", "rate", "message"),
    [
        (["one", "hello"], 16000, "words among zero, one, .* Received: 'hello'"),
        ([], 16000, "Received: 'none'"),
        (["one"], 4000, "a rate of at least 8,000 Hz, a multiple of 200. Received: 4000"),
        (["one"], 11025, "Received: 11025"),
    ],
)
def test_what_cannot_be_said_is_refused(words, rate, message):
    with pytest.raises(ValueError, match=message):
        synthesize(words, Voice(), np.random.default_rng(1), rate)
