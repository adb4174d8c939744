"""The command `seq2seq`: one verb, one module; a verb's module is imported when it is called."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from seq2seq import __version__
from seq2seq.cli.common import EXIT_MISTAKE, guarded, quiet_start
from seq2seq.cli.start import start_process
from seq2seq.extras import missing_message
from seq2seq.messages import Parser, say

VERBS = {
    "train": "train, score and export a model: by a named recipe, or from your own files",
    "doctor": "look at a corpus before training on it",
    "translate": "translate lines of text with a trained run",
    "summarize": "summarise texts, a line each, with a trained run",
    "evaluate": "score a run on a test set (RUN --help: the options of its task)",
    "compare": "show the scores of several runs side by side, with tests of significance",
    "align": "align the words of given pairs",
    "transcribe": "write down what is said in recordings",
    "forecast": "forecast the steps after the end of series, with intervals",
    "backtest": "forecast what is already known, from rolling origins, and score it beside baselines",
    "detect": "find anomalies in series, or in readings as they come",
    "compose": "compose music, go on from a primer, or write the voices below a melody",
    "next": "show what a language model expects next",
    "sample": "write text with a language model",
    "score": "give the log-probability of given translations or, by a language model, of text (RUN --help)",
    "augment": "make synthetic pairs from text of one language, with a trained run",
    "distill": "have trained runs write the training text of small, fast ones, train these and compare",
    "rerank": "sort an n-best list by the scores of several runs",
    "average": "make a run from the mean weights of others",
    "export": "write a trained run in a form that others serve",
    "lab": "run an experiment that shows how recurrent networks work; it leaves a page",
}
"""Verb -> its help. The module of that name in this folder has `add_arguments(parser)` and `run(arguments)`; if tasks
share a verb, `tasks.module_of_verb` names the module. train has `main(words)`: recipes' fields are its options."""

RUNS = ("run", "runs", "others", "score", "reverse", "teachers", "backward")
"""Arguments of the verbs that name run folders."""

SHARED = ("evaluate", "score")
"""Verbs whose options depend on the task of the run."""

SILENT = ("average", "export")
"""Verbs that write a folder and print only where it is."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb. Exit codes: 0 done; 2 wrong input or arguments; 1 failed; 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(words)
    except ModuleNotFoundError as error:  # while the verb's module is imported; its work is guarded by itself
        if not (message := missing_message(error.name)):
            raise
        say(f"error: {message}")
        return EXIT_MISTAKE


def _run(words: list[str]) -> int:
    if words[:1] == ["train"]:
        return int(importlib.import_module("seq2seq.cli.train").main(words[1:]))
    parser = Parser(prog="seq2seq", description="Sequence-to-sequence learning with recurrent networks.")
    parser.add_argument("--version", action="version", version=f"seq2seq {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    module: Any = None
    for verb, about in VERBS.items():
        sub = verbs.add_parser(verb, help=about, description=about[0].upper() + about[1:] + ".", allow_abbrev=False)
        if verb in words[:1]:
            try:
                module = _module(verb, words[1:])
            except ValueError as error:
                say(f"error: {error}")
                return EXIT_MISTAKE
            module.add_arguments(sub)
    parsed = parser.parse_args(words)
    quiet_start()
    if sys.stdout is None and parsed.verb not in SILENT and not getattr(parsed, "output", None):
        say("error: standard output is closed. Send it to a file, or to /dev/null.")
        return EXIT_MISTAKE

    def work() -> int | None:
        check_runs(parsed.verb, [getattr(parsed, name, None) or [] for name in RUNS])
        return int(module.run(parsed) or 0)

    return guarded(work)


def _module(verb: str, words: Sequence[str]) -> Any:
    """Returns the module that carries out a verb, for the task of the run among the words.

    Raises:
        ValueError: the run is missing or damaged, and the verb is one whose options depend on it.
    """
    from seq2seq.tasks import module_of_verb, task_of

    name = verb
    try:
        name = module_of_verb(verb, words)
        # An option that another task lacks would be refused before the folder is looked for.
        if verb in SHARED and words and not words[0].startswith("-") and not os.path.exists(words[0]):
            task_of(words[0])
    except ValueError:  # other verbs report it when they open the run
        if verb in SHARED:
            raise
    return importlib.import_module(f"seq2seq.cli.{name}")


def check_runs(verb: str, runs: Sequence[str | Sequence[str]]) -> None:
    """Raises RunFolderError if one of the runs is of a task that the verb does not take."""
    from seq2seq.tasks import check_verb

    for paths in runs:
        for path in [paths] if isinstance(paths, str) else paths:
            check_verb(path, verb)


def entry() -> int:
    """Runs the installed command, in a process of its own."""
    start_process()
    return main()


if __name__ == "__main__":
    sys.exit(entry())
