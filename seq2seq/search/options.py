"""How to search: one value that recipes, the command line and exports share. Imports no framework."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

AGREEMENT_ORDERS = 4
"""Hypotheses are alike by their n-grams of 1 to this many pieces, as in BLEU; see `consensus`."""

MOST = 1_000_000_000
"""No number of a search but its seed is larger: all fit the integers of every graph."""

MAX_RATIO, MAX_EXTRA = 2.0, 10
"""Of an output, where neither a recipe nor a training text says more."""


@dataclass(frozen=True)
class SearchOptions:
    """How text is generated from a model."""

    # For recipes: their checks and their --help read these fields.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "use_attribute_docstrings": True}

    beam_size: int = 5
    """Hypotheses kept at each step; 1 is greedy."""
    num_best: int = 1
    """Hypotheses returned for each input, best first; at most beam_size."""
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
        if "num_best" in options and "beam_size" not in options:
            groups = options.get("groups", self.groups)
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
        if self.sampling and self.seed < 0:
            raise ValueError(f"seed must not be negative. Received: {self.seed}")
        for name, value in vars(self).items():
            if name != "seed" and isinstance(value, int | float) and not -MOST <= value <= MOST:  # nor is it NaN
                raise ValueError(f"{name} must be a number of at most {MOST:,}. Received: {str(value)[:40]}")
        from_one = {"beam_size": self.beam_size, "num_best": self.num_best, "max_input": self.max_input}
        for name, value in from_one.items():
            if value < 1:
                raise ValueError(f"{name} must be at least 1. Received: {value}")
        if self.num_best > self.beam_size and not self.sampling:
            raise ValueError(
                f"num_best must be at most beam_size. Received: num_best={self.num_best}, beam_size={self.beam_size}"
            )
        if self.sampling and self.num_best > 1:
            raise ValueError(f"Sampling draws one text a line. Received: num_best={self.num_best}")
        if self.extract and (self.sampling or self.num_best > 1):
            raise ValueError(
                "An extract is one text a line and nothing in it is drawn at random; without extract (--no-extract) "
                f"the decoder writes. Received: sampling={self.sampling}, num_best={self.num_best}"
            )
        if self.normalization not in ("none", "average", "gnmt"):
            raise ValueError(f"normalization must be none, average or gnmt. Received: {self.normalization!r}")
        if self.strength < 0:
            raise ValueError(f"strength must not be negative. Received: {self.strength}")
        from_zero = {"min_length": self.min_length, "no_repeat_ngram": self.no_repeat_ngram}
        for name, value in from_zero.items():
            if value < 0:
                raise ValueError(f"{name} must not be negative. Received: {value}")
        if not 0 <= self.coverage_penalty < math.inf:
            raise ValueError(f"coverage_penalty must be a number and not negative. Received: {self.coverage_penalty}")
        if not 0 <= self.consensus < math.inf:
            raise ValueError(f"consensus must be a number and not negative. Received: {self.consensus}")
        if self.groups < 1 or (self.beam_size % self.groups and not self.sampling):
            raise ValueError(
                "groups must be at least 1 and divide beam_size. "
                f"Received: groups={self.groups}, beam_size={self.beam_size}"
            )
        if not 0 <= self.diversity < math.inf:
            raise ValueError(f"diversity must be a number and not negative. Received: {self.diversity}")
        ratio, extra = (1 if given is None else given for given in (self.max_ratio, self.max_extra))
        if ratio < 0 or extra < 0 or (round(1000 * ratio) == 0 and extra == 0):
            raise ValueError(
                "max_ratio and max_extra must leave room for output. "
                f"Received: max_ratio={self.max_ratio}, max_extra={self.max_extra}"
            )
        if self.temperature <= 0:
            raise ValueError(f"temperature must be above 0. Received: {self.temperature}")
        if self.top_k < 0:
            raise ValueError(f"top_k must not be negative. Received: {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be in (0, 1]. Received: {self.top_p}")


class InputTooLong(ValueError):
    """A line has more pieces than the search takes."""

    def __init__(self, index: int, pieces: int, limit: int):
        super().__init__(
            f"the line has {pieces:,} pieces; at most {limit:,} are taken. "
            "Is it a sentence? Split it, or raise max_input."
        )
        self.index = index
        """Place of the line among those given, from 0."""
