"""Cross-entropy over a vocabulary, fused with the output layer so that the logits never stand whole in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from seq2seq.layers.heads import log_of
from seq2seq.training.guard import FiniteMean
from seq2seq.types import Mask, Padded, Tensor


def fused_cross_entropy(
    features: Any,
    kernel: Any,
    bias: Any,
    labels: Any,
    weights: Any,
    label_smoothing: float = 0.0,
    budget: int = 64 * 2**20,
    training: bool = True,
    mixture: tuple[Any, Any] | None = None,
) -> tuple[Any, Any]:
    """Sums the weighted cross-entropy of `softmax(features · kernelᵀ + bias)`, or of its mixture with a pointer.

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
        mixture: Of a pointer, `(rows,)` float32 each: the logarithm of the gate; and of the probability, gate included,
            that the label is copied. The label's probability is then gate * softmax + copied. Smoothing is spread over
            the softmax alone.

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

    def forward(features: Any, kernel: Any, bias: Any, *mixture: Any) -> Any:
        xs, ys, ws = split(features), split(labels), split(weights)
        mixtures = split(ops.stack(mixture, axis=1)) if mixture else None
        room = [xs] if mixtures is None else [xs, mixtures]  # of the shapes that come out, chunk by chunk
        # What even smoothing wants of every logit is their mean, and that is linear in the features.
        mean_kernel, mean_bias = ops.mean(ops.cast(kernel, "float32"), axis=0), ops.mean(ops.cast(bias, "float32"))

        def chunk(i: Any) -> tuple[Any, ...]:
            x, y, w = xs[i], ys[i], ws[i]
            # Every line here that has the height and the whole vocabulary is a pass over the largest tensor there is.
            logits = ops.cast(ops.matmul(x, ops.transpose(kernel)) + bias, "float32")
            probabilities = ops.softmax(logits, axis=-1)
            # logits - log(probabilities) is the same for every piece; of the likeliest both are far from underflow.
            normalizer = ops.max(logits, axis=-1) - ops.log(ops.max(probabilities, axis=-1))
            plain = normalizer - ops.squeeze(ops.take_along_axis(logits, ops.expand_dims(y, 1), axis=1), 1)
            share, shares = 1.0, []  # of the softmax in the probability of the label; of both
            if mixtures is not None:
                generated, copied = mixtures[i, :, 0] - plain, mixtures[i, :, 1]
                plain = -ops.logaddexp(generated, copied)
                share = ops.exp(generated + plain)
                shares = [ops.expand_dims(ops.stack([share, ops.exp(copied + plain)], axis=1), 0)]
            smooth = plain
            if label_smoothing:
                mean = ops.squeeze(ops.matmul(ops.cast(x, "float32"), ops.expand_dims(mean_kernel, 1)), 1) + mean_bias
                smooth = (1 - label_smoothing) * plain + label_smoothing * (normalizer - mean)
            sums = ops.sum(w * smooth), ops.sum(w * plain)
            if not training:
                return *sums, kernel, bias, *(part[:1] for part in room)
            # The weights would scale the rows of p; they scale the smaller factor of each product instead.
            pull = w if mixtures is None else w * (share * (1 - label_smoothing) + label_smoothing)
            p, scale = ops.cast(probabilities, x.dtype), ops.expand_dims(ops.cast(pull, x.dtype), 1)
            dkernel, dbias = (
                ops.matmul(ops.transpose(p), x * scale),
                ops.squeeze(ops.matmul(ops.transpose(scale), p), 0),
            )
            return *sums, dkernel, dbias, ops.expand_dims(ops.matmul(p, kernel) * scale, 0), *shares

        def body(i: Any, loss: Any, nll: Any, dkernel: Any, dbias: Any, *whole: Any) -> tuple[Any, ...]:
            more_loss, more_nll, more_dkernel, more_dbias, *parts = chunk(i)
            if training:
                whole = tuple(
                    ops.scatter_update(tensor, ops.reshape(i, (1, 1)), part)
                    for tensor, part in zip(whole, parts, strict=True)
                )
                dkernel, dbias = dkernel + more_dkernel, dbias + more_dbias
            return i + 1, loss + more_loss, nll + more_nll, dkernel, dbias, *whole

        # The first chunk, often the only one, stands before the loop: nothing is added to zeros.
        loss, nll, dkernel, dbias, *parts = chunk(0)
        if not isinstance(chunks, int) or chunks > 1:
            whole = [ops.concatenate([part, more[1:]], axis=0) for part, more in zip(parts, room, strict=True)]
            start = (ops.ones((), "int32"), loss, nll, dkernel, dbias, *whole)
            _, loss, nll, dkernel, dbias, *parts = ops.while_loop(lambda i, *_: i < chunks, body, start)
        if not training:
            return loss, nll
        dx, *shares = parts
        # So far d loss / d logits = w (1 - s) r p + w s p, where r is the share (1 without a pointer);
        # here follow - w (1 - s) r onehot and - w s / size.
        due = (1 - label_smoothing) * weights
        dmixture: tuple[Any, ...] = ()
        if mixture:
            share = ops.reshape(shares[0], (-1, 2))[:rows]
            dmixture = -due * share[:, 0], -due * share[:, 1]
            due = due * share[:, 0]
        hit, spread = (
            ops.expand_dims(ops.cast(scale, features.dtype), 1) for scale in (due, (label_smoothing / size) * weights)
        )
        dx = ops.reshape(dx, (-1, dim))[:rows] - hit * ops.take(kernel, labels, axis=0)
        dkernel = dkernel - ops.segment_sum(hit * features, labels, num_segments=size)
        dbias = dbias - ops.segment_sum(ops.squeeze(hit, 1), labels, num_segments=size)
        if label_smoothing:
            dx = dx - spread * ops.sum(kernel, axis=0)
            dkernel = dkernel - ops.sum(spread * features, axis=0)
            dbias = dbias - ops.sum(spread)
        return loss, nll, dx, dkernel, dbias, *dmixture

    @ops.custom_gradient
    def fused(*inputs: Any) -> Any:
        loss, nll, *gradients = forward(*inputs)

        def gradient(*args: Any, upstream: Any = None) -> tuple[Any, ...]:
            up = args[0] if upstream is None else upstream
            up = up[0] if isinstance(up, (tuple, list)) else up
            return tuple(ops.cast(up, d.dtype) * d for d in gradients)

        return (loss, nll), gradient

    kernel, bias = ops.cast(kernel, features.dtype), ops.cast(bias, features.dtype)
    loss, nll = (fused if training else forward)(features, kernel, bias, *(mixture or ()))
    return loss, ops.stop_gradient(nll)


