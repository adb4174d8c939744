"""Files to examples: parallel text in every supported format, with line numbers, in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any

from seq2seq.text.alignment import parse_alignment
from seq2seq.text.characters import encodable
from seq2seq.text.examples import Example
from seq2seq.text.json_text import field_names, field_of, json_lines, json_objects
from seq2seq.text.lines import MAX_LINE_BYTES, decode_line, one_line, read_lines
from seq2seq.text.opening import CorpusError, check_kind, open_bytes, plain_name, reading
from seq2seq.text.tables import csv_rows, named_tsv

__all__ = [
    "MAX_LINE_BYTES",
    "AlignedText",
    "CorpusError",
    "Joined",
    "ParallelText",
    "Part",
    "Records",
    "Text",
    "decode_line",
    "files_of",
    "holds_both_sides",
    "kind_of",
    "one_line",
    "open_bytes",
    "overlap",
    "read_lines",
    "reading",
    "same_text_key",
    "split_paths",
    "text_at",
]


@dataclass(frozen=True)
class ParallelText:
    """A parallel corpus: two files with the same number of lines, or a TSV of two columns.

    Files may be compressed. Text is UTF-8, lines end in LF or CRLF.
    """

    source: Path
    target: Path | None = None
    """None: `source` is a TSV with the source in its first column and the target in its second."""

    def __iter__(self) -> Iterator[Example]:
        """Yields every pair, including empty lines.

        Raises:
            CorpusError: a file is missing or damaged, is not valid UTF-8, holds a NUL or an overlong line, or the line
                counts differ.
        """
        if self.target is None:
            for number, line in enumerate(read_lines(self.source), 1):
                columns = line.split("\t")
                if len(columns) < 2:
                    raise CorpusError(
                        f"{self.source}:{number}: expected source and target with a tab between them. "
                        f"Received a line without a tab: {line[:60]!r}. If the target is another file, name it as well."
                    )
                yield Example(columns[0], columns[1], number, file=str(self.source))
            return
        name, pairs = str(self.source), zip_longest(read_lines(self.source), read_lines(self.target))
        for number, (source, target) in enumerate(pairs, 1):
            if source is None or target is None:
                raise CorpusError(self._unequal(self.target, number))
            yield Example(source, target, number, file=name)

    def _unequal(self, target: Path, first: int) -> str:
        counts = {path: sum(1 for _ in read_lines(path)) for path in (self.source, target)}
        longer = max(counts, key=lambda path: counts[path])
        return (
            f"{self.source} has {counts[self.source]:,} lines, {target} has {counts[target]:,}: "
            f"parallel files need the same number. First line without a partner: {longer}:{first}."
        )


@dataclass(frozen=True)
class Records:
    """A corpus in one file with named fields: JSON objects, CSV, or a TSV whose first line names its columns.

    The file may be compressed. Line breaks within a field become spaces, lone surrogates become U+FFFD. In JSON `a.b`
    is the field b of the object in the field a, unless a field is called "a.b".
    """

    source: Path
    source_field: str = "source"
    target_field: str = "target"
    reference_fields: tuple[str, ...] = ()
    """Further targets, for test sets; a record may lack them."""
    named: bool = True
    """False: a CSV file whose first record may be text instead of names; see `tables.csv_rows`."""

    target = None

    def __iter__(self) -> Iterator[Example]:
        """Yields every record.

        Raises:
            CorpusError: as for `ParallelText`, or a field is missing or is not text.
        """
        for number, row in self.rows():
            sides = []
            for name in (self.source_field, self.target_field):
                text = field_of(row, name)
                if not isinstance(text, str):
                    raise CorpusError(
                        f"{self.source}:{number}: expected text in the field {name!r}. "
                        f"Received: {repr(text)[:80]}. The fields are: {', '.join(islice(field_names(row), 20))}"
                    )
                sides.append(encodable(one_line(text)))
            more = (field_of(row, name) for name in self.reference_fields)
            references = tuple(encodable(one_line(text)) for text in more if isinstance(text, str))
            yield Example(sides[0], sides[1], number, references, file=str(self.source))

    def rows(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yields the line number at which each record begins, and all fields of the record."""
        needed = (self.source_field, self.target_field) if self.named else ()
        match kind_of(self.source):
            case "json":
                return json_objects(self.source)
            case "jsonl":
                return json_lines(self.source)
            case "csv":
                return csv_rows(self.source, needed)
            case _:
                return named_tsv(self.source, needed)


@dataclass(frozen=True)
class Joined:
    """Several texts, one after the other."""

    texts: tuple[ParallelText | Records, ...]

    def __iter__(self) -> Iterator[Example]:
        """Yields the pairs of all texts, with line numbers in their own files; raises what the texts raise."""
        return chain.from_iterable(self.texts)


Text = ParallelText | Records | Joined
"""A corpus in files."""

