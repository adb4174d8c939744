"""Tasks on processes: each is done once, a death is survived once, and nobody is left behind."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from seq2seq.bulk.processes import map_on_processes
from seq2seq.signals import RunFailed
from tests.bulk.workers import make, make_nothing

ROOT = Path(__file__).parents[2]


@pytest.fixture
def told():
    return []


@pytest.fixture
def run(tmp_path, told):
    def run_(*tasks, workers=2, make=make):
        with closing(map_on_processes(partial(make, tmp_path), tasks, workers, told.append)) as results:
            return list(results)

    return run_


def makings(folder):
    return len(list(folder.glob("made-*")))


def test_every_task_has_its_result_and_a_worker_is_made_once(run, tmp_path, told):
    tasks = [f"task {i}" for i in range(9)]
    assert sorted(run(*tasks)) == [(task, task.upper()) for task in tasks]
    assert 1 <= makings(tmp_path) <= 2
    assert told == []


def test_there_are_no_more_workers_than_tasks(run, tmp_path):
    assert run("one", workers=5) == [("one", "ONE")]
    assert makings(tmp_path) == 1
    assert run() == []


def test_a_worker_that_dies_is_told_and_its_task_is_done_by_another(run, told):
    assert sorted(run("a", "die-once x", "b")) == [("a", "A"), ("b", "B"), ("die-once x", "DIE-ONCE X")]
    assert told == ["A worker died at die-once x (signal 9); another tries again."]


def test_a_task_that_kills_two_workers_ends_it(run, told):
    with pytest.raises(RunFailed, match=r"2 workers died at die x \(signal 9\)"):
        run("a", "die x", "b")
    assert len(told) == 1


@pytest.mark.parametrize(
    ("task", "kind", "message"),
    [
        ("wrong 7", ValueError, "^line 7 is wrong$"),
        ("full disk", OSError, "No space left on device: 'disk'"),
        ("bug x", RuntimeError, "in work\n(.*\n)*KeyError: 'x'"),
    ],
)
def test_what_a_worker_raises_is_raised_here(run, task, kind, message):
    with pytest.raises(kind, match=message):
        run("a", task, "b", workers=1)


def test_what_cannot_be_made_is_told_as_it_is(run, tmp_path):
    with pytest.raises(ValueError, match="no model"):
        run("a", make=make_nothing)


def test_workers_end_when_somebody_stops_asking(tmp_path, told):
    results = map_on_processes(partial(make, tmp_path), ["a", "sleep"], 2, told.append)
    assert next(results) == ("a", "A")
    results.close()
    for path in tmp_path.glob("made-*"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.name.split("-")[1]), 0)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_parent(tmp_path, how):
    code = (
        "import sys; from functools import partial; from pathlib import Path\n"
        "from seq2seq.bulk.processes import map_on_processes; from tests.bulk.workers import make\n"
        "list(map_on_processes(partial(make, Path(sys.argv[1])), ['sleep 1', 'sleep 2'], 2, print))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT)
    workers = until(lambda: [p.name.split("-")[1] for p in tmp_path.glob("asleep-*")], lambda found: len(found) == 2)
    parent.send_signal(how)
    parent.wait(60)
    until(lambda: [pid for pid in workers if alive(pid)], lambda left: not left)


def alive(pid):
    """Whether a process runs; one that only waits for its parent to ask how it ended does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def until(ask, enough, seconds=60):
    end = time.monotonic() + seconds
    while not enough(answer := ask()):
        assert time.monotonic() < end, answer
        time.sleep(0.05)
    return answer
