"""The networks of a forecaster as functions of named tensors, as exports have them.

A direct one is called once for a window:

window  `source (rows, context, features)`: scaled readings with holes filled, whether each was observed, then calendar
        and covariates; `target_input (rows, horizon, features)`: place, calendar and known covariates; `static
        (rows, static)`; `series (rows,)`, int32, if it has a vector for each series of training, 0 for others; `scale
        (rows, 1)`, if it forecasts counts
        -> `parameters (rows, horizon, size)`

An autoregressive one is called for each step; the host keeps its state:

step    `target_input (rows, 1, features)`: lagged readings, scaled, holes filled, whether the last was observed, then
        calendar and covariates; `static`, `series` and `scale` as above; `state_0`, `state_1`, … `(rows, width)`, zeros
        at first
        -> `parameters (rows, 1, size)`; the state after the step

`series.batches` makes these inputs of tables; `series.distributions` says what the parameters mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from seq2seq.export.unrolled import encode_unrolled
from seq2seq.inference.forecasting import Forecaster
from seq2seq.layers.cells import zero_state
from seq2seq.layers.distributions import NegativeBinomialHead
from seq2seq.models.forecasters import AutoregressiveForecaster, DirectForecaster
from seq2seq.types import Padded, Tensor

Sizes = dict[str, tuple[int, ...]]
"""Shapes of inputs by name, without the axis of rows."""
WHOLE = {"series": "int32"}
"""Types of inputs that are not float32."""


class WindowNetwork:
    """A direct forecaster.

    Args:
        model: The network.
        context: Steps that it reads.
    """

    name = "window"

    def __init__(self, model: DirectForecaster, context: int):
        self.model = model
        widths = model.widths
        self.inputs: Sizes = {
            "source": (context, widths["source"]),
            "target_input": (model.horizon, widths["target_input"]),
            **_of_series(model, widths["static"]),
        }

    def __call__(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Returns the parameters of any number of rows."""
        return {"parameters": self.model(self._whole(inputs), training=False)}

    def unrolled(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """As a call, of one row, without a loop."""
        model, given = self.model, self._whole(inputs)
        values, mask = model.frontend(Padded(given["source"], given["source_mask"]), training=False)
        start = [zero_state(cells[0], 1) for cells in model.encoder.layers]
        outputs = encode_unrolled(model.encoder, values, None, start)._replace(mask=mask)
        found = model.head.parameters(model.decode(given, outputs, training=False))
        return {"parameters": found[:, : model.horizon]}

    def _whole(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        source = inputs["source"]
        return _filled(inputs, source) | {"source_mask": ops.ones_like(source[..., 0], "bool")}


class StepNetwork:
    """One step of an autoregressive forecaster.

    Args:
        model: The network.
    """

    name = "step"

    def __init__(self, model: AutoregressiveForecaster):
        self.model = model
        self._structure = model.initial_state(1)
        self.state = [int(leaf.shape[-1]) for leaf in keras.tree.flatten(self._structure)]
        """Widths of the tensors of the state."""
        widths = model.widths
        self.inputs: Sizes = {
            "target_input": (1, widths["target_input"]),
            **_of_series(model, widths["static"]),
            **{f"state_{number}": (width,) for number, width in enumerate(self.state)},
        }

    def __call__(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Returns the parameters of any number of rows, and their state after the step."""
        leaves = [inputs[f"state_{number}"] for number in range(len(self.state))]
        before = keras.tree.pack_sequence_as(self._structure, leaves)
        features, after = self.model.advance(_filled(inputs, inputs["target_input"]), before, training=False)
        finals = {f"state_{number}": leaf for number, leaf in enumerate(keras.tree.flatten(after))}
        return {"parameters": self.model.head.parameters(features), **finals}

    unrolled = __call__


Network = WindowNetwork | StepNetwork


def network_of(forecaster: Forecaster) -> Network:
    """Returns the network of a forecaster in memory; ValueError for several."""
    if len(forecaster.networks) > 1:
        raise ValueError(
            "An ensemble is not exported: a form that others serve holds one model. Export one of its runs."
        )
    model = forecaster.networks[0].model
    if isinstance(model, DirectForecaster):
        return WindowNetwork(model, forecaster.context)
    return StepNetwork(model)


def describe(network: Network, forecaster: Forecaster) -> dict[str, Any]:
    """Returns what a host must know to make the inputs and to read the parameters."""
    inputs, distribution = forecaster.inputs, forecaster.distribution
    kind = network.model.head.KIND
    return {
        "network": network.name,
        "context": inputs.context,
        "horizon": inputs.horizon,
        "scaling": inputs.scaling,
        "scale_feature": inputs.scale_feature,
        "lags": list(getattr(inputs, "lags", ())),
        "season": forecaster.season,
        "level": list(forecaster.level),
        "distribution": kind,
        "levels": [float(level) for level in getattr(distribution, "levels", ())],
        "size": network.model.target_size,
        "inputs": {name: list(sizes) for name, sizes in network.inputs.items() if not name.startswith("state_")},
        "state": [] if isinstance(network, WindowNetwork) else network.state,
    }


def _of_series(model: Any, static: int) -> Sizes:
    """The inputs that speak of a window as a whole, where the network reads them."""
    found: Sizes = {"static": (static,)}
    if model.series.units:
        found["series"] = ()
    if isinstance(model.head, NegativeBinomialHead):
        found["scale"] = (1,)
    return found


def _filled(inputs: Mapping[str, Tensor], like: Tensor) -> dict[str, Tensor]:
    """Returns the inputs with anything for those that the network does not read."""
    found = dict(inputs)
    found.setdefault("series", ops.cast(ops.zeros_like(like[:, 0, 0]), "int32"))
    found.setdefault("scale", ops.ones_like(like[:, 0, :1]))
    return found
