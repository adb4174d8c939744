"""From a corpus to a report: a first look, then chunk by chunk on all cores, then what repeats."""

from __future__ import annotations

import errno
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from seq2seq.doctor.characters import visible
from seq2seq.doctor.columns import Column, repeats
from seq2seq.doctor.examine import EXAMPLES, Context, Examiner, Example, Limits, Result, Tally
from seq2seq.doctor.kinds import BITS, BROKEN, KINDS, SEVERITIES, SIDES, bit, bits
from seq2seq.doctor.overlap import TestIndex
from seq2seq.doctor.profile import LEAST_PAIRS, Profile, make_profile
from seq2seq.doctor.reading import Chunk, Layout, chunks, lines_at
from seq2seq.doctor.report import Finding, Report
from seq2seq.doctor.survey import Survey, survey
from seq2seq.spawning import spawn_context
from seq2seq.text.subword import SubwordTokenizer

FEW = 20_000
"""Pairs; for fewer no further process is started."""

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of it that is."""
Tokenizers = tuple[SubwordTokenizer, SubwordTokenizer]


@dataclass(frozen=True)
class Options:
    """What to look at besides the corpus itself."""

    languages: tuple[str, str] = ("", "")
    same_language: bool = False
    """As in summarisation: a copy is no mistake, and numbers may be left out."""
    tests: dict[str, Layout] = field(default_factory=dict)
    """Test and validation texts that training must not have seen, by name."""
    limits: Limits = Limits(150)
    processes: int = 0
    """0: one a core, two at most; the answer is the same with any number."""


@dataclass
class Diagnosis:
    """A report, and what `fix` and a forecast need besides; the columns live as long as their folder."""

    report: Report
    layout: Layout
    survey: Survey
    mask: np.ndarray
    """`(pairs,)` uint64, memory-mapped: bits of `kinds.BITS`."""
    firsts: np.ndarray
    """`(pairs,)` int64, memory-mapped: of a duplicate, the place of the pair it repeats."""
    pieces: np.ndarray
    """`(2, usable pairs)` uint32: lengths of those that training would take, EOS counted."""
    vocabularies: tuple[list[str], list[str]]
    """Of source and target, pieces by their ids; empty where no tokeniser was asked for."""


def diagnose(
    layout: Layout,
    folder: Path,
    options: Options,
    tokenizers: Callable[[list[tuple[str, str]]], tuple[str, Tokenizers] | None] = lambda sample: None,
    progress: Progress = lambda what, share: None,
) -> Diagnosis:
    """Examines a corpus.

    Args:
        layout: Where it stands.
        folder: For what need not be in memory: some 60 bytes a pair.
        options: What to look at.
        tokenizers: From a sample of the pairs to where the tokenisers come from, and the two; or to None.
        progress: Told how far it is.

    Raises:
        CorpusError: a file is missing.
    """
    begin = time.monotonic()
    size = sum(path.stat().st_size for path in layout.paths)
    rough = max(1, size // 100)  # pairs, until they are counted
    seen = survey(layout, folder, lambda pairs: progress("counting", min(0.99, pairs / rough)))
    profile = make_profile(seen.sample, options.languages, options.same_language)
    found = tokenizers(seen.sample) if seen.sample else None
    index = TestIndex(options.tests) if options.tests else None
    models = (found[1][0].model, found[1][1].model) if found else None
    context = Context(layout, profile, options.limits, index, models)
    columns = {name: Column(folder / name, "<u8") for name in ("mask", "pair", "source", "target", "near")}
    columns |= {name: Column(folder / name, "<u4") for name in ("source-pieces", "target-pieces")}
    tally = Tally()
    examples: dict[int, list[Example]] = {}
    for result in _examined(context, seen.pairs, options.processes):
        tally.add(result.tally)
        for value, rows in result.examples.items():
            kept = examples.setdefault(value, [])
            kept += rows[: EXAMPLES - len(kept)]
        columns["mask"].append(result.mask)
        for name, values in zip(("pair", "source", "target", "near"), result.hashes, strict=True):
            columns[name].append(values)
        usable = result.pieces[0] > 0
        columns["source-pieces"].append(result.pieces[0][usable])
        columns["target-pieces"].append(result.pieces[1][usable])
        progress("examining", (result.first + len(result.mask)) / max(1, seen.pairs))
    arrays = {name: column.array() for name, column in columns.items()}
    progress("comparing", 0.0)
    firsts = _mark_repeats(arrays, folder, layout, examples)
    report = Report(
        [(path.name, lines) for path, lines in zip(layout.paths, seen.lines, strict=True)],
        seen.pairs,
        seen.bytes,
        tally,
        _file_findings(layout, seen, tally) + _findings(arrays["mask"], examples, options),
        max_length=options.limits.max_length,
        cut_source=options.limits.cut_source,
    )
    report.findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    vocabularies: tuple[list[str], list[str]] = [], []
    if found:
        vocabularies = found[1][0].vocabulary, found[1][1].vocabulary
        report.tokenizer, report.vocabulary = found[0], (len(vocabularies[0]), len(vocabularies[1]))
    if index:
        numbers = np.bincount(index.places[:, 0], minlength=len(index.names)).tolist()
        report.tests = dict(zip(index.names, numbers, strict=True))
    report.notes = list(_notes(profile, index, options, bool(found)))
    report.seconds = time.monotonic() - begin
    pieces = np.stack([arrays["source-pieces"], arrays["target-pieces"]])
    return Diagnosis(report, layout, seen, arrays["mask"], firsts, pieces, vocabularies)


def _mark_repeats(
    arrays: dict[str, np.ndarray], folder: Path, layout: Layout, examples: dict[int, list[Example]]
) -> np.ndarray:
    """Marks pairs, sources and targets that stood before; returns the first places of repeated pairs."""
    mask, skipped = arrays["mask"], BROKEN | bits("empty")
    column = Column(folder / "firsts", "<i8")
    for start in range(0, len(mask), 1 << 20):
        column.append(np.full(len(mask[start : start + (1 << 20)]), -1, np.int64))
    firsts = column.array()
    chosen: dict[int, dict[int, int]] = {}
    for kind, key in (
        ("duplicate", "pair"),
        ("near_duplicate", "near"),
        ("many_targets", "source"),
        ("many_sources", "target"),
    ):
        value, few = bit(kind), chosen.setdefault(bit(kind), {})
        aside = skipped if kind == "duplicate" else skipped | bit("duplicate")
        for places, first in repeats(arrays[key], mask, aside):
            mask[places] |= np.uint64(value)
            if kind in ("duplicate", "near_duplicate"):
                firsts[places] = first
            order = np.argsort(places)[:EXAMPLES]
            few.update(zip(places[order].tolist(), first[order].tolist(), strict=True))
        chosen[value] = dict(sorted(few.items())[:EXAMPLES])
    offset = 2 if layout.header else 1
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


def _findings(mask: np.ndarray, examples: dict[int, list[Example]], options: Options) -> list[Finding]:
    counts = dict.fromkeys(BITS, 0)
    for start in range(0, len(mask), 1 << 20):
        block = np.asarray(mask[start : start + (1 << 20)])
        for place, value in BITS.items():
            counts[place] += int(np.count_nonzero(block & np.uint64(value)))
    found = []
    for (name, side), count in counts.items():
        kind, severity, advice = KINDS[name], KINDS[name].severity, KINDS[name].advice
        if name == "copied" and options.same_language:
            severity, advice = "note", "Fine where the task may keep the text as it is."
        if count:
            where, rows = SIDES[side] if kind.sided else "", examples.get(BITS[name, side], [])
            found.append(Finding(name, severity, kind.title, advice, where, count, count / len(mask), rows))
    return found


def _file_findings(layout: Layout, seen: Survey, tally: Tally) -> list[Finding]:
    found = []
    for path, what, advice in seen.faults:
        found.append(Finding("damaged", "error", f"{path.name}: {what}", advice))
    for path in seen.boms:
        named = layout.fields is not None
        found.append(
            Finding(
                "bom",
                "error" if named else "warning",
                f"{path.name} begins with a mark of byte order (EF BB BF)",
                "It would be read as a part of the first line; --fix takes it away.",
            )
        )
    if seen.unequal:
        counts = " and ".join(
            f"{path.name} has {lines:,}" for path, lines in zip(layout.paths, seen.lines, strict=True)
        )
        where = (
            f"As their lengths go together, they part near line {seen.parting:,}: look at both files around it."
            if seen.parting is not None
            else f"They seem to run in parallel up to line {min(seen.lines):,}: the end of the other is missing."
        )
        title = f"unequal numbers of lines: {counts}"
        found.append(Finding("unequal", "error", title, f"{where} What is said of pairs beyond that is worth nothing."))
    for first, last in seen.unrelated:
        title = f"lines {first:,} to {last:,}: lengths of the two sides do not go together as elsewhere"
        advice = "Perhaps one file is shifted against the other there: look at some pairs."
        found.append(Finding("shifted", "warning", title, advice, count=last - first + 1))
    if not tally.pairs:
        found.append(
            Finding("nothing", "error", "no pair that could be trained on", "Are these the right files and fields?")
        )
    return found


def _notes(profile: Profile, index: TestIndex | None, options: Options, tokenized: bool) -> Iterator[str]:
    if not profile.unlike_known:
        yield f"Too few pairs (below {LEAST_PAIRS}) to tell what is usual: lengths and languages were not compared."
    elif not profile.separable and not options.same_language:
        yield "The two sides cannot be told apart by their letters: no looking for swapped or untranslated lines."
    if index and index.lines > len(index.texts):
        yield f"Near matches with tests were looked up for their first {len(index.texts):,} lines, exact ones for all."
    if not index:
        yield "No test text was given (--test-source): no looking for overlap."
    if not tokenized:
        yield "No tokeniser was given (--run, --recipe or --source-model): no unknown pieces, no limits."


_examiner: Examiner | None = None


def _start(context: Context) -> None:
    global _examiner
    _examiner = Examiner(context)


def _work(chunk: Chunk) -> Result:
    assert _examiner is not None
    return _examiner(chunk)


def _examined(context: Context, pairs: int, processes: int) -> Iterator[Result]:
    """Yields the results of all chunks in their order; only a few chunks are in memory at a time."""
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
