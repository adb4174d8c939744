"""matplotlib figures, without reading configuration from the working folder."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from typing import Any

from seq2seq.extras import is_installed, require

_lock = threading.Lock()


def new_figure(**options: Any) -> Any:
    """Returns a new `matplotlib.figure.Figure`.

    On import, matplotlib first looks for `matplotlibrc` in the working folder, and such a file may name code to run. It
    is ignored here; the one in the user's configuration folder is read.
    """
    require("matplotlib")
    import_matplotlib()
    from matplotlib.figure import Figure

    return Figure(**options)


def import_matplotlib() -> None:
    """Imports matplotlib, if installed, as described in `new_figure`; Keras would import it and read that file."""
    with _lock:
        if sys.modules.get("matplotlib") or not is_installed("matplotlib"):
            return
        exists = os.path.exists
        os.path.exists = lambda path: path != "matplotlibrc" and exists(path)
        try:
            importlib.import_module("matplotlib")
        finally:
            os.path.exists = exists
