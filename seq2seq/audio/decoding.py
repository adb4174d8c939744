"""Files in other formats than WAV to samples, by the library soundfile. Imports no framework."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from seq2seq.audio.wav import AudioError, Samples

T = TypeVar("T")
_ENDLESS = 1 << 62
"""Where the library does not know the number of samples, it gives more than this."""
_LOSSY = ("MP3", "MPEG", "OGG")


class Decoded:
    """A file in a format that the library soundfile reads, once from its beginning to its end; methods as `Wav` has.

    Args:
        path: A regular file.
        name: The same, for messages.

    Raises:
        AudioError: the library cannot read it. Reading raises it too, where the file is damaged.
    """

    def __init__(self, path: Path, name: str):
        import soundfile

        class Sequential(soundfile.SoundFile):
            """Not sought after each read: of MP3 and OGG, libsndfile 1.2 returns other samples, or none, after that."""

            def seekable(self) -> bool:
                return False

        self._name, self._failures = name, (soundfile.SoundFileError, TypeError)
        try:
            self._file = Sequential(path)
        except self._failures as error:
            raise AudioError(f"{name}: not audio that can be read ({_reason(error)}).") from None
        self.rate, self.channels = int(self._file.samplerate), int(self._file.channels)
        self.frames = int(self._file.frames) if self._file.frames < _ENDLESS else None
        self._done = 0
        # Of these the number of samples may be an estimate.
        self._lossy = self._file.format in _LOSSY

    def read(self, count: int) -> Samples:
        if self.frames is not None and not self._lossy:
            count = min(count, self.frames - self._done)
        values = self._translated(lambda: self._file.read(count, dtype="float32", always_2d=True))
        self._done += len(values)
        if len(values) < count and not self._lossy and self.frames is not None:
            raise AudioError(
                f"{self._name}: the header announces {self.frames:,} samples; only {self._done:,} of them "
                f"({self._done / self.rate:.2f} s) can be read. The file is truncated or damaged: copy it again."
            )
        return values

    def skip(self, count: int) -> int:
        if count and not self._lossy:
            self._done = self._translated(lambda: int(self._file.seek(count)))
        while self._done < count and len(self.read(min(count - self._done, self.rate))):
            pass
        return self._done

    def close(self) -> None:
        self._file.close()

    def _translated(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except self._failures as error:
            raise AudioError(
                f"{self._name}: damaged after {self._done / self.rate:.2f} s ({_reason(error)}). Copy it again."
            ) from None


def _reason(error: Exception) -> str:
    # A TypeError asks for the rate of a file that is raw by its name.
    return (
        "unknown format" if isinstance(error, TypeError) else str(error).splitlines()[0].rstrip(". ").rsplit(": ")[-1]
    )
