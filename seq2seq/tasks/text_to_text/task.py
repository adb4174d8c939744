"""What the tasks do alike that read text and write text: the functions that `run.task.Task` lists."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq import extras
from seq2seq.distributed import team
from seq2seq.metrics.lines import line_risks
from seq2seq.pipeline.plan import Plan
from seq2seq.run.folder import RunFolder, RunFolderError, check_same_architecture
from seq2seq.run.parsing import leaves
from seq2seq.run.task import CompleteBatch, Prepared
from seq2seq.search.options import SearchOptions
from seq2seq.tasks.text_to_text import finish as ending
from seq2seq.tasks.text_to_text import model as network
from seq2seq.tasks.text_to_text.data import find_corpus
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.learned import learn, load_learned, report
from seq2seq.tasks.text_to_text.prepare import Corpus, TokenisedCorpus, learn_tokenizers, parts_of_weights
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.text.subword import SubwordTokenizer

if TYPE_CHECKING:
    from seq2seq.inference.lines import LineGenerator
    from seq2seq.metrics.score import Score
    from seq2seq.models.seq2seq import Seq2Seq

VERBS = {
    name: name
    for name in (
        *("translate", "summarize", "evaluate", "compare", "align"),
        *("score", "augment", "distill", "rerank", "average", "export", "doctor"),
    )
}
"""Verbs of the command line that take such a run, and the modules of cli/ that carry them out."""
OWN_FILES = "--data.train.source FILE --data.train.target FILE (or one .tsv as source)"
"""The options that name a user's own files."""
EXPORTS = extras.EXPORTS
"""Forms that `seq2seq export` writes, and the modules that each needs."""


@dataclass(frozen=True)
class TextCodec:
    """The tokenisers of a run and what it has learned of its text."""

    source: SubwordTokenizer
    target: SubwordTokenizer
    search: SearchOptions
    """The recipe's, with the limits that the run has learned."""
    score: str
    """Name of the score that validation gives."""


def open_data(recipe: Recipe) -> Corpus:
    """Returns the corpus; ValueError where it is missing."""
    return find_corpus(recipe.data)


def record_data(folder: RunFolder, data: Corpus) -> None:
    """Writes data.json; RunFolderError if a run that goes on had another training text."""
    ending.record_data(folder, data)


def prepare(run: RunFolder, recipe: Recipe, data: Corpus) -> Prepared:
    """Learns the tokenisers, or reads them again, and turns the text into ids."""
    folder = TextRunFolder(run.path)
    source, target = team.leader_first(lambda: learn_tokenizers(folder, recipe, data), folder.load_tokenizers)
    tokens = TokenisedCorpus(folder, recipe, data, source, target)
    learned = team.leader_first(lambda: learn(folder, recipe, data, tokens), lambda: load_learned(folder))
    assert learned is not None
    if team.is_leader():
        report(learned, recipe, data, tokens)
    codec = TextCodec(source, target, recipe.search.with_limits(learned.limits), learned.selection.score)
    completion = _sampler(recipe, codec) if recipe.training.risk_loss else None
    parts = parts_of_weights(folder, recipe, (source, target))
    return Prepared(codec, tokens, learned.selection, math.log(target.size), completion, parts)


def _sampler(recipe: Recipe, codec: TextCodec) -> Callable[[Seq2Seq], CompleteBatch]:
    """Returns what makes of a network what draws outputs for minimum risk training."""
    options = recipe.training
    score = codec.score if options.risk_score == "auto" else options.risk_score
    measure = partial(line_risks, score, tokenization=recipe.tokenization)

    def make(model: Seq2Seq) -> CompleteBatch:
        from seq2seq.inference.candidates import CandidateSampler, Drawing

        drawing = Drawing(options.risk_samples, codec.search, recipe.seed, team.rank_and_size()[0])
        return CandidateSampler(model, codec.target, measure, drawing)

    return make


def build_model(recipe: Recipe, codec: TextCodec) -> Seq2Seq:
    """Returns a new, built `Seq2Seq`."""
    source, target = codec.source, codec.target
    model: Seq2Seq = network.build_model(recipe.model, source.size, target.size, source.vocabulary)
    return model


def objective(recipe: Recipe, model: Seq2Seq) -> Any:
    """Returns the network with the losses that the recipe asks for."""
    return network.build_objective(recipe.training, model)


