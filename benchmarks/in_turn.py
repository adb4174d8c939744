"""Training speed of this project and of peers on the same batches, in turn, each turn in a process of its own."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from seq2seq.messages import show
from seq2seq.types import Batch

WARM_UP = 5
"""Steps before the clock runs."""
Step = Callable[[Batch], None]


class Batches(Protocol):
    """What is trained on."""

    def __len__(self) -> int: ...

    def __getitem__(self, step: int) -> Batch: ...


class Contest(NamedTuple):
    """What is compared."""

    module: str
    """Of the benchmark, to start it again as a worker."""
    models: Mapping[str, str]
    """What is measured, and the interpreter that it needs: "ours" or the name of a peer."""
    unit: str
    flags: tuple[str, ...]
    """The names of the options that a worker needs."""
    batches: Callable[[argparse.Namespace], Batches]
    amount: Callable[[Batch], float]
    """Units in a batch."""
    step: Callable[[str, argparse.Namespace], Step]
    """Returns a step of a model's training."""
    title: Callable[[argparse.Namespace], str]


def run(contest: Contest, parser: argparse.ArgumentParser) -> None:
    """Measures in turn and prints medians and ratios; the options of the benchmark are in the parser."""
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PATH", help="interpreter of a peer")
    parser.add_argument("--steps", type=int, default=40, help="of a turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--worker", choices=contest.models, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        show(json.dumps({"rate": _measure(contest, options)}))
        return
    pythons = {"ours": sys.executable} | dict(given.split("=", 1) for given in options.python)
    found: dict[str, list[float]] = {name: [] for name, needs in contest.models.items() if needs in pythons}
    for _ in range(options.turns):
        for name in found:
            found[name].append(_turn(pythons[contest.models[name]], name, contest, options))
    show(f"{contest.title(options)}, medians of {options.turns}")
    peer = statistics.median(found["torch"]) if "torch" in found else None
    for name, rates in found.items():
        ratio = f"   {statistics.median(rates) / peer:.2f} x torch" if peer else ""
        each = ", ".join(f"{rate:,.0f}" for rate in rates)
        show(f"{name:16} {statistics.median(rates):10,.0f} {contest.unit}{ratio}   ({each})")


def _measure(contest: Contest, options: argparse.Namespace) -> float:
    """Returns units a second, by the median step after the warm-up."""
    batches, train = contest.batches(options), contest.step(options.worker, options)
    rates: list[float] = []
    for step in range(min(len(batches), options.steps)):
        batch, begin = batches[step], time.perf_counter()
        train(batch)
        rates.append(contest.amount(batch) / (time.perf_counter() - begin))
    return statistics.median(rates[WARM_UP:])


def _turn(python: str, name: str, contest: Contest, options: argparse.Namespace) -> float:
    words = [python, "-m", contest.module, "--worker", name, "--steps", str(options.steps)]
    for flag in contest.flags:
        words += [f"--{flag}", str(getattr(options, flag))]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    folder = Path(__file__).parent.parent
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder, env=environment)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return float(found["rate"])
