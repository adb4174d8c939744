"""The options of the search over what was heard, which several verbs share."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.cli.arguments import positive
from seq2seq.cli.text_io import input_lines

if TYPE_CHECKING:
    from seq2seq.inference.recognition import Recognizer
    from seq2seq.inference.text_scoring import TextScorer

WIDE = 16
"""Prefixes of the search beside a language model, hotwords or rescoring, where the recipe has fewer."""


@dataclass(frozen=True)
class SpeechSearch:
    """How recordings are searched; what is not given stays as in the run's recipe."""

    beam_size: int | None
    language_model: str | None
    weight: float | None
    insertion_bonus: float
    hotwords: str | None
    hotword_bonus: float
    rescoring: float | None

    @property
    def inputs(self) -> list[str]:
        """Files and folders that are read."""
        return [path for path in (self.language_model, self.hotwords) if path]

    def apply(self, recognizer: Recognizer) -> None:
        """Sets the search of a recogniser.

        Raises:
            ValueError: a number is out of range, or what was named is no language model or no list of hotwords.
        """
        from seq2seq.inference.fusion import fused, hotwords
        from seq2seq.search.prefix_beam import PrefixBeam

        if self.weight is not None and not self.language_model:
            raise ValueError("--weight is of a language model: name it with --language-model RUN.")
        codec, options = recognizer.codec, recognizer.beam.options
        judged = bool(self.inputs) or (self.rescoring is not None and self.rescoring > 0)
        beam_size = self.beam_size or max(options.beam_size, WIDE if judged else 1)
        weight = options.weight if self.weight is None else self.weight
        options = replace(options, beam_size=beam_size, weight=weight, insertion_bonus=self.insertion_bonus)
        model = words = None
        if self.language_model:
            model = fused(_text_model(Path(self.language_model)), codec)
        if self.hotwords:
            listed = [line.strip() for line in input_lines(self.hotwords)[0] if line.strip()]
            try:
                words = hotwords(listed, self.hotword_bonus, codec)
            except ValueError as error:
                raise ValueError(f"{self.hotwords}: {error}") from error
        recognizer.beam = PrefixBeam(codec.size, options, model, words)
        if self.rescoring is None:
            return
        if self.rescoring > 0 and beam_size == 1:
            raise ValueError("--rescoring chooses among the prefixes of a search: give --beam-size above 1.")
        try:
            recognizer.rescoring = self.rescoring
        except ValueError as error:
            raise ValueError(f"--rescoring {self.rescoring:g}: {error}") from None


def _text_model(path: Path) -> TextScorer:
    from seq2seq.inference.text_scoring import TextScorer
    from seq2seq.tasks import load

    model = load(path)
    if not isinstance(model, TextScorer):
        raise ValueError(
            f"{path}: expected the run of a language model (seq2seq train language_model). Received another."
        )
    return model


def add_speech_search(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    group = parser.add_argument_group("search")
    group.add_argument(
        "--beam-size",
        type=positive,
        metavar="N",
        help=f"prefixes of the search (default: the recipe's; at least {WIDE} with a language model, hotwords or "
        "--rescoring)",
    )
    group.add_argument(
        "--language-model", metavar="RUN", help="run of a language model, which also judges what may have been said"
    )
    group.add_argument(
        "--weight",
        type=float,
        metavar="X",
        help="what a nat of the language model counts (default 0.5): choose it by evaluate --test validation",
    )
    group.add_argument(
        "--insertion-bonus",
        type=float,
        default=0.0,
        metavar="X",
        help="nats added for each label, to make up for what a language model takes from longer texts (default 0)",
    )
    group.add_argument("--hotwords", metavar="FILE", help="words to prefer, a line each, spelled as the run spells")
    group.add_argument(
        "--hotword-bonus", type=float, default=1.0, metavar="X", help="nats for each label of such a word (default 1)"
    )
    group.add_argument(
        "--rescoring",
        type=float,
        metavar="X",
        help="what a nat of the run's attention decoder counts in the choice among these prefixes, 0 is nothing "
        "(default: the recipe's): choose it by evaluate --test validation",
    )
