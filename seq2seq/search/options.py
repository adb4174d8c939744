"""How to search: one value that recipes, the command line and exports share. Imports no framework."""

from __future__ import annotations

import ast
import inspect
import operator
import textwrap
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import pairwise
from typing import Any, ClassVar, Literal, NamedTuple, get_args, get_type_hints

MBR_ORDERS = 4
"""Hypotheses are compared by their n-grams of 1 to this many tokens, as in BLEU; see `seq2seq.search.mbr`."""

MOST = 1_000_000_000
"""Upper bound of every number but the seed, so that all fit the integers of every graph."""

POSITIVE_FIELDS = ("beam_size", "num_best", "max_input", "groups")
"""Fields of `SearchOptions` that are at least 1."""
MAX_RATIO, MAX_EXTRA = 2.0, 10
"""Of an output, where neither a recipe nor a training text gives others."""
MOST_COVERAGE = 1000
"""A larger coverage penalty would put scores among those of forbidden hypotheses; 1 is already much."""


@dataclass(frozen=True)
class SearchOptions:
    """How to generate from a model.

    The first sentence below each field is the help text of its command-line flag; see `option_fields`.
    """

    # For recipes: their checks and their --help read these fields.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "use_attribute_docstrings": True}

    beam_size: int = 5
    """Hypotheses kept at each step; 1 is greedy."""
    num_best: int = 1
    """Hypotheses returned for each input, best first. At most beam_size; sampling draws that many, independently."""
    normalization: Literal["none", "average", "gnmt"] = "average"
    """How scores of different lengths are compared: none, average or gnmt. average divides by length **
    length_penalty, gnmt by ((5 + length) / 6) ** length_penalty."""
    length_penalty: float = 1.0
    """Exponent of the length normalisation; 0 is none, larger prefers longer output."""
    mbr: float = 0.0
    """Above 0: minimum Bayes risk, the hypothesis of the beam that agrees best with the others. Each has a weight of
    probability ** mbr; 0.2 with a beam of 10 is a good value. Scores are then the expected agreement, from 0 to 1. 0 is
    off; a beam of 1 and sampling ignore it."""
    coverage_penalty: float = 0.0
    """Above 0: penalise input that got little attention, so that nothing is left out. A hypothesis loses
    coverage_penalty * sum of log(min(attention, 1)) over the tokens of the input (Wu et al. 2016, eq. 14). Requires a
    beam and attention."""
    min_length: int = 0
    """Fewest tokens of an output."""
    no_repeat_ngram: int = 0
    """Never write an n-gram of this many tokens twice in one output; 0 is off."""
    groups: int = 1
    """Number of equal parts of the beam, each made to differ from those before; divides beam_size. This is diverse beam
    search (Vijayakumar et al. 2018); 1 is the plain beam."""
    diversity: float = 0.5
    """With groups: what a token loses, in nats, for every hypothesis of an earlier group that takes it in the same
    step."""
    max_ratio: float | None = None
    """Longest output in tokens: max_ratio * input tokens + max_extra. none for both: learned from the training text, so
    that all of it fits with headroom; where one is given, the other is 2 or 10."""
    max_extra: int | None = None
    """Added to the longest output; see max_ratio."""
    max_input: int = 1000
    """Longest input in tokens; a longer line is refused, or cut."""
    cut_input: bool = False
    """Read the first max_input tokens of a longer line instead of refusing it."""
    extract: bool = False
    """Write the words of the input that the model's selector keeps instead of searching. It keeps those with the
    largest expected F1; requires model.selector. Of the other options it reads only max_input and cut_input."""
    sampling: bool = False
    """Draw each token at random instead of searching; beam_size is then not read."""
    temperature: float = 1.0
    """Sampling: divides the logits; smaller is closer to greedy."""
    top_k: int = 0
    """Sampling: draw among the k likeliest tokens only; 0 is all."""
    top_p: float = 1.0
    """Sampling: draw among the fewest likeliest tokens whose probabilities sum to top_p."""
    seed: int = 1
    """Sampling: the same seed gives the same text for the same input line at the same position."""

    def changed(self, **options: Any) -> SearchOptions:
        """Returns these options with some replaced. The beam is widened where num_best is larger than it."""
        if unknown := sorted(set(options) - {field.name for field in fields(self)}):
            raise ValueError(f"There is no search option {unknown[0]!r}.")
        if "num_best" in options and "beam_size" not in options:
            groups = options.get("groups", self.groups)
            with suppress(TypeError, ZeroDivisionError):  # __post_init__ reports it
                options["beam_size"] = max(self.beam_size, -(-options["num_best"] // groups) * groups)
        return replace(self, **options)

    def with_limits(self, learned: tuple[float, int] | None = None) -> SearchOptions:
        """Returns these options with max_ratio and max_extra set: those given, else those learned, else 2 and 10."""
        if learned is None or self.max_ratio is not None or self.max_extra is not None:
            learned = MAX_RATIO, MAX_EXTRA
        ratio = learned[0] if self.max_ratio is None else self.max_ratio
        return replace(self, max_ratio=ratio, max_extra=learned[1] if self.max_extra is None else self.max_extra)

    def output_limit(self, length: Any, minimum: Any = min, maximum: Any = max, required: Any = 0) -> Any:
        """Returns the largest number of output tokens for an input of `length` tokens. The only place that computes it.

        Args:
            length: An int, or an array or a tensor of int32.
            minimum: Of two values; for arrays and tensors that of their library.
            maximum: As `minimum`.
            required: Tokens that the output must contain, as a prefix or terms; it may be longer by them.
        """
        ratio, extra = (MAX_RATIO if self.max_ratio is None else self.max_ratio), self.max_extra
        # In integers, so that all libraries agree: thousandths of the ratio, and no product overflows int32.
        whole, thousandths = divmod(round(1000 * ratio), 1000)
        length = minimum(length, min(MOST // max(whole, 1), MOST // 1000))
        limit = length * whole + length * thousandths // 1000 + (MAX_EXTRA if extra is None else extra)
        return minimum(maximum(limit, self.min_length), MOST) + required

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _of_type(field.name, str(field.type), getattr(self, field.name)))
        if self.sampling and self.seed < 0:
            raise ValueError(f"seed must not be negative. Received: {self.seed}")
        for name, value in vars(self).items():
            if name != "seed" and isinstance(value, int | float) and not -MOST <= value <= MOST:  # False for NaN too
                raise ValueError(f"{name} must be a number of at most {MOST:,}. Received: {str(value)[:40]}")
        for name in POSITIVE_FIELDS:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1. Received: {getattr(self, name)}")
        for name in ("length_penalty", "mbr", "diversity", "min_length", "no_repeat_ngram", "top_k"):
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
        """Raises ValueError for options that contradict each other."""
        if self.num_best > self.beam_size and not self.sampling:
            raise ValueError(
                f"num_best must be at most beam_size. Received: num_best={self.num_best}, beam_size={self.beam_size}"
            )
        if self.extract and (self.sampling or self.num_best > 1):
            raise ValueError(
                "An extract is one text a line and not drawn at random. Turn it off (--no-extract) to use the decoder. "
                f"Received: sampling={self.sampling}, num_best={self.num_best}"
            )
        if self.beam_size % self.groups and not self.sampling:
            raise ValueError(
                f"groups must divide beam_size. Received: groups={self.groups}, beam_size={self.beam_size}"
            )


def _of_type(name: str, kind: str, value: Any) -> Any:
    """Returns a value in the type of its field, NumPy numbers as Python's; raises ValueError for another type."""
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


class OptionField(NamedTuple):
    """A field of `SearchOptions`, as a command line needs it."""

    name: str
    """Of the field; the flag has hyphens for underscores."""
    type: type
    """bool, int, float or str."""
    default: Any
    """None where it is learned from the training text."""
    choices: tuple[str, ...]
    """Of a str; empty for other types."""
    help: str
    """The first sentence of its docstring, without the full stop and with a small first letter."""


@cache
def option_fields() -> tuple[OptionField, ...]:
    """Returns the fields of `SearchOptions` in their order, with their help texts."""
    texts = _field_docstrings(SearchOptions)
    hints = get_type_hints(SearchOptions)
    found = []
    for field in fields(SearchOptions):
        members = [kind for kind in get_args(hints[field.name]) if kind is not type(None)]
        choices = tuple(kind for kind in members if isinstance(kind, str))
        kind = str if choices else members[0] if members else hints[field.name]
        sentence = texts[field.name].split(". ")[0].removesuffix(".")
        found.append(OptionField(field.name, kind, field.default, choices, sentence[0].lower() + sentence[1:]))
    return tuple(found)


def _field_docstrings(cls: type) -> dict[str, str]:
    """Returns the string below each field of a class, on one line; Python itself does not keep them."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    definition = next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    found = {}
    for field, text in pairwise(definition.body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[ast.unparse(field.target)] = " ".join(str(text.value.value).split())
    return found
