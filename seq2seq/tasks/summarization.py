"""Summarisation: text to a shorter text in the same language, scored by ROUGE."""

from seq2seq.evaluation.measures import SUMMARIES
from seq2seq.tasks.text_to_text.kind import TextKind
from seq2seq.tasks.text_to_text.recipe import Recipe as Recipe
from seq2seq.tasks.text_to_text.task import EXPORTS as EXPORTS
from seq2seq.tasks.text_to_text.task import VERBS as VERBS

NAME = "summarization"
RECIPES = "seq2seq.recipes.summarization"
EXAMPLE = 'echo "…" | seq2seq summarize {run}'
KIND = TextKind(
    measures=SUMMARIES,
    selection_score="rouge",
    verb="summarize",
    summary="Summarises {source} text",
    one_language=True,
    keeps_placeholders=False,
)
