"""The tokenisers of a recipe, learned from text."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from seq2seq.run.folder import RunFolder
from seq2seq.tasks.text_to_text.kind import placeholders_of
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.text.corpus import read_lines
from seq2seq.text.growth import characters_of, grown
from seq2seq.text.normalization import NAMES, Normalization, parse_rules
from seq2seq.text.own_model import read_own_model
from seq2seq.text.placeholders import Placeholders, count_in
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.text.tags import check_known, found_in

Pairs = Callable[[], Iterable[tuple[str, str]]]
"""Gives source and target of each pair, each time anew."""

LEARN = "Learn it with these as user_defined_symbols, or leave them out of tokenizer.tags."
"""What to do about a vocabulary without tags of the recipe, if it is the user's own."""
GROW = "Let it grow, such as by --training.grow_vocabulary 100, or leave them out of tokenizer.tags."
"""The same if it is that of another run."""

_log = logging.getLogger(__name__)


def normalizations(recipe: Recipe) -> tuple[Normalization, Normalization]:
    """Returns how source and target are normalised.

    Raises:
        ValueError: a file of rules is missing or wrong; it names file and line.
    """
    target = recipe.tokenizer.normalization
    source = recipe.tokenizer.source_normalization or target
    return _normalization(source, recipe), _normalization(target, recipe)


def _normalization(rule: str, recipe: Recipe) -> Normalization:
    own = None if rule in NAMES else parse_rules(read_lines(Path(rule)), rule)
    return Normalization(rule, recipe.tokenizer.casing == "mark", own)


def needs_one_word(recipe: Recipe) -> bool:
    """Whether a placeholder must be one word, as alignments of words are given."""
    return recipe.training.alignment_loss > 0


def learn(recipe: Recipe, pairs: Pairs) -> tuple[SubwordTokenizer, SubwordTokenizer]:
    """Learns the tokenisers of both sides, one and the same where the recipe joins them, or reads the user's own.

    Raises:
        ValueError: as `normalizations`, `SubwordTokenizer.train`, `read_own_model` and `check_known`.
    """
    own = recipe.tokenizer.model
    source, target = _own(recipe) if own else _learn(recipe, *_masked(recipe, pairs))
    _check_tags(recipe, (source, target), pairs, (*own, *own, *["The vocabulary"] * 2)[:2], LEARN)
    return source, target


def check_taken(recipe: Recipe, tokenizers: tuple[SubwordTokenizer, SubwordTokenizer], pairs: Pairs) -> None:
    """Raises ValueError if tokenisers that were taken from another run lack tags of the recipe."""
    names = [f"The vocabulary of {recipe.training.start_from}"] * 2
    _check_tags(recipe, tokenizers, pairs, names, GROW)


def _check_tags(
    recipe: Recipe,
    tokenizers: tuple[SubwordTokenizer, SubwordTokenizer],
    pairs: Pairs,
    names: Sequence[str],
    advice: str,
) -> None:
    source, target = tokenizers
    if tags := recipe.tokenizer.tags:
        check_known(source, tags, names[0], advice)
        if target.model != source.model:
            check_known(target, _tags_of_targets(recipe, pairs), names[1], advice)


def grow(
    recipe: Recipe, tokenizers: tuple[SubwordTokenizer, SubwordTokenizer], pairs: Pairs
) -> tuple[SubwordTokenizer, SubwordTokenizer]:
    """Returns the tokenisers of another run with tokens of these pairs added; see `text.growth`.

    Raises:
        ValueError: as `normalizations` and `SubwordTokenizer.train`.
    """
    source, target = tokenizers
    placeholders, one_word = source.placeholders, needs_one_word(recipe)

    def masked() -> Iterator[tuple[str, str]]:
        return (placeholders.mask_pair(*pair, one_word)[:2] if placeholders else pair for pair in pairs())

    learned = _learn(recipe, masked, placeholders, (characters_of(source), characters_of(target)))
    new = grown(source, learned[0], recipe.training.grow_vocabulary)
    return new, new if recipe.tokenizer.joint else grown(target, learned[1], recipe.training.grow_vocabulary)


def _own(recipe: Recipe) -> tuple[SubwordTokenizer, SubwordTokenizer]:
    source, *others = (read_own_model(Path(path)) for path in recipe.tokenizer.model)
    return source, others[0] if others else source


def _tags_of_targets(recipe: Recipe, pairs: Pairs) -> tuple[str, ...]:
    """The tags that targets have: a vocabulary of targets alone has no other ones, so none can be written."""
    return found_in(recipe.tokenizer.tags, (target for _, target in pairs()))


def _learn(
    recipe: Recipe,
    masked: Pairs,
    placeholders: Placeholders | None,
    known: tuple[Collection[str], Collection[str]] = ((), ()),
) -> tuple[SubwordTokenizer, SubwordTokenizer]:
    """Learns from pairs with symbols for what is copied; `known` are characters of each side besides those in them."""
    options = recipe.tokenizer
    for_source, for_target = normalizations(recipe)

    def train(
        lines: Iterable[str],
        normalization: Normalization,
        kind: str,
        characters: Collection[str],
        tags: Sequence[str] = options.tags,
    ) -> SubwordTokenizer:
        return SubwordTokenizer.train(
            lines,
            options.size,
            kind,
            options.byte_fallback,
            options.character_coverage,
            seed=recipe.seed,
            split_digits=options.split_digits,
            normalization=normalization,
            placeholders=placeholders,
            tags=tags,
            known=characters,
        )

    sources, targets = (source for source, _ in masked()), (target for _, target in masked())

    if options.joint:
        joint = train(chain(sources, targets), for_target, options.kind, known[1])
        return joint, joint
    source = train(sources, for_source, options.source_kind or options.kind, known[0])
    return source, train(targets, for_target, options.kind, known[1], _tags_of_targets(recipe, masked))


def _masked(recipe: Recipe, pairs: Pairs) -> tuple[Pairs, Placeholders | None]:
    """The pairs with symbols for what is copied, and what that is."""
    placeholders, one_word = placeholders_of(recipe), needs_one_word(recipe)
    if placeholders is None:
        return pairs, None
    found = count_in(placeholders, pairs(), one_word)
    _log.info(
        "Placeholders: %s pairs have some, at most %s; %s strings that only one side has are unchanged.",
        *(f"{count:,}" for count in (found.pairs, found.symbols, found.unmatched)),
    )
    if not found.symbols:
        _log.warning("No pair has a placeholder on both sides, so none can be learned: nothing will be copied.")
        return pairs, None
    return lambda: (placeholders.mask_pair(*pair, one_word)[:2] for pair in pairs()), replace(
        placeholders, count=found.symbols
    )


def copy_rules(recipe: Recipe, folder: RunFolder) -> None:
    """Copies the recipe's own files of rules to the run, as source.rules.tsv and target.rules.tsv."""
    options = recipe.tokenizer
    if options.model:
        return
    for side, rule in (("source", options.source_normalization), ("target", options.normalization)):
        if rule and rule not in NAMES:
            folder.write(folder.path / f"{side}.rules.tsv", "".join(f"{line}\n" for line in read_lines(Path(rule))))
