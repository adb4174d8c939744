"""The run folder of a speech recogniser: its recipe, its front end, its tokeniser and its network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seq2seq.audio.frontend import FRONTEND_FILE, Frontend
from seq2seq.files import read_json
from seq2seq.run.folder import RunFolder, RunFolderError
from seq2seq.tasks.speech.codec import SpeechCodec
from seq2seq.tasks.speech.network import build_network, check_size
from seq2seq.tasks.speech.recipe import Recipe
from seq2seq.text.codecs import TOKENIZER_FILE, VOCABULARY_FILE, load_codec


class SpeechRunFolder(RunFolder):
    """A run folder with a front end and a tokeniser.

    Args:
        path: The folder; it need not exist yet.
    """

    def __init__(self, path: Path | str):
        super().__init__(path)
        self.vocabulary_file = self.path / VOCABULARY_FILE
        self.tokenizer_file = self.path / TOKENIZER_FILE
        self.frontend_file = self.path / FRONTEND_FILE
        self.samples_file = self.path / "samples.txt"

    def load_recipe(self) -> Recipe:
        """Reads the resolved recipe; errors as `RunFolder.read_recipe`."""
        return self.read_recipe(Recipe)

    def codec_file(self, recipe: Recipe) -> Path:
        """Returns where the tokeniser of the recipe's kind is."""
        return self.vocabulary_file if recipe.tokenizer.kind in ("words", "characters") else self.tokenizer_file

    def load_codec(self) -> SpeechCodec:
        """Returns front end and tokeniser; RunFolderError names a missing or damaged file."""
        recipe = self.load_recipe()
        try:
            codec = SpeechCodec(Frontend.load(self.frontend_file), load_codec(self.codec_file(recipe)))
        except ValueError as error:
            raise RunFolderError(str(error)) from error
        mels, audio = codec.frontend.mels, recipe.audio
        if (mels.rate, mels.mels) != (audio.rate, audio.mels):
            raise RunFolderError(
                f"{self.frontend_file}: expected {audio.mels} mels at {audio.rate} Hz, as in the recipe. Received: "
                f"{mels.mels} mels at {mels.rate} Hz"
            )
        return codec

    def load_tests(self) -> dict[str, Path]:
        """Returns the manifests of the test sets by name; RunFolderError if data.json is damaged."""
        try:
            return {name: Path(entry["manifest"]) for name, entry in read_json(self.data_file)["tests"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunFolderError(f"{self.data_file}: missing or damaged ({error}).") from error

    def load_model(self) -> tuple[Any, SpeechCodec]:
        """Returns the trained network, and front end and tokeniser.

        Raises:
            RunFolderError: something is missing, damaged, or does not fit together.
        """
        recipe, codec = self.load_recipe(), self.load_codec()

        def build() -> Any:
            check_size(recipe.model, self.weights_file)
            return build_network(recipe.model, codec.frontend.mels.mels, codec.text.size)

        return self.load_network(build), codec
