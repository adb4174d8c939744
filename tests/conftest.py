"""The options of the tests, and their order; fixtures are in `fixtures.py` and `runs.py`."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest

LONGEST = {
    "cli/test_bulk.py",
    "distributed/test_workers.py",
    "export/test_onnx.py",
    "export/test_saved_model.py",
    "lite/test_acoustic.py",
    "lite/test_lite.py",
    "tasks/test_music.py",
    "tasks/test_speech.py",
    "training/test_shared.py",
}
"""Files of more than twenty seconds: they come first, so that none of them is left to one process at the end."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="every combination of options, not only each option once")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.parent.name + "/" + item.path.name not in LONGEST)
    if not config.getoption("long"):
        left_out = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):
        for name in ("tests.fixtures", "tests.runs"):  # which import TensorFlow: not in the process that hands out
            config.pluginmanager.import_plugin(name)
    config.addinivalue_line("markers", "long: a combination whose every value another case has; runs with --long")
    # Keras and TensorFlow copy variables in a way that NumPy 2 deprecates, whenever a model is saved.
    config.addinivalue_line(
        "filterwarnings", "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
    )


def pytest_collection_finish() -> None:
    # All modules are there: what they made is not looked through again whenever a graph is traced.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
