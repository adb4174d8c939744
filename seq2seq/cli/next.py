"""`seq2seq next RUN PROMPT`: what a language model expects next, and how sure it is."""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from seq2seq.cli.arguments import options_from, positive, utf8
from seq2seq.cli.prompts import check_prompt, read_prompt
from seq2seq.messages import show, visible

BAR = 40
"""Width of the bar of a probability of 1, at most."""


@dataclass(frozen=True)
class NextOptions:
    """The options of the verb."""

    run: str
    prompt: str
    top: int
    tokens: bool
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder of a language model, or its LiteRT folder")
    parser.add_argument("prompt", type=utf8, help="the text before")
    parser.add_argument("--top", type=positive, default=10, metavar="N", help="how many to show (default 10)")
    parser.add_argument(
        "--tokens",
        action="store_true",
        help="show tokens of the vocabulary, not whole words (a model of characters always does)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print JSON: prompt, unit, next (text, probability, log_probability)"
    )


def run(arguments: argparse.Namespace) -> None:
    """Prints the distribution. Raises ValueError for a mistake in the arguments."""
    options = options_from(NextOptions, arguments)
    lines = check_prompt(options.prompt)
    from seq2seq.tasks import load

    model = load(Path(options.run))
    state = read_prompt(model, lines)
    from seq2seq.inference.next_words import next_tokens, next_words

    words = model.has_words and not options.tokens
    found = (next_words if words else next_tokens)(model, state, options.top)
    if options.json:
        values = {
            "prompt": options.prompt,
            "unit": "word" if words else "token",
            "next": [
                {"text": one.text, "probability": one.probability, "log_probability": one.log_probability}
                for one in found
            ],
        }
        show(json.dumps(values, ensure_ascii=False))
        return
    names = [visible(one.shown) for one in found]
    width = max(map(len, names))
    room = max(1, min(BAR, shutil.get_terminal_size().columns - width - 12))
    for name, one in zip(names, found, strict=True):
        show(f"{name:{width}}  {one.probability:.4f}  {'█' * round(room * one.probability)}".rstrip())
