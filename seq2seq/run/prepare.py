"""What comes before the epochs: the run folder is opened, tokenisers are learned, the text becomes ids.

Every stage can be taken up again where an earlier run has stopped.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from seq2seq.distributed import team
from seq2seq.pipeline.store import Link, TokenStore
from seq2seq.run.config import OPERATIONAL, Recipe
from seq2seq.run.folder import RunFolder, RunFolderError
from seq2seq.run.parsing import leaves
from seq2seq.run.report import read_history
from seq2seq.run.tokenizers import copy_rules, learn, needs_one_word
from seq2seq.text.alignment import to_pieces
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.types import AlignmentPoints, Example

if TYPE_CHECKING:
    from seq2seq.text.corpus import Text

EPOCHS = "training.epochs"
"""The field that a run may change to go on longer."""
LONG = 6
"""Pieces a word: text of which the words have more is hardly parted by blanks."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Corpus:
    """The data of a run. Each part can be read any number of times."""

    train: Iterable[Example]
    validation: Iterable[Example]
    tests: dict[str, Text]
    """By name; what `seq2seq evaluate --test NAME` finds later."""


def open_run(folder: RunFolder, recipe: Recipe) -> bool:
    """Makes the run folder, or opens it to go on. Returns whether the run is finished already.

    Raises:
        RunFolderError: the folder holds something else, or a run of another recipe.
    """
    if folder.is_new:
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.save_recipe(recipe)
        return False
    if not folder.recipe_file.exists():
        raise RunFolderError(f"{folder.path} exists and is no run folder. Choose another with --run-folder.")
    before = folder.load_recipe(type(recipe))
    if folder.is_average:
        raise RunFolderError(f"{folder.path} holds averaged weights, not a run that goes on. Choose another folder.")
    if folder.scores_file.exists():
        shutil.rmtree(folder.tokens, ignore_errors=True)  # the earlier run was stopped right before its last deed
    old = dict(leaves(before))
    changed = {name: value for name, value in leaves(recipe) if old[name] != value}
    if changed and (set(changed) <= OPERATIONAL or not (folder.path / "source.model").exists()):
        folder.save_recipe(recipe)  # otherwise the earlier run failed before it had done anything
    elif changed and set(changed) <= OPERATIONAL | {EPOCHS}:
        _change_epochs(folder, recipe)
    elif changed:
        told = "\n".join(f"  {name}: {old[name]!r} there, {value!r} now" for name, value in changed.items())
        raise RunFolderError(
            f"{folder.path} holds a run of another recipe:\n{told}\n"
            "Choose another folder with --run-folder, or delete this one."
        )
    return folder.scores_file.exists()


def _change_epochs(folder: RunFolder, recipe: Recipe) -> None:
    """Opens a run, finished or not, to go on to another number of epochs.

    Raises:
        RunFolderError: it has trained more epochs already, or is finished and has no checkpoint.
    """
    trained = len(read_history(folder)) if folder.history_file.exists() else 0
    if recipe.training.epochs < trained:
        raise RunFolderError(
            f"{folder.path} has trained {trained} epochs, and --{EPOCHS} {recipe.training.epochs} asks for fewer: give "
            f"{trained} or more, or another folder with --run-folder."
        )
    if folder.scores_file.exists():
        if not any(folder.path.glob(f"{folder.checkpoint_file.stem}*.npz")):
            raise RunFolderError(
                f"{folder.path} has no {folder.checkpoint_file.name} to go on from: train again in another folder "
                "(--run-folder)."
            )
        folder.scores_file.unlink()  # before the recipe changes: a run with scores is a finished run of its recipe
    folder.save_recipe(recipe)


def learn_tokenizers(folder: RunFolder, recipe: Recipe, corpus: Corpus) -> tuple[SubwordTokenizer, SubwordTokenizer]:
    """Returns source and target tokeniser, learned from the training text or, in a run that goes on, read again."""
    if (folder.path / "target.model").exists():
        return folder.load_tokenizers()
    _log.info("Learning a vocabulary of %s pieces", f"{recipe.tokenizer.size:,}")
    source, target = learn(recipe, lambda: ((e.source, e.target) for e in corpus.train))
    copy_rules(recipe, folder)
    if recipe.model.words:
        _warn_of_long_words(source, [example.source for example in islice(corpus.train, 200)])
    folder.save_tokenizers(source, target)
    return folder.load_tokenizers()


