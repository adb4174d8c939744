"""A long file in parts: cut by lines, each part's outcome a file of its own, put together in order at the end."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from seq2seq.files import TEMPORARY, locked, output_file, read_json, remove_leftovers, whole_file, write_text
from seq2seq.text.lines import MAX_LINE_BYTES, decode_line, without_mark
from seq2seq.text.opening import CorpusError, reading

MANIFEST = "shards.json"
"""Records what the outcomes of a folder were made with."""
UNPACKED = "input"
"""The text of a compressed input, so that a part can be read without all that precedes it."""
BLOCK = 1 << 20
"""Bytes that are read at once."""
RECORD = ".json"
"""Ending of what is known of an outcome."""
_OUTCOME = re.compile(r"\d{6,}-[0-9a-f]{32}")


@dataclass(frozen=True)
class Shard:
    """Some lines of a file."""

    number: int
    """From 0, in the order of the file."""
    first: int
    """Lines before it."""
    lines: int
    """Lines in it, at least 1."""
    offset: int
    """Bytes before it."""
    digest: str
    """Of its bytes."""

    @property
    def name(self) -> str:
        """The file name of its outcome; other text has another name, so outcomes are never mixed up."""
        return f"{self.number:06}-{self.digest}"

    @property
    def place(self) -> str:
        return f"lines {self.first + 1:,} to {self.first + self.lines:,}"


def cut(path: Path, size: int, copy: Path | None = None) -> list[Shard]:
    """Cuts a text, compressed or not, into shards of `size` lines, the last of fewer, in one pass in constant memory.

    Args:
        path: The text.
        size: Lines of a shard, at least 1.
        copy: Where to write the text as well, neither compressed nor with a byte order mark.

    Raises:
        CorpusError: the file cannot be read, or is none of UTF-8.
    """
    shards: list[Shard] = []
    lines, begin, end, digest, last = 0, 0, 0, hashlib.sha256(), b"\n"

    def close() -> None:
        nonlocal lines, begin, digest
        number = len(shards)
        shards.append(Shard(number, number * size, lines, begin, digest.hexdigest()[:32]))
        lines, begin, digest = 0, end, hashlib.sha256()

    with ExitStack() as stack:
        out = None
        if copy:
            out = stack.enter_context(open(stack.enter_context(whole_file(copy)), "wb"))
        file = stack.enter_context(reading(path))
        start = file.read(BLOCK)
        block = without_mark(start, str(path))
        if not copy:
            begin = end = len(start) - len(block)  # the mark precedes the first shard
        while block:
            if out:
                out.write(block)
            at, last = 0, block[-1:]
            while at < len(block):
                ends = block.count(b"\n", at)
                stop = len(block) if ends < size - lines else _after(block, at, size - lines)
                digest.update(block[at:stop])
                lines += min(ends, size - lines)
                end += stop - at
                at = stop
                if lines == size:
                    close()
            block = file.read(BLOCK)
        lines += last != b"\n"  # the last line need not end
        if lines:
            close()
    return shards


def _after(block: bytes, at: int, lines: int) -> int:
    """Returns the place after the end of so many lines, which all end in the block."""
    for _ in range(lines):
        at = block.index(b"\n", at) + 1
    return at


def read_shard(text: Path, shard: Shard, name: str) -> Iterator[tuple[int, str]]:
    """Yields the lines of a shard of `text`, not compressed, with their numbers in the whole file, from 1.

    Raises:
        CorpusError: a line is no text, and it names the line, of the file `name`; or the text is not what was cut.
    """
    digest = hashlib.sha256()
    with reading(text) as file:
        file.seek(shard.offset)
        for number in range(shard.first + 1, shard.first + shard.lines + 1):
            line = file.readline(MAX_LINE_BYTES + 2)
            digest.update(line)
            yield number, decode_line(line, f"{name}:{number}")
    if not digest.hexdigest().startswith(shard.digest):
        raise CorpusError(f"{name}: {shard.place} changed while they were read. Run the same command again.")


@contextmanager
def outcome(folder: Path, shard: Shard) -> Iterator[TextIO]:
    """Opens what a shard's outcome is written to; it appears under its name only when it is whole."""
    with whole_file(folder / shard.name) as partial, open(partial, "w", encoding="utf-8", newline="\n") as stream:
        yield stream


def write_record(folder: Path, shard: Shard, record: dict[str, Any]) -> None:
    """Keeps what is to be known of a shard's outcome beside it; called before the outcome is whole."""
    write_text(folder / f"{shard.name}{RECORD}", json.dumps(record))


