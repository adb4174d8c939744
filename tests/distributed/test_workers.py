"""Several processes that train together compute what one computes on the batches of all of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from seq2seq.distributed.team import CLUSTER, LAUNCHED, place, wait_for_all
from seq2seq.pipeline.plan import Batching, Plan
from seq2seq.run.environment import record_start
from seq2seq.run.folder import RunFolder
from seq2seq.text.token_batches import PAIRS
from tests.bulk.test_processes import until
from tests.runs import history_of, training_of, words_of
from tests.small_task import PAUSE, untrained_model

PLAIN = ["--model.encoder.dropout", "0", "--model.decoder.dropout", "0"]


def start(corpus_files, folder, *more, pause=0.0):
    """Starts a run of two workers that waits so many seconds before each batch."""
    words = [sys.executable, "-m", "tests.small_task", *words_of(corpus_files, folder, "--workers", "2", *more)]
    pipe, variables = subprocess.PIPE, {**os.environ, PAUSE: str(pause)}
    return subprocess.Popen(words, stdout=pipe, stderr=pipe, cwd=Path(__file__).parents[2], env=variables)


def end(process, seconds=240):
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out.decode(), err.decode()


def test_two_workers_are_one_with_twice_the_batch(quick_run, corpus_files, tmp_path):
    """The driver alone: `training/test_shared.py` does the same with the network of a recipe."""
    more = [*PLAIN, "--training.epochs", "1", "--batching.tokens"]
    code, _, err = end(start(corpus_files, tmp_path / "two", *more, "200"))
    assert code == 0, err
    assert quick_run(tmp_path / "one", *more, "400") == 0
    (two,), (one,) = history_of(tmp_path / "two"), history_of(tmp_path / "one")
    assert float(two["loss"]) == pytest.approx(float(one["loss"]), rel=1e-5)
    assert float(two["val_nll"]) == pytest.approx(float(one["val_nll"]), rel=1e-5)
    models = [untrained_model(RunFolder(tmp_path / name)) for name in ("two", "one")]
    for model, name in zip(models, ("two", "one"), strict=True):
        model.load_weights(tmp_path / name / "model.weights.h5")
    assert not np.allclose(models[0].get_weights()[0], untrained_model(RunFolder(tmp_path / "one")).get_weights()[0])
    for weights in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(*weights, atol=2e-5)
    assert json.loads((tmp_path / "two" / "environment.json").read_text())["starts"][0]["workers"] == 2


def children(process):
    """The processes that train; what filters the errors of TensorFlow is another child."""
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(number) for number in found if LAUNCHED.encode() in Path(f"/proc/{number}/environ").read_bytes()]


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
def test_stopped_or_without_one_of_its_workers_a_run_ends_clearly_and_the_same_command_goes_on(corpus_files, tmp_path):
    more = ("--training.epochs", "6")
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    code, _, err = end(start(corpus_files, whole, *more))
    assert code == 0, err

    process = start_another_epoch(corpus_files, parted, *more)
    process.send_signal(signal.SIGTERM)
    begin = time.monotonic()
    code, _, err = end(process)
    assert time.monotonic() - begin < 10
    assert code == 143, err
    assert err.count("Terminated.") == 1
    assert "Stopped in the middle" not in err
    assert not [path for path in parted.iterdir() if path.name.startswith("partial-")]

    process = start_another_epoch(corpus_files, parted, *more)
    os.kill(children(process)[1], signal.SIGKILL)
    begin = time.monotonic()
    code, _, err = end(process)
    assert time.monotonic() - begin < 15
    assert code == 1
    assert "Going on after epoch" in err
    assert "error: process 1 of 2 was lost (signal 9); the others were ended." in err
    assert "The same command goes on from the last checkpoint." in err
    assert "Traceback" not in err

    code, _, err = end(start(corpus_files, parted, *more))
    assert code == 0, err
    assert "Going on after epoch" in err
    assert training_of(parted) == training_of(whole)


def start_another_epoch(corpus_files, folder, *more):
    """Starts a run, new or not, and returns the process in the epoch after the next."""
    history = folder / "history.csv"
    before, limit = epochs(history), time.monotonic() + 200
    process = start(corpus_files, folder, *more, pause=0.1)
    while epochs(history) == before and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.002)
    return process


def epochs(history):
    return len(history.read_text().splitlines()) if history.exists() else 0


@pytest.mark.parametrize("world", [2, 3])
def test_the_shares_of_all_workers_are_the_batches_of_one(finished_store, world):
    store, batching = finished_store
    whole = Plan(store, PAIRS, batching, 5)
    shares = [Plan(store, PAIRS, batching, 5, rank=rank, size=world) for rank in range(world)]
    assert {len(share) for share in shares} == {len(whole)}
    for step, batch in enumerate(whole):
        rows = [row[row > 0].tolist() for row in batch.target_output]
        parts = [
            row[weight > 0].tolist()
            for share in shares
            for row, weight in zip(share[step].target_output, share[step].weights, strict=True)
            if weight.any()
        ]
        assert sorted(parts) == sorted(rows)


@pytest.fixture
def finished_store(tmp_path):
    from seq2seq.text.examples import Example
    from seq2seq.text.token_store import write_token_store

    draw = np.random.default_rng(1)
    lines = [" ".join(map(str, draw.integers(4, 20, draw.integers(1, 9)))) for _ in range(57)]
    examples = [Example(line, line, number) for number, line in enumerate(lines, 1)]

    def encode(texts, chunk):
        return [[int(word) for word in text.split()] for text in texts]

    return write_token_store(tmp_path / "store", examples, encode, encode, 50), Batching(60, 3)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"cluster": {"worker": ["a:1", "b:1"]}}',
        '{"cluster": {"ps": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
        '{"cluster": {"worker": ["a", "b:1"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1", "b:99999"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": [1, 2]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": "ab"}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1", "a:1"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}',
        '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0.5}}',
    ],
)
def test_a_cluster_that_is_none_is_told(run, tmp_path, monkeypatch, capsys, text):
    monkeypatch.setenv(CLUSTER, text)
    assert run(tmp_path / "run") == 2
    assert "TF_CONFIG does not describe a cluster" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_cluster_of_one_is_no_cluster():
    assert place("") == (0, [])
    assert place('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}') == (0, [])


def test_the_chief_of_a_cluster_comes_first():
    cluster = '"cluster": {"worker": ["a:1", "b:1"], "chief": ["c:1"]}'
    assert place(f'{{{cluster}, "task": {{"type": "worker", "index": 1}}}}') == (2, ["c:1", "a:1", "b:1"])
    assert place(f'{{{cluster}, "task": {{"type": "chief", "index": 0}}}}') == (0, ["c:1", "a:1", "b:1"])


def test_a_run_does_not_go_on_with_another_number_of_workers(run, finished, tmp_path, capsys):
    import shutil

    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run" / "scores.json").unlink()
    file = tmp_path / "run" / "environment.json"
    values = json.loads(file.read_text())
    values["starts"][0]["workers"] = 3
    file.write_text(json.dumps(values))
    assert run(tmp_path / "run") == 2
    message = capsys.readouterr().err
    assert "was begun by 3 processes, and now there is 1" in message
    assert "--workers 3" in message


@pytest.mark.parametrize("last", [5, {"workers": "many"}, {"workers": None}, {"workers": [2]}])
def test_a_damaged_record_of_the_workers_stops_nobody(tmp_path, last):
    folder = RunFolder(tmp_path)
    folder.checkpoint_file.touch()
    folder.write_json(folder.environment_file, {"starts": [{}, last]})
    record_start(folder)
    assert len(json.loads(folder.environment_file.read_text())["starts"]) == 1


def test_a_process_says_for_whom_it_waits_and_goes_on_when_they_are_there(capsys):
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in (one, other)]
    waits = threading.Thread(target=wait_for_all, args=(0, addresses, 0.0), daemon=True)
    waits.start()
    until(lambda: capsys.readouterr().err, lambda text: f"Waiting for process 1 at {addresses[1]}" in text)
    wait_for_all(1, addresses)
    with socket.create_server(("", int(addresses[1].rpartition(":")[2]))):  # as TensorFlow's own server then does
        waits.join(60)
    assert not waits.is_alive()


def test_an_address_that_another_program_has_is_said():
    with socket.create_server(("", 0)) as server, pytest.raises(ValueError, match="already in use"):
        wait_for_all(0, [f"127.0.0.1:{server.getsockname()[1]}", "127.0.0.1:1"])
