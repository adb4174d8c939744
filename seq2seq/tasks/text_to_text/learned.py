"""What a run finds out about its text before training, beside the vocabularies: learned.json of the run folder."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from itertools import islice
from statistics import fmean
from typing import TYPE_CHECKING, Any

from seq2seq.files import read_json
from seq2seq.metrics import tokenization
from seq2seq.run.folder import RunFolderError
from seq2seq.run.selection import Selection
from seq2seq.search.limits import Limits, advice, learn_limits, too_long
from seq2seq.search.options import SearchOptions
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.tasks.text_to_text.selection import SCORES, choose_selection
from seq2seq.text.sentences import count_sentences

if TYPE_CHECKING:
    from seq2seq.pipeline.store import Store
    from seq2seq.tasks.text_to_text.prepare import Corpus, TokenisedCorpus

SAMPLE = 20_000
"""Lines of the training text whose sentences are counted: the first ones."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Learned:
    """What was found. It follows from the recipe and the text alone, and is kept with the run."""

    selection: Selection
    """What chooses the best epoch."""
    limits: Limits
    """Of outputs, in tokens."""
    longest_source: int
    """Of the training text, in tokens."""
    longest_target: int
    several_sentences: float
    """Share of the source lines with more than one sentence."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"limits": self.limits._asdict()}


def learn(folder: TextRunFolder, recipe: Recipe, corpus: Corpus, tokens: TokenisedCorpus) -> Learned:
    """Returns what is known of the run's text; writes learned.json, or reads it in a run that goes on."""
    known = load_learned(folder)
    if known:
        return known
    sources, targets = _lengths(tokens.train)
    counts = [count_sentences(example.source) for example in islice(corpus.train, SAMPLE)]
    found = Learned(
        choose_selection(recipe, [example.target for example in corpus.validation]),
        learn_limits(sources, targets),
        int(sources.max(initial=0)),
        int(targets.max(initial=0)),
        round(fmean(count > 1 for count in counts), 4) if counts else 0.0,
    )
    folder.write_json(folder.learned_file, found.as_json())
    return found


def report(learned: Learned, recipe: Recipe, corpus: Corpus, tokens: TokenisedCorpus) -> None:
    """Logs what chooses the epoch, and warns of scores and limits that do not fit the text."""
    selection = learned.selection
    _log.info("The best epoch is chosen by %s: %s.", selection.name, selection.reason)
    if warning := tokenization.advice(recipe.tokenization, (e.target for e in corpus.validation)):
        _log.warning("%s", warning)
    if recipe.search.extract:
        return
    options = recipe.search.with_limits(learned.limits)
    for name, store in (("training targets", tokens.train), ("validation targets", tokens.validation)):
        lost = int(too_long(options, *_lengths(store)).sum())
        if lost:
            _log.warning("%s", advice(options, lost, len(store), name, learned.limits))


def load_learned(folder: TextRunFolder) -> Learned | None:
    """Returns what a run has learned; None before it has.

    Raises:
        RunFolderError: the file is damaged.
    """
    try:
        values = read_json(folder.learned_file)
        selection, limits = values["selection"], values["limits"]
        ratio, extra = float(limits["max_ratio"]), int(limits["max_extra"])
        SearchOptions(max_ratio=ratio, max_extra=extra)  # which refuses what no search can take
        if selection["score"] not in SCORES:
            raise ValueError(f"{str(selection['score'])[:40]!r} is no score")
        return Learned(
            Selection(str(selection["score"]), bool(selection["by_loss"]), str(selection["reason"])),
            Limits(ratio, extra),
            int(values["longest_source"]),
            int(values["longest_target"]),
            float(values["several_sentences"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise RunFolderError(f"{folder.learned_file}: damaged ({error}). Train again in a new folder.") from error


def load_search(folder: TextRunFolder) -> SearchOptions:
    """Returns how a run searches: as its recipe says, with the limits that it has learned where the recipe has none."""
    learned = load_learned(folder)
    return folder.load_recipe().search.with_limits(learned.limits if learned else None)


def _lengths(store: Store) -> tuple[Any, Any]:
    """Tokens of the sources and of the targets, without EOS."""
    return store.lengths("source").astype("int64") - 1, store.lengths("target").astype("int64") - 1
