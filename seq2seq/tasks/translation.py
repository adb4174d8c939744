"""Translation: text in one language to text in another, scored by BLEU, chrF and TER."""

from seq2seq.evaluation.measures import TRANSLATION
from seq2seq.tasks.text_to_text.kind import TextKind
from seq2seq.tasks.text_to_text.recipe import Recipe as Recipe
from seq2seq.tasks.text_to_text.task import EXPORTS as EXPORTS
from seq2seq.tasks.text_to_text.task import OWN_FILES as OWN_FILES
from seq2seq.tasks.text_to_text.task import VERBS as VERBS
from seq2seq.tasks.text_to_text.task import batch_as_text as batch_as_text
from seq2seq.tasks.text_to_text.task import begin_epoch as begin_epoch
from seq2seq.tasks.text_to_text.task import build_model as build_model
from seq2seq.tasks.text_to_text.task import check_same_codec as check_same_codec
from seq2seq.tasks.text_to_text.task import codec_files as codec_files
from seq2seq.tasks.text_to_text.task import export as export
from seq2seq.tasks.text_to_text.task import finish as finish
from seq2seq.tasks.text_to_text.task import finish_average as finish_average
from seq2seq.tasks.text_to_text.task import learned_files as learned_files
from seq2seq.tasks.text_to_text.task import load as load
from seq2seq.tasks.text_to_text.task import objective as objective
from seq2seq.tasks.text_to_text.task import open_data as open_data
from seq2seq.tasks.text_to_text.task import prepare as prepare
from seq2seq.tasks.text_to_text.task import record_data as record_data
from seq2seq.tasks.text_to_text.task import untrained_model as untrained_model
from seq2seq.tasks.text_to_text.task import validator as validator

NAME = "translation"
RECIPES = "seq2seq.recipes.translation"
ENTRY = "token"
LOSS = "nats a token"
KIND = TextKind(
    measures=TRANSLATION,
    selection_score="bleu",
    verb="translate",
    summary="Translates {source} to {target}",
    one_language=False,
    keeps_placeholders=True,
)


def example(recipe: Recipe) -> str:
    """Returns a command that tries out a run, with {run} for its folder."""
    return 'echo "…" | seq2seq translate {run}'
