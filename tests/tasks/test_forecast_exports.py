"""Exports of a forecaster: as a command, and at the end of a run."""

from __future__ import annotations

import json

import pytest

from seq2seq.cli import export as command
from seq2seq.export import forecast as forms
from seq2seq.extras import require
from seq2seq.lite.kinds import SHAPE_FILE
from seq2seq.tasks import forecast
from seq2seq.tasks.forecast.exporting import export_run
from seq2seq.tasks.forecast.folder import ForecastRunFolder
from seq2seq.tasks.forecast.loading import load_forecaster
from tests.small_forecasters import write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("forecasters") / "run", calendar=False)


@pytest.fixture
def written(monkeypatch):
    """What was exported: form, folder, options."""
    calls = []

    def export(form, forecaster, folder, **options):
        calls.append((form, folder, options))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SHAPE_FILE).write_text("{}")
        return folder

    monkeypatch.setattr(forms, "export_forecaster", export)
    monkeypatch.setattr(command, "require", lambda *modules: None)
    return calls


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["--format", "saved_model"], {}),
        (["--format", "litert"], {"quantize": "int8"}),
        (["--format", "litert", "--quantize", "none"], {"quantize": "none"}),
        (["--format", "onnx"], {}),
    ],
)
def test_the_command_exports_in_every_form(cli, run, written, tmp_path, words, options):
    folder = tmp_path / "it"
    code, out, err = cli("export", run, *words, "--output", folder)
    assert (code, out, err) == (0, f"{folder}\n", "")
    assert written == [(words[1], folder, options)]
    assert words[1] in forecast.EXPORTS


def test_a_saved_model_of_numbers_needs_no_operations_for_text(cli, run, written, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "require", require)
    monkeypatch.setattr("seq2seq.extras.is_installed", lambda module: module != "tensorflow_text")
    assert cli("export", run, "--format", "saved_model", "--output", tmp_path / "it")[0] == 0
    assert [form for form, *_ in written] == ["saved_model"]


@pytest.mark.parametrize("words", [["--beam-size", "3"], ["--ids-only"]])
def test_options_for_text_are_refused(cli, run, written, words):
    code, _, err = cli("export", run, "--format", "saved_model", *words)
    assert code == 2
    assert err == "error: A forecaster is exported without options of a search, and without --ids-only.\n"
    assert not written


def test_a_run_ends_with_what_its_recipe_names_once(run, written, monkeypatch, caplog):
    folder = ForecastRunFolder(run)
    recipe, forecaster = folder.load_recipe(), load_forecaster(run)
    assert recipe.exports == ("litert",)
    for _ in range(2):
        export_run(folder, recipe, forecaster)
    assert written == [("litert", run / "export" / "litert", {})]
    assert list(json.loads(folder.made_from_file.read_text())) == ["litert"]
    monkeypatch.setattr(forms, "refusal", lambda form, forecaster: f"No {form} here.")
    export_run(folder, recipe.model_copy(update={"exports": ("onnx",)}), forecaster)
    assert "No onnx is exported. No onnx here." in caplog.text
    assert len(written) == 1
