"""Training for simultaneous translation: what a recipe refuses, and a run that is stopped."""

from __future__ import annotations

import os
import signal

import pytest

from seq2seq.run.parsing import RecipeError, override
from seq2seq.run.steps import Steps
from seq2seq.signals import EXIT_TERMINATED
from seq2seq.tasks.text_to_text.recipe import Recipe
from tests.runs import training_of

pytestmark = pytest.mark.usefixtures("loaded_once")

NEEDED = {
    "model.encoder.bidirectional": "false",
    "model.decoder.bridge": "zero",
    "model.decoder.num_layers": "2",
    "model.decoder.attention_position": "between",
}
WAIT_K = [word for name, value in {**NEEDED, "training.wait_k": "1,2,4"}.items() for word in (f"--{name}", value)]


def test_a_recipe_for_it_holds_its_numbers():
    recipe = override(Recipe(), {**NEEDED, "training.wait_k": "1,3,5"})
    assert recipe.training.wait_k == (1, 3, 5)
    assert Recipe().training.wait_k == ()


def test_all_that_it_needs_is_told_at_once():
    with pytest.raises(RecipeError) as error:
        override(Recipe(), {"training.wait_k": "3"})
    for name in ("bidirectional false", "bridge zero", "attention_position between or after"):
        assert f"{name}" in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("training.wait_k", "0", "at least 1, received 0"),
        ("training.wait_k", "3,-1", "at least 1, received 3,-1"),
        ("training.wait_k", "many", "training.wait_k"),
        ("model.encoder.bidirectional", "true", "needs model.encoder.bidirectional false$"),
        ("model.decoder.bridge", "dense", "needs model.decoder.bridge zero$"),
        ("model.decoder.attention", "none", "needs model.decoder.attention other than none"),
        ("model.decoder.attention_position", "before", "needs model.decoder.attention_position between or after$"),
        ("model.decoder.attention_position", "conditional", "attention_position between or after$"),
        ("model.decoder.coverage", "true", "needs model.decoder.coverage false$"),
        ("model.pointer", "true", "needs model.pointer false$"),
        ("model.words", "true", "needs model.words false$"),
        ("data.right_to_left", "true", "needs data.right_to_left false$"),
        ("tokenizer.casing", "mark", "needs tokenizer.casing keep$"),
        ("tokenizer.placeholders", "url", "needs tokenizer.placeholders none$"),
    ],
)
def test_what_cannot_translate_while_it_reads_is_refused(name, value, message):
    with pytest.raises(RecipeError, match=message):
        override(Recipe(), {**NEEDED, "training.wait_k": "1,3", name: value})


def test_a_run_that_is_killed_goes_on_as_if_it_had_not_been(run, made_run, tmp_path, monkeypatch):
    whole = made_run("wait_k", *WAIT_K)
    seen, end = [], Steps.on_train_batch_end

    def on_train_batch_end(self, batch, logs=None):
        seen.append(batch)
        if len(seen) == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        end(self, batch, logs)

    monkeypatch.setattr(Steps, "on_train_batch_end", on_train_batch_end)
    assert run(tmp_path / "run", *WAIT_K) == EXIT_TERMINATED
    assert run(tmp_path / "run", *WAIT_K) == 0
    assert training_of(tmp_path / "run") == training_of(whole)


def test_what_is_drawn_matters(made_run):
    numbers = [training_of(made_run(name, *flags))["state"] for name, flags in RUNS.items()]
    assert numbers[0] != numbers[1]


RUNS = {"wait_k": WAIT_K, "wait_1": [*WAIT_K[:-1], "1"]}
