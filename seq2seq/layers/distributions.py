"""Heads of numbers: from features to the parameters of a distribution over the next readings, and its loss.

A head has the attributes of `layers.heads` but `logits`; in their place it has

    parameters(features)    `(rows, time, count)`, float32: what `series.distributions` reads by the head's `KIND`
    KIND                    the name of its distribution

Numbers are in the units in which the model reads them; a head of counts alone takes the scale into account.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import keras
from keras import ops

from seq2seq.layers.heads import HeadLoss
from seq2seq.types import Shape, Tensor, Vectors

LEAST_DEVIATION = 1e-3
"""In units of the scale: a likelihood of a constant has no bound otherwise."""
LEAST_FREEDOM = 2.1
"""Degrees of freedom of a Student-t distribution; from 2 on it has a variance."""
_STRAIGHT = 30.0
"""From here on log(1 + exp(x)) is x in float32."""
_LANCZOS = (
    *(76.18009172947146, -86.50532032941677, 24.01409824083091),
    *(-1.231739572450155, 1.208650973866179e-3, -5.395239384953e-6),
)


class PredictiveFeatures(NamedTuple):
    """What a head of numbers reads."""

    vectors: Vectors
    """`(rows, vectors, features)`, float."""
    base: Tensor
    """`(rows, time)`, float32: what the location is counted from, such as a linear forecast."""
    scale: Tensor
    """`(rows, 1)`, float32: what the numbers were divided by."""
    share: Tensor | None = None
    """`(time,)`, float32: how much of the distance from the base is kept; None: all."""


class DistributionHead(keras.layers.Layer):
    """What the heads of numbers share: one projection from a vector to the parameters of some steps.

    It starts at 0, so that a new model forecasts its base.

    Args:
        steps: Steps that one vector speaks of, at least 1: `time` is `vectors * steps`.
    """

    KIND: ClassVar[str]
    needs_attention: ClassVar[bool] = False

    def __init__(self, steps: int = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self.steps = steps

    @property
    def size(self) -> int:
        """Number of parameters of a step."""
        raise NotImplementedError

    @property
    def location(self) -> int:
        """The place of the one that is added to the base."""
        return 0

    def build(self, features_shape: Shape) -> None:
        self.projection = keras.layers.Dense(self.steps * self.size, kernel_initializer="zeros", name="projection")
        self.projection.build((None, None, features_shape[-1]))
        self.built = True

    def raw(self, features: PredictiveFeatures) -> Tensor:
        """Returns `(rows, time, size)`, float32, without bounds."""
        found = ops.cast(self.projection(features.vectors), "float32")
        rows, vectors = ops.shape(found)[0], ops.shape(found)[1]
        found = ops.reshape(found, (rows, vectors * self.steps, self.size))
        if features.share is None:
            return found
        located = ops.convert_to_tensor([float(place == self.location) for place in range(self.size)], "float32")
        return found * (1 + ops.expand_dims(features.share - 1, -1) * located)

    def parameters(self, features: PredictiveFeatures) -> Tensor:
        """Returns the parameters, `(rows, time, size)`, float32."""
        raise NotImplementedError

    def log_prob(self, features: PredictiveFeatures, target: Tensor) -> Tensor:
        """Returns the log-density of `target`, `(rows, time)`, in nats."""
        raise NotImplementedError

    def loss(self, features: PredictiveFeatures, target: Tensor, weights: Tensor, training: bool = True) -> HeadLoss:
        """Sums the negative log-likelihood over the steps of weight above 0.

        Args:
            features: See `PredictiveFeatures`.
            target: `(rows, time)`, float32; anything where the weight is 0.
            weights: `(rows, time)`, float32.
            training: Nothing here depends on it.
        """
        target = ops.where(weights > 0, target, 0.0)
        total = -ops.sum(weights * self.log_prob(features, target))
        return HeadLoss(total, ops.stop_gradient(total), ops.sum(weights))

    def call(self, features: PredictiveFeatures) -> Tensor:
        return self.parameters(features)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "steps": self.steps}


@keras.saving.register_keras_serializable("seq2seq")
class GaussianHead(DistributionHead):
    """A normal distribution: location and deviation.

    Args:
        steps: Steps of one vector.
        squares: Fit the location by squared errors alone, and the deviation around it by likelihood: the forecast is
            then the best in the mean squared error, however the deviation varies.
    """

    KIND = "gaussian"

    def __init__(self, steps: int = 1, squares: bool = False, **kwargs: Any):
        super().__init__(steps, **kwargs)
        self.squares = squares

    @property
    def size(self) -> int:
        return 2

    def parameters(self, features: PredictiveFeatures) -> Tensor:
        raw = self.raw(features)
        return ops.stack([features.base + raw[..., 0], _positive(raw[..., 1])], axis=-1)

    def log_prob(self, features: PredictiveFeatures, target: Tensor) -> Tensor:
        found = self.parameters(features)
        return _normal(target, found[..., 0], found[..., 1])

    def loss(self, features: PredictiveFeatures, target: Tensor, weights: Tensor, training: bool = True) -> HeadLoss:
        if not self.squares:
            return super().loss(features, target, weights, training)
        target = ops.where(weights > 0, target, 0.0)
        found = self.parameters(features)
        location, deviation = found[..., 0], found[..., 1]
        squares = ops.sum(weights * (target - location) ** 2)
        nll = -ops.sum(weights * _normal(target, ops.stop_gradient(location), deviation))
        # What is reported is the squared error: the likelihood here serves the deviation alone.
        return HeadLoss(squares + nll, ops.stop_gradient(squares), ops.sum(weights))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "squares": self.squares}


@keras.saving.register_keras_serializable("seq2seq")
class StudentTHead(DistributionHead):
    """Student's t distribution: location, scale and degrees of freedom, so that single outliers count less.

    Args:
        steps: Steps of one vector.
        least_scale: The scale is at least this, in units of the target.
    """

    KIND = "student_t"

    def __init__(self, steps: int = 1, least_scale: float = LEAST_DEVIATION, **kwargs: Any):
        super().__init__(steps, **kwargs)
        self.least_scale = least_scale
        if not least_scale > 0:
            raise ValueError(f"Expected a least scale above 0. Received: {least_scale}")

    @property
    def size(self) -> int:
        return 3

    def parameters(self, features: PredictiveFeatures) -> Tensor:
        raw = self.raw(features)
        freedom = LEAST_FREEDOM + _softplus(raw[..., 2] + 2.0)
        scale = _softplus(raw[..., 1]) + self.least_scale
        return ops.stack([features.base + raw[..., 0], scale, freedom], axis=-1)

    def log_prob(self, features: PredictiveFeatures, target: Tensor) -> Tensor:
        location, scale, freedom = ops.unstack(self.parameters(features), 3, axis=-1)
        squares = ((target - location) / scale) ** 2
        constant = log_gamma((freedom + 1) / 2) - log_gamma(freedom / 2) - ops.log(freedom * math.pi) / 2
        return constant - ops.log(scale) - (freedom + 1) / 2 * ops.log1p(squares / freedom)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "least_scale": self.least_scale}


@keras.saving.register_keras_serializable("seq2seq")
class NegativeBinomialHead(DistributionHead):
    """Counts: mean and dispersion; the variance is mean + dispersion x mean² (Salinas et al. 2020).

    Targets are counts as they are; mean and dispersion follow the scale of the window.
    """

    KIND = "negative_binomial"

    @property
    def size(self) -> int:
        return 2

    def parameters(self, features: PredictiveFeatures) -> Tensor:
        raw = self.raw(features)
        mean = features.scale * (_softplus(features.base + raw[..., 0]) + 1e-4)
        return ops.stack([mean, _softplus(raw[..., 1]) + 1e-4], axis=-1)

    def log_prob(self, features: PredictiveFeatures, target: Tensor) -> Tensor:
        mean, dispersion = ops.unstack(self.parameters(features), 2, axis=-1)
        return _negative_binomial(target, mean, dispersion)


@keras.saving.register_keras_serializable("seq2seq")
class QuantileHead(DistributionHead):
    """Quantiles that cannot cross: each is the one nearer to the middle and a positive step (Park et al. 2022).

    The loss is twice the pinball loss, the mean over the levels: the CRPS for evenly spaced levels.

    Args:
        levels: In ascending order, each between 0 and 1.
        steps: Steps of one vector.
    """

    KIND = "quantiles"

    def __init__(self, levels: Sequence[float], steps: int = 1, **kwargs: Any):
        super().__init__(steps, **kwargs)
        self.levels = tuple(levels)
        ordered = all(low < high for low, high in zip(self.levels, self.levels[1:], strict=False))
        if not self.levels or not ordered or not 0 < self.levels[0] <= self.levels[-1] < 1:
            raise ValueError(f"Expected levels between 0 and 1 in ascending order. Received: {self.levels}")

    @property
    def size(self) -> int:
        return len(self.levels)

    @property
    def location(self) -> int:
        return self.middle

    @property
    def middle(self) -> int:
        """The place of the level next to 0.5."""
        return min(range(self.size), key=lambda place: abs(self.levels[place] - 0.5))

    def parameters(self, features: PredictiveFeatures) -> Tensor:
        raw, middle = self.raw(features), self.middle
        centre = ops.expand_dims(features.base + raw[..., middle], -1)
        above = centre + ops.cumsum(_step(raw[..., middle + 1 :]), axis=-1)
        below = centre - ops.flip(ops.cumsum(_step(ops.flip(raw[..., :middle], axis=-1)), axis=-1), axis=-1)
        return ops.concatenate([below, centre, above], axis=-1)

    def log_prob(self, features: PredictiveFeatures, target: Tensor) -> Tensor:
        raise ValueError("Quantiles have no density. Choose a head with one, such as student_t.")

    def loss(self, features: PredictiveFeatures, target: Tensor, weights: Tensor, training: bool = True) -> HeadLoss:
        below = ops.expand_dims(ops.where(weights > 0, target, 0.0), -1) - self.parameters(features)
        levels = ops.convert_to_tensor(self.levels, "float32")
        losses = 2 * ops.mean(ops.maximum(levels * below, (levels - 1) * below), axis=-1)
        total = ops.sum(weights * losses)
        return HeadLoss(total, ops.stop_gradient(total), ops.sum(weights))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "levels": self.levels}


def log_gamma(values: Tensor) -> Tensor:
    """Returns the logarithm of the gamma function of numbers above 0 (Lanczos 1964)."""
    shifted = values + 5.5
    return (values + 0.5) * ops.log(shifted) - shifted + _log_series(values)


def _log_series(values: Tensor) -> Tensor:
    total = 1.000000000190015 + sum(factor / (values + place) for place, factor in enumerate(_LANCZOS, 1))
    return ops.log(math.sqrt(2 * math.pi) * total / values)


def _negative_binomial(counts: Tensor, mean: Tensor, dispersion: Tensor) -> Tensor:
    """Returns the log-probability, from `log_gamma` written out.

    The three log-gammas are as large as n log n and cancel but for a few nats, which single precision loses. Here the
    large parts are differences of logarithms, taken as the log1p of one fraction each.
    """
    size, ratio = 1 / dispersion, dispersion * mean
    failures = (counts - mean - 5.5 * ratio) / ((1 + 5.5 * dispersion) * (1 + ratio))
    successes = (mean - counts - 6.5 - ratio) / ((1 + ratio) * (counts + 6.5))
    large = counts * ops.log1p(successes) + size * ops.log1p(dispersion * failures)
    rest = ops.log1p(counts / (size + 5.5)) / 2 - 1.5 * ops.log(counts + 6.5) + 6.5
    return large + rest + _log_series(counts + size) - _log_series(size) - _log_series(counts + 1)


def _normal(target: Tensor, location: Tensor, deviation: Tensor) -> Tensor:
    return -((target - location) ** 2) / (2 * deviation**2) - ops.log(deviation) - math.log(2 * math.pi) / 2


def _positive(raw: Tensor) -> Tensor:
    return _softplus(raw) + LEAST_DEVIATION


def _softplus(values: Tensor) -> Tensor:
    """log(1 + exp(x)), split where it is x itself: exported graphs write it out, and exp overflows."""
    return ops.softplus(ops.minimum(values, _STRAIGHT)) + ops.relu(values - _STRAIGHT)


def _step(raw: Tensor) -> Tensor:
    # A step of about 0.1 at first: quantiles that begin too far apart take long to come together.
    return _softplus(raw - 2.0)
