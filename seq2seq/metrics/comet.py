"""COMET by its own package (Rei et al. 2020), which is asked for only when it is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from seq2seq.metrics.bleu import Score


class Comet:
    """Scores translations with a learned metric.

    Args:
        model: The file of a checkpoint, or the name of a model that the package knows where to find.

    Raises:
        ValueError: the package or the model is missing; it says how to get it.
    """

    def __init__(self, model: str):
        try:
            import comet
        except ImportError as error:
            raise ValueError(
                f"COMET wants its package, which is missing here ({error}): pip install unbabel-comet"
            ) from error
        try:
            path = model if Path(model).is_file() else comet.download_model(model)
            self._model = comet.load_from_checkpoint(path)
        except Exception as error:  # of whatever its many parts raise
            raise ValueError(
                f"COMET's model {model!r} is not here and could not be fetched ({error}). Fetch it where there is a "
                f"network, for instance huggingface.co/{model}, and give the path of its file checkpoints/model.ckpt."
            ) from error
        self.name = Path(model).name

    def __call__(self, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str]) -> Score:
        """Returns the system's score, in percent of what the model calls perfect."""
        rows = [
            {"src": source, "mt": ours, "ref": gold}
            for source, ours, gold in zip(sources, hypotheses, references, strict=True)
        ]
        found = self._model.predict(rows, batch_size=8, gpus=0, progress_bar=False)
        signature = f"comet|model:{self.name}|package:{metadata.version('unbabel-comet')}"
        return Score(100 * float(found.system_score), signature)