@keras.saving.register_keras_serializable("seq2seq")
class TeacherForcing(keras.Model):
    """What `fit` trains: the mean loss of a `Seq2Seq` a token, given the true target up to it.

    Args:
        model: `Seq2Seq`, or anything with its `encode`, `run`, `gate`, `decoder` and `output_weights`.
        label_smoothing: In [0, 1).
        budget: Bytes that the logits of one chunk may take.
        guided_attention: What the distance of the attention from a guide costs; see `guided_loss`.
        selector_loss: What the selector's errors count; see `selector_loss`. Which pieces to keep the guide tells too.

    Call arguments:
        inputs: By name, see `Batch.inputs`: source, source_mask, target_input; where links are known alignment. Batches
            without it train as if nobody had asked for them.

    Returns:
        By name: `features (batch, target, features_dim)`; the logits are never made outside the loss. And where the
        loss wants them `attention (batch, target, source)` and `keep (batch, source)`, the selector's log-odds.
    """

    def __init__(
        self,
        model: Any,
        label_smoothing: float = 0.0,
        budget: int = 64 * 2**20,
        guided_attention: float = 0.0,
        selector_loss: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.model = model
        self.label_smoothing = label_smoothing
        self.budget = budget
        self.guided_attention = guided_attention
        self.selector_loss = selector_loss
        self.exchange: Any = None
        """Sums over the processes that train together; None: this one is alone."""
        # In what `fit` reports it takes the place of Keras' own, which one loss that is no number would spoil.
        self.loss_mean = FiniteMean(name="loss")
        self.nll = FiniteMean(name="nll")
        self.coverage_rate: Any = None
        """A variable: what the loss of coverage counts. It may be changed between epochs."""
        if model.decoder.coverage:
            self.coverage_rate = self.add_weight((), "zeros", trainable=False, name="coverage_rate")

    def build(self, input_shape: Any = None) -> None:
        self.model.build()
        self.built = True

    def call(self, inputs: Mapping[str, Tensor], training: bool | None = None) -> Any:
        guide = "alignment" in inputs
        memory = self.model.encode(Padded(inputs["source"], inputs["source_mask"]), training)
        output = self.model.decode_features(inputs["target_input"], memory, memory.state, training)
        found = {"features": output.features}
        if guide and self.guided_attention:
            found["attention"] = self.model.decoder.align(output, memory)
        elif self.model.gate is not None or self.coverage_rate is not None:
            found["attention"] = output.weights
        if guide and self.selector_loss:
            found["keep"] = memory.keep
        return found

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        kernel, bias = self.model.output_weights()
        features, attention = y_pred["features"], y_pred.get("attention")
        labels, weights = ops.reshape(y, (-1,)), ops.reshape(sample_weight, (-1,))
        mixture = None
        if self.model.gate is not None:
            generate, copy = self.model.gate(features)
            copied = log_of(self.model.gate.copied(attention, x["source"], y)) + copy
            mixture = ops.reshape(generate, (-1,)), ops.reshape(copied, (-1,))
        features = ops.reshape(features, (-1, features.shape[-1]))
        loss, nll = fused_cross_entropy(
            features, kernel, bias, labels, weights, self.label_smoothing, self.budget, training, mixture
        )
        if self.coverage_rate is not None:
            loss = loss + self.coverage_rate * coverage_loss(attention, sample_weight)
        alignment = x.get("alignment")
        if alignment is not None and self.guided_attention:
            loss = loss + self.guided_attention * guided_loss(attention, alignment, sample_weight)
        if alignment is not None and self.selector_loss:
            loss = loss + self.selector_loss * selector_loss(y_pred["keep"], alignment, x["source_mask"], sample_weight)
        tokens, mine = ops.sum(weights), loss
        if training and self.exchange is not None:
            # Each divides its part by all tokens: the sum of the gradients is then that of the whole batch.
            loss, nll, tokens = self.exchange.sum_of_step(ops.stop_gradient(loss), nll, tokens)
        tokens = ops.maximum(tokens, 1.0)
        self.loss_mean.update_state(loss / tokens, sample_weight=tokens)
        self.nll.update_state(nll / tokens, sample_weight=tokens)
        return mine / tokens


def coverage_loss(attention: Any, weights: Any) -> Any:
    """The attention that went again where it was before (See et al. 2017, eq. 12), summed over the steps.

    Args:
        attention: `(batch, target, source)`, float.
        weights: `(batch, target)`, float32; a step of weight 0 does not count.
    """
    attention = ops.cast(attention, "float32")
    seen = ops.cumsum(attention, axis=1) - attention
    return ops.sum(ops.sum(ops.minimum(attention, seen), axis=2) * weights)


def guided_loss(attention: Any, guide: Any, weights: Any) -> Any:
    """The cross-entropy of the attention with where it should go (Chen et al. 2016), summed over the steps.

    Args:
        attention: `(batch, target, source)`, float, rows that sum to 1.
        guide: `(batch, target, source)`, float32: rows that sum to 1 or, of a step without a link, to 0; such a step
            adds nothing.
        weights: `(batch, target)`, float32; a step of weight 0 does not count.

    Returns:
        A float32 scalar, in nats; 0 where all attention goes to the one piece that it should go to.
    """
    # In float16 the gradient of a logarithm near 0 would be infinite.
    small = 1e-4 if keras.backend.standardize_dtype(attention.dtype) == "float16" else 1e-30
    logs = ops.log(ops.cast(attention, "float32") + small)
    return -ops.sum(ops.sum(guide * logs, axis=2) * weights)


def selector_loss(keep: Any, guide: Any, mask: Mask, weights: Any) -> Any:
    """The cross-entropy of a selector's choices, summed over the pieces of the source.

    Args:
        keep: `(batch, source)`, float32, log-odds.
        guide: `(batch, target, source)`, float32: above 0 where a target piece is linked to a source piece, which is
            then one to keep.
        mask: `(batch, source)`, bool: the real positions of the source. The last of each row is its EOS and does not
            count.
        weights: `(batch, target)`, float32; a row whose steps all have weight 0 does not count.

    Returns:
        A float32 scalar, in nats.
    """
    wanted = ops.cast(ops.max(guide, axis=1) > 0, "float32")
    real = ops.concatenate([mask[:, 1:], ops.zeros_like(mask[:, :1])], axis=1)
    counted = ops.cast(real, "float32") * ops.max(weights, axis=1, keepdims=True)
    return ops.sum(counted * (ops.softplus(keep) - wanted * keep))
