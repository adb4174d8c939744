import logging
from types import SimpleNamespace

import pytest

from seq2seq.export import formats
from seq2seq.extras import NUMERIC_EXPORTS
from seq2seq.lite.kinds import SHAPE_FILE
from seq2seq.run.folder import RunFolder
from seq2seq.tasks.text_to_text.finish import export_run


class FakeGenerator:
    source_tokenizer = SimpleNamespace(placeholders=None)

    def with_options(self, **changes):
        assert changes == {"sampling": False}
        return self


@pytest.fixture
def written(monkeypatch):
    """The forms that were exported, in order."""
    forms = []
    monkeypatch.setattr(formats, "export", lambda form, generator, folder: forms.append(form) or folder)
    return forms


def finish(folder):
    export_run(RunFolder(folder), SimpleNamespace(exports=("saved_model", "litert")), FakeGenerator())


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ([], ["saved_model", "litert"]),
        (["saved_model/partial-1"], ["saved_model", "litert"]),
        (["saved_model/1"], ["litert"]),
        (["litert"], ["saved_model", "litert"]),
        (["saved_model/1", f"litert/{SHAPE_FILE}"], []),
    ],
)
def test_what_was_begun_is_exported_again_and_what_is_whole_is_not(tmp_path, written, there, expected):
    for name in there:
        path = tmp_path / "export" / name
        (path.parent if path.suffix else path).mkdir(parents=True)
        if path.suffix:
            path.write_text("{}")
    finish(tmp_path)
    assert written == expected


def test_what_cannot_be_made_here_is_told_and_left_out(tmp_path, written, monkeypatch, caplog):
    monkeypatch.setattr(
        formats, "missing_for", lambda form, needs: "tensorflow-text" if form == "saved_model" else None
    )
    with caplog.at_level(logging.WARNING):
        finish(tmp_path)
    assert written == ["litert"]
    assert f"needs tensorflow-text. Where that is: seq2seq export {tmp_path} --format saved_model" in caplog.text


@pytest.mark.parametrize(
    ("backend", "text", "form", "missing"),
    [
        ("tensorflow", True, "saved_model", None),
        ("tensorflow", True, "litert", None),
        ("tensorflow", False, "saved_model", "tensorflow-text (this project's extra [train])"),
        ("tensorflow", False, "litert", None),
        ("jax", True, "litert", "TensorFlow as Keras' backend"),
    ],
)
def test_each_form_names_what_it_needs(monkeypatch, backend, text, form, missing):
    monkeypatch.setattr(formats.keras.backend, "backend", lambda: backend)
    monkeypatch.setattr(formats, "is_installed", lambda module: text or module != "tensorflow_text")
    assert formats.missing_for(form) == missing
    assert formats.missing_for(form, NUMERIC_EXPORTS) == (missing if backend == "jax" else None)


def test_an_export_of_other_weights_is_made_again(tmp_path, written, monkeypatch):
    monkeypatch.setattr(formats, "has_export", lambda form, path: form in written)
    (tmp_path / "model.weights.h5").write_bytes(b"first")
    finish(tmp_path)
    finish(tmp_path)
    assert written == ["saved_model", "litert"]
    (tmp_path / "model.weights.h5").write_bytes(b"better")
    finish(tmp_path)
    assert written == ["saved_model", "litert"] * 2
