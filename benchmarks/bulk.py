"""Measures bulk translation: lines a second of one process and of several, in turn.

    python -m benchmarks.bulk RUN --source text.en [--limit 4096] [--workers 2] [--turns 3] [--ray]

Runs the command `seq2seq translate --input FILE --output FILE` with a thread for each core; with --workers 1 on one
core; with --workers N; and with --ray the last one again, on a Ray cluster started for it. The text is repeated up to
--limit lines. Prints for each, as medians over the turns: seconds from start to end of the command; lines a second in
total and without the start, which is measured by a second command on a sixteenth of the lines; and seconds of processor
time, which depend less on other work on the machine (not known for Ray's workers). Every output is compared with the
first.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

SHARE = 16
"""The second command gets one line in so many; its time is mostly that of the start."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--source", required=True)
    parser.add_argument("--limit", type=int, default=4096)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--beam-size", type=int, default=0)
    parser.add_argument("--ray", action="store_true")
    arguments = parser.parse_args()
    setups = {
        "1 process, all cores": ([], False),
        "1 process, 1 core": (["--workers", "1"], True),
        f"{arguments.workers} workers": (["--workers", str(arguments.workers)], False),
    }
    if arguments.ray:
        setups[f"{arguments.workers} workers on Ray"] = (["--workers", str(arguments.workers), "--ray", "local"], False)
    lines = list(islice(cycle(Path(arguments.source).read_text("utf-8").splitlines()), arguments.limit))
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in setups}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        counts = (len(lines) // SHARE, len(lines))
        for count in counts:
            (folder / f"{count}").write_text("".join(line + "\n" for line in lines[:count]), "utf-8")
        expected: dict[int, bytes] = {}
        for turn in range(arguments.turns):
            for name, (words, on_one_core) in setups.items():
                print(f"turn {turn + 1}/{arguments.turns}: {name}", file=sys.stderr, flush=True)
                spent: list[float] = []
                for count in counts:
                    spent.extend(translate(arguments, folder / f"{count}", folder / "out", words, on_one_core))
                    output = (folder / "out").read_bytes()
                    if output != expected.setdefault(count, output):
                        print(f"{name}: {differing(output, expected[count])} of {count} lines differ.", file=sys.stderr)
                found[name].append(tuple(spent))
    report(found, counts)
    return 0


def translate(
    arguments: argparse.Namespace, source: Path, output: Path, words: list[str], on_one_core: bool
) -> tuple[float, float]:
    """Returns how long the command takes: seconds of wall time and of processor time."""
    command = [sys.executable, "-m", "seq2seq.cli.main", "translate", arguments.run, "--input", str(source)]
    command += ["--output", str(output), "--batch-size", str(arguments.batch_size), *words]
    command += ["--beam-size", str(arguments.beam_size)] if arguments.beam_size else []
    core = {min(os.sched_getaffinity(0))}
    begin, used = time.perf_counter(), processor_seconds()
    done = subprocess.run(
        command,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stderr=subprocess.PIPE,
        check=False,
        preexec_fn=(lambda: os.sched_setaffinity(0, core)) if on_one_core else None,
    )
    if done.returncode:
        sys.exit(f"{' '.join(words) or 'translate'} failed:\n{done.stderr.decode()[-2000:]}")
    return time.perf_counter() - begin, processor_seconds() - used


def processor_seconds() -> float:
    """Processor time of all child processes so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def differing(output: bytes, expected: bytes) -> int:
    """Returns how many lines differ."""
    return sum(a != b for a, b in zip(output.splitlines(), expected.splitlines(), strict=True))


def report(found: dict[str, list[tuple[float, ...]]], counts: tuple[int, int]) -> None:
    few, many = counts
    print(f"| {many:,} lines | seconds | lines a second | without the start | processor time, s |")
    print("|---|---|---|---|---|")
    for name, turns in found.items():
        small, _, large, used = (statistics.median(turn[i] for turn in turns) for i in range(4))
        rest = (many - few) / max(large - small, 1e-9)
        print(f"| {name} | {large:.1f} | {many / large:.0f} | {rest:.0f} | {'' if 'Ray' in name else f'{used:.1f}'} |")


if __name__ == "__main__":
    sys.exit(main())
