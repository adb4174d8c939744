"""Trains the recipe `digits` once for each speaker without that speaker, and scores all 500 recordings of them.

    python -m benchmarks.left_out_speaker [--epochs 16] [--speakers jackson nicolas …] [--runs DIR]

Epochs are chosen by strings of the other speakers. Prints for each speaker how many of the single digits are heard
right, and the mean. Runs that are there are gone on with, or read where they are finished.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean

from seq2seq.catalogue import fsdd

SPLITS = ("train", "validation", "test")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--speakers", nargs="+", metavar="NAME")
    parser.add_argument("--runs", metavar="DIR", help="keep the runs here")
    arguments = parser.parse_args()
    speakers = arguments.speakers or sorted({row["speaker"] for row in rows_of("test")})
    shares = []
    with tempfile.TemporaryDirectory() as temporary:
        top = Path(arguments.runs or temporary)
        for speaker in speakers:
            wrong, count = train_without(speaker, top, arguments.epochs)
            shares.append(100 * (1 - wrong / count))
            print(f"{speaker:10} {count - wrong:4} of {count} right   {shares[-1]:6.2f} %", flush=True)
    print(f"mean {mean(shares):.2f} %, lowest {min(shares):.2f} %")
    return 0


def train_without(speaker: str, top: Path, epochs: int) -> tuple[int, int]:
    """Returns how many recordings of a speaker a recogniser that never heard them gets wrong, and of how many."""
    folder = top / f"without-{speaker}"
    manifests = {name: top / f"{name}-{speaker}.tsv" for name in SPLITS}
    top.mkdir(parents=True, exist_ok=True)
    for name in SPLITS[:2]:
        write_rows(manifests[name], [row for row in rows_of(f"{name}_strings") if row["speaker"] != speaker])
    write_rows(manifests["test"], [row for name in SPLITS for row in rows_of(name) if row["speaker"] == speaker])
    words = ["train", "speech", "digits", "--run-folder", folder, "--data.corpus", "files", "--exports", ""]
    words += [word for name, path in manifests.items() for word in (f"--data.{name}", path)]
    words += ["--data.splits", "train,validation", "--data.tests", "test", "--training.epochs", epochs]
    if code := subprocess.run([sys.executable, "-m", "seq2seq.cli.main", *map(str, words)], check=False).returncode:
        sys.exit(code)  # it has said why
    count = sum(1 for _ in open(manifests["test"], encoding="utf-8")) - 1
    scores = json.loads((folder / "scores.json").read_text("utf-8"))["tests"]["test"]
    return round(scores["wer"]["score"] / 100 * count), count


def rows_of(split: str) -> list[dict[str, str]]:
    """Returns the rows of a split, with full paths."""
    manifest = fsdd.load(split)
    with open(manifest, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [{**row, "audio": str((manifest.parent / row["audio"]).resolve())} for row in rows]


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    """Writes a manifest."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)  # the run that was interrupted has said how to go on
