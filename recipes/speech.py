"""Speech recognition: from recordings and their texts to a trained recogniser, scored by word and character errors.

python -m recipes.speech an4
python -m recipes.speech custom --data.train train.tsv --data.validation validation.tsv
"""

from __future__ import annotations

import sys

from seq2seq.cli.start import start_process
from seq2seq.cli.train import run_module
from seq2seq.run.sections import Training
from seq2seq.tasks.speech.recipe import Audio, Augmentation, Data, Model, Recipe, Tokenizer

DEMO = Recipe(
    name="demo_speech",
    data=Data(corpus="spoken"),
    audio=Audio(rate=8000, mels=40),
    augmentation=Augmentation(speeds=(1.0,), frequency_masks=1, frequency_width=6, time_masks=1),
    model=Model(stack=3, input_units=96, units=96, num_layers=2, dropout=0.1),
    training=Training(epochs=16, learning_rate=0.003, warmup_steps=50, ema=0.99),
)
"""Words of a small synthesiser, a few minutes on a laptop."""

TINY = Recipe(
    name="tiny_speech",
    data=Data(corpus="spoken", max_train=40),
    audio=Audio(rate=8000, mels=20),
    augmentation=Augmentation(speeds=(1.0,), frequency_masks=1, frequency_width=4, time_masks=1),
    model=Model(stack=3, input_units=16, units=16, num_layers=1, dropout=0.0),
    training=Training(epochs=2, learning_rate=0.01, warmup_steps=5),
)
"""Goes through every stage in seconds; learns nothing useful."""

DIGITS = Recipe(
    name="digits",
    data=Data(corpus="fsdd", splits=("train_strings", "validation_strings"), tests=("test", "test_strings")),
    audio=Audio(rate=8000, mels=40),
    tokenizer=Tokenizer(kind="words"),
    augmentation=Augmentation(noise=0.5, channel=3.0, frequency_width=8),
    model=Model(stack=3, filters=(32, 64), input_units=128, units=128, num_layers=2, dropout=0.2),
    training=Training(epochs=16, learning_rate=0.003, warmup_steps=200, ema=0.995),
)
"""Spoken digits and strings of them."""

AN4 = Recipe(
    name="an4",
    data=Data(corpus="an4"),
    audio=Audio(rate=16000, mels=80),
    tokenizer=Tokenizer(kind="bpe", size=120),
    augmentation=Augmentation(frequency_masks=2, frequency_width=15, time_masks=2),
    model=Model(stack=3, filters=(32, 64), input_units=256, units=256, num_layers=3, dropout=0.3),
    training=Training(epochs=100, learning_rate=0.002, warmup_steps=300, ema=0.998, precision="mixed_bfloat16"),
)
"""AN4, both directions."""

AN4_STREAMING = AN4.model_copy(
    update={
        "name": "an4_streaming",
        "model": Model(
            stack=3,
            filters=(32, 64),
            input_units=384,
            units=384,
            num_layers=3,
            bidirectional=False,
            residual=True,
            lookahead=6,
            dropout=0.3,
        ),
        "training": AN4.training.model_copy(update={"patience": 12}),
    }
)
"""AN4, one direction and a look of 180 ms ahead."""

CUSTOM = Recipe(
    name="custom_speech",
    data=Data(corpus="spoken"),
    training=Training(epochs=60, learning_rate=0.002, warmup_steps=300, patience=12),
)
"""Your own recordings: --data.train MANIFEST --data.validation MANIFEST."""

RECIPES = {
    "demo": DEMO,
    "tiny": TINY,
    "digits": DIGITS,
    "an4": AN4,
    "an4_streaming": AN4_STREAMING,
    "custom": CUSTOM,
}

if __name__ == "__main__":
    start_process()
    sys.exit(run_module(RECIPES, __doc__))
