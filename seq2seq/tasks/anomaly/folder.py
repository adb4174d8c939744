"""The run folder of a detector: its recipe, how tables are read, its network, and the threshold of alarms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seq2seq.files import output_file, read_json
from seq2seq.inference.anomalies import AlarmSettings
from seq2seq.run.folder import RunFolder, RunFolderError
from seq2seq.series.alarms import NORMAL_FILE, load_normal, save_normal
from seq2seq.series.streams import STREAMS_FILE, StreamCodec
from seq2seq.series.table import Floats
from seq2seq.tasks.anomaly.network import build_network, check_size
from seq2seq.tasks.anomaly.recipe import Recipe


class AnomalyRunFolder(RunFolder):
    """A run folder with the threshold of a detector.

    Args:
        path: The folder; it need not exist yet.
    """

    def __init__(self, path: Path | str):
        super().__init__(path)
        self.codec_file = self.path / STREAMS_FILE
        self.alarms_file = self.path / "alarms.json"
        self.normal_file = self.path / NORMAL_FILE
        self.plot_file = self.path / "alarms.png"

    def load_recipe(self) -> Recipe:
        """Reads the resolved recipe; errors as `RunFolder.read_recipe`."""
        return self.read_recipe(Recipe)

    def load_codec(self) -> StreamCodec:
        """Returns how tables are read; RunFolderError names a missing or damaged file."""
        try:
            return StreamCodec.load(self.codec_file)
        except ValueError as error:
            raise RunFolderError(str(error)) from error

    def save_alarms(self, alarms: AlarmSettings, normal: Sequence[Floats]) -> None:
        """Keeps the threshold, and the scores of normal data for those of other rates."""
        with output_file(self.inside(self.normal_file)) as partial:
            save_normal(partial, normal)
        self.write_json(self.alarms_file, alarms._asdict())

    def load_alarms(self) -> AlarmSettings | None:
        """Returns the threshold; None before training has ended. RunFolderError if its file is damaged."""
        if not self.alarms_file.is_file():
            return None
        try:
            entry = read_json(self.alarms_file)
            found = AlarmSettings(float(entry["rate"]), int(entry["gap"]), float(entry["threshold"]))
            if math.isnan(found.threshold) or found.gap < 0:
                raise ValueError(f"threshold {found.threshold}, gap {found.gap}")
        except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise RunFolderError(f"{self.alarms_file}: damaged ({error}).") from error
        return found

    def load_normal(self) -> list[Floats]:
        """Returns the scores of normal data by series; RunFolderError if their file is missing or damaged."""
        try:
            return load_normal(self.normal_file)
        except ValueError as error:
            raise RunFolderError(str(error)) from error

    def load_files(self) -> dict[str, str | None]:
        """Returns the checksums of the user's tables by path; RunFolderError if data.json is damaged."""
        try:
            return {str(path): digest for path, digest in read_json(self.data_file)["training"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunFolderError(f"{self.data_file}: missing or damaged ({error}).") from error

    def load_model(self) -> Any:
        """Returns the trained network; RunFolderError if something is missing, damaged, or does not fit together."""
        recipe = self.load_recipe()

        def build() -> Any:
            check_size(recipe.model, self.weights_file)
            return build_network(recipe.model)

        return self.load_network(build)
