"""Characters that text cannot keep. Imports no framework."""

from __future__ import annotations


def encodable(text: str) -> str:
    """Returns text that UTF-8 can hold: a lone surrogate, which JSON can escape, becomes U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
