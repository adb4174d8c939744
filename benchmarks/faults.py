"""Does a killed and resumed run equal one that was never killed? python -m benchmarks.faults [--kills 50] [--seed 1]

Trains a small recipe once without faults. Then trains it repeatedly: killed (SIGKILL) at random moments, or while a
certain file is being written, and restarted by the same command until it ends; stopped by SIGTERM and SIGINT; on a disk
that is too small; and on one that becomes read-only. Each run must end bit for bit as the first, and no incomplete file
may have a final name. The disks are small tmpfs mounts, which need root or user namespaces (`unshare -rm`); without
either they are skipped, and the table says so.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

RECIPE = [
    *("recipes.translation", "tiny", "--data.max_train", "600", "--training.epochs", "3", "--batching.tokens", "900"),
    *("--tokenizer.sampling", "0.2", "--training.checkpoint_minutes", "0.01", "--training.keep_epochs", "2"),
    *("--training.patience", "3", "--search.beam_size", "2", "--search.max_ratio", "0", "--search.max_extra", "3"),
    *("--exports", "saved_model"),
]
"""The command: every stage, sampled subwords, checkpoints within epochs, an export."""
MOMENTS = ["partial-*-checkpoint.npz", "partial-*-model.weights.h5", "partial-*-sampled", "partial-*-1"]
"""Patterns of files in the run folder that exist while they are being written: moments to kill the run."""


@dataclass
class Harness:
    """Starts a recipe, and kills or stops it.

    Args:
        scratch: A folder for the corpus cache and the runs.
        recipe: Its module and the arguments.
        seed: Of the random moments.
    """

    scratch: Path
    recipe: list[str] = field(default_factory=lambda: list(RECIPE))
    seed: int = 1

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        # A cache of its own: the run is killed while the corpus is made, too.
        self.variables = {**os.environ, "SEQ2SEQ_DATA_CACHE": str(self.scratch / "cache"), "PYTHONFAULTHANDLER": ""}
        self.log = self.scratch / "log.txt"

    def start(self, folder: Path) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", *self.recipe, "--run-folder", str(folder)]
        with open(self.log, "wb") as log:
            return subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, env=self.variables)

    def finish(self, folder: Path) -> float:
        """Runs to the end and returns the seconds; AssertionError with the output if it fails."""
        begin = time.monotonic()
        code = self.start(folder).wait(600)
        assert code == 0, f"exit code {code}:\n{self.output()}"
        return time.monotonic() - begin

    def output(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def kill(self, folder: Path, seconds: float, moment: str = "") -> bool:
        """Starts, and kills after `seconds` or as soon as `moment` appears. Returns whether the run was still going."""
        process, end = self.start(folder), time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < end:
            if moment and any(any(place.glob(moment)) for place in self.places(folder)):
                time.sleep(self.draw.random() * 0.01)  # not always at the first byte
                break
            time.sleep(0.001 if moment else 0.02)
        process.kill()
        code = process.wait()
        if code == 0:
            return False
        assert code == -signal.SIGKILL, f"exit code {code}:\n{self.output()}"
        check_whole(folder)
        return True

    def places(self, folder: Path) -> list[Path]:
        """The folders that a run writes to."""
        return [folder, folder / "stores", folder / "export" / "saved_model"]

    def stop(self, folder: Path, number: int, seconds: float) -> tuple[int, float]:
        """Starts, and sends a signal after `seconds`; returns the exit code and how long the run took to end."""
        process = self.start(folder)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        begin = time.monotonic()
        code = process.wait(60)
        spent = time.monotonic() - begin
        assert "Traceback" not in self.output(), self.output()
        check_whole(folder)
        return code, spent


def check_whole(folder: Path) -> None:
    """AssertionError if a file with a final name is incomplete."""
    for path in folder.rglob("*"):
        if any(part.startswith(("partial-", ".")) for part in path.relative_to(folder).parts):
            continue
        if path.suffix == ".json":
            json.loads(path.read_text("utf-8"))
        elif path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                assert all(arrays[name] is not None for name in arrays.files)
        elif path.suffix == ".h5":
            with h5py.File(path) as file:
                file.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else None)


def content(folder: Path) -> dict[str, object]:
    """Everything in a run that must not depend on how often it was stopped."""
    with open(folder / "history.csv", newline="", encoding="utf-8") as file:
        history = list(csv.DictReader(file))
    for row in history:
        del row["seconds"], row["tokens_per_second"]
    with np.load(folder / "checkpoint.npz", allow_pickle=False) as arrays:
        state = {name: arrays[name].tobytes() for name in arrays.files if name.startswith("v")}
    found: dict[str, object] = {"history": history, "state": state}
    for path in sorted([folder / "model.weights.h5", *folder.glob("epochs/*")]):
        found[path.name] = weights(path)
    for path in sorted([*folder.glob("*.model"), *folder.glob("hypotheses/*")]):
        found[path.name] = path.read_bytes()
    found["scores"] = json.loads((folder / "scores.json").read_text("utf-8"))["tests"]
    found["files"] = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if "tensorboard" not in p.parts)
    return found


def weights(path: Path) -> list[bytes]:
    """The bytes of every array, sorted: names depend on how many models a process has made."""
    arrays: list[bytes] = []
    with h5py.File(path) as file:
        file.visititems(lambda _, item: arrays.append(item[()].tobytes()) if isinstance(item, h5py.Dataset) else None)
    return sorted(arrays)


def compare(folder: Path, expected: dict[str, object]) -> None:
    """AssertionError that names what differs from a run without faults."""
    found = content(folder)
    differing = [name for name in {**expected, **found} if found.get(name) != expected.get(name)]
    assert not differing, f"{folder} differs in {', '.join(differing)}"


class Disk:
    """A small file system, mounted at a folder.

    Raises:
        PermissionError: this user cannot mount one.
    """

    def __init__(self, folder: Path, megabytes: float):
        self.folder = folder
        folder.mkdir()
        self._run("mount", "-t", "tmpfs", "-o", f"size={int(megabytes * 1024)}k", "tmpfs", str(folder))

    def change(self, options: str) -> None:
        self._run("mount", "-o", f"remount,{options}", str(self.folder))

    def close(self) -> None:
        self._run("umount", str(self.folder))
        self.folder.rmdir()

    def _run(self, *words: str) -> None:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PermissionError(done.stderr.strip())


def kills(harness: Harness, expected: dict[str, object], duration: float, count: int) -> str:
    done = runs = 0
    folder = harness.scratch / "killed"
    seen: dict[str, int] = {}
    while done < count:
        if not folder.exists() and harness.draw.random() < 0.5:
            shutil.rmtree(harness.scratch / "cache", ignore_errors=True)
        moment = harness.draw.choice(["", "", *MOMENTS])
        in_time = harness.kill(folder, harness.draw.uniform(0.15, 0.75) * duration, moment)
        done += in_time
        seen[stage(folder)] = seen.get(stage(folder), 0) + in_time
        if not in_time or (folder / "scores.json").exists():
            harness.finish(folder)  # prints that it is finished
            compare(folder, expected)
            shutil.rmtree(folder)
            runs += 1
        show(f"{done} of {count} kills, {runs} runs ended")
    if folder.exists():
        harness.finish(folder)
        compare(folder, expected)
        shutil.rmtree(folder)
        runs += 1
    where = ", ".join(f"{name} {number}" for name, number in sorted(seen.items()) if number)
    return f"{done} kills in {runs} runs ({where}); every run ended equal to the bit"


def stage(folder: Path) -> str:
    """How far a killed run had come."""
    if (folder / "hypotheses").exists():
        return "scoring and export"
    if (folder / "checkpoint.npz").exists():
        return "training"
    return "tokenising" if (folder / "data.json").exists() else "before"


def signals(harness: Harness, expected: dict[str, object], duration: float, count: int) -> str:
    slowest, folder = 0.0, harness.scratch / "stopped"
    for i in range(count):
        number, expected_code = ((signal.SIGTERM, 143), (signal.SIGINT, 130))[i % 2]
        # In the first seconds Python starts and has no handlers yet.
        code, spent = harness.stop(folder, number, harness.draw.uniform(0.3, 0.95) * duration)
        assert code in (0, expected_code, -number), f"exit code {code}:\n{harness.output()}"
        assert spent < 10, f"{spent:.1f} seconds"
        slowest = max(slowest, spent)
        show(f"{i + 1} of {count} signals")
    harness.finish(folder)
    compare(folder, expected)
    return f"{count} signals; the slowest end took {slowest:.1f} s; the run ended equal to the bit"


def disks(harness: Harness, expected: dict[str, object]) -> str:
    full = 0
    sizes = (0.1, 0.4, 1.0, 1.6, 2.4)
    try:
        for megabytes in sizes:
            disk = Disk(harness.scratch / "disk", megabytes)
            try:
                folder = disk.folder / "run"
                code = harness.start(folder).wait(600)
                if code:
                    lines = [line for line in harness.output().splitlines() if line.startswith("error: ")]
                    assert code == 1, f"exit code {code}:\n{harness.output()}"
                    assert len(lines) == 1, harness.output()
                    assert "No space left on device. Free some space" in lines[0], harness.output()
                    assert "Traceback" not in harness.output(), harness.output()
                    full += 1
                check_whole(folder)
                disk.change("size=64m")
                harness.finish(folder)
                compare(folder, expected)
            finally:
                disk.close()
            show(f"disk of {megabytes} MB")
    except PermissionError as error:
        return f"skipped: {error}"
    return f"disks of {', '.join(map(str, sizes))} MB: {full} became full, each reported in one line; all ended equal"


def read_only(harness: Harness, expected: dict[str, object], duration: float) -> str:
    try:
        disk = Disk(harness.scratch / "disk", 64)
    except PermissionError as error:
        return f"skipped: {error}"
    try:
        folder = disk.folder / "run"
        for share in (0.0, 0.6):
            if share:
                harness.kill(folder, share * duration)
            disk.change("ro")
            code = harness.start(folder).wait(600)
            assert code == 1, f"exit code {code}:\n{harness.output()}"
            assert "Read-only file system." in harness.output(), harness.output()
            assert "Traceback" not in harness.output(), harness.output()
            disk.change("rw")
        harness.finish(folder)
        compare(folder, expected)
    finally:
        disk.close()
    return "reported in one line at the start and in the middle; the run ended equal to the bit"


def show(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--signals", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        harness = Harness(Path(scratch), seed=options.seed)
        duration = harness.finish(harness.scratch / "whole")
        expected = content(harness.scratch / "whole")
        again = harness.finish(harness.scratch / "again")
        compare(harness.scratch / "again", expected)
        print(f"| fault | result |\n|---|---|\n| none, twice | {duration:.0f} and {again:.0f} s; equal to the bit |")
        for name, result in (
            ("SIGKILL", lambda: kills(harness, expected, again, options.kills)),
            ("SIGTERM, SIGINT", lambda: signals(harness, expected, again, options.signals)),
            ("full disk", lambda: disks(harness, expected)),
            ("read-only folder", lambda: read_only(harness, expected, again)),
        ):
            print(f"| {name} | {result()} |", flush=True)


if __name__ == "__main__":
    main()
