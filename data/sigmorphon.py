"""Grapheme-to-phoneme conversion: American English words and their pronunciations, of SIGMORPHON 2021, task 1.

33,344 / 4,168 / 4,168 words of Wiktionary in letters and in the phones of the international phonetic alphabet, which
spaces separate. No word is in two splits.
"""

from __future__ import annotations

from seq2seq.text.corpus import Text, text_at

from .fetch import RemoteFile, fetch

NAME = "sigmorphon_g2p"
LANGUAGES = ("en", "ipa")
"""Letters, and phones."""
SPLITS = ("train", "val", "test")
LICENCE = "CC BY-SA 3.0, as Wiktionary, which the data is from"
CITATION = (
    "Ashby et al. 2021, Results of the Second SIGMORPHON Shared Task on Multilingual Grapheme-to-Phoneme Conversion; "
    "Lee et al. 2020, Massively Multilingual Pronunciation Modeling with WikiPron"
)
COMMIT = "821bcdece5a47820872215969f275004b0abe80c"
ADDRESS = f"https://raw.githubusercontent.com/sigmorphon/2021-task1/{COMMIT}/data/high"
FILES = {"train": "eng_us_train.tsv", "val": "eng_us_dev.tsv", "test": "eng_us_test.tsv"}
SHA256 = {
    "train": "bbe76f57ee799ef9094b1ed1fecf8861e754ac57c6aa4db7d5b18892c5401f7f",
    "val": "dcce99504c5f8a00ebf13499aa4d4c2b7fc37614b65127c98aa871855e77080e",
    "test": "726192932a69a7197348ee64898613e94968234ce426cfc67d984baf5ddd317c",
}
"""Of each file, by split."""


def load(split: str, source: str, target: str) -> Text:
    """Returns a split, letters to phones; downloads it if necessary. ValueError for an unknown split or direction."""
    if split not in SPLITS:
        raise ValueError(f"The words have the splits {', '.join(SPLITS)}. Received: {split!r}")
    if (source, target) != LANGUAGES:
        raise ValueError(f"The words go from {' to '.join(LANGUAGES)}. Received: {source!r} to {target!r}")
    name = FILES[split]
    return text_at(str(fetch(RemoteFile(NAME, name, f"{ADDRESS}/{name}", SHA256[split]))))
