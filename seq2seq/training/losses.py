"""Cross-entropy over a vocabulary, fused with the output layer so that the logits never stand whole in memory."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


def fused_cross_entropy(
    features: Any,
    kernel: Any,
    bias: Any,
    labels: Any,
    weights: Any,
    label_smoothing: float = 0.0,
    budget: int = 64 * 2**20,
    training: bool = True,
) -> tuple[Any, Any]:
    """Sums the weighted cross-entropy of `softmax(features · kernelᵀ + bias)`.

    The rows go through in equal chunks whose logits take at most `budget` bytes in float32 (and never less than one
    row). In training the gradient of a chunk is made at once with its loss, so nothing is kept or computed again.

    Args:
        features: `(rows, dim)`, float.
        kernel: `(size, dim)`, float.
        bias: `(size,)`, float.
        labels: `(rows,)`, int32 in [0, size).
        weights: `(rows,)`, float32; a row of weight 0 does not count.
        label_smoothing: Share of the target spread evenly over the vocabulary (Szegedy et al. 2016), in [0, 1).
        budget: Bytes.
        training: Make gradients too.

    Returns:
        The smoothed loss, which carries the gradients, and the plain negative log-likelihood, which carries none.
        Both are sums over the rows, float32 scalars, in nats.
    """
    size, dim = kernel.shape
    limit = max(1, budget // (4 * size))
    rows = ops.shape(features)[0]
    chunks = (rows + limit - 1) // limit
    height = (rows + chunks - 1) // chunks

    def split(tensor: Any) -> Any:
        """`(rows, …)` -> `(chunks, height, …)`, filled up with zeros."""
        fill = [[0, chunks * height - rows]] + [[0, 0]] * (len(tensor.shape) - 1)
        return ops.reshape(ops.pad(tensor, fill), (chunks, height, *tensor.shape[1:]))

    def chunk_loss(x: Any, kernel: Any, bias: Any, y: Any, w: Any) -> tuple[Any, Any, Any]:
        """Returns the two sums and the weighted probabilities, `(height, size)`."""
        logits = ops.cast(ops.matmul(x, ops.transpose(kernel)), "float32") + ops.cast(bias, "float32")
        top = ops.max(logits, axis=-1, keepdims=True)
        exponentials = ops.exp(logits - top)
        total = ops.sum(exponentials, axis=-1, keepdims=True)
        normalizer = ops.squeeze(ops.log(total) + top, -1)
        nll = normalizer - ops.squeeze(ops.take_along_axis(logits, ops.expand_dims(y, 1), axis=1), 1)
        loss = nll
        if label_smoothing:
            loss = (1 - label_smoothing) * nll + label_smoothing * (normalizer - ops.mean(logits, axis=-1))
        return ops.sum(w * loss), ops.sum(w * nll), exponentials * (ops.expand_dims(w, 1) / total)

    def forward(features: Any, kernel: Any, bias: Any) -> Any:
        xs, ys, ws = split(features), split(labels), split(weights)
        zero = ops.zeros((), "float32")

        def body(i: Any, loss: Any, nll: Any, dxs: Any, dkernel: Any, dbias: Any) -> tuple[Any, ...]:
            x, y, w = xs[i], ys[i], ws[i]
            more_loss, more_nll, probabilities = chunk_loss(x, kernel, bias, y, w)
            if training:
                # d loss / d logits = w (p - (1 - s) onehot - s / size); the two latter never stand as a matrix.
                hit, spread = (1 - label_smoothing) * w, (label_smoothing / size) * w
                p = ops.cast(probabilities, x.dtype)
                hit_x, spread_x = (
                    ops.expand_dims(ops.cast(hit, x.dtype), 1),
                    ops.expand_dims(ops.cast(spread, x.dtype), 1),
                )
                dx = ops.matmul(p, kernel) - hit_x * ops.take(kernel, y, axis=0)
                dk = ops.matmul(ops.transpose(p), x) - ops.segment_sum(hit_x * x, y, num_segments=size)
                db = ops.sum(probabilities, axis=0) - ops.segment_sum(hit, y, num_segments=size) - ops.sum(spread)
                if label_smoothing:
                    dx = dx - spread_x * ops.sum(kernel, axis=0)
                    dk = dk - ops.sum(spread_x * x, axis=0)
                dxs = ops.scatter_update(dxs, ops.reshape(i, (1, 1)), ops.expand_dims(dx, 0))
                dkernel, dbias = dkernel + dk, dbias + ops.cast(db, dbias.dtype)
            return i + 1, loss + more_loss, nll + more_nll, dxs, dkernel, dbias

        start = (ops.zeros((), "int32"), zero, zero, ops.zeros_like(xs), ops.zeros_like(kernel), ops.zeros_like(bias))
        if isinstance(chunks, int) and chunks == 1:
            _, loss, nll, dxs, dkernel, dbias = body(*start)
        else:
            _, loss, nll, dxs, dkernel, dbias = ops.while_loop(lambda i, *_: i < chunks, body, start)
        return loss, nll, ops.reshape(dxs, (-1, dim))[:rows], dkernel, dbias

    @ops.custom_gradient
    def fused(features: Any, kernel: Any, bias: Any) -> Any:
        loss, nll, dfeatures, dkernel, dbias = forward(features, kernel, bias)

        def gradient(*args: Any, upstream: Any = None) -> tuple[Any, Any, Any]:
            up = args[0] if upstream is None else upstream
            up = up[0] if isinstance(up, (tuple, list)) else up
            return tuple(ops.cast(up, d.dtype) * d for d in (dfeatures, dkernel, dbias))

        return (loss, nll), gradient

    kernel, bias = ops.cast(kernel, features.dtype), ops.cast(bias, features.dtype)
    loss, nll = fused(features, kernel, bias) if training else forward(features, kernel, bias)[:2]
    return loss, ops.stop_gradient(nll)


@keras.saving.register_keras_serializable("seq2seq")
class TeacherForcing(keras.Model):
    """What `fit` trains: the mean loss of a `Seq2Seq` a token, given the true target up to it.

    Args:
        model: `Seq2Seq`, or anything with its `encode`, `features` and `output_weights`.
        label_smoothing: In [0, 1).
        budget: Bytes that the logits of one chunk may take.

    Call arguments:
        inputs: `(source, target_input)`, `(batch, source)` and `(batch, target)`, int32.

    Returns:
        features `(batch, target, features_dim)`; the logits are never made outside the loss.
    """

    def __init__(self, model: Any, label_smoothing: float = 0.0, budget: int = 64 * 2**20, **kwargs: Any):
        super().__init__(**kwargs)
        self.model = model
        self.label_smoothing = label_smoothing
        self.budget = budget
        self.nll = keras.metrics.Mean(name="nll")

    def build(self, input_shape: Any = None) -> None:
        self.model.build()
        self.built = True

    def call(self, inputs: tuple[Any, Any], training: bool | None = None) -> Any:
        source, target = inputs
        memory = self.model.encode(source, training)
        return self.model.features(target, memory, memory.state, training)[0]

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        kernel, bias = self.model.output_weights()
        features = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
        labels, weights = ops.reshape(y, (-1,)), ops.reshape(sample_weight, (-1,))
        loss, nll = fused_cross_entropy(
            features, kernel, bias, labels, weights, self.label_smoothing, self.budget, training
        )
        tokens = ops.maximum(ops.sum(weights), 1.0)
        self.nll.update_state(nll / tokens, sample_weight=tokens)
        return loss / tokens
