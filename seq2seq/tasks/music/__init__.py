"""Music: how likely a piece is, and what would be composed; scored by the negative log-likelihood of a frame."""

from seq2seq.tasks.music.recipe import Recipe as Recipe
from seq2seq.tasks.music.task import batch_as_text as batch_as_text
from seq2seq.tasks.music.task import begin_epoch as begin_epoch
from seq2seq.tasks.music.task import build_model as build_model
from seq2seq.tasks.music.task import check_same_codec as check_same_codec
from seq2seq.tasks.music.task import codec_files as codec_files
from seq2seq.tasks.music.task import example as example
from seq2seq.tasks.music.task import export as export
from seq2seq.tasks.music.task import finish as finish
from seq2seq.tasks.music.task import finish_average as finish_average
from seq2seq.tasks.music.task import learned_files as learned_files
from seq2seq.tasks.music.task import load as load
from seq2seq.tasks.music.task import objective as objective
from seq2seq.tasks.music.task import open_data as open_data
from seq2seq.tasks.music.task import prepare as prepare
from seq2seq.tasks.music.task import record_data as record_data
from seq2seq.tasks.music.task import untrained_model as untrained_model
from seq2seq.tasks.music.task import validator as validator

NAME = "music"
RECIPES = "seq2seq.recipes.music"
VERBS = {
    "compose": "compose",
    "evaluate": "evaluate_music",
    "average": "average",
}
"""Verbs of the command line that take such a run, and the modules of cli/ that carry them out."""
EXPORTS: dict[str, tuple[str, ...]] = {}
"""Forms that `seq2seq export` writes, and the modules that each needs: none yet."""
OWN_FILES = "--data.train FOLDER"
"""The options that name a user's own files."""
ENTRY = "token"
"""What its models predict one after the other."""
LOSS = "nats a token"
"""What the loss of an entry is measured in."""
