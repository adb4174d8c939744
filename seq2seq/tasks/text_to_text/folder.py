"""The run folder of a task that reads text and writes text: its recipe, tokenisers, test sets and model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seq2seq.files import read_json
from seq2seq.run.folder import RunFolder, RunFolderError
from seq2seq.tasks.text_to_text.kind import placeholders_of
from seq2seq.tasks.text_to_text.model import build_model, check_size
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.tasks.text_to_text.test_sets import text_of
from seq2seq.text.corpus import Text
from seq2seq.text.subword import SubwordTokenizer


class TextRunFolder(RunFolder):
    """A run folder with the tokenisers of both sides.

    Args:
        path: The folder; it need not exist yet.
    """

    def __init__(self, path: Path | str):
        super().__init__(path)
        self.learned_file = self.path / "learned.json"
        self.source_model_file = self.path / "source.model"
        self.target_model_file = self.path / "target.model"

    def load_recipe(self) -> Recipe:
        """Reads the resolved recipe; errors as `RunFolder.read_recipe`."""
        return self.read_recipe(Recipe)

    def save_tokenizers(self, source: SubwordTokenizer, target: SubwordTokenizer) -> None:
        source.save(self.source_model_file)
        target.save(self.target_model_file)

    def load_tokenizers(self) -> tuple[SubwordTokenizer, SubwordTokenizer]:
        """Returns the source's and the target's; RunFolderError names a missing or damaged one."""
        recipe = self.load_recipe()
        placeholders = placeholders_of(recipe)
        try:
            return (
                SubwordTokenizer.load(self.source_model_file, False, placeholders),
                SubwordTokenizer.load(self.target_model_file, recipe.data.right_to_left, placeholders),
            )
        except ValueError as error:
            raise RunFolderError(str(error)) from error

    def load_test(self, name: str) -> Text:
        """Returns a test set of the run's data; RunFolderError lists those that the run has."""
        try:
            tests = read_json(self.data_file)["tests"]
            known = {name: text_of(entry) for name, entry in tests.items()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunFolderError(f"{self.data_file}: missing or damaged ({error}).") from error
        if name not in known:
            raise RunFolderError(
                f"This run knows the test sets {', '.join(known) or 'none'}. Received: {name!r}. "
                "For other text give --source FILE --target FILE."
            )
        return known[name]

    def load_model(self) -> tuple[Any, SubwordTokenizer, SubwordTokenizer]:
        """Returns the trained model and its tokenisers, source and target.

        Raises:
            RunFolderError: something is missing, damaged, or does not fit together.
        """
        recipe = self.load_recipe()
        source, target = self.load_tokenizers()

        def build() -> Any:
            check_size(recipe.model, source.size, target.size, self.weights_file)
            return build_model(recipe.model, source.size, target.size, source.vocabulary)

        return self.load_network(build), source, target
