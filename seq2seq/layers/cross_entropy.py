"""Cross-entropy over a vocabulary, fused with the output layer so that all logits never exist at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from keras import ops

from seq2seq.indexing import gather
from seq2seq.types import Ids, Tensor

BUDGET = 64 * 2**20
"""Bytes of the logits of one chunk, if nothing else is asked for."""


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

    @ops.custom_gradient
    def fused(*inputs: Tensor) -> Tensor:
        loss, nll, *gradients = forward(*inputs)

        def gradient(*args: Tensor, upstream: Tensor = None) -> tuple[Tensor, ...]:
            up = args[0] if upstream is None else upstream
            up = up[0] if isinstance(up, (tuple, list)) else up
            return tuple(ops.cast(up, d.dtype) * d for d in gradients)

        return (loss, nll), gradient

    kernel, bias = ops.cast(kernel, features.dtype), ops.cast(bias, features.dtype)
    loss, nll = (fused if training else forward)(features, kernel, bias, *(mixture or ()))
    return loss, ops.stop_gradient(nll)


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

    def __call__(self, features: Tensor, kernel: Tensor, bias: Tensor, *mixture: Tensor) -> tuple[Tensor, ...]:
        """Returns the two sums and, in training, the gradient of the first by each argument."""
        size, dim = kernel.shape
        rows = ops.shape(features)[0]
        limit = max(1, self.budget // (4 * size))
        chunks = (rows + limit - 1) // limit
        height = (rows + chunks - 1) // chunks

        def split(tensor: Tensor) -> Tensor:
            """`(rows, …)` -> `(chunks, height, …)`, filled up with zeros."""
            fill = [[0, chunks * height - rows]] + [[0, 0]] * (len(tensor.shape) - 1)
            return ops.reshape(ops.pad(tensor, fill), (chunks, height, *tensor.shape[1:]))

        parts = _Chunk(
            split(features),
            split(self.labels),
            split(self.weights),
            split(ops.stack(mixture, axis=1)) if mixture else None,
        )
        # Even smoothing needs the mean of all logits, which is linear in the features.
        layer = _Layer(kernel, bias, ops.mean(ops.cast(kernel, "float32"), axis=0), ops.mean(ops.cast(bias, "float32")))
        sums = self._over_chunks(parts, chunks, layer)
        if not self.training:
            return sums[:2]
        loss, nll, dkernel, dbias, dx, *shares = sums
        share = ops.reshape(shares[0], (-1, 2))[:rows] if mixture else None
        gradients = ops.reshape(dx, (-1, dim))[:rows], dkernel, dbias
        return loss, nll, *self._subtract_target(features, kernel, gradients, share)

    def _over_chunks(self, parts: _Chunk, chunks: int | Tensor, layer: _Layer) -> tuple[Tensor, ...]:
        """Adds up what `_chunk` returns; the gradients by the rows are put side by side."""
        room = [part for part in (parts.features, parts.mixture) if part is not None]

        def take(i: int | Tensor) -> tuple[Tensor, ...]:
            return self._chunk(_Chunk(*(None if part is None else part[i] for part in parts)), layer)

        def body(
            i: Tensor, loss: Tensor, nll: Tensor, dkernel: Tensor, dbias: Tensor, *whole: Tensor
        ) -> tuple[Tensor, ...]:
            more_loss, more_nll, more_dkernel, more_dbias, *new = take(i)
            if self.training:
                whole = tuple(
                    ops.scatter_update(tensor, ops.reshape(i, (1, 1)), part)
                    for tensor, part in zip(whole, new, strict=True)
                )
                dkernel, dbias = dkernel + more_dkernel, dbias + more_dbias
            return i + 1, loss + more_loss, nll + more_nll, dkernel, dbias, *whole

        # The first chunk, often the only one, is computed before the loop: nothing is added to zeros.
        loss, nll, dkernel, dbias, *first = take(0)
        if isinstance(chunks, int) and chunks == 1:
            return loss, nll, dkernel, dbias, *first
        whole = [ops.concatenate([part, more[1:]], axis=0) for part, more in zip(first, room, strict=True)]
        start = (ops.ones((), "int32"), loss, nll, dkernel, dbias, *whole)
        return tuple(ops.while_loop(lambda i, *_: i < chunks, body, start)[1:])

    def _chunk(self, chunk: _Chunk, layer: _Layer) -> tuple[Tensor, ...]:
        """Returns the sums of a chunk and its gradients, those by the rows `(1, height, …)`.

        The gradients lack what `_subtract_target` takes off. Outside of training the kernel, the bias and a row take
        their places, so that a loop has the same shapes.
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
            rows = [part for part in (chunk.features, mixture) if part is not None]
            return *sums, kernel, layer.bias, *(ops.expand_dims(part, 0) for part in rows)
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