def read_record(folder: Path, shard: Shard) -> dict[str, Any]:
    """Returns what `write_record` kept; nothing where there is no such file."""
    try:
        return dict(read_json(folder / f"{shard.name}{RECORD}"))
    except (OSError, ValueError, TypeError):
        return {}


class ShardFolder:
    """The outcomes of shards, beside the output that they become. Made by `shard_folder`.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path):
        self.path = path

    def outcomes(self) -> set[str]:
        """Returns the names of what is finished."""
        return {path.name for path in self.path.iterdir() if _OUTCOME.fullmatch(path.name)}

    def missing(self, shards: Sequence[Shard], source: Path) -> list[Shard]:
        """Returns the shards of `source` without outcome.

        Raises:
            ValueError: there are outcomes of another text.
        """
        finished = self.outcomes()
        if strange := sorted(finished - {shard.name for shard in shards}):
            number = int(strange[0].split("-")[0])
            place = shards[number].place if number < len(shards) else "its end"
            raise ValueError(
                f"{self.path} holds shards of another text: {source} differs at {place}. "
                "Give that text again, another --output, or remove the folder to start again."
            )
        return [shard for shard in shards if shard.name not in finished]

    def join(self, shards: Sequence[Shard], output: Path) -> None:
        """Puts the outcomes together, in order, and removes the folder."""
        with output_file(output) as partial, open(partial, "wb") as whole:
            for shard in shards:
                with open(self.path / shard.name, "rb") as part:
                    shutil.copyfileobj(part, whole, BLOCK)
        self.remove()

    def remove(self) -> None:
        """Removes the files of this class, and the folder unless it holds others."""
        remove_leftovers(self.path)
        # The record goes last: if the process is killed in between, the folder is still recognised.
        # A process that is killed before its outcome is whole leaves the record of it.
        records = [path.name for path in self.path.iterdir() if _OUTCOME.fullmatch(path.name.removesuffix(RECORD))]
        for name in (*records, UNPACKED, MANIFEST):
            (self.path / name).unlink(missing_ok=True)
        with suppress(OSError):
            self.path.rmdir()


def shards_of(output: Path) -> Path:
    """Returns the folder of an output's shards."""
    return output.with_name(f"{output.name}.shards")


@contextmanager
def shard_folder(output: Path, made_with: dict[str, Any]) -> Iterator[ShardFolder]:
    """Opens the folder of an output's shards, made where there is none, for this process alone.

    A folder that is left without outcomes is removed.

    Args:
        output: The file that the shards become; the folder is `output`.shards.
        made_with: All that the outcomes depend on besides the input, as JSON, by the names that messages use.

    Raises:
        ValueError: its outcomes were made with something else, it is no such folder, or is in use.
    """
    path = shards_of(output)
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        what = "link" if path.is_symlink() else "file"
        raise ValueError(f"{path} is a {what}; expected no such name, or a folder that this command made.")
    with ExitStack() as stack:
        try:
            path.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(path, wait=False))
        except (BlockingIOError, FileNotFoundError):  # the latter where its owner has just removed it
            raise ValueError(f"{path}: another process is at work on this output. Wait until it is done.") from None
        folder = ShardFolder(path)
        _check(folder, made_with)
        remove_leftovers(path)
        try:
            yield folder
        finally:
            if path.exists() and not folder.outcomes():
                folder.remove()


def _check(folder: ShardFolder, made_with: dict[str, Any]) -> None:
    """Raises ValueError if the outcomes were made otherwise; records in a folder without any how they are made."""
    manifest = folder.path / MANIFEST
    if not folder.outcomes():
        names = {path.name for path in folder.path.iterdir() if not TEMPORARY.fullmatch(path.name)}
        if strange := sorted(names - ({MANIFEST, UNPACKED} if MANIFEST in names else set())):
            raise ValueError(f"{folder.path} is no folder of shards: it holds {strange[0]}. Give another --output.")
        write_text(manifest, json.dumps(made_with, ensure_ascii=False, indent=2) + "\n")
        return
    try:
        before = read_json(manifest)
        changed = [key for key in {**before, **made_with} if before.get(key) != made_with.get(key)]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{manifest}: missing or damaged ({error}). Remove the folder to start again, or give another --output."
        ) from error
    if changed:
        raise ValueError(
            f"{folder.path} was begun with {_listed(before, changed)}. Received: {_listed(made_with, changed)}. "
            "Give the same again to continue, another --output, or remove the folder to start again."
        )


def _listed(values: dict[str, Any], keys: Sequence[str]) -> str:
    return ", ".join(f"{key} {json.dumps(values.get(key), ensure_ascii=False)}" for key in keys)
