"""The classroom: its experiments measure what they say, and leave pages that need nothing else."""

from __future__ import annotations

import csv
import importlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest

from seq2seq.lab import EXPERIMENTS, equations, reading, units
from seq2seq.lab.folder import rows_of, write_report
from seq2seq.lab.gradients import gradient_norms, the_cliff, unit_loss
from seq2seq.lab.models import new_model
from seq2seq.lab.page import page_of, table_of
from seq2seq.lab.puzzles import adding, copying, temporal_order
from seq2seq.lab.report import (
    Bars,
    Curve,
    HeatMap,
    Interactive,
    Listing,
    Part,
    Plot,
    Report,
    Settings,
    Table,
    ends_of,
    median_and_range,
)
from seq2seq.lab.text import words_of
from seq2seq.layers.cells import CELLS, zero_state

PLOT = Plot("curves", "Title", "alt <text>", "x", "y", [Curve("a & b", [1, 2], [3.0, 4.0], [2.0, 3.0], [5.0, 6.0])])
BARS = Bars("bars", "Bars", "alt", "ms", ["one", "two"], [1.0, 2.0])
HEAT = HeatMap("heat", "Heat", "alt", "x", "y", [1, 2], [3, 4], [[0.0, 1.0], [2.0, 3.0]], [Curve("p", [1, 2], [3, 4])])
TABLE = Table("table", "Table", ["name", "value"], [["<b>", 0.123456], ["n", 12345]])
REPORT = Report(
    "T",
    "Q?",
    "A.",
    [Part("Heading", ["Text & more."], [PLOT, BARS, HEAT, TABLE, Listing("f.py", "a < b")])],
    Settings(True, (1,)),
)


class Tags(HTMLParser):
    """Collects what a page refers to, its ids, and whether its elements are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.links += [str(values[name]) for name in ("src", "href", "xlink:href") if name in values]
        if "id" in values:
            self.ids.append(str(values["id"]))


def test_a_page_loads_nothing_and_says_what_its_plots_show():
    page = page_of(REPORT)
    tags = Tags()
    tags.feed(page)
    assert all(link.startswith(("#", "data:")) for link in tags.links)
    assert len(tags.ids) == len(set(tags.ids))
    assert "<script" not in page
    assert "script-src" not in page
    assert 'aria-label="alt &lt;text&gt;"' in page
    assert "&lt;b&gt;" in page
    assert len(re.findall(r"<svg [^>]*viewBox", page)) == 3


def test_a_script_is_allowed_where_a_part_has_one_and_others_read_a_sentence():
    report = Report("T", "Q", "A", [Part("H", [], [Interactive("<script>1</script>", "No & script.")])], Settings())
    page = page_of(report)
    assert "script-src 'unsafe-inline'" in page
    assert "<noscript><p>No &amp; script.</p></noscript>" in page


def test_the_folder_holds_every_number(tmp_path):
    page = write_report(REPORT, "name", 1.0, tmp_path / "it")
    assert page.is_file()
    found = {path.stem: list(csv.reader(path.read_text().splitlines())) for path in page.parent.glob("*.csv")}
    assert set(found) == {"curves", "bars", "heat", "table"}
    assert found["curves"][1] == ["a & b", "1", "3.0", "2.0", "5.0"]
    assert found["heat"][-1] == ["4", "2", "3.0"]
    assert found["table"][1] == ["<b>", "0.123456"]
    write_report(REPORT, "name", 1.0, tmp_path / "it")  # its own folder is replaced
    (tmp_path / "it" / "mine").touch()
    with pytest.raises(ValueError, match="it holds mine"):
        write_report(REPORT, "name", 1.0, tmp_path / "it")
    assert not list(rows_of(Listing("", "")))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_says_what_it_asks(name):
    module = importlib.import_module(EXPERIMENTS[name])
    assert module.TITLE
    assert module.QUESTION.endswith("?")


def test_an_unknown_experiment_is_answered_with_the_nearest_name(cli):
    code, _, err = cli("lab", "gradient")
    assert code == 2
    assert "Did you mean 'gradients'?" in err
    code, _, err = cli("lab")
    assert (code, "equations" in err) == (2, True)


def test_the_command_leaves_a_page_and_prints_its_answer(cli, tmp_path):
    code, out, _ = cli("lab", "equations", "--quick", "--output", tmp_path / "page")
    assert code == 0
    assert str(tmp_path / "page" / "index.html") in out
    code, _, err = cli("lab", "equations", "--quick", "--output", tmp_path)
    assert code == 2
    assert "expected a new or empty folder" in err


@pytest.mark.parametrize("name", CELLS)
def test_the_equations_compute_a_step_of_the_cell(name):
    values, difference = equations.compare(name, 7)
    assert difference < equations.TOLERANCE
    assert {one.name for one in equations.EQUATIONS[name]} <= set(values)
    assert "def recur" in equations.source_of(CELLS[name])


def test_a_jacobian_has_the_norm_of_its_matrices():
    """A network that is nearly linear, as its state is tiny: the Jacobian over k steps is the k-th power."""
    model = new_model("simple", 6, 2, 1, 3)
    matrix = 0.5 * np.array(model.cell.recurrent_kernel)
    model.cell.recurrent_kernel.assign(matrix)
    norms = gradient_norms(model.cell, np.zeros((64, 5, 2), np.float32), 1)
    expected = [np.linalg.norm(np.linalg.matrix_power(matrix, k)) / np.sqrt(6) for k in range(6)]
    np.testing.assert_allclose(norms, expected, rtol=0.1)


def test_the_loss_of_one_unit_has_the_derivatives_it_says():
    w, b, step = np.array(5.6), np.array(-2.5), 1e-6
    _, by_w, by_b = unit_loss(w, b)
    assert by_w == pytest.approx((unit_loss(w + step, b)[0] - unit_loss(w - step, b)[0]) / (2 * step), rel=1e-4)
    assert by_b == pytest.approx((unit_loss(w, b + step)[0] - unit_loss(w, b - step)[0]) / (2 * step), rel=1e-4)


def test_puzzles_have_the_answers_that_their_inputs_say():
    inputs, sums = next(adding(10, 1))
    np.testing.assert_allclose((inputs[:, :, 0] * inputs[:, :, 1]).sum(1, keepdims=True), sums, rtol=1e-6)
    assert (inputs[:, :5, 1].sum(1) == 1).all()
    symbols, classes = next(temporal_order(20, 1))
    marks = [row.argmax(1)[row.argmax(1) < 2] for row in symbols]
    assert [2 * first + second for first, second in marks] == classes.tolist()
    given, asked = next(copying(7, 1))
    np.testing.assert_array_equal(given[:, :10].argmax(2), asked[:, -10:])
    assert (given[:, 16, 9] == 1).all()
    assert given.shape == (32, 27, 10)


def test_a_model_runs_as_its_cell_does():
    model = new_model("gru", 3, 2, 1, 1)
    inputs = np.random.default_rng(0).normal(size=(4, 5, 2)).astype("float32")
    state = zero_state(model.cell, 4)
    for step in range(5):
        output, state = model.cell.recur(model.cell.project(inputs[:, step]), state)
    np.testing.assert_allclose(model(inputs), model.dense(output), atol=1e-6)


def test_clipping_bounds_the_step_at_the_cliff_and_ends_lower():
    _, descents = the_cliff(4)
    plain, clipped = descents.values()
    assert plain.longest > 1 > 0.0501 > clipped.longest
    assert clipped.loss < 0.001 < plain.loss


@pytest.mark.skipif(shutil.which("node") is None, reason="the page's script is run by node, which is not installed")
def test_the_page_reads_as_the_model(tmp_path):
    trained = reading.train_reader(reading.Form(30, 5, 3, 0.01), 1)
    text = "The old man, who reads xyzzy"
    words, states, shares = reading.read(trained, text)
    (tmp_path / "reading.js").write_text(reading.script())
    (tmp_path / "model.json").write_text(json.dumps(reading.page_model(trained)))
    code = f"""
