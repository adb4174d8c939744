"""WAV files, written field by field: right ones, and wrong ones on purpose."""

from __future__ import annotations

import io
import struct

import numpy as np

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
GUID = bytes.fromhex("000000001000800000aa00389b71")


def chunk(kind: bytes, data: bytes, size: int | None = None) -> bytes:
    return kind + struct.pack("<I", len(data) if size is None else size) + data + b"\0" * (len(data) % 2)


def format_chunk(tag=PCM, channels=1, rate=16000, bits=16, extensible=False, frame=None) -> bytes:
    frame = channels * ((bits + 7) // 8) if frame is None else frame
    head = struct.pack("<HHIIHH", EXTENSIBLE if extensible else tag, channels, rate, rate * frame, frame, bits)
    return chunk(b"fmt ", head + struct.pack("<HHIH", 22, bits, 0, tag) + GUID if extensible else head)


def riff(*chunks: bytes, size: int | None = None, kind: bytes = b"RIFF") -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return kind + struct.pack("<I", len(body) if size is None else size) + body


def wav(values, rate=16000, **fields) -> bytes:
    """A file of 16 bits; `values` are `(samples,)` or `(samples, channels)`, integers."""
    values = np.asarray(values, "<i2")
    channels = 1 if values.ndim == 1 else values.shape[1]
    return riff(format_chunk(channels=channels, rate=rate, **fields), chunk(b"data", values.tobytes()))


class Pipe(io.RawIOBase):
    """Bytes that come a few at a time and cannot be sought."""

    name = "<stdin>"

    def __init__(self, data: bytes, most: int = 1 << 20):
        self._data, self._most = io.BytesIO(data), most

    def readable(self):
        return True

    def read(self, count=-1):
        return self._data.read(min(count, self._most) if count >= 0 else self._most)
