"""A text coloured by how surprised a language model is, as a page for a browser. Imports no framework."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

MOST = 16.0
"""Bits at which the colour is full."""


def surprisal_page(lines: Iterable[tuple[Sequence[str], Sequence[float]]]) -> str:
    """Returns the page.

    Args:
        lines: Of each line its tokens and their surprisals in bits. SentencePiece's mark of a blank is shown as one.
    """
    rows = ["".join(_token(token, bits) for token, bits in zip(*line, strict=True)) for line in lines]
    legend = "".join(_token(f" {bits} ", float(bits)) for bits in (0, 2, 4, 8, 12, 16))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Surprisal</title>
<style>
body {{ font: 16px/1.9 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #111;
  background: #fff }}
span {{ padding: .15em .1em; border-radius: .2em; white-space: pre-wrap }}
</style>
</head>
<body>
<p>Surprisal in bits, -log2 of the probability given all text before: {legend}</p>
<p>{"<br>".join(rows)}</p>
</body>
</html>
"""


def _token(token: str, bits: float) -> str:
    share = min(max(bits, 0.0), MOST) / MOST
    text = html.escape(token.replace("▁", " "))
    return f'<span style="background: rgba(214, 69, 65, {share:.3f})" title="{bits:.2f} bits">{text}</span>'
