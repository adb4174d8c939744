"""The negative log-likelihood of music, a frame. Only numbers over the same frames of the same grid can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seq2seq import __version__
from seq2seq.metrics.score import Score


@dataclass
class FrameLikelihood:
    """Sums over the frames of pieces. What it costs that a piece goes on is counted, its end is not."""

    nll: float = 0.0
    """Of all frames, in nats."""
    first_nll: float = 0.0
    """Of the first frame of each piece."""
    end_nll: float = 0.0
    """Of the ends of the pieces."""
    pieces: int = 0
    frames: int = 0
    tokens: int = 0
    unknown: int = 0
    """Notes outside the range of the model."""

    def add(self, frames: Sequence[float], end: float, tokens: int, unknown: int = 0) -> None:
        """Counts a piece: the negative log-probability of each frame and of its end, in nats; tokens but the end."""
        self.nll += sum(frames)
        self.first_nll += sum(frames[:1])
        self.end_nll += end
        self.pieces += 1
        self.frames += len(frames)
        self.tokens += tokens
        self.unknown += unknown

    def scores(self, conditions: str = "") -> dict[str, Score]:
        """Returns "frame_nll", over the frames 2 to T as it is published, "frame_nll_all" with the first ones, and of
        tokens "token_nll".

        All are means over the whole test set, not of the means of the pieces.

        Args:
            conditions: What else decides the numbers, for the signature.
        """
        more = f"|mean:over all frames|pieces:{self.pieces}|unknown:{self.unknown}"
        more += (f"|{conditions}" if conditions else "") + f"|seq2seq|version:{__version__}"
        later = self.frames - self.pieces
        found = {
            "frame_nll": Score((self.nll - self.first_nll) / max(1, later), f"nats|frames:2..T|count:{later}{more}"),
            "frame_nll_all": Score(self.nll / max(1, self.frames), f"nats|frames:1..T|count:{self.frames}{more}"),
        }
        if self.tokens:
            count = self.tokens + self.pieces
            signature = f"nats|per:token, ends of pieces too|count:{count}{more}"
            found["token_nll"] = Score((self.nll + self.end_nll) / count, signature)
        return found
