"""The page of attention: all sentences are made from what was measured. Imports no framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from seq2seq.lab.report import Cell, HeatMap, Part, Plot, Table, better, median_and_range, spread_over_seeds

PLAIN, BAHDANAU, LUONG = "without attention", "Bahdanau attention", "Luong attention"
ONE_WAY = "Bahdanau attention, encoder of one direction"
NETWORKS = (PLAIN, BAHDANAU, LUONG, ONE_WAY)
SYMBOLS, BLEU = "symbols right, %", "BLEU"
LITTLE = 5.0
"""A BLEU below this is called no translation."""


class Plan(NamedTuple):
    """How large everything is."""

    units: int
    rate: float
    longest: int
    """Sequence to reverse in training; the shortest has two symbols."""
    lengths: Sequence[int]
    """Of the sequences that are scored; the last but one is the longest of training, the last longer."""
    puzzle_steps: int
    rows: int
    pairs: int
    vocabulary: int
    steps: int
    """Of training on translation."""
    held: int
    """Sentences that are scored."""
    groups: int
    """Of sentences of about equal length."""
    translators: Sequence[str]
    """The networks that translate."""


class Outcome(NamedTuple):
    """What a network reached with one seed."""

    scores: Sequence[float]
    """By length, 0 to 100."""
    overall: float
    """Over all lengths."""
    exact: float
    """Percentage of outputs that are right in every symbol."""
    focus: float
    """Share of attention on the mirrored position, 0 to 1; NaN without attention."""


class Found(NamedTuple):
    """What all networks reached in a task."""

    weights: Mapping[str, int]
    outcomes: Mapping[str, Sequence[Outcome]]
    """One for each seed."""


class Example(NamedTuple):
    """What attention looks at in one sequence."""

    source: Sequence[str]
    target: Sequence[str]
    weights: Sequence[Sequence[float]]
    """By target and source; rows sum to 1."""


class Measured(NamedTuple):
    """All that was found."""

    puzzle: Found
    translation: Found
    words: Sequence[float]
    """Mean words of each group of sentences."""
    symbols: Example
    sentence: Example


def parts_of(plan: Plan, found: Measured) -> list[Part]:
    """Returns the parts of the page."""
    return [
        _networks(plan),
        _puzzle(plan, found),
        _translation(plan, found),
        _looks(found),
        _directions(found),
        _theory(plan, found),
    ]


def _networks(plan: Plan) -> Part:
    return Part(
        "The networks",
        [
            "An encoder reads a sequence; a decoder writes another. Without attention all that the decoder knows of "
            "the source is the encoder's last state. With attention it also looks, at each step, at what the encoder "
            "has for every position, weighted by a learned score: Bahdanau et al. (2015) ask with the state before the "
            "step, by a small network; Luong et al. (2015) with the state after it, by a matrix.",
            f"All are the toolkit's GRU encoder-decoder with {plan.units} units: the embedding, the decoder, and what "
            "the encoder gives for a position, in two halves if it reads in both directions. Adam at "
            f"{plan.rate:g}, gradients clipped to norm 1, {plan.rows} sequences a step; outputs are written greedily.",
        ],
    )


def medians(found: Found) -> dict[str, float]:
    """The median score over all lengths of each network."""
    return {name: median(one.overall for one in runs) for name, runs in found.outcomes.items()}


def _ranks(found: Found, unit: str) -> str:
    score = medians(found)
    best, last = max(score, key=score.__getitem__), min(score, key=score.__getitem__)
    if score[best] == score[last]:
        return f"All reach {score[best]:.3g} {unit}."
    return f"Best: {best}, {score[best]:.3g} {unit}. Last: {last}, {score[last]:.3g}."


def _curves(name: str, title: str, x: str, unit: str, places: Sequence[float], found: Found) -> list[Plot | Table]:
    curves = [
        spread_over_seeds(net, list(places), [one.scores for one in runs]) for net, runs in found.outcomes.items()
    ]
    rows: list[list[Cell]] = [
        [
            net,
            found.weights[net],
            median_and_range([one.overall for one in runs]),
            median_and_range([one.exact for one in runs]),
        ]
        for net, runs in found.outcomes.items()
    ]
    alt = f"A line for each network over the length. {_ranks(found, unit)}"
    return [
        Plot(name, title, alt, x, unit, curves),
        Table(f"{name}_table", f"{title}: all lengths", ["network", "weights", unit, "all right, %"], rows),
    ]


def falls(found: Found, first: int, last: int) -> dict[str, tuple[float, float]]:
    """The median scores of each network at two lengths, by their places."""
    return {
        name: (median(one.scores[first] for one in runs), median(one.scores[last] for one in runs))
        for name, runs in found.outcomes.items()
    }


def _listed(pairs: Mapping[str, tuple[float, float]]) -> str:
    return "; ".join(f"{name} {first:.3g} and {last:.3g}" for name, (first, last) in pairs.items())


def _puzzle(plan: Plan, found: Measured) -> Part:
    short, long, beyond = plan.lengths[0], plan.lengths[-2], plan.lengths[-1]
    inside, outside = falls(found.puzzle, 0, -2), falls(found.puzzle, -2, -1)
    return Part(
        "Reversing",
        [
            "The source is a row of random symbols of ten; the target is the same row from its end to its begin. "
            f"Trained on rows of 2 to {plan.longest} symbols, {plan.puzzle_steps:,} steps; scored on new ones. "
            "Guessing gets one of ten right.",
            f"{_ranks(found.puzzle, SYMBOLS)} At {short} and at {long} symbols: {_listed(inside)}. Beyond training, at "
            f"{beyond}: {'; '.join(f'{name} {score:.3g}' for name, (_, score) in outside.items())}.",
        ],
        _curves("reversing", "Reversing", "symbols of the source", SYMBOLS, plan.lengths, found.puzzle),
    )


def _translation(plan: Plan, found: Measured) -> Part:
    left = [name for name in NETWORKS if name not in plan.translators]
    said = f" The full form also has {' and '.join(left)}." if left else ""
    ends = _listed(falls(found.translation, 0, -1))
    return Part(
        "Translation",
        [
            f"English to German, the embedded corpus in {plan.vocabulary:,} subwords, {plan.steps:,} steps. Scores are "
            f"of {plan.held} sentences with combinations of words that training lacks, in {plan.groups} groups from "
            f"short to long.{said}",
            f"{_translated(plan, found)} At {found.words[0]:.0f} and at {found.words[-1]:.0f} words: {ends}.",
        ],
        _curves("translations", "Translation", "words of the source", BLEU, found.words, found.translation),
    )


def _translated(plan: Plan, found: Measured) -> str:
    best = max(medians(found.translation).values())
    if best >= LITTLE:
        return _ranks(found.translation, BLEU)
    return f"After {plan.steps:,} steps none has learned to translate: the most is {best:.2g} BLEU."


def _looks(found: Measured) -> Part:
    runs = {name: [one.focus for one in some] for name, some in found.puzzle.outcomes.items() if name != PLAIN}
    said = "; ".join(f"{name} {median_and_range(shares)}" for name, shares in runs.items())
    return Part(
        "Where it looks",
        [
            f"{BAHDANAU} of the first seed; each row is a step of the target and sums to 1. The weights are those "
            "with which the step is computed, given the right symbols before.",
            "To reverse, step t from the begin has to look at the symbol t from the end. Of the attention, the share "
            f"on it is, at the longest rows of training: {said}. An encoder's vector also holds what is around its "
            "position, so a network may look beside it and be right.",
        ],
        [_heat("looks_symbols", "A row and its reverse", found.symbols), _heat("looks", "A sentence", found.sentence)],
    )


def _heat(name: str, title: str, example: Example) -> HeatMap:
    most = [max(range(len(row)), key=row.__getitem__) for row in example.weights]
    pairs = [f"{target} at {example.source[place]}" for target, place in zip(example.target, most, strict=True)]
    return HeatMap(
        name,
        title,
        f"Each target symbol looks most at: {', '.join(pairs)}.",
        "source",
        "target",
        [f"{number}: {symbol}" for number, symbol in enumerate(example.source, 1)],
        [f"{number}: {symbol}" for number, symbol in enumerate(example.target, 1)],
        [list(row) for row in example.weights],
    )


def _directions(found: Measured) -> Part:
    said = []
    for task, unit, part in (("Reversing", SYMBOLS, found.puzzle), ("Translation", BLEU, found.translation)):
        if ONE_WAY not in part.outcomes:
            said.append(f"{task}: in the full form.")
            continue
        two, one = ([run.overall for run in part.outcomes[name]] for name in (BAHDANAU, ONE_WAY))
        verdict = better("the encoder of both directions", two, "that of one", one)
        said.append(
            f"{task}, {unit}: both directions {median_and_range(two)}, with {part.weights[BAHDANAU]:,} weights; one "
            f"{median_and_range(one)}, with {part.weights[ONE_WAY]:,}: {verdict}."
        )
    return Part(
        "One direction or both",
        [
            "An encoder that reads from left to right knows at a position only what came before; one of both "
            "directions also what follows, such as the particle that decides a verb. As each position gets equally "
            "many numbers, the encoder of both directions has halves of half the width, and fewer weights.",
            *said,
        ],
    )


def _theory(plan: Plan, found: Measured) -> Part:
    learned = max(medians(found.translation).values()) >= LITTLE
    return Part(
        "What theory says",
        [
            "A state of fixed size has to hold the whole source, so without attention the score should fall with the "
            "length, and attention should hold it (Bahdanau et al. 2015, figure 2).",
            _claim(found.puzzle, -2, "Reversing"),
            _claim(found.translation, -1, "Translation")
            if learned
            else "Translation was not learned far enough to say.",
            "Attention need not look as a person would: it is learned from the loss alone. Neither kind of attention "
            "knows lengths that training lacks; the last point of the first plot shows what becomes of them. Nothing "
            f"was tuned for any network, and all have one layer of {plan.units} units; larger networks without "
            "attention translate (Sutskever et al. 2014).",
        ],
    )


def _claim(found: Found, last: int, task: str) -> str:
    """Whether the network without attention falls the most from the first to a later length."""
    loss = {name: first - late for name, (first, late) in falls(found, 0, last).items()}
    attentive = {name: fall for name, fall in loss.items() if name != PLAIN}
    less = [name for name, fall in attentive.items() if fall < loss[PLAIN]]
    measured = ", ".join(f"{fall:.3g} {name}" for name, fall in loss.items())
    if len(less) == len(attentive):
        said = "as expected"
    elif less:
        said = f"as expected of {' and '.join(less)} alone"
    else:
        said = "which is not what theory expects"
    return f"{task}: from the shortest to the longest the score falls by {measured}: {said}."


def answer_of(plan: Plan, found: Measured) -> str:
    """Returns the answer of the page: who is best and who is last, with numbers."""
    ends = falls(found.puzzle, 0, -2)
    said = _translated(plan, found)
    return (
        f"Reversing {plan.lengths[-2]} symbols, of which it gets right: "
        + ", ".join(f"{name} {last:.0f} %" for name, (_, last) in ends.items())
        + f". Translation: {said[0].lower()}{said[1:]}"
    )
