"""What `fit` minimises: the loss of a model's head, and further terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import keras
from keras import ops

from seq2seq.indexing import repeat_rows
from seq2seq.training.guard import FiniteMean
from seq2seq.types import Batch, Encoded, Ids, Memory, Tensor, source_of


class Outputs(NamedTuple):
    """What the terms of an objective read of a model."""

    features: Any
    """What the model's head takes."""
    attention: Tensor | None = None
    """`(batch, target, source)`, float; None where no term needs it."""
    keep: Tensor | None = None
    """`(batch, source)`, float32: the log-odds of a selector; None without one."""
    decoded: Any = None
    """What the head of a decoder of labels takes; None without one."""
    candidates: Any = None
    """What the model's head takes of the outputs that were drawn, `(batch * samples, time, …)`; None without any."""


class Term(Protocol):
    """A further term: a value that is called with a batch and what the model made of it, and returns a sum."""

    @property
    def name(self) -> str:
        """Its name in `Objective.rates`."""

    @property
    def rate(self) -> float:
        """What its sum is multiplied with at first."""

    @property
    def needs_attention(self) -> bool:
        """Whether `Outputs.attention` must be there."""

    @property
    def needs_two_passes(self) -> bool:
        """Whether the batch must stand twice, one below the other; such a term counts in training only."""

    @property
    def extras(self) -> Sequence[str]:
        """Names in `Batch.extras`; in a batch that lacks one the term does not count."""

    def __call__(self, batch: Batch, outputs: Outputs) -> Tensor:
        """Returns the sum over the batch, a float32 scalar."""


def _twice(tensor: Tensor) -> Tensor:
    return ops.concatenate([tensor, tensor], axis=0)


class Objective(keras.Model):
    """The mean loss of a model a step of its targets, given the true target up to it.

        objective = Objective(model, [CoverageLoss(0.5)], {"label_smoothing": 0.1})
        objective.compile("adam")
        objective.fit(inputs, target_output, sample_weight=weights)

    The training weights are the model's own.

    Args:
        model: A `Seq2Seq`, or what has its `encode`, `decode_features`, `head_features`, `head` and `decoder`; and its
            `limit` for batches that say what each step may see.
        terms: Added to the loss of the head, each times its rate.
        head_options: Keywords of the head's `loss`, such as the label_smoothing of a `VocabularyHead`.
        head_rate: What the loss of the head is multiplied with.

    Call arguments:
        inputs: By name, see `Batch.inputs`.

    Returns:
        By name, the fields of `Outputs` that are there. The logits never exist outside the loss.

    Raises:
        ValueError: two terms have the same name.
    """

    def __init__(
        self,
        model: Any,
        terms: Iterable[Term] = (),
        head_options: Mapping[str, Any] | None = None,
        head_rate: float = 1.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.model = model
        self.terms = tuple(terms)
        self.head_options = dict(head_options or {})
        self.head_rate = head_rate
        self.exchange: Any = None
        """Sums over the processes that train together; None: there is only this one."""
        self.goes_on = False
        """Whether `fit` adds to the metrics of the calls before, in place of starting anew."""
        # Named as Keras' own mean loss, whose place it takes in what `fit` reports: one loss that is not finite would
        # spoil that one.
        self.loss_mean = FiniteMean(name="loss")
        self.nll = FiniteMean(name="nll")
        names = [term.name for term in self.terms]
        if len(set(names)) < len(names):
            raise ValueError(f"Expected terms of different names. Received: {', '.join(names)}")
        self.rates: dict[str, Any] = {
            term.name: self.add_weight(
                (), keras.initializers.Constant(term.rate), trainable=False, name=f"{term.name}_rate"
            )
            for term in self.terms
        }
        """By the names of the terms: variables, which may be assigned between epochs."""

    def build(self, input_shape: Any = None) -> None:
        self.model.build()
        self.built = True

    def reset_metrics(self) -> None:
        if not self.goes_on:
            super().reset_metrics()

    def _terms_of(self, inputs: Mapping[str, Tensor], training: bool | None) -> list[Term]:
        """The terms that count in a batch with these inputs."""
        terms = (term for term in self.terms if all(name in inputs for name in term.extras))
        return [term for term in terms if training or not term.needs_two_passes]

    def _passes_twice(self, training: bool | None) -> bool:
        """Whether every row is computed twice, which dropout makes two different outputs, and shares its weight."""
        return bool(training) and any(term.needs_two_passes for term in self.terms)

    def call(self, inputs: Mapping[str, Tensor], training: bool | None = None) -> dict[str, Any]:
        if self._passes_twice(training):
            inputs = {name: _twice(tensor) for name, tensor in inputs.items()}
        encoded = self.model.encode(source_of(inputs), training)
        if "visible" in inputs:
            encoded = self.model.limit(encoded, inputs["visible"])
        output = self.model.decode_features(inputs["target_input"], encoded, encoded.state, training)
        outputs = {"features": self.model.head_features(output, encoded)}
        if any(term.needs_attention for term in self._terms_of(inputs, training)):
            outputs["attention"] = self.model.decoder.align(output, encoded.memory)
        if encoded.keep is not None:
            outputs["keep"] = encoded.keep
        if "candidate_input" in inputs:
            outputs["candidates"] = self._decode_candidates(inputs["candidate_input"], encoded, training)
        return outputs

    def _decode_candidates(self, ids: Ids, encoded: Encoded, training: bool | None) -> Any:
        """Decodes `(batch, samples, time)` ids of sources that are encoded once; returns what the head takes."""
        samples, time = ops.shape(ids)[1:]
        memory = Memory(*(repeat_rows(part, samples) for part in encoded.source_memory))
        source, state = (repeat_rows(part, samples) for part in (encoded.source, encoded.state))
        encoded = Encoded(memory, state, source)
        output = self.model.decode_features(ops.reshape(ids, (-1, time)), encoded, state, training)
        return self.model.head_features(output, encoded)

    def compute_loss(
        self,
        x: Any = None,
        y: Tensor = None,
        y_pred: Any = None,
        sample_weight: Tensor = None,
        training: bool = True,
    ) -> Tensor:
        weights = ops.ones(ops.shape(y)[:2]) if sample_weight is None else sample_weight
        if self._passes_twice(training):
            x = {name: _twice(tensor) for name, tensor in x.items()}
            y, weights = _twice(y), _twice(weights) / 2
        batch, outputs = Batch.of(x, y, weights), Outputs(**y_pred)
        loss, nll, count = self.model.head.loss(outputs.features, y, weights, training=training, **self.head_options)
        if self.head_rate != 1.0:
            loss = self.head_rate * loss
        for term in self._terms_of(x, training):
            loss = loss + self.rates[term.name] * term(batch, outputs)
        own_loss = loss
        if training and self.exchange is not None:
            # Each process divides its part by the count of all: the sum of the gradients is that of the whole batch.
            loss, nll, count = self.exchange.sum_of_step(ops.stop_gradient(loss), nll, count)
        count = ops.maximum(count, 1.0)
        self.loss_mean.update_state(loss / count, sample_weight=count)
        self.nll.update_state(nll / count, sample_weight=count)
        return own_loss / count
