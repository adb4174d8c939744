"""What is wrong with a recipe beyond its single fields: a function for each section, and the ranges of numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seq2seq.run.ranges import out_of_range
from seq2seq.tasks.text_to_text.dropout import dropout_of
from seq2seq.text import tags
from seq2seq.text.normalization import NAMES, can_mark_capitals
from seq2seq.text.placeholders import check

if TYPE_CHECKING:
    from seq2seq.tasks.text_to_text.recipe import Recipe

LEAST_ONE = (
    "tokenizer.size",
    "model.embedding",
    "model.encoder.units",
    "model.encoder.num_layers",
    "model.decoder.units",
    "model.decoder.num_layers",
    "model.decoder.heads",
    "data.max_length",
)
NOT_NEGATIVE = (
    "data.max_train",
    "data.cut_source",
    "training.grow_vocabulary",
    "training.coverage_loss",
    "training.coverage_from",
    "training.alignment_loss",
    "training.alignment_epochs",
    "training.selector_loss",
    "training.agreement_loss",
    "training.risk_loss",
    "model.decoder.attention_units",
    "tokenizer.sampling",
)

MOST_WEIGHT = 1000
"""Times that an epoch reads a file, at most."""
RATES = tuple(
    f"model.{part}.{name}"
    for part in ("encoder", "decoder")
    for name in ("dropout", "input_dropout", "output_dropout", "word_dropout", "weight_dropout")
)

_IN_TIME_LOOP = ("before", "conditional")
"""The positions of attention whose context recurs in the bottom layer."""


def contradictions(recipe: Recipe) -> Iterator[str]:
    """Yields a sentence for everything that contradicts itself or is out of range."""
    yield from _data(recipe)
    yield from _tokenizer(recipe)
    yield from _model(recipe)
    yield from _decoder(recipe)
    yield from _training(recipe)
    yield from _risk(recipe)
    yield from _wait_k(recipe)
    if recipe.search.extract and not recipe.model.selector:
        yield "search.extract needs model.selector"
    yield from out_of_range(recipe, LEAST_ONE, NOT_NEGATIVE, RATES)


def _data(recipe: Recipe) -> Iterator[str]:
    data = recipe.data
    if data.corpus == "files" and not data.train.source:
        yield "data.train.source must name a file where data.corpus is 'files'"
    weights = data.train_weights
    shown = ",".join(f"{weight:g}" for weight in weights)
    if weights and data.corpus != "files":
        yield "data.train_weights needs files of your own: data.train.source"
    if not all(math.isfinite(weight) and 0 <= weight <= MOST_WEIGHT for weight in weights):
        yield f"data.train_weights must be numbers from 0 to {MOST_WEIGHT}, received {shown}"
    elif weights and not any(weights):
        yield f"data.train_weights must not all be 0: nothing would be trained on, received {shown}"
    if data.train_alignments and not recipe.training.alignment_loss:
        yield "data.train_alignments needs training.alignment_loss above 0"
    if data.train_alignments and data.added.source:
        yield "data.added has no alignments and does not go with data.train_alignments"


def _tokenizer(recipe: Recipe) -> Iterator[str]:
    options = recipe.tokenizer
    if options.model and len(options.model) != (1 if options.joint else 2):
        expected = "one file where tokenizer.joint is true" if options.joint else "two where tokenizer.joint is false"
        yield f"tokenizer.model must name {expected}, received {len(options.model)}"
    if options.model:
        for name, used in (("casing mark", options.casing == "mark"), ("placeholders", bool(options.placeholders))):
            if used:
                yield f"tokenizer.{name} is learned with a vocabulary and does not go with tokenizer.model"
    rules = {"normalization": options.normalization, "source_normalization": options.source_normalization}
    for name, rule in rules.items():
        if not rule and name == "source_normalization":
            continue
        if rule not in NAMES and not rule.endswith(".tsv"):
            yield f"tokenizer.{name} must be {', '.join(NAMES)} or the path of a .tsv, received {rule!r}"
        elif options.casing == "mark" and not can_mark_capitals(rule):
            yield f"tokenizer.casing mark needs tokenizer.{name} keep, lossless, identity or a .tsv, received {rule!r}"
    wrong_names = [f"tokenizer.placeholders {wrong}" for name in options.placeholders if (wrong := check(name))]
    yield from wrong_names
    copied = () if wrong_names else options.placeholders
    yield from (f"tokenizer.tags {wrong}" for wrong in tags.problems(options.tags, copied))
    kinds = {"kind": options.kind, "source_kind": options.source_kind}
    whole = [f"{name} {kind}" for name, kind in kinds.items() if kind in ("words", "characters")]
    learned = {
        "sampling": options.sampling > 0,
        "byte_fallback": options.byte_fallback,
        "normalization lossless": "lossless" in rules.values(),
        "casing mark": options.casing == "mark",
        "placeholders": bool(options.placeholders),
    }
    for name in (name for name, used in learned.items() if used and whole and not options.model):
        yield f"tokenizer.{name} needs unigram or bpe, and does not go with tokenizer.{whole[0]}"
    if options.joint and options.source_kind not in (None, options.kind):
        yield "tokenizer.source_kind other than the target's needs tokenizer.joint false"
    if options.joint and options.source_normalization not in ("", options.normalization):
        yield "tokenizer.source_normalization other than the target's needs tokenizer.joint false"
    if options.casing == "mark":
        parts = {"model.words": recipe.model.words, "model.selector": recipe.model.selector}
        for name in (name for name, used in parts.items() if used):
            yield f"tokenizer.casing mark splits words in two and does not go with {name}"
    if not 0 < options.character_coverage <= 1:
        yield f"tokenizer.character_coverage must be in (0, 1], received {options.character_coverage}"


def _model(recipe: Recipe) -> Iterator[str]:
    model, joint = recipe.model, recipe.tokenizer.joint
    if model.tie == "all" and not joint:
        yield "model.tie 'all' shares one matrix of both sides and needs tokenizer.joint true (or model.tie target)"
    if model.pointer and not joint:
        yield "model.pointer copies source tokens into the target and needs tokenizer.joint true"
    if not model.selector:
        return
    if not joint or recipe.data.right_to_left:
        yield "model.selector keeps source tokens as they are and needs tokenizer.joint true, data.right_to_left false"
    if recipe.training.alignment_loss:
        yield "model.selector makes alignments of its own and needs training.alignment_loss 0"


def _decoder(recipe: Recipe) -> Iterator[str]:
    decoder = recipe.model.decoder
    attention_readers = {
        "model.pointer": recipe.model.pointer,
        "model.decoder.input_feeding": decoder.input_feeding,
        "model.decoder.coverage": decoder.coverage,
        "training.alignment_loss": recipe.training.alignment_loss > 0,
        "search.coverage_penalty": recipe.search.coverage_penalty > 0,
    }
    if decoder.attention == "none":
        yield from (f"{name} needs attention" for name, used in attention_readers.items() if used)
    elif not decoder.readout:
        yield "model.decoder.readout must be true where there is attention"
    if decoder.attention_position == "between" and (decoder.num_layers < 2 or decoder.input_feeding):
        yield "model.decoder.attention_position 'between' needs num_layers of at least 2 and input_feeding false"
    if decoder.weight_dropout and decoder.attention != "none" and decoder.attention_position in _IN_TIME_LOOP:
        yield "model.decoder.weight_dropout needs attention_position 'between' or 'after', or no attention"
    if decoder.weight_dropout and decoder.input_feeding:
        yield "model.decoder.weight_dropout needs input_feeding false"
    for name, part in (("encoder", recipe.model.encoder), ("decoder", decoder)):
        if part.weight_dropout and part.cell in ("ssru", "min_gru"):
            yield f"model.{name}.weight_dropout needs a cell with recurrent weights, received {part.cell}"
    if decoder.query_input and (decoder.attention_position != "before" or decoder.attention == "none"):
        yield "model.decoder.query_input needs attention, and attention_position 'before'"


def _training(recipe: Recipe) -> Iterator[str]:
    training = recipe.training
    if training.grow_vocabulary and not training.start_from:
        yield "training.grow_vocabulary needs training.start_from: a run whose vocabulary is to grow"
    if training.grow_vocabulary and recipe.tokenizer.model:
        yield "training.grow_vocabulary needs a vocabulary that was learned here, not tokenizer.model"
    if recipe.model.selector != (training.selector_loss > 0):
        yield "model.selector and training.selector_loss above 0 need each other"
    if training.coverage_loss and not recipe.model.decoder.coverage:
        yield "training.coverage_loss needs model.decoder.coverage"
    if training.alignment_loss > 0 and not recipe.data.train_alignments:
        yield "training.alignment_loss needs data.train_alignments"
    if training.alignment_loss > 0 and recipe.data.right_to_left:
        yield "training.alignment_loss needs data.right_to_left false: alignments count words from the left"
    if training.agreement_loss and recipe.model.pointer:
        yield "training.agreement_loss compares distributions over the vocabulary and needs model.pointer false"
    if training.agreement_loss and not _drops(recipe):
        yield "training.agreement_loss needs a dropout above 0 in the encoder or the decoder"
    if training.alignment_epochs and not training.alignment_loss:
        yield "training.alignment_epochs needs training.alignment_loss above 0"


def _risk(recipe: Recipe) -> Iterator[str]:
    training = recipe.training
    if training.risk_samples < 2:
        yield (
            "training.risk_samples must be at least 2, as outputs of a source are compared with each other, received "
            f"{training.risk_samples}"
        )
    if not training.risk_sharpness > 0:
        yield f"training.risk_sharpness must be above 0, received {training.risk_sharpness:g}"
    if not training.token_loss > 0:
        yield (
            "training.token_loss must be above 0: where all outputs of a batch are equally good there is nothing else "
            f"to learn from, received {training.token_loss:g}"
        )
    if training.risk_loss:
        return
    for name in ("risk_score", "risk_samples", "risk_sharpness", "token_loss"):
        if getattr(training, name) != type(training).model_fields[name].default:
            yield f"training.{name} needs training.risk_loss above 0"


def _drops(recipe: Recipe) -> bool:
    encoder, decoder = (dropout_of(part) for part in (recipe.model.encoder, recipe.model.decoder))
    rates = [*encoder.rates(recipe.model.encoder.num_layers), *decoder.rates(recipe.model.decoder.num_layers)]
    return any((*rates, encoder.steps, encoder.weights, decoder.steps, decoder.weights))


def _wait_k(recipe: Recipe) -> Iterator[str]:
    waits, model, decoder = recipe.training.wait_k, recipe.model, recipe.model.decoder
    if not waits:
        return
    if min(waits) < 1:
        yield f"training.wait_k counts words to wait for, each at least 1, received {','.join(map(str, waits))}"
    obstacles = {
        "model.encoder.bidirectional false": model.encoder.bidirectional,
        "model.decoder.bridge zero": decoder.bridge != "zero",
        "model.decoder.attention other than none": decoder.attention == "none",
        "model.decoder.attention_position between or after": decoder.attention_position in _IN_TIME_LOOP,
        "model.decoder.input_feeding false": decoder.input_feeding,
        "model.decoder.coverage false": decoder.coverage,
        "model.pointer false": model.pointer,
        "model.selector false": model.selector,
        "model.words false": model.words,
        "training.alignment_loss 0": recipe.training.alignment_loss > 0,
        "training.risk_loss 0": recipe.training.risk_loss > 0,
        "data.right_to_left false": recipe.data.right_to_left,
        "tokenizer.casing keep": recipe.tokenizer.casing == "mark",
        "tokenizer.placeholders none": bool(recipe.tokenizer.placeholders),
    }
    if missing := [name for name, is_there in obstacles.items() if is_there]:
        yield f"training.wait_k writes before the source has ended and needs {', '.join(missing)}"
