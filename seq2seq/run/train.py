"""The epochs of a recipe: from token store to best weights. Stopped anywhere, it goes on as if it had not been."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from seq2seq.distributed import team
from seq2seq.run.folder import save_weights
from seq2seq.signals import defer_signals
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.learned import learn, load_learned, report
from seq2seq.tasks.text_to_text.model import build_model
from seq2seq.tasks.text_to_text.prepare import Corpus, TokenisedCorpus
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.tasks.text_to_text.selection import Selection
from seq2seq.text.subword import SubwordTokenizer

if TYPE_CHECKING:
    import keras

    from seq2seq.inference.generator import Generator
    from seq2seq.models.seq2seq import Seq2Seq
    from seq2seq.pipeline.plan import Plan

CONSTANT = 3
"""Epochs after which it is said that a score does not change."""

_log = logging.getLogger(__name__)


def train(
    folder: TextRunFolder, recipe: Recipe, corpus: Corpus, source: SubwordTokenizer, target: SubwordTokenizer
) -> None:
    """Trains until the last epoch or the end of patience, from where the folder's checkpoint stands.

    Leaves the averaged weights of the best epoch, the history, and a checkpoint after every epoch and within it. Of
    several processes each takes its rows of every batch; process 0 alone leaves files, validates and decides.

    Raises:
        RunFailed: training diverges, or more steps are bad than may be left out.
    """
    import keras

    from seq2seq.clock import clock
    from seq2seq.inference.generator import Generator
    from seq2seq.pipeline.feed import new_shapes_are_cheap
    from seq2seq.pipeline.plan import Plan
    from seq2seq.text.token_batches import ALIGNED_PAIRS, PAIRS
    from seq2seq.training.checkpoint import load_checkpoint, save_checkpoint
    from seq2seq.training.losses import TeacherForcing
    from seq2seq.training.optimizers import averaged_weights
    from seq2seq.training.resume import check_progress
    from seq2seq.training.shared import checksum, part_seeds

    options, leads = recipe.training, team.is_leader()
    tokens = TokenisedCorpus(folder, recipe, corpus, source, target)
    learned = team.leader_first(lambda: learn(folder, recipe, corpus, tokens), lambda: load_learned(folder))
    assert learned is not None
    selection, search = learned.selection, recipe.search.with_limits(learned.limits)
    if leads:
        report(learned, recipe, corpus, tokens)
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(options.precision)
    try:
        model = build_model(recipe.model, source.size, target.size, source.vocabulary)
        budget = options.loss_budget_mb * 2**20
        extras = options.guided_attention, options.selector_loss
        trainee = TeacherForcing(model, options.label_smoothing, budget, *extras)
        trainee.build()
        trainee.exchange = team.exchange()
        trim = new_shapes_are_cheap()
        batching = replace(recipe.batching, tokens=recipe.batching.tokens * team.size())
        steps = len(Plan(tokens.train, PAIRS, batching, recipe.seed, trim=trim))
        trainee.compile(make_optimizer(recipe, steps), jit_compile=not trim)
        trainee.optimizer.build(trainee.trainable_variables)
        validation = Plan(tokens.validation, PAIRS, recipe.batching, recipe.seed, shuffle=False, trim=trim)
        generator = Generator(model, source, target, search)
        columns = "nll", "val_nll", selection.column, "seconds"
        usable = partial(check_progress, epochs=options.epochs, steps=steps, columns=columns)
        progress = load_checkpoint(folder.checkpoint_file, trainee, usable)
        team.check_equal(lambda: checksum(trainee), "weights to begin with")
        part_seeds(trainee, team.rank_and_size()[0])
        if progress:
            place = f" and {progress['step']:,} steps of the next" if progress["step"] else ""
            _log.info("Going on after epoch %d%s", progress["epoch"], place)
            progress = _extended(progress, options.epochs)
            if leads:
                _report(folder, selection, progress["history"])
        else:
            progress = {"epoch": 0, "epochs": options.epochs, "patience_from": 0, "history": [], **_BEGIN, "watch": {}}
            _log.info("Model of %s weights; %s steps an epoch", f"{model.count_params():,}", f"{steps:,}")
        _log.info("Through time: %s", describe_implementations(model))
        board = _tensorboard(folder, trainee) if leads else None
        measured = "val_nll", selection.column

        history: list[dict[str, Any]] = progress["history"]

        for epoch in range(progress["epoch"], options.epochs):
            if options.patience and selection.stale(history, progress["patience_from"]) >= options.patience:
                _log.info("Neither score nor loss became better for %d epochs: stopping early.", options.patience)
                break
            begin = time.monotonic()
            if trainee.coverage_rate is not None:
                trainee.coverage_rate.assign(options.coverage_loss if epoch >= options.coverage_from else 0.0)
            guided = options.guided_attention > 0 and (not options.guided_until or epoch < options.guided_until)
            layout = ALIGNED_PAIRS if guided or recipe.model.selector else PAIRS
            rank, size = team.rank_and_size()
            plan = Plan(tokens.epoch(epoch), layout, batching, recipe.seed, epoch, trim=trim, rank=rank, size=size)
            row, watch = _fit(folder, recipe, trainee, plan, progress, source, target)
            with averaged_weights(trainee):
                row |= team.broadcast(
                    measured, lambda: _validate(trainee, validation, generator, corpus, recipe, selection.score)
                )
                history = [*history, row]
                better = selection.best(history) == epoch
                if better and leads:
                    save_weights(model, folder.weights_file)
                if options.keep_epochs and leads:
                    folder.keep_epoch(epoch + 1, model, options.keep_epochs)
            row["seconds"] = progress["seconds"] + time.monotonic() - begin
            progress = {
                "epoch": epoch + 1,
                "epochs": options.epochs,
                "patience_from": progress["patience_from"],
                "history": history,
                **_BEGIN,
                "watch": watch,
            }
            if leads:
                save_checkpoint(folder.checkpoint_file, trainee, progress)
                _report(folder, selection, history)
            if leads and len(history) == min(CONSTANT, options.epochs) and selection.is_constant(history):
                _log.warning(
                    "The validation %s is %.2f in all of %d epochs and cannot tell them apart: the loss decides. "
                    "Another measure: --training.select_by, in a new folder.",
                    *(selection.score, row[selection.column], len(history)),
                )
            if board:
                logs = {k: v for k, v in row.items() if k not in ("epoch", "seconds")}
                board.on_epoch_end(epoch, logs)
            _log.info(
                "epoch %d/%d  loss %.3f  val nll %.3f  val %s %.2f%s  %s tokens/s  %s",
                *(epoch + 1, options.epochs, row["loss"], row["val_nll"]),
                *(selection.score.upper(), row[selection.column], " (best)" if better else ""),
                *(f"{row['tokens_per_second']:,.0f}", clock(row["seconds"])),
            )
        _warn_if_nothing_was_learned(progress["history"], math.log(target.size), _advice(folder, recipe))
    finally:
        keras.config.set_dtype_policy("float32")


def _warn_if_nothing_was_learned(history: list[dict[str, Any]], uniform: float, advice: str) -> None:
    if history and history[-1]["nll"] > uniform:
        _log.warning(
            "Nothing was learned: the loss of the last epoch is %.3g nats a token, where %.3g is that of a model that "
            "knows nothing. %s",
            *(history[-1]["nll"], uniform, advice),
        )


def _extended(progress: dict[str, Any], epochs: int) -> dict[str, Any]:
    """The progress of a run that goes on to another number of epochs than before: patience begins anew."""
    if progress["epochs"] == epochs:
        return progress
    _log.info(
        "Going on to epoch %d in place of %d: the schedule of the learning rate is that of %d epochs from here on, and "
        "patience begins anew.",
        *(epochs, progress["epochs"], epochs),
    )
    return {**progress, "epochs": epochs, "patience_from": progress["epoch"]}


_BEGIN = {"step": 0, "seconds": 0.0, "tokens_per_second": 0.0}
"""Where an epoch stands before its first step: steps done, and what they took."""


def _fit(
    folder: TextRunFolder,
    recipe: Recipe,
    trainee: Any,
    plan: Plan,
    progress: dict[str, Any],
    source: SubwordTokenizer,
    target: SubwordTokenizer,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Trains an epoch, or what is left of it; a checkpoint stands after its last step.

    Returns:
        The epoch's row of the history, and what the guard remembers.
    """
    from seq2seq.pipeline.feed import as_fit_data
    from seq2seq.run.steps import Steps
    from seq2seq.training.checkpoint import save_checkpoint
    from seq2seq.training.guard import Guard, Watch
    from seq2seq.training.progress import TrainingProgress

    options, begin = recipe.training, time.monotonic()
    epoch, first = progress["epoch"], progress["step"]
    line = TrainingProgress(options.epochs, len(plan), plan.length, first)
    guard = Guard(trainee, options.skip_bad_steps, Watch(**progress["watch"]), math.log(target.size))
    skipped = progress.get("skipped", guard.watch.skipped)

    def save(step: int) -> None:
        if not team.is_leader():
            return
        spent = {"seconds": progress["seconds"] + time.monotonic() - begin, "tokens_per_second": line.tokens_per_second}
        place = {**progress, **spent, "step": step, "skipped": skipped, "watch": guard.as_json()}
        save_checkpoint(folder.checkpoint_file, trainee, place)

    def show(step: int) -> str:
        if not team.is_leader():
            return ""
        path = folder.bad_batches / f"epoch-{epoch + 1}-step-{step + 1}.tsv"
        pairs = plan.rows(step)
        sources = source.decode([plan.store["source"][pair].tolist() for pair in pairs])
        targets = target.decode([plan.store["target"][pair].tolist() for pair in pairs])
        folder.write(path, "".join(f"{one}\t{other}\n" for one, other in zip(sources, targets, strict=True)))
        return f"Its {len(pairs)} pairs are in {path}."

    per_second = progress["tokens_per_second"]
    if first < len(plan):
        with defer_signals() as asked:
            stop = team.should_stop(asked)
            watcher = Steps(plan, first, guard, options.checkpoint_minutes, save, stop, show, _advice(folder, recipe))
            data = as_fit_data(plan, first)
            trainee.fit(
                data, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0, callbacks=[line, watcher]
            )
        per_second = line.tokens_per_second
    numbers = {name: float(value) for name, value in trainee.get_metrics_result().items()}
    left_out = guard.watch.skipped - skipped
    row = {"epoch": epoch + 1, **numbers, "skipped_steps": left_out, "tokens_per_second": per_second}
    return row, guard.as_json()


