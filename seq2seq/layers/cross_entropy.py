"""Cross-entropy over a vocabulary, fused with the output layer so that all logits never exist at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import keras
from keras import ops

from seq2seq.indexing import gather
from seq2seq.layers.chunks import BUDGET, Chunks, with_gradients
from seq2seq.types import Ids, Tensor

SMALL = 1e-30
"""A probability above this is far from underflow, and its logarithm exact."""


def fused_cross_entropy(
    features: Tensor,
    kernel: Tensor,
    bias: Tensor,
    labels: Ids,
    weights: Tensor,
    label_smoothing: float = 0.0,
    budget: int = BUDGET,
    training: bool = True,
    mixture: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Sums the weighted cross-entropy of `softmax(features · kernelᵀ + bias)`, or of its mixture with a pointer.

    The rows are processed in equal chunks whose logits take at most `budget` bytes in float32 (and never less than one
    row). In training the gradient of a chunk is computed together with its loss, so nothing is kept or recomputed.

    Args:
        features: `(rows, dim)`, float.
        kernel: `(size, dim)`, float.
        bias: `(size,)`, float.
        labels: `(rows,)`, int32 in [0, size).
        weights: `(rows,)`, float32; a row of weight 0 does not count.
        label_smoothing: Share of the target spread evenly over the vocabulary (Szegedy et al. 2016), in [0, 1).
        budget: Bytes.
        training: Compute gradients too.
        mixture: Of a pointer, `(rows,)` float32 each: the logarithm of the gate; and of the probability, gate included,
            that the label is copied. The label's probability is then gate * softmax + copied. Smoothing is spread over
            the softmax alone.

    Returns:
        The smoothed loss, which carries the gradients, and the plain negative log-likelihood, which carries none.
        Both are sums over the rows, float32 scalars, in nats.
    """
    forward = _Forward(labels, weights, label_smoothing, budget, training)

    inputs = features, ops.cast(kernel, features.dtype), ops.cast(bias, features.dtype), *(mixture or ())
    if not training:
        loss, nll = forward(*inputs)[0]
        return loss, ops.stop_gradient(nll)
    loss, nll = with_gradients(forward, inputs)
    return loss, nll


class _Chunk(NamedTuple):
    """Some of the rows."""

    features: Tensor
    """`(height, width)`, see `_append_bias`."""
    labels: Ids
    """`(height,)`."""
    weights: Tensor
    """`(height,)`."""
    mixture: Tensor | None
    """`(height, 2)`: of a pointer, the logarithms of gate and copied probability."""


class _Layer(NamedTuple):
    """The output layer."""

    kernel: Tensor
    """`(size, dim)`."""
    joined: Tensor
    """`(size, width)`: kernel and bias, see `_append_bias`."""
    sums: Tensor
    """`(1, width)`: of `joined` over the vocabulary."""


