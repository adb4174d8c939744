"""Training a forecaster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras import ops

from seq2seq.training.objective import Objective
from seq2seq.types import Tensor


class ForecastObjective(Objective):
    """The mean loss of a forecaster an observed reading.

    Args:
        model: A `DirectForecaster` or an `AutoregressiveForecaster`.

    Call arguments:
        inputs: As the model's.

    Returns:
        By name `features`, what the head reads. The target may end before them: the rest does not count.
    """

    def __init__(self, model: Any, **kwargs: Any):
        super().__init__(model, **{"autocast": False, **kwargs})

    def call(self, inputs: Mapping[str, Tensor], training: bool | None = None) -> dict[str, Any]:
        return {"features": self.model.predict_features(inputs, training)}

    def compute_loss(
        self, x: Any = None, y: Tensor = None, y_pred: Any = None, sample_weight: Tensor = None, training: bool = True
    ) -> Tensor:
        missing = ops.shape(y_pred["features"].base)[1] - ops.shape(y)[1]
        fill = [[0, 0], [0, missing]]
        return super().compute_loss(x, ops.pad(y, fill), y_pred, ops.pad(sample_weight, fill), training)

    def build(self, input_shape: Any = None) -> None:
        self.built = True
