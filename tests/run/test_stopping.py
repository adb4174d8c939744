"""A run that is stopped, in whatever way, says so once, keeps what it has, and goes on to the same end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from seq2seq.files import locked
from seq2seq.signals import EXIT_INTERRUPTED, EXIT_TERMINATED, Terminated, defer_signals, handle_signals, in_background
from tests.runs import training_of


@pytest.fixture
def signal_at(monkeypatch):
    """Sends this process a signal while it computes the step of a run that has the given number."""

    def arm(step, *numbers):
        from seq2seq.run.steps import Steps

        seen = []
        end = Steps.on_train_batch_end

        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)
            if len(seen) == step:
                for number in numbers:
                    os.kill(os.getpid(), number)
            end(self, batch, logs)

        monkeypatch.setattr(Steps, "on_train_batch_end", on_train_batch_end)

    return arm


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGTERM, EXIT_TERMINATED, "Terminated."), (signal.SIGINT, EXIT_INTERRUPTED, "Interrupted.")],
)
def test_a_signal_lets_the_step_end_and_keeps_a_checkpoint(
    quick_run, quick_finished, tmp_path, signal_at, monkeypatch, capsys, caplog, number, code, word
):
    signal_at(5, number)
    assert quick_run(tmp_path / "run") == code
    message = capsys.readouterr().err
    assert word in message
    assert "the same command goes on from there" in message
    assert "Traceback" not in message
    monkeypatch.undo()
    assert quick_run(tmp_path / "run") == 0
    assert "Going on after epoch 1 and 2 steps of the next" in caplog.text
    assert training_of(tmp_path / "run") == training_of(quick_finished)


def test_a_second_ctrl_c_does_not_wait(quick_run, tmp_path, signal_at, capsys):
    signal_at(2, signal.SIGINT, signal.SIGINT)
    assert quick_run(tmp_path / "run") == EXIT_INTERRUPTED
    assert not (tmp_path / "run" / "checkpoint.npz").exists()


@pytest.fixture
def own_ways():
    """Python's own handler, which those who run tests may have changed."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.default_int_handler, signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGINT, before)


def test_without_a_command_line_around_it_python_keeps_its_own_ways(own_ways):
    with defer_signals() as asked:
        assert not asked()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    with handle_signals():
        assert signal.getsignal(signal.SIGTERM) != own_ways[1]
        with pytest.raises(Terminated):
            os.kill(os.getpid(), signal.SIGTERM)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == own_ways


def test_a_signal_that_nobody_asked_about_is_obeyed_at_the_end():
    done = []

    def work():
        with handle_signals(), defer_signals():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("the rest")

    with pytest.raises(Terminated):
        work()
    assert done == ["the rest"]


def test_a_long_call_of_a_library_can_be_left_and_hands_on_what_it_raises():
    assert in_background(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        in_background(lambda: 1 // 0)
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt), handle_signals():
        in_background(lambda: (os.kill(os.getpid(), signal.SIGINT), time.sleep(5)))
    assert time.monotonic() - begin < 4


STUCK = """
import ctypes
from seq2seq import signals
from seq2seq.cli.common import guarded
signals.GRACE = 0.5
def work():
    libc, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(128)
    libc.pthread_mutex_lock(mutex)
    print("ready", flush=True)
    libc.pthread_mutex_lock(mutex)  # for ever, whatever comes
guarded(work)
"""


@pytest.mark.parametrize(
    ("numbers", "code"), [([signal.SIGTERM], EXIT_TERMINATED), ([signal.SIGINT, signal.SIGINT], EXIT_INTERRUPTED)]
)
def test_a_process_that_is_inside_of_a_library_ends_in_time(numbers, code):
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", STUCK], stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        for number in numbers:
            time.sleep(0.5)
            process.send_signal(number)
        try:
            _, message = process.communicate(timeout=8)
        finally:
            process.kill()
    assert process.returncode == code
    assert message == b"\nStopped in the middle of a step.\n"


def test_two_processes_do_not_work_on_one_folder(quick_run, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    with locked(tmp_path / "run"):
        assert quick_run(tmp_path / "run") == 2
        assert "Another process is working in" in capsys.readouterr().err
        assert not list((tmp_path / "run").iterdir())


def test_the_run_says_what_it_depends_on(finished):
    (start,) = json.loads((finished / "environment.json").read_text())["starts"]
    assert {"started", "command", "versions", "backend", "threads", "platform", "variables", "git", "workers"} == set(
        start
    )
    assert {"python", "tensorflow", "keras", "sentencepiece"} <= set(start["versions"])
    data = json.loads((finished / "data.json").read_text())["training"]
    assert [name.rsplit("/", 1)[-1] for name in data] == ["train.x", "train.y", "validation.x", "validation.y"]


def test_a_run_does_not_go_on_with_another_training_text(
    quick_run, corpus_files, tmp_path, signal_at, monkeypatch, capsys
):
    text = (corpus_files / "train.x").read_text()
    (tmp_path / "mine.x").write_text(text)
    signal_at(2, signal.SIGTERM)
    mine = ("--data.train.source", str(tmp_path / "mine.x"))
    assert quick_run(tmp_path / "run", *mine) == EXIT_TERMINATED
    monkeypatch.undo()
    (tmp_path / "mine.x").write_text(text.replace("ab", "ba"))
    assert quick_run(tmp_path / "run", *mine) == 2
    message = capsys.readouterr().err
    assert "are not what they were when the run" in message
    assert "mine.x: sha256" in message
    assert "train.y: sha256" not in message


def test_other_versions_are_told_when_a_run_goes_on(quick_run, tmp_path, signal_at, monkeypatch, caplog):
    signal_at(2, signal.SIGTERM)
    assert quick_run(tmp_path / "run") == EXIT_TERMINATED
    monkeypatch.undo()
    file = tmp_path / "run" / "environment.json"
    values = json.loads(file.read_text())
    values["starts"][0]["versions"]["numpy"] = "0.9"
    file.write_text(json.dumps(values))
    assert quick_run(tmp_path / "run") == 0
    assert "begun with other versions (numpy 0.9 there," in caplog.text
    assert len(json.loads(file.read_text())["starts"]) == 2
