"""Training a model whose labels have no places in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seq2seq.training.objective import Objective
from seq2seq.types import Tensor, source_of


class CTCObjective(Objective):
    """The mean loss a label of connectionist temporal classification, summed over all alignments.

    Args:
        model: An `AcousticModel`.

    Call arguments:
        inputs: By name, see `Batch.inputs`: `source` and `source_mask`; the labels come as the target.

    Returns:
        By name `features`, a `Padded`: what the head reads.
    """

    def call(self, inputs: Mapping[str, Tensor], training: bool | None = None) -> dict[str, Any]:
        source = source_of(inputs)
        if source is None:
            raise ValueError("Expected the input source. Received: none")
        return {"features": self.model.listen(source, training)}
