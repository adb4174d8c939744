"""How to search: one value that recipes, the command line and exports share. Imports no framework."""

from __future__ import annotations

import operator
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal

AGREEMENT_ORDERS = 4
"""Hypotheses are alike by their n-grams of 1 to this many pieces, as in BLEU; see `consensus`."""

MOST = 1_000_000_000
"""No number of a search but its seed is larger: all fit the integers of every graph."""

MAX_RATIO, MAX_EXTRA = 2.0, 10
"""Of an output, where neither a recipe nor a training text says more."""
MOST_COVERAGE = 1000
"""A larger coverage penalty would put scores among those of what is forbidden; 1 is much already."""


@dataclass(frozen=True)
class SearchOptions:
    """How text is generated from a model."""

    # For recipes: their checks and their --help read these fields.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "use_attribute_docstrings": True}

    beam_size: int = 5
    """Hypotheses kept at each step; 1 is greedy."""
    num_best: int = 1
    """Hypotheses returned for each input, best first; at most beam_size. With sampling so many are drawn, each by
    itself."""
    normalization: Literal["none", "average", "gnmt"] = "average"
    """How scores are made comparable over lengths: none, average (divide by length ** strength) or
    gnmt (divide by ((5 + length) / 6) ** strength)."""
    strength: float = 1.0
    """Strength of the length normalisation; 0 is none, larger prefers longer output."""
    consensus: float = 0.0
    """Above 0: of all hypotheses in the beam take the one that agrees best with the others (minimum Bayes risk), each
    with probability ** consensus votes; 0.2 is a good value, with a beam of 10. Scores are then what is expected of
    the agreement, from 0 to 1. 0 is off, and so it is for a beam of 1 and for sampling."""
    coverage_penalty: float = 0.0
    """Above 0: a hypothesis loses coverage_penalty * sum of log(min(attention, 1)) over the pieces of the input (Wu et
    al. 2016, eq. 14), so that nothing is left out; wants a beam and attention."""
    min_length: int = 0
    """Fewest pieces of an output."""
    no_repeat_ngram: int = 0
    """Never write an n-gram of so many pieces twice in one output; 0 is off."""
    groups: int = 1
    """Into how many equal parts the beam falls, each made to differ from those before (diverse beam search,
    Vijayakumar et al. 2018); divides beam_size. 1 is the plain beam."""
    diversity: float = 0.5
    """With groups: what a piece loses, in nats, for every earlier group's hypothesis that takes it in the same step."""
    max_ratio: float | None = None
    """Longest output in pieces: max_ratio * input pieces + max_extra. none for both: learned from the training text, so
    that all of it fits with headroom; where one is given, the other is 2 or 10."""
    max_extra: int | None = None
    """See max_ratio."""
    max_input: int = 1000
    """Longest input in pieces; a longer line is refused, or cut."""
    cut_input: bool = False
    """Read the first max_input pieces of a longer line instead of refusing it."""
    extract: bool = False
    """Write the words of the input that the model's selector keeps, those of the largest expected F1, instead of
    searching; wants model.selector. Of the other options only max_input and cut_input are then read."""
    sampling: bool = False
    """Draw each piece at random instead of searching; beam_size is then not read."""
    temperature: float = 1.0
    """Sampling: divides the logits; smaller is closer to greedy."""
    top_k: int = 0
    """Sampling: draw among the k likeliest pieces only; 0 is all."""
    top_p: float = 1.0
    """Sampling: draw among the fewest likeliest pieces whose probabilities sum to top_p."""
    seed: int = 1
    """Sampling: the same seed gives the same text for the same input line at the same place."""

    def changed(self, **options: Any) -> SearchOptions:
        """Returns these options with some replaced; for more hypotheses than the beam holds, with a wider beam."""
        if unknown := sorted(set(options) - {field.name for field in fields(self)}):
            raise ValueError(f"There is no search option {unknown[0]!r}.")
        if "num_best" in options and "beam_size" not in options:
            groups = options.get("groups", self.groups)
            with suppress(TypeError, ZeroDivisionError):  # what is wrong with them is said below
                options["beam_size"] = max(self.beam_size, -(-options["num_best"] // groups) * groups)
        return replace(self, **options)

    def with_limits(self, learned: tuple[float, int] | None = None) -> SearchOptions:
        """Returns these options with max_ratio and max_extra as numbers: given ones, learned ones, or 2 and 10."""
        if learned is None or self.max_ratio is not None or self.max_extra is not None:
            learned = MAX_RATIO, MAX_EXTRA
        ratio = learned[0] if self.max_ratio is None else self.max_ratio
        return replace(self, max_ratio=ratio, max_extra=learned[1] if self.max_extra is None else self.max_extra)

    def output_limit(self, length: Any, minimum: Any = min, maximum: Any = max) -> Any:
        """The most pieces of an output for an input of `length` pieces. The only place that computes it.

        Args:
            length: An int, or an array or a tensor of int32.
            minimum, maximum: Of two; for arrays and tensors those of their library.
        """
        ratio, extra = (MAX_RATIO if self.max_ratio is None else self.max_ratio), self.max_extra
        # In integers, so that every library agrees: thousandths of the ratio, and no product that leaves int32.
        whole, thousandths = divmod(round(1000 * ratio), 1000)
        length = minimum(length, min(MOST // max(whole, 1), MOST // 1000))
        limit = length * whole + length * thousandths // 1000 + (MAX_EXTRA if extra is None else extra)
        return minimum(maximum(limit, self.min_length), MOST)

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _of_type(field.name, str(field.type), getattr(self, field.name)))
        if self.sampling and self.seed < 0:
            raise ValueError(f"seed must not be negative. Received: {self.seed}")
        for name, value in vars(self).items():
            if name != "seed" and isinstance(value, int | float) and not -MOST <= value <= MOST:  # nor is it NaN
                raise ValueError(f"{name} must be a number of at most {MOST:,}. Received: {str(value)[:40]}")
        for name in ("beam_size", "num_best", "max_input", "groups"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1. Received: {getattr(self, name)}")
        for name in ("strength", "consensus", "diversity", "min_length", "no_repeat_ngram", "top_k"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative. Received: {getattr(self, name)}")
        if not 0 <= self.coverage_penalty <= MOST_COVERAGE:
            raise ValueError(f"coverage_penalty must be from 0 to {MOST_COVERAGE:,}. Received: {self.coverage_penalty}")
        if self.normalization not in ("none", "average", "gnmt"):
            raise ValueError(f"normalization must be none, average or gnmt. Received: {self.normalization!r}")
        ratio, extra = (1 if given is None else given for given in (self.max_ratio, self.max_extra))
        if ratio < 0 or extra < 0 or (round(1000 * ratio) == 0 and extra == 0):
            raise ValueError(
                "max_ratio and max_extra must leave room for output. "
                f"Received: max_ratio={self.max_ratio}, max_extra={self.max_extra}"
            )
        if self.temperature <= 0:
            raise ValueError(f"temperature must be above 0. Received: {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be in (0, 1]. Received: {self.top_p}")
        self._check_together()

    def _check_together(self) -> None:
        """ValueError for options that contradict each other."""
        if self.num_best > self.beam_size and not self.sampling:
            raise ValueError(
                f"num_best must be at most beam_size. Received: num_best={self.num_best}, beam_size={self.beam_size}"
            )
        if self.extract and (self.sampling or self.num_best > 1):
            raise ValueError(
                "An extract is one text a line and nothing in it is drawn at random; without extract (--no-extract) "
                f"the decoder writes. Received: sampling={self.sampling}, num_best={self.num_best}"
            )
        if self.beam_size % self.groups and not self.sampling:
            raise ValueError(
                f"groups must divide beam_size. Received: groups={self.groups}, beam_size={self.beam_size}"
            )


def _of_type(name: str, kind: str, value: Any) -> Any:
    """Returns a value as the type of its field, NumPy's numbers as Python's; ValueError for one of another type."""
    kind = kind.removesuffix(" | None")
    if value is None and name in ("max_ratio", "max_extra"):
        return None
    if kind == "bool" and str(value) in ("True", "False") and not isinstance(value, str):
        return bool(value)
    if kind in ("int", "float") and not isinstance(value, bool | str):
        with suppress(TypeError, ValueError, OverflowError):
            return operator.index(value) if kind == "int" else float(value)
    if kind in _EXPECTED:
        raise ValueError(f"{name} must be {_EXPECTED[kind]}. Received: {str(value)[:40]!r}")
    return value


_EXPECTED = {"bool": "True or False", "int": "a whole number", "float": "a number"}


class InputTooLong(ValueError):
    """Lines have more pieces than the search takes. The message is about the first of them.

    Args:
        found: Of each such line its place among those given, from 0, and its pieces.
        limit: How many are taken.
    """

    def __init__(self, found: dict[int, int], limit: int):
        self.found = found
        self.limit = limit
        self.index = next(iter(found))
        super().__init__(self.told(self.index))

    def told(self, index: int) -> str:
        """Returns what is wrong with one of the lines."""
        return (
            f"the line has {self.found[index]:,} pieces; at most {self.limit:,} are read. Split it into sentences, or "
            "raise --max-input (max_input), or read its beginning alone by --cut-input (cut_input)."
        )
