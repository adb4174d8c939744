"""The run folder: the one artefact that a run leaves and every command takes. Loading it runs no code from it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from seq2seq import __version__
from seq2seq.backend import prepare_keras
from seq2seq.extras import EXPORTS
from seq2seq.files import (
    MOST,
    TEMPORARY,
    check_regular,
    format_json,
    locked,
    parse_json,
    read_bytes,
    read_json,
    remove_leftovers,
    whole_file,
    write_text,
)
from seq2seq.folders import read_marker
from seq2seq.outputs import check_no_links, export_kind
from seq2seq.run.parsing import RecipeError, RecipeT, from_json
from seq2seq.run.sections import Recipe

FORMAT = 4
"""Of the folder. Raised when other versions of the toolkit cannot read it."""


WEIGHTS = ".weights.h5"
"""The ending that Keras expects of weights-only files."""


class RunFolderError(ValueError):
    """A run folder is missing, incomplete, damaged or of another version. The message says which and what to do."""


class RunFolder:
    """Paths and files of one run.

    Args:
        path: The folder; it need not exist yet.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        self.recipe_file = self.path / "recipe.json"
        self.weights_file = self.path / "model.weights.h5"
        self.checkpoint_file = self.path / "checkpoint.npz"
        self.history_file = self.path / "history.csv"
        self.scores_file = self.path / "scores.json"
        self.data_file = self.path / "data.json"
        self.start_file = self.path / "started_from.json"
        self.curves_file = self.path / "curves.png"
        self.readme_file = self.path / "README.md"
        self.hypotheses = self.path / "hypotheses"
        self.tensorboard = self.path / "tensorboard"
        self.exports = self.path / "export"
        self.made_from_file = self.exports / "made_from.json"
        self.stores = self.path / "stores"
        self.epochs = self.path / "epochs"
        self.environment_file = self.path / "environment.json"
        self.bad_batches = self.path / "bad_batches"

    @property
    def is_new(self) -> bool:
        """Whether nothing is there yet; RunFolderError if a file has its name."""
        if not self.path.exists():
            return True
        if not self.path.is_dir():
            raise RunFolderError(f"{self.path} is a file. Choose another folder with --run-folder.")
        return all(TEMPORARY.fullmatch(path.name) for path in self.path.iterdir())

    @property
    def has_begun(self) -> bool:
        """Whether the run has made anything beyond the records of what it is going to do."""
        return not self._records >= set(self.path.iterdir())

    @property
    def _records(self) -> set[Path]:
        return {self.recipe_file, self.data_file, self.environment_file}

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Holds the folder for this process; RunFolderError if another one trains in it.

        A folder that is no run's is left alone.
        """
        foreign = not self.is_new and not self.recipe_file.exists()
        with ExitStack() as stack:
            if not foreign:
                self.path.mkdir(parents=True, exist_ok=True)
                try:
                    stack.enter_context(locked(self.path, wait=False))
                except BlockingIOError:
                    raise RunFolderError(
                        f"Another process is working in {self.path}. Wait for it, or choose another folder with "
                        "--run-folder."
                    ) from None
                self._check_links()
                for place in (self.path, self.stores, self.epochs, self.bad_batches, self.hypotheses, self.exports):
                    remove_leftovers(place)
            yield

    def _check_links(self) -> None:
        """Raises RunFolderError for a link in the folder: its target would be written to, or removed."""
        for place, folders, files in os.walk(self.path):
            for name in folders + files:
                self.inside(Path(place, name))

    def inside(self, path: Path) -> Path:
        """Returns a path in the folder that will be written to; RunFolderError if the path leads through a link."""
        try:
            check_no_links(self.path, path)
        except ValueError as error:
            raise RunFolderError(f"{error} Or choose another folder with --run-folder.") from None
        return path

    @contextmanager
    def begun(self) -> Iterator[None]:
        """As `claimed`; a folder that was made inside is removed where the work fails before anything was learned."""
        made = [path for path in (self.path, *self.path.parents) if not path.exists()]
        with self.claimed():
            try:
                yield
            except BaseException:
                if made and self.path.is_dir() and not self.has_begun:
                    for file in self._records:
                        file.unlink(missing_ok=True)
                    with suppress(OSError):  # another process has put something beside it
                        for path in made:
                            path.rmdir()
                raise

    def write(self, file: Path, text: str) -> None:
        """Writes a text file whole or not at all."""
        self.inside(file).parent.mkdir(parents=True, exist_ok=True)
        write_text(file, text)

    def write_json(self, file: Path, value: Any) -> None:
        self.write(file, format_json(value, indent=2) + "\n")

    def save_recipe(self, recipe: Recipe, made_of: list[dict[str, Any]] | None = None) -> None:
        """Writes recipe.json; for averaged weights with the files that they were made of."""
        values = {"format": FORMAT, "seq2seq": __version__, "recipe": recipe.model_dump(mode="json")}
        self.write_json(self.recipe_file, values | ({"made_of": made_of} if made_of else {}))

    @property
    def is_average(self) -> bool:
        """Whether the weights are the mean of others and were not trained here; see `save_recipe`."""
        try:
            return "made_of" in read_json(self.recipe_file)
        except (OSError, ValueError, TypeError):
            return False

    def keep_epoch(self, epoch: int, model: Any, count: int) -> None:
        """Writes the weights of an epoch, counted from 1, to epochs/, and removes all but the last `count`."""
        self.inside(self.epochs).mkdir(exist_ok=True)
        save_weights(model, self.epochs / f"{epoch:04d}{WEIGHTS}")
        for number, path in self.kept_epochs().items():
            if not epoch - count < number <= epoch:
                path.unlink()

    def kept_epochs(self) -> dict[int, Path]:
        """Returns the weights files of the epochs that were kept, oldest first, by their numbers from 1."""
        files = sorted(self.epochs.glob(f"*{WEIGHTS}"))
        return {int(name): path for path in files if (name := path.name.removesuffix(WEIGHTS)).isdecimal()}

    def read_recipe(self, kind: type[RecipeT]) -> RecipeT:
        """Reads the resolved recipe; RunFolderError if this is no run folder, or one of another version."""
        self._check_is_run()
        return load_recipe(self.recipe_file, kind)

    def read_record(self) -> dict[str, Any]:
        """Returns what recipe.json holds; errors as `read_recipe`."""
        self._check_is_run()
        return read_record(self.recipe_file)

    def load_network(self, build: Callable[[], Any]) -> Any:
        """Returns a network in float32 with the run's weights.

        Args:
            build: Makes the network, once it is known that there are weights.

        Raises:
            RunFolderError: the weights are missing, damaged or of another model.
        """
        if not self.weights_file.is_file():
            raise RunFolderError(f"{self.path} has no trained weights yet: {self.weights_file.name} is missing.")
        prepare_keras()
        import keras

        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy("float32")
        try:
            model = build()
        finally:
            keras.config.set_dtype_policy(before)
        load_weights(model, self.weights_file)
        return model

    def _check_is_run(self) -> None:
        if not self.path.is_dir():
            raise RunFolderError(f"{self.path}: no such run folder.")
        if not self.recipe_file.is_file():
            maker, _ = read_marker(self.path)
            is_export = maker in map(export_kind, EXPORTS)
            advice = f" `{maker}` made it: give the run that it was made of." if is_export else ""
            raise RunFolderError(f"{self.path} is no run folder: it has no recipe.json.{advice}")


def check_same_architecture(first: RunFolder, other: RunFolder, one: Mapping[str, Any], two: Mapping[str, Any]) -> None:
    """Raises RunFolderError, which lists them, if fields of two networks differ; those of dropout may."""
    names = [name for name in two if one[name] != two[name] and not name.endswith("dropout")]
    if names:
        apart = "".join(f"\n  {name}: {one[name]!r} and {two[name]!r}" for name in names)
        raise RunFolderError(f"{first.path} and {other.path} are of different architectures:{apart}")


def load_recipe(path: Path, kind: type[RecipeT]) -> RecipeT:
    """Reads a recipe.json; RunFolderError or RecipeError says what is wrong with it."""
    try:
        return from_json(kind, read_record(path).get("recipe"), str(path))
    except RecipeError as error:
        raise RunFolderError(str(error)) from error


def read_record(path: Path) -> dict[str, Any]:
    """Returns the JSON object of a recipe.json; RunFolderError if it is damaged or of another format."""
    try:
        values = parse_json(read_bytes(path, MOST).decode("utf-8-sig"))
    except FileNotFoundError:
        raise RunFolderError(f"{path}: no such file.") from None
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: not a readable JSON file ({error}).") from error
    if not isinstance(values, dict) or "format" not in values:
        raise RunFolderError(f"{path}: not a recipe of this toolkit: it has no format number.")
    if values["format"] != FORMAT:
        raise RunFolderError(
            f"{path}: written in format {values['format']} by seq2seq {values.get('seq2seq', '?')}; this is seq2seq "
            f"{__version__}, which reads format {FORMAT}. Use the version that wrote it, or train again."
        )
    return values


def save_weights(model: Any, path: Path) -> None:
    """Writes a weights-only file by Keras, whole or not at all."""
    with whole_file(path) as partial:
        model.save_weights(partial)


def _check_arrays(path: Path, most: int) -> None:
    """ValueError if an HDF5 file points to other files, or declares more than `most` bytes, as reading would take.

    Keras would convert numbers of another kind without a word: all but the states of random generators must be floats.
    """
    import h5py

    check_regular(path)
    with h5py.File(path) as file:
        groups, seen, size = [file], set(), 0
        while groups:
            group = groups.pop()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError(f"it holds a link to another place: {name}")
                item = group[name]
                place = h5py.h5o.get_info(item.id).addr
                if isinstance(item, h5py.Group) and place not in seen:
                    groups.append(item)
                elif isinstance(item, h5py.Dataset):
                    if item.external or item.is_virtual:
                        raise ValueError(f"it takes an array from another file: {name}")
                    if item.dtype.kind != "f" and "seed_generator" not in item.name:
                        raise ValueError(f"{item.name} is an array of {item.dtype}, expected floats")
                    size += item.nbytes
                seen.add(place)
        if size > most:
            raise ValueError(f"it declares {size:,} bytes of arrays; the model has no more than {most:,}")


def load_weights(model: Any, path: Path) -> None:
    """Reads what `save_weights` wrote; RunFolderError if it is damaged, not finite or of another model."""
    import keras
    import numpy as np

    try:
        _check_arrays(path, 2 * sum(weight.nbytes for weight in model.get_weights()) + (1 << 20))
        model.load_weights(path)
        for weight in model.weights:
            if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
                raise ValueError(f"{weight.path} holds numbers that are not finite")
    except Exception as error:  # h5py and Keras raise many kinds for a bad file
        reason = " ".join(str(error).split())[:200]
        raise RunFolderError(f"{path}: the weights are damaged or of another model ({reason}).") from error
