"""What a generator is asked and what it answers, line by line: values that commands, bulk runs and servers adapt.

A request that cannot be answered has an error in its result; the other requests are answered all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seq2seq.inference.constraints import Constraints
from seq2seq.types import Hypothesis

Reason = Literal["too_long", "constraints", "nothing_fits"]
"""Why a request has no output: its text has too many tokens; this generator cannot keep to its constraints; no output
keeps to its constraints and to the rules of the search."""


@dataclass(frozen=True)
class Request:
    """One line of text and the constraints on its output."""

    text: str
    constraints: Constraints = Constraints()


@dataclass(frozen=True)
class RequestError:
    """Why one request has no output."""

    reason: Reason
    message: str
    """For users; it does not name the line."""


@dataclass(frozen=True)
class Result:
    """The answer to one request."""

    hypotheses: tuple[Hypothesis, ...] = ()
    """Best first, of different texts; an empty line has one that is empty. None if there is an error."""
    error: RequestError | None = None


class InputTooLong(ValueError):
    """Lines have more tokens than the search reads. The message is about the first of them.

    Args:
        lengths: Maps the index of each such line, among those given, to its number of tokens.
        limit: The largest number of tokens that is read.
    """

    def __init__(self, lengths: dict[int, int], limit: int):
        self.lengths = lengths
        self.limit = limit
        self.index = min(lengths)
        super().__init__(too_long_message(lengths[self.index], limit))


def too_long_message(length: int, limit: int) -> str:
    """Returns what is wrong with a line of `length` tokens where at most `limit` are read."""
    return (
        f"the line has {length:,} tokens; at most {limit:,} are read. Split it into sentences, "
        "raise --max-input (max_input), or use --cut-input (cut_input) to read only its beginning."
    )


def nothing_fits_message(constraints: Constraints) -> str:
    """Returns what to say where no output keeps to the constraints."""
    if not constraints:
        return "no output fits: what the search may write (--min-length, --no-repeat-ngram) is less than it must"
    asked = [f"prefix {constraints.prefix!r}"] if constraints.prefix else []
    asked += [f"include {term!r}" for term in constraints.include]
    asked += [f"exclude {term!r}" for term in constraints.exclude]
    return f"no output fits: {', '.join(asked)}"
