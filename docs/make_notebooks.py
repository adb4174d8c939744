"""Makes the notebooks of the classroom, one for each experiment, and runs their code.

python -m docs.make_notebooks          # writes docs/notebooks
python -m docs.make_notebooks --run    # runs the code cells of all, in the quick form, without Jupyter
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from docs.notebook_cells import FOLDER_CELL, FOLDER_TEXT, INTRODUCTION, PAGE_CELL, PAGE_TEXT, RUN_CELL, RUN_TEXT, TRY
from seq2seq.lab import EXPERIMENTS

FOLDER = Path(__file__).parent / "notebooks"

Notebook = dict[str, Any]
"""The JSON of nbformat 4."""


def notebook_of(name: str) -> Notebook:
    """Returns the notebook of an experiment, without outputs."""
    module = EXPERIMENTS[name]
    experiment = importlib.import_module(module)
    text, code = TRY[name]
    values = {
        "name": name,
        "module": module,
        "title": experiment.TITLE,
        "question": experiment.QUESTION,
        "description": (experiment.__doc__ or "").strip(),
    }
    cells = [
        ("markdown", INTRODUCTION.format(**values)),
        ("markdown", RUN_TEXT),
        ("code", RUN_CELL.format(**values)),
        ("markdown", PAGE_TEXT),
        ("code", PAGE_CELL),
        ("markdown", FOLDER_TEXT),
        ("code", FOLDER_CELL.format(**values)),
        ("markdown", text),
        ("code", code),
    ]
    return {
        "cells": [_cell(number, kind, source.strip()) for number, (kind, source) in enumerate(cells, 1)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(number: int, kind: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell | {"source": source.splitlines(keepends=True)}


def text_of(notebook: Notebook) -> str:
    """Returns the file of a notebook."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


class Markup:
    """In place of the `HTML` of IPython: holds what it would show."""

    def __init__(self, data: str):
        self.data = data


def execute(notebook: Notebook, name: str) -> list[Markup]:
    """Runs the code cells as Python and returns what they display; IPython need not be installed."""
    shown: list[Markup] = []
    stand_in = ModuleType("IPython.display")
    stand_in.__dict__.update(HTML=Markup, display=shown.append)
    package = ModuleType("IPython")
    package.__dict__["version_info"] = (8, 24, 0)  # matplotlib looks for it, and leaves a newer one alone
    names = {"IPython": package, "IPython.display": stand_in}
    before = {name: sys.modules.get(name) for name in names}
    sys.modules.update(names)
    try:
        variables: dict[str, Any] = {"__name__": "__main__"}
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), f"{name}.ipynb, {cell['id']}", "exec"), variables)
    finally:
        for key, module in before.items():
            if module is None:
                del sys.modules[key]
            else:
                sys.modules[key] = module
    return shown


def main() -> None:
    """Writes the notebooks, or runs them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(EXPERIMENTS)}; default: all")
    parser.add_argument("--run", action="store_true", help="run the code cells, in the quick form")
    arguments = parser.parse_args()
    for name in arguments.names or EXPERIMENTS:
        if name not in EXPERIMENTS:
            parser.error(f"there is no experiment {name!r}")
        notebook, started = notebook_of(name), time.monotonic()
        if arguments.run:
            shown = execute(notebook, name)
            print(f"\n{name}: {len(shown)} parts shown, {time.monotonic() - started:.0f} s\n")
        else:
            FOLDER.mkdir(exist_ok=True)
            (FOLDER / f"{name}.ipynb").write_text(text_of(notebook), "utf-8")


if __name__ == "__main__":
    main()
