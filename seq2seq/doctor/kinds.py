"""The kinds of findings: severity, meaning, and what `--fix` does about each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]
Cure = Literal["drop", "repair", "on request", "none"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Kind:
    """One kind of finding."""

    name: str
    severity: Severity
    """error: training refuses the corpus. warning: it hurts the model or its scores. note: worth a look."""
    title: str
    """Describes one side if `sided`."""
    advice: str
    sided: bool = True
    """Whether it is found on each side separately; otherwise it belongs to the pair."""
    cure: Cure = "none"
    """drop: `--fix` leaves the pair out. repair: it changes the text. on request: dropped if `--drop` names it."""


_ALL = (
    Kind(
        "encoding",
        "error",
        "not UTF-8",
        "Convert the file, for instance with iconv -f LATIN1 -t UTF-8; --fix drops these lines.",
        cure="drop",
    ),
    Kind(
        "nul",
        "error",
        "contains a NUL byte",
        "A binary or UTF-16 file, or a broken download; --fix drops these lines.",
        cure="drop",
    ),
    Kind(
        "long_line",
        "error",
        "longer than 1,048,576 bytes",
        "Expected a sentence or paragraph per line. --fix drops these lines.",
        cure="drop",
    ),
    Kind(
        "record",
        "error",
        "no source and target in this line",
        "Its columns or fields are missing: check --source-field and --target-field. --fix drops these lines.",
        sided=False,
        cure="drop",
    ),
    Kind(
        "empty",
        "warning",
        "empty line",
        "Training leaves these pairs out. Many of them suggest that an earlier step lost text. --fix drops them.",
        cure="drop",
    ),
    Kind(
        "header",
        "warning",
        "the first line names the columns",
        "Training would take it for a pair. --fix drops it. Of a TSV, --source-field and --target-field (in a recipe "
        "data.source_field and data.target_field) choose the columns by these names instead.",
        sided=False,
        cure="drop",
    ),
    Kind(
        "subwords",
        "warning",
        "words already cut into subwords",
        "Training cuts the text itself and writes plain text: give it the text from before that step. "
        "--fix joins the words again, but cannot bring back case or spacing that the step changed.",
        cure="repair",
    ),
    Kind(
        "quoted",
        "warning",
        "quoted as spreadsheets do",
        'The marks around the text and the doubled ones inside ("") would be learned as text. --fix removes them; '
        "or export the table again without quotes.",
        cure="repair",
    ),
    Kind(
        "ids",
        "warning",
        "nothing but numbers",
        "If they are token ids, give the text that they were made from: the model, its scores and its output work on "
        "text. If numbers are the task, ignore this.",
    ),
    Kind(
        "overlap",
        "warning",
        "source is also in a test or validation text",
        "Scores on that text would be too good. --fix drops the training pairs.",
        sided=False,
        cure="drop",
    ),
    Kind(
        "near_overlap",
        "warning",
        "source is nearly the same as one in a test or validation text",
        "Look at the examples: nearly the same text makes a test just as unfair. --drop near_overlap drops them.",
        sided=False,
        cure="on request",
    ),
    Kind(
        "duplicate",
        "warning",
        "repeats an earlier pair",
        "Repeated pairs weigh more in training, and make held-out validation too easy. --fix keeps the first.",
        sided=False,
        cure="drop",
    ),
    Kind(
        "copied",
        "warning",
        "target copies the source",
        "The model learns to copy instead of to translate. --fix drops them.",
        sided=False,
        cure="drop",
    ),
    Kind(
        "swapped",
        "warning",
        "source and target look swapped",
        "Look at the examples; --drop swapped drops them.",
        sided=False,
        cure="on request",
    ),
    Kind(
        "language",
        "warning",
        "looks like the other side's language",
        "Often text that was never translated; --drop language drops it.",
        cure="on request",
    ),
    Kind(
        "script",
        "warning",
        "mostly letters of another script",
        "Text in another language or broken; --drop script drops it.",
        cure="on request",
    ),
    Kind(
        "ratio",
        "warning",
        "lengths do not fit each other",
        "Often misaligned: three times longer or shorter than is usual here, or more. --drop ratio drops them.",
        sided=False,
        cure="on request",
    ),
    Kind(
        "control",
        "warning",
        "control characters",
        "Left by another program; they waste vocabulary. --fix removes them.",
        cure="repair",
    ),
    Kind(
        "separator",
        "warning",
        "characters that other programs take for the end of a line",
        "Carriage returns, form feeds, U+2028: other tools count lines differently. --fix replaces them by spaces.",
        cure="repair",
    ),
    Kind(
        "unreadable",
        "warning",
        "replacement or private-use characters",
        "U+FFFD means that an earlier conversion lost text: go back to the original. --drop unreadable drops them.",
        cure="on request",
    ),
    Kind(
        "mojibake",
        "warning",
        "UTF-8 decoded as another encoding",
        "Ã¤ for ä and the like: convert the original again. --drop mojibake drops them.",
        cure="on request",
    ),
    Kind(
        "unknown",
        "warning",
        "characters that the vocabulary lacks",
        "The model can neither see nor write them: use a larger vocabulary, tokenizer.byte_fallback, or cleaner text.",
    ),
    Kind(
        "normalized",
        "warning",
        "characters that normalisation changes",
        "The model never sees or writes them unchanged. tokenizer.normalization keep leaves the text as it is.",
    ),
    Kind(
        "beyond_limit",
        "warning",
        "target is longer than any output may be",
        "Outputs stop at search.max_ratio * source tokens + search.max_extra: raise them, or leave them unset to "
        "have them learned from the text.",
        sided=False,
    ),
    Kind(
        "too_long",
        "warning",
        "more tokens than the limit",
        "Training leaves these pairs out: raise data.max_length, or split the text.",
        cure="on request",
    ),
    Kind(
        "cut",
        "note",
        "source is cut to the limit",
        "Training reads only its beginning (data.cut_source).",
        sided=False,
    ),
    Kind(
        "numbers",
        "note",
        "digits differ",
        "Some are numbers in words on one side; others are mistakes. --drop numbers drops them.",
        sided=False,
        cure="on request",
    ),
    Kind(
        "unlike",
        "note",
        "unlike the rest of its side",
        "Lists, code, another language, or just rare words. --drop unlike drops them.",
        cure="on request",
    ),
    Kind(
        "markup",
        "note",
        "HTML tags or entities",
        "Remove them unless the model should write them. --drop markup drops them.",
        cure="on request",
    ),
    Kind(
        "near_duplicate",
        "note",
        "repeats an earlier pair except for case, digits or punctuation",
        "Fine in moderation; many of them come from templates. --drop near_duplicate keeps the first.",
        sided=False,
        cure="on request",
    ),
    Kind(
        "many_targets",
        "note",
        "same source as an earlier pair, other target",
        "Fine for free translations; the model learns a mixture.",
        sided=False,
    ),
    Kind(
        "many_sources",
        "note",
        "same target as an earlier pair, other source",
        "Fine for short replies; a target with very many sources may be boilerplate.",
        sided=False,
    ),
    Kind(
        "invisible",
        "note",
        "invisible characters",
        "Soft hyphens, zero-width spaces, byte order or direction marks. --fix removes them.",
        cure="repair",
    ),
    Kind(
        "spaces",
        "note",
        "unusual blanks",
        "Blanks at the ends, doubled, or other than the plain space. --fix repairs them.",
        cure="repair",
    ),
    Kind(
        "normal_form",
        "note",
        "not in Unicode normal form C",
        "The same letters in other bytes, such as a letter with a separate accent. --fix composes them.",
        cure="repair",
    ),
    Kind("crlf", "note", "ends in CR LF", "Training accepts it; other tools may not. --fix writes LF.", cure="repair"),
)

KINDS = {kind.name: kind for kind in _ALL}
"""By name, most severe first."""

SIDES = ("source", "target")


def _assign() -> dict[tuple[str, int], int]:
    places = [(kind.name, side) for kind in _ALL for side in range(2 if kind.sided else 1)]
    return {place: 1 << number for number, place in enumerate(places)}


BITS = _assign()
"""`(kind, side)` -> its bit in the mask of a pair, a uint64; kinds of the whole pair have side 0 only."""


def bit(name: str, side: int = 0) -> int:
    """The bit of a kind, for one side or the pair."""
    return BITS[name, side]


def bits(*names: str) -> int:
    """The bits of several kinds, both sides."""
    return sum(value for (name, _), value in BITS.items() if name in names)


BROKEN = bits("encoding", "nul", "long_line", "record")
"""Pairs with one of these hold no text to examine."""


def dropped(more: tuple[str, ...] = (), keep: tuple[str, ...] = ()) -> int:
    """The bits for which `--fix` drops a pair; `more` adds kinds, `keep` spares some.

    Raises:
        ValueError: a kind that does not exist or cannot be chosen.
    """
    choices = [kind.name for kind in _ALL if kind.cure == "on request"]
    if wrong := [name for name in more if name not in choices]:
        raise ValueError(f"--drop takes {', '.join(choices)}. Received: {', '.join(wrong)}")
    spared = [kind.name for kind in _ALL if kind.cure == "drop" and not bits(kind.name) & BROKEN]
    if wrong := [name for name in keep if name not in spared]:
        raise ValueError(f"--keep takes {', '.join(spared)}. Received: {', '.join(wrong)}")
    always = [kind.name for kind in _ALL if kind.cure == "drop" and kind.name not in keep]
    return bits(*always, *more)
