"""A small formant synthesiser: speech to learn from and to test with, without a download. Imports no framework.

Words are strings of phonemes, each with target frequencies of three formants and levels of voice and noise (Klatt 1980,
much reduced). The targets are smoothed over time, so that neighbouring sounds blend. A pulse train and noise are then
filtered, window by window, with the response that the formants have there. It sounds like a machine, but its words and
its speakers differ as real ones do.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seq2seq.audio.augmentation import colored_noise
from seq2seq.audio.wav import Samples

Floats = NDArray[np.float64]

_PHONEMES = """
    iy  280 2250 2950  1.00 0.00    0    0 140
    ih  400 1950 2550  1.00 0.00    0    0 100
    ey  450 2000 2600  1.00 0.00    0    0 100
    eh  550 1800 2500  1.00 0.00    0    0 130
    ah  640 1200 2400  1.00 0.00    0    0 125
    aa  730 1100 2450  1.00 0.00    0    0 140
    ao  570  850 2400  1.00 0.00    0    0 170
    oh  480  900 2300  1.00 0.00    0    0 110
    uw  310  900 2250  1.00 0.00    0    0 130
    w   300  650 2200  0.60 0.00    0    0  70
    y   260 2200 3000  0.60 0.00    0    0  60
    r   330 1100 1450  0.70 0.00    0    0  80
    l   340 1000 2800  0.60 0.00    0    0  80
    n   270 1600 2600  0.35 0.00    0    0  95
    v   240 1100 2300  0.30 0.05 3500 3000  70
    z   260 1600 2550  0.25 0.20 5500 2200 100
    s   260 1600 2550  0.00 0.40 5800 2200 130
    f   260 1100 2300  0.00 0.12 4500 4500 120
    th  260 1400 2500  0.00 0.08 6000 4500 110
    T   260 1700 2600  0.00 0.00    0    0  55
    t   260 1700 2600  0.00 0.45 4200 2200  20
    h   450 1500 2500  0.00 0.10    0    0  30
    D   260 1700 2600  0.10 0.00    0    0  45
    d   260 1700 2600  0.20 0.30 3800 2200  15
    G   260 1900 2250  0.10 0.00    0    0  45
    g   260 1900 2250  0.20 0.30 1800  900  20
    K   260 1900 2250  0.00 0.00    0    0  55
    k   260 1900 2250  0.00 0.45 1900 1000  25
    P   260  750 2150  0.00 0.00    0    0  55
    p   260  750 2150  0.00 0.30  900 1200  15
"""
"""Name; formants, Hz; level of the voice, level of noise; its middle and width, Hz (0: it passes the formants); ms.

A capital is the closure before a plosive.
"""
_WORDS = """
    zero z iy r oh uw | one w ah n | two T t h uw | three th r iy | four f ao r | five f aa iy v | six s ih K k s |
    seven s eh v ah n | eight ey iy T t | nine n aa iy n | yes y eh s | no n oh uw | go G g oh uw | stop s T t aa P p |
    left l eh f T t | right r aa iy T t | up ah P p | down D d aa uw n | on ao n | off ao f
