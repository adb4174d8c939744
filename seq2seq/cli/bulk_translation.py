"""`translate --workers`: a long file by several processes, shard by shard; a stopped command continues where it was."""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from seq2seq import __version__
from seq2seq.bulk.cluster import LOCAL, check_ray, map_on_ray
from seq2seq.bulk.processes import map_on_processes
from seq2seq.bulk.shards import (
    UNPACKED,
    Shard,
    cut,
    outcome,
    read_record,
    read_shard,
    shard_folder,
    shards_of,
    write_record,
)
from seq2seq.cli.arguments import positive
from seq2seq.cli.line_progress import LineProgress
from seq2seq.cli.line_translator import Counts, TranslationOptions
from seq2seq.messages import say
from seq2seq.outputs import check_holds_none
from seq2seq.tasks.text_to_text.loading import fingerprint
from seq2seq.text.opening import COMPRESSED


@dataclass(frozen=True)
class BulkOptions:
    """How a long file is shared among processes."""

    workers: int | None
    shard_lines: int | None
    ray: str | None


def add_bulk_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `BulkOptions`."""
    group = parser.add_argument_group(
        "bulk (finished shards stay in OUTPUT.shards: the same command continues after a stop)"
    )
    group.add_argument("--workers", type=positive, metavar="N", help="share --input among N processes")
    group.add_argument(
        "--shard-lines",
        type=positive,
        metavar="N",
        help="lines of a shard, rounded up to whole blocks of 32 batches (default one block)",
    )
    group.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="run the workers on the machines of this Ray cluster, which see the same files under the same names; "
        f"{LOCAL} starts a cluster here",
    )


def check_bulk(options: BulkOptions, translation: TranslationOptions, output: str | None) -> None:
    """Raises ValueError for arguments that contradict each other."""
    if not options.workers:
        for flag, value in (("--shard-lines", options.shard_lines), ("--ray", options.ray)):
            if value is not None:
                raise ValueError(f"{flag} is for --workers N.")
        return
    source = translation.input.input
    for flag, path in (("--input", source), ("--output", output)):
        if not path or (Path(path).exists() and not Path(path).is_file()):
            raise ValueError(f"--workers requires {flag} FILE, a file on disk. Received: {path or 'none'}.")
    files = _files(translation)
    for flag, path in files.items():
        if Path(path).exists() and not Path(path).is_file():
            raise ValueError(f"{flag} must be a file on disk for --workers. Received: {path}")
    target = Path(str(output))
    if not target.parent.is_dir():
        raise ValueError(f"{output}: there is no folder {target.parent}.")
    shards = shards_of(target)
    check_holds_none(f"--output {output}: {shards}", shards, [str(source), *translation.model.runs, *files.values()])
    if options.ray:
        check_ray()


def run_bulk(options: BulkOptions, translation: TranslationOptions, output: str) -> Counts:
    """Translates --input into `output` by workers, after `check_bulk`. Returns the counts of all shards."""
    chunk_lines = translation.translator(lambda message: None).chunk_lines  # reports mistakes in its files
    shard_lines = -(-(options.shard_lines or 1) // chunk_lines) * chunk_lines
    source, target = Path(str(translation.input.input)), Path(output)
    with shard_folder(target, _made_with(translation, shard_lines)) as folder:
        is_packed = source.suffix.lower() in COMPRESSED
        text = folder.path / UNPACKED if is_packed else source
        shards = cut(source, shard_lines, text if is_packed else None)
        missing = folder.missing(shards, source)
        if len(missing) < len(shards):
            say(f"{_shards_are(len(shards) - len(missing), len(shards))} already there: going on.")
        threads = _threads(options)
        make = partial(ShardTranslator, _absolute(translation), folder.path.absolute(), text.absolute(), threads)
        total, before = (sum(shard.lines for shard in some) for some in (shards, set(shards) - set(missing)))
        with LineProgress(translation.input.input, total, before) as progress:
            try:
                _run_workers(options, make, missing, progress, before)
            except BaseException:
                if finished := len(folder.outcomes()):
                    progress.clear()
                    kept = _shards_are(finished, len(shards))
                    say(f"{kept} kept in {folder.path}: the same command goes on from there.")
                raise
        counts = Counts()
        for shard in shards:
            counts = counts.plus(Counts.of(read_record(folder.path, shard)))
        folder.join(shards, target)
    return counts


def _run_workers(
    options: BulkOptions,
    make: partial[ShardTranslator],
    shards: list[Shard],
    progress: LineProgress,
    before: int,
) -> None:
    """Has every shard done, and shows messages and progress. `before` lines were done earlier."""

    def notify(message: str) -> None:
        progress.clear()
        say(message)

    done, workers = before, options.workers or 1
    if options.ray:
        results = map_on_ray(make, shards, workers, options.ray, notify, _place)
    else:
        results = map_on_processes(make, shards, workers, notify, _place)
    with closing(results):
        for shard, messages in results:
            for message in messages:
                notify(message)
            done += shard.lines
            progress.show(done)


def _shards_are(count: int, total: int) -> str:
    return f"{count:,} of {total:,} shards {'is' if count == 1 else 'are'}"


def _place(shard: Shard) -> str:
    return shard.place


def _files(options: TranslationOptions) -> dict[str, str]:
    """Returns the given files that an output depends on, by their flags."""
    files = {
        "--exclude-file": options.input.exclude_file,
        "--terms": options.input.terms,
        "--dictionary": options.dictionary,
    }
    return {flag: path for flag, path in files.items() if path}


def _made_with(options: TranslationOptions, shard_lines: int) -> dict[str, Any]:
    """Returns what the outcome of a shard depends on besides its lines, by the names of the flags."""
    values = {
        **asdict(options.input),
        **options.search.values,
        "ensemble": options.model.ensemble,
        "n_best": options.n_best,
        "replace_unknown": options.replace_unknown,
        "batch_size": options.batch_size,
        **options.more(),
    }
    del values["input"]
    flags: dict[str, Any] = {
        f"--{name.replace('_', '-')}": list(value) if isinstance(value, tuple) else value
        for name, value in sorted(values.items())
        if value is not None and value is not False and value not in ((), "")
    }
    for flag, path in _files(options).items():
        flags[flag] = "sha256 " + hashlib.sha256(Path(path).read_bytes()).hexdigest()
    models = [fingerprint(Path(run)) for run in options.model.runs]
    return {"seq2seq": __version__, "model": models, "--shard-lines": shard_lines, **flags}


def _absolute(options: TranslationOptions) -> TranslationOptions:
    """Returns the options for a process with another working folder; --input stays as messages name it."""

    def absolute(path: str | None) -> str | None:
        return str(Path(path).absolute()) if path else path

    run, *others = (str(Path(path).absolute()) for path in options.model.runs)
    source = options.input
    return replace(
        options,
        model=replace(options.model, run=run, others=tuple(others)),
        input=replace(source, exclude_file=absolute(source.exclude_file), terms=absolute(source.terms)),
        dictionary=absolute(options.dictionary),
    )


def _threads(options: BulkOptions) -> int:
    """Returns the threads of each worker; 0 for as many as there are cores."""
    if options.ray:
        return 1  # the cluster gives each worker one CPU
    if options.workers == 1:
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // (options.workers or 1))


class ShardTranslator:
    """The work of one process: loads the model once, then translates shard after shard.

    Args:
        options: What an outcome depends on.
        folder: Where outcomes are written.
        text: The input, not compressed.
        threads: See `load_translator`.
    """

    def __init__(self, options: TranslationOptions, folder: Path, text: Path, threads: int):
        self._messages = _Messages()
        logger = logging.getLogger("seq2seq")
        logger.setLevel(logging.INFO)
        logger.addHandler(self._messages)
        logger.propagate = False
        self._folder = folder
        self._text = text
        self._translator = options.translator(self._messages.lines.append)
        self._translator.load(threads)

    def __call__(self, shard: Shard) -> list[str]:
        """Writes the shard's outcome, and its counts, unless it is there. Returns the messages about its lines.

        Raises:
            ValueError: a line is wrong; the message names it.
        """
        translator = self._translator
        self._messages.lines.clear()
        translator.counts = Counts()
        if (self._folder / shard.name).exists():
            return []
        lines = read_shard(self._text, shard, translator.options.input.name)
        done = shard.first
        with outcome(self._folder, shard) as out:
            for chunk in translator.read(lines):
                results = translator.translate(chunk, done)
                out.write(translator.format(chunk, done, results))
                done += len(chunk)
            write_record(self._folder, shard, translator.counts.as_record())
        return list(self._messages.lines)


class _Messages(logging.Handler):
    """Keeps what is logged, for the process that talks to the user."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))
