"""Tags: words such as `>>de<<` or `<BT>` that say something about a text, each a token of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from seq2seq.symbols import NAMES
from seq2seq.text.normalization import ESCAPE, MARK
from seq2seq.text.pieces import BEGIN, is_byte
from seq2seq.text.placeholders import Placeholders
from seq2seq.text.subword import SubwordTokenizer

RESERVED = (BEGIN, MARK, ESCAPE)
"""Characters that tokenisers write themselves."""


def problems(tags: Sequence[str], placeholders: Sequence[str] = ()) -> Iterator[str]:
    """Yields what is wrong with tags, each as the end of a sentence that begins with the name of their field.

    Args:
        tags: The tags.
        placeholders: Names of `Placeholders` that are right by themselves.
    """
    copied = Placeholders(tuple(placeholders)) if placeholders else None
    for place, tag in enumerate(tags):
        if not tag or tag.split() != [tag] or not tag.isprintable():
            yield f"must be words without spaces, such as >>de<<, received {tag!r}"
        elif tags.index(tag) < place:
            yield f"must all differ, received {tag!r} twice"
        elif tag in NAMES or is_byte(tag) or any(character in tag for character in RESERVED):
            yield f"must not be what the vocabulary writes itself, received {tag!r}"
        elif (copied or Placeholders(("/⟨1⟩/",))).mask(tag).strings:
            yield f"must not be what tokenizer.placeholders copies, received {tag!r}"


def found_in(tags: Sequence[str], lines: Iterable[str]) -> tuple[str, ...]:
    """Returns the tags that some line has, in their order."""
    left = set(tags)
    for line in lines:
        if not left:
            break
        left -= {tag for tag in left if tag in line}
    return tuple(tag for tag in tags if tag not in left)


def check_known(tokenizer: SubwordTokenizer, tags: Sequence[str], name: str, advice: str) -> None:
    """Raises ValueError for a tag that is not a symbol of the vocabulary, or that normalisation changes.

    Args:
        tokenizer: What cuts text.
        tags: What must each be one token.
        name: Of the vocabulary, for the message.
        advice: What to do about a tag that it lacks.
    """
    known = {tokenizer.vocabulary[i].removeprefix(BEGIN) for i in tokenizer.symbols}
    if missing := [tag for tag in tags if tag not in known]:
        raise ValueError(f"{name} has no symbol {', '.join(missing)} of tokenizer.tags. {advice}")
    for tag, ids in zip(tags, tokenizer.encode([f"{tag} a" for tag in tags]), strict=True):
        if not any(tokenizer.vocabulary[i].removeprefix(BEGIN) == tag for i in ids):
            raise ValueError(
                f"tokenizer.tags: {tag} is no longer itself once text is normalised (with casing mark a tag cannot "
                "begin with a capital). Choose another tag."
            )