def _advice(folder: TextRunFolder, recipe: Recipe) -> str:
    """To somebody whose numbers go wrong."""
    options = recipe.training
    kept = f"The last good checkpoint is {folder.checkpoint_file}" if folder.checkpoint_file.exists() else ""
    best = f"{kept}; the best epoch's weights are in {folder.weights_file}. " if folder.weights_file.exists() else ""
    clip = f"below {options.gradient_clip:g}" if options.gradient_clip else "of 1"
    exact = ", training.precision float32" * (options.precision != "float32")
    return (
        f"{best or kept + '. ' * bool(kept)}What helps, in a new folder: a training.learning_rate below "
        f"{options.learning_rate:g}, a training.gradient_clip {clip}, more training.warmup_steps{exact}."
    )


def _report(folder: TextRunFolder, selection: Selection, history: list[dict[str, Any]]) -> None:
    from seq2seq.run.report import write_curves, write_history

    if history:
        write_history(folder, history)
        write_curves(folder, history, selection.score)


def describe_implementations(model: Seq2Seq) -> str:
    """Tells how the layers go through time in training, and why not quicker."""
    parts = []
    for name, part in (("encoder", model.encoder), ("decoder", model.decoder)):
        told = list(
            dict.fromkeys(f"{way.name} ({way.reason})" if way.reason else way.name for way in part.implementations())
        )
        parts.append(f"{name} {part.cell} by {', then '.join(told)}")
    return "; ".join(parts)


