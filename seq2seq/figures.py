"""matplotlib's figures, without what lies about in the working folder."""

from __future__ import annotations

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
    with _lock:
        if "matplotlib" not in sys.modules:
            _import_matplotlib()
    from matplotlib.figure import Figure

    return Figure(**options)


def _import_matplotlib() -> None:
    exists = os.path.exists
    os.path.exists = lambda path: path != "matplotlibrc" and exists(path)
    try:
        import matplotlib  # noqa: F401  # for what it does on import
    finally:
        os.path.exists = exists
