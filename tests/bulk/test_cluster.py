"""Tasks on Ray, in an interpreter of its own: Ray warns of its own doings, and leaves a process as it likes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq.bulk.cluster import check_ray, map_on_ray

ROOT = Path(__file__).parents[2]
CODE = """
import json, sys
from functools import partial
from pathlib import Path
from seq2seq.bulk.cluster import map_on_ray
from tests.bulk.workers import make

for tasks in json.loads(sys.argv[2]):
    told = []
    try:
        found = sorted(map_on_ray(partial(make, Path(sys.argv[1])), tasks, 2, "local", told.append))
    except Exception as error:
        found = [type(error).__name__, str(error)]
    print("FOUND", json.dumps([found, told]), flush=True)
"""


def test_tasks_are_done_deaths_are_survived_once_and_errors_come_back(tmp_path):
    pytest.importorskip("ray", reason="the extra [ray] is not installed")
    jobs = [["a", "die-once x", "b"], ["a", "die x"], ["wrong 7"]]
    words = [sys.executable, "-c", CODE, str(tmp_path), json.dumps(jobs)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    found = [json.loads(line.removeprefix("FOUND")) for line in done.stdout.splitlines() if line.startswith("FOUND")]
    assert len(found) == len(jobs), done.stderr
    results, told = found[0]
    assert results == [["a", "A"], ["b", "B"], ["die-once x", "DIE-ONCE X"]]
    assert told == ["A worker died at die-once x; another tried again."]
    assert found[1][0][0] == "RunFailed"
    assert found[1][0][1].startswith("2 workers died at die x.")
    assert found[2][0] == ["ValueError", "line 7 is wrong"]


def test_without_ray_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"ray, which is not installed. Install it with: pip install .*\[ray\]"):
        check_ray()


def test_no_tasks_need_no_cluster():
    assert list(map_on_ray(str, [], 2, "nowhere:1", print)) == []
