"""The epochs of a run: from stores to the best weights. Stopped anywhere, it goes on as if it had not been stopped."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from seq2seq.distributed import team
from seq2seq.run.folder import RunFolder, save_weights
from seq2seq.run.sections import Recipe
from seq2seq.run.selection import Selection
from seq2seq.run.start import take_weights
from seq2seq.run.task import CompleteBatch, Prepared, Task
from seq2seq.signals import defer_signals

if TYPE_CHECKING:
    import keras

    from seq2seq.metrics.score import Score
    from seq2seq.pipeline.plan import EpochPlan

CONSTANT = 3
"""Epochs after which it is said that a score does not change."""
FEW_STEPS = 500
"""A run of fewer steps that has learned nothing is too short, whatever else is wrong with it."""

_log = logging.getLogger(__name__)


def train(folder: RunFolder, recipe: Recipe, task: Task, data: Any) -> None:
    """Trains until the last epoch or the end of patience, from the folder's checkpoint on.

    Leaves the averaged weights of the best epoch, the history, and a checkpoint after every epoch and within it. Of
    several processes each takes its rows of every batch; process 0 alone leaves files, validates and decides.

    Args:
        folder: The run's.
        recipe: Of the task.
        task: Prepares the data, builds the model and its objective, and validates.
        data: What the task's `open_data` returned.

    Raises:
        RunFailed: training diverges, or more steps are bad than may be left out.
    """
    import keras

    prepared = task.prepare(folder, recipe, data)
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(recipe.training.precision)
    try:
        setup = _set_up(folder, recipe, task, data, prepared)
        history = _train_epochs(setup, _first_progress(setup))
        _warn_if_nothing_was_learned(history, prepared, _advice(folder, recipe))
    finally:
        keras.config.set_dtype_policy("float32")


@dataclass(frozen=True)
class _Setup:
    """What stays the same in all epochs."""

    folder: RunFolder
    recipe: Recipe
    task: Task
    prepared: Prepared
    model: Any
    """The network."""
    objective: Any
    """The objective: a compiled Keras model around the network."""
    validation: EpochPlan
    score: Callable[[float], Mapping[str, Score]]
    """Scores the network on the validation data, given the loss there."""
    steps: int
    """Of an epoch, as the learning rate's schedule counts them."""
    complete: CompleteBatch | None
    """Completes each batch of training; None: batches are complete."""

    @property
    def selection(self) -> Selection:
        return self.prepared.selection


def _set_up(folder: RunFolder, recipe: Recipe, task: Task, data: Any, prepared: Prepared) -> _Setup:
    """Builds the model, what trains it and what validates it."""
    from seq2seq.pipeline.feed import new_shapes_are_cheap

    model = task.build_model(recipe, prepared.codec)
    objective = task.objective(recipe, model)
    objective.build()
    objective.exchange = team.exchange()
    steps = prepared.stores.steps
    objective.compile(make_optimizer(recipe, steps), jit_compile=not new_shapes_are_cheap())
    objective.optimizer.build(objective.trainable_variables)
    validation = prepared.stores.validation_plan()
    score = task.validator(model, prepared.codec, data, recipe)
    complete = prepared.completion(model) if prepared.completion else None
    return _Setup(folder, recipe, task, prepared, model, objective, validation, score, steps, complete)


def _first_progress(setup: _Setup) -> dict[str, Any]:
    """Reads the checkpoint into the model and returns where it was made; without one, where a run begins."""
    from seq2seq.training.checkpoint import load_checkpoint
    from seq2seq.training.resume import check_progress
    from seq2seq.training.shared import checksum, part_seeds

    epochs, selection = setup.recipe.training.epochs, setup.selection
    columns = "nll", "val_nll", selection.column, "seconds"
    usable = partial(check_progress, epochs=epochs, steps=setup.steps, columns=columns)
    progress = load_checkpoint(setup.folder.checkpoint_file, setup.objective, usable)
    if not progress:
        take_weights(setup.model, setup.recipe, setup.task, setup.prepared.parts)
    team.check_equal(lambda: checksum(setup.objective), "weights to begin with")
    part_seeds(setup.objective, team.rank_and_size()[0])
    if progress:
        place = f" and {progress['step']:,} steps of the next" if progress["step"] else ""
        _log.info("Going on after epoch %d%s", progress["epoch"], place)
        progress = _extended(progress, epochs)
        if team.is_leader():
            _report(setup, progress["history"])
    else:
        progress = {"epoch": 0, "epochs": epochs, "patience_from": 0, "history": [], **_BEGIN, "watch": {}}
        _log.info("Model of %s weights; %s steps an epoch", f"{setup.model.count_params():,}", f"{setup.steps:,}")
    _log.info("Through time: %s", describe_implementations(setup.model))
    return progress


