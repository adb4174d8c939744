"""A SavedModel of a recogniser hears what the model in memory hears."""

from __future__ import annotations

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq.audio.features import LogMels, Normalizer
from seq2seq.audio.frontend import Frontend
from seq2seq.inference.recognition import plain_search
from seq2seq.search.ctc import best_path
from seq2seq.text.vocabulary import Vocabulary
from tests.recognizers import RATE, make_recognizer, sound, write_run

if keras.backend.backend() != "tensorflow":
    pytest.skip("a SavedModel is made by TensorFlow", allow_module_level=True)

from seq2seq.export.acoustic import export_acoustic
from seq2seq.export.acoustic_saved_model import GraphFrontend, export_acoustic_saved_model

CLIENT = """
import json, sys
import numpy as np
import tensorflow as tf
sound = np.load(sys.argv[2])
found = tf.saved_model.load(sys.argv[1]).signatures["serving_default"](
    waveform=tf.constant(sound[None]), lengths=tf.constant([len(sound)])
)
assert not {"seq2seq", "tensorflow_text"} & set(sys.modules)
print(json.dumps([text.decode() for text in found["text"].numpy()]))
"""
LENGTHS = (8000, 0, 100, 199, 200, 4321, 7999)
"""Samples: none, less than a window, just a window, more."""


def batch(lengths=LENGTHS):
    """Padded with what is not zero."""
    samples = np.full((len(lengths), max(lengths)), 0.7, np.float32)
    for row, length in enumerate(lengths):
        samples[row, :length] = sound(2.0, row)[:length]
    return samples, np.asarray(lengths, np.int32)


@pytest.fixture(scope="module")
def pairs(tokenizers, tmp_path_factory):
    """Recognisers, and the signatures of their exports: characters, words, SentencePiece."""
    words = Vocabulary(["low", "mid", "high"], "words")
    made = {
        "characters": make_recognizer(lookahead=2),
        "words": make_recognizer(words, bidirectional=True, cell="lstm", stack=3, attention_weight=0.3),
        "unigram": make_recognizer(tokenizers["unigram", False]),
    }
    folder = tmp_path_factory.mktemp("exported")
    return {
        name: (each, tf.saved_model.load(str(export_acoustic_saved_model(each, folder / name))).signatures)
        for name, each in made.items()
    }


@pytest.mark.parametrize("rate", [8000, 16000, 11025])
def test_the_front_end_gives_the_frames_of_numpys(rate):
    """Within 0.002 of a natural logarithm, of tones in noise."""
    mels = LogMels(rate, 20)
    frontend = Frontend(mels, Normalizer((1.0,) * 20, (2.0,) * 20))
    samples, lengths = batch((3000, 0, mels.window_samples - 1, mels.window_samples, 1234))
    found = GraphFrontend(frontend)(tf.constant(samples), tf.constant(lengths))
    for row, length in enumerate(lengths):
        expected = frontend.frames(samples[row, :length])
        assert int(found.mask[row].numpy().sum()) == len(expected)
        np.testing.assert_allclose(found.values[row, : len(expected)], expected, atol=1e-3)
    silence = GraphFrontend(frontend)(tf.zeros((1, 1000)), tf.constant([1000])).values[0]
    np.testing.assert_allclose(silence, frontend.frames(np.zeros(1000, np.float32)), atol=1e-5)


@pytest.mark.parametrize("name", ["characters", "words", "unigram"])
def test_what_is_heard_is_the_best_path_in_memory(name, pairs):
    recognizer, signatures = pairs[name]
    samples, lengths = batch()
    given = {"waveform": tf.constant(samples), "lengths": tf.constant(lengths)}
    texts, ids, log_probs = (signatures[part](**given) for part in ("transcribe", "ids", "log_probs"))
    frames = [recognizer.frontend.frames(row[:length]) for row, length in zip(samples, lengths, strict=True)]
    some = []
    for row, part in enumerate(frames):
        (expected,) = recognizer.network.log_probs([part])
        steps = int(log_probs["lengths"][row])
        assert steps == len(expected)
        np.testing.assert_allclose(log_probs["log_probs"][row, :steps], expected, atol=5e-3)
        path = best_path(expected)
        assert tuple(ids["ids"][row, : int(ids["lengths"][row])].numpy()) == path.ids
        assert not ids["ids"][row, int(ids["lengths"][row]) :].numpy().any()
        text = " ".join(recognizer.codec.decode([path.ids])[0].split())
        assert texts["text"][row].numpy().decode() == text
        assert float(texts["log_probability"][row]) == pytest.approx(path.log_probability, abs=0.05)
        some.append(bool(text))
    assert some[0]
    assert not any(some[1:4])


def test_a_row_is_heard_the_same_alone_and_beside_others_and_none_is_no_fault(pairs):
    _, signatures = pairs["words"]
    samples, lengths = batch()
    together = signatures["transcribe"](waveform=tf.constant(samples), lengths=tf.constant(lengths))["text"].numpy()
    for row, length in enumerate(lengths):
        alone = signatures["transcribe"](
            waveform=tf.constant(samples[row : row + 1, :length]), lengths=tf.constant([length])
        )
        assert alone["text"].numpy().tolist() == [together[row]]
    none = signatures["transcribe"](waveform=tf.zeros((0, 100)), lengths=tf.zeros((0,), tf.int32))
    assert none["text"].shape == (0,)


@pytest.mark.parametrize(
    ("samples", "lengths", "message"),
    [
        ([[0.0] * 9], [10], "A length is larger than the width"),
        ([[0.0] * 9], [-1], "A length is negative"),
        ([[0.0], [np.nan]], [1, 1], r"(?s)at this place of the batch.*NaN or infinity.*1"),
    ],
)
def test_what_is_no_sound_is_refused(samples, lengths, message, pairs):
    _, signatures = pairs["words"]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        signatures["transcribe"](waveform=tf.constant(samples, tf.float32), lengths=tf.constant(lengths))


def test_the_command_writes_what_needs_tensorflow_alone(tmp_path, cli):
    run = write_run(tmp_path / "run", bidirectional=True)
    for version in (1, 2):
        assert cli("export", run, "--format", "saved_model")[:2] == (0, f"{run}/export/saved_model/{version}\n")
    np.save(tmp_path / "sound.npy", sound(1.0))
    words = [sys.executable, "-c", CLIENT, run / "export/saved_model/2", tmp_path / "sound.npy"]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    recognizer = make_recognizer(bidirectional=True)
    recognizer.beam = plain_search(recognizer.codec, 1)
    assert json.loads(done.stdout)[0].split() == recognizer.transcribe(sound(1.0), RATE).text.split() != []


def test_a_decoder_of_labels_stays_in_the_run(tmp_path, caplog):
    shapes = []
    for weight in (0.0, 0.3):
        path = export_acoustic_saved_model(make_recognizer(attention_weight=weight), tmp_path / str(weight))
        shapes.append(sorted(shape for _, shape in tf.train.list_variables(str(path / "variables" / "variables"))))
    assert shapes[0] == shapes[1]
    with caplog.at_level("INFO"):
        export_acoustic("saved_model", make_recognizer(attention_weight=0.3), tmp_path / "named")
    assert "stays in the run: the export transcribes by CTC alone" in caplog.text


def test_ids_alone_need_no_tokeniser(tokenizers, tmp_path):
    path = export_acoustic_saved_model(make_recognizer(tokenizers["unigram", False]), tmp_path / "it", ids_only=True)
    assert set(tf.saved_model.load(str(path)).signatures) == {"serving_default", "ids", "log_probs"}
