"""The cells of the notebooks: what all share, and what each has to try."""

from __future__ import annotations

INTRODUCTION = """
# {title}

**{question}**

{description}

`seq2seq lab {name}` on the command line leaves the same as a folder. To run this notebook, install the toolkit with its
`train` extra, and Jupyter; it needs no network and no graphics card.
"""

RUN_TEXT = """
## Run it

The quick form trains small models in few steps, in about a minute: a sketch of the full form, which has larger models,
more steps and five seeds, and takes a quarter of an hour or more.
"""

RUN_CELL = '''
import time

import {module} as experiment
from seq2seq.lab.report import QUICK_SEEDS, SEEDS, Settings

QUICK = True  # False: the full form


def progress(done, what):
    """Shows how much is done."""
    print(f"\\r{{100 * done:3.0f}} %  {{what:70}}", end="")


started = time.monotonic()
report = experiment.run(Settings(QUICK, QUICK_SEEDS if QUICK else SEEDS), progress)
seconds = time.monotonic() - started
print(f"\\r{{report.answer}}  ({{seconds:.0f}} s)")
'''

PAGE_TEXT = """
## What was measured

Lines and bars are medians over the seeds, shaded areas and whiskers their ranges. All sentences are made from the
numbers of this run.
"""

PAGE_CELL = """
from IPython.display import HTML, display

from seq2seq.lab.page import markup_of

for part in report.parts:
    display(HTML(markup_of(part)))
"""

FOLDER_TEXT = """
## Keep it

A page that needs nothing else, the numbers of every plot as CSV, and the seeds.
"""

FOLDER_CELL = """
import tempfile
from pathlib import Path

from seq2seq.lab.folder import write_report

FOLDER = Path(tempfile.mkdtemp())  # or one of yours

page = write_report(report, "{name}", seconds, FOLDER / "{name}")
print(page, *sorted(path.name for path in page.parent.iterdir()), sep="\\n")
"""

TRY: dict[str, tuple[str, str]] = {
    "equations": (
        "## Try\n\nOne step of a cell, line by line. Choose another cell of `experiment.EQUATIONS`, or another seed.",
        """
cell = "gru"
values, difference = experiment.compare(cell, seed=7)
for equation in experiment.EQUATIONS[cell]:
    print(f"{equation.name} = {equation.text}:  {values[equation.name]}")
print(f"largest difference from the toolkit's step: {difference:.1g}")
""",
    ),
    "gradients": (
        "## Try\n\nHow much of the gradient arrives from so many steps back? Change the radius, or the cell.",
        """
start = experiment.Start("mine", "simple", radius=1.2)
norms = experiment.norms_at_start(start, units=16, steps=20, seed=1)
for back in range(0, 21, 5):
    print(f"{back:2} steps back: {norms[back]:.3g}")
""",
    ),
    "memory": (
        "## Try\n\nA puzzle as the networks see it: numbers with two marks, and the sum that is asked for at the end.",
        """
puzzle = experiment.puzzles(symbols=2)[0]
inputs, targets = next(puzzle.pose(length=12, seed=1))
print(puzzle.name)
print(inputs[0, :, :2].T.round(2))
print(f"asked for: {targets[0, -1]:.2f}")
""",
    ),
    "cells": (
        "## Try\n\nHow many weights do the three networks have? Change the widths.",
        """
units, features, outputs = 64, 30, 30
for name, (cell, width) in experiment.sizes_of(units, features, outputs).items():
    print(f"{name}: {width} units, {experiment.weights_of(cell, width, features, outputs):,} weights")
""",
    ),
    "transformer": (
        "## Try\n\nThe bytes that a sequence keeps at a position: a cache that grows, or a state that does not.",
        """
from seq2seq.lab.rivals_models import Shape, make_network, state_bytes

shape = Shape(size=60, width=32, blocks=2, heads=4, length=1024)
for name in ("Transformer", "LSTM"):
    model = make_network(name, shape, units=40, seed=1)
    print(name, [state_bytes(model, position) for position in (1, 32, 1024)])
""",
    ),
    "units": (
        "## Try\n\nThe text with its quotes, brackets and lines, and what is true after each of its characters.",
        """
text = experiment.make_text(300, seed=1)
print(text.characters)
print(experiment.FEATURES)
print(text.features[:8].astype(int))
""",
    ),
    "attention": (
        "## Try\n\nThe attention of a network that has learned nothing: each row shares 1 over the source's symbols.",
        """
from seq2seq.lab.puzzles import reversing
from seq2seq.lab.translators import attention_weights, new_translator

source, target, *_ = next(reversing(shortest=2, longest=6, seed=1, rows=1))
weights = attention_weights(new_translator(size=14, units=8, seed=1), source, target)[0]
print(source[0])
print(weights.round(2), weights.sum(axis=1))
""",
    ),
    "reading": (
        "## Try\n\nA smaller reader, trained for a moment: what does it expect after some words of yours?",
        """
reader = experiment.train_reader(experiment.Form(words=300, units=16, steps=60, rate=0.01), seed=1)
words, states, shares = experiment.read(reader, "the old man")
for word, expected in zip(words, shares, strict=True):
    print(f"{word}: {', '.join(reader.words[number] for number in (-expected).argsort()[:5])}")
""",
    ),
}
"""By experiment: text and code of the last cells."""
