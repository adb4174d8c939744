"""Changes to sound and features for training. Each is a function of its input and a generator. Imports no framework.

Who calls derives the generator from (seed, epoch, row), so that a resumed training sees what it would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from seq2seq.audio.features import Frames
from seq2seq.audio.resampling import resample
from seq2seq.audio.wav import Samples

_STEEPEST = 2.0
"""Noise falls with frequency to the power of at most this: 0 is white, 1 pink, 2 brown."""


@dataclass(frozen=True)
class SpecAugment:
    """Hides bands of frequencies and spans of time (Park et al. 2019; without the warp of time, which gains little).

    Masks hold 0, which is the mean of normalised features. The width of each mask is uniform from 0 to its maximum, and
    its place is uniform.

    Raises:
        ValueError: a number is negative, or the share is not from 0 to 1.
    """

    frequency_masks: int = 2
    frequency_width: int = 20
    """Most mel channels of a mask; at most half of all channels are taken."""
    time_masks: int = 4
    time_width: int = 40
    """Most frames of a mask."""
    time_share: float = 0.2
    """Largest share of an utterance that all its time masks hide together."""

    def __post_init__(self) -> None:
        counts = self.frequency_masks, self.frequency_width, self.time_masks, self.time_width
        if min(counts) < 0 or not 0 <= self.time_share <= 1:
            raise ValueError(f"Expected numbers of at least 0 and a share of at most 1. Received: {self}")

    def __call__(self, frames: Frames, random: np.random.Generator) -> Frames:
        """Returns a copy of normalised frames, `(frames, mels)`, with masks."""
        frames = frames.copy()
        length, mels = frames.shape
        for _ in range(self.frequency_masks):
            begin, end = _span(mels, min(self.frequency_width, mels // 2), random)
            frames[:, begin:end] = 0
        for _ in range(self.time_masks):
            most = int(self.time_share * length / self.time_masks)
            begin, end = _span(length, min(self.time_width, most), random)
            frames[begin:end] = 0
        return frames


@dataclass(frozen=True)
class Channel:
    """Changes loudness, and the balance of low and high frequencies, as another microphone or distance does.

    Raises:
        ValueError: the deviation is not a number of at least 0.
    """

    deviation: float = 3.0
    """dB: the standard deviation of the loudness, and of how much the highest band gains on the middle one."""

    def __post_init__(self) -> None:
        if not 0 <= self.deviation <= 100:
            raise ValueError(f"Expected a deviation from 0 to 100 dB. Received: {self.deviation}")

    def __call__(self, frames: Frames, scale: Sequence[float], random: np.random.Generator) -> Frames:
        """Returns normalised frames, `(frames, mels)`, of a changed sound.

        Args:
            frames: Normalised.
            scale: `(mels,)`: what the normaliser divided by.
            random: Where the change is drawn from.
        """
        loudness, tilt = self.deviation * random.standard_normal(2)
        decibels = loudness + tilt * np.linspace(-1, 1, frames.shape[1])
        nats = decibels * (np.log(10) / 10)
        return frames + (nats / np.asarray(scale)).astype(np.float32)


@dataclass(frozen=True)
class Noise:
    """Adds noise to a share of the utterances, at a signal-to-noise ratio drawn uniformly in dB.

    The noise is one of the recordings, or Gaussian with a spectrum that falls as much as pink and brown noise do.

    Raises:
        ValueError: the share is not from 0 to 1, or the ratios are not finite or not in ascending order.
    """

    share: float = 0.5
    """Of the utterances."""
    least: float = 5.0
    """dB."""
    most: float = 30.0
    """dB."""

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1 or not -100 <= self.least <= self.most <= 200:
            raise ValueError(
                f"Expected a share from 0 to 1, and ratios from -100 to 200 dB, the least first. Received: {self}"
            )

    def __call__(self, samples: Samples, random: np.random.Generator, recordings: Sequence[Samples] = ()) -> Samples:
        """Returns samples with noise, or the same.

        Args:
            samples: `(samples,)`, float32.
            random: Where the noise is drawn from.
            recordings: Noise at the same rate, each with at least one sample; a random part of one is taken, repeated
                if it is too short.
        """
        if random.random() >= self.share:
            return samples
        ratio = random.uniform(self.least, self.most)
        if recordings:
            recording = recordings[int(random.integers(len(recordings)))]
            begin = int(random.integers(len(recording)))
            noise = np.take(recording, np.arange(begin, begin + len(samples)), mode="wrap")
        else:
            noise = colored_noise(len(samples), random.uniform(0, _STEEPEST), random)
        return add_noise(samples, noise, ratio)


def add_noise(samples: Samples, noise: Samples, ratio: float) -> Samples:
    """Returns samples plus noise of the same length, scaled so that the ratio of their powers is `ratio` dB.

    Where either is silent, the samples stay as they are.
    """
    power, disturbance = (
        float(np.mean(np.square(one, dtype=np.float64))) if len(one) else 0.0 for one in (samples, noise)
    )
    if not power or not disturbance:
        return samples
    return samples + noise * np.float32(np.sqrt(power / disturbance) * 10 ** (-ratio / 20))


def colored_noise(count: int, slope: float, random: np.random.Generator) -> Samples:
    """Returns Gaussian noise, `(count,)`, whose power falls with frequency to the power of `slope`."""
    if not count:
        return np.zeros(0, np.float32)
    spectrum = np.fft.rfft(random.standard_normal(count))
    spectrum *= np.maximum(np.arange(len(spectrum)), len(spectrum) / 100) ** (-slope / 2)
    spectrum[0] = 0
    return np.fft.irfft(spectrum, count).astype(np.float32)


def change_speed(samples: Samples, speed: float) -> Samples:
    """Returns a sound played faster, 1.1, or slower, 0.9, with its pitch and formants (Ko et al. 2015).

    Args:
        samples: `(samples,)`, float32.
        speed: Above 0. A number of two decimals is meant: 0.9 is 9/10.
    """
    if not 0.1 <= speed <= 10:
        raise ValueError(f"Expected a speed from 0.1 to 10. Received: {speed}")
    ratio = Fraction(speed).limit_denominator(100)
    return resample(samples, ratio.numerator, ratio.denominator)


def draw_speed(speeds: Sequence[float], random: np.random.Generator) -> float:
    """Returns one of the speeds, each as likely."""
    return speeds[int(random.integers(len(speeds)))]


def _span(length: int, most: int, random: np.random.Generator) -> tuple[int, int]:
    """Draws a width from 0 to `most` and a place for it; takes two draws whatever the length."""
    width = int(random.random() * (most + 1))
    begin = int(random.random() * (length - width + 1))
    return begin, begin + width
