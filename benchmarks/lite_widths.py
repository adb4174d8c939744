"""Do newly loaded LiteRT networks compute the same whatever widths of the source came before?

    python -m benchmarks.lite_widths LITE [LITE …] [--seconds 60] [--bare]

Each turn loads the networks of a LiteRT folder and searches, greedily and with its beam, in some of a fixed set of
single sources and batches of random widths, in random order. The result for a source must not depend on earlier calls:
a call differs if its log-probabilities are not those of most calls with the same source. `--bare` leaves out the calls
with which `LiteNetworks` allocates room, and so shows what they are for. Exit code 1 if any call differed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from seq2seq.lite.folder import load_search, load_shape, load_tokenizers
from seq2seq.lite.generator import LiteGenerator
from seq2seq.lite.networks import LiteNetworks
from seq2seq.symbols import EOS, PAD

SOURCES, CALLS, NEAR = 12, 4, 0.01
"""Different batches; calls for each loading of the networks; the largest difference of rounding, in nats."""


def make_sources(shape: dict[str, Any], random: np.random.Generator) -> list[np.ndarray]:
    """Batches of random ids, every other one of a single source."""
    found = []
    for n in range(SOURCES):
        lengths = random.integers(1, 10, 1 if n % 2 else max(shape["batches"]))
        ids = np.full((len(lengths), lengths.max() + 1), PAD, np.int32)
        for row, length in zip(ids, lengths, strict=True):
            row[:length] = random.integers(EOS + 1, shape["source_size"], length)
            row[length] = EOS
        found.append(ids)
    return found


def count(path: Path, seconds: float) -> dict[int, tuple[int, int]]:
    """Returns for each beam size the number of calls, and how many of them differ."""
    shape, random = load_shape(path), np.random.default_rng(1)
    tokenizers, options = load_tokenizers(path, shape), load_search(path, shape)
    sources = make_sources(shape, random)
    found: dict[tuple[int, int], list[np.ndarray]] = defaultdict(list)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for beam in shape["beams"]:
            networks = LiteNetworks(path, shape)
            generator = LiteGenerator(networks, *tokenizers, options.changed(beam_size=beam, num_best=1))
            for n in random.integers(SOURCES, size=CALLS).tolist():
                result = np.asarray(generator._search_on(networks, sources[n]).log_probabilities)
                found[beam, n].append(result[: len(sources[n]), 0])
    counts = dict.fromkeys(shape["beams"], (0, 0))
    for (beam, _), results in found.items():
        stacked = np.stack(results)
        apart = np.abs(stacked - np.median(stacked, axis=0)).max(axis=1) > NEAR
        counts[beam] = counts[beam][0] + len(apart), counts[beam][1] + int(apart.sum())
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="LITE")
    parser.add_argument("--seconds", type=float, default=60, help="for each folder (default 60)")
    parser.add_argument("--bare", action="store_true", help="without allocating room first")
    arguments = parser.parse_args()
    bare = patch.object(LiteNetworks, "_make_room", lambda *_: None) if arguments.bare else nullcontext()
    differing = 0
    with bare:
        for folder in arguments.folders:
            for beam, (calls, different) in count(folder, arguments.seconds).items():
                print(f"{folder}  beam {beam}: {different:,} of {calls:,} calls differ", flush=True)
                differing += different
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())
