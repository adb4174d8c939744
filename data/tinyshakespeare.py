"""Tiny Shakespeare: 40,000 lines of his plays (Karpathy 2015), 1,115,394 characters, for models of characters.

Split by characters: the first 90 % are for training, the next 5 % for validation, the last 5 % for the test. A split
may begin or end within a line.
"""

from __future__ import annotations

from pathlib import Path

from seq2seq.files import write_text
from seq2seq.folders import whole_folder
from seq2seq.text.lines import Lines

from .fetch import RemoteFile, cache_folder, fetch, prepare

NAME = "tinyshakespeare"
LANGUAGES = ("en",)
SPLITS = ("train", "validation", "test")
LICENCE = "Public domain"
CITATION = "Karpathy 2015, The Unreasonable Effectiveness of Recurrent Neural Networks"
FILE = RemoteFile(
    "lm",
    "tinyshakespeare.txt",
    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
)


def load(split: str) -> Lines:
    """Returns the lines of a split; downloads the text if necessary.

    Raises:
        ValueError: the split is unknown, or the text is not available.
    """
    if split not in SPLITS:
        raise ValueError(f"Tiny Shakespeare has the splits {', '.join(SPLITS)}. Received: {split!r}")
    text = fetch(FILE)
    # The folder is named by the text's checksum: a changed text gets new files.
    folder = prepare(cache_folder(NAME) / f"split-{FILE.sha256[:12]}", lambda folder: _cut(text, folder))
    return Lines((folder / f"{split}.txt",))


def _cut(path: Path, folder: Path) -> None:
    text = path.read_bytes().decode("utf-8")
    first = len(text) * 9 // 10
    second = first + (len(text) - first) // 2
    with whole_folder(folder) as partial:
        for split, part in zip(SPLITS, (text[:first], text[first:second], text[second:]), strict=True):
            write_text(partial / f"{split}.txt", part)
