"""Which optional extra installs a package that is missing, and the one sentence that says so. Imports no framework."""

from __future__ import annotations

import importlib.util
import sys

PROJECT = "keras-seq2seq-rnn"
PACKAGES = {
    "tensorflow": "train",
    "keras": "train",
    "tensorflow_text": "train",
    "sacrebleu": "train",
    "sacremoses": "train",
    "rouge_score": "train",
    "pooch": "train",
    "requests": "train",
    "pydantic": "train",
    "matplotlib": "train",
    "tensorboard": "train",
    "h5py": "train",  # Keras brings it
    "ai_edge_litert": "lite",
    "onnx": "onnx",
    "tf2onnx": "onnx",
    "comet": "comet",
    "ray": "ray",
    "soundfile": "speech",
    "sounddevice": "mic",
    "narwhals": "series",
    "pyarrow": "series",
    "mido": "music",
    "statsforecast": "baselines",
}
"""Modules of packages that the plain project does not install, and the extra that does."""


EXPORTS = {"saved_model": ("tensorflow_text",), "litert": (), "onnx": ("onnx", "tf2onnx")}
"""Modules that an export of a model with a tokeniser needs in each form, besides those of training."""
NUMERIC_EXPORTS: dict[str, tuple[str, ...]] = {**EXPORTS, "saved_model": ()}
"""The same of a model of numbers."""


class MissingPackage(ValueError):
    """A package is not installed. The message names the extra that has it and how to install that."""


def require(*modules: str) -> None:
    """Raises MissingPackage if one of the modules, keys of `PACKAGES`, is not installed; imports none of them."""
    for module in modules:
        if not is_installed(module):
            raise MissingPackage(missing_message(module))


def is_installed(module: str) -> bool:
    """Whether a top-level module can be imported; does not import it."""
    if module in sys.modules:
        return sys.modules[module] is not None
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def missing_message(module: str | None) -> str:
    """Returns what to say where a module is missing; empty for a module that no extra installs.

    Args:
        module: A module or a module inside a package, as in `ModuleNotFoundError.name`.
    """
    package = (module or "").partition(".")[0]
    if package not in PACKAGES:
        return ""
    extra = PACKAGES[package]
    return (
        f'This needs the package {package}, which is not installed. Install it with: pip install "{PROJECT}[{extra}]"'
    )
