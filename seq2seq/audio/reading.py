"""Audio files to mono samples, whole, in part, or piece by piece in constant memory. Imports no framework.

WAV is read on the standard library; FLAC, OGG, MP3 and rarer formats need the extra `speech`.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

import numpy as np

from seq2seq.audio.decoding import Decoded
from seq2seq.audio.wav import AudioError, OtherEncoding, Samples, Wav, is_wav
from seq2seq.extras import MissingPackage, is_installed, missing_message

__all__ = ["Audio", "AudioError", "AudioInfo", "Samples", "blocks", "inspect", "read"]

ROUNDING = 0.1
"""Seconds. A cut may end this long after the last sample and then ends there: corpora round their times."""

_PIECE = 10.0
"""Seconds read at once where all samples are returned."""
_MOST = 1 << 24
"""Samples of a piece: a wrong rate in a header takes no memory."""
_OTHER_FORMATS = {
    b"fLaC": "FLAC",
    b"OggS": "OGG",
    b"ID3": "MP3",
    b"FORM": "AIFF",
    b".snd": "AU",
    b"caff": "CAF",
    b"riff": "Wave64",
    b"RIFX": "big-endian WAV",
    b"NIST": "SPHERE",
}


class AudioInfo(NamedTuple):
    """What the header of an audio file says."""

    rate: int
    """Samples per second of each channel, Hz."""
    channels: int
    frames: int | None
    """Samples of each channel; None where only reading to the end shows it."""

    @property
    def seconds(self) -> float | None:
        """The duration; None where only reading to the end shows it."""
        return None if self.frames is None else self.frames / self.rate


class Audio(NamedTuple):
    """One channel of sound."""

    samples: Samples
    """`(samples,)`, float32. Full scale is 1; files of floats and decoders may exceed it."""
    rate: int
    """Samples per second, Hz."""


def inspect(path: Path | str) -> AudioInfo:
    """Returns what the header says, without reading samples.

    Raises:
        AudioError: the file is missing, empty, not audio, has a damaged header or no samples, or is shorter than its
            header says.
        MissingPackage: its format needs the extra `speech`.
    """
    with _opened(path) as file:
        if isinstance(file, Wav) and file.missing:
            raise file.truncated(file.missing)
        _check_cut(file, str(path), 0, None)
        return AudioInfo(file.rate, file.channels, file.frames)


def read(
    path: Path | str | BinaryIO, start: float | None = None, end: float | None = None, channel: int | None = None
) -> Audio:
    """Returns the samples of a file, or of a part of it; of the rest of a long file nothing is read.

    Args:
        path: The file, or a stream that holds WAV.
        start: Seconds; None: the beginning.
        end: Seconds; None: the end.
        channel: The channel to take, from 1; None: the mean of all.

    Raises:
        AudioError: as `inspect` and `blocks`.
        MissingPackage: the format needs the extra `speech`.
    """
    pieces = list(blocks(path, _PIECE, start, end, channel))
    return pieces[0] if len(pieces) == 1 else Audio(np.concatenate([one.samples for one in pieces]), pieces[0].rate)


def blocks(
    source: Path | str | BinaryIO,
    seconds: float,
    start: float | None = None,
    end: float | None = None,
    channel: int | None = None,
) -> Iterator[Audio]:
    """Yields a file piece by piece, in constant memory: together what `read` returns.

    Args:
        source: The file, or a stream that holds WAV, such as stdin; a stream is read in order and not closed.
        seconds: Duration of a piece; the last may be shorter.
        start: As for `read`, and so are `end` and `channel`.

    Raises:
        AudioError: as `inspect`; or `start` or `end` is not in the file, there is no such channel, a sample is NaN or
            infinite. Whatever comes before a damaged place has been yielded then.
        MissingPackage: the format needs the extra `speech`.
    """
    name = _name(source)
    if not 0 < seconds < math.inf:
        raise ValueError(f"Expected pieces of more than 0 seconds. Received: {seconds}")
    _check_times(name, start, end)
    with _opened(source) as file:
        if channel is not None and not 1 <= channel <= file.channels:
            raise AudioError(f"{name}: expected a channel from 1 to {file.channels}. Received: {channel}")
        first, last = round((start or 0) * file.rate), None if end is None else round(end * file.rate)
        _check_cut(file, name, first, last)
        size, place = max(1, min(round(seconds * file.rate), _MOST)), file.skip(first)
        while place >= first and (last is None or place < last):
            values = file.read(size if last is None else min(size, last - place))
            if not len(values):
                break
            yield Audio(_one_channel(values, channel, name, place, file.rate), file.rate)
            place += len(values)
        if place <= first or (last is not None and place < last - ROUNDING * file.rate):
            raise _outside(name, place, first, last, file.rate)


class _Reader(Protocol):
    """An open file: a `Wav`, or one that the library reads."""

    rate: int
    channels: int
    frames: int | None

    def read(self, count: int) -> Samples: ...

    def skip(self, count: int) -> int: ...  # from the beginning of the file


@contextmanager
def _opened(source: Path | str | BinaryIO) -> Iterator[_Reader]:
    """Opens a file, or takes a stream, and reads its header."""
    name = _name(source)
    if not isinstance(source, Path | str):
        yield _wav(source, name, None)
        return
    path = Path(source)
    with _file(path, name) as stream:
        status = os.fstat(stream.fileno())
        size = status.st_size if stat.S_ISREG(status.st_mode) else None
        try:
            wav = _wav(stream, name, size)
        except (OtherEncoding, _NotWav) as error:
            refusal = error
        else:
            yield wav
            return
    if size is None:  # a pipe cannot be read again from its beginning, as the library would
        raise refusal
    with _by_the_library(path, name, refusal) as decoded:
        yield decoded


@contextmanager
def _by_the_library(path: Path, name: str, refusal: OtherEncoding | _NotWav) -> Iterator[Decoded]:
    """Opens a file that is not WAV of our own, where the library is installed and reads it."""
    kind = refusal.format if isinstance(refusal, _NotWav) else str(refusal)
    if not is_installed("soundfile"):
        if not kind:
            raise refusal
        reason = f"{name}: a file in the format {kind}" if isinstance(refusal, _NotWav) else kind
        raise MissingPackage(f"{reason}. {missing_message('soundfile')}")
    try:
        decoded = Decoded(path, name)
    except AudioError as error:
        raise (error if kind else refusal) from None
    with closing(decoded):
        yield decoded


class _NotWav(AudioError):
    """A file is not WAV; `format` names what it is, empty if that is unknown."""

    def __init__(self, message: str, format: str = ""):
        super().__init__(message)
        self.format = format


def _wav(stream: BinaryIO, name: str, size: int | None) -> Wav:
    head = b""
    while len(head) < 12 and (data := stream.read(12 - len(head))):
        head += data
    if not head:
        raise AudioError(f"{name}: the file is empty; expected audio.")
    if is_wav(head):
        return Wav(stream, name, size, head)
    if len(head) < 12 and b"RIFF".startswith(head[:4]):
        raise AudioError(f"{name}: the header is truncated: the file ends after {len(head)} bytes. Copy it again.")
    known = next((kind for magic, kind in _OTHER_FORMATS.items() if head.startswith(magic)), "")
    if not known and len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        known = "MP3"
    expected = "WAV, FLAC, OGG or MP3" if size is not None else "WAV (another format only as a file, not in a pipe)"
    raise _NotWav(
        f"{name}: expected audio: {expected}. Received: {known or f'a file that begins with {head!r}'}", known
    )


@contextmanager
def _file(path: Path, name: str) -> Iterator[BinaryIO]:
    if "\0" in name:
        raise AudioError(f"{name!r} is not a file name: it holds a NUL.")
    try:
        stream = open(path, "rb")
    except (FileNotFoundError, NotADirectoryError):
        raise AudioError(f"{name}: no such file.") from None
    except IsADirectoryError:
        raise AudioError(f"{name} is a folder; expected an audio file.") from None
    except PermissionError:
        raise AudioError(f"{name}: no permission to read it.") from None
    with stream:
        yield stream


def _name(source: Path | str | BinaryIO) -> str:
    if isinstance(source, Path | str):
        return str(source)
    name = str(getattr(source, "name", "the stream"))
    return "standard input" if name == "<stdin>" else name


def _check_times(name: str, start: float | None, end: float | None) -> None:
    for what, time in (("start", start), ("end", end)):
        if time is not None and not 0 <= time < math.inf:
            raise AudioError(f"{name}: expected as {what} a number of seconds, at least 0. Received: {time}")
    if end is not None and (start or 0) >= end:
        raise AudioError(f"{name}: expected a start before the end. Received: {start or 0} to {end} seconds")


def _check_cut(file: _Reader, name: str, first: int, last: int | None) -> None:
    """Raises AudioError where by the header samples from `first` to `last` are not there."""
    if first == last:
        raise AudioError(f"{name}: a cut at {first / file.rate:.4f} s holds 0 samples; they are 1/{file.rate} s apart.")
    if file.frames is None:
        return
    if not file.frames:
        raise AudioError(f"{name}: the file holds 0 samples.")
    if first >= file.frames or (last is not None and last > file.frames + ROUNDING * file.rate):
        raise _outside(name, file.frames, first, last, file.rate)


def _outside(name: str, frames: int, first: int, last: int | None, rate: int) -> AudioError:
    """Returns the error for a cut of which the end of the file leaves out a part."""
    if not frames:
        return AudioError(f"{name}: the file holds 0 samples.")
    cut = f"a part from {first / rate:.2f} s" + ("" if last is None else f" to {last / rate:.2f} s")
    return AudioError(f"{name}: expected {cut}. Received audio that ends at {frames / rate:.2f} s")


def _one_channel(values: Samples, channel: int | None, name: str, place: int, rate: int) -> Samples:
    """Returns one channel or the mean of all, `(samples,)`; the sum has one order, whatever the number of samples."""
    if channel is not None:
        values = values[:, channel - 1 : channel]
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        place += int(np.argmin(finite))
        raise AudioError(
            f"{name}: expected finite samples. Received: NaN or infinity at {place / rate:.4f} s (sample {place + 1:,})"
        )
    total = values[:, 0].copy()
    for other in range(1, values.shape[1]):
        total += values[:, other]
    return total if values.shape[1] == 1 else total / np.float32(values.shape[1])
