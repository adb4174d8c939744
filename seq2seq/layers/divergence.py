"""How much two distributions over a vocabulary differ, fused with the output layer like the cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass

from keras import ops

from seq2seq.layers.chunks import BUDGET, Chunks, with_gradients
from seq2seq.types import Tensor


def fused_divergence(
    first: Tensor,
    second: Tensor,
    kernel: Tensor,
    bias: Tensor,
    weights: Tensor,
    budget: int = BUDGET,
    training: bool = True,
) -> Tensor:
    """Sums the symmetric divergence of two softmax layers, (KL(p, q) + KL(q, p)) / 2, over the rows.

    p is `softmax(first · kernelᵀ + bias)`, q that of `second`. As in `fused_cross_entropy` the logits exist for one
    chunk at a time, and in training the gradients are computed together with the sum.

    Args:
        first: `(rows, dim)`, float.
        second: The same.
        kernel: `(size, dim)`, float.
        bias: `(size,)`, float.
        weights: `(rows,)`, float32; a row of weight 0 does not count.
        budget: Bytes of the logits of one chunk.
        training: Compute gradients too.

    Returns:
        A float32 scalar, in nats.
    """
    forward = _Forward(weights, budget, training)
    inputs = first, second, ops.cast(kernel, first.dtype), ops.cast(bias, first.dtype)
    return with_gradients(forward, inputs)[0] if training else forward(*inputs)[0][0]


@dataclass(frozen=True)
class _Forward:
    """The sum and, in training, its gradient by each input. The fields are as in `fused_divergence`."""

    weights: Tensor
    budget: int
    training: bool

    def __call__(
        self, first: Tensor, second: Tensor, kernel: Tensor, bias: Tensor
    ) -> tuple[tuple[Tensor], tuple[Tensor, ...]]:
        chunks = Chunks.of(ops.shape(first)[0], 2 * kernel.shape[0], self.budget)
        left, right, weights = (chunks.split(part) for part in (first, second, self.weights))

        def step(i: int | Tensor) -> tuple[Tensor, ...]:
            return self._chunk(left[i], right[i], kernel, bias, ops.expand_dims(weights[i], 1))

        if not self.training:
            return (chunks.run(step, 1)[0],), ()
        loss, dkernel, dbias, *by_row = chunks.run(step, 3, [left, right])
        dleft, dright = (chunks.join(part) for part in by_row)
        return (loss,), (dleft, dright, dkernel, dbias)

    def _chunk(self, left: Tensor, right: Tensor, kernel: Tensor, bias: Tensor, weights: Tensor) -> tuple[Tensor, ...]:
        """Returns the sum of a chunk and, in training, its gradients, those by the rows `(1, height, dim)`."""
        log_p, log_q = (
            ops.log_softmax(ops.cast(ops.matmul(x, ops.transpose(kernel)) + bias, "float32")) for x in (left, right)
        )
        p, q, difference = ops.exp(log_p), ops.exp(log_q), log_p - log_q
        forward = ops.sum(p * difference, axis=1, keepdims=True)  # KL(p, q)
        backward = -ops.sum(q * difference, axis=1, keepdims=True)
        total = ops.sum(weights * (forward + backward)) / 2
        if not self.training:
            return (total,)
        # By the logits of p: p (log p - log q - KL(p, q)) + p - q, halved; by those of q the mirror image.
        change, half = p - q, weights / 2
        by_p = ops.cast(half * (p * (difference - forward) + change), left.dtype)
        by_q = ops.cast(half * (-q * (difference + backward) - change), left.dtype)
        dkernel = ops.matmul(ops.transpose(by_p), left) + ops.matmul(ops.transpose(by_q), right)
        dbias = ops.sum(by_p, axis=0) + ops.sum(by_q, axis=0)
        rows = (ops.expand_dims(ops.matmul(by, kernel), 0) for by in (by_p, by_q))
        return total, dkernel, dbias, *rows