_KINDS = {".tsv": "tsv", ".tab": "tsv", ".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def kind_of(path: Path) -> str:
    """Returns the format of a file by its name: "tsv", "csv", "json", "jsonl", or "lines" for all others."""
    return _KINDS.get(Path(plain_name(path)).suffix, "lines")


def split_paths(paths: str) -> list[Path]:
    """Splits file names at commas, unless a file exists whose own name has the comma."""
    return (
        [Path(paths)] if "," not in paths or Path(paths).exists() else list(map(Path, filter(None, paths.split(","))))
    )


def holds_both_sides(paths: str) -> bool:
    """Whether each of these files holds both source and target: all are tables or JSON."""
    return all(kind_of(path) != "lines" for path in split_paths(paths))


def text_at(
    source: str, target: str = "", source_field: str = "", target_field: str = "", references: tuple[str, ...] = ()
) -> Text:
    """Returns the corpus at these paths. This is the only place that decides by a file's name how it is read.

    Two files are read in parallel. Without `target`, a `.jsonl`, `.json` or `.csv` has both sides in named fields,
    by default "source" and "target" (or the first two columns of a CSV without a header). Everything else is a TSV,
    which has named columns only if fields are given. Several files are separated by commas; those of the two sides
    are paired in order.

    Raises:
        CorpusError: the numbers of files differ, a format cannot be read, or there is a target beside a file that
            holds both sides.
    """
    sources, targets = split_paths(source), split_paths(target) if target else []
    for path in (*sources, *targets):
        check_kind(path)
    if not targets:
        texts = [_both_sides(path, source_field, target_field, references) for path in sources]
        return texts[0] if len(texts) == 1 else Joined(tuple(texts))
    if len(sources) != len(targets):
        raise CorpusError(
            f"{len(sources)} source file{'s' * (len(sources) > 1)} and {len(targets)} target "
            f"file{'s' * (len(targets) > 1)}: expected the same number, in the same order. "
            f"Received: {', '.join(map(str, sources))} and {', '.join(map(str, targets))}"
        )
    for path in (*sources, *targets):
        if kind_of(path) in ("csv", "json"):
            raise CorpusError(
                f"{path}: expected one sentence per line in each of two files. If this file holds both sides, give it "
                "as the source, without a target; if it holds lines, rename it to .txt."
            )
    pairs = [ParallelText(one, other) for one, other in zip(sources, targets, strict=True)]
    return pairs[0] if len(pairs) == 1 else Joined(tuple(pairs))


def _both_sides(
    path: Path, source_field: str, target_field: str, references: tuple[str, ...]
) -> ParallelText | Records:
    kind, named = kind_of(path), bool(source_field or target_field or references)
    if kind in ("json", "jsonl", "csv") or (kind == "tsv" and (source_field or target_field)):
        return Records(path, source_field or "source", target_field or "target", references, named or kind != "csv")
    return ParallelText(path)


@dataclass(frozen=True)
class AlignedText:
    """A corpus with the alignment of its words, which a second file has in Pharaoh's format, a line for each pair."""

    text: Text
    alignments: Path

    def __iter__(self) -> Iterator[Example]:
        """Yields every pair with its alignment; words are separated by spaces.

        Raises:
            CorpusError: what the text raises, unequal line counts, or a line that is not `i-j i-j …` or has numbers
                outside the sentence.
        """
        for number, (example, line) in enumerate(zip_longest(self.text, read_lines(self.alignments)), 1):
            if line is None:
                raise CorpusError(
                    f"{self.alignments} ends before line {number}: it must have a line for each pair of the text."
                )
            if example is None:
                raise CorpusError(f"{self.alignments}:{number}: the text has only {number - 1:,} pairs.")
            try:
                points = parse_alignment(line, len(example.source.split()), len(example.target.split()))
            except ValueError as error:
                raise CorpusError(f"{self.alignments}:{number}: {error}") from None
            yield replace(example, alignment=tuple(points))


@dataclass(frozen=True)
class Part:
    """A fixed part of a corpus: every `every`-th pair, counted from 1, at most `limit` of them; or all the others."""

    text: Text | AlignedText
    held_out: bool
    every: int = 50
    limit: int = 1000

    def __iter__(self) -> Iterator[Example]:
        for number, example in enumerate(self.text, 1):
            held_out = number % self.every == 0 and number <= self.every * self.limit
            if held_out == self.held_out:
                yield example


def files_of(text: object) -> list[Path]:
    """Returns the files that a text is read from; none for a text in memory."""
    if isinstance(text, Joined):
        return [path for one in text.texts for path in files_of(one)]
    if isinstance(text, Part):
        return files_of(text.text)
    if isinstance(text, AlignedText):
        return [*files_of(text.text), text.alignments]
    return [path for path in (text.source, text.target) if path] if isinstance(text, ParallelText | Records) else []


def overlap(train: Iterable[Example], tests: Mapping[str, Iterable[Example]]) -> dict[str, int]:
    """Returns for each test how many of its sources are also in the training text, ignoring case and spacing."""
    keys = {name: [same_text_key(example.source) for example in text] for name, text in tests.items()}
    test_keys = set(chain.from_iterable(keys.values()))
    shared = {key for example in train if (key := same_text_key(example.source)) in test_keys}
    return {name: sum(key in shared for key in test) for name, test in keys.items()}


def same_text_key(text: str) -> str:
    """Returns what is equal for texts that differ in case and spacing alone."""
    return " ".join(text.casefold().split())
