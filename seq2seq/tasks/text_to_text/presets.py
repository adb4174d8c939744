"""Sizes of networks, vocabularies and training for a corpus of the user's own, chosen by how much text there is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from seq2seq.run.parsing import override
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.text.corpus import CorpusError
from seq2seq.text.examples import Example

MIN_PAIRS = 100
"""Training with fewer pairs is refused: there would be one pair for validation, or none."""
MAX_COUNTED = 2_000_000
"""Pairs that are counted at most: beyond them nothing depends on the number."""
WORDS_READ = 14_000_000
"""Words of both sides that training passes over in all its epochs, within the bounds of `MIN_EPOCHS` and `MAX_EPOCHS`.
The recipes for Multi30k and Tatoeba pass over 14 and 12 million."""
MIN_EPOCHS, MAX_EPOCHS = 3, 40


class CorpusSize(NamedTuple):
    """How much text a corpus has."""

    pairs: int
    """Pairs with text on both sides."""
    words: int
    """Words of both sides. Of a line without spaces, two characters count as a word."""
    is_complete: bool = True
    """False: only the first `MAX_COUNTED` pairs were counted."""


@dataclass(frozen=True)
class Preset:
    """What suits a corpus of some size.

    The values follow the recipes for catalogue data sets of that size, Multi30k and AESLC for medium; with little text,
    a small vocabulary and small batches (Sennrich and Zhang 2019). Half the network with more dropout learned less from
    5,000 pairs, see benchmarks/README.md.
    """

    name: str
    below: int
    """For corpora with fewer words than this, on both sides together."""
    vocabulary: int
    embedding: int
    encoder: int
    decoder: int
    attention: int
    dropout: float
    batch: int
    learning_rate: float
    warmup: int
    reason: str

    def fields(self, size: CorpusSize) -> dict[str, str]:
        """Returns the recipe fields and their values, as on a command line."""
        rate = str(self.dropout)
        return {
            "tokenizer.size": str(self.vocabulary),
            "model.embedding": str(self.embedding),
            "model.encoder.units": str(self.encoder),
            "model.encoder.dropout": rate,
            "model.decoder.units": str(self.decoder),
            "model.decoder.num_layers": "2",
            "model.decoder.attention_position": "between",
            "model.decoder.attention_units": str(self.attention),
            "model.decoder.dropout": rate,
            "batching.tokens": str(self.batch),
            "training.learning_rate": str(self.learning_rate),
            "training.warmup_steps": str(self.warmup),
            "training.epochs": str(min(MAX_EPOCHS, max(MIN_EPOCHS, round(WORDS_READ / size.words)))),
        }


PRESETS = (
    Preset(
        *("small", 300_000, 2000, 256, 256, 320, 192, 0.3, 1500, 0.002, 100),
        reason="a small vocabulary, whose tokens come often enough to be learned, and small batches",
    ),
    Preset(
        *("medium", 3_000_000, 6000, 256, 256, 320, 192, 0.3, 2560, 0.002, 300),
        reason="enough text for a vocabulary of whole words, too little for a large network",
    ),
    Preset(
        *("large", 10**18, 16_000, 320, 384, 512, 256, 0.2, 5000, 0.0015, 1000),
        reason="enough text for a large network, in few epochs",
    ),
)
"""In the order of their sizes."""


def measure(corpus: Iterable[Example]) -> CorpusSize:
    """Returns the size of a corpus; CorpusError if it has fewer than `MIN_PAIRS` pairs, or a line cannot be read."""
    pairs = words = rows = 0
    for example in islice(corpus, MAX_COUNTED):
        rows += 1
        source, target = _words(example.source), _words(example.target)
        if source and target:
            pairs, words = pairs + 1, words + source + target
    if pairs < MIN_PAIRS:
        raise CorpusError(
            f"Expected at least {MIN_PAIRS} pairs with text on both sides to train on, better some 10,000. "
            f"Received: {pairs:,}."
        )
    return CorpusSize(pairs, words, rows < MAX_COUNTED)


def _words(text: str) -> int:
    words = len(text.split())
    return words if len(text) < 15 * words else max(words, len(text) // 2)


def preset_for(size: CorpusSize) -> Preset:
    """Returns the preset for a corpus of this size."""
    return next(preset for preset in PRESETS if size.words < preset.below)


def fitted(base: Recipe, size: CorpusSize) -> Recipe:
    """Returns the recipe with the fields that the preset for this size sets."""
    return override(base, preset_for(size).fields(size))


def explanation(recipe: Recipe, size: CorpusSize) -> str:
    """Returns two lines that say what was chosen for the corpus and why."""
    preset = preset_for(size)
    more = "" if size.is_complete else "more than "
    model, training = recipe.model, recipe.training
    vocabulary = ", ".join(recipe.tokenizer.model) or f"{recipe.tokenizer.size:,}"
    if training.grow_vocabulary:
        vocabulary += f" and up to {training.grow_vocabulary:,} tokens more"
    return (
        f"{more}{size.pairs:,} pairs, {more}{size.words:,} words: preset {preset.name} ({preset.reason}).\n"
        f"Vocabulary {vocabulary}; encoder 2 x {model.encoder.units}, decoder "
        f"{model.decoder.num_layers} x {model.decoder.units}; dropout {model.decoder.dropout:g}; batches of "
        f"{recipe.batching.tokens:,} tokens; {training.epochs} epochs."
    )
