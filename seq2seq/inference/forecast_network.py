"""Forecasters in memory, run by Keras, as `inference.forecasting` calls them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from seq2seq.kernels.compiled import compiled
from seq2seq.kernels.shapes import predict
from seq2seq.series.table import Booleans, Floats


class KerasDirect:
    """A `DirectForecaster` as `inference.forecasting.DirectNetwork`."""

    def __init__(self, model: Any):
        self.model = model
        self._predictor = _Predictor(model)

    def parameters(self, inputs: Mapping[str, Any]) -> Floats:
        return np.asarray(predict(self._predictor, dict(inputs), axes=1), np.float64)


class KerasSteps:
    """An `AutoregressiveForecaster` as `inference.forecasting.StepNetwork`."""

    def __init__(self, model: Any):
        self.model = model
        self._one_step, self._steps = _Stepper(model), _Stepper(model)  # one step needs no loop

    def begin(self, rows: int) -> Any:
        return keras.tree.map_structure(keras.ops.convert_to_numpy, self.model.initial_state(rows))

    def advance(self, inputs: Mapping[str, Any], state: Any) -> tuple[Floats, Any]:
        stepper = self._one_step if inputs["target_input"].shape[1] == 1 else self._steps
        found = predict(stepper, {"inputs": dict(inputs), "state": state})
        return np.asarray(found["parameters"], np.float64), found["state"]

    def repeat(self, state: Any, times: int) -> Any:
        return keras.tree.map_structure(lambda part: np.repeat(part, times, axis=0), state)

    def select(self, state: Any, rows: Sequence[int]) -> Any:
        return keras.tree.map_structure(lambda part: part[list(rows)], state)


class KerasStreams:
    """An `AutoregressiveForecaster` without static features as `inference.surprises.StreamNetwork`."""

    def __init__(self, model: Any):
        self.model = model
        self._stepper = _StreamStepper(model)
        self._single: Any = None

    def begin(self, rows: int) -> Any:
        return keras.tree.map_structure(keras.ops.convert_to_numpy, self.model.initial_state(rows))

    def advance(self, features: Floats, mask: Booleans | None, state: Any) -> tuple[Floats, Any]:
        given = (features.astype(np.float32), state)
        if mask is not None:
            parameters, state = predict(self._stepper, (*given, mask))
        elif features.shape[:2] == (1, 1):
            parameters, state = self._step(given)
        else:
            parameters, state = predict(self._stepper, given)
        return np.asarray(parameters, np.float64), state

    def _step(self, given: tuple[Any, Any]) -> Any:
        """One step of one stream, where what Keras does around a call takes longer than the call."""
        if self._single is None:
            self._single = compiled(self._stepper, given) or self._stepper.predict_on_batch
        return self._single(given)


class _Predictor(keras.Model):
    """Contexts -> parameters of all steps."""

    def __init__(self, model: Any):
        super().__init__(name="predictor", autocast=False)
        self.model = model
        self.built = True

    def call(self, inputs: dict[str, Any]) -> Any:
        return self.model(inputs)


class _Stepper(keras.Model):
    """Steps and the state before them -> their parameters and the state after them."""

    def __init__(self, model: Any):
        super().__init__(name="stepper", autocast=False)
        self.model = model
        self.built = True

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        features, state = self.model.advance(inputs["inputs"], inputs["state"])
        return {"parameters": self.model.head.parameters(features), "state": state}


class _StreamStepper(keras.Model):
    """Features of steps and the state before them -> their parameters and the state after them.

    Each input of a call costs a tenth of a millisecond, so that what is always the same is made in the graph.
    """

    def __init__(self, model: Any):
        super().__init__(name="stream_stepper", autocast=False)
        self.model = model
        self.built = True

    def call(self, given: tuple[Any, ...]) -> tuple[Any, Any]:
        features, state, *masks = given
        rows = ops.shape(features)[0]
        inputs = {
            "target_input": features,
            "static": ops.zeros((rows, 1)),
            "series": ops.zeros((rows,), "int32"),
            "scale": ops.ones((rows, 1)),
            **dict(zip(("mask",), masks, strict=False)),
        }
        found, state = self.model.advance(inputs, state)
        return self.model.head.parameters(found), state
