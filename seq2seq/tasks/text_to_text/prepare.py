"""What comes before the epochs: tokenisers are learned, the text becomes ids.

Every stage can be resumed where an earlier run has stopped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.distributed import team
from seq2seq.pipeline.mixture import Chosen, epoch_rows
from seq2seq.pipeline.plan import Layout, Plan
from seq2seq.pipeline.store import Store
from seq2seq.run.folder import RunFolderError
from seq2seq.run.plans import training_plan, validation_plan
from seq2seq.run.task import PartsOfWeight
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.tasks.text_to_text.tokenizers import Pairs, check_taken, copy_rules, grow, learn, needs_one_word
from seq2seq.text.alignment import align_tokens
from seq2seq.text.corpus import split_paths
from seq2seq.text.examples import AlignmentPoints, Example
from seq2seq.text.growth import parts_of
from seq2seq.text.own_model import read_own_model
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.text.token_batches import ALIGNED_PAIRS, PAIRS, WaitK, spaced_word_starts
from seq2seq.text.token_store import Align, check_ids, counts_of, rows_by_file, write_token_store

if TYPE_CHECKING:
    from seq2seq.text.corpus import Text

LONG = 6
"""Tokens a word: text with more of them hardly separates words by spaces."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Corpus:
    """The data of a run. Each part can be read any number of times."""

    train: Iterable[Example]
    validation: Iterable[Example]
    tests: dict[str, Text]
    """By name; what `seq2seq evaluate --test NAME` finds later."""
    added: Iterable[Example] = ()
    """Further training pairs."""

    def training(self, most: int = 0) -> Iterator[Example]:
        """Yields the first `most` pairs of `train`, 0 for all, and then those that are added."""
        return chain(islice(self.train, most or None), self.added)


def learn_tokenizers(
    folder: TextRunFolder, recipe: Recipe, corpus: Corpus
) -> tuple[SubwordTokenizer, SubwordTokenizer]:
    """Returns source and target tokeniser, learned from the training text or, in a run that goes on, read again."""
    own = recipe.tokenizer.model

    def pairs() -> Iterator[tuple[str, str]]:
        return ((example.source, example.target) for example in corpus.training())

    if _begins_from_another(folder, recipe):
        _take_tokenizers(folder, recipe, pairs)
    if (folder.path / "target.model").exists():
        found = folder.load_tokenizers()
        for path, tokenizer in zip(own, found if len(own) > 1 else found[1:], strict=False):
            if Path(path).exists() and read_own_model(Path(path)).model != tokenizer.model:
                raise RunFolderError(
                    f"{path}: another model than the one that {folder.path} began with. Put that one there, or choose "
                    "another --run-folder."
                )
        return found
    if not own:
        _log.info("Learning a vocabulary of %s tokens", f"{recipe.tokenizer.size:,}")
    source, target = learn(recipe, pairs)
    for path, tokenizer in zip(own, (source, target), strict=False):
        _log.info("%s: a vocabulary of %s tokens", path, f"{tokenizer.size:,}")
    copy_rules(recipe, folder)
    if recipe.model.words or recipe.training.wait_k:
        name = "model.words" if recipe.model.words else "training.wait_k"
        _warn_of_long_words(name, source, [example.source for example in islice(corpus.train, 200)])
    folder.save_tokenizers(source, target)
    return folder.load_tokenizers()


def _begins_from_another(folder: TextRunFolder, recipe: Recipe) -> bool:
    """Whether this run still takes something from another one: until its first checkpoint."""
    return bool(recipe.training.start_from) and not folder.checkpoint_file.exists()


def _take_tokenizers(folder: TextRunFolder, recipe: Recipe, pairs: Pairs) -> None:
    """Lets the vocabulary of the run to start from grow, if the recipe says so, and checks it."""
    if recipe.training.grow_vocabulary:
        _grow_tokenizers(folder, recipe, pairs)
    check_taken(recipe, folder.load_tokenizers(), pairs)