def _train_epochs(setup: _Setup, progress: dict[str, Any]) -> list[dict[str, Any]]:
    """Trains, validates and keeps, epoch after epoch. Returns the history."""
    from seq2seq.training.checkpoint import save_checkpoint
    from seq2seq.training.optimizers import averaged_weights

    folder, options, selection, leads = setup.folder, setup.recipe.training, setup.selection, team.is_leader()
    board = _tensorboard(folder, setup.objective) if leads else None
    history: list[dict[str, Any]] = progress["history"]
    for epoch in range(progress["epoch"], options.epochs):
        if options.patience and selection.stale(history, progress["patience_from"]) >= options.patience:
            _log.info("Neither score nor loss became better for %d epochs: stopping early.", options.patience)
            break
        begin = time.monotonic()
        setup.task.begin_epoch(setup.objective, setup.recipe, epoch)
        row, watch = _fit(setup, setup.prepared.stores.plan(epoch), progress)
        with averaged_weights(setup.objective):
            row |= team.broadcast(("val_nll", selection.column), lambda: _validate(setup))
            history = [*history, row]
            better = selection.best(history) == epoch
            if better and leads:
                save_weights(setup.model, folder.weights_file)
            if options.keep_epochs and leads:
                folder.keep_epoch(epoch + 1, setup.model, options.keep_epochs)
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
            save_checkpoint(folder.checkpoint_file, setup.objective, progress)
            _report(setup, history)
        _log_epoch(setup, history, better, board)
    return history


def _validate(setup: _Setup) -> dict[str, float]:
    """Returns the loss and the score of the validation data, as the columns of the history."""
    from seq2seq.pipeline.feed import as_fit_data

    nll = setup.objective.evaluate(as_fit_data(setup.validation), verbose=0, return_dict=True)["nll"]
    score = setup.score(float(nll))[setup.selection.score]
    return {"val_nll": float(nll), setup.selection.column: score.score}


def _log_epoch(setup: _Setup, history: list[dict[str, Any]], better: bool, board: Any) -> None:
    """Says in the log, and to TensorBoard, how an epoch went."""
    from seq2seq.clock import clock

    row, selection, epochs = history[-1], setup.selection, setup.recipe.training.epochs
    if team.is_leader() and len(history) == min(CONSTANT, epochs) and selection.is_constant(history):
        _log.warning(
            "The validation %s is %.2f in all of %d epochs and cannot tell them apart: the loss decides. "
            "Another measure: --training.select_by, in a new folder.",
            *(selection.score, row[selection.column], len(history)),
        )
    if board:
        board.on_epoch_end(row["epoch"] - 1, {k: v for k, v in row.items() if k not in ("epoch", "seconds")})
    rate = row["tokens_per_second"]  # 0 in an epoch of one step, which compiles and is not timed
    _log.info(
        "epoch %d/%d  loss %.3f  val nll %.3f  val %s %.2f%s%s  %s",
        *(row["epoch"], epochs, row["loss"], row["val_nll"]),
        *(selection.score.upper(), row[selection.column], " (best)" if better else ""),
        *(f"  {rate:,.0f} {setup.task.ENTRY}s/s" if rate else "", clock(row["seconds"])),
    )


def _warn_if_nothing_was_learned(history: list[dict[str, Any]], prepared: Prepared, advice: str) -> None:
    uniform, steps = prepared.uniform_loss, prepared.stores.steps * len(history)
    if history and history[-1]["nll"] > uniform:
        if steps < FEW_STEPS:
            advice = (
                f"The run took only {steps:,} step{'s' * (steps != 1)}. What helps: the same command with more "
                "training.epochs, which goes on from here; or, in a new folder, smaller batches or more text."
            )
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
"""The progress within an epoch before its first step: steps done, and what they took."""


