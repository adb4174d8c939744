"""`translate --workers`: a long file by several processes, shard by shard, which can be stopped and go on."""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from seq2seq import __version__
from seq2seq.bulk.cluster import LOCAL, check_ray, map_on_ray
from seq2seq.bulk.processes import map_on_processes
from seq2seq.bulk.shards import UNPACKED, Shard, cut, outcome, read_shard, shard_folder, shards_of
from seq2seq.cli.line_progress import LineProgress
from seq2seq.cli.requests import read_requests
from seq2seq.cli.text_io import positive
from seq2seq.cli.translation import Counts, Translation
from seq2seq.messages import say
from seq2seq.outputs import check_holds_none
from seq2seq.tasks.text_to_text.loading import fingerprint
from seq2seq.text.opening import COMPRESSED

FILES = ("exclude_file", "terms", "dictionary")
"""Arguments that are files, of which the output depends on what is in them."""
ASIDE = ("verb", "run", "others", "input", "output", "workers", "shard_lines", "ray")
"""Arguments that do not change the outcome of a shard, or are told in other ways."""


def add_bulk_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares how a long file is shared out."""
    group = parser.add_argument_group(
        "bulk (finished shards stay in OUTPUT.shards: the same command goes on where it was stopped)"
    )
    group.add_argument("--workers", type=positive, metavar="N", help="share --input out among N processes")
    group.add_argument(
        "--shard-lines",
        type=positive,
        metavar="N",
        help="lines that are finished at once, rounded up to whole blocks of 32 batches (default one block)",
    )
    group.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="have them on the machines of this Ray cluster, which see the same files under the same names; "
        f"{LOCAL} starts one here",
    )


def check_bulk(arguments: argparse.Namespace) -> None:
    """Raises ValueError for arguments that do not go together."""
    if not arguments.workers:
        for name in ("--shard-lines", "--ray"):
            if getattr(arguments, name[2:].replace("-", "_")) is not None:
                raise ValueError(f"{name} is for --workers N.")
        return
    for name in ("--alignments", "--hard-alignments", "--heatmap"):
        if getattr(arguments, name[2:].replace("-", "_")):
            raise ValueError(f"{name} is not for --workers: align what comes out with seq2seq align.")
    for name, path in (("--input", arguments.input), ("--output", arguments.output)):
        if not path or (Path(path).exists() and not Path(path).is_file()):
            raise ValueError(f"--workers wants {name} FILE, a file on disk. Received: {path or 'none'}.")
    for name in FILES:
        if (path := getattr(arguments, name)) and Path(path).exists() and not Path(path).is_file():
            raise ValueError(f"--{name.replace('_', '-')} must be a file on disk for --workers. Received: {path}")
    if not Path(arguments.output).parent.is_dir():
        raise ValueError(f"{arguments.output}: there is no folder {Path(arguments.output).parent}.")
    read = [arguments.input, arguments.run, *arguments.others, *(getattr(arguments, name) for name in FILES)]
    shards = shards_of(Path(arguments.output))
    check_holds_none(f"--output {arguments.output}: {shards}", shards, [place for place in read if place])
    if arguments.ray:
        check_ray()


def run_bulk(arguments: argparse.Namespace) -> Counts:
    """Translates --input into --output by workers. Returns what there is to say of the shards that were done now."""
    translation = Translation(arguments, tell=lambda message: None)
    read_requests(arguments, 1, lines=())  # mistakes in what is asked of all lines are told now
    chunk = translation.chunk_lines
    size = -(-(arguments.shard_lines or 1) // chunk) * chunk
    source, output, counts = Path(arguments.input), Path(arguments.output), Counts()
    with shard_folder(output, _made_with(arguments, size)) as folder:
        packed = source.suffix.lower() in COMPRESSED
        text = folder.path / UNPACKED if packed else source
        shards = cut(source, size, text if packed else None)
        missing = folder.missing(shards, source)
        done = sum(shard.lines for shard in shards) - sum(shard.lines for shard in missing)
        if done:
            say(f"{_kept(len(shards) - len(missing), len(shards))} already there: going on.")
        make = partial(
            ShardTranslation, _absolute(arguments), folder.path.absolute(), text.absolute(), _threads(arguments)
        )
        with LineProgress(arguments.input, sum(shard.lines for shard in shards), done) as progress:

            def tell(message: str) -> None:
                progress.clear()
                say(message)

            if arguments.ray:
                results = map_on_ray(make, missing, arguments.workers, arguments.ray, tell, _place)
            else:
                results = map_on_processes(make, missing, arguments.workers, tell, _place)
            try:
                with closing(results):
                    for shard, (notes, more) in results:
                        for note in notes:
                            tell(note)
                        counts = counts.plus(more)
                        done += shard.lines
                        progress.show(done)
            except BaseException:
                if finished := len(folder.outcomes()):
                    tell(f"{_kept(finished, len(shards))} kept in {folder.path}: the same command goes on from there.")
                raise
        folder.join(shards, output)
    return counts


def _kept(count: int, total: int) -> str:
    return f"{count:,} of {total:,} shards {'is' if count == 1 else 'are'}"


def _place(shard: Shard) -> str:
    return shard.place


def _made_with(arguments: argparse.Namespace, size: int) -> dict[str, Any]:
    """What the outcome of a shard depends on, besides its lines."""
    options = {
        f"--{name.replace('_', '-')}": value
        for name, value in sorted(vars(arguments).items())
        if name not in ASIDE and value is not None and value is not False and value not in ([], "")
    }
    for name in FILES:
        if path := getattr(arguments, name):
            options[f"--{name.replace('_', '-')}"] = "sha256 " + hashlib.sha256(Path(path).read_bytes()).hexdigest()
    models = [fingerprint(Path(run)) for run in (arguments.run, *arguments.others)]
    return {"seq2seq": __version__, "model": models, "--shard-lines": size, **options}


def _absolute(arguments: argparse.Namespace) -> argparse.Namespace:
    """The arguments for a process that may have another working folder; --input stays as messages name it."""
    files = {name: str(Path(path).absolute()) for name in ("run", *FILES) if (path := getattr(arguments, name))}
    others = [str(Path(run).absolute()) for run in arguments.others]
    return argparse.Namespace(**(vars(arguments) | files | {"others": others}))


def _threads(arguments: argparse.Namespace) -> int:
    """Of each worker; 0 for as many as there are cores."""
    if arguments.ray:
        return 1  # as many as it is given CPUs
    if arguments.workers == 1:
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // arguments.workers)


class ShardTranslation:
    """What a worker does: loads the model when it is made, then translates shard after shard.

    Args:
        arguments: Of `translate`.
        folder: Where outcomes are written.
        text: The input, not compressed.
        threads: See `load_translator`.
    """

    def __init__(self, arguments: argparse.Namespace, folder: Path, text: Path, threads: int):
        self._notes = _Notes()
        logger = logging.getLogger("seq2seq")
        logger.setLevel(logging.INFO)
        logger.addHandler(self._notes)
        logger.propagate = False
        self._arguments = arguments
        self._folder = folder
        self._text = text
        self._translation = Translation(arguments, self._notes.lines.append)
        self._translation.load(threads)

    def __call__(self, shard: Shard) -> tuple[list[str], Counts]:
        """Writes the shard's outcome, if it is not there. Returns what there is to say of single lines, and of all.

        Raises:
            ValueError: what is wrong with a line; it names the line.
        """
        self._notes.lines.clear()
        self._translation.counts = Counts()
        if (self._folder / shard.name).exists():
            return [], Counts()
        lines = read_shard(self._text, shard, self._arguments.input)
        number = shard.first
        with outcome(self._folder, shard) as out:
            for chunk in read_requests(self._arguments, self._translation.chunk_lines, lines):
                results = self._translation.results(chunk, number)
                out.write(self._translation.text(chunk, number, results))
                number += len(chunk)
        return list(self._notes.lines), self._translation.counts


class _Notes(logging.Handler):
    """Keeps what is logged, for the process that talks to the user."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))
