"""The run folder of a language model: its recipe, its tokeniser and its network."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from seq2seq.files import read_json
from seq2seq.run.environment import checksums
from seq2seq.run.folder import RunFolder, RunFolderError
from seq2seq.tasks.language_model.data import own_training_text
from seq2seq.tasks.language_model.network import build_network, check_size
from seq2seq.tasks.language_model.recipe import Recipe
from seq2seq.text.codecs import TOKENIZER_FILE, VOCABULARY_FILE, Codec, load_codec
from seq2seq.text.lines import Lines


class LanguageRunFolder(RunFolder):
    """A run folder with one tokeniser.

    Args:
        path: The folder; it need not exist yet.
    """

    def __init__(self, path: Path | str):
        super().__init__(path)
        self.vocabulary_file = self.path / VOCABULARY_FILE
        self.tokenizer_file = self.path / TOKENIZER_FILE
        self.samples_file = self.path / "samples.txt"

    def load_recipe(self) -> Recipe:
        """Reads the resolved recipe; errors as `RunFolder.read_recipe`."""
        return self.read_recipe(Recipe)

    def codec_file(self, recipe: Recipe) -> Path:
        """Returns where the tokeniser of the recipe's kind is."""
        return self.vocabulary_file if recipe.tokenizer.kind in ("words", "characters") else self.tokenizer_file

    def load_codec(self) -> Codec:
        """Returns the tokeniser; RunFolderError names a missing or damaged one."""
        try:
            return load_codec(self.codec_file(self.load_recipe()))
        except ValueError as error:
            raise RunFolderError(str(error)) from error

    def load_tests(self) -> dict[str, Lines]:
        """Returns the test sets of a run on a user's own files, by name; RunFolderError if data.json is damaged."""
        try:
            tests = read_json(self.data_file)["tests"]
            return {name: Lines(tuple(Path(file) for file in entry["files"])) for name, entry in tests.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunFolderError(f"{self.data_file}: missing or damaged ({error}).") from error

    def load_training_text(self) -> Iterable[str]:
        """Returns the training text of a run on a user's own files, found from any folder.

        Raises:
            RunFolderError: data.json is damaged, or a file is missing or has changed since.
        """
        try:
            record = read_json(self.data_file)
            before = {str(path): record["training"][path] for path in record["train"]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunFolderError(f"{self.data_file}: missing or damaged ({error}).") from error
        files = [Path(path) for path in before]
        if changed := [path for path, value in checksums(files).items() if before.get(path) != value]:
            raise RunFolderError(
                f"{changed[0]}: this training text of {self.path} is missing or has changed since. Bring the old file "
                "back."
            )
        return own_training_text(self.load_recipe().data, files)

    def load_model(self) -> tuple[Any, Codec]:
        """Returns the trained network and its tokeniser.

        Raises:
            RunFolderError: something is missing, damaged, or does not fit together.
        """
        recipe, codec = self.load_recipe(), self.load_codec()

        def build() -> Any:
            check_size(recipe.model, codec.size, self.weights_file)
            return build_network(recipe.model, codec.size)

        return self.load_network(build), codec
