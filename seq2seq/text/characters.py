"""Characters that UTF-8 cannot hold. Imports no framework."""

from __future__ import annotations


def encodable(text: str) -> str:
    """Returns text that UTF-8 can hold: lone surrogates, which JSON can escape, become U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