def _grow_tokenizers(folder: TextRunFolder, recipe: Recipe, pairs: Pairs) -> None:
    start = TextRunFolder(recipe.training.start_from)
    old = start.load_tokenizers()
    _log.info("Learning %s tokens more", f"{recipe.training.grow_vocabulary:,}")
    new = grow(recipe, old, pairs)
    sides = ("The vocabulary",) if recipe.tokenizer.joint else ("The source vocabulary", "The target vocabulary")
    for side, one, other in zip(sides, old, new, strict=False):
        _log.info("%s of %s has grown: %s -> %s tokens", side, start.path, f"{one.size:,}", f"{other.size:,}")
    folder.save_tokenizers(*new)


def parts_of_weights(folder: TextRunFolder, recipe: Recipe, codec: Sequence[SubwordTokenizer]) -> PartsOfWeight | None:
    """Returns which entries of the vocabulary of the run to start from make up those of a weight of the new network,
    given its name; None where no vocabulary has to grow."""
    if not (recipe.training.grow_vocabulary and _begins_from_another(folder, recipe)):
        return None
    old = TextRunFolder(recipe.training.start_from).load_tokenizers()
    source, target = (parts_of(*pair) for pair in zip(old, codec, strict=True))
    return lambda name: source if "source_embedding" in name else target


def _warn_of_long_words(name: str, tokenizer: SubwordTokenizer, lines: list[str]) -> None:
    ids = tokenizer.encode(lines)
    words = sum(len(line.split()) for line in lines)
    if words and (tokens := sum(map(len, ids)) / words) > LONG:
        _log.warning(
            "The source has %.0f tokens between spaces. %s reads them all as one word: it is for languages that "
            "separate words by spaces.",
            *(tokens, name),
        )


