"""Numbers that go wrong are seen in the step, and change nothing."""

from __future__ import annotations

import csv
from types import SimpleNamespace

import numpy as np
import pytest

from seq2seq.pipeline.plan import Plan
from seq2seq.run.folder import RunFolder, load_weights
from seq2seq.signals import RunFailed
from seq2seq.training.guard import PATIENCE, WINDOW, FiniteMean, Guard, Watch
from tests.runs import history_of, training_of
from tests.small_task import untrained_model


@pytest.fixture
def poison(monkeypatch):
    """Makes the weights of one batch, given its epoch and step from 0, something else."""

    def put(epoch, step, value):
        get = Plan.__getitem__

        def poisoned(self, number):
            batch = get(self, number)
            hit = self.shuffle and (self.epoch, number) == (epoch, step)
            return batch._replace(weights=batch.weights * np.float32(value)) if hit else batch

        monkeypatch.setattr(Plan, "__getitem__", poisoned)

    return put


@pytest.mark.parametrize(
    ("value", "told"),
    [(np.nan, "the loss is not a finite number"), (0.0, "the gradient is 0"), (-1e30, "the gradient")],
    ids=["nan", "dead", "infinite"],
)
def test_a_bad_step_ends_the_run_and_names_batch_and_checkpoint(quick_run, tmp_path, poison, capsys, value, told):
    folder = tmp_path / "run"
    poison(1, 1, value)
    assert quick_run(folder) == 1
    message = capsys.readouterr().err
    assert f"Epoch 2, step 2: {told}" in message
    file = folder / "bad_batches" / "epoch-2-step-2.tsv"
    assert f"rows are in {file}" in message
    assert f"last good checkpoint is {folder / 'checkpoint.npz'}" in message
    assert "--training.skip_bad_steps 10" in message
    assert "Traceback" not in message
    pairs = [line.split("\t") for line in file.read_text("utf-8").splitlines()]
    assert pairs
    assert all(target == source.upper() for source, target in pairs)


def test_bad_steps_are_left_out_where_that_is_wanted_also_when_the_run_goes_on(quick_run, tmp_path, poison, caplog):
    poison(1, 1, np.nan)
    assert quick_run(tmp_path / "stopped") == 1
    assert quick_run(tmp_path / "stopped", "--training.skip_bad_steps", "1") == 0
    assert quick_run(tmp_path / "whole", "--training.skip_bad_steps", "1") == 0
    assert "The step was skipped." in caplog.text
    assert [row["skipped_steps"] for row in history_of(tmp_path / "whole")] == ["0", "1", "0"]
    assert training_of(tmp_path / "stopped") == training_of(tmp_path / "whole")
    model = untrained_model(RunFolder(tmp_path / "whole"))
    load_weights(model, tmp_path / "whole" / "model.weights.h5")
    assert all(np.isfinite(weights).all() for weights in model.get_weights())
    with open(tmp_path / "whole" / "history.csv", newline="") as file:
        assert all(np.isfinite(float(value)) for row in csv.DictReader(file) for value in row.values())


def test_one_bad_step_more_than_may_be_left_out_ends_the_run(quick_run, tmp_path, poison, capsys):
    poison(0, 1, np.nan)
    poison(2, 0, np.nan)
    assert quick_run(tmp_path / "run", "--training.skip_bad_steps", "1") == 1
    assert "Epoch 3, step 1:" in capsys.readouterr().err


def test_the_mean_leaves_out_what_is_no_number():
    mean = FiniteMean()
    for value, weight in ((1.0, 1.0), (np.nan, 5.0), (4.0, 2.0), (np.inf, 1.0), (-np.inf, 1.0), (2.0, np.nan)):
        mean.update_state(np.float32(value), sample_weight=np.float32(weight))
    assert float(mean.result()) == pytest.approx(3.0)
    assert float(mean.left_out) == 4
    mean.reset_state()
    assert float(mean.left_out) == 0


def _objective():
    optimizer = SimpleNamespace(refused=0.0, gradient_norm=1.0, usual_norm=1.0)
    return SimpleNamespace(nll=SimpleNamespace(total=0.0, count=0.0, left_out=0.0), optimizer=optimizer)


def _steps(guard, losses, epoch=10**9):
    """Lets the guard see a loss a step, in epochs of so many."""
    metric = guard.objective.nll
    for step, loss in enumerate(losses):
        if step % epoch == 0:
            if step:
                guard.end_epoch(f"step {step}", "Lower the rate.")
            metric.total = metric.count = 0.0
        metric.total, metric.count = metric.total + 20 * loss, metric.count + 20
        guard.compare(1, f"step {step + 1}", "Lower the rate.")


@pytest.mark.parametrize("epoch", [7, WINDOW, 1000], ids=lambda steps: f"epochs of {steps}")
def test_a_loss_that_only_grows_ends_the_run_with_advice(epoch):
    guard = Guard(_objective(), 0)
    losses = [*np.linspace(6, 2, 4 * WINDOW), *[9.0] * (3 * WINDOW)]
    with pytest.raises(RunFailed, match=r"training diverges: .* is 9 nats a token, after 2\.49 at its best\. Lower"):
        _steps(guard, losses, epoch)
    assert guard.watch.risen == PATIENCE


def test_a_loss_that_is_high_for_a_moment_or_rises_a_little_does_not():
    quiet = [*np.linspace(6, 1, 4 * WINDOW), *[9.0] * WINDOW, *np.linspace(1.9, 1.5, 4 * WINDOW), *[0.3] * WINDOW]
    guard = Guard(_objective(), 0)
    _steps(guard, [*quiet, *[0.9] * (5 * WINDOW)], 70)
    assert guard.watch == Watch(best=guard.watch.best, steps=0, total=guard.watch.total, count=guard.watch.count)


def test_a_loss_far_above_that_of_a_uniform_model_ends_the_run_with_advice_however_short_it_is():
    told = r"training diverges: the loss of this epoch is 900 nats a token, where 4 is that of a model that knows noth"
    guard = Guard(_objective(), 0, uniform=4.0)
    with pytest.raises(RunFailed, match=told):
        _steps(guard, [900.0] * 20, epoch=10)
    _steps(Guard(_objective(), 0, uniform=4.0), [*[7.0] * 3, *[4.1] * 27], epoch=10)
    guard = Guard(_objective(), 0, uniform=4.0)
    with pytest.raises(RunFailed, match=r"the loss of the last 50 steps is 9 nats a token, where 4 is"):
        _steps(guard, [9.0] * (2 * WINDOW))


def test_a_learning_rate_far_too_high_is_told(quick_run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("seq2seq.training.guard.WINDOW", 3)
    wild = ("--training.learning_rate", "50", "--training.schedule", "constant", "--training.epochs", "20")
    assert quick_run(tmp_path / "run", *wild) == 1
    message = capsys.readouterr().err
    assert "training diverges" in message
    assert "a training.learning_rate below 50" in message
