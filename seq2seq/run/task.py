"""What the driver of a run needs of a task: a module with these names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from seq2seq.pipeline.plan import EpochPlan
from seq2seq.run.folder import RunFolder
from seq2seq.run.sections import Recipe as AnyRecipe
from seq2seq.run.selection import Selection
from seq2seq.types import Batch

if TYPE_CHECKING:
    import keras

    from seq2seq.metrics.score import Score


class Stores(Protocol):
    """The data of a run as columns of numbers, on disk."""

    @property
    def steps(self) -> int:
        """Steps of an epoch, as the learning rate's schedule counts them."""

    def plan(self, epoch: int) -> EpochPlan:
        """Returns the batches of an epoch, counted from 0: a function of the recipe's seed and the number.

        Of several processes each gets its rows of every batch.
        """

    def validation_plan(self) -> EpochPlan:
        """Returns the batches of the validation data."""


CompleteBatch = Callable[[Batch, int, int], Batch]
"""`(batch, epoch, step) -> batch`: adds what only the network of the moment can tell. Epoch and step count from 0."""


PartsOfWeight = Callable[[str], Sequence[Sequence[int]]]
"""Given the name of a weight, returns for each of its rows the rows of the same weight in another network whose mean it
is to begin with; none: it begins anew."""


@dataclass(frozen=True)
class Prepared:
    """What a task has made of its data before the epochs."""

    codec: Any
    """What turns data into numbers and back: tokenisers, a scaler. The task keeps it in the run folder."""
    stores: Stores
    selection: Selection
    """What chooses the best epoch. Its score is one of those that `Task.validator` gives."""
    uniform_loss: float
    """The loss of a model that has learned nothing, as the validation loss counts it: what training must stay below."""
    completion: Callable[[Any], CompleteBatch] | None = None
    """Given the network, returns what completes each batch of training; None: batches are complete."""
    parts: PartsOfWeight | None = None
    """Where the vocabulary of the run to start from has grown: what its weights become; None: it has not."""


class Task(Protocol):
    """A module of `seq2seq.tasks`."""

    @property
    def NAME(self) -> str:
        """As in TASKS and in recipe.json."""

    @property
    def Recipe(self) -> type[AnyRecipe]:
        """Its sections."""

    @property
    def RECIPES(self) -> str:
        """Name of the module with its named recipes, in a mapping RECIPES; imported when one is asked for."""

    @property
    def VERBS(self) -> Mapping[str, str]:
        """Verbs of the command line that take its runs, and the modules of cli/ that carry them out."""

    @property
    def EXPORTS(self) -> Mapping[str, Sequence[str]]:
        """Forms that its models are exported in, and the modules that each needs besides those of training."""

    @property
    def OWN_FILES(self) -> str:
        """The options that name a user's own files."""

    @property
    def ENTRY(self) -> str:
        """What its models predict one after the other, in the singular: speed and loss are counted in it."""

    @property
    def LOSS(self) -> str:
        """What the loss of an entry is measured in."""

    def example(self, recipe: Any) -> str:
        """Returns a command that tries out a run of a recipe, with {run} for its folder."""

    def open_data(self, recipe: Any) -> Any:
        """Returns the data that the recipe names, fetched where needed; ValueError where it is missing or damaged."""

    def record_data(self, folder: RunFolder, data: Any) -> None:
        """Writes data.json: all that is read, with checksums; RunFolderError if a run that goes on had other data."""

    def prepare(self, folder: RunFolder, recipe: Any, data: Any) -> Prepared:
        """Learns the codec, or reads it again, and writes the stores. Each stage can be resumed."""

    def build_model(self, recipe: Any, codec: Any) -> keras.Model:
        """Returns a new, built network."""

    def objective(self, recipe: Any, model: Any) -> Any:
        """Returns what `fit` trains: a Keras model around the network, not yet compiled."""

    def begin_epoch(self, objective: Any, recipe: Any, epoch: int) -> None:
        """Sets what the objective counts in an epoch, counted from 0."""

    def validator(self, model: Any, codec: Any, data: Any, recipe: Any) -> Callable[[float], Mapping[str, Score]]:
        """Returns what scores the network on the validation data. It is called after each epoch with the loss there, in
        nats a token."""

    def batch_as_text(self, codec: Any, plan: Any, step: int) -> str:
        """Returns a batch of a plan as the lines of a table, one for each row, parted by tabs, to show a bad one."""

    def finish(self, folder: RunFolder, recipe: Any, data: Any) -> None:
        """Scores the tests, exports, writes the README and, last of all, scores.json."""

    def finish_average(self, folder: RunFolder) -> None:
        """Learns again what follows from weights, in the folder of an average that is not yet under its name."""

    def load(self, path: Path, others: Sequence[Path], **options: Any) -> Any:
        """Returns what `seq2seq.load` does for its run folders."""

    def export(self, run: Path, form: str, folder: Path, search: Mapping[str, Any], **options: Any) -> Path:
        """Writes the model of a run in one of EXPORTS; ValueError where it cannot be.

        Args:
            run: The run folder.
            form: The form.
            folder: Where to write.
            search: Fields of `SearchOptions` that shall differ from the recipe's.
            options: Of the form, as `seq2seq export` has them: `ids_only` or `quantize`.

        Returns:
            The folder that is to be served.
        """

    def check_same_codec(self, first: RunFolder, other: RunFolder) -> None:
        """Raises RunFolderError if numbers do not mean the same in two runs, or their networks are not alike."""

    def untrained_model(self, folder: RunFolder, weights: Sequence[Path]) -> keras.Model:
        """Returns a run's network without its weights; RunFolderError if one of these files is too small for it."""

    def codec_files(self, folder: RunFolder) -> list[Path]:
        """Returns the files of a run's codec."""

    def learned_files(self, folder: RunFolder) -> list[Path]:
        """Returns the files of what else a run has learned of its data."""
