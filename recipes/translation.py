"""Translation: from a parallel corpus to a trained, scored translator.

python -m recipes.translation multi30k_en_de
python -m recipes.translation custom --data.train.source my.en --data.train.target my.de
"""

from __future__ import annotations

import importlib
import sys
from itertools import permutations

from seq2seq.cli.start import start_process
from seq2seq.cli.train import run_module
from seq2seq.pipeline.plan import Batching
from seq2seq.search.options import SearchOptions
from seq2seq.tasks.text_to_text.recipe import Data, Decoder, Encoder, Model, Recipe, Tokenizer, Training


def _multi30k(source: str, target: str) -> Recipe:
    # 2016 is the only test set that exists in every direction.
    data = Data(corpus="multi30k", source_language=source, target_language=target, tests=("test_2016_flickr",))
    return Recipe(
        name=f"multi30k_{source}_{target}",
        data=data,
        tokenizer=Tokenizer(kind="bpe", size=6000, normalization="nmt_nfkc"),  # no-break spaces in 46 German lines
        model=Model(
            encoder=Encoder(units=256),
            decoder=Decoder(units=320, num_layers=2, attention_position="between", attention_units=192),
        ),
        training=Training(epochs=20, learning_rate=0.002, precision="mixed_bfloat16"),
        # Chosen on the validation text of en-de and de-en. No translation in it is longer, and the search ends sooner.
        search=SearchOptions(beam_size=10, mbr=0.2, max_ratio=1.2, max_extra=10),
    )


def _multi30k_waitk() -> Recipe:
    # As multi30k_en_de, but for an encoder that does not look ahead. 99 is every sentence as a whole.
    recipe = _multi30k("en", "de")
    encoder = recipe.model.encoder.model_copy(update={"units": 320, "bidirectional": False})
    decoder = recipe.model.decoder.model_copy(update={"bridge": "zero"})
    return Recipe(
        name="multi30k_waitk",
        data=recipe.data,
        tokenizer=recipe.tokenizer,
        model=Model(encoder=encoder, decoder=decoder),
        training=Training(
            epochs=20, learning_rate=0.002, precision="mixed_bfloat16", wait_k=(1, 2, 3, 4, 5, 6, 7, 9, 12, 99)
        ),
        search=recipe.search,
    )


DEMO = Recipe(
    name="demo",
    data=Data(corpus="grammar", tests=("test",)),
    tokenizer=Tokenizer(size=2000),
    model=Model(
        embedding=128,
        encoder=Encoder(units=128, dropout=0.1),
        decoder=Decoder(units=256, dropout=0.1),
    ),
    training=Training(epochs=4, learning_rate=0.002, warmup_steps=200, ema=0.995),
    search=SearchOptions(max_ratio=2.0, max_extra=10),
)
"""The embedded corpus, minutes on a laptop."""

TINY = Recipe(
    name="tiny",
    data=Data(corpus="grammar", tests=("test",), max_train=400),
    tokenizer=Tokenizer(size=300),
    model=Model(embedding=16, encoder=Encoder(units=16), decoder=Decoder(units=16)),
    batching=Batching(tokens=2000, buckets=2),
    training=Training(epochs=2, warmup_steps=5),
)
"""Goes through every stage in seconds; learns nothing useful."""

TATOEBA = Recipe(
    name="tatoeba_en_es",
    data=Data(corpus="tatoeba_spa", source_language="en", target_language="es", tests=("test",)),
    tokenizer=Tokenizer(size=8000),
    training=Training(epochs=8),
)
"""118,964 short everyday sentences."""

G2P = Recipe(
    name="g2p_en",
    data=Data(
        corpus="sigmorphon_g2p",
        source_language="en",
        target_language="ipa",
        score_tokenizer="none",
        tests=("test",),
    ),
    tokenizer=Tokenizer(kind="words", source_kind="characters", joint=False),
    model=Model(
        embedding=128,
        tie="target",
        encoder=Encoder(units=256, num_layers=2),
        decoder=Decoder(units=256, num_layers=2, attention_position="between", attention_units=128),
    ),
    batching=Batching(tokens=2048),
    training=Training(epochs=20, learning_rate=0.002, warmup_steps=300, select_by="exact_match"),
)
"""The pronunciation of 33,344 English words, from letters to phones."""

CUSTOM = Recipe(name="custom", data=Data(corpus="grammar", tests=("test",)))
"""Your own files: --data.train.source and --data.train.target name them."""

_LANGUAGES = importlib.import_module("seq2seq.catalogue.multi30k").LANGUAGES

RECIPES = {
    recipe.name: recipe
    for recipe in (
        *(DEMO, TINY),
        *(_multi30k(*pair) for pair in permutations(_LANGUAGES, 2)),
        *(_multi30k_waitk(), TATOEBA, G2P, CUSTOM),
    )
}
"""The named variants."""


if __name__ == "__main__":
    start_process()
    sys.exit(run_module(RECIPES, __doc__ or ""))
