"""The tokenisers of a recipe, learned from text."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path

from seq2seq.pipeline.corpus import read_lines
from seq2seq.recipe.config import Recipe
from seq2seq.text.normalization import NAMES, Normalization, parse_rules
from seq2seq.text.subword import SubwordTokenizer

Lines = Callable[[], Iterable[str]]
"""Gives the lines of one side, each time anew."""


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


def learn(recipe: Recipe, sources: Lines, targets: Lines) -> tuple[SubwordTokenizer, SubwordTokenizer]:
    """Learns the tokenisers of both sides, one and the same where the recipe joins them.

    Raises:
        ValueError: as `normalizations` and `SubwordTokenizer.train`.
    """
    options = recipe.tokenizer
    for_source, for_target = normalizations(recipe)

    def train(lines: Iterable[str], normalization: Normalization) -> SubwordTokenizer:
        return SubwordTokenizer.train(
            lines,
            options.size,
            options.kind,
            options.byte_fallback,
            options.character_coverage,
            seed=recipe.seed,
            split_digits=options.split_digits,
            normalization=normalization,
        )

    if options.joint:
        joint = train(chain(sources(), targets()), for_target)
        return joint, joint
    return train(sources(), for_source), train(targets(), for_target)


def copy_rules(recipe: Recipe, folder: Path) -> None:
    """Copies the recipe's own files of rules to `folder`, as source.rules.tsv and target.rules.tsv."""
    options = recipe.tokenizer
    for side, rule in (("source", options.source_normalization), ("target", options.normalization)):
        if rule and rule not in NAMES:
            shutil.copyfile(rule, folder / f"{side}.rules.tsv")
