"""Measures bulk translation: lines a second of one process and of several, in turn.

    python -m benchmarks.bulk RUN --source text.en [--limit 4096] [--workers 2] [--turns 3] [--ray]

The command `seq2seq translate --input FILE --output FILE` as it is, on as many threads as there are cores; with
--workers 1 on one core; with --workers N; with --ray the last on a Ray cluster started for it. The text is repeated to
--limit lines. Printed for each, medians over the turns: seconds from the start of the command to its end, lines a
second in all, and without the start, which a second command on a sixteenth of the lines tells; and seconds of the
processors, which other work on the machine changes less (those of Ray's workers are not known). Every output is
compared with the first one's.
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
"""The part of the lines whose time is mostly that of the start."""


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
    ways = {
        "1 process, all cores": ([], False),
        "1 process, 1 core": (["--workers", "1"], True),
        f"{arguments.workers} workers": (["--workers", str(arguments.workers)], False),
    }
    if arguments.ray:
        ways[f"{arguments.workers} workers on Ray"] = (["--workers", str(arguments.workers), "--ray", "local"], False)
    lines = list(islice(cycle(Path(arguments.source).read_text("utf-8").splitlines()), arguments.limit))
    found: dict[str, list[tuple[float, ...]]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        counts = (len(lines) // SHARE, len(lines))
        for count in counts:
            (folder / f"{count}").write_text("".join(line + "\n" for line in lines[:count]), "utf-8")
        expected: dict[int, bytes] = {}
        for turn in range(arguments.turns):
            for way, (words, alone) in ways.items():
                print(f"turn {turn + 1}/{arguments.turns}: {way}", file=sys.stderr, flush=True)
                spent: list[float] = []
                for count in counts:
                    spent.extend(translate(arguments, folder / f"{count}", folder / "out", words, alone))
                    output = (folder / "out").read_bytes()
                    if output != expected.setdefault(count, output):
                        print(f"{way}: {differing(output, expected[count])} of {count} lines differ.", file=sys.stderr)
                found[way].append(tuple(spent))
    report(found, counts)
    return 0


def translate(
    arguments: argparse.Namespace, source: Path, output: Path, words: list[str], alone: bool
) -> tuple[float, float]:
    """Returns the seconds that the command takes, by the clock and of the processors."""
    command = [sys.executable, "-m", "seq2seq.cli.main", "translate", arguments.run, "--input", str(source)]
    command += ["--output", str(output), "--batch-size", str(arguments.batch_size), *words]
    command += ["--beam-size", str(arguments.beam_size)] if arguments.beam_size else []
    core = {min(os.sched_getaffinity(0))}
    begin, used = time.perf_counter(), processor()
    done = subprocess.run(
        command,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stderr=subprocess.PIPE,
        check=False,
        preexec_fn=(lambda: os.sched_setaffinity(0, core)) if alone else None,
    )
    if done.returncode:
        sys.exit(f"{' '.join(words) or 'translate'} failed:\n{done.stderr.decode()[-2000:]}")
    return time.perf_counter() - begin, processor() - used


def processor() -> float:
    """Seconds of the processors that all children so far have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def differing(output: bytes, expected: bytes) -> int:
    return sum(a != b for a, b in zip(output.splitlines(), expected.splitlines(), strict=True))


def report(found: dict[str, list[tuple[float, ...]]], counts: tuple[int, int]) -> None:
    few, many = counts
    print(f"| {many:,} lines | seconds | lines a second | without the start | of the processors, s |")
    print("|---|---|---|---|---|")
    for way, turns in found.items():
        small, _, large, used = (statistics.median(turn[i] for turn in turns) for i in range(4))
        rest = (many - few) / max(large - small, 1e-9)
        print(f"| {way} | {large:.1f} | {many / large:.0f} | {rest:.0f} | {'' if 'Ray' in way else f'{used:.1f}'} |")


if __name__ == "__main__":
    sys.exit(main())
