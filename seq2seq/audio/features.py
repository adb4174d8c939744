"""Log-mel features: one NumPy function for training, files and streams. Imports no framework.

The definition is Kaldi's (`compute-fbank-feats` without dither), so that models of others and ours see the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from seq2seq.audio.wav import Samples

Frames = NDArray[np.float32]
"""`(frames, mels)`: natural logarithms of energies."""

FULL_SCALE = np.float32(32768)
"""Kaldi's samples are 16-bit integers."""
PREEMPHASIS = np.float32(0.97)
FLOOR = np.finfo(np.float32).eps
_LOWEST = 20.0
"""Hz. The lower edge of the first filter; the upper edge of the last is the Nyquist frequency."""
_BLOCK = 512
"""Frames computed at once."""
LEAST_SCALE = 0.1
"""A mel channel that varies less in training, such as one above the band of a telephone, is not amplified further."""


@dataclass(frozen=True)
class LogMels:
    """The log-mel energies of short windows of a signal.

    Of each window the mean is removed, then: pre-emphasis of 0.97, Povey window, power spectrum, triangular filters
    evenly spaced in mel = 1127 ln(1 + f / 700) from 20 Hz to the Nyquist frequency, logarithm of at least the epsilon
    of float32. The first window begins at the first sample. Samples after the last whole window give no frame, so a
    signal shorter than a window has none.

    Raises:
        ValueError: a number is out of range, or there are more filters than the spectrum can tell apart.
    """

    rate: int = 16000
    """Of the samples, Hz."""
    mels: int = 80
    """Number of filters."""
    window: float = 0.025
    """Seconds."""
    hop: float = 0.010
    """Seconds between two frames, at most the window."""

    def __post_init__(self) -> None:
        if self.rate < 1 or self.mels < 1:
            raise ValueError(f"Expected a rate and a number of mels of at least 1. Received: {self.rate}, {self.mels}")
        if not 0 < self.hop <= self.window <= 10 or self.hop_samples < 1 or self.window_samples < 2:
            raise ValueError(
                f"Expected a window of at least 2 samples, and a hop of at least 1, at most the window. "
                f"Received: {self.window} and {self.hop} seconds at {self.rate:,} Hz"
            )
        empty = np.flatnonzero(self.filters.sum(axis=0) == 0)
        if len(empty):
            raise ValueError(
                f"Expected fewer mels, or a longer window: filter {empty[0] + 1} lies between two frequencies of the "
                f"spectrum. Received: {self.mels} mels in windows of {self.window} seconds at {self.rate:,} Hz"
            )

    @property
    def window_samples(self) -> int:
        """Samples of a window."""
        return int(round(self.rate * self.window, 6))

    @property
    def hop_samples(self) -> int:
        """Samples from one window to the next."""
        return int(round(self.rate * self.hop, 6))

    @property
    def taper(self) -> Samples:
        """What a window is multiplied by, `(window_samples,)`."""
        return _povey(self.window_samples)

    @property
    def filters(self) -> Frames:
        """The weight of each frequency in each filter, `(fft_size / 2, mels)`: all but the Nyquist frequency."""
        return _filters(self.rate, self.mels, self.fft_size)

    @property
    def fft_size(self) -> int:
        """Samples of a window filled up with zeros, a power of two."""
        return _power_of_two(self.window_samples)

    def count(self, samples: int) -> int:
        """Returns how many frames so many samples give."""
        return max(0, 1 + (samples - self.window_samples) // self.hop_samples)

    def start(self) -> Samples:
        """Returns the tail before the first sample."""
        return np.zeros(0, np.float32)

    def advance(self, tail: Samples, samples: Samples, last: bool = False) -> tuple[Frames, Samples]:
        """Returns the frames whose windows are complete, and the tail that the next ones need.

        All frames together have the same bits for every cutting of the signal.

        Args:
            tail: Samples from the beginning of the next window on, fewer than a window; `start()` at first.
            samples: `(samples,)`, float, full scale 1; may be empty.
            last: Whether the signal ends here. What remains of a window is dropped.

        Returns:
            Frames `(frames, mels)`, float32, and the tail.
        """
        samples = np.asarray(samples, np.float32)
        if samples.ndim != 1:
            raise ValueError(f"Expected samples of one channel, (samples,). Received: {samples.shape}")
        samples = np.concatenate([tail, samples])
        count = self.count(len(samples))
        frames = np.empty((count, self.mels), np.float32)
        for begin in range(0, count, _BLOCK):
            end = min(begin + _BLOCK, count)
            part = samples[begin * self.hop_samples : (end - 1) * self.hop_samples + self.window_samples]
            frames[begin:end] = self._frames(part)
        return frames, self.start() if last else samples[count * self.hop_samples :]

    def frames(self, samples: Samples) -> Frames:
        """Returns the frames of a whole signal, `(count(samples), mels)`, float32."""
        return self.advance(self.start(), samples, last=True)[0]

    def _frames(self, samples: Samples) -> Frames:
        # Every sum runs along a row, and einsum's have one order for any number of rows; those of @ do not.
        windows = sliding_window_view(samples, self.window_samples)[:: self.hop_samples] * FULL_SCALE
        windows -= (np.einsum("nt->n", windows) / np.float32(self.window_samples))[:, None]
        emphasized = np.empty_like(windows)
        emphasized[:, 1:] = windows[:, 1:] - PREEMPHASIS * windows[:, :-1]
        emphasized[:, 0] = windows[:, 0] - PREEMPHASIS * windows[:, 0]
        spectrum = np.fft.rfft(emphasized * self.taper, self.fft_size, axis=1)[:, :-1]
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        energies = np.einsum("nf,fm->nm", power, self.filters)
        return np.log(np.maximum(energies, FLOOR))


@dataclass(frozen=True)
class Normalizer:
    """Moves every mel channel to mean 0 and scales it to deviation 1, as they were over a whole training corpus.

    The same for all utterances, so that a frame does not depend on those after it. `dataclasses.asdict` gives what JSON
    can hold, and `Normalizer(**values)` takes it.

    Raises:
        ValueError: the two differ in length, are empty or not finite, or a scale is not above 0.
    """

    mean: tuple[float, ...]
    """Of each channel."""
    scale: tuple[float, ...]
    """The standard deviation of each channel, at least `LEAST_SCALE`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", tuple(map(float, self.mean)))
        object.__setattr__(self, "scale", tuple(map(float, self.scale)))
        finite = all(map(math.isfinite, (*self.mean, *self.scale)))
        if not self.mean or len(self.mean) != len(self.scale) or not finite or min(self.scale) <= 0:
            raise ValueError(
                "Expected as many means as scales, all finite, and scales above 0. "
                f"Received: {len(self.mean)} and {len(self.scale)}: {str(self)[:200]}"
            )

    @classmethod
    def fit(cls, utterances: Iterable[Frames]) -> Normalizer:
        """Returns the mean and the deviation of all frames, from sums in float64; the frames are read once.

        Raises:
            ValueError: there are no frames, or not all are finite.
        """
        count, total, squares, shift = 0, np.zeros(()), np.zeros(()), np.zeros(())
        for frames in utterances:
            if not len(frames):
                continue
            if not count:
                shift = frames.mean(axis=0, dtype=np.float64)  # near the mean, so that squares do not cancel
            centred = frames - shift
            count += len(frames)
            total = total + centred.sum(axis=0)
            squares = squares + np.einsum("nm,nm->m", centred, centred)
        if not count:
            raise ValueError("Expected frames to compute mean and deviation of. Received: none")
        mean = total / count
        scale = np.sqrt(np.maximum(squares / count - mean**2, 0))
        return cls(tuple((mean + shift).tolist()), tuple(np.maximum(scale, LEAST_SCALE).tolist()))

    def __call__(self, frames: Frames) -> Frames:
        """Returns the normalised frames, `(frames, mels)`, float32."""
        mean, scale = self._arrays
        return (frames - mean) / scale

    @cached_property
    def _arrays(self) -> tuple[Samples, Samples]:
        return np.asarray(self.mean, np.float32), np.asarray(self.scale, np.float32)


def _power_of_two(count: int) -> int:
    return 1 << (count - 1).bit_length()


def _mel(frequency: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return 1127.0 * np.log1p(np.asarray(frequency) / 700.0)


@lru_cache(maxsize=8)
def _povey(count: int) -> Samples:
    """Returns Kaldi's window, `(count,)`: a Hann window raised to 0.85, zero at both ends."""
    turns = np.arange(count) / (count - 1)
    return ((0.5 - 0.5 * np.cos(2 * np.pi * turns)) ** 0.85).astype(np.float32)


@lru_cache(maxsize=8)
def _filters(rate: int, mels: int, size: int) -> Frames:
    """Returns the weight of each frequency in each filter, `(size / 2, mels)`; Kaldi leaves out the Nyquist frequency.

    The slopes are straight in mel, not in Hz.
    """
    edges = np.linspace(_mel(_LOWEST), _mel(rate / 2), mels + 2)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    mel = _mel(np.arange(size // 2) * rate / size)[:, None]
    rising, falling = (mel - left) / (centre - left), (right - mel) / (right - centre)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
