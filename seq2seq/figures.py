"""matplotlib's figures, without what lies about in the working folder."""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from typing import Any

_lock = threading.Lock()


def new_figure(**options: Any) -> Any:
    """Returns a new `matplotlib.figure.Figure`.

    On import matplotlib reads a file `matplotlibrc` of the working folder before all others, and that may name code to
    run. Such a file is not seen here; that of the user's own configuration folder is.
    """
    import_matplotlib()
    from matplotlib.figure import Figure

    return Figure(**options)


def import_matplotlib() -> None:
    """Imports it if it is installed, as `new_figure` says. Keras would import it otherwise, and that file with it."""
    with _lock:
        if "matplotlib" in sys.modules or importlib.util.find_spec("matplotlib") is None:
            return
        exists = os.path.exists
        os.path.exists = lambda path: path != "matplotlibrc" and exists(path)
        try:
            importlib.import_module("matplotlib")
        finally:
            os.path.exists = exists
