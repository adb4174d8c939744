"""What an evaluation leaves: hypotheses and a record of everything that the scores depend on; and reading it again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seq2seq.evaluation.comparison import System
from seq2seq.files import follow_links, is_plain_name, read_json
from seq2seq.folders import whole_folder
from seq2seq.metrics.tokenization import Tokenization
from seq2seq.run.environment import checksums
from seq2seq.run.folder import RunFolderError
from seq2seq.run.report import read_history, versions
from seq2seq.search.options import SearchOptions
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.tasks.text_to_text.test_sets import data_entry, text_of
from seq2seq.text.corpus import Text, files_of, read_lines
from seq2seq.text.examples import Example

RECORD = "scores.json"
HYPOTHESES = "hypotheses.txt"
EVALUATION = "seq2seq evaluate --output-folder"
"""The kind of folder that an evaluation leaves."""


def write_evaluation(
    folder: Path,
    run: str,
    recipe: Recipe,
    tokenization: Tokenization,
    text: Text,
    search: SearchOptions,
    scores: Mapping[str, Any],
    hypotheses: Sequence[str],
) -> None:
    """Writes hypotheses and record into a new folder, whole or not at all; ValueError if it holds something else."""
    record = {
        "run": run,
        "task": recipe.task,
        "language": recipe.data.target_language,
        "source_language": recipe.data.source_language,
        "score_tokenizer": tokenization.name,
        "scores": scores,
        "data": data_entry(text),
        "search": asdict(search),
        "versions": versions(),
    }
    with whole_folder(follow_links(folder), EVALUATION) as partial:
        (partial / HYPOTHESES).write_text("".join(line + "\n" for line in hypotheses), "utf-8")
        (partial / RECORD).write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", "utf-8")


class Scored:
    """A run folder or an evaluation, with the outputs that it holds.

    Args:
        path: The folder.

    Raises:
        RunFolderError: it is neither, or is damaged.
    """

    def __init__(self, path: Path):
        self.path, self.name = path, str(path)
        self._run = TextRunFolder(path) if (path / "recipe.json").is_file() else None
        try:
            if self._run:
                recipe = self._run.load_recipe()
                self.task, self.language, source = (
                    str(recipe.task),
                    recipe.data.target_language,
                    recipe.data.source_language,
                )
                record = read_json(self._run.scores_file)
                scores, name = record["tests"], record.get("score_tokenizer", recipe.data.score_tokenizer)
                entries = read_json(self._run.data_file)["tests"]
                self._tests = {name: (entries[name], scores[name]) for name in scores}
            else:
                record = read_json(path / RECORD)
                self.task, self.language = str(record["task"]), str(record["language"])
                source, name = str(record.get("source_language", "en")), record.get("score_tokenizer", "auto")
                self._tests = {"": (record["data"], record["scores"])}
            self.tokenization = Tokenization.of(self.language, str(name))
            self.source_tokenization = Tokenization.of(source)
            if strange := [name for name in self._tests if name and not is_plain_name(name)]:
                raise ValueError(f"{strange[0]!r} is no name of a test set")
        except FileNotFoundError as error:
            missing = Path(error.filename).name
            raise RunFolderError(
                f"{path} is no finished run and no evaluation: it has no {missing}. "
                f"Make one: seq2seq evaluate RUN --output-folder {path}"
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, RunFolderError):
                raise
            raise RunFolderError(f"{path}: damaged scores or data ({error!r}). Evaluate it again.") from error

    @property
    def tests(self) -> list[str]:
        """The test sets that it knows; an evaluation has one, without a name."""
        return list(self._tests)

    @property
    def files(self) -> list[Path]:
        """The files of its test sets, as they are on record."""
        found: list[Path] = []
        for entry, _ in self._tests.values():
            with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):  # reported where it is read
                found += files_of(text_of(entry))
        return found

    def examples(self, test: str) -> list[Example]:
        """The test set, held to the checksum on record."""
        entry, _ = self._entry(test)
        try:
            text, recorded = text_of(entry), dict(entry["sha256"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunFolderError(f"{self.path}: damaged data ({error!r}). Evaluate it again.") from error
        here = all(path.is_file() for path in files_of(text))  # of a missing one the reader says so
        for path, digest in (checksums(files_of(text)) if here else {}).items():
            if recorded.get(path) != digest:
                raise RunFolderError(f"{path} has changed since {self.path} was scored on it. Evaluate it again.")
        return list(text)

    def system(self, test: str) -> System:
        """Its outputs for the test set."""
        file = self._run.hypotheses / f"{test}.txt" if self._run else self.path / HYPOTHESES
        _, scores = self._entry(test)
        if file.exists() and not file.is_file():
            raise RunFolderError(f"{file} is not a regular file. Evaluate it again.")
        try:
            signatures = {name: str(value["signature"]) for name, value in scores.items()}
        except (KeyError, TypeError, AttributeError) as error:
            raise RunFolderError(f"{self.path}: damaged scores ({error!r}). Evaluate it again.") from error
        return System(self.name, list(read_lines(file)), signatures)

    def history(self) -> dict[str, list[float]]:
        """The validation columns of a run's training; nothing for an evaluation."""
        if self._run is None or not self._run.history_file.is_file():
            return {}
        rows = read_history(self._run)
        names = [name for name in rows[0] if name and name.startswith("val_")] if rows else []
        try:
            return {name: [float(row[name]) for row in rows] for name in names}
        except (ValueError, TypeError) as error:
            raise RunFolderError(f"{self._run.history_file}: damaged ({error}).") from error

    def _entry(self, test: str) -> tuple[Any, Any]:
        return self._tests[test if test in self._tests else ""]
