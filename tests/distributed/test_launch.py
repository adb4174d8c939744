"""Processes are started, watched and ended together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from seq2seq.cli.common import guarded
from seq2seq.distributed.launch import launch
from seq2seq.distributed.team import CLUSTER, LAUNCHED, joined
from seq2seq.signals import EXIT_TERMINATED, RunFailed

HEAD = f"""
import json, os, signal, sys, time
from pathlib import Path
folder, cluster = Path(sys.argv[1]), json.loads(os.environ["{CLUSTER}"])
rank = cluster["task"]["index"]
(folder / str(rank)).write_text(str(os.getpid()))
while len(list(folder.iterdir())) < len(cluster["cluster"]["worker"]):
    time.sleep(0.01)
"""


def start(folder, body, workers=2):
    return launch([sys.executable, "-c", HEAD + body, str(folder)], workers)


def all_gone(folder):
    for file in folder.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(file.read_text()), 0)
    return True


def test_the_first_process_is_seen_and_its_exit_code_is_that_of_all(tmp_path, capfd):
    code = start(
        tmp_path, "print(rank, flush=True); print(f'err{rank}', file=sys.stderr); sys.exit(7 if rank == 0 else 0)"
    )
    assert code == 7
    assert capfd.readouterr() == ("0\n", "err0\n")
    assert all_gone(tmp_path)


def test_every_process_knows_its_place_and_has_its_share_of_the_cores(tmp_path, capfd, monkeypatch):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    body = "print(json.dumps([cluster, os.environ['TF_NUM_INTRAOP_THREADS']])) if rank == 0 else None"
    assert start(tmp_path, body, workers=3) == 0
    cluster, threads = json.loads(capfd.readouterr().out)
    assert len(set(cluster["cluster"]["worker"])) == 3
    assert cluster["task"] == {"type": "worker", "index": 0}
    assert 1 <= int(threads) <= max(1, (os.cpu_count() or 1) // 3)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_dies_is_told_and_the_others_are_ended(tmp_path, rank):
    body = f"os.kill(os.getpid(), signal.SIGKILL) if rank == {rank} else time.sleep(600)"
    with pytest.raises(RunFailed, match=rf"process {rank} of 3 was lost \(signal 9\)"):
        start(tmp_path, body, workers=3)
    assert all_gone(tmp_path)


def test_what_a_process_that_fails_alone_wrote_last_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr("seq2seq.distributed.launch.PATIENCE", 0.2)
    with pytest.raises(RunFailed, match=r"process 1 of 2 was lost \(exit code 3\)(.|\n)*no room here"):
        start(tmp_path, "print('no room here', file=sys.stderr) or sys.exit(3) if rank else time.sleep(600)")
    assert all_gone(tmp_path)


def test_a_mistake_that_all_find_is_told_by_the_first_alone(tmp_path, capfd):
    assert start(tmp_path, "time.sleep(0.5 * (rank == 0)); print('wrong', file=sys.stderr); sys.exit(2)") == 2
    assert capfd.readouterr().err == "wrong\n"


def test_one_that_does_not_end_after_the_first_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("seq2seq.distributed.launch.LEAVE", 0.2)
    assert start(tmp_path, "time.sleep(600 * rank)") == 0
    assert all_gone(tmp_path)


@pytest.mark.parametrize("body", ["signal.pause()", "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"])
def test_sigterm_reaches_the_first_and_ends_all(tmp_path, monkeypatch, body):
    monkeypatch.setattr("seq2seq.distributed.launch.GRACE", 1.0)

    def send():
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=send, daemon=True).start()
    assert guarded(lambda: start(tmp_path, body)) == EXIT_TERMINATED
    assert all_gone(tmp_path)


ORPHAN = """
import threading, time
from seq2seq.distributed.team import _end_with_launcher
threading.Thread(target=_end_with_launcher, daemon=True).start()
print("ready", flush=True)
time.sleep(600)
"""


def test_a_process_whose_launcher_has_gone_ends():
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", ORPHAN], stdin=pipe, stdout=pipe) as process:
        assert process.stdout.readline() == b"ready\n"
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(20) == -signal.SIGTERM


def test_a_cluster_within_a_cluster_is_refused(monkeypatch):
    monkeypatch.setenv(CLUSTER, "{}")
    with pytest.raises(ValueError, match="Use only one"):
        launch([sys.executable, "-c", "raise SystemExit(9)"], 2)


def test_another_backend_is_refused(monkeypatch):
    import keras

    monkeypatch.delenv(LAUNCHED, raising=False)
    monkeypatch.setenv(CLUSTER, '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}')
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="on the TensorFlow backend only; this is jax"), joined():
        pass
