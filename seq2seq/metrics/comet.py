"""COMET (Rei et al. 2020) by its own package, imported only on request."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from seq2seq.extras import require
from seq2seq.metrics.score import Score


class Comet:
    """Scores translations with a learned metric.

    Args:
        model: The file of a checkpoint, or the name of a model that the package knows where to find.

    Raises:
        ValueError: the package or model is missing; the message says how to get it.
    """

    def __init__(self, model: str):
        require("comet")
        import comet

        try:
            path = model if Path(model).is_file() else comet.download_model(model)
            self._model = comet.load_from_checkpoint(path)
        except Exception as error:  # its many parts raise many kinds
            raise ValueError(
                f"The COMET model {model!r} is not here and could not be fetched ({error}). Download it elsewhere, for "
                f"instance from huggingface.co/{model}, and give the path of its file checkpoints/model.ckpt."
            ) from error
        self.name = Path(model).name

    def __call__(self, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str]) -> Score:
        """Returns the system score, in percent of the model's maximum."""
        rows = [
            {"src": source, "mt": hypothesis, "ref": gold}
            for source, hypothesis, gold in zip(sources, hypotheses, references, strict=True)
        ]
        found = self._model.predict(rows, batch_size=8, gpus=0, progress_bar=False)
        signature = f"comet|model:{self.name}|package:{metadata.version('unbabel-comet')}"
        return Score(100 * float(found.system_score), signature)
