"""A SavedModel of a forecaster: readings in and quantiles out for a direct one, a step for an autoregressive one.

`about.json` in the folder assets.extra says what each input of the signature is, with the names and the order of the
columns. Needs TensorFlow's own operations alone. A SavedModel is a program: load only those you trust.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from seq2seq.export.forecast_networks import WHOLE, StepNetwork, WindowNetwork, describe, network_of
from seq2seq.export.graphs import check_backend, traced, write_version
from seq2seq.export.series_graphs import calendar, mean_and_quantiles, scaled_context
from seq2seq.inference.forecasting import Forecaster
from seq2seq.series.batches import DirectInputs
from seq2seq.series.calendar import feature_names
from seq2seq.series.codec import SeriesCodec
from seq2seq.series.frequency import parse_frequency

LEVELS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)
"""Of distributions that have any."""


def export_forecast_saved_model(forecaster: Forecaster, folder: Path, levels: Sequence[float] = ()) -> Path:
    """Writes the next version, `folder/1`, `folder/2`, …, whole or not at all.

    Args:
        forecaster: What to export: one with a network in memory.
        folder: Made if missing.
        levels: Of the quantiles of a direct one, ascending; none: those of the model, or `LEVELS`.

    Returns:
        The folder of the version.

    Raises:
        ValueError: another backend, several networks, or levels that the model does not know.
    """
    check_backend()
    network = network_of(forecaster)
    if isinstance(network, StepNetwork):
        return write_version(StepService(network), folder, about_step(network, forecaster))
    service = QuantileService(network, forecaster, levels)
    return write_version(service, folder, service.about())


class StepService(tf.Module):
    """One step of a stream whose state the client keeps.

    step    as `StepNetwork` has it: `state_0`, … are those after the step before, zeros at first
    """

    def __init__(self, network: StepNetwork):
        super().__init__(name="forecaster")
        # A plain object, into which TensorFlow does not look: it would save the variables twice.
        self._network = network
        self.weights = [variable.value for variable in network.model.variables]
        specs = {
            name: tf.TensorSpec((None, *sizes), WHOLE.get(name, "float32"), name)
            for name, sizes in network.inputs.items()
        }

        def step(**given: Any) -> dict[str, Any]:
            return network(given)

        self.step = tf.function(step, autograph=False)
        self._traced = self.step.get_concrete_function(**specs)

    def signatures(self) -> dict[str, Any]:
        """By the names that a client calls."""
        return {"serving_default": self._traced, "step": self._traced}


def about_step(network: StepNetwork, forecaster: Forecaster) -> dict[str, Any]:
    """Returns what a client must know to make the inputs of a step."""
    codec = forecaster.codec
    lags = ", ".join(map(str, getattr(forecaster.inputs, "lags", ())))
    calendar_names = feature_names(parse_frequency(codec.frequency)) if codec.calendar else ()
    inputs = {
        "target_input": f"(batch, 1, {network.inputs['target_input'][-1]}): the readings {lags} steps back, less "
        "location, by scale, holes filled from before; 1 or 0, whether the reading before was observed; then "
        + (", ".join([*calendar_names, *codec.future, *codec.historic]) or "nothing else")
        + "; covariates are normalised by ranges, 0 where missing, those of the past one step late",
        "static": "(batch, static): log(scale) / 10, or 0 without scale_feature; then the static columns, numbers "
        "normalised by ranges, strings as 0 and 1 for each of their categories",
        "series": "(batch,): the number of the series among ids, from 1; 0 for others",
        "scale": "(batch, 1): what the readings were divided by",
        "state_N": "(batch, width): zeros at first, then what the step before gave",
    }
    kept = {name: text for name, text in inputs.items() if name in network.inputs or name == "state_N"}
    return {**describe(network, forecaster), "inputs": kept, "series": _columns(codec)}


class QuantileService(tf.Module):
    """Readings to quantiles, in the units of the series: scaling and the filling of holes are in the graph.

    quantiles   `context (batch, context)`: the last readings, the newest last, NaN where one is missing or before the
                first of the series. If the model reads more: `age (batch,)`, int64: steps of the series before the
                forecast; `clock (batch, context + horizon)`, int64: the wall clock of each step in microseconds since
                1970; `future (batch, context + horizon, columns)` and `historic (batch, context, columns)`: covariates
                in their own units, NaN where missing, in the order of about.json; `static_numbers (batch, columns)`,
                `static_strings (batch, columns)`; `series (batch,)`, string: the name of the series
                -> `mean (batch, horizon)`, the median of a model of quantiles; `quantiles (batch, horizon, levels)`;
                `levels (levels,)`

    A context without a reading, infinite readings, and future covariates that are missing in the horizon are refused.
    """

    def __init__(self, network: WindowNetwork, forecaster: Forecaster, levels: Sequence[float] = ()):
        super().__init__(name="forecaster")
        assert isinstance(forecaster.inputs, DirectInputs)
        # Plain objects, into which TensorFlow does not look: it would save the variables twice.
        self._network, self._forecaster = network, forecaster
        self._inputs = forecaster.inputs
        self._kind = network.model.head.KIND
        known = tuple(getattr(forecaster.distribution, "levels", ()))
        self._known, self._levels = known, tuple(levels) or known or LEVELS
        if list(self._levels) != sorted(set(self._levels)) or not 0 < self._levels[0] <= self._levels[-1] < 1:
            raise ValueError(f"Expected levels that ascend between 0 and 1. Received: {self._levels}")
        for level in self._levels if known else ():
            forecaster.distribution.quantile(np.zeros(len(known)), level)
        codec = forecaster.codec
        self._strings = [name for name in codec.columns.static if name in codec.categories]
        self._numbers = [name for name in codec.columns.static if name not in codec.categories]
        names = feature_names(parse_frequency(codec.frequency)) if codec.calendar else ()
        self._cycles = [name.removesuffix("_sin") for name in names if name.endswith("_sin")]
        self.weights = [variable.value for variable in network.model.variables]
        self._specs = self._signature()
        self.quantiles = traced(self._quantiles, *self._specs)

    def signatures(self) -> dict[str, Any]:
        """By the names that a client calls."""
        return {"serving_default": self.quantiles, "quantiles": self.quantiles}

    def about(self) -> dict[str, Any]:
        """Returns what a client must know."""
        codec = self._inputs.codec
        words = {
            "context": "the last readings, the newest last; NaN: missing",
            "age": "steps of the series before the forecast",
            "clock": "wall clock of the steps of context and horizon, in microseconds since 1970",
            "future": f"covariates of the steps of context and horizon: {', '.join(codec.future)}",
            "historic": f"covariates of the steps of the context: {', '.join(codec.historic)}",
            "static_numbers": f"of each series: {', '.join(self._numbers)}",
            "static_strings": f"of each series: {', '.join(self._strings)}",
            "series": "name of the series",
        }
        inputs = {spec.name: words[spec.name] for spec in self._specs}
        return {
            **describe(self._network, self._forecaster),
            "levels": list(self._levels),
            "inputs": inputs,
            "series": _columns(codec),
        }

    def _signature(self) -> list[tf.TensorSpec]:
        inputs, codec = self._inputs, self._inputs.codec
        both = inputs.context + inputs.horizon
        specs = [tf.TensorSpec((None, inputs.context), tf.float32, "context")]
        if codec.calendar:
            specs.append(tf.TensorSpec((None,), tf.int64, "age"))
        if self._cycles:
            specs.append(tf.TensorSpec((None, both), tf.int64, "clock"))
        if codec.future:
            specs.append(tf.TensorSpec((None, both, len(codec.future)), tf.float32, "future"))
        if codec.historic:
            specs.append(tf.TensorSpec((None, inputs.context, len(codec.historic)), tf.float32, "historic"))
        if self._numbers:
            specs.append(tf.TensorSpec((None, len(self._numbers)), tf.float32, "static_numbers"))
        if self._strings:
            specs.append(tf.TensorSpec((None, len(self._strings)), tf.string, "static_strings"))
        if codec.standard is not None or self._network.model.series.units:
            specs.append(tf.TensorSpec((None,), tf.string, "series"))
        return specs

    def _quantiles(self, *tensors: Any) -> dict[str, Any]:
        inputs, codec = self._inputs, self._inputs.codec
        given = _checked(dict(zip((spec.name for spec in self._specs), tensors, strict=True)), inputs)
        number = _number(given["series"], codec) if "series" in given else None
        mean, deviation = _standards(number, codec)
        context = tf.cast(given["context"], tf.float64)
        observed = tf.math.is_finite(context)
        context = tf.where(observed, (context - mean) / deviation, 0.0)
        scaled = scaled_context(context, observed, inputs.scaling)
        arrays = {**self._sequences(scaled, given), "static": self._static(scaled, given)}
        if number is not None:
            arrays["series"] = number
        if inputs.counts:
            arrays["scale"] = scaled.scale
        single = {name: part if name == "series" else tf.cast(part, tf.float32) for name, part in arrays.items()}
        parameters = tf.cast(self._network(single)["parameters"], tf.float64)
        expected, quantiles = mean_and_quantiles(self._kind, self._known, parameters, self._levels)
        if not inputs.counts:
            location, width = scaled.flat(context)
            location, width = location * deviation + mean, width * deviation
            expected = expected * width + location
            quantiles = quantiles * width[..., tf.newaxis] + location[..., tf.newaxis]
        return {
            "mean": tf.cast(expected, tf.float32),
            "quantiles": tf.cast(quantiles, tf.float32),
            "levels": tf.constant(self._levels, tf.float32),
        }

    def _sequences(self, scaled: Any, given: dict[str, Any]) -> dict[str, Any]:
        """Returns the network's inputs of the steps of context and horizon, float64, as `DirectInputs.inputs`."""
        inputs, codec = self._inputs, self._inputs.codec
        source = [scaled.filled[..., tf.newaxis], tf.cast(scaled.observed, tf.float64)[..., tf.newaxis]]
        rows = tf.shape(scaled.filled)[0]
        place = tf.constant(np.linspace(0, 1, inputs.horizon)[None, :, None])
        ahead = [tf.broadcast_to(place, (rows, inputs.horizon, 1))]
        for features in self._known_features(given):
            source.append(features[:, : inputs.context])
            ahead.append(features[:, inputs.context :])
        if "historic" in given:
            source.append(_normalized(given["historic"], codec.historic, codec))
        return {"source": tf.concat(source, axis=-1), "target_input": tf.concat(ahead, axis=-1)}

    def _known_features(self, given: dict[str, Any]) -> list[Any]:
        """Returns what is known of all steps, `(batch, context + horizon, features)` each."""
        inputs, codec = self._inputs, self._inputs.codec
        found = []
        if "age" in given:
            steps = tf.range(-inputs.context, inputs.horizon, dtype=tf.int64)
            found.append(calendar(given["age"], given.get("clock"), self._cycles, steps))
        if "future" in given:
            found.append(_normalized(given["future"], codec.future, codec))
        return found

    def _static(self, scaled: Any, given: dict[str, Any]) -> Any:
        """Returns the network's features of a series as a whole, float64."""
        inputs, codec = self._inputs, self._inputs.codec
        found = [tf.math.log(scaled.scale) / 10 if inputs.scale_feature else tf.zeros_like(scaled.scale)]
        for name in codec.columns.static:
            if name in codec.categories:
                words = given["static_strings"][:, self._strings.index(name), tf.newaxis]
                found.append(tf.cast(words == tf.constant([list(codec.categories[name])]), tf.float64))
            else:
                column = given["static_numbers"][:, self._numbers.index(name), tf.newaxis]
                found.append(_normalized(column, (name,), codec))
        return tf.concat(found, axis=-1)


