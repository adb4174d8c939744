"""Sections of a recipe that every task shares: typed, frozen, with a docstring at every field that `--help` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of a recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class Training(Section):
    """How to train."""

    epochs: int = 10
    """Passes over the training data, at most."""
    optimizer: Literal["adam", "sgd"] = "adam"
    """adam, or sgd: plain gradient descent, whose rates are far higher (20 with a gradient_clip of 0.25)."""
    learning_rate: float = 0.0015
    """Peak learning rate."""
    schedule: Literal["constant", "cosine", "linear", "inverse_sqrt"] = "cosine"
    """The learning rate after the warm-up; cosine and linear end near 0 after the last epoch."""
    warmup_steps: int = 300
    """Steps in which the learning rate rises from 0 to its peak."""
    gradient_clip: float = 1.0
    """Largest norm of all gradients together; 0 is no clipping."""
    weight_decay: float = 0.0
    """Decoupled weight decay; 0 is none."""
    ema: float = 0.998
    """Momentum of the moving average of the weights, which is validated, kept and used; it covers the last tenth of the
    steps until there are 10 / (1 - ema) of them. 0 is no averaging."""
    accumulate: int = 1
    """Batches whose gradients make one step of the optimizer."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """Number format of the computation; weights stay float32."""
    patience: int = 0
    """Stop after this many epochs in which neither the validation score nor the loss improved; 0 is never."""
    skip_bad_steps: int = 0
    """Steps of the run that may be skipped because their loss or gradient is not finite, is 0 or has exploded; at one
    more the run ends and names the batch."""
    checkpoint_minutes: float = 10
    """Minutes between checkpoints, beside those at the end of every epoch; 0 is none."""
    keep_epochs: int = 0
    """Keep the averaged weights of this many last epochs in epochs/ of the run folder, for seq2seq average."""
    start_from: str = ""
    """A run folder of the same task to start from: its vocabulary, and its weights wherever name and shape fit. The
    network is as there too, unless its fields are given. Empty: random weights."""


class TokenTraining(Training):
    """How to train a model that predicts tokens."""

    label_smoothing: float = 0.1
    """Share of each target spread over all choices."""
    loss_budget_mb: int = 64
    """Megabytes that the logits may take at once; larger batches go through the output layer in chunks."""


OPERATIONAL = frozenset({"training.skip_bad_steps", "training.checkpoint_minutes"})
"""Fields that may change while a run is under way: they do not change what an undisturbed step computes."""


class Recipe(Section):
    """What the driver of the epochs reads of a recipe, whatever its task."""

    name: str = "custom"
    """Name of the variant; the run folder is runs/<name> unless --run-folder is given."""
    task: str
    """A name in seq2seq.tasks.TASKS."""
    seed: int = 1
    """Seed of everything random: weights, order of the data, dropout, sampling."""

    if TYPE_CHECKING:  # each task declares these where they read best in its --help

        @property
        def training(self) -> Training: ...
