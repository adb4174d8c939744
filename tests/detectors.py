"""A detector of anomalies with weights that nobody trained: laws hold for any."""

from __future__ import annotations

import keras
import numpy as np

from recipes.anomaly import TINY
from seq2seq.inference.anomalies import AlarmSettings
from seq2seq.run.folder import save_weights
from seq2seq.series.streams import StreamCodec
from seq2seq.tasks.anomaly.folder import AnomalyRunFolder
from seq2seq.tasks.anomaly.loading import make_detector
from seq2seq.tasks.anomaly.network import build_network

HOURS = np.datetime64("2024-01-01T00:00:00") + np.arange(2000).astype("timedelta64[h]")


def make_recipe(units=TINY.model.units, **alarms):
    model = TINY.model.model_copy(update={"units": units})
    return TINY.model_copy(update={"model": model, "alarms": TINY.alarms.model_copy(update=alarms)})


def make_network(units=TINY.model.units):
    keras.utils.set_random_seed(3)
    model = build_network(make_recipe(units).model)
    random = np.random.default_rng(3)
    model.set_weights([random.normal(0, 0.8 / units**0.5, weight.shape) for weight in model.get_weights()])
    return model


def in_memory(frequency="h", threshold=1.0, gap=3, units=TINY.model.units, normal=list, **alarms):
    recipe, settings = make_recipe(units, gap=gap, **alarms), AlarmSettings(10.0, gap, threshold)
    return make_detector(make_network(units), recipe, StreamCodec(frequency=frequency), settings, normal)


def write_run(path, frequency="h", threshold=1.0, normal=None, columns=None, units=TINY.model.units):
    """Writes a run folder as a training leaves it, as far as `detect` reads it."""
    folder = AnomalyRunFolder(path)
    path.mkdir()
    folder.save_recipe(make_recipe(units))
    save_weights(make_network(units), folder.weights_file)
    codec = StreamCodec(frequency=frequency) if columns is None else StreamCodec(columns, frequency)
    codec.save(folder.codec_file)
    folder.save_alarms(AlarmSettings(10.0, 3, threshold), normal or [np.linspace(0, 2, 3000)])
    return path


def readings(size=400, seed=0, jump=300):
    """A day, noise, and a fault."""
    random = np.random.default_rng(seed)
    values = np.sin(2 * np.pi * np.arange(size) / 24) + 0.2 * random.normal(size=size)
    values[jump : jump + 5] += 6
    return values