def _columns(codec: SeriesCodec) -> dict[str, Any]:
    return {
        "frequency": codec.frequency,
        "future": list(codec.future),
        "historic": list(codec.historic),
        "static": list(codec.columns.static),
        "ranges": {name: list(pair) for name, pair in codec.ranges.items()},
        "categories": {name: list(words) for name, words in codec.categories.items()},
        "ids": list(codec.ids),
    }


def _normalized(values: Any, names: Sequence[str], codec: SeriesCodec) -> Any:
    """Returns columns of these names, normalised, float64; 0, the mean, where they are missing."""
    mean, deviation = (tf.constant([codec.ranges[name][part] for name in names], tf.float64) for part in (0, 1))
    found = (tf.cast(values, tf.float64) - mean) / deviation
    return tf.where(tf.math.is_nan(found), tf.zeros_like(found), found)


def _number(names: Any, codec: SeriesCodec) -> Any:
    """Returns the numbers of series from 1, `(batch,)`, int32; 0 for those that are not known."""
    same = names[:, tf.newaxis] == tf.constant([list(codec.ids)])
    place = tf.argmax(same, axis=1, output_type=tf.int32) + 1
    return tf.where(tf.reduce_any(same, axis=1), place, 0)


def _standards(number: Any, codec: SeriesCodec) -> tuple[Any, Any]:
    """Returns mean and deviation of each series, `(batch, 1)`; 0 and 1 where they are not standardised."""
    if codec.standard is None:
        return tf.zeros((1, 1), tf.float64), tf.ones((1, 1), tf.float64)
    check = tf.debugging.Assert(
        tf.reduce_all(number > 0),
        ["The series at this place of the batch was not in training", tf.reduce_min(tf.where(number == 0))],
    )
    with tf.control_dependencies([check]):
        number = tf.identity(number)
    mean, deviation = (tf.gather(tf.constant(part, tf.float64), number - 1) for part in codec.standard)
    return mean[:, tf.newaxis], deviation[:, tf.newaxis]


def _checked(given: dict[str, Any], inputs: DirectInputs) -> dict[str, Any]:
    """Refuses what cannot be forecast, by an error that names the first such row of the batch, counted from 0."""
    context = given["context"]
    faults = [
        (tf.reduce_any(tf.math.is_inf(context), axis=1), "holds infinite readings"),
        (tf.reduce_all(tf.math.is_nan(context), axis=1), "holds no reading"),
    ]
    if "future" in given:
        ahead = tf.math.is_finite(given["future"][:, inputs.context :])
        faults.append((~tf.reduce_all(ahead, axis=[1, 2]), "lacks covariates of the horizon"))
    checks = [
        tf.debugging.Assert(
            ~tf.reduce_any(bad), ["The context at this place of the batch", reason, tf.reduce_min(tf.where(bad))]
        )
        for bad, reason in faults
    ]
    with tf.control_dependencies(checks):
        return {name: tf.identity(part) for name, part in given.items()}
