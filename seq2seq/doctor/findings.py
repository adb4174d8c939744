"""From counts to findings: on the pairs, the files and the validation text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from seq2seq.doctor.characters import visible
from seq2seq.doctor.columns import BLOCK
from seq2seq.doctor.examine import EXAMPLES, Example, Tally
from seq2seq.doctor.kinds import BITS, KINDS, SIDES, Severity
from seq2seq.doctor.overlap import MOST_LINES, TestIndex
from seq2seq.doctor.profile import LEAST_GRAMS, LEAST_PAIRS, Profile
from seq2seq.doctor.reading import Layout, lines_at
from seq2seq.doctor.report import Finding
from seq2seq.doctor.survey import Survey
from seq2seq.doctor.validation import FEW, HeldOut, Leak, uncertainty
from seq2seq.metrics.tokenization import Tokenization, mismatch

LEAKS = 0.01
"""Share of held-out pairs that may be in training without much harm."""


CHANGES = 8
"""Most characters listed with their counts."""


def pair_findings(
    mask: np.ndarray, examples: dict[int, list[Example]], same_language: bool, tally: Tally
) -> list[Finding]:
    """Returns a finding for each kind and side that the masks of the pairs hold."""
    counts = dict.fromkeys(BITS, 0)
    for start in range(0, len(mask), BLOCK):
        block = np.asarray(mask[start : start + (BLOCK)])
        for place, value in BITS.items():
            counts[place] += int(np.count_nonzero(block & np.uint64(value)))
    found = []
    for (name, side), count in counts.items():
        kind, severity, advice = KINDS[name], KINDS[name].severity, KINDS[name].advice
        if name == "copied" and same_language:
            severity, advice = "note", "Fine where the task may keep the text as it is."
        if name == "normalized" and tally.changed[side]:
            advice = f"{_changes(tally, side)}. {advice}"
        if count:
            where, rows = SIDES[side] if kind.sided else "", examples.get(BITS[name, side], [])
            found.append(Finding(name, severity, kind.title, advice, where, count, count / len(mask), rows))
    return found


def _changes(tally: Tally, side: int) -> str:
    """The characters of a side that normalisation changes, with counts, the most frequent first."""
    found = tally.changed[side].most_common()
    shown = [f"{change} ({count:,} times)" for change, count in found[:CHANGES]]
    return ", ".join(shown) + (f" and {len(found) - CHANGES:,} more" if len(found) > CHANGES else "")


def file_findings(layout: Layout, seen: Survey, tally: Tally) -> list[Finding]:
    """Returns the findings on whole files."""
    found = []
    for path, what, advice in seen.faults:
        found.append(Finding("damaged", "error", f"{path.name}: {what}", advice))
    for path in seen.boms:
        title = f"{path.name} begins with a byte order mark (EF BB BF)"
        advice = "It is skipped here; other programs may read it as part of the first line. --fix removes it."
        found.append(Finding("bom", "note", title, advice))
    if seen.unequal:
        counts = " and ".join(
            f"{path.name} has {lines:,}" for path, lines in zip(layout.paths, seen.lines, strict=True)
        )
        where = (
            f"By their lengths, they diverge near line {seen.parting:,}: look at both files around it."
            if seen.parting is not None
            else f"They seem to run in parallel up to line {min(seen.lines):,}: the end of the other is missing."
        )
        title = f"unequal numbers of lines: {counts}"
        found.append(Finding("unequal", "error", title, f"{where} Findings on pairs beyond that mean nothing."))
    for first, last in seen.unrelated:
        title = f"lines {first:,} to {last:,}: the lengths of the two sides do not correlate as elsewhere"
        advice = "Perhaps one file is shifted against the other there: look at some pairs."
        found.append(Finding("shifted", "warning", title, advice, count=last - first + 1))
    if not tally.pairs:
        found.append(
            Finding("nothing", "error", "no pair that could be trained on", "Are these the right files and fields?")
        )
    return found


def notes(profile: Profile, index: TestIndex | None, same_language: bool, tokenized: bool) -> Iterator[str]:
    """Yields what was not checked, and why."""
    if profile.pairs < LEAST_PAIRS:
        yield f"Fewer than {LEAST_PAIRS} pairs are too few to compare lengths and languages with."
    elif any(side.ids for side in profile.sides):
        yield "Numbers have no language: languages were not compared."
    elif not profile.unlike_known:
        yield f"Lines of fewer than {LEAST_GRAMS + 2} characters show no language: languages were not compared."
    elif not profile.separable and not same_language:
        yield "The letters of the two sides are too similar: swapped and untranslated lines were not searched for."
    if index and index.lines > len(index.texts):
        yield f"Near matches were looked up for the first {len(index.texts):,} lines of the tests, exact ones for all."
    for name in index.cut if index else ():
        yield f"Only the first {MOST_LINES:,} lines of {name} were looked up."
    if not index:
        yield "No test text was given (--test-source): overlap was not checked."
    if not tokenized:
        yield "No tokeniser was given (--run, --recipe, --source-model): unknown tokens and limits were not checked."


def language_findings(tokenization: Tokenization, targets: Sequence[str]) -> Iterator[Finding]:
    """Yields a finding if scores would split the target at blanks that it does not have."""
    if code := mismatch(tokenization, targets):
        yield Finding(
            "score_tokenizer",
            "warning",
            f"target looks like {code!r}, a language without blanks between words",
            "Scores would split it at blanks: BLEU, TER and ROUGE would be near 0, whatever the model writes. Set "
            f"data.target_language {code} (here: --target-language {code}).",
        )


def leak_findings(leak: Leak, rule: HeldOut, layout: Layout) -> Iterator[Finding]:
    """Yields which held-out pairs are also in training, and whether there are enough of them."""
    where = f"of {leak.held_out:,} pairs held out for validation (every {rule.every}th)"
    for kind, title, advice, found in (
        (
            "held_out_pair",
            f"{where}: training has the same pair",
            "Validation looks better than it is, and may keep the wrong epoch. --fix drops repeated pairs.",
            leak.pairs,
        ),
        (
            "held_out_source",
            f"{where}: training has the same source with another target",
            "Validation looks better than it is. Give validation text of its own (data.validation.source in a recipe), "
            "best from other documents.",
            leak.sources,
        ),
    ):
        if found:
            share = len(found) / leak.held_out
            severity: Severity = "warning" if share >= LEAKS else "note"
            yield Finding(kind, severity, title, advice, "", len(found), share, _leaked(found, layout))
    yield from few_findings(
        leak.held_out, f"Where no validation text is given, training holds out every {rule.every}th pair"
    )


def few_findings(pairs: int, origin: str = "") -> Iterator[Finding]:
    """Yields a finding if there are too few validation pairs; `origin` says where they come from."""
    if pairs >= FEW:
        return
    begin = f"{origin}. " if origin else ""
    title, reason = "no pairs to validate on", "Training would stop at once."
    if pairs:
        title = f"only {pairs:,} pair{'s' if pairs > 1 else ''} to validate on"
        reason = (
            f"BLEU or chrF of so few varies by about ±{uncertainty(pairs):.0f} points by chance, so luck would choose "
            "the epoch."
        )
    advice = f"{begin}{reason} Give {FEW} pairs or more (data.validation.source in a recipe); 1,000 bring it to ±1."
    yield Finding("few_validation", "warning", title, advice)


def _leaked(found: dict[int, int], layout: Layout) -> list[Example]:
    offset = layout.first_line
    few = sorted(found.items())[:EXAMPLES]
    texts = lines_at(layout, {place + offset for place, _ in few})
    examples = []
    for place, first in few:
        source, target = (visible(text) for text in texts.get(place + offset, ("", "")))
        examples.append(Example(place + offset, source, target, f"as line {first + offset:,}"))
    return examples
