"""Summarisation: from texts with summaries to a trained, scored summariser.

python -m recipes.summarization phrases
python -m recipes.summarization custom --data.train.source my.jsonl --data.source_field text --data.target_field title
"""

from __future__ import annotations

import sys

from seq2seq.cli.start import start_process
from seq2seq.cli.train import run_module
from seq2seq.pipeline.plan import Batching
from seq2seq.search.options import SearchOptions
from seq2seq.tasks.text_to_text.recipe import Data, Decoder, Encoder, Model, Recipe, Tokenizer, Training

PHRASES = Recipe(
    name="phrases",
    task="summarization",
    data=Data(corpus="phrases", source_language="en", target_language="en", tests=("test",)),
    tokenizer=Tokenizer(kind="bpe", size=8000),
    model=Model(
        embedding=128,
        pointer=True,
        encoder=Encoder(units=128, dropout=0.2),
        decoder=Decoder(units=192, num_layers=2, attention_position="between", coverage=True, dropout=0.2),
    ),
    # Label smoothing would teach that any name of the training text may replace a copied one.
    training=Training(epochs=5, learning_rate=0.003, warmup_steps=50, label_smoothing=0.0, ema=0.99),
)
"""The embedded corpus, minutes on a laptop: names and numbers that training has never seen must be copied."""

AESLC = Recipe(
    name="aeslc",
    task="summarization",
    data=Data(
        corpus="aeslc", source_language="en", target_language="en", tests=("test",), cut_source=160, max_length=160
    ),
    tokenizer=Tokenizer(kind="bpe", size=8000),
    model=Model(
        pointer=True,
        encoder=Encoder(units=256, dropout=0.35),
        decoder=Decoder(units=320, num_layers=2, attention_position="between", attention_units=192, dropout=0.35),
    ),
    batching=Batching(tokens=5000),
    training=Training(epochs=12, learning_rate=0.002, precision="mixed_bfloat16"),
    search=SearchOptions(max_ratio=0, max_extra=40, max_input=160, cut_input=True, no_repeat_ngram=3),
)
"""14,436 e-mails and their subject lines."""

SENTENCE_COMPRESSION = Recipe(
    name="sentence_compression",
    task="compression",
    data=Data(corpus="sentence_compression", source_language="en", target_language="en", tests=("test",)),
    tokenizer=Tokenizer(kind="bpe", size=8000, split_digits=True, sampling=0.1, normalization="nmt_nfkc"),
    model=Model(
        pointer=True,
        selector=True,
        words=True,
        encoder=Encoder(units=256, num_layers=2, dropout=0.5),
        decoder=Decoder(
            units=320, num_layers=2, attention_position="between", attention_units=192, coverage=True, dropout=0.4
        ),
    ),
    training=Training(
        epochs=8, learning_rate=0.002, label_smoothing=0.0, selector_loss=1.0, precision="mixed_bfloat16"
    ),
    search=SearchOptions(extract=True, max_ratio=1, max_extra=2),
)
"""8,000 news sentences and their compressions: the words that the selector keeps."""

CUSTOM = Recipe(
    name="custom",
    task="summarization",
    data=Data(corpus="phrases", source_language="en", target_language="en", cut_source=160, max_length=160),
    tokenizer=Tokenizer(kind="bpe", size=8000),
    model=AESLC.model,
    batching=AESLC.batching,
    training=Training(epochs=12, learning_rate=0.002),
    search=AESLC.search,
)
"""Your own files: --data.train.source names one with both sides, or --data.train.target the other side."""

TINY = Recipe(
    name="tiny",
    task="summarization",
    data=Data(corpus="phrases", source_language="en", target_language="en", max_train=300),
    tokenizer=Tokenizer(size=300),
    model=Model(
        embedding=16,
        pointer=True,
        encoder=Encoder(units=16),
        decoder=Decoder(units=16, num_layers=2, attention_position="between", coverage=True),
    ),
    batching=Batching(tokens=2000, buckets=2),
    training=Training(epochs=2, warmup_steps=5, coverage_loss=1.0, coverage_from=1),
)
"""Goes through every stage in seconds; learns nothing useful."""

RECIPES = {recipe.name: recipe for recipe in (PHRASES, TINY, AESLC, SENTENCE_COMPRESSION, CUSTOM)}
"""The named variants."""


if __name__ == "__main__":
    start_process()
    sys.exit(run_module(RECIPES, __doc__ or ""))
