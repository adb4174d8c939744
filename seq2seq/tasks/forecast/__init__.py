"""Forecasting: readings in, distributions of those that follow out; scored beside simple baselines."""

from seq2seq.extras import NUMERIC_EXPORTS
from seq2seq.tasks.forecast.recipe import Recipe as Recipe
from seq2seq.tasks.forecast.task import batch_as_text as batch_as_text
from seq2seq.tasks.forecast.task import begin_epoch as begin_epoch
from seq2seq.tasks.forecast.task import build_model as build_model
from seq2seq.tasks.forecast.task import check_same_codec as check_same_codec
from seq2seq.tasks.forecast.task import codec_files as codec_files
from seq2seq.tasks.forecast.task import example as example
from seq2seq.tasks.forecast.task import export as export
from seq2seq.tasks.forecast.task import finish as finish
from seq2seq.tasks.forecast.task import finish_average as finish_average
from seq2seq.tasks.forecast.task import learned_files as learned_files
from seq2seq.tasks.forecast.task import load as load
from seq2seq.tasks.forecast.task import objective as objective
from seq2seq.tasks.forecast.task import open_data as open_data
from seq2seq.tasks.forecast.task import prepare as prepare
from seq2seq.tasks.forecast.task import record_data as record_data
from seq2seq.tasks.forecast.task import untrained_model as untrained_model
from seq2seq.tasks.forecast.task import validator as validator

NAME = "forecast"
RECIPES = "seq2seq.recipes.forecast"
VERBS = {
    "forecast": "forecast",
    "backtest": "backtest",
    "evaluate": "evaluate_forecasts",
    "compare": "compare_forecasts",
    "average": "average",
    "doctor": "doctor",
    "export": "export",
}
"""Verbs of the command line that take such a run, and the modules of cli/ that carry them out."""
EXPORTS = NUMERIC_EXPORTS
"""Forms that `seq2seq export` writes, and the modules that each needs."""
OWN_FILES = "--data.train TABLE"
"""The options that name a user's own files."""
ENTRY = "reading"
"""What its models predict one after the other."""
LOSS = "loss a reading"
"""What the loss of an entry is measured in."""
