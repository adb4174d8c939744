"""Can any input break it? python -m benchmarks.fuzz [--cases 100000] [--target NAME ...] [--first N]

Gives spoiled files, wild text and odd command lines to everything that reads (benchmarks/fuzz_cases.py), and to whole
commands (benchmarks/fuzz_commands.py, fuzz_outputs.py). The law: it returns, or raises ValueError or OSError with a
message, which the commands print as one error, and nothing outside of its folder is changed. Each target runs in a
process of its own that is watched: one that dies, takes more than `--memory` megabytes, or stays at a case for longer
than `--seconds`, has failed in that case, and another one goes on behind it. Every case can be run again: `--target
NAME --first NUMBER --cases 1`. Exit code 1 if any failed.
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

_TRAIN = [
    *(
        "tiny",
        "--run-folder",
        str(RUN),
        "--data.max_train",
        "300",
        "--search.max_ratio",
        "0",
        "--search.max_extra",
        "4",
    ),
    *("--training.epochs", "1", "--exports", "litert"),
]


def work(target: str, first: int, count: int, folder: str, pipe: Connection) -> None:
    """Runs cases in a folder of its own beside the run; tells each before and after."""
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
    """What a process holds, without the files it only maps."""
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
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(target, first, end - first, str(folder), theirs))
        process.start()
        theirs.close()
        since, number, problem = time.monotonic(), first, ""
        allowed = limits[1] + 60  # the first case imports, and makes what all cases use
        looked = since
        while not problem:
            try:
                if time.monotonic() - looked < 0.5 and ours.poll(0.2):
                    number, told = ours.recv()
                    if told is None:
                        since = time.monotonic()
                        continue
                    allowed = limits[1]
                    if told:
                        failures.append(f"{target} {number}: {told}")
                    first = number + 1
                    continue
            except EOFError:
                process.join()
                problem = "" if first >= end else f"the process died (exit code {process.exitcode})"
                break
            memory, looked = megabytes(process.pid or 0), time.monotonic()
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
        ours.close()
        if first >= end:
            break
    return failures, time.monotonic() - begin, peak


def make_run(folder: Path) -> None:
    """Trains the smallest run there is, with a LiteRT export, into the folder."""
    from recipes.translation import RECIPES
    from seq2seq.cli.train import run_recipe

    os.chdir(folder)
    sys.stdout = open(os.devnull, "w")
    code = run_recipe(RECIPES, "train", "", list(_TRAIN))
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
        assert maker.exitcode == 0, "the run that is to be spoiled could not be made"
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
