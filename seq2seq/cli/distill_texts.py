"""The texts of `seq2seq distill`: what teachers write, what is chosen of it, and what becomes training text.

Each file is whole or absent, so a stopped command goes on from the files that are there.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from seq2seq import __version__
from seq2seq.cli.arguments import SearchChanges
from seq2seq.cli.augment import AugmentedOptions, SyntheticOptions
from seq2seq.cli.bulk_translation import BulkOptions, run_bulk
from seq2seq.cli.distill_folds import write_by_folds
from seq2seq.cli.line_translator import LineTranslator, TranslationOptions
from seq2seq.cli.model_arguments import ModelOptions
from seq2seq.cli.request_input import InputLine, InputOptions
from seq2seq.files import format_json, output_text, read_json, write_text
from seq2seq.messages import say
from seq2seq.progress import ProgressLine
from seq2seq.tasks.text_to_text.data import find_corpus
from seq2seq.tasks.text_to_text.loading import MIXINGS, fingerprint
from seq2seq.tasks.text_to_text.pooling import choose
from seq2seq.tasks.text_to_text.prepare import Corpus
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.text.corpus import one_line, read_lines, same_text_key
from seq2seq.text.synthetic import PairFilter
from seq2seq.types import Hypothesis

BY_HEART = 0.5
"""A share of true targets above which teachers tell a student little that is new."""
HELD_OUT = "sources that are in a test or in the validation text"
KNOWN = "pairs that are there already"


@dataclass(frozen=True)
class FactoryOptions:
    """All that the texts depend on."""

    teachers: tuple[str, ...]
    backward: tuple[str, ...]
    monolingual: str | None
    monolingual_target: str | None
    choose: tuple[str, ...]
    n_best: int
    folds: int
    workers: int
    batch_size: int

    def __post_init__(self) -> None:
        if self.folds == 1:
            raise ValueError(
                "Expected --folds of at least 2: each is written by a teacher that learned from the others."
            )


@dataclass
class Factory:
    """Where the texts of a student are made.

    Args:
        folder: Holds everything.
        base: The recipe of the first teacher.
        options: See there.
    """

    folder: Path
    base: Recipe
    options: FactoryOptions

    @property
    def synthetic(self) -> Path:
        """The pairs that teachers wrote, a TSV."""
        return self.folder / "synthetic.tsv"

    @property
    def counts(self) -> Path:
        """What is to be known of the pairs."""
        return self.folder / "synthetic.json"

    def text(self, name: str) -> Path:
        """A file of the texts."""
        return self.folder / "texts" / name

    @cached_property
    def corpus(self) -> Corpus:
        """That of the first teacher."""
        return find_corpus(self.base.data)

    @cached_property
    def held_out(self) -> set[str]:
        """Keys of the sources that no synthetic pair may have."""
        texts = chain(self.corpus.validation, *self.corpus.tests.values())
        return {same_text_key(example.source) for example in texts}

    def made_with(self) -> dict[str, Any]:
        """What the texts depend on, by the names of the flags."""
        options = self.options
        files = {"--monolingual": options.monolingual, "--monolingual-target": options.monolingual_target}
        return {
            "seq2seq": __version__,
            "--teachers": [fingerprint(Path(path)) for path in options.teachers],
            "--backward": [fingerprint(Path(path)) for path in options.backward],
            "--choose": list(options.choose),
            "--n-best": options.n_best,
            "--folds": options.folds,
            **{flag: _digest(Path(path)) if path else "" for flag, path in files.items()},
        }


def _digest(path: Path) -> str:
    if not path.is_file():
        raise ValueError(f"{path}: no such file.")
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_synthetic(factory: Factory) -> tuple[int, int]:
    """Writes the pairs of all teachers, from wherever an earlier call has stopped.

    Returns:
        How many true pairs there are, and how many synthetic ones.

    Raises:
        ValueError: a text is wrong, or teachers wrote nothing that can be used.
    """
    if not (factory.synthetic.exists() and factory.counts.exists()):
        factory.text("").mkdir(exist_ok=True)
        _write_sources(factory)
        parts = [*_forward(factory), *_backward(factory)]
        _join(factory, parts)
    counts = dict(read_json(factory.counts))
    reasons = "; ".join(f"{reason}: {count:,}" for reason, count in counts["left_out"].items())
    say(f"{factory.synthetic}: {counts['pairs']:,} pairs." + (f" Left out: {reasons}." if reasons else ""))
    for name, count in counts["equal"].items():
        advice = " The teachers know the corpus by heart: try --folds 5 in another folder." if count > BY_HEART else ""
        say(f"Chosen by {name}: {count:.0%} are the true target itself.{advice}")
    if not counts["pairs"]:
        raise ValueError("The teachers wrote no pair that is not in the corpus already.")
    return counts["true"], counts["pairs"]


def _write_sources(factory: Factory) -> None:
    """Writes the sources and the targets of the corpus that teachers are given, a line each."""
    source, target, validation = (factory.text(name) for name in ("source", "target", "validation.tsv"))
    if source.exists() and target.exists() and validation.exists():
        return
    with output_text(validation) as out:
        for example in factory.corpus.validation:
            out.write(f"{one_line(example.source)}\t{one_line(example.target)}\n")
    with output_text(source) as sources, output_text(target) as targets:
        for example in factory.corpus.training(factory.base.data.max_train):
            sides = one_line(example.source).strip(), one_line(example.target).strip()
            if all(sides) and same_text_key(sides[0]) not in factory.held_out:
                sources.write(f"{sides[0]}\n")
                targets.write(f"{sides[1]}\n")


def _forward(factory: Factory) -> Iterator[Path]:
    """Has the forward teachers write, chooses, and yields TSV files of chosen pairs."""
    options = factory.options
    texts = [("corpus", factory.text("source"), options.choose)]
    if options.monolingual:
        texts.append(("monolingual", _allowed(factory, Path(options.monolingual)), ("mbr",)))

    def write(name: str, run: Path | str, source: Path) -> Path:
        return _write(factory, name, ListOptions(**_translation(factory, str(run), source)))

    for name, source, how in texts:
        if name == "corpus" and options.folds:
            runs = factory.folder / "folds"
            lists = [write_by_folds(factory.base, factory.text, runs, options.folds, write)]
        else:
            lists = [write(f"{name}-teacher{n}.jsonl", run, source) for n, run in enumerate(options.teachers, 1)]
        yield _choose(factory, name, source, lists, how)


def _backward(factory: Factory) -> Iterator[Path]:
    """Has the teachers of the other direction write sources for targets, and yields TSV files of pairs."""
    options = factory.options
    texts = {"corpus": factory.text("target")}
    if options.monolingual_target:
        texts["monolingual"] = Path(options.monolingual_target)
    pairs = SyntheticOptions("back", tag="", noise=False, noise_seed=1, min_confidence=0.0, filter=PairFilter())
    for name, target in texts.items():
        for n, run in enumerate(options.backward, 1):
            made = AugmentedOptions(
                **{**_translation(factory, run, target), "n_best": 1, "search": _search(1)}, pairs=pairs
            )
            yield _write(factory, f"{name}-backward{n}.tsv", made)


def _allowed(factory: Factory, text: Path) -> Path:
    """Returns a copy of a text without sources that are held out."""
    copy = factory.text("monolingual-source")
    if not copy.exists():
        with output_text(copy) as out:
            for line in read_lines(text):
                if (line := line.strip()) and same_text_key(line) not in factory.held_out:
                    out.write(f"{line}\n")
    return copy


BEAM = 5
"""Of back-translations, and the least of lists."""


def _search(n_best: int) -> SearchChanges:
    many = {"num_best": n_best} if n_best > 1 else {}
    return SearchChanges({"beam_size": max(BEAM, n_best), "mbr": 0.0, "groups": 1, "extract": False} | many)


def _translation(factory: Factory, run: str, text: Path) -> dict[str, Any]:
    """Returns the fields of `TranslationOptions` for a teacher."""
    options = factory.options
    return {
        "model": ModelOptions(run, (), MIXINGS[0]),
        "search": _search(options.n_best),
        "input": InputOptions(str(text), False, "text", "", (), (), None, None),
        "n_best": options.n_best,
        "replace_unknown": False,
        "dictionary": None,
        "batch_size": options.batch_size,
    }


def _write(factory: Factory, name: str, translation: TranslationOptions) -> Path:
    """Has a teacher write a file, unless it is there."""
    path = factory.text(name)
    if not path.exists():
        say(f"{translation.model.run} writes {path}")
        counts = run_bulk(BulkOptions(factory.options.workers, None, None), translation, str(path))
        for warning in counts.warnings():
            say(warning)
    return path


@dataclass(frozen=True)
class ListOptions(TranslationOptions):
    """As those of `translate`, for lists of hypotheses."""

    def translator(self, notify: Any) -> ListWriter:
        """Returns what does the work."""
        return ListWriter(self, notify)


class ListWriter(LineTranslator):
    """Writes for each line a JSON list of hypotheses, best first; an empty one for a line with an error."""

    without = "It is left out."

    def format(self, chunk: Sequence[InputLine], first: int, results: Sequence[Sequence[Hypothesis]]) -> str:
        """Returns the lists of a chunk; arguments as in `translate`."""
        return "".join(format_json([each.text for each in found]) + "\n" for found in results)


def _choose(factory: Factory, name: str, source: Path, lists: Sequence[Path], ways: Sequence[str]) -> Path:
    """Writes the hypotheses that are chosen for each source, by each way, as pairs."""
    path = factory.text(f"{name}.chosen.tsv")
    if path.exists():
        return path
    split = factory.base.tokenization.words
    references: Iterable[str | None] = read_lines(factory.text("target")) if name == "corpus" else ()
    total, equal, progress = 0, Counter[str](), ProgressLine(terminal_pause=0.5, log_pause=30.0)
    with ExitStack() as stack:
        out = stack.enter_context(output_text(path))
        for line, reference, *found in _rows(source, references, lists):
            hypotheses = list(chain.from_iterable(json.loads(each) for each in found))
            total += 1
            for how in ways if hypotheses else ():
                chosen = choose(how, hypotheses, reference, split)
                equal[how] += chosen == reference
                out.write(f"{line}\t{one_line(chosen)}\n")
            if progress.is_due():
                progress.show(f"choosing: {total:,} lines")
    progress.clear()
    if name == "corpus" and total:
        write_text(factory.text("equal.json"), format_json({how: equal[how] / total for how in ways}) + "\n")
    return path


def _rows(source: Path, references: Iterable[str | None], lists: Sequence[Path]) -> Iterator[tuple[Any, ...]]:
    known = iter(references)
    lines = zip(read_lines(source), *(read_lines(path) for path in lists), strict=True)
    for line, *found in lines:
        yield line, next(known, None), *found


def _join(factory: Factory, parts: Sequence[Path]) -> None:
    """Puts the pairs together: none twice, none of the corpus, none with a source that is held out."""
    seen: set[bytes] = set()
    left_out: Counter[str] = Counter()
    keep = PairFilter(max_words=factory.base.data.max_length)
    true = pairs = 0
    for pair in factory.corpus.training(factory.base.data.max_train):
        seen.add(_pair_key(pair.source, pair.target))
        true += 1
    with output_text(factory.synthetic) as out:
        for part in parts:
            for line in read_lines(part):
                source, target = line.split("\t")
                if reason := _reason(source, target, keep, factory.held_out, seen):
                    left_out[reason] += 1
                else:
                    seen.add(_pair_key(source, target))
                    out.write(f"{source}\t{target}\n")
                    pairs += 1
    counts = {"true": true, "pairs": pairs, "left_out": dict(left_out), "equal": read_json(factory.text("equal.json"))}
    write_text(factory.counts, format_json(counts, indent=2) + "\n")


def _reason(source: str, target: str, keep: PairFilter, held_out: set[str], seen: set[bytes]) -> str:
    if same_text_key(source) in held_out:
        return HELD_OUT
    if _pair_key(source, target) in seen:
        return KNOWN
    return keep.reason(source, target, may_copy=True)


def _pair_key(source: str, target: str) -> bytes:
    return hashlib.blake2b(f"{' '.join(source.split())}\t{' '.join(target.split())}".encode(), digest_size=12).digest()
