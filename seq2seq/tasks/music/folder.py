"""The run folder of a model of music: its recipe, its codec and its network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seq2seq.files import read_json
from seq2seq.music.events import CODEC_FILE, EventCodec
from seq2seq.music.likeness import CORPUS_FILE, Corpus
from seq2seq.run.folder import RunFolder, RunFolderError
from seq2seq.tasks.music.network import build_network, check_size
from seq2seq.tasks.music.recipe import Recipe


class MusicRunFolder(RunFolder):
    """A run folder with an `EventCodec`.

    Args:
        path: The folder; it need not exist yet.
    """

    def __init__(self, path: Path | str):
        super().__init__(path)
        self.codec_file = self.path / CODEC_FILE
        self.corpus_file = self.path / CORPUS_FILE

    def load_recipe(self) -> Recipe:
        """Reads the resolved recipe; errors as `RunFolder.read_recipe`."""
        return self.read_recipe(Recipe)

    def load_codec(self) -> EventCodec:
        """Returns the codec; RunFolderError names a missing or damaged one."""
        try:
            return EventCodec.load(self.codec_file)
        except ValueError as error:
            raise RunFolderError(str(error)) from error

    def load_corpus(self) -> Corpus:
        """Returns the notes of the training pieces; RunFolderError names a missing or damaged file."""
        try:
            return Corpus.load(self.corpus_file)
        except ValueError as error:
            raise RunFolderError(str(error)) from error

    def read_test_files(self) -> list[Path]:
        """Returns the test files of a run on a user's own; RunFolderError if data.json is damaged."""
        try:
            return [Path(path) for path in read_json(self.data_file)["tests"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunFolderError(f"{self.data_file}: missing or damaged ({error}).") from error

    def load_model(self) -> tuple[Any, EventCodec]:
        """Returns the trained network and its codec.

        Raises:
            RunFolderError: something is missing, damaged, or does not fit together.
        """
        recipe, codec = self.load_recipe(), self.load_codec()

        def build() -> Any:
            check_size(recipe, codec, self.weights_file)
            return build_network(recipe, codec)

        return self.load_network(build), codec
