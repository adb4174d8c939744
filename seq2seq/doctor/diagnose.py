"""From a corpus to a report: a survey, then chunks on all cores, then repeated lines."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from seq2seq.doctor.characters import visible
from seq2seq.doctor.columns import BLOCK, Column, repeats
from seq2seq.doctor.examine import EXAMPLES, Context, Examiner, Example, Limits, Result, Tally
from seq2seq.doctor.findings import (
    few_findings,
    file_findings,
    language_findings,
    leak_findings,
    notes,
    pair_findings,
)
from seq2seq.doctor.kinds import BROKEN, SEVERITIES, bit, bits
from seq2seq.doctor.mend import Mender
from seq2seq.doctor.overlap import Seen, TestIndex
from seq2seq.doctor.profile import make_profile
from seq2seq.doctor.progress import ReportStage
from seq2seq.doctor.reading import Chunk, Layout, chunks, lines_at
from seq2seq.doctor.report import Finding, Report
from seq2seq.doctor.survey import Survey, survey
from seq2seq.doctor.validation import HeldOut, find_leak
from seq2seq.metrics.tokenization import SPACED, Tokenization
from seq2seq.spawning import spawn_context
from seq2seq.text.header import is_header
from seq2seq.text.subword import SubwordTokenizer

FEW = 20_000
"""Pairs; below this no worker process is started."""

REPEATS = {"duplicate": "pair", "near_duplicate": "near", "many_targets": "source", "many_sources": "target"}
"""Kind of finding -> the column of hashes that shows it."""
BYTES_PER_PAIR = 60
"""Temporary disk space while the doctor works."""
VALIDATION = "validation"
"""Name, among the tests, of the text that training chooses the best epoch by."""
Tokenizers = tuple[SubwordTokenizer, SubwordTokenizer]


@dataclass(frozen=True)
class Options:
    """What to look at besides the corpus itself."""

    languages: tuple[str, str] = ("", "")
    same_language: bool = False
    """As in summarisation: copying is fine, and numbers may be left out."""
    tests: dict[str, Layout] = field(default_factory=dict)
    """Test and validation texts that training must not contain, by name."""
    held_out: HeldOut | None = None
    """What training holds out for validation; None if nothing or unknown."""
    limits: Limits = Limits(150)
    judge_normalization: bool = True
    """Whether the tokenisers normalise as a run's; one learned from a sample may lack rare characters."""
    tokenization: Tokenization = SPACED
    """How scores split the target."""
    processes: int = 0
    """0: one per core, at most two; the result does not depend on it."""


@dataclass
class Diagnosis:
    """A report, and what `fix` and the cost estimate need; the columns live as long as their folder."""

    report: Report
    layout: Layout
    survey: Survey
    mask: np.ndarray
    """`(pairs,)` uint64, memory-mapped: bits of `kinds.BITS`."""
    menders: tuple[Mender, Mender]
    """For source and target: restores a line as `--fix` does."""
    firsts: np.ndarray
    """`(pairs,)` int64, memory-mapped: for duplicates, the index of the first such pair."""
    tokens: np.ndarray
    """`(2, usable pairs)` uint32: tokens of the pairs that training would use, EOS included."""
    vocabularies: tuple[list[str], list[str]]
    """Vocabularies of source and target; empty without tokenisers."""