"""
PRONUNCIATIONS = {word: tuple(phonemes) for word, *phonemes in (entry.split() for entry in _WORDS.split("|"))}
"""The words that can be spoken, and their phonemes."""
WORDS = tuple(PRONUNCIATIONS)

_HIGHER_FORMANTS = (3500.0, 4500.0)
"""Hz, the same in all phonemes."""
_FRAMES = 200
"""Per second. A window is two frames long."""
_AMPLITUDE_FRAMES = 4
"""Levels are smoothed over so many frames, formants over more: the tongue is slower than the larynx."""


class _Phoneme(NamedTuple):
    formants: tuple[float, float, float]
    voice: float
    noise: float
    middle: float
    width: float
    seconds: float


class Voice(NamedTuple):
    """Who speaks, and where."""

    pitch: float = 120.0
    """Mean fundamental frequency, Hz."""
    formant_scale: float = 1.0
    """Formants over those of an average man; 1.17 for an average woman."""
    tempo: float = 1.0
    """Durations are divided by it."""
    breath: float = 0.03
    """Level of noise in voiced sounds."""
    brightness: float = 600.0
    """Hz, from where the voice falls by 6 dB per octave."""
    level: float = -26.0
    """Power of the speech, dB below full scale."""
    noise: float = 40.0
    """Ratio of the power of speech to that of the background, dB."""


class Spoken(NamedTuple):
    """Words as sound."""

    samples: Samples
    """`(samples,)`, float32, in [-1, 1]."""
    words: tuple[tuple[str, float, float], ...]
    """Each word with its start and end, seconds."""


def draw_voice(random: np.random.Generator) -> Voice:
    """Returns a voice: between a low man's and a child's, slow or fast, near or far, in more or less noise."""
    pitch = float(np.exp(random.uniform(np.log(85), np.log(260))))
    scale = 1 + 0.16 * np.log2(pitch / 120) + random.normal(0, 0.03)
    return Voice(
        pitch,
        float(np.clip(scale, 0.85, 1.3)),
        float(np.exp(random.uniform(np.log(0.75), np.log(1.25)))),
        float(random.uniform(0.01, 0.08)),
        float(random.uniform(350, 1200)),
        float(random.uniform(-40, -20)),
        float(random.uniform(15, 45)),
    )


def synthesize(words: Sequence[str], voice: Voice, random: np.random.Generator, rate: int = 16000) -> Spoken:
    """Returns words as a voice says them; durations, formants and melody differ each time.

    Args:
        words: At least one, each of `WORDS`.
        voice: The speaker.
        random: Where the differences are drawn from.
        rate: Samples per second; a multiple of 200, at least 8,000.

    Raises:
        ValueError: a word has no pronunciation, there are no words, or the rate is another.
    """
    unknown = [word for word in words if word not in PRONUNCIATIONS]
    if unknown or not words:
        raise ValueError(f"Expected words among {', '.join(WORDS)}. Received: {unknown[0] if unknown else 'none'!r}")
    if rate < 8000 or rate % _FRAMES:
        raise ValueError(f"Expected a rate of at least 8,000 Hz, a multiple of {_FRAMES}. Received: {rate}")
    tracks, spans = _tracks(words, voice, random)
    samples = _filtered(tracks, voice, random, rate)
    speech = np.concatenate([samples[begin * rate // _FRAMES : end * rate // _FRAMES] for begin, end in spans])
    samples *= np.float32(10 ** (voice.level / 20) / np.sqrt(np.mean(speech**2)))
    background = colored_noise(len(samples), random.uniform(0, 1.5), random)
    quiet = voice.level - voice.noise  # dB
    background *= np.float32(10 ** (quiet / 20) / np.sqrt(np.mean(background**2)))
    times = tuple((str(word), begin / _FRAMES, end / _FRAMES) for word, (begin, end) in zip(words, spans, strict=True))
    samples += background
    return Spoken(samples / np.maximum(1, np.abs(samples).max()), times)


@lru_cache(maxsize=1)
def _phonemes() -> dict[str, _Phoneme]:
    rows = (line.split() for line in _PHONEMES.strip().splitlines())
    return {
        name: _Phoneme((f1, f2, f3), voice, noise, middle, width, ms / 1000)
        for name, (f1, f2, f3, voice, noise, middle, width, ms) in ((row[0], map(float, row[1:])) for row in rows)
    }


class _Tracks(NamedTuple):
    """What happens in each frame."""

    formants: Floats
    """`(frames, 3)`, Hz."""
    voice: Floats
    """`(frames,)`: level."""
    aspiration: Floats
    """`(frames,)`: level of the noise that passes the formants."""
    friction: Floats
    """`(frames,)`: level of the noise that does not."""
    band: Floats
    """`(frames, 2)`: middle and width of the latter, Hz."""
    pitch: Floats
    """`(frames,)`, Hz."""


def _tracks(words: Sequence[str], voice: Voice, random: np.random.Generator) -> tuple[_Tracks, list[tuple[int, int]]]:
    """Returns what happens in each frame, and the frames of each word: the first, and the first after it."""
    table = _phonemes()
    silence = _Phoneme((500, 1500, 2500), 0, 0, 0, 0, 0)
    sounds: list[tuple[_Phoneme, float]] = [(silence, random.uniform(0.1, 0.3))]
    marks = []
    for number, word in enumerate(words):
        if number and random.random() < 0.7:
            sounds.append((silence, random.uniform(0.02, 0.2)))
        first = len(sounds)
        for name in PRONUNCIATIONS[word]:
            sound = table[name]
            seconds = sound.seconds * np.exp(random.normal(0, 0.12)) / voice.tempo
            formants = np.multiply(sound.formants, np.exp(random.normal(0, 0.03, 3)))
            sounds.append((sound._replace(formants=tuple(formants)), seconds))
        marks.append((first, len(sounds)))
    sounds.append((silence, random.uniform(0.1, 0.3)))
    counts = np.array([max(2, round(seconds * _FRAMES)) for _, seconds in sounds])
    ends = np.concatenate([[0], np.cumsum(counts)])

    def repeated(values: Sequence[float | tuple[float, ...]]) -> Floats:
        return np.repeat(np.asarray(values, np.float64), counts, axis=0)

    targets = [sound for sound, _ in sounds]
    for at, sound in enumerate(targets):  # silence holds the tongue where the next sound begins
        if sound.formants == silence.formants and at + 1 < len(targets):
            targets[at] = sound._replace(formants=targets[at + 1].formants)
    targets[-1] = targets[-1]._replace(formants=targets[-2].formants)
    blend = round(random.uniform(11, 17) / voice.tempo)
    through = [sound.noise if not sound.middle else 0.0 for sound in targets]
    beside = [sound.noise if sound.middle else 0.0 for sound in targets]
    spans = [(int(ends[first]), int(ends[last])) for first, last in marks]
    tracks = _Tracks(
        _smoothed(repeated([sound.formants for sound in targets]), blend) * voice.formant_scale,
        _smoothed(repeated([sound.voice for sound in targets]), _AMPLITUDE_FRAMES),
        _smoothed(repeated(through), _AMPLITUDE_FRAMES),
        _smoothed(repeated(beside), _AMPLITUDE_FRAMES),
        repeated([(sound.middle, max(sound.width, 1.0)) for sound in targets]),
        _melody(int(ends[-1]), spans, voice, random),
    )
    return tracks, spans


def _melody(count: int, spans: Sequence[tuple[int, int]], voice: Voice, random: np.random.Generator) -> Floats:
    """Returns the pitch of each frame: it falls over the utterance, rises on some words, and trembles."""
    octaves = np.linspace(0.12, -0.2, count)
    for begin, end in spans:
        octaves[begin:end] += random.normal(0, 0.12) * np.hanning(end - begin)
    octaves += _smoothed(random.normal(0, 0.06, count), 20) * 2 + random.normal(0, 0.006, count)
    return voice.pitch * 2**octaves


def _smoothed(values: Floats, width: int) -> Floats:
    """Returns the weighted mean of each frame and its neighbours along the first axis; the ends continue outwards."""
    kernel = np.hanning(width + 2)[1:-1]
    before, after = (width - 1) // 2, width // 2
    flat = values.reshape(len(values), -1)
    padded = np.concatenate([np.repeat(flat[:1], before, 0), flat, np.repeat(flat[-1:], after, 0)])
    columns = [np.convolve(column, kernel / kernel.sum(), "valid") for column in padded.T]
    return np.stack(columns, axis=1).reshape(values.shape)


def _filtered(tracks: _Tracks, voice: Voice, random: np.random.Generator, rate: int) -> Samples:
    """Returns the sound of the tracks: in each window the spectra of voice and noise, each times a response."""
    hop, frames = rate // _FRAMES, len(tracks.pitch)
    width, size = 2 * hop, 1 << (4 * hop).bit_length()
    frequencies = np.fft.rfftfreq(size, 1 / rate).astype(np.float32)
    tract = _tract(tracks.formants.astype(np.float32), frequencies) / np.sqrt(1 + (frequencies / voice.brightness) ** 2)
    middle, spread = (column[:, None] for column in tracks.band.astype(np.float32).T)
    band = np.exp(-(((frequencies - middle) / spread) ** 2)) * tracks.friction.astype(np.float32)[:, None]
    breath = tracks.aspiration + voice.breath * tracks.voice
    count = (frames + 1) * hop
    spectra = []
    for excitation in (_pulses(tracks.pitch, hop, count, rate), random.standard_normal(count).astype(np.float32)):
        windows = np.lib.stride_tricks.sliding_window_view(excitation, width)[::hop] * np.hanning(width + 1)[:-1]
        spectra.append(np.fft.rfft(windows.astype(np.float32), size, axis=1))
    voiced = tract * tracks.voice.astype(np.float32)[:, None]
    noisy = tract * breath.astype(np.float32)[:, None] * 3 + band
    # Only magnitudes are shaped, so the response spreads as far before a window as after it, round the circle.
    pieces = np.roll(np.fft.irfft(spectra[0] * voiced + spectra[1] * noisy, size, axis=1), size // 2 - hop, axis=1)
    sound = np.zeros(frames * hop + size, np.float32)
    for frame, piece in enumerate(pieces):
        sound[frame * hop : frame * hop + size] += piece
    return sound[size // 2 : size // 2 + frames * hop]


def _tract(formants: NDArray[np.float32], frequencies: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the magnitude of the response of the vocal tract, `(frames, frequencies)`: resonances in cascade."""
    power = np.ones((len(formants), len(frequencies)), np.float32)
    square = frequencies**2
    scale = formants.mean() / 1600
    higher = [np.full((len(formants), 1), frequency * scale, np.float32) for frequency in _HIGHER_FORMANTS]
    for formant in (*(column[:, None] for column in formants.T), *higher):
        bandwidth = 60 + 0.05 * formant
        pole = formant**2 + bandwidth**2 / 4
        power *= pole**2 / ((square - pole) ** 2 + square * bandwidth**2)
    # Vowels with formants close together are louder, but by half the decibels that resonances alone would make them.
    return np.sqrt(power) / power.mean(axis=1, keepdims=True) ** 0.25


def _pulses(pitch: Floats, hop: int, count: int, rate: int) -> Samples:
    """Returns a train of pulses of power 1, `(count,)`: all harmonics below the Nyquist frequency, equally strong."""
    at = np.arange(count) / hop - 1  # the middle of a window is the time of its frame
    phase = 2 * np.pi * np.cumsum(np.interp(at, np.arange(len(pitch)), pitch)) / rate
    harmonics = int(0.95 * rate / 2 / pitch.max())
    half = np.sin(phase / 2)
    half[np.abs(half) < 1e-6] = 1e-6
    train = (np.sin((harmonics + 0.5) * phase) / half - 1) / 2
    return (train / np.sqrt(harmonics / 2)).astype(np.float32)
