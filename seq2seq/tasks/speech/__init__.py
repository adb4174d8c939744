"""Speech recognition: recordings to text by connectionist temporal classification; scored by its errors."""

from seq2seq import extras
from seq2seq.tasks.speech.recipe import Recipe as Recipe
from seq2seq.tasks.speech.task import batch_as_text as batch_as_text
from seq2seq.tasks.speech.task import begin_epoch as begin_epoch
from seq2seq.tasks.speech.task import build_model as build_model
from seq2seq.tasks.speech.task import check_same_codec as check_same_codec
from seq2seq.tasks.speech.task import codec_files as codec_files
from seq2seq.tasks.speech.task import example as example
from seq2seq.tasks.speech.task import export as export
from seq2seq.tasks.speech.task import finish as finish
from seq2seq.tasks.speech.task import finish_average as finish_average
from seq2seq.tasks.speech.task import learned_files as learned_files
from seq2seq.tasks.speech.task import load as load
from seq2seq.tasks.speech.task import objective as objective
from seq2seq.tasks.speech.task import open_data as open_data
from seq2seq.tasks.speech.task import prepare as prepare
from seq2seq.tasks.speech.task import record_data as record_data
from seq2seq.tasks.speech.task import untrained_model as untrained_model
from seq2seq.tasks.speech.task import validator as validator

NAME = "speech"
RECIPES = "seq2seq.recipes.speech"
VERBS = {
    "transcribe": "transcribe",
    "evaluate": "evaluate_speech",
    "average": "average",
    "doctor": "doctor",
    "compare": "compare_speech",
    "export": "export",
}
"""Verbs of the command line that take such a run, and the modules of cli/ that carry them out."""
EXPORTS = {form: extras.EXPORTS[form] for form in ("saved_model", "litert", "onnx")}
"""Forms that `seq2seq export` writes, and the modules that each needs."""
OWN_FILES = "--data.train MANIFEST --data.validation MANIFEST"
"""The options that name a user's own files."""
ENTRY = "label"
"""What its models predict one after the other."""
LOSS = "nats a label"
"""What the loss of an entry is measured in."""
