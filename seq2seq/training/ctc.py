"""Training a model whose labels have no places in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seq2seq.training.objective import Objective
from seq2seq.types import Batch, Tensor, source_of


@dataclass(frozen=True)
class LabelDecoderLoss:
    """The cross-entropy of a decoder of labels, summed over their ids and ends.

    Args:
        head: The decoder's.
        rate: What a nat of it counts in the objective.
        label_smoothing: Share of each id that is spread over all, in [0, 1).
    """

    head: Any
    rate: float
    label_smoothing: float = 0.1
    name: ClassVar[str] = "label_decoder"
    needs_attention: ClassVar[bool] = False
    needs_two_passes: ClassVar[bool] = False
    extras: ClassVar[tuple[str, ...]] = ()

    def __call__(self, batch: Batch, outputs: Any) -> Tensor:
        target, weights = batch.target_output, batch.weights
        return self.head.loss(outputs.decoded, target, weights, label_smoothing=self.label_smoothing).loss


class CTCObjective(Objective):
    """The mean loss a label of connectionist temporal classification, summed over all alignments.

    A model with a decoder of labels is trained by both (Watanabe et al. 2017, eq. 12), whose sums are divided by the
    number of labels and ends:

        CTCObjective(model, [LabelDecoderLoss(model.label_decoder.head, 0.3)], {"has_end": True}, head_rate=0.7)

    Args:
        model: An `AcousticModel`.

    Call arguments:
        inputs: By name, see `Batch.inputs`: `source` and `source_mask`; the labels come as the target. A decoder reads
            `target_input`, BOS and the label; the target then ends with EOS.

    Returns:
        By name `features`, a `Padded`: what the head reads; and `decoded`, where the model has a decoder.
    """

    def call(self, inputs: Mapping[str, Tensor], training: bool | None = None) -> dict[str, Any]:
        source = source_of(inputs)
        if source is None:
            raise ValueError("Expected the input source. Received: none")
        heard = self.model.listen(source, training)
        decoder = self.model.label_decoder
        if decoder is None:
            return {"features": heard}
        return {"features": heard, "decoded": decoder(heard, inputs["target_input"], training=training)}
