"""Learning rates over the steps of a run."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

SCHEDULES = ("constant", "cosine", "linear", "inverse_sqrt")


@keras.saving.register_keras_serializable("seq2seq")
class WarmUpDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly from 0 to `peak`, then follows `kind`.

    Args:
        kind: "constant"; "cosine" (Loshchilov & Hutter 2017) and "linear": down to 0 at `total_steps`; "inverse_sqrt":
            peak * sqrt(warmup / step) (Vaswani et al. 2017, here with a free peak).
        peak: Largest learning rate, above 0.
        warmup_steps: Steps of the rise; 0: none.
        total_steps: Steps of the whole run.
    """

    def __init__(self, kind: str, peak: float, warmup_steps: int, total_steps: int):
        super().__init__()
        if kind not in SCHEDULES:
            raise ValueError(f"Unknown schedule. Expected one of {', '.join(SCHEDULES)}. Received: {kind!r}")
        self.kind, self.peak = kind, peak
        self.warmup_steps, self.total_steps = warmup_steps, total_steps

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32") + 1.0  # the first step already learns
        warm = float(max(1, self.warmup_steps))
        left = float(max(1, self.total_steps - self.warmup_steps))
        done = ops.clip((step - warm) / left, 0.0, 1.0)
        decay = {
            "constant": lambda: ops.ones_like(step),
            "cosine": lambda: 0.5 * (1.0 + ops.cos(math.pi * done)),
            "linear": lambda: 1.0 - done,
            "inverse_sqrt": lambda: ops.sqrt(warm / ops.maximum(step, warm)),
        }[self.kind]()
        return self.peak * ops.minimum(step / warm, 1.0) * decay

    def get_config(self) -> dict[str, Any]:
        names = ("kind", "peak", "warmup_steps", "total_steps")
        return {name: getattr(self, name) for name in names}