def diagnose(
    layout: Layout,
    folder: Path,
    options: Options,
    tokenizers: Callable[[list[tuple[str, str]]], tuple[str, Tokenizers] | None] = lambda sample: None,
    progress: ReportStage = lambda what, share: None,
) -> Diagnosis:
    """Examines a corpus.

    Args:
        layout: Where it is.
        folder: For temporary files: some 60 bytes per pair.
        options: What to check.
        tokenizers: Given a sample of pairs, returns the origin of the tokenisers and both of them, or None.
        progress: Called with the stage and its share done.

    Raises:
        CorpusError: a file is missing.
        OSError: `folder` has no room for the numbers of all pairs.
    """
    begin = time.monotonic()
    seen = survey(layout, folder, lambda share: progress("counting", share))
    check_space(folder, seen.pairs)
    profile = make_profile(seen.sample, options.languages, options.same_language)
    menders = profile.sides[0].mender, profile.sides[1].mender
    found = tokenizers(seen.sample) if seen.sample else None
    index = TestIndex(options.tests, menders) if options.tests else None
    models = (found[1][0].model, found[1][1].model) if found else None
    context = Context(
        layout,
        profile,
        options.limits,
        index,
        models,
        judge_normalization=options.judge_normalization,
        placeholders=found[1][0].placeholders if found else None,
    )
    gathered = _Gathered(folder)
    for result in _examined(context, seen.pairs, options.processes):
        gathered.add(result)
        progress("examining", (result.first + len(result.mask)) / max(1, seen.pairs))
    arrays, examples = gathered.arrays(), gathered.examples
    _mark_header(arrays["mask"], seen.sample, layout, options, examples)
    firsts = _mark_repeats(arrays, folder, layout, examples, progress)
    findings = file_findings(layout, seen, gathered.tally)
    findings += pair_findings(arrays["mask"], examples, options.same_language, gathered.tally)
    overlap = index.count(*gathered.seen) if index else {}
    findings += language_findings(options.tokenization, [target for _, target in seen.sample])
    findings += _validation(arrays, layout, options, overlap)
    report = Report(
        [(path.name, lines) for path, lines in zip(layout.paths, seen.lines, strict=True)],
        seen.pairs,
        seen.bytes,
        gathered.tally,
        sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)),
        overlap,
        max_length=options.limits.max_length,
        cut_source=options.limits.cut_source,
        notes=list(notes(profile, index, options.same_language, bool(found))),
    )
    vocabularies: tuple[list[str], list[str]] = [], []
    if found:
        vocabularies = found[1][0].vocabulary, found[1][1].vocabulary
        report.tokenizer, report.vocabulary = found[0], (len(vocabularies[0]), len(vocabularies[1]))
    report.seconds = time.monotonic() - begin
    return Diagnosis(report, layout, seen, arrays["mask"], menders, firsts, arrays["tokens"], vocabularies)


def check_space(folder: Path, pairs: int) -> None:
    """Raises OSError if `folder` has no room for the columns of that many pairs."""
    needed, free = pairs * BYTES_PER_PAIR, shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(
            errno.ENOSPC,
            f"{pairs:,} pairs need {needed / 1e9:,.1f} GB for temporary files, and {folder.parent} has "
            f"{free / 1e9:,.1f} GB: set TMPDIR to a folder with more room",
        )


class _Gathered:
    """Collects the results of the chunks: sums and examples in memory, the numbers of each pair on disk."""

    def __init__(self, folder: Path):
        self.columns = {name: Column(folder / name, "<u8") for name in ("mask", "pair", "source", "target", "near")}
        self.tokens = Column(folder / "tokens", "<u4")
        self.tally = Tally()
        self.examples: dict[int, list[Example]] = {}
        self.seen: tuple[set[int], set[int]] = set(), set()
        """Hashes of sources and pairs that are also in a test."""

    def add(self, result: Result) -> None:
        """Adds a chunk; chunks must come in order."""
        self.tally.add(result.tally)
        for value, rows in result.examples.items():
            kept = self.examples.setdefault(value, [])
            kept += rows[: EXAMPLES - len(kept)]
        for known, new in zip(self.seen, result.seen, strict=True):
            known.update(new)
        self.columns["mask"].append(result.mask)
        for name, values in zip(("pair", "source", "target", "near"), result.hashes, strict=True):
            self.columns[name].append(values)
        self.tokens.append(result.tokens[:, result.tokens[0] > 0].T)

    def arrays(self) -> dict[str, np.ndarray]:
        """The columns, memory-mapped, and `tokens`, `(2, usable pairs)`."""
        arrays = {name: column.array() for name, column in self.columns.items()}
        return arrays | {"tokens": self.tokens.array().reshape(-1, 2).T}


