"""The prompt of a language model, checked before any work."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from seq2seq.symbols import UNK

if TYPE_CHECKING:
    from seq2seq.inference.text_scoring import State, TextScorer

MOST = 100_000
"""Characters of a prompt, at most."""

_log = logging.getLogger(__name__)


def check_prompt(prompt: str) -> list[str]:
    """Returns the lines of a prompt; ValueError where there is none, or where it is too long."""
    if not prompt.strip("\r\n"):
        raise ValueError("The prompt is empty. Expected some text to go on from.")
    if len(prompt) > MOST:
        raise ValueError(
            f"The prompt has {len(prompt):,} characters, at most {MOST:,} are read. Give its last part, which matters "
            "most."
        )
    return prompt.replace("\r\n", "\n").split("\n")


def read_prompt(model: TextScorer, lines: list[str]) -> State:
    """Returns the state after a prompt; ValueError if the model knows nothing of it, a warning if it lacks a part."""
    ids = [number for row in model.codec.encode(lines) for number in row]
    unknown, known = ids.count(UNK), [number for number in ids if number != UNK]
    if not ids:
        raise ValueError("The prompt holds no token. Expected some text to go on from.")
    if unknown and not model.codec.decode([known])[0].strip():  # blanks alone say nothing
        raise ValueError(
            f"The vocabulary of {model.name} has nothing of the prompt. Expected text like what it was trained on."
        )
    if unknown:
        _log.warning("%s of the prompt's %s tokens are unknown to the model.", f"{unknown:,}", f"{len(ids):,}")
    return model.read(lines)
