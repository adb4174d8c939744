"""Sequence-to-sequence learning with recurrent networks, on Keras 3.

    translator = seq2seq.load("runs/multi30k_en_de")
    translator(["A dog runs."])

Public, beside `load` and the command `seq2seq`, are the names in the `__all__` of

    seq2seq.layers      encoders, decoders, attention, embeddings, heads
    seq2seq.models      Seq2Seq, which Keras can compile, fit, save and load
    seq2seq.search      greedy search, sampling, beam search
    seq2seq.training    objectives, optimizer, schedules, checkpoints

the values in `seq2seq.types` that they take and return, and `load` in the modules of `seq2seq.catalogue`. Each of the
four packages begins with an example. Everything else may change without notice.
"""

from seq2seq import early as early  # first: in a command it takes the working folder off the search path

# isort: split
from pathlib import Path
from typing import Any

__version__ = "0.1.0"


def load(run: str | Path, *others: str | Path, ensemble: str = "", **options: Any) -> Any:
    """Returns what a run folder or a LiteRT folder holds.

    Where lines of text are written for lines of text, that is a `LineGenerator`: called with lines, it gives e.g. their
    translations. A language model is a `TextScorer`, which has methods as `score_lines`, a forecaster a `Forecaster`,
    whose `forecast` takes a frame; they take no options.

    Args:
        run: A run folder that a recipe made, or what `seq2seq export --format litert` made of it.
        others: Further run folders with the same target vocabulary, which write together with the first.
        ensemble: What they mix: "probabilities", which is the default, or "log-probabilities".
        options: Fields of `SearchOptions` that shall differ from the recipe's, as `beam_size=1`; for a LiteRT folder
            also `threads`, the batches searched side by side.

    Raises:
        ValueError: the folder is neither, incomplete, damaged or of another version, or they do not go together.
    """
    from seq2seq import tasks

    if ensemble:
        options["ensemble"] = ensemble
    return tasks.load(Path(run), [Path(other) for other in others], **options)
