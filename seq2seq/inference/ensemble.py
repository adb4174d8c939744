"""Text to text with several models that write one text together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from seq2seq.inference.generator import Generator
from seq2seq.inference.lines import LineGenerator
from seq2seq.models.ensemble import Ensemble
from seq2seq.search.options import SearchOptions
from seq2seq.text.subword import SubwordTokenizer

if TYPE_CHECKING:
    from seq2seq.inference.simultaneous import Interpreter


class MemberSources(list[int]):
    """The ids of a line as the first member reads it.

    Args:
        first: Those ids.
        others: The ids as each other member reads the line.
    """

    def __init__(self, first: Sequence[int], others: Sequence[list[int]]):
        super().__init__(first)
        self.others = tuple(others)


class EnsembleGenerator(Generator):
    """Generates text with several models of one target vocabulary; each reads a line in tokens of its own.

    Limits on the length of the output, and the alignments, count tokens of the first member.

    Args:
        members: At least one.
        mixing: See `Ensemble`.
        options: How to search; None: as the first member does.
        names: What to call the members in an error.

    Raises:
        ValueError: unequal target vocabularies, one that writes from right to left beside one that does not, a
            coverage penalty; or options that extract, for members without a selector or with different source tokens.
    """

    def __init__(
        self,
        members: Sequence[Generator],
        mixing: str = "probabilities",
        options: SearchOptions | None = None,
        names: Sequence[str] = (),
    ):
        names = names or [f"member {number}" for number in range(1, len(members) + 1)]
        first = members[0]
        for name, member in zip(names[1:], members[1:], strict=True):
            _check_targets(names[0], first.target_tokenizer, name, member.target_tokenizer)
            if member.source_tokenizer.placeholders != first.source_tokenizer.placeholders:
                raise ValueError(f"{names[0]} and {name} were trained with different tokenizer.placeholders.")
        options = options or first.options
        if options.coverage_penalty and options.beam_size > 1:
            raise ValueError(
                "An ensemble has no coverage penalty, because each member has its own attention. Set it to 0."
            )
        alike = [i for i, m in enumerate(members) if same_pieces(m.source_tokenizer, first.source_tokenizer)]
        if options.extract and len(alike) < len(members):
            raise ValueError("An ensemble extracts only if all members cut the source into the same tokens.")
        model = Ensemble([member.model for member in members], mixing, alike)
        super().__init__(model, first.source_tokenizer, first.target_tokenizer, options)
        self.members = members
        self.mixing = mixing
        self.names = names

    def with_options(self, **changes: Any) -> EnsembleGenerator:
        """Returns a generator on the same models with other search options."""
        changed = EnsembleGenerator(self.members, self.mixing, replace(self.options, **changes), self.names)
        changed._share_graphs(self)
        return changed

    def interpreter(self, wait_k: int) -> Interpreter:
        return LineGenerator.interpreter(self, wait_k)

    def _encode(self, lines: Sequence[str]) -> list[list[int]]:
        encoded = [member.source_tokenizer.encode(lines) for member in self.members]
        return [MemberSources(first, others) for first, *others in zip(*encoded, strict=True)]

    def _length(self, source: list[int]) -> int:
        return max(map(len, _of_members(source)))

    def _cut(self, sources: list[list[int]]) -> list[list[int]]:
        rows = zip(*map(_of_members, sources), strict=True)
        columns = [super(EnsembleGenerator, self)._cut(list(ids)) for ids in rows]
        return [MemberSources(first, others) for first, *others in zip(*columns, strict=True)]

    def _batch(self, sources: Sequence[Sequence[int]]) -> Any:
        columns = zip(*map(_of_members, sources), strict=True)
        return tuple(super(EnsembleGenerator, self)._batch(ids) for ids in columns)


def _of_members(source: Sequence[int]) -> tuple[Sequence[int], ...]:
    """Returns the ids of a line as each member reads it."""
    return (source, *(source.others if isinstance(source, MemberSources) else ()))


def same_pieces(one: SubwordTokenizer, other: SubwordTokenizer) -> bool:
    """Whether both have the same tokens with the same ids, in the same direction."""
    if one.right_to_left != other.right_to_left or one.size != other.size:
        return False
    return one is other or one.model == other.model or one.pieces(range(one.size)) == other.pieces(range(other.size))


def _check_targets(first: str, expected: SubwordTokenizer, name: str, other: SubwordTokenizer) -> None:
    if expected.right_to_left != other.right_to_left:
        left, right = (name, first) if expected.right_to_left else (first, name)
        raise ValueError(
            f"{left} writes from left to right, {right} from right to left (data.right_to_left): their "
            "steps cannot be mixed. Use one to rerank the output of the other: seq2seq rerank."
        )
    if not same_pieces(expected, other):
        pairs = zip(*(t.pieces(range(t.size)) for t in (expected, other)), strict=False)
        apart = next((i for i, (a, b) in enumerate(pairs) if a != b), min(expected.size, other.size))
        raise ValueError(
            f"{first} and {name} have different target vocabularies ({expected.size:,} and {other.size:,} tokens, "
            f"different from id {apart} on): the members of an ensemble need equal ones."
        )
