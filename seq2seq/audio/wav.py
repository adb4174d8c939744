"""WAV files to samples, from a file or a pipe: RIFF chunks, PCM and float. Imports no framework."""

from __future__ import annotations

import math
import struct
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Amplitudes; full scale is 1. `(samples,)` of one channel, or `(samples, channels)`."""


class AudioError(ValueError):
    """Audio cannot be read. The message names the file."""


class OtherEncoding(AudioError):
    """A WAV file holds neither PCM nor floats."""


_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_SUBFORMAT = bytes.fromhex("000000001000800000aa00389b71")
"""What follows the encoding in the subformat of WAVE_FORMAT_EXTENSIBLE."""
_NAMES = {2: "ADPCM", 6: "A-law", 7: "mu-law", 0x11: "IMA ADPCM", 0x31: "GSM 6.10", 0x55: "MP3"}
_UNKNOWN_SIZES = {0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF}
"""Sizes that programs write before they know how much follows, and cannot correct in a pipe; 0 is another."""
_STEP = 1 << 20
"""Bytes read at once: a wrong size in a header takes no memory."""


class _Encoding(NamedTuple):
    floating: bool
    width: int
    """Bytes of a sample."""


class Wav:
    """A WAV file, read once from its beginning to its end.

    Args:
        stream: The file, of which `head` has been read. It is read in order; only with a size it is also sought.
        name: The file, for messages.
        size: Bytes of a regular file; None: a pipe, whose end is unknown.
        head: The first 12 bytes, for which `is_wav` holds.

    Raises:
        OtherEncoding: the samples are neither PCM of 8, 16, 24 or 32 bits nor floats of 32 or 64 bits.
        AudioError: the header is truncated or contradicts itself.
    """

    def __init__(self, stream: BinaryIO, name: str, size: int | None, head: bytes):
        self._stream, self._name, self._size, self._at = stream, name, size, len(head)
        self.rate, self.channels, self._encoding, declared = self._read_header(head)
        self._frame = self.channels * self._encoding.width
        if declared is None and size is not None:
            declared = size - self._at
        self.frames: int | None = None if declared is None else declared // self._frame
        """Samples of each channel; None: a pipe in which they are not counted."""
        self.missing = 0
        """Samples of each channel that the header announces and a regular file is too short for."""
        if self.frames is not None and size is not None:
            self.missing = max(0, self.frames - max(0, size - self._at) // self._frame)
        self._done = 0

    def read(self, count: int) -> Samples:
        """Returns the next samples, `(samples, channels)`: `count` of them, or what is left.

        Raises:
            AudioError: the file ends before the samples that its header announces.
        """
        wanted = count if self.frames is None else min(count, self.frames - self._done)
        data = self._take(wanted * self._frame)
        whole = len(data) // self._frame
        self._done += whole
        if whole < wanted and self.frames is not None:
            raise self.truncated(self.frames - self._done)
        return _decode(data[: whole * self._frame], self._encoding).reshape(whole, self.channels)

    def skip(self, count: int) -> int:
        """Moves on by so many samples, or to the end; returns by how many. Raises as `read`."""
        if self.frames is not None:
            count = min(count, self.frames - self._done)
            if self._done + count > self.frames - self.missing:
                raise self.truncated(self.missing)
        count = self._discard(count * self._frame) // self._frame
        self._done += count
        return count

    def truncated(self, missing: int) -> AudioError:
        """Returns the error for a file that ends so many samples before the end that its header announces."""
        frames = self.frames or 0
        left = math.floor(1000 * (frames - missing) / self.rate) / 1000
        return AudioError(
            f"{self._name}: the header announces {frames:,} samples ({frames / self.rate:.2f} s); the last {missing:,} "
            f"({missing / self.rate:.2f} s) are missing. The file is truncated: copy it again"
            + (f", or read it only up to {left} s." if left else ".")
        )

    def _read_header(self, head: bytes) -> tuple[int, int, _Encoding, int | None]:
        """Reads up to the first sample. Returns the rate, the channels, the encoding and the bytes of the data."""
        whole, long_data, described = struct.unpack("<I", head[4:8])[0], None, None
        while True:
            kind, size = struct.unpack("<4sI", self._exactly(8))
            if kind == b"data":
                if described is None:
                    raise AudioError(f"{self._name}: the samples begin before a chunk 'fmt ' has described them.")
                return *described, self._data_size(size, long_data, whole)
            known = b""
            if kind in (b"fmt ", b"ds64"):
                known = self._exactly(min(size, 40))
                if kind == b"fmt ":
                    described = self._description(known)
                elif len(known) >= 16:
                    long_data = struct.unpack("<Q", known[8:16])[0]
            self._discard(size + size % 2 - len(known))

    def _data_size(self, size: int, long_data: int | None, whole: int) -> int | None:
        if size == 0xFFFFFFFF and long_data:
            return long_data
        # A finished file without samples says by the size of the whole that chunks follow, or has no byte more.
        unfinished = size == 0 and (whole in (0, 0xFFFFFFFF) or whole + 8 <= self._at)
        return None if size in _UNKNOWN_SIZES or unfinished else size

    def _description(self, chunk: bytes) -> tuple[int, int, _Encoding]:
        if len(chunk) < 16:
            raise AudioError(f"{self._name}: expected a chunk 'fmt ' of at least 16 bytes. Received: {len(chunk)}")
        tag, channels, rate, _, frame, bits = struct.unpack("<HHIIHH", chunk[:16])
        if tag == _EXTENSIBLE and len(chunk) >= 40 and chunk[26:40] == _SUBFORMAT:
            tag = struct.unpack("<H", chunk[24:26])[0]
        if tag not in (_PCM, _FLOAT) or (tag == _FLOAT and bits not in (32, 64)) or not 0 < bits <= (32, 64)[tag != 1]:
            what = _NAMES.get(tag, f"0x{tag:04x}") if tag not in (_PCM, _FLOAT) else f"{bits} bits"
            raise OtherEncoding(
                f"{self._name}: expected PCM of 8, 16, 24 or 32 bits, or float of 32 or 64. Received: {what}"
            )
        width = (bits + 7) // 8
        if not channels or not rate or frame != channels * width:
            raise AudioError(
                f"{self._name}: the header contradicts itself. Received: a rate of {rate:,} Hz, channels: {channels}, "
                f"bits: {bits}, bytes of a sample of all channels: {frame}. The file is damaged."
            )
        return rate, channels, _Encoding(tag == _FLOAT, width)

    def _exactly(self, count: int) -> bytes:
        data = self._take(count)
        if len(data) < count:
            raise AudioError(
                f"{self._name}: the header is truncated: the file ends before its samples begin. Copy it again."
            )
        return data

    def _take(self, count: int) -> bytes:
        """Returns the next bytes; fewer only at the end."""
        parts = []
        while count and (data := self._stream.read(min(count, _STEP))):
            parts.append(data)
            count -= len(data)
            self._at += len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _discard(self, count: int) -> int:
        """Moves on by so many bytes; returns by how many: in a pipe its end may come first."""
        if self._size is not None:
            self._at += count
            self._stream.seek(self._at)
            return count
        left = count
        while left and (data := self._take(min(left, _STEP))):
            left -= len(data)
        return count - left


def is_wav(head: bytes) -> bool:
    """Whether a file with these first 12 bytes is a WAV file, or one of its forms for more than 4 GB."""
    return head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE"


def _decode(data: bytes, encoding: _Encoding) -> Samples:
    if encoding.floating:
        with np.errstate(over="ignore"):  # the caller looks for infinite samples
            return np.frombuffer(data, f"<f{encoding.width}").astype(np.float32)
    if encoding.width == 1:
        return (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / np.float32(128)
    if encoding.width == 3:
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        data, encoding = wide.tobytes(), _Encoding(False, 4)
    integers = np.frombuffer(data, f"<i{encoding.width}")
    return integers.astype(np.float32) / np.float32(1 << (8 * encoding.width - 1))
