"""What a LiteRT folder says that it is. Imports nothing that takes time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seq2seq.files import read_json

SHAPE_FILE = "model.json"
LANGUAGE, ACOUSTIC, FORECASTER, DETECTOR = "language", "acoustic", "forecaster", "detector"
KINDS = (LANGUAGE, ACOUSTIC, FORECASTER, DETECTOR)
"""Kinds of folders: of a language model, a recogniser, a forecaster, a detector. Those that translate name none."""


def kind_in(shape: Any) -> str | None:
    """Returns the kind that the contents of a model.json name, one of those above; None for all else."""
    kind = shape.get("kind")
    return str(kind) if kind in KINDS else None


def kind_of_folder(path: Path) -> str | None:
    """Returns the kind of a LiteRT folder, as `kind_in`; None too where there is no model.json that can be read."""
    try:
        return kind_in(read_json(Path(path) / SHAPE_FILE))
    except (OSError, ValueError, AttributeError):
        return None
