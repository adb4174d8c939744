"""Sentence compression: news sentences and their shortened versions (Filippova & Altun 2013), 10,000 pairs.

The official evaluation set in its order: the first 1,000 are the test set, the next 1,000 the validation set, as in the
literature; the other 8,000 are for training.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from pathlib import Path

from seq2seq.files import write_text
from seq2seq.folders import whole_folder
from seq2seq.text.corpus import Records

from .fetch import FetchError, RemoteFile, cache_folder, fetch, find, prepare

NAME = "sentence_compression"
LANGUAGES = ("en",)
SPLITS = {"test": (0, 1000), "val": (1000, 2000), "train": (2000, 10_000)}
LICENCE = 'None granted ("as is"); the text is from news: for your own use'
CITATION = "Filippova & Altun 2013, Overcoming the Lack of Parallel Data in Sentence Compression, EMNLP"
CONTENT = "57f2dd917aa49c07fb391e6312885dd220def1d8dac8378857bf9eae338317c6"
"""sha256 of the TSV."""
MIRRORED = RemoteFile(
    NAME,
    "comp-data.eval.tsv.gz",
    "https://github.com/serge-sotnyk/seq2seq-compress/raw/master/comp-data.eval.tsv",
    "ae7fc590d5db22ad139d9f39b5a9bae853f464edcdfd185988350c517cac0397",
)
OFFICIAL = RemoteFile(NAME, "comp-data.eval.tsv", MIRRORED.url, CONTENT)


def load(split: str, source: str = "en", target: str = "en") -> Records:
    """Returns a split. ValueError for an unknown split or language, or if the file is not available."""
    if split not in SPLITS:
        raise ValueError(f"Sentence compression has the splits {', '.join(SPLITS)}. Received: {split!r}")
    if {source, target} != set(LANGUAGES):
        raise ValueError(f"Sentence compression is in English (en). Received: {source!r}, {target!r}")
    folder = prepare(cache_folder(NAME) / f"split-{CONTENT[:12]}", _cut)
    return Records(folder / f"{split}.jsonl", "sentence", "compression")


def _cut(folder: Path) -> None:
    path = find(MIRRORED) or fetch(OFFICIAL)
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if hashlib.sha256(data).hexdigest() != CONTENT:
        raise FetchError(f"{path} does not hold the expected sentences: the sha256 of the TSV must be {CONTENT}.")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8")), delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    with whole_folder(folder) as partial:
        for name, (first, end) in SPLITS.items():
            pairs = ({"sentence": row[0], "compression": row[1]} for row in rows[first:end])
            lines = (json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs)
            write_text(partial / f"{name}.jsonl", "".join(lines))
