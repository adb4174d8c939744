"""Sound from a microphone, piece by piece; needs the extra `mic`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seq2seq.audio.reading import Audio, AudioError
from seq2seq.extras import require


def microphone(rate: int, seconds: float) -> Iterator[Audio]:
    """Returns pieces of `seconds` of one channel at `rate` Hz, without end, from the first that is asked for.

    Raises:
        MissingPackage: the extra `mic` is not installed.
        AudioError: there is no microphone, it refuses the rate, or it is lost.
    """
    require("sounddevice")
    return _pieces(rate, seconds)


def _pieces(rate: int, seconds: float) -> Iterator[Audio]:
    try:
        import sounddevice

        size = max(1, round(seconds * rate))
        with sounddevice.InputStream(samplerate=rate, channels=1, dtype="float32", blocksize=size) as stream:
            while True:
                samples, _ = stream.read(size)
                yield Audio(np.asarray(samples, np.float32)[:, 0], rate)
    except OSError as error:  # PortAudio is a library of the system
        raise AudioError(f"Expected the library PortAudio for the microphone. Received: {error}") from error
    except RuntimeError as error:
        raise AudioError(f"Expected a microphone at {rate} Hz. Received: {error}") from error