def _warn_of_long_words(tokenizer: SubwordTokenizer, lines: list[str]) -> None:
    ids = tokenizer.encode(lines)
    words = sum(len(line.split()) for line in lines)
    if words and (pieces := sum(map(len, ids)) / words) > LONG:
        _log.warning(
            "The source has %.0f pieces between blanks. model.words reads them all as one word: it is for languages "
            "that part words by blanks.",
            pieces,
        )


class TokenisedCorpus:
    """The training text as ids: one store for all epochs or, with subword sampling, a fresh one for each."""

    def __init__(
        self, folder: RunFolder, recipe: Recipe, corpus: Corpus, source: SubwordTokenizer, target: SubwordTokenizer
    ):
        self.folder, self.recipe, self.corpus = folder, recipe, corpus
        self.source, self.target = source, target
        self.train = self._in_turn("train", lambda: islice(corpus.train, recipe.data.max_train or None))
        self.validation = self._in_turn("validation", lambda: corpus.validation)
        for name, store in (("Training", self.train), ("Validation", self.validation)):
            counts = store.counts
            _log.info(
                "%s text: %s pairs (left out: %s with an empty side, %s too long)%s",
                *(name, f"{counts['pairs']:,}", f"{counts['empty']:,}", f"{counts['too_long']:,}"),
                f"; {counts['cut']:,} sources cut to {recipe.data.cut_source:,} pieces" if counts.get("cut") else "",
            )
            if not counts["pairs"]:
                raise ValueError(f"{name} text holds no pair that can be used: all are empty or too long.")

    def epoch(self, number: int) -> TokenStore:
        """The store of an epoch: a pure function of the recipe's seed and the number."""
        if not self.recipe.tokenizer.sampling:
            return self.train
        base = (self.recipe.seed * 100_003 + number) * 2
        return self._in_turn(
            "sampled",
            lambda: islice(self.corpus.train, self.recipe.data.max_train or None),
            (base * 1_000_003, (base + 1) * 1_000_003),
        )

    def _in_turn(
        self, name: str, examples: Callable[[], Iterable[Example]], seeds: tuple[int, int] | None = None
    ) -> TokenStore:
        """Of several processes the first writes the store, then the others read it."""
        return team.leader_first(
            lambda: self._write(name, examples(), seeds), lambda: TokenStore(self.folder.tokens / name)
        )

    def _write(self, name: str, examples: Iterable[Example], seeds: tuple[int, int] | None = None) -> TokenStore:
        folder, alpha = self.folder.inside(self.folder.tokens / name), self.recipe.tokenizer.sampling
        link = None if name == "validation" else self._linker()
        if seeds is None and (folder / "store.json").exists():
            store = TokenStore(folder)
            store.check_ids(self.source.size, self.target.size)
            if store.has_links == (link is not None):
                return store

        def encoder(tokenizer: SubwordTokenizer, side: int) -> Callable[[list[str], int], list[list[int]]]:
            if seeds is None:
                return lambda lines, chunk: tokenizer.encode(lines)
            return lambda lines, chunk: tokenizer.sample(lines, alpha, seeds[side] + chunk)

        encoders = encoder(self.source, 0), encoder(self.target, 1)
        limits = self.recipe.data.max_length, self.recipe.data.cut_source
        return TokenStore.write(folder, self._masked(examples), *encoders, *limits, link)

    def _masked(self, examples: Iterable[Example]) -> Iterator[Example]:
        """The pairs with symbols for what is copied."""
        placeholders, one_word = self.source.placeholders, needs_one_word(self.recipe)
        for example in examples:
            if placeholders:
                source, target, *_ = placeholders.mask_pair(example.source, example.target, one_word)
                example = replace(example, source=source, target=target)
            yield example

    def _linker(self) -> Link | None:
        """What finds the links that training wants."""
        if self.recipe.model.selector:
            from seq2seq.text.copies import link_copies

            return lambda _, sources, targets: link_copies(self.source, sources, targets)
        return self._link if self.recipe.training.guided_attention else None

    def _link(
        self, examples: list[Example], sources: list[list[int]], targets: list[list[int]]
    ) -> list[AlignmentPoints]:
        """The links of words as links of the pieces that they were cut into, in whatever way."""
        source_words = self.source.word_numbers([e.source for e in examples], sources)
        target_words = self.target.word_numbers([e.target for e in examples], targets)
        triples = zip(examples, source_words, target_words, strict=True)
        return [to_pieces(example.links, ours, theirs) for example, ours, theirs in triples]
