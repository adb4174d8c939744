"""Language models: from text to a trained model of what comes next, scored by perplexity.

python -m recipes.language_model ptb
python -m recipes.language_model custom --data.train my.txt
"""

from __future__ import annotations

import sys

from seq2seq.cli.start import start_process
from seq2seq.cli.train import run_module
from seq2seq.tasks.language_model.recipe import Batching, Data, Model, Recipe, Tokenizer, Training

DEMO = Recipe(
    name="demo_language_model",
    data=Data(corpus="sentences"),
    tokenizer=Tokenizer(kind="words", size=0),
    model=Model(embedding=128, units=128, readout=False, dropout=0.2),
    training=Training(epochs=4, learning_rate=0.004, warmup_steps=100, ema=0.99),
)
"""The embedded sentences, a minute or two on a laptop."""

TINY = Recipe(
    name="tiny_language_model",
    data=Data(corpus="sentences", max_train=300),
    tokenizer=Tokenizer(kind="words", size=0),
    model=Model(embedding=16, units=16, readout=False),
    batching=Batching(rows=4, steps=16),
    training=Training(epochs=2, warmup_steps=5),
    exports=(),
)
"""Goes through every stage in seconds; learns nothing useful."""

PTB = Recipe(
    name="ptb",
    data=Data(corpus="ptb"),
    tokenizer=Tokenizer(kind="words", size=0),
    model=Model(
        embedding=400,
        scale_embedding=False,
        units=400,
        num_layers=2,
        readout=False,
        dropout=0.3,
        variational_dropout=False,
    ),
    batching=Batching(rows=20, steps=35),
    training=Training(
        epochs=13,
        optimizer="sgd",
        learning_rate=20,
        warmup_steps=20,
        gradient_clip=0.25,
        precision="mixed_bfloat16",
    ),
)
"""Penn Treebank, words."""

SHAKESPEARE = Recipe(
    name="shakespeare",
    data=Data(corpus="tinyshakespeare"),
    tokenizer=Tokenizer(kind="characters", size=0),
    model=Model(embedding=64, cell="gru", units=640, readout=False, tie=False, dropout=0.25),
    batching=Batching(rows=64, steps=64),
    training=Training(epochs=16, learning_rate=0.004, warmup_steps=200, precision="mixed_bfloat16"),
)
"""tinyshakespeare, characters."""

CUSTOM = Recipe(
    name="custom_language_model",
    data=Data(corpus="sentences"),
    training=Training(epochs=10, learning_rate=0.002, warmup_steps=200, patience=3),
)
"""Your own text: --data.train FILE."""

RECIPES = {
    "demo": DEMO,
    "tiny": TINY,
    "ptb": PTB,
    "shakespeare": SHAKESPEARE,
    "custom": CUSTOM,
}

if __name__ == "__main__":
    start_process()
    sys.exit(run_module(RECIPES, __doc__))
