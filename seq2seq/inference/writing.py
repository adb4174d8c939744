"""From the ids that a language model draws to text, as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from seq2seq.inference.text_scoring import Codec
from seq2seq.symbols import EOS

INCOMPLETE = "\N{REPLACEMENT CHARACTER}"
"""What the bytes of a character decode to before the last of them has come."""


def text_of(codec: Codec, ids: Sequence[int], before: Sequence[int] = ()) -> str:
    """Returns the text of ids, in which EOS ends a line; `before` as in `stream_text`."""
    return "".join(stream_text(codec, ids, before))


def stream_text(codec: Codec, ids: Iterable[int], before: Sequence[int] = ()) -> Iterator[str]:
    """Yields what each id adds to the text; joined it is the text of them all.

    Args:
        codec: The tokeniser.
        ids: As they are drawn.
        before: Ids of the line that they go on with; their text is not repeated.
    """
    line, written = list(before), len(codec.decode([list(before)])[0])
    for number in ids:
        if number == EOS:
            rest = codec.decode([line])[0][written:] if line else ""
            line, written = [], 0
            yield f"{rest}\n"
            continue
        line.append(number)
        text = codec.decode([line])[0]
        # A blank at the end may still go, and a character of several bytes may still come.
        ready = text.rstrip(f" {INCOMPLETE}")
        yield ready[written:]
        written = max(written, len(ready))
    if line:
        yield codec.decode([line])[0][written:]
