"""`seq2seq lab EXPERIMENT`: an experiment of the classroom, run here; it leaves a page, its numbers and its seeds."""

from __future__ import annotations

import argparse
import importlib
import time
from dataclasses import dataclass
from pathlib import Path

from seq2seq.cli.arguments import options_from, positive
from seq2seq.clock import clock
from seq2seq.extras import require
from seq2seq.lab import EXPERIMENTS
from seq2seq.lab.folder import KIND, write_report
from seq2seq.lab.report import QUICK_SEEDS, SEEDS, Settings
from seq2seq.messages import show
from seq2seq.outputs import Folder, check_outputs
from seq2seq.progress import ProgressLine, time_left
from seq2seq.text.tables import did_you_mean

ALL = "all"


@dataclass(frozen=True)
class LabOptions:
    """The options of the verb."""

    experiment: str | None
    list: bool
    quick: bool
    seeds: int | None
    output: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("experiment", nargs="?", help=f"one of {', '.join(EXPERIMENTS)}, or {ALL}")
    parser.add_argument("--list", action="store_true", help="say what each experiment asks")
    parser.add_argument("--quick", action="store_true", help="small models and few steps: under a minute each")
    parser.add_argument(
        "--seeds",
        type=positive,
        metavar="N",
        help=f"repeat with N seeds, from 1 (default {len(SEEDS)}; with --quick {len(QUICK_SEEDS)})",
    )
    parser.add_argument("--output", metavar="DIR", help="where to write (default: runs/lab/EXPERIMENT)")


def run(arguments: argparse.Namespace) -> None:
    """Runs the experiment and prints its answer and its page. Raises ValueError for a mistake in the arguments."""
    options = options_from(LabOptions, arguments)
    if options.list:
        for name, module in EXPERIMENTS.items():
            show(f"{name:14} {importlib.import_module(module).QUESTION}")
        return
    names = list(EXPERIMENTS) if options.experiment == ALL else [options.experiment or ""]
    for name in names:
        if name not in EXPERIMENTS:
            hint = did_you_mean(name, [*EXPERIMENTS, ALL]) or f" Experiments: {', '.join(EXPERIMENTS)}, {ALL}."
            received = f"There is no experiment {name!r}." if name else "Expected the name of an experiment."
            raise ValueError(received + hint)
    require("tensorflow", "matplotlib")
    top = Path(options.output or "runs/lab")
    folders = {name: top if options.output and len(names) == 1 else top / name for name in names}
    for folder in folders.values():
        check_outputs([], {}, Folder("--output", folder, KIND))
    few = QUICK_SEEDS if options.quick else SEEDS
    settings = Settings(options.quick, tuple(range(1, options.seeds + 1)) if options.seeds else few)
    for name, folder in folders.items():
        _run_one(name, settings, folder)


def _run_one(name: str, settings: Settings, folder: Path) -> None:
    module = importlib.import_module(EXPERIMENTS[name])
    show(f"{module.TITLE}: {module.QUESTION}")
    line, started = ProgressLine(0.2, 15.0), time.monotonic()

    def progress(done: float, what: str) -> None:
        if line.is_due():
            spent = time.monotonic() - started
            left = f"  time left {time_left(spent, done, 1.0)}" if done > 0.02 else ""
            line.show(f"{name}  {100 * done:3.0f} %  {what}{left}")

    report = module.run(settings, progress)
    line.clear()
    seconds = time.monotonic() - started
    page = write_report(report, name, seconds, folder)
    show(f"{report.answer}\n{page}  ({clock(seconds)})")
