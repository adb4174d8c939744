"""What is wrong with a recipe's tokenisers, beyond its single fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seq2seq.text.normalization import NAMES, can_mark_capitals
from seq2seq.text.placeholders import check

if TYPE_CHECKING:
    from seq2seq.tasks.text_to_text.recipe import Recipe


def text_contradictions(recipe: Recipe) -> Iterator[str]:
    """Yields what contradicts itself."""
    options = recipe.tokenizer
    rules = {"normalization": options.normalization, "source_normalization": options.source_normalization}
    for name, rule in rules.items():
        if not rule and name == "source_normalization":
            continue
        if rule not in NAMES and not rule.endswith(".tsv"):
            yield f"tokenizer.{name} must be {', '.join(NAMES)} or the path of a .tsv, received {rule!r}"
        elif options.casing == "mark" and not can_mark_capitals(rule):
            yield f"tokenizer.casing mark needs tokenizer.{name} keep, lossless, identity or a .tsv, received {rule!r}"
    yield from (f"tokenizer.placeholders {wrong}" for name in options.placeholders if (wrong := check(name)))
    if options.joint and options.source_normalization not in ("", options.normalization):
        yield "tokenizer.source_normalization other than the target's needs tokenizer.joint false"
    if options.casing == "mark":
        parts = {"model.words": recipe.model.words, "model.selector": recipe.model.selector}
        for name in (name for name, used in parts.items() if used):
            yield f"tokenizer.casing mark parts words in two and does not go with {name}"
