"""What `seq2seq train` reaches on the first pairs of Multi30k en-de, as on files of one's own.

    python -m benchmarks.small_corpora [--pairs 1000 5000 10000 29000] [--seeds 1 2 3] [--runs DIR] [--test] [--FIELD …]

Each run takes the preset for its size, and the validation text of Multi30k; fields of the recipe change it. Prints the
BLEU of greedy outputs on the validation text for each seed and their mean, the epoch it is of, and the time; with
--test that of the recipe's search on test_2016_flickr too. Runs that are there are gone on with, or read where they are
finished.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from statistics import mean

from seq2seq.catalogue import multi30k


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, nargs="+", default=[1000, 5000, 10_000, 29_000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--runs", metavar="DIR", help="keep the runs here")
    parser.add_argument("--test", action="store_true", help="score the test set too")
    arguments, fields = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as temporary:
        top = Path(arguments.runs or temporary)
        top.mkdir(parents=True, exist_ok=True)
        print(
            "| pairs | validation BLEU | mean | best epochs | minutes each |" + " test BLEU | mean |" * arguments.test
        )
        print("|---|---|---|---|---|" + "---|---|" * arguments.test)
        for pairs in arguments.pairs:
            found = [train(top, pairs, seed, arguments.test, fields) for seed in arguments.seeds]
            best, epochs, minutes, tests = zip(*found, strict=True)
            row = [
                f"{pairs:,}",
                _listed(best),
                f"{mean(best):.1f}",
                ", ".join(map(str, epochs)),
                f"{mean(minutes):.0f}",
            ]
            row += [_listed(tests), f"{mean(tests):.1f}"] if arguments.test else []
            print(f"| {' | '.join(row)} |", flush=True)
    return 0


def train(top: Path, pairs: int, seed: int, test: bool, fields: Sequence[str]) -> tuple[float, int, float, float]:
    """Returns of a run the best validation BLEU, its epoch, the minutes of training, and BLEU on the test set."""
    folder = top / f"{pairs}-{seed}"
    sides = {"train": ("train", pairs), "validation": ("val", None)}
    sides |= {"test": ("test_2016_flickr", None)} if test else {}
    words = ["train", "--run-folder", folder, "--seed", seed, "--exports", "", *fields]
    for name, (split, most) in sides.items():
        files = _write(top, split, most)
        prefix = "" if name == "train" else f"data.{name}."
        words += [f"--{prefix}source", files[0], f"--{prefix}target", files[1]]
    command = [sys.executable, "-m", "seq2seq.cli.main", *map(str, words)]
    if code := subprocess.run(command, stdout=sys.stderr, check=False).returncode:
        sys.exit(code)  # it has said why
    with open(folder / "history.csv", encoding="utf-8", newline="") as file:
        history = list(csv.DictReader(file))
    best = max(history, key=lambda row: float(row["val_bleu"]))
    minutes = sum(float(row["seconds"]) for row in history) / 60
    scores = json.loads((folder / "scores.json").read_text("utf-8"))["tests"]
    bleu = float(scores["test"]["bleu"]["score"]) if test else float("nan")
    return float(best["val_bleu"]), int(best["epoch"]), minutes, bleu


def _write(top: Path, split: str, most: int | None) -> list[Path]:
    """Writes the first pairs of a split, all where `most` is None; returns the files of both sides."""
    files = [top / f"{split}-{most or 'all'}.{language}" for language in ("en", "de")]
    if not all(file.exists() for file in files):
        examples = list(islice(multi30k.load(split, "en", "de"), most))
        files[0].write_text("".join(f"{example.source}\n" for example in examples), "utf-8")
        files[1].write_text("".join(f"{example.target}\n" for example in examples), "utf-8")
    return files


def _listed(scores: Sequence[float]) -> str:
    return ", ".join(f"{score:.1f}" for score in scores)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
