"""The short form of benchmarks/fuzz.py: whatever comes, it is read or refused in words."""

from __future__ import annotations

import random
import shutil
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import fuzz_cases, fuzz_commands
from benchmarks.fuzz_cases import run_case
from benchmarks.fuzz_commands import COMMANDS
from benchmarks.fuzz_crafted import TARGETS

EXPORT = {"lite_folder", "lite_networks", "translate", "translate_command", "lite_trusted", "lite_links"}
"""They want one, which the run of the tests lacks."""
QUICK = [name for name in TARGETS if name not in EXPORT | {"doctor", *(each.__name__ for each in COMMANDS)}]
FEW = {
    "output_names": 15,
    "rerank_command": 15,
    "run_commands": 15,
    "recipe_command": 10,
    "environments": 4,
    "run_model": 3,
    "pairs_commands": 3,
    "model_lines": 2,
    "doctor_forms": 2,
}
"""Whole commands take longer."""


@pytest.fixture(scope="module")
def place(finished, tmp_path_factory):
    """A folder to work in, with a run to spoil."""
    folder = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(finished, folder / fuzz_cases.RUN)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder
    for made in (fuzz_cases._model, fuzz_cases._objective, fuzz_cases._store, fuzz_commands._run):
        made.cache_clear()


@pytest.fixture(autouse=True)
def nothing_stays_behind():
    """A stand-in that a case of the fuzzer leaves in the toolkit would make the tests after it test the stand-in."""
    yield
    modules = [module for name, module in sys.modules.items() if name.split(".")[0] == "seq2seq"]
    places = {f"{module.__name__}.{name}": value for module in modules for name, value in vars(module).items()}
    foreign = [place for place, value in places.items() if str(getattr(value, "__module__", "")).startswith("bench")]
    assert not foreign


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("target", [*QUICK, *FEW])
def test_whatever_is_read_is_taken_or_refused_in_words(place, target):
    @settings(max_examples=FEW.get(target, 25), derandomize=True, deadline=None, database=None)
    @given(number=st.integers(0, 1 << 30))
    def holds(number):
        assert run_case(target, number) == ""

    holds()


@pytest.mark.parametrize(
    ("target", "number"),
    [("replay", 610), ("replay", 1615), ("replay", 5691), ("run_records", 92), ("tokenizer", 1640)],
)
def test_what_once_broke_it_does_so_no_more(place, target, number):
    assert run_case(target, number) == ""


def test_the_fuzzer_sees_what_breaks_the_law(place, monkeypatch):
    def broken(draw: random.Random) -> None:
        raise KeyError("x") if draw.random() < 0.5 else ValueError("")

    monkeypatch.setitem(TARGETS, "broken", broken)
    assert {run_case("broken", number).split(":")[0] for number in range(20)} == {
        "KeyError",
        "ValueError without a message",
    }


def test_the_fuzzer_sees_what_changes_elsewhere(place, monkeypatch, tmp_path):
    (tmp_path / "it").touch()
    (tmp_path / "full").mkdir()
    here = tmp_path / "here"
    here.mkdir()
    deeds = {
        "open": lambda: (tmp_path / "it").write_text("x"),
        "os.remove": lambda: (tmp_path / "it").unlink(),
        "os.rename": lambda: (tmp_path / "it").rename(tmp_path / "other"),
        "shutil.rmtree": lambda: shutil.rmtree(tmp_path / "full"),
    }
    for event, deed in deeds.items():
        (tmp_path / "it").touch()
        monkeypatch.setitem(TARGETS, "broken", lambda draw, deed=deed: deed() and None)
        assert f"changed elsewhere: {event} {tmp_path}" in run_case("broken", 1)
    monkeypatch.setitem(TARGETS, "broken", lambda draw: (fuzz_cases.RUN / "history.csv").touch())
    assert "changed in the run: run/history.csv" in run_case("broken", 1)
