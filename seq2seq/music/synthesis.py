"""Notes on a grid to sound: a plucked string on an organ's bellows, made of sines. No framework.

A tone is the sum of the harmonics k = 1 ... `HARMONICS` of its pitch (440 Hz for 69, equal temperament), of amplitude
1 / k^1.5, struck at the beginning and held more softly: harmonic k falls from its full amplitude to `HELD` / k of it,
and the higher the faster, as on a string.
"""

from __future__ import annotations

import io
import wave

import numpy as np
from numpy.typing import NDArray

from seq2seq.music.notes import Music

RATE = 44_100
"""Samples per second."""
HARMONICS = 10
HELD = 0.4
"""Of the first harmonic, as long as the note is held."""
DECAY = 0.6
"""Seconds in which the first harmonic falls by a factor of e."""
ATTACK, RELEASE = 0.006, 0.04
"""Seconds; a quarter of a note at most."""
PEAK = 0.8
"""The largest sample; full scale is 1."""
MOST_SECONDS = 3600.0
"""Of a piece; a longer one would take too much memory."""
_MOST_TONES = 256
"""Tones kept for the next notes of the same pitch and length."""
_BLOCK = 1 << 18
"""Samples of a tone that are made at once."""


def synthesise(music: Music, rate: int = RATE) -> NDArray[np.int16]:
    """Returns the sound of a piece, `(samples,)`, as long as the piece.

    Each note sounds from its beginning to its end and fades within its length, so that nothing clicks; the loudest
    sample is at `PEAK`, so that nothing clips. Harmonics above 0.45 of the rate are left out: at 22,050 Hz a pitch
    above 122 is silent.

    Args:
        music: The piece.
        rate: Samples per second.

    Raises:
        ValueError: it is longer than `MOST_SECONDS`.
    """
    seconds = music.steps * music.seconds_per_step
    if seconds > MOST_SECONDS:
        raise ValueError(
            f"Expected a piece of at most {MOST_SECONDS:.0f} seconds to synthesise. Received: {seconds:.0f}"
        )
    scale = music.seconds_per_step * rate
    mixed = np.zeros(round(music.steps * scale), np.float32)
    tones: dict[tuple[int, int], NDArray[np.float32]] = {}
    for note in music.notes:
        first, last = round(note.start * scale), round((note.start + note.length) * scale)
        if (note.pitch, last - first) not in tones:
            if len(tones) == _MOST_TONES:
                tones.clear()
            tones[note.pitch, last - first] = tone(note.pitch, last - first, rate)
        mixed[first:last] += tones[note.pitch, last - first]
    loudest = float(np.abs(mixed).max(initial=0.0))
    return np.round(mixed * (PEAK * 32767 / loudest if loudest else 0.0)).astype(np.int16)


def tone(pitch: int, samples: int, rate: int = RATE) -> NDArray[np.float32]:
    """Returns a note, `(samples,)`; it begins and ends at 0, and its amplitude is below 2.5."""
    sound = _envelope(samples, rate).astype(np.float32)
    for first in range(0, samples, _BLOCK):
        block = sound[first : first + _BLOCK]
        block *= _harmonics(440.0 * 2.0 ** ((pitch - 69) / 12), np.arange(first, first + len(block)) / rate, rate)
    return sound


def wav_bytes(samples: NDArray[np.int16], rate: int = RATE) -> bytes:
    """Returns a WAV file of one channel, 16 bits.

    Args:
        samples: `(samples,)`.
        rate: Samples per second.
    """
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


def _harmonics(frequency: float, time: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Returns a tone without beginning or end at times in seconds after it is struck."""
    angle = 2 * np.pi * frequency * time
    before, current, twice = np.zeros(len(time)), np.sin(angle), 2 * np.cos(angle)
    sound, fading, struck = np.zeros(len(time)), np.exp(-time / DECAY), np.ones(len(time))
    for harmonic in range(1, HARMONICS + 1):
        if harmonic * frequency > 0.45 * rate:
            break
        struck *= fading
        held = HELD / harmonic
        sound += (held + (1 - held) * struck) / harmonic**1.5 * current
        before, current = current, twice * current - before  # sin((k + 1) x) of sin(k x) and sin((k - 1) x)
    return sound


def _envelope(samples: int, rate: int) -> NDArray[np.float64]:
    """Returns the rise at the beginning and the fall at the end, halves of a cosine."""
    envelope = np.ones(samples)
    rise, fall = min(int(ATTACK * rate), samples // 4), min(int(RELEASE * rate), samples // 4)
    envelope[:rise] = 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / max(rise, 1))
    envelope[samples - fall :] = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fall + 1) / max(fall, 1))
    return envelope
