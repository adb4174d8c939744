"""The way of a recipe: corpus -> tokenisers -> token store -> epochs -> best weights.

Every stage can be taken up again where an earlier run has stopped.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from seq2seq.pipeline.store import TokenStore
from seq2seq.recipe.config import Recipe
from seq2seq.recipe.run_folder import RunFolder, RunFolderError, build_model, save_weights
from seq2seq.text.links import Links, to_pieces
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.types import Example

if TYPE_CHECKING:
    import keras

    from seq2seq.generation.generator import Generator
    from seq2seq.models.seq2seq import Seq2Seq
    from seq2seq.pipeline.corpus import Text

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
    if not folder.path.exists() or not any(folder.path.iterdir()):
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.save_recipe(recipe)
        return False
    if not folder.recipe_file.exists():
        raise RunFolderError(f"{folder.path} exists and is no run folder. Choose another with --run-folder.")
    before = folder.load_recipe(type(recipe))
    if folder.is_average:
        raise RunFolderError(f"{folder.path} holds averaged weights, not a run that goes on. Choose another folder.")
    if before != recipe and not (folder.path / "source.model").exists():
        folder.save_recipe(recipe)  # the earlier run failed before it had done anything
    elif before != recipe:
        from seq2seq.recipe.parsing import leaves

        old = dict(leaves(before))
        changed = [
            f"  {name}: {old[name]!r} there, {value!r} now" for name, value in leaves(recipe) if old[name] != value
        ]
        raise RunFolderError(
            f"{folder.path} holds a run of another recipe:\n" + "\n".join(changed) + "\n"
            "Choose another folder with --run-folder, or delete this one."
        )
    return folder.scores_file.exists()


def learn_tokenizers(folder: RunFolder, recipe: Recipe, corpus: Corpus) -> tuple[SubwordTokenizer, SubwordTokenizer]:
    """Returns source and target tokeniser, learned from the training text or, in a run that goes on, read again."""
    if (folder.path / "target.model").exists():
        return folder.load_tokenizers()
    options = recipe.tokenizer
    _log.info("Learning a vocabulary of %s pieces", f"{options.size:,}")

    def learn(lines: Iterable[str]) -> SubwordTokenizer:
        how = (options.size, options.kind, options.byte_fallback, options.character_coverage)
        return SubwordTokenizer.train(lines, *how, seed=recipe.seed)

    sources, targets = (e.source for e in corpus.train), (e.target for e in corpus.train)
    if options.joint:
        source = target = learn(chain(sources, targets))
    else:
        source, target = learn(sources), learn(targets)
    folder.save_tokenizers(source, target)
    return folder.load_tokenizers()


class TokenisedCorpus:
    """The training text as ids: one store for all epochs or, with subword sampling, a fresh one for each."""

    def __init__(
        self, folder: RunFolder, recipe: Recipe, corpus: Corpus, source: SubwordTokenizer, target: SubwordTokenizer
    ):
        self.folder, self.recipe, self.corpus = folder, recipe, corpus
        self.source, self.target = source, target
        self.train = self._write("train", islice(corpus.train, recipe.data.max_train or None))
        self.validation = self._write("validation", corpus.validation)
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
        return self._write(
            "sampled",
            islice(self.corpus.train, self.recipe.data.max_train or None),
            (base * 1_000_003, (base + 1) * 1_000_003),
        )

    def _write(self, name: str, examples: Iterable[Example], seeds: tuple[int, int] | None = None) -> TokenStore:
        folder, alpha = self.folder.tokens / name, self.recipe.tokenizer.sampling
        link = self._link if self.recipe.training.guided_attention and name != "validation" else None
        if seeds is None and (folder / "store.json").exists():
            store = TokenStore(folder)
            if store.has_links == (link is not None):
                return store

        def encoder(tokenizer: SubwordTokenizer, side: int) -> Callable[[list[str], int], list[list[int]]]:
            if seeds is None:
                return lambda lines, chunk: tokenizer.encode(lines)
            return lambda lines, chunk: tokenizer.sample(lines, alpha, seeds[side] + chunk)

        encoders = encoder(self.source, 0), encoder(self.target, 1)
        limits = self.recipe.data.max_length, self.recipe.data.cut_source
        return TokenStore.write(folder, examples, *encoders, *limits, link)

    def _link(self, examples: list[Example], sources: list[list[int]], targets: list[list[int]]) -> list[Links]:
        """The links of words as links of the pieces that they were cut into, in whatever way."""
        source_words = self.source.word_numbers([e.source for e in examples], sources)
        target_words = self.target.word_numbers([e.target for e in examples], targets)
        triples = zip(examples, source_words, target_words, strict=True)
        return [to_pieces(example.links, ours, theirs) for example, ours, theirs in triples]


def train(
    folder: RunFolder, recipe: Recipe, corpus: Corpus, source: SubwordTokenizer, target: SubwordTokenizer
) -> None:
    """Trains until the last epoch or the end of patience, from where the folder's checkpoint stands.

    Leaves the averaged weights of the best epoch, the history, and a checkpoint after every epoch.
    """
    import keras

    from seq2seq.generation.generator import Generator
    from seq2seq.pipeline.batches import Plan
    from seq2seq.pipeline.feed import as_fit_data, new_shapes_are_cheap
    from seq2seq.recipe.report import write_curves, write_history
    from seq2seq.training.checkpoint import load_checkpoint, save_checkpoint
    from seq2seq.training.clock import clock
    from seq2seq.training.losses import TeacherForcing
    from seq2seq.training.optimizers import averaged_weights
    from seq2seq.training.progress import Progress

    options = recipe.training
    tokens = TokenisedCorpus(folder, recipe, corpus, source, target)
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(options.precision)
    try:
        model = build_model(recipe.model, source.size, target.size)
        budget = options.loss_budget_mb * 2**20
        trainee = TeacherForcing(model, options.label_smoothing, budget, options.guided_attention)
        trainee.build()
        trim = new_shapes_are_cheap()
        steps = len(Plan(tokens.train, recipe.batching, recipe.seed, trim=trim))
        trainee.compile(make_optimizer(recipe, steps), jit_compile=not trim)
        trainee.optimizer.build(trainee.trainable_variables)
        validation = Plan(tokens.validation, recipe.batching, recipe.seed, shuffle=False, trim=trim)
        generator = Generator(model, source, target, recipe.search)
        progress: dict[str, Any] = {"epoch": 0, "best": None, "stale": 0, "history": []}
        if folder.checkpoint_file.exists():
            progress = load_checkpoint(folder.checkpoint_file, trainee)
            _log.info("Going on after epoch %d", progress["epoch"])
        else:
            _log.info("Model of %s weights; %s steps an epoch", f"{model.count_params():,}", f"{steps:,}")
        _log.info("Through time: %s", describe_ways(model))
        board = _tensorboard(folder, trainee)

        for epoch in range(progress["epoch"], options.epochs):
            if options.patience and progress["stale"] >= options.patience:
                _log.info("No better epoch for %d epochs: stopping early.", options.patience)
                break
            begin = time.monotonic()
            if trainee.coverage_rate is not None:
                trainee.coverage_rate.assign(options.coverage_loss if epoch >= options.coverage_from else 0.0)
            guided = options.guided_attention > 0 and (not options.guided_until or epoch < options.guided_until)
            plan = Plan(tokens.epoch(epoch), recipe.batching, recipe.seed, epoch, trim=trim, guided=guided)
            line = Progress(options.epochs, len(plan), plan.tokens)
            fitted = trainee.fit(
                as_fit_data(plan), initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0, callbacks=[line]
            )
            row = {"epoch": epoch + 1, **{name: values[-1] for name, values in fitted.history.items()}}
            row["tokens_per_second"] = line.tokens_per_second
            with averaged_weights(trainee):
                row |= _validate(trainee, validation, generator, corpus, recipe)
                score = row[f"val_{recipe.score_name}"] if options.select_by == "score" else -row["val_nll"]
                better = progress["best"] is None or score > progress["best"]
                if better:
                    save_weights(model, folder.weights_file)
                if options.keep_epochs:
                    folder.keep_epoch(epoch + 1, model, options.keep_epochs)
            row["seconds"] = time.monotonic() - begin
            progress = {
                "epoch": epoch + 1,
                "best": score if better else progress["best"],
                "stale": 0 if better else progress["stale"] + 1,
                "history": [*progress["history"], row],
            }
            save_checkpoint(folder.checkpoint_file, trainee, progress)
            write_history(folder, progress["history"])
            write_curves(folder, progress["history"], recipe.score_name)
            if board:
                logs = {k: v for k, v in row.items() if k not in ("epoch", "seconds")}
                board.on_epoch_end(epoch, logs)
            _log.info(
                "epoch %d/%d  loss %.3f  val nll %.3f  val %s %.2f%s  %s tokens/s  %s",
                *(epoch + 1, options.epochs, row["loss"], row["val_nll"]),
                *(recipe.score_name.upper(), row[f"val_{recipe.score_name}"], " (best)" if better else ""),
                *(f"{row['tokens_per_second']:,.0f}", clock(row["seconds"])),
            )
    finally:
        keras.config.set_dtype_policy("float32")


def describe_ways(model: Seq2Seq) -> str:
    """Tells how the layers go through time in training, and why not quicker."""
    parts = []
    for name, part in (("encoder", model.encoder), ("decoder", model.decoder)):
        told = list(dict.fromkeys(f"{way.name} ({way.reason})" if way.reason else way.name for way in part.ways()))
        parts.append(f"{name} {part.cell} by {', then '.join(told)}")
    return "; ".join(parts)


def make_optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """Returns Adam as the recipe has it, for epochs of `steps` batches."""
    from seq2seq.training.optimizers import AveragingAdam
    from seq2seq.training.schedules import WarmUpDecay

    options = recipe.training
    total = math.ceil(steps / options.accumulate) * options.epochs
    return AveragingAdam(
        WarmUpDecay(options.schedule, options.learning_rate, options.warmup_steps, total),
        weight_decay=options.weight_decay or None,
        global_clipnorm=options.gradient_clip or None,
        use_ema=options.ema > 0,
        ema_momentum=options.ema or 0.99,
        gradient_accumulation_steps=options.accumulate if options.accumulate > 1 else None,
    )


def _validate(
    trainee: keras.Model, plan: Any, generator: Generator, corpus: Corpus, recipe: Recipe
) -> dict[str, float]:
    from seq2seq.evaluation.evaluate import quick_score
    from seq2seq.pipeline.feed import as_fit_data

    nll = trainee.evaluate(as_fit_data(plan), verbose=0, return_dict=True)["nll"]
    pairs = list(corpus.validation)
    greedy = generator.greedy()
    hypotheses = [best[0].text for best in greedy.generate([p.source for p in pairs])]
    score = quick_score(hypotheses, [p.target for p in pairs], recipe.task, recipe.data.target_language)
    return {"val_nll": float(nll), f"val_{recipe.score_name}": score.score}


def _tensorboard(folder: RunFolder, trainee: keras.Model) -> Any:
    """Keras' own callback, driven once an epoch; None where the backend's TensorBoard cannot write."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return None
    board = keras.callbacks.TensorBoard(str(folder.tensorboard), write_graph=False, update_freq="epoch")
    board.set_model(trainee)
    board.on_train_begin()
    return board
