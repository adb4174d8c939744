"""How long does `seq2seq doctor` take? python -m benchmarks.doctor [--pairs 1000000] [--tokenizer]

Makes pairs from the embedded grammar: its 30,000 training sentences repeated, each time with another name in front, and
a few bad lines among them. Then runs the command on them in a process of its own, with the grammar's test set as
--test-source. Prints seconds, pairs a second, seconds of processor time, which depend less on other work,
and the peak memory of all its processes together.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from seq2seq.catalogue import grammar_files
from seq2seq.text.corpus import ParallelText
from seq2seq.text.subword import SubwordTokenizer

BAD_PAIRS = [
    ("", "leer"),
    ("a\x07b", "a  b"),
    ("caf\udce9", "x"),
    ("the same text", "the same text"),
    ("in 1984", "1948"),
]


def make(folder: Path, pairs: int, sentences: list[tuple[str, str]]) -> None:
    draw = np.random.default_rng(1)
    syllables = [a + b + c for a in "bdfgklmnprst" for b in "aeiou" for c in ("", "n", "r", "s")]
    with open(folder / "train.en", "wb") as source, open(folder / "train.de", "wb") as target:
        for start in range(0, pairs, len(sentences)):
            places = draw.permutation(len(sentences))[: pairs - start].tolist()
            names = draw.integers(0, len(syllables), (len(places), 3))
            spoil = draw.random(len(places)) < 0.001
            for place, name, bad in zip(places, names.tolist(), spoil.tolist(), strict=True):
                pair = BAD_PAIRS[name[0] % len(BAD_PAIRS)] if bad else sentences[place]
                # A name in front of each: most pairs are unique, but have near duplicates.
                word = "" if bad else "".join(syllables[n] for n in name).title() + ": "
                source.write((word + pair[0] + "\n").encode("utf-8", "surrogateescape"))
                target.write((word + pair[1] + "\n").encode("utf-8", "surrogateescape"))


def memory_of(process: int) -> int:
    """Memory of a process and its children in MB; what they share is counted once."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parts = status.read_text().rsplit(") ", 1)[1].split()
            if int(status.parent.name) == process or int(parts[1]) == process:
                rollup = (status.parent / "smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
        except (OSError, IndexError, StopIteration):
            continue
    return total // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--tokenizer", action="store_true", help="also count tokens, with a vocabulary of 8,000")
    parser.add_argument("--fix", action="store_true", help="also write the cleaned copy")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sentences = [(e.source, e.target) for e in grammar_files.load("train", "en", "de")]
        make(folder, arguments.pairs, sentences)
        test = grammar_files.load("test", "en", "de")
        assert isinstance(test, ParallelText)
        words = ["--source", str(folder / "train.en"), "--target", str(folder / "train.de"), "--json"]
        words += ["--test-source", str(test.source), "--source-language", "en", "--target-language", "de"]
        words += ["--processes", str(arguments.processes), "--html", str(folder / "page.html")]
        if arguments.tokenizer:
            learned = SubwordTokenizer.train([side for pair in sentences for side in pair], 8000)
            learned.save(folder / "joint.model")
            words += ["--source-model", str(folder / "joint.model")]
        if arguments.fix:
            words += ["--fix", str(folder / "clean")]
        load = os.getloadavg()[0]
        begin, peak, done = time.monotonic(), [0], threading.Event()
        process = subprocess.Popen(
            [sys.executable, "-m", "seq2seq.cli.main", "doctor", *words], stdout=subprocess.DEVNULL
        )

        def watch() -> None:
            while not done.wait(0.2):
                peak[0] = max(peak[0], memory_of(process.pid))

        threading.Thread(target=watch, daemon=True).start()
        code = process.wait()
        seconds = time.monotonic() - begin
        done.set()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        size = sum((folder / f"train.{end}").stat().st_size for end in ("en", "de")) / 1e6
        print(
            f"{arguments.pairs:,} pairs ({size:,.0f} MB), {arguments.processes} processes: {seconds:.1f} s, "
            f"{arguments.pairs / seconds:,.0f} pairs/s, {used.ru_utime + used.ru_stime:.1f} s of processor time, "
            f"{peak[0]:,} MB, exit code {code}; load before {load:.1f}, after {os.getloadavg()[0]:.1f}"
        )


if __name__ == "__main__":
    main()