const {{ makeReader }} = require("./reading.js");
const reader = makeReader(JSON.parse(require("fs").readFileSync("model.json")));
console.log(JSON.stringify(reader.read({json.dumps(text)})));
"""
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    found = json.loads(done.stdout)
    assert [step["word"] for step in found] == words
    assert words.count("<unk>") > 0
    np.testing.assert_allclose([step["state"] for step in found], states, atol=1e-5)
    np.testing.assert_allclose([step["distribution"] for step in found], shares, atol=1e-5)


def test_words_are_cut_as_the_page_cuts_them():
    assert words_of("The man's re-done, 2 (old) hats.") == [
        "the",
        "man's",
        "re-done",
        ",",
        "2",
        "(",
        "old",
        ")",
        "hats",
        ".",
    ]


def test_features_are_true_of_the_characters_before_them():
    text = 'a "bc" (d\ne) f'
    quoted, bracket, place, letters = units.features_of(text).T
    assert [c for c, inside in zip(text, quoted, strict=True) if inside] == ['"', "b", "c"]
    assert [c for c, inside in zip(text, bracket, strict=True) if inside] == ["(", "d", "\n", "e"]
    assert place.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4]
    assert letters[3:5].tolist() == [1, 2]
    made = units.make_text(3000, 0)
    assert len(made.characters) == len(made.features) == 3000
    assert max(map(len, made.characters.split("\n"))) <= units.WIDTH
    assert made.features[:, :2].any(axis=0).all()


def test_a_probe_finds_the_unit_that_holds_a_feature(rng):
    text = units.make_text(2000, 0)
    states = rng.normal(size=(2000, 6))
    states[:, 4] = 3 - 2 * text.features[:, 0]
    found = units.probe(states, text)
    assert found.units[0] == 4
    assert found.single[0] > 0.99
    assert found.single[2] < 0.2


def test_influence_is_shared_over_the_steps_back():
    text = units.make_text(1500, 0)
    alphabet = sorted(set(text.characters))
    model = new_model("simple", 4, len(alphabet), len(alphabet), 1, each_step=True)
    model.cell.recurrent_kernel.assign(np.zeros((4, 4)))  # only the last character matters
    found = units.influence(model, text, alphabet, 1)
    for shares in found.values():
        assert shares[0] == pytest.approx(1)
        assert sum(shares[1:]) == pytest.approx(0, abs=1e-6)


def test_ranges_stay_on_one_line_and_other_text_may_break():
    assert median_and_range([999.4, 1000.0, 12345.6]) == "1,000 (999 to 12,346)"
    row = ["two words", median_and_range([1.0, 2.0]), median_and_range([-0.5, 1e-9]), 3, "3 of 5 (to be seen)"]
    found = re.findall(r"<td([^>]*)>", table_of(Table("t", "T", list("abcde"), [row])))
    assert found == ["", ' class="range"', ' class="range"', ' class="n"', ""]


def test_an_alternative_text_says_where_curves_begin_and_end():
    curves = [Curve("a", [1, 2, 3], [1.0, 7.0, 0.25]), Curve("b", [1], [3.0])]
    assert ends_of(curves) == "a from 1 to 0.25; b from 3 to 3"
