"""The front end of a recogniser: log-mels and their normalisation, and its file. Imports no framework."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from seq2seq.audio.features import LogMels, Normalizer
from seq2seq.files import check_regular, format_json, read_json, write_text

FRONTEND_FILE = "frontend.json"
RATES = (4000, 192_000)
"""Samples a second, the least and the most."""
MELS = (8, 128)
"""Bands, the fewest and the most."""


@dataclass(frozen=True)
class Frontend:
    """From samples to normalised frames."""

    mels: LogMels
    normalizer: Normalizer

    def frames(self, samples: np.ndarray) -> np.ndarray:
        """Returns the frames of a whole recording at the front end's rate, `(frames, mels)`, float32."""
        return self.normalizer(self.mels.frames(samples))

    def save(self, path: Path) -> None:
        """Writes `frontend.json`."""
        values = {"rate": self.mels.rate, "mels": self.mels.mels, **asdict(self.normalizer)}
        write_text(path, format_json(values))

    @classmethod
    def load(cls, path: Path) -> Frontend:
        """Reads what `save` wrote; ValueError names a missing or damaged file."""
        try:
            check_regular(path)
            values = read_json(path)
            for name, (least, most) in (("rate", RATES), ("mels", MELS)):
                if type(values[name]) is not int or not least <= values[name] <= most:
                    raise ValueError(f"expected {name} from {least} to {most}, received {str(values[name])[:40]}")
            mels = LogMels(rate=values["rate"], mels=values["mels"])
            normalizer = Normalizer(tuple(values["mean"]), tuple(values["scale"]))
            if len(normalizer.mean) != mels.mels:
                raise ValueError(f"expected {mels.mels} means, received {len(normalizer.mean)}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}: missing or damaged ({error}).") from error
        return cls(mels, normalizer)
