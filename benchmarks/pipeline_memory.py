"""Does memory stay flat as the corpus grows? python -m benchmarks.pipeline_memory [--pairs 1000000 10000000]

Each size runs in a process of its own: corpus -> token store -> plan of an epoch -> every tenth batch. Prints a row for
each size.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from seq2seq.pipeline.plan import Batching, Plan
from seq2seq.text.corpus import ParallelText
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.text.token_batches import PAIRS
from seq2seq.text.token_store import write_token_store

WORDS = np.array([f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in "bdfgklmnprst"])


def lines(count: int, seed: int) -> Iterator[str]:
    random = np.random.default_rng(seed)
    for start in range(0, count, 10_000):
        lengths = random.integers(3, 20, min(10_000, count - start))
        words = WORDS[random.integers(0, len(WORDS), int(lengths.sum()))]
        for part in np.split(words, np.cumsum(lengths)[:-1]):
            yield " ".join(part)


def own_memory() -> int:
    """Anonymous resident memory of this process, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("RssAnon")).split()[1]) // 1024


def measure(folder: Path, pairs: int) -> dict[str, float]:
    peak, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            peak[0] = max(peak[0], own_memory())

    threading.Thread(target=watch, daemon=True).start()
    tokenizer = SubwordTokenizer.train(lines(20_000, 0), 1000)
    text = ParallelText(folder / "source", folder / "target")
    begin = time.monotonic()

    def encode(chunk: list[str], number: int) -> list[list[int]]:
        return tokenizer.encode(chunk)

    store = write_token_store(folder / "store", text, encode, encode, 150)
    stored = time.monotonic()
    plan = Plan(store, PAIRS, Batching(), seed=1)
    planned = time.monotonic()
    # Every tenth batch visits all windows in a tenth of the time.
    tokens = sum(int(plan[step].weights.sum()) for step in range(0, len(plan), 10))
    walked = time.monotonic()
    done.set()
    return {
        "pairs": pairs,
        "tokenise_s": round(stored - begin, 1),
        "plan_s": round(planned - stored, 1),
        "batches_s": round(walked - planned, 1),
        "batches": len(plan),
        "target_tokens_of_a_tenth": tokens,
        "peak_mb": peak[0],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(Path(arguments.measure[0]), int(arguments.measure[1]))))
        return
    for pairs in arguments.pairs:
        with tempfile.TemporaryDirectory() as folder:
            for seed, name in enumerate(("source", "target"), 1):
                with open(Path(folder) / name, "w", encoding="utf-8") as file:
                    file.writelines(line + "\n" for line in lines(pairs, seed))
            command = [sys.executable, "-m", "benchmarks.pipeline_memory", "--measure", folder, str(pairs)]
            print(subprocess.run(command, capture_output=True, text=True, check=True).stdout, end="", flush=True)


if __name__ == "__main__":
    main()
