"""What comes before the epochs: a tokeniser is learned, the text becomes ids. Each stage can be resumed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from seq2seq.distributed import team
from seq2seq.pipeline.store import Column, Store
from seq2seq.pipeline.stream import StreamPlan
from seq2seq.symbols import EOS, UNK
from seq2seq.tasks.language_model.data import Corpus
from seq2seq.tasks.language_model.folder import LanguageRunFolder
from seq2seq.tasks.language_model.recipe import Recipe
from seq2seq.text.codecs import Codec
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.text.vocabulary import Vocabulary

COLUMN = "tokens"
CHUNK = 4096
"""Lines tokenised at once."""

_log = logging.getLogger(__name__)


def learn_codec(folder: LanguageRunFolder, recipe: Recipe, corpus: Corpus) -> Codec:
    """Returns the tokeniser, learned from the training text or, in a run that goes on, read again."""
    file, options = folder.codec_file(recipe), recipe.tokenizer
    if file.exists():
        return folder.load_codec()
    if options.kind in ("words", "characters"):
        codec: Codec = Vocabulary.learn(corpus.train, options.kind, options.size)
    else:
        codec = SubwordTokenizer.train(corpus.train, options.size, options.kind, options.byte_fallback)
    codec.save(folder.inside(file))
    _log.info("Learned a vocabulary of %s ids (%s)", f"{codec.size:,}", options.kind)
    return folder.load_codec()


class TokenStream:
    """The text as one sequence of ids, in a store on disk."""

    def __init__(self, folder: LanguageRunFolder, recipe: Recipe, corpus: Corpus, codec: Codec):
        if team.size() > 1:
            raise ValueError("A language model is trained by one process, as its state goes from batch to batch.")
        self.folder, self.recipe, self.codec = folder, recipe, codec
        self.train = self._write("train", corpus.train)
        self.validation = self._write("validation", corpus.validation)
        for name, store in (("Training", self.train), ("Validation", self.validation)):
            values = store[COLUMN].values
            if not len(values):
                raise ValueError(f"{name} text is empty: it has no line.")
            unknown = sum(int((part == UNK).sum()) for part in _blocks(values))
            share = f", {100 * unknown / len(values):.1f} % unknown" if unknown else ""
            _log.info("%s text: %s tokens in %s lines%s", name, f"{len(values):,}", f"{len(store):,}", share)

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return len(self.plan(0))

    def plan(self, epoch: int) -> StreamPlan:
        """Returns the batches of an epoch, which begins at a place of the text that follows from seed and epoch."""
        batching = self.recipe.batching
        return StreamPlan(self.train[COLUMN].values, batching.rows, batching.steps, self.recipe.seed, epoch)

    def validation_plan(self) -> StreamPlan:
        """Returns the batches of the validation text."""
        batching, values = self.recipe.batching, self.validation[COLUMN].values
        return StreamPlan(values, batching.rows, batching.steps, self.recipe.seed, shuffle=False)

    def _write(self, name: str, lines: Iterable[str]) -> Store:
        folder = self.folder.inside(self.folder.stores / name)
        if (folder / "store.json").exists():
            store = Store(folder)
            store.check_below(COLUMN, self.codec.size)
            return store
        return Store.write(folder, _rows(lines, self.codec), {COLUMN: Column("int32")})


def _rows(lines: Iterable[str], codec: Codec) -> Iterator[dict[str, Any]]:
    iterator = iter(lines)
    while chunk := list(islice(iterator, CHUNK)):
        for ids in codec.encode(chunk):
            yield {COLUMN: [*ids, EOS]}


def _blocks(values: np.ndarray) -> Iterator[np.ndarray]:
    return (values[start : start + (1 << 20)] for start in range(0, len(values), 1 << 20))