def _mark_header(
    mask: np.ndarray,
    sample: list[tuple[str, str]],
    layout: Layout,
    options: Options,
    examples: dict[int, list[Example]],
) -> None:
    """Marks the first pair if it holds column names."""
    if not layout.has_plain_lines or not len(mask) or int(mask[0]) & (BROKEN | bits("empty")):
        return
    first = lines_at(layout, {1})[1]
    if is_header(first, sample, options.languages):
        mask[0] |= np.uint64(bit("header"))
        examples[bit("header")] = [Example(1, visible(first[0]), visible(first[1]))]


def _validation(
    arrays: dict[str, np.ndarray], layout: Layout, options: Options, overlap: dict[str, Seen]
) -> list[Finding]:
    """Returns the findings on the validation text, given or held out."""
    if options.held_out:
        leak = find_leak(arrays, options.held_out)
        return list(leak_findings(leak, options.held_out, layout))
    return list(few_findings(overlap[VALIDATION].lines)) if VALIDATION in overlap else []


def _mark_repeats(
    arrays: dict[str, np.ndarray],
    folder: Path,
    layout: Layout,
    examples: dict[int, list[Example]],
    progress: ReportStage,
) -> np.ndarray:
    """Marks pairs, sources and targets that occurred before; returns the first rows of repeated pairs."""
    mask, skipped = arrays["mask"], BROKEN | bits("empty", "header")
    column = Column(folder / "firsts", "<i8")
    for start in range(0, len(mask), BLOCK):
        column.append(np.full(len(mask[start : start + BLOCK]), -1, np.int64))
    firsts = column.array()
    chosen: dict[int, dict[int, int]] = {}
    for number, (kind, key) in enumerate(REPEATS.items()):
        value, few = bit(kind), chosen.setdefault(bit(kind), {})
        aside = skipped if kind == "duplicate" else skipped | bit("duplicate")
        for share, places, first in repeats(arrays[key], mask, aside):
            progress("comparing", (number + share) / len(REPEATS))
            mask[places] |= np.uint64(value)
            if kind in ("duplicate", "near_duplicate"):
                firsts[places] = first
            order = np.argsort(places)[:EXAMPLES]
            few.update(zip(places[order].tolist(), first[order].tolist(), strict=True))
        chosen[value] = dict(sorted(few.items())[:EXAMPLES])
    offset = layout.first_line
    wanted = {place + offset for few in chosen.values() for pair in few.items() for place in pair}
    texts = lines_at(layout, wanted)
    for value, few in chosen.items():
        for place, before_it in few.items():
            source, target = (visible(text) for text in texts.get(place + offset, ("", "")))
            before = texts.get(before_it + offset, ("", ""))
            remark = f"as line {before_it + offset:,}"
            if value == bit("many_targets"):
                remark += f": {visible(before[1])}"
            elif value == bit("many_sources"):
                remark += f": {visible(before[0])}"
            examples.setdefault(value, []).append(Example(place + offset, source, target, remark))
    return firsts


_examiner: Examiner | None = None


def _start(context: Context) -> None:
    global _examiner
    _examiner = Examiner(context)


def _work(chunk: Chunk) -> Result:
    assert _examiner is not None
    return _examiner(chunk)


def _examined(context: Context, pairs: int, processes: int) -> Iterator[Result]:
    """Yields the results of all chunks in order, with only a few chunks in memory."""
    processes = processes or min(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    if processes == 1 or pairs < FEW:
        yield from map(Examiner(context), chunks(context.layout))
        return
    pool = ProcessPoolExecutor(processes, spawn_context(), _start, (context,))
    waiting: deque[Future[Result]] = deque()
    try:
        for chunk in chunks(context.layout):
            waiting.append(pool.submit(_work, chunk))
            if len(waiting) > 3 * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise OSError(errno.ECHILD, "a worker process ended; was there too little memory?") from error
    finally:
        pool.shutdown(cancel_futures=True)
