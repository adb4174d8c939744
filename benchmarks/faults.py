"""Is a run that was killed the same as one that was not? python -m benchmarks.faults [--kills 50] [--seed 1]

Trains a small recipe once undisturbed. Then again and again, killed (SIGKILL) at random moments or just when a certain
file is being written, and started anew by the same command, until it has ended; and stopped by SIGTERM and SIGINT; and
on a disk that is too small, and on one that becomes read-only. Each must end as the undisturbed one, bit by bit, and
leave no half-written file behind that bears a final name. The disks are small tmpfs mounts, which want root or user
namespaces (`unshare -rm`); where neither is to be had they are left out, and the table says so.
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
"""What is run: every stage, sampled subwords, checkpoints within epochs, an export."""
MOMENTS = ["partial-*-checkpoint.npz", "partial-*-model.weights.h5", "partial-*-sampled", "partial-*-1"]
"""Patterns of names whose appearance in the run folder is a moment to kill at; what has them is being written."""


@dataclass
class Harness:
    """Starts one recipe, and disturbs it.

    Args:
        scratch: A folder for the corpus cache and for the runs.
        recipe: Module and words of its command line.
        seed: Of the moments.
    """

    scratch: Path
    recipe: list[str] = field(default_factory=lambda: list(RECIPE))
    seed: int = 1

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        # A cache of its own: that the corpus is made belongs to what is disturbed.
        self.variables = {**os.environ, "SEQ2SEQ_DATA_CACHE": str(self.scratch / "cache"), "PYTHONFAULTHANDLER": ""}
        self.log = self.scratch / "log.txt"

    def start(self, folder: Path) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", *self.recipe, "--run-folder", str(folder)]
        with open(self.log, "wb") as log:
            return subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, env=self.variables)

    def finish(self, folder: Path) -> float:
        """Runs to the end; returns the seconds, AssertionError with the output where it fails."""
        begin = time.monotonic()
        code = self.start(folder).wait(600)
        assert code == 0, f"exit code {code}:\n{self.output()}"
        return time.monotonic() - begin

    def output(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def kill(self, folder: Path, seconds: float, moment: str = "") -> bool:
        """Starts, and kills after so many seconds, or before when `moment` appears. Returns whether it was in time."""
        process, end = self.start(folder), time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < end:
            if moment and any(any(place.glob(moment)) for place in self.places(folder)):
                time.sleep(self.draw.random() * 0.01)  # not always at its first byte
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
        """Where a run writes."""
        return [folder, folder / "stores", folder / "export" / "saved_model"]

    def stop(self, folder: Path, number: int, seconds: float) -> tuple[int, float]:
        """Starts, and sends a signal after so many seconds; returns the exit code and how long it took to end."""
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
    """AssertionError where a file that bears a final name is not whole."""
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
    """All of a run that must not depend on how it came about."""
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
    """The bytes of every array, in an order of their own: names count up with the models of a process."""
    arrays: list[bytes] = []
    with h5py.File(path) as file:
        file.visititems(lambda _, item: arrays.append(item[()].tobytes()) if isinstance(item, h5py.Dataset) else None)
    return sorted(arrays)


def compare(folder: Path, expected: dict[str, object]) -> None:
    """AssertionError that names what differs from an undisturbed run."""
    found = content(folder)
    differing = [name for name in {**expected, **found} if found.get(name) != expected.get(name)]
    assert not differing, f"{folder} differs in {', '.join(differing)}"


class Disk:
    """A small file system of its own.

    Raises:
        PermissionError: this user may not mount one.
    """

    def __init__(self, folder: Path, megabytes: float):
        self.folder = folder
        folder.mkdir()
        self._do("mount", "-t", "tmpfs", "-o", f"size={int(megabytes * 1024)}k", "tmpfs", str(folder))

    def change(self, options: str) -> None:
        self._do("mount", "-o", f"remount,{options}", str(self.folder))

    def close(self) -> None:
        self._do("umount", str(self.folder))
        self.folder.rmdir()

    def _do(self, *words: str) -> None:
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
            harness.finish(folder)  # says that it is finished
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
    """How far a run is that was killed."""
    if (folder / "hypotheses").exists():
        return "scoring and export"
    if (folder / "checkpoint.npz").exists():
        return "training"
    return "tokenising" if (folder / "data.json").exists() else "before"


def signals(harness: Harness, expected: dict[str, object], duration: float, count: int) -> str:
    slowest, folder = 0.0, harness.scratch / "stopped"
    for i in range(count):
        number, wanted = ((signal.SIGTERM, 143), (signal.SIGINT, 130))[i % 2]
        # The first seconds belong to Python, which starts and has no handlers yet.
        code, spent = harness.stop(folder, number, harness.draw.uniform(0.3, 0.95) * duration)
        assert code in (0, wanted, -number), f"exit code {code}:\n{harness.output()}"
        assert spent < 10, f"{spent:.1f} seconds"
        slowest = max(slowest, spent)
        show(f"{i + 1} of {count} signals")
    harness.finish(folder)
    compare(folder, expected)
    return f"{count} signals; the slowest end took {slowest:.1f} s; the run ended equal to the bit"


def disks(harness: Harness, expected: dict[str, object]) -> str:
    told = 0
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
                    told += 1
                check_whole(folder)
                disk.change("size=64m")
                harness.finish(folder)
                compare(folder, expected)
            finally:
                disk.close()
            show(f"disk of {megabytes} MB")
    except PermissionError as error:
        return f"left out: {error}"
    return f"disks of {', '.join(map(str, sizes))} MB: {told} became full, each told in one line; all ended equal"


def read_only(harness: Harness, expected: dict[str, object], duration: float) -> str:
    try:
        disk = Disk(harness.scratch / "disk", 64)
    except PermissionError as error:
        return f"left out: {error}"
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
    return "told in one line at the start and in the middle; the run ended equal to the bit"


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
