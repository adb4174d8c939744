"""The run folder of a forecaster: its recipe, what it learned of its table, and its network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.files import read_json
from seq2seq.run.folder import RunFolder, RunFolderError
from seq2seq.series.codec import CODEC_FILE, SeriesCodec
from seq2seq.series.table import Floats
from seq2seq.tasks.forecast.network import build_network, check_size, make_inputs
from seq2seq.tasks.forecast.recipe import Recipe


class ForecastRunFolder(RunFolder):
    """A run folder with the codec of a table.

    Args:
        path: The folder; it need not exist yet.
    """

    def __init__(self, path: Path | str):
        super().__init__(path)
        self.codec_file = self.path / CODEC_FILE
        self.plot_file = self.path / "forecasts.png"
        self.past = self.path / "past"
        self.past_file = self.path / "past.json"

    def load_recipe(self) -> Recipe:
        """Reads the resolved recipe; errors as `RunFolder.read_recipe`."""
        return self.read_recipe(Recipe)

    def load_codec(self) -> SeriesCodec:
        """Returns what was learned of the table; RunFolderError names a missing or damaged file."""
        try:
            return SeriesCodec.load(self.codec_file)
        except ValueError as error:
            raise RunFolderError(str(error)) from error

    def load_past(self, horizon: int) -> Floats:
        """Returns what the network added in the past, `(2, groups, horizon)`; RunFolderError if that is damaged."""
        try:
            record = read_json(self.past_file)
            sums = np.asarray([record["products"], record["squares"]], np.float64)
            if sums.ndim != 3 or sums.shape[2] != horizon or not np.isfinite(sums).all() or (sums[1] < 0).any():
                raise ValueError(f"expected two tables of {horizon} numbers a row")
            return sums
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunFolderError(
                f"{self.past_file}: missing or damaged ({error}). Delete it and train again."
            ) from error

    def load_files(self) -> dict[str, tuple[str, str | None]]:
        """Returns path and checksum of the user's tables, "train" and maybe "test"; RunFolderError if data.json is
        damaged."""
        try:
            record = read_json(self.data_file)
            digests = {**record["training"], **record["test_files"]}
            return {str(name): (str(path), digests[path]) for name, path in record["places"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunFolderError(f"{self.data_file}: missing or damaged ({error}).") from error

    def load_model(self) -> tuple[Any, SeriesCodec]:
        """Returns the trained network and the codec.

        Raises:
            RunFolderError: something is missing, damaged, or does not fit together.
        """
        recipe, codec = self.load_recipe(), self.load_codec()

        def build() -> Any:
            check_size(recipe.model, self.weights_file)
            return build_network(recipe, make_inputs(recipe, codec))

        return self.load_network(build), codec
