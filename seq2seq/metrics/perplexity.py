"""Perplexity and its kin. Only numbers of one unit, over the same text, can be compared; the signature names it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from seq2seq import __version__
from seq2seq.metrics.score import Score


@dataclass
class Likelihood:
    """Sums over lines of text: how likely a model found them, and how long they are.

    The end of a line is a token, a word and a character, as models predict it too. So `word_perplexity` and
    `bits_per_character` compare models with different tokens, `perplexity` only those with the same. An unknown token
    hides what the text was: models that have more of them look better than they are.
    """

    nll: float = 0.0
    """Negative log-probability of all tokens, in nats."""
    lines: int = 0
    tokens: int = 0
    """Tokens, the ends of lines among them."""
    words: int = 0
    """What stands between blanks."""
    characters: int = 0
    """Code points."""
    unknown: int = 0
    """Tokens that stand for something that the vocabulary lacks."""

    def add(self, text: str, nll: float, tokens: int, unknown: int = 0) -> None:
        """Counts a line of `tokens` tokens, its end among them."""
        self.nll += nll
        self.lines += 1
        self.tokens += tokens
        self.words += len(text.split())
        self.characters += len(text)
        self.unknown += unknown

    def scores(self, conditions: str = "") -> dict[str, Score]:
        """Returns "perplexity" of a token, "word_perplexity" and "bits_per_character"; of no text they are 1, 1 and 0.

        Args:
            conditions: What else decides the numbers, for the signature: "dynamic:0.1".
        """
        more = f"|unknown:{self.unknown}" + (f"|{conditions}" if conditions else "") + f"|seq2seq|version:{__version__}"
        words, characters = self.words + self.lines, self.characters + self.lines
        return {
            "perplexity": Score(_exp(self.nll / max(1, self.tokens)), f"per:token|tokens:{self.tokens}{more}"),
            "word_perplexity": Score(_exp(self.nll / max(1, words)), f"per:word|words:{words}{more}"),
            "bits_per_character": Score(
                self.nll / math.log(2) / max(1, characters), f"per:character|characters:{characters}{more}"
            ),
        }


def _exp(nats: float) -> float:
    return math.exp(min(nats, 700.0))
