"""Minimum risk training as recipes have it: what is refused, what a batch holds, and a run that is stopped."""

from __future__ import annotations

import os
import signal

import pytest

from seq2seq.metrics.score import Score
from seq2seq.run.parsing import RecipeError, override
from seq2seq.run.steps import Steps
from seq2seq.signals import EXIT_TERMINATED
from seq2seq.tasks import translation
from seq2seq.tasks.text_to_text.recipe import Recipe
from tests.runs import training_of

RISK = {"training.risk_loss": "2", "training.risk_samples": "2", "training.risk_score": "cer"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"training.risk_samples": "1"}, "risk_samples must be at least 2, .* received 1"),
        ({"training.risk_sharpness": "0"}, "risk_sharpness must be above 0, received 0"),
        ({"training.token_loss": "0"}, "token_loss must be above 0: .* received 0"),
        ({"training.risk_loss": "-1"}, "training.risk_loss"),
        ({"training.risk_loss": "0"}, "training.risk_samples needs training.risk_loss above 0"),
        ({"training.wait_k": "3"}, "training.wait_k .* needs .*training.risk_loss 0"),
    ],
)
def test_what_cannot_be_is_refused(fields, message):
    with pytest.raises(RecipeError, match=message):
        override(Recipe(), {**RISK, **fields})


def test_the_weight_of_the_tokens_alone_needs_a_risk_beside_it():
    with pytest.raises(RecipeError, match="token_loss needs training"):
        override(Recipe(), {"training.token_loss": "0.5"})


@pytest.fixture
def quick(monkeypatch):
    """Runs are neither validated by their outputs nor scored at the end, which takes longer than their training."""
    monkeypatch.setattr(translation, "validator", lambda *_: lambda nll: {"chrf": Score(50.0, "constant")})
    monkeypatch.setattr(translation, "finish", lambda folder, *_: folder.write_json(folder.scores_file, {"tests": {}}))


@pytest.mark.usefixtures("quick")
def test_a_stopped_run_goes_on_to_the_same_end(run, tmp_path, monkeypatch, caplog):
    words = ["--training.epochs", "1", "--model.decoder.attention", "none", "--model.encoder.bidirectional", "false"]
    words += [word for name, value in RISK.items() for word in (f"--{name}", value)]
    caplog.set_level("INFO")
    seen, end = [], Steps.on_train_batch_end

    def stop(self, batch, logs=None):
        seen.append(batch)
        if len(seen) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        end(self, batch, logs)

    with monkeypatch.context() as patched:
        patched.setattr(Steps, "on_train_batch_end", stop)
        assert run(tmp_path / "stopped", *words) == EXIT_TERMINATED
    assert run(tmp_path / "stopped", *words) == 0
    assert "2 steps of the next" in caplog.text
    assert run(tmp_path / "whole", *words) == 0
    assert training_of(tmp_path / "stopped") == training_of(tmp_path / "whole")
