"""Language models: how likely a text is, what comes next, and what would be written; scored by perplexity."""

from seq2seq import extras
from seq2seq.tasks.language_model.recipe import Recipe as Recipe
from seq2seq.tasks.language_model.task import batch_as_text as batch_as_text
from seq2seq.tasks.language_model.task import begin_epoch as begin_epoch
from seq2seq.tasks.language_model.task import build_model as build_model
from seq2seq.tasks.language_model.task import check_same_codec as check_same_codec
from seq2seq.tasks.language_model.task import codec_files as codec_files
from seq2seq.tasks.language_model.task import example as example
from seq2seq.tasks.language_model.task import export as export
from seq2seq.tasks.language_model.task import finish as finish
from seq2seq.tasks.language_model.task import finish_average as finish_average
from seq2seq.tasks.language_model.task import learned_files as learned_files
from seq2seq.tasks.language_model.task import load as load
from seq2seq.tasks.language_model.task import objective as objective
from seq2seq.tasks.language_model.task import open_data as open_data
from seq2seq.tasks.language_model.task import prepare as prepare
from seq2seq.tasks.language_model.task import record_data as record_data
from seq2seq.tasks.language_model.task import untrained_model as untrained_model
from seq2seq.tasks.language_model.task import validator as validator

NAME = "language_model"
RECIPES = "seq2seq.recipes.language_model"
VERBS = {
    "next": "next",
    "sample": "sample",
    "score": "score_text",
    "evaluate": "evaluate_text",
    "rerank": "rerank",
    "average": "average",
    "export": "export",
}
"""Verbs of the command line that take such a run, and the modules of cli/ that carry them out."""
EXPORTS = extras.EXPORTS
"""Forms that `seq2seq export` writes, and the modules that each needs."""
OWN_FILES = "--data.train FILE"
"""The options that name a user's own files."""
ENTRY = "token"
"""What its models predict one after the other."""
LOSS = "nats a token"
"""What the loss of an entry is measured in."""