@dataclass(frozen=True)
class _Forward:
    """The loss and, in training, its gradient by each input. The fields are as in `fused_cross_entropy`."""

    labels: Ids
    weights: Tensor
    label_smoothing: float
    budget: int
    training: bool

    def __call__(
        self, features: Tensor, kernel: Tensor, bias: Tensor, *mixture: Tensor
    ) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, ...]]:
        """Returns the two sums and, in training, the gradient of the first by each argument."""
        size, dim = kernel.shape
        chunks = Chunks.of(ops.shape(features)[0], size, self.budget)
        rows, joined = _append_bias(features, kernel, bias)
        layer = _Layer(kernel, joined, ops.matmul(ops.ones((1, size), joined.dtype), joined))
        parts = _Chunk(
            chunks.split(rows),
            chunks.split(self.labels),
            chunks.split(self.weights),
            chunks.split(ops.stack(mixture, axis=1)) if mixture else None,
        )

        def step(i: int | Tensor) -> tuple[Tensor, ...]:
            return self._chunk(_Chunk(*(None if part is None else part[i] for part in parts)), layer)

        if not self.training:
            loss, nll = chunks.run(step, 2)
            return (loss, nll), ()
        room = [part for part in (parts.features[:, :, :dim], parts.mixture) if part is not None]
        loss, nll, djoined, *by_row = chunks.run(step, 3, room)
        dx, *shares = (chunks.join(part) for part in by_row)
        if self.label_smoothing:
            # What is left of the gradient by the logits is the same for every token: -w s / size.
            spread = ops.expand_dims(ops.cast((self.label_smoothing / size) * self.weights, rows.dtype), 1)
            dx = dx - spread * layer.sums[:, :dim]
            djoined = djoined - ops.matmul(ops.transpose(spread), rows)
        due = (1 - self.label_smoothing) * self.weights
        dmixture = [-due * shares[0][:, place] for place in range(len(mixture))]
        return (loss, nll), (dx, djoined[:, :dim], djoined[:, dim], *dmixture)

    def _chunk(self, chunk: _Chunk, layer: _Layer) -> tuple[Tensor, ...]:
        """Returns the sums of a chunk and, in training, its gradients, those by the rows `(1, height, …)`.

        The gradient by the logits is w (1 - s) r (p - onehot) + w s (p - 1 / size), where p is the softmax, s the
        smoothing and r the softmax's share of the label's probability (1 without a pointer). The last summand is not
        the work of a chunk.
        """
        smoothing, (x, y, w, mixture) = self.label_smoothing, chunk
        # Every line that has the height and the whole vocabulary is a pass over the largest tensor here.
        logits = ops.matmul(x, ops.transpose(layer.joined))
        # A softmax of bfloat16 rounds its results alone, as a cast after it would; what is reported is in float32.
        if not self.training or keras.backend.standardize_dtype(logits.dtype) == "float16":
            logits = ops.cast(logits, "float32")
        p = ops.softmax(logits, axis=-1)
        of_label = _label_entries(p, y)
        label_logit = _label_entries(logits, y)
        plain = ops.cond(
            ops.all(of_label > SMALL),
            lambda: -ops.log(of_label),
            lambda: ops.logsumexp(ops.cast(logits, "float32"), axis=-1) - label_logit,
        )
        normalizer = plain + label_logit
        share, shares = 1.0, []  # of the softmax in the probability of the label; of both parts of a mixture
        if mixture is not None:
            generated, copied = mixture[:, 0] - plain, mixture[:, 1]
            plain = -ops.logaddexp(generated, copied)
            share = ops.exp(generated + plain)
            shares = [ops.expand_dims(ops.stack([share, ops.exp(copied + plain)], axis=1), 0)]
        smooth = plain
        if smoothing:
            # Even smoothing needs the mean of all logits, which is linear in the features.
            mean = ops.matmul(ops.cast(x, "float32"), ops.transpose(ops.cast(layer.sums, "float32"))) / p.shape[1]
            smooth = (1 - smoothing) * plain + smoothing * (normalizer - ops.squeeze(mean, 1))
        sums = ops.sum(w * smooth), ops.sum(w * plain)
        if not self.training:
            return sums
        pull = (1 - smoothing) * share + smoothing
        hit = (1 - smoothing) * share / pull if smoothing else 1.0
        places = ops.stack([ops.arange(ops.shape(y)[0], dtype=y.dtype), y], axis=1)
        # The difference is taken in float32, and rounded once.
        p = ops.scatter_update(ops.cast(p, x.dtype), places, ops.cast(of_label - hit, x.dtype))
        # The weights would scale the rows of p; they scale the smaller factor of each product instead.
        scale = ops.expand_dims(ops.cast(w * pull, x.dtype), 1)
        djoined = ops.matmul(ops.transpose(p), x * scale)
        return *sums, djoined, ops.expand_dims(ops.matmul(p, layer.kernel) * scale, 0), *shares


def _append_bias(features: Tensor, kernel: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Makes the bias one more column of the kernel, and 1 one more feature: `(rows, width)` and `(size, width)`.

    So both products of the kernel do what is to be done with the bias, too. In bfloat16 this takes half the time of a
    product with a bias fused by TensorFlow.
    """
    # A unit of matrix products takes 32 numbers of 2 bytes at once, so a row of them stays whole.
    whole = keras.backend.standardize_dtype(kernel.dtype) != "float32" and kernel.shape[1] % 32 == 0
    fill = [[0, 0], [0, 31 if whole else 0]]
    one = ops.pad(ops.ones_like(features[:, :1]), fill)
    last = ops.pad(ops.expand_dims(bias, 1), fill)
    return ops.concatenate([features, one], axis=1), ops.concatenate([kernel, last], axis=1)


def _label_entries(tensor: Tensor, labels: Ids) -> Tensor:
    """`(rows, size)` -> `(rows,)`, float32."""
    return ops.cast(ops.squeeze(gather(tensor, ops.expand_dims(labels, 1)), 1), "float32")
