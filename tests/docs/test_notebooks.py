"""The notebooks of the classroom: they are what the generator makes, and their code runs."""

from __future__ import annotations

import json
import sys
import tempfile

import pytest

from docs.make_notebooks import FOLDER, execute, notebook_of, text_of
from seq2seq.lab import EXPERIMENTS, equations


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_committed_notebook_is_the_generated_one(name):
    found = (FOLDER / f"{name}.ipynb").read_text("utf-8")
    assert found == text_of(notebook_of(name)), "run `python -m docs.make_notebooks`"


def test_each_experiment_has_a_notebook_and_nothing_else_has():
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.ipynb" for name in EXPERIMENTS}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_notebook_has_the_form_of_nbformat_4(name):
    notebook = json.loads(text_of(notebook_of(name)))
    assert set(notebook) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(ids) == len(set(ids))
    for cell in notebook["cells"]:
        common = {"cell_type", "id", "metadata", "source"}
        assert set(cell) == common | ({"execution_count", "outputs"} if cell["cell_type"] == "code" else set())
        assert cell["source"]
        assert all(line.endswith("\n") for line in cell["source"][:-1])
        if cell["cell_type"] == "code":
            compile("".join(cell["source"]), name, "exec")


def test_the_code_of_a_notebook_shows_every_part_and_leaves_a_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shown = execute(notebook_of("equations"), "equations")
    out = capsys.readouterr().out
    assert len(shown) == len(equations.EQUATIONS)
    assert [name for name in equations.EQUATIONS if f"<h2>{name}</h2>" in "".join(one.data for one in shown)] == list(
        equations.EQUATIONS
    )
    assert "index.html\n" in out
    assert "largest difference from the toolkit's step" in out
    assert [path.name for path in tmp_path.rglob("index.html")] == ["index.html"]


def test_a_plot_is_drawn_where_ipython_has_a_stand_in():
    code = """
from IPython.display import HTML, display
from seq2seq.lab.plots import svg_of
from seq2seq.lab.report import Bars
display(HTML(svg_of(Bars("bars", "Bars", "alt", "ms", ["one"], [1.0]))))
"""
    (shown,) = execute({"cells": [{"cell_type": "code", "id": "plot", "source": [code]}]}, "plot")
    assert shown.data.startswith("<svg")
    assert "IPython" not in sys.modules or hasattr(sys.modules["IPython"], "embed")


def test_an_error_in_a_cell_is_raised_with_its_place():
    notebook = notebook_of("equations")
    notebook["cells"] = [{"cell_type": "code", "id": "bad", "source": ["1 / 0"]}]
    with pytest.raises(ZeroDivisionError) as caught:
        execute(notebook, "equations")
    assert caught.traceback[-1].path is not None
    assert "equations.ipynb, bad" in str(caught.traceback[-1].frame.code.raw.co_filename)
