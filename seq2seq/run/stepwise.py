"""An epoch of batches that depend on the weights of the moment: each is made when the step before it is done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras

from seq2seq.pipeline.feed import as_fit_data
from seq2seq.training.objective import Objective
from seq2seq.types import Batch


class _One:
    """A batch as the plan of an epoch."""

    def __init__(self, batch: Batch):
        self.batch = batch

    def __len__(self) -> int:
        return 1

    def __getitem__(self, step: int) -> Batch:
        return self.batch


def fit_stepwise(
    objective: Objective, batches: Iterable[Batch], callbacks: Sequence[keras.callbacks.Callback], epoch: int
) -> None:
    """Trains as `objective.fit` does in one epoch, but reads a batch only when all steps before it are taken.

    `fit` reads some batches ahead, so it is called for each batch alone. Its graph is the same for all shapes: other
    graphs round differently, and a run that goes on would not be the one that was never stopped.

    Args:
        objective: Compiled and built.
        batches: Of the epoch, or of what is left of it.
        callbacks: As in `fit`.
        epoch: Its number, from 0.
    """
    calls: Any = keras.callbacks.CallbackList(list(callbacks), model=objective)
    calls.on_train_begin()
    objective.reset_metrics()
    calls.on_epoch_begin(epoch)
    objective.goes_on = True
    try:
        for number, batch in enumerate(batches):
            calls.on_train_batch_begin(number)
            found = objective.fit(as_fit_data(_One(batch)), shuffle=False, verbose=0)
            calls.on_train_batch_end(number, {name: values[-1] for name, values in found.history.items()})
    finally:
        objective.goes_on = False
    calls.on_epoch_end(epoch)
    calls.on_train_end()
