"""Compression: a sentence to those of its words that are kept, scored by ROUGE and by the words kept."""

from seq2seq.evaluation.measures import COMPRESSION
from seq2seq.tasks.text_to_text.kind import TextKind
from seq2seq.tasks.text_to_text.recipe import Recipe as Recipe
from seq2seq.tasks.text_to_text.task import EXPORTS as EXPORTS
from seq2seq.tasks.text_to_text.task import VERBS as VERBS

NAME = "compression"
RECIPES = "seq2seq.recipes.summarization"
EXAMPLE = 'echo "…" | seq2seq summarize {run}'
KIND = TextKind(
    measures=COMPRESSION,
    selection_score="rouge",
    verb="summarize",
    summary="Summarises {source} text",
    one_language=True,
    keeps_placeholders=False,
)
