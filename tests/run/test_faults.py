"""The short form of benchmarks/faults.py: real processes, really killed. The long form takes a real network too."""

from __future__ import annotations

from benchmarks.faults import Harness, compare, content
from tests.runs import TINY, files_flags
from tests.small_task import PAUSE


def test_killed_before_and_in_training_a_run_ends_as_if_it_had_not_been(
    quick_finished, corpus_files, tmp_path, monkeypatch
):
    monkeypatch.setenv(PAUSE, "0.05")
    harness = Harness(tmp_path, ["tests.small_task", "custom", *files_flags(corpus_files), *TINY])
    folder = tmp_path / "run"
    for moment in ("recipe.json", "history.csv"):
        assert harness.kill(folder, 240, moment), f"it had ended before there was a {moment}"
        assert (folder / moment).exists()
        assert not (folder / "scores.json").exists()
    harness.finish(folder)
    assert "Going on after epoch" in harness.output()
    compare(folder, content(quick_finished))
