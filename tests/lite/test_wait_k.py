"""A LiteRT folder of a run trained with wait-k translates while it reads, as the run does, without TensorFlow."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import seq2seq
from seq2seq.inference.simultaneous import TextStream
from seq2seq.lite.folder import LiteFolderError
from seq2seq.lite.simultaneous import _groups
from tests.crafted import use_crafted
from tests.interpreting import LINES, make_interpreting

pytest.importorskip("ai_edge_litert", reason="the LiteRT runtime is not installed")
if keras.backend.backend() != "tensorflow":
    pytest.skip("a LiteRT model is made by TensorFlow", allow_module_level=True)

from seq2seq.export.litert import export_litert


@pytest.fixture(scope="module")
def generator(build_model, tokenizer):
    """Its other searches write no pair of tokens twice, which wait-k does not look at."""
    generator = make_interpreting(build_model, tokenizer, {"num_layers": 2, "residual": True})
    generator.options = generator.options.changed(no_repeat_ngram=2)
    return generator


@pytest.fixture(scope="module")
def live(generator, tmp_path_factory):
    """Its export, not quantised; tests may not change it."""
    return export_litert(generator, tmp_path_factory.mktemp("lite") / "live", "none", batches=(1, 4))


@pytest.mark.parametrize("k", [1, 2, 3, 1000])
def test_the_folder_writes_what_the_run_writes_for_every_k(generator, live, k):
    expected = generator.interpreter(k).interpret(LINES)
    assert len({each.text for each in expected}) >= 5
    interpreter = seq2seq.load(live).interpreter(k)
    for batch_size in (64, 1):
        found = interpreter.interpret(LINES, batch_size)
        assert [each.text for each in found] == [each.text for each in expected]
        assert [each.delays for each in found] == [each.delays for each in expected]
        for one, other in zip(found, expected, strict=True):
            confidences = [[word.confidence for word in each.words] for each in (one, other)]
            np.testing.assert_allclose(*confidences, rtol=1e-3)


def test_a_stream_gives_what_the_batch_gives_and_whole_lines_are_translated_as_before(generator, live):
    lite = seq2seq.load(live).with_options(max_extra=2)
    interpreter = lite.interpreter(2)
    for line, expected in zip(LINES, interpreter.interpret(LINES), strict=True):
        stream = TextStream(interpreter)
        updates = [*map(stream.push, line.split()), stream.finish()]
        assert " ".join(filter(None, (update.final for update in updates))) == expected.text
    assert seq2seq.load(live)(LINES) == generator(LINES)


def test_streams_that_go_together_fill_the_networks():
    def groups(count, batches):
        return [list(range(count)[rows]) for rows in _groups(count, batches)]

    assert groups(0, [1, 12]) == []
    assert groups(2, [1, 4]) == [[0], [1]]
    assert groups(3, [1, 4]) == [[0, 1, 2]]
    assert groups(9, [1, 4]) == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
    assert groups(5, [4]) == [[0, 1, 2, 3], [4]]


def test_the_command_needs_no_framework_and_writes_what_the_batch_gives(live):
    code = (
        "import sys\nfrom seq2seq.cli import stderr_filter\nfrom seq2seq.cli.main import main\n"
        f"stderr_filter.install()\nassert main(['translate', {str(live)!r}, '--wait-k', '2']) == 0\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'pydantic', 'sacrebleu', 'pooch'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    text = "".join(line + "\n" for line in LINES)
    done = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    expected = [found.text for found in seq2seq.load(live).interpreter(2).interpret(LINES)]
    assert done.stdout.split("\n") == [*expected, ""]


@pytest.mark.parametrize(
    ("bidirectional", "message"),
    [(True, "its encoder reads in both directions"), (False, "its run was trained on whole sentences")],
)
def test_a_folder_of_whole_sentences_is_refused_with_the_reason(live, monkeypatch, bidirectional, message):
    lite = seq2seq.load(live)
    lite.wait_k = ()
    monkeypatch.setattr(lite.networks, "bidirectional", bidirectional)
    with pytest.raises(ValueError, match=rf"{message}\. Train a run with training\.wait_k") as caught:
        lite.stream(wait_k=3)
    assert "\n" not in str(caught.value)


def test_a_description_that_does_not_fit_is_refused(live, tmp_path):
    shape = json.loads((live / "model.json").read_text())
    assert shape["wait_k"] == [1, 3]
    both = [layer | {"directions": 2} for layer in shape["encoder"]]
    for number, (changes, message) in enumerate(
        [
            ({"wait_k": [0]}, "damaged"),
            ({"wait_k": "3"}, "damaged"),
            ({"wait_k": []}, "holds networks that model.json does not know"),
            ({"encoder": both}, "does not fit the encoder"),
            ({"decoder": shape["decoder"] | {"state": None}}, "does not fit the decoder"),
        ]
    ):
        path = shutil.copytree(live, tmp_path / str(number))
        (path / "model.json").write_text(json.dumps(shape | changes))
        with pytest.raises(LiteFolderError, match=message):
            seq2seq.load(path)


def test_no_crafted_folder_that_passes_makes_the_runtime_crash(live, tmp_path):
    assert use_crafted(live, tmp_path / "copy", 130) >= 5  # in a few the change is harmless, and they are used