def make_optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """Returns Adam as the recipe has it, for epochs of `steps` batches."""
    from seq2seq.training.optimizers import AveragingAdam
    from seq2seq.training.schedules import WarmUpDecay
    from seq2seq.training.shared import SharedLossScale

    options = recipe.training
    total = math.ceil(steps / options.accumulate) * options.epochs
    optimizer: Any = AveragingAdam(
        WarmUpDecay(options.schedule, options.learning_rate, options.warmup_steps, total),
        weight_decay=options.weight_decay or None,
        global_clipnorm=options.gradient_clip or None,
        use_ema=options.ema > 0,
        ema_momentum=options.ema or 0.99,
        gradient_accumulation_steps=options.accumulate if options.accumulate > 1 else None,
    )
    if exchange := team.exchange():
        if options.precision == "mixed_float16":
            optimizer = SharedLossScale(optimizer)
        optimizer.exchange = exchange
    return optimizer


def _validate(
    trainee: keras.Model, plan: Any, generator: Generator, corpus: Corpus, recipe: Recipe, name: str
) -> dict[str, float]:
    from seq2seq.evaluation.evaluate import quick_score
    from seq2seq.inference.lines import best_text
    from seq2seq.pipeline.feed import as_fit_data

    nll = trainee.evaluate(as_fit_data(plan), verbose=0, return_dict=True)["nll"]
    pairs = list(corpus.validation)
    greedy = generator.greedy()
    hypotheses = [best_text(found) for found in greedy.generate([p.source for p in pairs])]
    score = quick_score(name, hypotheses, [p.target for p in pairs], recipe.tokenization)
    return {"val_nll": float(nll), f"val_{name}": score.score}


def _tensorboard(folder: TextRunFolder, trainee: keras.Model) -> Any:
    """Keras' own callback, driven once an epoch; None where the backend's TensorBoard cannot write."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return None
    board = keras.callbacks.TensorBoard(str(folder.inside(folder.tensorboard)), write_graph=False, update_freq="epoch")
    board.set_model(trainee)
    board.on_train_begin()
    return board
