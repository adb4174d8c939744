"""Whether a trained model of music finds a piece as likely in every key.

    python -m benchmarks.transposition RUN [--test NAME | --files FOLDER] [--furthest 6]

Scores pieces as they are written and moved by each interval, the notes and the key together, as far as they stay within
the model's range. Prints for each interval nats a frame of the same pieces as written and moved, over all their frames;
how far the two differ for a piece, in the mean; and how the nats of their frames correlate.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seq2seq.inference.music import Composer
from seq2seq.music.events import Events
from seq2seq.music.inputs import FURTHEST
from seq2seq.music.notes import Music


@dataclass(frozen=True)
class Moved:
    """The same pieces as they are written and moved by an interval."""

    semitones: int
    written: list[np.ndarray]
    """Nats of the frames of each piece."""
    moved: list[np.ndarray]

    @property
    def rates(self) -> tuple[float, float]:
        """Nats a frame, over all frames: as written, moved."""
        return float(np.concatenate(self.written).mean()), float(np.concatenate(self.moved).mean())

    @property
    def of_a_piece(self) -> float:
        """Mean absolute difference of a piece's nats a frame."""
        pairs = zip(self.written, self.moved, strict=True)
        return float(np.mean([abs(one.mean() - other.mean()) for one, other in pairs]))

    @property
    def correlation(self) -> float:
        """Of the nats of all frames."""
        return float(np.corrcoef(np.concatenate(self.written), np.concatenate(self.moved))[0, 1])


def compare(composer: Composer, pieces: Sequence[Music], furthest: int = 6) -> list[Moved]:
    """Returns the pieces in every interval of at most `furthest` semitones that some of them can be moved by."""
    codec = composer.codec
    encoded = [codec.encode(piece) for piece in pieces if piece.steps]
    places = [codec.intervals(events, furthest) for events in encoded]

    def frames(chosen: Sequence[Events]) -> list[np.ndarray]:
        """Nats of each frame, without the end of the piece."""
        return [
            np.bincount(codec.frame_numbers(events.tokens), -log_probs.astype(np.float64))[:-1]
            for events, log_probs in zip(chosen, composer.log_probs(chosen), strict=True)
        ]

    written, found = frames(encoded), []
    for by in range(-furthest, furthest + 1):
        fits = [number for number, place in enumerate(places) if by in place]
        if by and fits:
            moved = frames([codec.transposed(encoded[number], by) for number in fits])
            found.append(Moved(by, [written[number] for number in fits], moved))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--test", metavar="NAME")
    parser.add_argument("--files", metavar="FOLDER")
    parser.add_argument("--furthest", type=int, default=6, choices=range(1, FURTHEST + 1), metavar="SEMITONES")
    arguments = parser.parse_args()
    from seq2seq.tasks.music.evaluation import open_pieces
    from seq2seq.tasks.music.loading import load_composer

    run = Path(arguments.run)
    try:
        pieces = open_pieces(run, arguments.test, arguments.files)
        found = compare(load_composer(run), pieces, arguments.furthest)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if not found:
        print("error: expected pieces that can be moved within the model's range. Received: none", file=sys.stderr)
        return 2
    print("| semitones | pieces | as written | moved | difference | of a piece | correlation of frames |")
    print("|---|---|---|---|---|---|---|")
    for one in found:
        written, moved = one.rates
        print(
            f"| {one.semitones:+d} | {len(one.moved)} of {len(pieces)} | {written:.3f} | {moved:.3f} "
            f"| {moved - written:+.3f} | {one.of_a_piece:.3f} | {one.correlation:.3f} |"
        )
    differences = [moved - written for written, moved in (one.rates for one in found)]
    print(
        f"difference: mean of absolute values {np.abs(differences).mean():.3f}, from {min(differences):+.3f} to "
        f"{max(differences):+.3f} nats a frame"
    )
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
