"""Another sample rate, all at once or as the samples arrive. Imports no framework.

A polyphase filter: a sinc with a Kaiser window, computed once for each of the phases that a rational ratio has. A tone
up to `PASS_BAND` of the lower Nyquist frequency differs from the exact one by at most -78 dB, images included. Of a
tone above that Nyquist frequency at most -80 dB are left.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from seq2seq.audio.wav import Samples

PASS_BAND = 0.89
"""Share of the lower of both Nyquist frequencies that passes unchanged."""

_CROSSINGS = 48
"""Zeros of the sinc on either side of its middle."""
_ATTENUATION = 84.0
"""dB. The design of the window; 4 dB are lost by its approximation and in float32."""
_MOST_WEIGHTS = 1 << 24
"""A table of 64 MB: rates that need a larger one have no useful ratio."""
_BLOCK = 1 << 18
"""Products made at once."""


class State(NamedTuple):
    """Between two pieces of a signal: all that the next output needs of the past. Its size is constant."""

    up: int
    """The new rate over the greatest common divisor of both rates."""
    down: int
    """The old rate over the same."""
    tail: Samples
    """`(taps - 1,)`: the last input samples; zeros before the first."""
    position: int
    """The time of the next output after the first sample that has not come yet, in units of 1 / `up` input samples."""


def start(source_rate: int, rate: int) -> State:
    """Returns the state before the first sample.

    Args:
        source_rate: Of the input, Hz.
        rate: Of the output, Hz. Only the ratio of both counts.

    Raises:
        ValueError: a rate is below 1, or the ratio of both is not one of small numbers.
    """
    if source_rate < 1 or rate < 1:
        raise ValueError(f"Expected sample rates of at least 1 Hz. Received: {source_rate} and {rate}")
    divisor = math.gcd(source_rate, rate)
    up, down = rate // divisor, source_rate // divisor
    if up * 2 * _half_width(up, down) > _MOST_WEIGHTS:
        raise ValueError(
            "Expected sample rates in a ratio of small numbers. "
            f"Received: {source_rate:,} Hz and {rate:,} Hz, which are as {down:,} to {up:,}"
        )
    taps = 1 if up == down else 2 * _half_width(up, down)
    return State(up, down, np.zeros(taps - 1, np.float32), 0)


def advance(state: State, samples: Samples, last: bool = False) -> tuple[Samples, State]:
    """Returns the outputs that follow from the samples so far, and the state after them.

    Output k is at the time of input k * down / up. It needs the inputs up to `lookahead` after it, so it comes with
    a piece that has them, or with the last. All outputs together have the same bits for every cutting of the input.

    Args:
        state: Before these samples.
        samples: `(samples,)`, float; may be empty.
        last: Whether the signal ends here. Zeros are assumed behind it.

    Returns:
        `(outputs,)`, float32, and the state; after the last piece that of `start`. In all there are
        ceil(samples * up / down) outputs.
    """
    samples = np.asarray(samples, np.float32)
    if samples.ndim != 1:
        raise ValueError(f"Expected samples of one channel, (samples,). Received: {samples.shape}")
    up, down, tail, position = state
    if up == down:
        return samples, state
    half = (len(tail) + 1) // 2
    values = np.concatenate([tail, samples, np.zeros(half if last else 0, np.float32)])
    # An output at `position` reads the inputs from position // up - half + 1 to position // up + half.
    end = len(samples) * up if last else (len(samples) - half) * up
    count = max(0, -(-(end - position) // down))
    weights, width = _weights(up, down), 2 * half
    windows = sliding_window_view(values, width) if len(values) >= width else np.zeros((0, width), np.float32)
    outputs = np.empty(count, np.float32)
    step = max(1, _BLOCK // width)
    for begin in range(0, count, step):
        times = position + down * np.arange(begin, min(begin + step, count))
        # einsum sums every row in the same order; a matrix product would not.
        outputs[begin : begin + step] = np.einsum("kt,kt->k", windows[times // up + half], weights[times % up])
    if last:
        return outputs, State(up, down, np.zeros_like(tail), 0)
    return outputs, State(up, down, values[len(samples) :], position + count * down - len(samples) * up)


def resample(samples: Samples, source_rate: int, rate: int) -> Samples:
    """Returns a whole signal at another rate, `(ceil(samples * rate / source_rate),)`; raises as `start`."""
    return advance(start(source_rate, rate), samples, last=True)[0]


def lookahead(source_rate: int, rate: int) -> float:
    """Returns how many seconds of the input after an output are needed for it."""
    return 0.0 if source_rate == rate else (len(start(source_rate, rate).tail) + 1) / 2 / source_rate


def _half_width(up: int, down: int) -> int:
    """Returns the taps on either side of an output, in input samples."""
    return -(-_CROSSINGS * max(up, down) // up)


@lru_cache(maxsize=8)
def _weights(up: int, down: int) -> Samples:
    """Returns the filter for each phase, `(up, taps)`: the sum of each is 1, so that a constant remains one."""
    half = _half_width(up, down)
    scale = min(1.0, up / down)  # the lower rate over the input's
    beta = 0.1102 * (_ATTENUATION - 8.7)  # Kaiser's formulas
    transition = (_ATTENUATION - 7.95) / (14.36 * 2 * _CROSSINGS)  # as a share of the lower rate
    cutoff = scale * (1 - transition)  # its middle, as a share of the input's Nyquist frequency
    distance = np.arange(1 - half, half + 1) - np.arange(up)[:, None] / up
    window = np.i0(beta * np.sqrt(np.maximum(0, 1 - (distance * scale / _CROSSINGS) ** 2)))
    weights = np.sinc(cutoff * distance) * window
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
