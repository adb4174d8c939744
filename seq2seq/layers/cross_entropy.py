"""Cross-entropy over a vocabulary, fused with the output layer so that all logits never exist at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from keras import ops

from seq2seq.indexing import gather
from seq2seq.layers.chunks import BUDGET, Chunks, with_gradients
from seq2seq.types import Ids, Tensor


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
    """`(height, dim)`."""
    labels: Ids
    """`(height,)`."""
    weights: Tensor
    """`(height,)`."""
    mixture: Tensor | None
    """`(height, 2)`: of a pointer, the logarithms of gate and copied probability."""


class _Layer(NamedTuple):
    """The output layer, and the mean over the vocabulary of its rows."""

    kernel: Tensor
    """`(size, dim)`."""
    bias: Tensor
    """`(size,)`."""
    mean_kernel: Tensor
    """`(dim,)`, float32."""
    mean_bias: Tensor
    """A scalar, float32."""


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
        size = kernel.shape[0]
        chunks = Chunks.of(ops.shape(features)[0], size, self.budget)
        parts = _Chunk(
            chunks.split(features),
            chunks.split(self.labels),
            chunks.split(self.weights),
            chunks.split(ops.stack(mixture, axis=1)) if mixture else None,
        )
        # Even smoothing needs the mean of all logits, which is linear in the features.
        layer = _Layer(kernel, bias, ops.mean(ops.cast(kernel, "float32"), axis=0), ops.mean(ops.cast(bias, "float32")))

        def step(i: int | Tensor) -> tuple[Tensor, ...]:
            return self._chunk(_Chunk(*(None if part is None else part[i] for part in parts)), layer)

        if not self.training:
            loss, nll = chunks.run(step, 2)
            return (loss, nll), ()
        room = [part for part in (parts.features, parts.mixture) if part is not None]
        loss, nll, dkernel, dbias, *by_row = chunks.run(step, 4, room)
        dx, *shares = (chunks.join(part) for part in by_row)
        gradients = dx, dkernel, dbias
        return (loss, nll), self._subtract_target(features, kernel, gradients, shares[0] if mixture else None)

    def _chunk(self, chunk: _Chunk, layer: _Layer) -> tuple[Tensor, ...]:
        """Returns the sums of a chunk and, in training, its gradients, those by the rows `(1, height, …)`.

        The gradients lack what `_subtract_target` takes off.
        """
        smoothing, (x, y, w, mixture), kernel = self.label_smoothing, chunk, layer.kernel
        # Every line that has the height and the whole vocabulary is a pass over the largest tensor here.
        logits = ops.cast(ops.matmul(x, ops.transpose(kernel)) + layer.bias, "float32")
        probabilities = ops.softmax(logits, axis=-1)
        # logits - log(probabilities) is the same for every token; at the likeliest both are far from underflow.
        normalizer = ops.max(logits, axis=-1) - ops.log(ops.max(probabilities, axis=-1))
        plain = normalizer - ops.squeeze(gather(logits, ops.expand_dims(y, 1)), 1)
        share, shares = 1.0, []  # of the softmax in the probability of the label; of both parts of a mixture
        if mixture is not None:
            generated, copied = mixture[:, 0] - plain, mixture[:, 1]
            plain = -ops.logaddexp(generated, copied)
            share = ops.exp(generated + plain)
            shares = [ops.expand_dims(ops.stack([share, ops.exp(copied + plain)], axis=1), 0)]
        smooth = plain
        if smoothing:
            mean = ops.matmul(ops.cast(x, "float32"), ops.expand_dims(layer.mean_kernel, 1))
            mean = ops.squeeze(mean, 1) + layer.mean_bias
            smooth = (1 - smoothing) * plain + smoothing * (normalizer - mean)
        sums = ops.sum(w * smooth), ops.sum(w * plain)
        if not self.training:
            return sums
        # The weights would scale the rows of p; they scale the smaller factor of each product instead.
        pull = w if mixture is None else w * (share * (1 - smoothing) + smoothing)
        p, scale = ops.cast(probabilities, x.dtype), ops.expand_dims(ops.cast(pull, x.dtype), 1)
        dkernel = ops.matmul(ops.transpose(p), x * scale)
        dbias = ops.squeeze(ops.matmul(ops.transpose(scale), p), 0)
        return *sums, dkernel, dbias, ops.expand_dims(ops.matmul(p, kernel) * scale, 0), *shares

    def _subtract_target(
        self, features: Tensor, kernel: Tensor, gradients: tuple[Tensor, Tensor, Tensor], share: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Completes the gradients by features, kernel and bias, and adds those by the two parts of a mixture.

        So far d loss / d logits = w (1 - s) r p + w s p, where s is the smoothing and r the softmax's share of the
        label's probability (1 without a pointer). Here - w (1 - s) r onehot and - w s / size follow.
        """
        (dx, dkernel, dbias), size = gradients, kernel.shape[0]
        due = (1 - self.label_smoothing) * self.weights
        dmixture: tuple[Tensor, ...] = ()
        if share is not None:
            dmixture = -due * share[:, 0], -due * share[:, 1]
            due = due * share[:, 0]
        hit, spread = (
            ops.expand_dims(ops.cast(scale, features.dtype), 1)
            for scale in (due, (self.label_smoothing / size) * self.weights)
        )
        dx = dx - hit * ops.take(kernel, self.labels, axis=0)
        dkernel = dkernel - ops.segment_sum(hit * features, self.labels, num_segments=size)
        dbias = dbias - ops.segment_sum(ops.squeeze(hit, 1), self.labels, num_segments=size)
        if self.label_smoothing:
            dx = dx - spread * ops.sum(kernel, axis=0)
            dkernel = dkernel - ops.sum(spread * features, axis=0)
            dbias = dbias - ops.sum(spread)
        return dx, dkernel, dbias, *dmixture
