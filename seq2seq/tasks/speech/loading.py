"""From a run folder to a recogniser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.tasks.speech.folder import SpeechRunFolder

if TYPE_CHECKING:
    from seq2seq.inference.recognition import Recognizer


def load_recognizer(path: Path, others: Sequence[Path] = ()) -> Recognizer:
    """Returns the recogniser of a run folder.

    Raises:
        ValueError: something is missing or damaged, or there are `others`: recognisers are not mixed.
    """
    if others:
        raise ValueError(f"Expected one run: recognisers are not mixed. Received: {len(others) + 1} runs")
    folder = SpeechRunFolder(path)
    model, codec = folder.load_model()
    from seq2seq.inference.acoustic import KerasNetwork
    from seq2seq.inference.recognition import Recognizer, plain_search

    options = folder.load_recipe().search
    search = plain_search(codec.text, options.beam_size)
    return Recognizer(KerasNetwork(model), codec.frontend, codec.text, search, options.rescoring)
