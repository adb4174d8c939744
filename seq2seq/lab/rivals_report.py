"""The page of RNN or Transformer: all sentences are made from what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from seq2seq.lab.report import Cell, Curve, Part, Plot, Table, median_and_range, spread_over_seeds
from seq2seq.lab.rivals_models import NAMES, TRANSFORMER, typical
from seq2seq.lab.training import BITS, Run

ATTENTIVE, PLAIN = "GRU encoder-decoder with attention", "GRU without attention"
MEGABYTE = 2.0**20


@dataclass(frozen=True)
class Plan:
    """How large everything is."""

    width: int
    heads: int
    lengths: Sequence[int]
    """Of the sequences whose training is timed."""
    tokens: int
    """Of a step there."""
    positions: Sequence[int]
    rounds: int
    rows: int
    steps: int
    """Length of the windows of text."""
    most: int
    """Training steps on text, and half as many on translation."""
    held: int
    """Batches that are scored."""
    sentences: int
    pairs: int
    vocabulary: int
    peaks: bool
    blocks: int = 2
    networks: Sequence[str] = NAMES
    """Those that are compared on text; the Transformer first."""


@dataclass(frozen=True)
class Measured:
    """All that was found; each by network."""

    units: Mapping[str, int]
    weights: Mapping[str, int]
    training: Mapping[str, Sequence[Sequence[float]]]
    """Tokens a second, by round and length."""
    kept: Mapping[str, Sequence[int]]
    """Bytes a token that training keeps, by length: counted."""
    peaks: Mapping[str, Sequence[float]]
    """Bytes by which the memory rises, by length: measured; empty where it was not."""
    token: Mapping[str, tuple[Sequence[Sequence[float]], Sequence[int]]]
    """Milliseconds by round and position, and bytes by position."""
    text: Mapping[str, Sequence[Run]]
    translation: Mapping[str, Sequence[Run]]
    translation_weights: Mapping[str, int]


def parts_of(plan: Plan, found: Measured) -> list[Part]:
    """Returns the parts of the page."""
    return [
        _networks(plan, found),
        _training(plan, found),
        _memory(plan, found),
        _token(plan, found),
        _text(plan, found),
        _translation(plan, found),
        _theory(plan),
    ]


def _networks(plan: Plan, found: Measured) -> Part:
    left = [name for name in NAMES if name not in plan.networks]
    more = f" The full form also has {' and '.join(left)}." if left else ""
    rows: list[list[Cell]] = [[name, plan.blocks, found.units[name], found.weights[name]] for name in plan.networks]
    return Part(
        "The networks",
        [
            f"The Transformer is a decoder alone, {plan.blocks} blocks with {plan.heads} heads, of Keras' own layers; "
            "the others are the toolkit's language models, as wide as makes their weights about equal. All read and "
            "write characters, take their steps in turn on the same batches, and compute in float32 on the processor. "
            f"Ranges of times are over repetitions, those of scores over seeds.{more}",
        ],
        [Table("networks", "Networks", ["network", "layers", "width", "weights"], rows)],
    )


def _training(plan: Plan, found: Measured) -> Part:
    speed = {name: typical(found.training[name]) for name in plan.networks}
    firsts = [max(plan.networks, key=lambda name: speed[name][place]) for place in range(len(plan.lengths))]
    said = [f"{name} at {length}" for name, length in zip(firsts, plan.lengths, strict=True)]
    others = [[speed[name][place] for name in plan.networks[1:]] for place in range(len(plan.lengths))]
    ratios = [own / max(some) for own, some in zip(speed[TRANSFORMER], others, strict=True)]
    falls = _factors("The Transformer", speed[TRANSFORMER]) + " " + _factors("The LSTM", speed["LSTM"])
    curves = [spread_over_seeds(name, list(plan.lengths), found.training[name]) for name in plan.networks]
    plot = Plot(
        "training_speed",
        "Training: tokens a second over the length of the sequences",
        f"A line for each network. Fastest: {', '.join(said)} steps.",
        "length of the sequences, steps",
        "tokens a second",
        curves,
        log="xy",
    )
    return Part(
        "Training",
        [
            f"A step has {plan.tokens:,} tokens, so longer sequences are fewer: at {plan.lengths[-1]:,} steps "
            f"{plan.tokens // plan.lengths[-1]}. An RNN goes through them one step after the other, and has the less "
            "to do at once the fewer there are; a Transformer sees all steps at once, and compares each with each.",
            f"Measured, the fastest is {', '.join(said)} steps. The Transformer has "
            + ", ".join(f"{ratio:.2f}" for ratio in ratios)
            + f" times the tokens a second of the fastest recurrent network. {falls}",
        ],
        [plot],
    )


def _factors(name: str, speed: Sequence[float]) -> str:
    return f"{name} has {speed[-1] / speed[0]:.2f} times the speed at the longest that it has at the shortest."


def _memory(plan: Plan, found: Measured) -> Part:
    rows: list[list[Cell]] = []
    for name in plan.networks:
        row: list[Cell] = [name, *(kept * plan.tokens / MEGABYTE for kept in found.kept[name])]
        rows.append([*row, *(peak / MEGABYTE for peak in found.peaks.get(name, ()))])
    columns = ["network", *(f"counted, {length:,} steps" for length in plan.lengths)]
    words = [
        "What a step of training keeps for its gradients, counted from the equations: a recurrent layer keeps the same "
        "for each token; attention keeps scores of each step with each, so it grows with the length.",
    ]
    if found.peaks:
        columns += [f"measured, {length:,} steps" for length in plan.lengths]
        grown = {name: (found.peaks[name][0], found.peaks[name][-1]) for name in (TRANSFORMER, "LSTM")}
        words.append(
            "Measured is how far the memory of a process of its own rises above what it has before, with copies, "
            "gradients and the memory that the allocator does not give back. From "
            f"{plan.lengths[0]:,} to {plan.lengths[-1]:,} steps, always {plan.tokens:,} tokens, it goes for the "
            + " and for the ".join(
                f"{name} from {low / MEGABYTE:.0f} to {high / MEGABYTE:.0f} MB" for name, (low, high) in grown.items()
            )
            + "."
        )
    else:
        words.append("The full form also measures how far the memory of a process rises.")
    return Part("Memory of training", words, [Table("memory", f"MB for {plan.tokens:,} tokens", columns, rows)])


def _token(plan: Plan, found: Measured) -> Part:
    times = {name: typical(found.token[name][0]) for name in plan.networks}
    size = {name: found.token[name][1] for name in plan.networks}
    rows: list[list[Cell]] = []
    for name in plan.networks:
        for place, position in enumerate(plan.positions):
            some = [row[place] for row in found.token[name][0]]
            rows.append([name, position, median_and_range(some), size[name][place]])
    last = plan.positions[-1]
    quickest = min(plan.networks, key=lambda name: times[name][-1])
    ways = (
        f"At {last:,} the Transformer needs {times[TRANSFORMER][-1] / times['LSTM'][-1]:.2f} times the LSTM's time and "
        f"{size[TRANSFORMER][-1] / size['LSTM'][-1]:,.0f} times its state, at {plan.positions[0]} "
        f"{times[TRANSFORMER][0] / times['LSTM'][0]:.2f} and {size[TRANSFORMER][0] / size['LSTM'][0]:,.0f} times."
    )
    plots = [
        Plot(
            "token_time",
            "Generation: milliseconds a token over its position",
            f"A line for each network. {ways}",
            "position",
            "milliseconds a token",
            [spread_over_seeds(name, list(plan.positions), found.token[name][0]) for name in plan.networks],
            log="xy",
        ),
        Plot(
            "token_bytes",
            "Generation: bytes of state of one sequence over the position",
            "A rising line, the Transformer's; the others are flat.",
            "position",
            "bytes",
            [Curve(name, list(plan.positions), list(map(float, size[name]))) for name in plan.networks],
            log="xy",
        ),
    ]
    return Part(
        "A token at a time",
        [
            "To write the next token, a Transformer keeps keys and values of all tokens before and reads them all; an "
            "RNN keeps a state of fixed size. The cache is allocated before and written in its place. Batches of one.",
            f"The quickest at {last:,} is {quickest}, with {times[quickest][-1]:.3g} ms. {ways} From the first to the "
            f"last position a token of the Transformer gets {times[TRANSFORMER][-1] / times[TRANSFORMER][0]:.2f} times "
            f"as dear, one of the LSTM {times['LSTM'][-1] / times['LSTM'][0]:.2f} times. At few hundred positions the "
            "matrices of a small network and the calls of its operations cost more than the cache.",
        ],
        [*plots, Table("tokens", "A token", ["network", "position", "ms", "bytes of state"], rows)],
    )


def _race(name: str, title: str, unit: str, runs: Mapping[str, Sequence[Run]], scale: float) -> tuple[Plot, Table, str]:
    """The curves of a race, its end as a table, and who is first by the last and by equal time."""
    curves: list[Curve] = []
    rows: list[list[Cell]] = []
    last: dict[str, float] = {}
    spent = {net: median(run.seconds for run in some) for net, some in runs.items()}
    for net, some in runs.items():
        steps = some[0].steps
        scores = [[scale * score for score in run.scores] for run in some]
        curves.append(spread_over_seeds(net, [spent[net] * step for step in steps], scores))
        last[net] = median(row[-1] for row in scores)
        rows.append([net, 1000 * spent[net], spent[net] * steps[-1], median_and_range([row[-1] for row in scores])])
    best = min(last, key=last.__getitem__)
    time = min(curve.x[-1] for curve in curves)
    at_time = {curve.name: score_at(curve, time) for curve in curves}
    ahead = min(at_time, key=at_time.__getitem__)
    said = (
        f"After as many steps the best is {best}, with {last[best]:.3g}, and the last "
        f"{max(last, key=last.__getitem__)}, with {max(last.values()):.3g} {unit}. After as many seconds, the "
        f"{time:.3g} of the quickest, the best is {ahead}, with {at_time[ahead]:.3g}; "
        + ", ".join(f"{net} {score:.3g}" for net, score in at_time.items() if net != ahead)
        + "."
    )
    table = Table(f"{name}_table", title, ["network", "ms a step", "seconds in all", unit], rows)
    plot = Plot(name, f"{title}: over training time", f"Falling lines. {said}", "seconds of training", unit, curves)
    return plot, table, said


def score_at(curve: Curve, time: float) -> float:
    """The score of a curve at a time, on the straight line between its points; before the first, that of the first."""
    points = list(zip(curve.x, curve.y, strict=True))
    for (x, y), (next_x, next_y) in pairwise(points):
        if x <= time <= next_x:
            return y + (next_y - y) * (time - x) / max(next_x - x, 1e-12)
    return points[0][1] if time < points[0][0] else points[-1][1]


def _text(plan: Plan, found: Measured) -> Part:
    plot, table, said = _race("text", "Text", "bits a character", found.text, BITS)
    how = (
        f"The characters of the embedded sentences, {plan.rows} windows of {plan.steps} a step, Adam at the same rate "
        "for all. Scores are of sentences never trained on. Seconds are the median time of a step, times the steps."
    )
    return Part("Quality on text", [how, said], [plot, table])


def _translation(plan: Plan, found: Measured) -> Part:
    plot, table, said = _race("translations", "Translation", "nats a subword", found.translation, 1.0)
    weights = ", ".join(f"{name} {count:,}" for name, count in found.translation_weights.items())
    how = (
        "English to German, the embedded corpus in subwords, scored on sentences with unseen combinations, given the "
        "right words before. The Transformer and the GRU without attention read the source and go on with the target "
        f"in one piece; the other GRU has an encoder of both directions and Bahdanau attention. Weights: {weights}. "
        f"{2 * plan.rows} pairs a step."
    )
    return Part("Quality of translation", [how, said], [plot, table])


def _theory(plan: Plan) -> Part:
    return Part(
        "What theory says",
        [
            "For n tokens attention computes n² products and keeps n keys and values; a recurrent layer computes n "
            "steps, one after the other, and keeps one state. So a Transformer should win training wherever there are "
            "processors to compute steps side by side, most at short lengths; an RNN should win generation, the more "
            "the longer. SSRU and minGRU have no product of matrices in their recurrence, so they should train faster "
            "than LSTM and GRU. An RNN without attention has to pass a whole sentence through one state, which a "
            "translator with attention need not.",
            "Not measured here: accelerators, where a Transformer gains most; large networks; longer training. One "
            "rate for all networks, no tuning, no schedule; these favour none on purpose, and may favour some by "
            "chance.",
        ],
    )


def answer_of(plan: Plan, found: Measured) -> str:
    """Returns the answer of the page: who wins what, with numbers."""
    speed = {name: typical(found.training[name]) for name in plan.networks}
    fast = [max(plan.networks, key=lambda name: speed[name][place]) for place in (0, -1)]
    times = {name: typical(found.token[name][0])[-1] for name in plan.networks}
    size = {name: found.token[name][1][-1] for name in plan.networks}
    text = {name: median(run.scores[-1] for run in runs) for name, runs in found.text.items()}
    translated = {name: median(run.scores[-1] for run in runs) for name, runs in found.translation.items()}
    first, quick = min(text, key=text.__getitem__), min(times, key=times.__getitem__)
    rival = quick if quick != TRANSFORMER else "LSTM"
    return (
        f"Training is fastest with {fast[0]} at {plan.lengths[0]} steps and with {fast[1]} at {plan.lengths[-1]:,}. A "
        f"token at position {plan.positions[-1]:,} takes {times[TRANSFORMER]:.2g} ms and {size[TRANSFORMER]:,} bytes "
        f"of state with the Transformer, with {rival} {times[rival]:.2g} ms and {size[rival]:,}. "
        f"Best after equal steps: on text {first} "
        f"({BITS * text[first]:.3g} bits a character, Transformer {BITS * text[TRANSFORMER]:.3g}), in translation "
        f"{min(translated, key=translated.__getitem__)}."
    )
