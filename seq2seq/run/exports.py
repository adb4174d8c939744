"""The exports at the end of a run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from seq2seq.extras import EXPORTS
from seq2seq.files import read_json
from seq2seq.run.environment import sha256
from seq2seq.run.folder import RunFolder

_log = logging.getLogger(__name__)


def write_exports(
    folder: RunFolder,
    forms: Sequence[str],
    write: Callable[[str, Path], Path],
    refusal: Callable[[str], str] = lambda form: "",
    needs: Mapping[str, Sequence[str]] = EXPORTS,
) -> None:
    """Writes the exports of a run, unless they are there and made of these weights.

    Forms that this machine cannot make are left out with a warning.

    Args:
        folder: The run, with its trained weights.
        forms: What to write, as `export.formats` names them.
        write: Given a form and a folder, writes the export and returns what is to be served.
        refusal: Given a form, returns why the model cannot be exported in it; "" where it can.
        needs: The modules that each form needs, as `Task.EXPORTS` has them.
    """
    from seq2seq.export.formats import has_export, missing_for

    weights = sha256(folder.weights_file) if folder.weights_file.exists() else ""
    made_from = dict(read_json(folder.made_from_file)) if folder.made_from_file.exists() else {}
    for form in forms:
        path = folder.inside(folder.exports / form)
        if has_export(form, path) and made_from.get(form, weights) == weights:
            continue
        missing = missing_for(form, needs)
        if missing:
            how = f"Where that is: seq2seq export {folder.path} --format {form}"
            _log.warning("No %s is exported: it needs %s. %s", form, missing, how)
        elif reason := refusal(form):
            _log.warning("No %s is exported. %s", form, reason)
        else:
            _log.info("Exported %s", write(form, path))
            made_from[form] = weights
            folder.write_json(folder.made_from_file, made_from)
