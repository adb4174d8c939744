"""Imports Keras with known settings, whatever the machine's configuration."""

from __future__ import annotations

import os

from seq2seq.extras import MissingPackage, missing_message
from seq2seq.figures import import_matplotlib

BACKENDS = ("tensorflow", "jax")
COUNTS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
"""Variables that make TensorFlow abort the process when they are negative."""
LIMITS = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")
"""Variables that make Keras cut short every training and evaluation."""


def check_settings() -> None:
    """Raises ValueError for environment variables that keep Keras or TensorFlow from starting; imports neither."""
    for name in COUNTS:
        if (text := os.environ.get(name)) and not text.isdecimal():
            raise ValueError(f"{name} must be a number of threads; 0 means one per core. Received: {text!r}")
    _check(os.environ.get("KERAS_BACKEND") or BACKENDS[0])


_prepared_in: int | None = None
"""The id of the process in which Keras was prepared."""


def check_process() -> None:
    """Raises RuntimeError in a process forked after a model was loaded, where a step would never return.

    A fork does not copy the threads of TensorFlow and JAX.
    """
    if _prepared_in not in (None, os.getpid()):
        raise RuntimeError(
            'A model that was loaded before a fork does not work in the new process. Start processes with "spawn" '
            '(multiprocessing.get_context("spawn")) and load the run in each; a LiteRT folder works after a fork, too.'
        )


def prepare_keras() -> None:
    """Imports Keras with the settings that our code relies on. Call before a model is made or loaded.

    `~/.keras/keras.json` and Keras' environment variables may set another float type, another epsilon and limits on
    training. Computation here is float32 unless the recipe says otherwise. The settings hold for the whole process.

    Raises:
        ValueError: the backend is neither TensorFlow nor JAX, or a variable has a bad value.
        MissingPackage: Keras or the backend is not installed.
        RuntimeError: the process was forked from one that had loaded a model.
    """
    global _prepared_in
    check_process()
    check_settings()
    for name in LIMITS:
        os.environ.pop(name, None)  # Keras fails on values that are not numbers
    import_matplotlib()
    try:
        import keras
    except ModuleNotFoundError as error:
        if message := missing_message(error.name):
            raise MissingPackage(message) from error
        raise MissingPackage(
            f"KERAS_BACKEND={os.environ.get('KERAS_BACKEND')} needs {error.name}, which is not installed. Install it, "
            f"or unset the variable for {BACKENDS[0]}."
        ) from error
    _check(keras.backend.backend())
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)
    _prepared_in = os.getpid()


def _check(backend: str) -> None:
    if backend not in BACKENDS:
        raise ValueError(
            f"KERAS_BACKEND must be {' or '.join(BACKENDS)}. Received: {backend!r}. Unset it for {BACKENDS[0]}."
        )