class TokenisedCorpus:
    """The training text as ids: one store for all epochs or, with subword sampling, a fresh one for each."""

    def __init__(
        self, folder: TextRunFolder, recipe: Recipe, corpus: Corpus, source: SubwordTokenizer, target: SubwordTokenizer
    ):
        self.folder, self.recipe, self.corpus = folder, recipe, corpus
        self.source, self.target = source, target
        self.train = self._leader_first("train", lambda: corpus.training(recipe.data.max_train))
        self.validation = self._leader_first("validation", lambda: corpus.validation)
        for name, store in (("Training", self.train), ("Validation", self.validation)):
            counts = counts_of(store)
            _log.info(
                "%s text: %s pairs (left out: %s with an empty side, %s too long)%s",
                *(name, f"{len(store):,}", f"{counts['empty']:,}", f"{counts['too_long']:,}"),
                f"; {counts['cut']:,} sources cut to {recipe.data.cut_source:,} tokens" if counts["cut"] else "",
            )
            if not len(store):
                raise ValueError(f"{name} text holds no pair that can be used: all are empty or too long.")

    @property
    def steps(self) -> int:
        """Steps of an epoch, as the learning rate's schedule counts them."""
        rows, layout = self._weighted(self.train, 0), self._counted(self.layout())
        return len(training_plan(rows, layout, self.recipe.batching, self.recipe.seed))

    def plan(self, epoch: int) -> Plan:
        """Returns the batches of an epoch: a pure function of the recipe's seed and the number."""
        rows, layout = self._weighted(self.epoch(epoch), epoch), self._counted(self.layout(epoch))
        return training_plan(rows, layout, self.recipe.batching, self.recipe.seed, epoch)

    def validation_plan(self) -> Plan:
        """Returns the batches of the validation text."""
        return validation_plan(self.validation, self.layout(), self.recipe.batching, self.recipe.seed)

    def epoch(self, number: int) -> Store:
        """Returns the store of an epoch: a pure function of the recipe's seed and the number."""
        if not self.recipe.tokenizer.sampling:
            return self.train
        base = (self.recipe.seed * 100_003 + number) * 2
        return self._leader_first(
            "sampled",
            lambda: self.corpus.training(self.recipe.data.max_train),
            (base * 1_000_003, (base + 1) * 1_000_003),
        )

    def _weighted(self, store: Store, epoch: int) -> Store | Chosen:
        """Returns the rows that an epoch reads: all once, or each file's as often as its weight says."""
        data = self.recipe.data
        if all(weight == 1 for weight in data.train_weights):
            return store
        added = dict.fromkeys(split_paths(data.added.source)) if data.added.source else {}
        counts = rows_by_file(store, [str(path) for path in (*split_paths(data.train.source), *added)])
        rows = epoch_rows(counts, (*data.train_weights, *(1.0 for _ in added)), self.recipe.seed, epoch)
        if not len(rows):
            raise ValueError("The files whose data.train_weights are above 0 hold no pair that can be used.")
        return Chosen(store, rows)

    def layout(self, epoch: int | None = None) -> Layout:
        """Returns how pairs become a batch: with alignments in epochs whose losses read them; for simultaneous
        translation with what each step may see. Validation draws that as the first epoch does."""
        options = self.recipe.training
        if options.wait_k:
            starts = spaced_word_starts(self.source), spaced_word_starts(self.target)
            return Layout(PAIRS.columns, WaitK(options.wait_k, *starts, self.recipe.seed, epoch or 0))
        guided = options.alignment_loss > 0 and (
            not options.alignment_epochs or (epoch or 0) < options.alignment_epochs
        )
        aligned = epoch is not None and (guided or self.recipe.model.selector)
        return ALIGNED_PAIRS if aligned else PAIRS

    def _counted(self, layout: Layout) -> Layout:
        """Returns a layout of training whose rows cost what they take, with the outputs that are drawn for them."""
        options = self.recipe.training
        if not options.risk_loss:
            return layout
        targets = 1 + options.risk_samples
        return replace(layout, cost=lambda widths: widths[0] + targets * widths[1])

    def _leader_first(
        self, name: str, examples: Callable[[], Iterable[Example]], seeds: tuple[int, int] | None = None
    ) -> Store:
        """Of several processes the first writes the store, then the others read it."""
        return team.leader_first(lambda: self._write(name, examples(), seeds), lambda: Store(self.folder.stores / name))

    def _write(self, name: str, examples: Iterable[Example], seeds: tuple[int, int] | None = None) -> Store:
        folder, alpha = self.folder.inside(self.folder.stores / name), self.recipe.tokenizer.sampling
        align = None if name == "validation" else self._aligner()
        if seeds is None and (folder / "store.json").exists():
            store = Store(folder)
            check_ids(store, self.source.size, self.target.size)
            if ("alignment" in store) == (align is not None):
                return store

        def encoder(tokenizer: SubwordTokenizer, side: int) -> Callable[[list[str], int], list[list[int]]]:
            if seeds is None:
                return lambda lines, chunk: tokenizer.encode(lines)
            return lambda lines, chunk: tokenizer.sample(lines, alpha, seeds[side] + chunk)

        encoders = encoder(self.source, 0), encoder(self.target, 1)
        limits = self.recipe.data.max_length, self.recipe.data.cut_source
        return write_token_store(folder, self._masked(examples), *encoders, *limits, align)

    def _masked(self, examples: Iterable[Example]) -> Iterator[Example]:
        """The pairs with symbols for what is copied."""
        placeholders, one_word = self.source.placeholders, needs_one_word(self.recipe)
        for example in examples:
            if placeholders:
                source, target, *_ = placeholders.mask_pair(example.source, example.target, one_word)
                example = replace(example, source=source, target=target)
            yield example

    def _aligner(self) -> Align | None:
        """Returns what aligns the tokens of pairs for training; None where nothing needs it."""
        if self.recipe.model.selector:
            from seq2seq.text.copies import align_copies

            return lambda _, sources, targets: align_copies(self.source, sources, targets)
        return self._align if self.recipe.training.alignment_loss else None

    def _align(
        self, examples: list[Example], sources: list[list[int]], targets: list[list[int]]
    ) -> list[AlignmentPoints]:
        """Returns the alignment of the words as that of the tokens they were cut into."""
        source_words = self.source.line_word_numbers([e.source for e in examples], sources)
        target_words = self.target.line_word_numbers([e.target for e in examples], targets)
        triples = zip(examples, source_words, target_words, strict=True)
        return [align_tokens(example.alignment, source, target) for example, source, target in triples]
