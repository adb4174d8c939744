"""Can any input break it? python -m benchmarks.fuzz [--cases 100000] [--target NAME ...] [--first N]

Gives corrupted files, random text and unusual command lines to every reader (benchmarks/fuzz_cases.py) and to whole
commands (benchmarks/fuzz_commands.py, fuzz_outputs.py). The law: each returns, or raises ValueError or OSError with a
message, which the commands print as one error, and changes nothing outside its folder. Each target runs in a process of
its own, which is watched: if it dies, takes more than `--memory` megabytes, or spends more than `--seconds` on a case,
that case has failed, and a new process continues with the next one. To repeat a case: `--target NAME --first NUMBER
--cases 1`. Exit code 1 if any case failed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.fuzz_cases import RUN, run_case
from benchmarks.fuzz_crafted import SHARE, TARGETS

TRAINING = [
    *("tiny", "--run-folder", str(RUN), "--data.max_train", "300", "--training.epochs", "1"),
    *("--search.max_ratio", "0", "--search.max_extra", "4", "--exports", "litert"),
]
"""Arguments of the recipe whose run is spoiled."""


def work(target: str, first: int, count: int, folder: str, pipe: Connection) -> None:
    """Runs cases in the folder of the run; sends `(number, None)` before each case and `(number, failure)` after it."""
    os.chdir(folder)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    for number in range(first, first + count):
        pipe.send((number, None))
        pipe.send((number, run_case(target, number)))
    pipe.close()


def megabytes(process: int) -> float:
    """Memory of a process, without the files that it maps."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon:"))
    except (OSError, StopIteration):
        return 0.0


def fuzz(
    target: str, first: int, count: int, folder: Path, limits: tuple[float, float]
) -> tuple[list[str], float, float]:
    """Runs the cases of a target. Returns the failures, the seconds and the most megabytes."""
    failures: list[str] = []
    begin, peak, end = time.monotonic(), 0.0, first + count
    context = multiprocessing.get_context("spawn")
    while first < end:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(target, first, end - first, str(folder), sender))
        process.start()
        sender.close()
        since, number, problem = time.monotonic(), first, ""
        allowed = limits[1] + 60  # the first case imports, and makes what all cases use
        checked = since
        while not problem:
            try:
                if time.monotonic() - checked < 0.5 and receiver.poll(0.2):
                    number, failure = receiver.recv()
                    if failure is None:
                        since = time.monotonic()
                        continue
                    allowed = limits[1]
                    if failure:
                        failures.append(f"{target} {number}: {failure}")
                    first = number + 1
                    continue
            except EOFError:
                process.join()
                problem = "" if first >= end else f"the process died (exit code {process.exitcode})"
                break
            memory, checked = megabytes(process.pid or 0), time.monotonic()
            peak = max(peak, memory)
            if memory > limits[0]:
                problem = f"{memory:,.0f} MB"
            elif time.monotonic() - since > allowed:
                problem = f"no end after {allowed:.0f} s"
        peak = max(peak, megabytes(process.pid or 0))
        if problem:
            process.kill()
            failures.append(f"{target} {number}: {problem}")
            first = number + 1
        process.join()
        receiver.close()
        if first >= end:
            break
    return failures, time.monotonic() - begin, peak


def make_run(folder: Path) -> None:
    """Trains the smallest run, with a LiteRT export, in the folder."""
    from recipes.translation import RECIPES
    from seq2seq.cli.train import run_recipe

    os.chdir(folder)
    sys.stdout = open(os.devnull, "w")
    code = run_recipe(RECIPES, "train", "", TRAINING)
    sys.exit(code)


def shares(cases: int, names: list[str]) -> dict[str, int]:
    """How many cases each target gets."""
    total = sum(SHARE.get(name, 1.0) for name in names)
    return {name: -(-int(cases * SHARE.get(name, 1.0) * 1000) // int(total * 1000)) or 1 for name in names}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--target", nargs="+", choices=sorted(TARGETS), default=list(TARGETS), metavar="NAME")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--memory", type=float, default=3000, help="megabytes (default 3000)")
    parser.add_argument("--seconds", type=float, default=30, help="for a case (default 30)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        maker = multiprocessing.get_context("spawn").Process(target=make_run, args=(folder,))
        maker.start()
        maker.join()
        assert maker.exitcode == 0, "the run for the cases could not be trained"
        print("| target | cases | a second | failures | most MB |\n|---|---|---|---|---|", flush=True)
        everything: list[str] = []
        done = 0
        for name, count in shares(options.cases, options.target).items():
            failures, seconds, peak = fuzz(name, options.first, count, folder, (options.memory, options.seconds))
            done += count
            everything += failures
            print(f"| {name} | {count:,} | {count / seconds:,.0f} | {len(failures)} | {peak:,.0f} |", flush=True)
            kinds = Counter(failure.split(": ", 1)[1] for failure in failures)
            for kind, times in kinds.most_common(8):
                example = next(failure for failure in failures if failure.endswith(kind))
                print(f"  {times} x {kind}, first {example.split(':')[0]}", file=sys.stderr, flush=True)
    print(f"| all | {done:,} | | {len(everything)} | |")
    sys.exit(bool(everything))


if __name__ == "__main__":
    main()
