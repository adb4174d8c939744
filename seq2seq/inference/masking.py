"""Placeholders in a search: constraints get the symbols of their line, outputs get the strings back."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from seq2seq.inference.constraints import Constraints
from seq2seq.text.placeholders import Masked, Placeholders
from seq2seq.types import Hypothesis

_log = logging.getLogger(__name__)


def mask_constraints(
    constraints: Sequence[Constraints], masked: Sequence[Masked], placeholders: Placeholders
) -> list[Constraints]:
    """Returns the constraints of each line with the symbols of the line."""
    pairs = zip(constraints, masked, strict=True)
    return [each.map(partial(placeholders.mask_by, strings=line.strings)) for each, line in pairs]


def restored(masked: Sequence[Masked], results: Sequence[Sequence[Hypothesis]]) -> list[list[Hypothesis]]:
    """Returns the hypotheses of each line with its strings in their texts; their tokens are not changed."""
    return [[replace(h, text=line.restore(h.text)) for h in found] for line, found in zip(masked, results, strict=True)]


def warn_of_faults(masked: Sequence[Masked], results: Sequence[Sequence[Hypothesis]]) -> None:
    """Logs how many of the best outputs, not yet restored, lack placeholders or repeat some."""
    best = [(line, found[0].text) for line, found in zip(masked, results, strict=True) if found and line.strings]
    lacking = sum(bool(line.lost(text)) for line, text in best)
    repeating = sum(bool(line.doubled(text)) for line, text in best)
    if lacking or repeating:
        _log.warning(
            "Of %s outputs with placeholders %s lack some of their source, %s have some more often than it.",
            *(f"{count:,}" for count in (len(best), lacking, repeating)),
        )
