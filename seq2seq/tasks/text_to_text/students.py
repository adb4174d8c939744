"""Students: small networks that learn from the outputs of larger ones, as recipes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from seq2seq.run.parsing import override
from seq2seq.tasks.text_to_text.recipe import Recipe

TIMES = 2
"""A student passes over so many times as many pairs as its teacher did: the text of teachers is easier, and varied."""
LEAST_EPOCHS = 3

OF_ITS_OWN = {"training.start_from": "", "training.grow_vocabulary": "0"}
"""Fields of a run that learns vocabulary and weights of its own, whatever its teacher started from."""
_SHALLOW = {"model.decoder.num_layers": "1", "model.decoder.attention_position": "after"}

STUDENTS: dict[str, dict[str, str]] = {
    "same": {},
    "small": {
        "model.embedding": "192",
        "model.encoder.units": "192",
        "model.encoder.num_layers": "2",
        "model.decoder.units": "256",
        "model.decoder.attention_units": "128",
        **_SHALLOW,
    },
    "ssru": {
        "model.embedding": "192",
        "model.encoder.units": "192",
        "model.encoder.num_layers": "2",
        "model.decoder.cell": "ssru",
        "model.decoder.units": "256",
        "model.decoder.attention_units": "128",
        **_SHALLOW,
    },
    "tiny": {
        "model.embedding": "128",
        "model.encoder.units": "128",
        "model.encoder.num_layers": "2",
        "model.decoder.cell": "ssru",
        "model.decoder.units": "192",
        "model.decoder.attention_units": "96",
        **_SHALLOW,
    },
}
"""Fields that a student changes in the recipe of its teacher: a deep encoder, which reads a source once, and a shallow
decoder, which takes most of the time (Kasai et al. 2021)."""
VOCABULARY = {"small": 4000, "ssru": 4000, "tiny": 3000}
"""Most tokens of a vocabulary of pieces: the output layer is the largest of a small network."""


def student_recipe(
    base: Recipe, student: str, added: Path, pairs: tuple[int, int], fields: Mapping[str, str]
) -> Recipe:
    """Returns the recipe of a student.

    Args:
        base: That of the teacher, whose corpus it keeps.
        student: A name in `STUDENTS`.
        added: The pairs that teachers wrote.
        pairs: How many pairs the corpus has, and how many are added.
        fields: Of the command line, which come last.

    Raises:
        RecipeError: fields that are unknown, wrong or contradict each other.
    """
    true, synthetic = pairs
    epochs = round(TIMES * base.training.epochs * true / (true + synthetic))
    changes = dict(STUDENTS[student])
    if not base.tokenizer.model and base.tokenizer.kind in ("unigram", "bpe") and student in VOCABULARY:
        changes["tokenizer.size"] = str(min(base.tokenizer.size, VOCABULARY[student]))
    changes |= {
        "name": f"{base.name}_{student}",
        "data.added.source": str(added),
        **OF_ITS_OWN,
        "training.epochs": str(max(LEAST_EPOCHS, epochs)),
        "search.beam_size": "1",
        "search.mbr": "0",
        "exports": "litert",
    }
    return override(base, changes | dict(fields))
