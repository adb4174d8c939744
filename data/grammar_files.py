"""The embedded corpus, written to files so that it is read like any other."""

from __future__ import annotations

import zlib
from pathlib import Path

from seq2seq.files import write_text
from seq2seq.folders import whole_folder
from seq2seq.text.corpus import ParallelText

from . import grammar, grammar_lexicon, grammar_syntax, grammar_words, grammar_writer
from .fetch import cache_folder, prepare

NAME, LANGUAGES, SPLITS = grammar.NAME, grammar.LANGUAGES, tuple(grammar.SPLITS)
LICENCE = "Apache-2.0: written for this project"
CITATION = "This project"


def load(split: str, source: str, target: str) -> ParallelText:
    """Returns a split in a direction, generated on first use; ValueError for an unknown split or language."""
    if split not in SPLITS:
        raise ValueError(f"The grammar has the splits {', '.join(SPLITS)}. Received: {split!r}")
    if {source, target} != set(LANGUAGES):
        raise ValueError(f"The grammar is in {' and '.join(LANGUAGES)}. Received: {source!r}, {target!r}")

    def fill(folder: Path) -> None:
        pairs = list(grammar.generate(split))
        with whole_folder(folder) as partial:
            for column, language in enumerate(LANGUAGES):
                write_text(partial / f"{split}.{language}", "".join(pair[column] + "\n" for pair in pairs))

    folder = prepare(cache_folder(NAME) / f"{_version():08x}-{split}", fill)
    return ParallelText(folder / f"{split}.{source}", folder / f"{split}.{target}")


def _version() -> int:
    """Checksum of the grammar's source: a changed grammar gets new files."""
    modules = (grammar, grammar_lexicon, grammar_syntax, grammar_words, grammar_writer)
    return zlib.crc32(b"".join(Path(str(module.__file__)).read_bytes() for module in modules))