def begin_epoch(objective: Any, recipe: Recipe, epoch: int) -> None:
    """Switches the loss of coverage on after its first epochs."""
    if "coverage" in objective.rates:
        options = recipe.training
        objective.rates["coverage"].assign(options.coverage_loss if epoch >= options.coverage_from else 0.0)


def validator(model: Seq2Seq, codec: TextCodec, data: Corpus, recipe: Recipe) -> Callable[[float], dict[str, Score]]:
    """Returns what scores greedy outputs for the validation text."""
    from seq2seq.evaluation.evaluate import quick_score
    from seq2seq.inference.generator import Generator
    from seq2seq.inference.lines import best_text

    generator = Generator(model, codec.source, codec.target, codec.search)

    def validate(_: float) -> dict[str, Score]:
        pairs = list(data.validation)
        outputs = [best_text(hypotheses) for hypotheses in generator.greedy().generate([p.source for p in pairs])]
        return {codec.score: quick_score(codec.score, outputs, [p.target for p in pairs], recipe.tokenization)}

    return validate


def batch_as_text(codec: TextCodec, plan: Plan, step: int) -> str:
    """Returns the pairs of a batch as lines of source and target."""
    store, rows = plan.store, plan.rows(step)
    sources = codec.source.decode([store["source"][row].tolist() for row in rows])
    targets = codec.target.decode([store["target"][row].tolist() for row in rows])
    return "".join(f"{source}\t{target}\n" for source, target in zip(sources, targets, strict=True))


def finish(run: RunFolder, recipe: Recipe, data: Corpus) -> None:
    """Scores and exports the run, and shows a few outputs."""
    ending.finish(TextRunFolder(run.path), recipe, data.tests)


def finish_average(folder: RunFolder) -> None:
    """Learns nothing: all that a model needs is in its weights."""


def load(path: Path, others: Sequence[Path] = (), **options: Any) -> LineGenerator:
    """Returns what writes the outputs of lines of text: a generator, or an ensemble of several."""
    from seq2seq.tasks.text_to_text.loading import load_generator

    return load_generator(path, others, **options)


def export(run: Path, form: str, folder: Path, search: Mapping[str, Any], **options: Any) -> Path:
    """Writes a run in a form that others serve. What it searches with becomes a part of the export."""
    from seq2seq.export import formats
    from seq2seq.tasks.text_to_text.loading import load_generator

    return formats.export(form, load_generator(run, **search), folder, **options)


def check_same_codec(first: RunFolder, other: RunFolder) -> None:
    """Raises RunFolderError if two runs have other networks, vocabularies or directions of writing."""
    folders = TextRunFolder(first.path), TextRunFolder(other.path)
    one, two = (_architecture(folder.load_recipe()) for folder in folders)
    check_same_architecture(first, other, one, two)
    tokenizers = zip(("source", "target"), *(folder.load_tokenizers() for folder in folders), strict=True)
    for side, tokenizer, another in tokenizers:
        if tokenizer.model != another.model:
            raise RunFolderError(
                f"{first.path} and {other.path} have different {side} vocabularies: ids of the one mean nothing to "
                "the other."
            )


def _architecture(recipe: Recipe) -> dict[str, Any]:
    return dict(leaves(recipe.model)) | {"data.right_to_left": recipe.data.right_to_left}


def untrained_model(run: RunFolder, weights: Sequence[Path]) -> Seq2Seq:
    """Returns the network of a run without its weights; RunFolderError if one of the files is too small for it."""
    folder = TextRunFolder(run.path)
    recipe, (source, target) = folder.load_recipe(), folder.load_tokenizers()
    for file in weights:
        network.check_size(recipe.model, source.size, target.size, file)
    model: Seq2Seq = network.build_model(recipe.model, source.size, target.size, source.vocabulary)
    return model


def codec_files(run: RunFolder) -> list[Path]:
    """Returns the files of the tokenisers."""
    folder = TextRunFolder(run.path)
    files = [folder.source_model_file, folder.target_model_file]
    return [file for file in files if file.is_file()]


def learned_files(run: RunFolder) -> list[Path]:
    """Returns the file of what the finished network has learned of the text."""
    file = TextRunFolder(run.path).learned_file
    return [file] if file.is_file() else []
