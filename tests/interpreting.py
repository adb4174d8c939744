"""A small translator with random weights that writes while it reads, and lines for it."""

from __future__ import annotations

from typing import Any

from seq2seq.inference.generator import Generator
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import EOS

OPTIONS = SearchOptions(beam_size=1, max_ratio=1.5, max_extra=3)
LINES = [
    "the cat sits on a mat",
    "a dog",
    "",
    "green trees",
    "the house sees a dog on the green mat hello, world!",
    "   ",
    "house",
    "a cat on a mat on a house on a green dog",
]


def make_interpreting(build_model: Any, tokenizer: Any, encoder: Any = None, **decoder: Any) -> Generator:
    """A generator over one tokeniser; `encoder` and `decoder` change the options of the two."""
    decoder = {"num_layers": 2, "attention_position": "between", "bridge": "zero", **decoder}
    encoder = {"bidirectional": False, **(encoder or {})}
    model = build_model(encoder, decoder, (tokenizer.size, tokenizer.size), seed=8)
    bias = model.head.bias.numpy()
    bias[EOS] = 1.0
    model.head.bias.assign(bias)
    generator = Generator(model, tokenizer, tokenizer, OPTIONS)
    generator.wait_k = (1, 3)
    return generator
