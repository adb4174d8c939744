"""Translation: text in one language to text in another, scored by BLEU, chrF and TER."""

from seq2seq.evaluation.measures import TRANSLATION
from seq2seq.tasks.text_to_text.kind import TextKind
from seq2seq.tasks.text_to_text.recipe import Recipe as Recipe
from seq2seq.tasks.text_to_text.task import EXPORTS as EXPORTS
from seq2seq.tasks.text_to_text.task import VERBS as VERBS

NAME = "translation"
RECIPES = "seq2seq.recipes.translation"
EXAMPLE = 'echo "…" | seq2seq translate {run}'
KIND = TextKind(
    measures=TRANSLATION,
    selection_score="bleu",
    verb="translate",
    summary="Translates {source} to {target}",
    one_language=False,
    keeps_placeholders=True,
)