def _fit(setup: _Setup, plan: EpochPlan, progress: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Trains an epoch, or what is left of it; a checkpoint is kept after its last step.

    Returns:
        The epoch's row of the history, and what the guard remembers.
    """
    from seq2seq.pipeline.feed import as_fit_data
    from seq2seq.run.steps import Steps
    from seq2seq.run.stepwise import fit_stepwise
    from seq2seq.training.checkpoint import save_checkpoint
    from seq2seq.training.guard import Guard, Watch
    from seq2seq.training.progress import TrainingProgress

    folder, objective, options, begin = setup.folder, setup.objective, setup.recipe.training, time.monotonic()
    epoch, first = progress["epoch"], progress["step"]
    line = TrainingProgress(options.epochs, len(plan), plan.length, first, entry=setup.task.ENTRY)
    guard = Guard(objective, options.skip_bad_steps, Watch(**progress["watch"]), setup.prepared.uniform_loss)
    skipped = progress.get("skipped", guard.watch.skipped)

    def save(step: int) -> None:
        if not team.is_leader():
            return
        spent = {"seconds": progress["seconds"] + time.monotonic() - begin, "tokens_per_second": line.tokens_per_second}
        place = {**progress, **spent, "step": step, "skipped": skipped, "watch": guard.as_json()}
        save_checkpoint(folder.checkpoint_file, objective, place)

    def show(step: int) -> str:
        if not team.is_leader():
            return ""
        path = folder.bad_batches / f"epoch-{epoch + 1}-step-{step + 1}.tsv"
        text = setup.task.batch_as_text(setup.prepared.codec, plan, step)
        folder.write(path, text)
        return f"Its {text.count(chr(10))} rows are in {path}."

    per_second = progress["tokens_per_second"]
    if first < len(plan):
        with defer_signals() as pending:
            stop = team.should_stop(pending)
            advice = _advice(folder, setup.recipe)
            watcher = Steps(plan, first, guard, options.checkpoint_minutes, save, stop, show, advice)
            if complete := setup.complete:
                batches = (complete(plan[step], epoch, step) for step in range(first, len(plan)))
                fit_stepwise(objective, batches, [line, watcher], epoch)
            else:
                data = as_fit_data(plan, first)
                objective.fit(
                    data, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0, callbacks=[line, watcher]
                )
        per_second = line.tokens_per_second
    numbers = {name: float(value) for name, value in objective.get_metrics_result().items()}
    left_out = guard.watch.skipped - skipped
    row = {"epoch": epoch + 1, **numbers, "skipped_steps": left_out, "tokens_per_second": per_second}
    return row, guard.as_json()


def _advice(folder: RunFolder, recipe: Recipe) -> str:
    """Returns what to do where the numbers of training go wrong."""
    options = recipe.training
    kept = f"The last good checkpoint is {folder.checkpoint_file}" if folder.checkpoint_file.exists() else ""
    best = f"{kept}; the best epoch's weights are in {folder.weights_file}. " if folder.weights_file.exists() else ""
    clip = f"below {options.gradient_clip:g}" if options.gradient_clip else "of 1"
    exact = ", training.precision float32" * (options.precision != "float32")
    return (
        f"{best or kept + '. ' * bool(kept)}What helps, in a new folder: a training.learning_rate below "
        f"{options.learning_rate:g}, a training.gradient_clip {clip}, more training.warmup_steps{exact}."
    )


def _report(setup: _Setup, history: list[dict[str, Any]]) -> None:
    from seq2seq.run.report import write_curves, write_history

    if history:
        write_history(setup.folder, history)
        write_curves(setup.folder, history, setup.selection.score, setup.task.LOSS)


def describe_implementations(model: Any) -> str:
    """Returns how the layers go through time in training, and why not quicker."""
    parts = []
    for name, part in model.recurrent_parts.items():
        names = list(
            dict.fromkeys(f"{way.name} ({way.reason})" if way.reason else way.name for way in part.implementations())
        )
        parts.append(f"{name} {part.cell} by {', then '.join(names)}")
    return "; ".join(parts)


def make_optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """Returns the optimizer of the recipe, for epochs of `steps` batches."""
    from seq2seq.training.optimizers import AveragingAdam, AveragingSGD
    from seq2seq.training.schedules import WarmUpDecay
    from seq2seq.training.shared import SharedLossScale

    options = recipe.training
    total = math.ceil(steps / options.accumulate) * options.epochs
    kind: Any = {"adam": AveragingAdam, "sgd": AveragingSGD}[options.optimizer]
    optimizer = kind(
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


def _tensorboard(folder: RunFolder, objective: keras.Model) -> Any:
    """Keras' own callback, driven once an epoch; None where the backend's TensorBoard cannot write."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return None
    board = keras.callbacks.TensorBoard(str(folder.inside(folder.tensorboard)), write_graph=False, update_freq="epoch")
    board.set_model(objective)
    board.on_train_begin()
    return board
