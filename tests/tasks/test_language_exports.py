"""Exports of a language model: as a command, and at the end of a run."""

from __future__ import annotations

import pytest

from seq2seq.cli import export as command
from seq2seq.export import language
from seq2seq.tasks import language_model
from seq2seq.tasks.language_model import ending
from seq2seq.tasks.language_model.data import Corpus
from seq2seq.tasks.language_model.folder import LanguageRunFolder
from tests.language_models import write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("language") / "run")


@pytest.fixture
def written(monkeypatch):
    """What was exported: form, name of the model, folder, options."""
    calls = []

    def export(form, model, folder, **options):
        calls.append((form, model.name, folder, options))
        return folder

    monkeypatch.setattr(language, "export_language", export)
    monkeypatch.setattr(command, "require", lambda *modules: None)
    return calls


@pytest.mark.parametrize(
    ("words", "name", "options"),
    [
        (["--format", "saved_model"], "saved_model", {"ids_only": False}),
        (["--format", "saved_model", "--ids-only"], "saved_model_ids", {"ids_only": True}),
        (["--format", "litert"], "litert", {"quantize": "int8"}),
        (["--format", "litert", "--quantize", "none"], "litert", {"quantize": "none"}),
        (["--format", "onnx"], "onnx", {}),
    ],
)
def test_the_command_exports_in_every_form(cli, run, written, words, name, options):
    code, out, err = cli("export", run, *words)
    assert (code, err) == (0, "")
    folder = run / "export" / name
    assert out == f"{folder}\n"
    assert written == [(words[1], str(run), folder, options)]
    assert words[1] in language_model.EXPORTS


def test_options_of_a_search_are_refused(cli, run, written):
    code, _, err = cli("export", run, "--format", "litert", "--beam-size", "3", "--n-best", "2")
    assert code == 2
    assert err == "error: A language model is exported without options of a search. Received: --beam-size, --n-best\n"
    assert not written


def test_the_end_of_a_run_writes_what_the_recipe_names(run, written, monkeypatch):
    monkeypatch.setattr(ending, "write_readme", lambda *_: None)
    monkeypatch.setattr(ending, "read_history", lambda *_: None)
    folder = LanguageRunFolder(run)
    recipe = folder.load_recipe().model_copy(update={"exports": ("litert", "onnx")})
    for _ in range(2):
        ending.finish(folder, recipe, Corpus((), (), {}, (), {}))
        assert [form for form, *_ in written] == ["litert", "onnx"]
        (run / "export" / "litert").mkdir(parents=True, exist_ok=True)
        (run / "export" / "onnx").mkdir(exist_ok=True)
        (run / "export" / "litert" / "model.json").write_text("{}")
        (run / "export" / "onnx" / "onnx.json").write_text("{}")
