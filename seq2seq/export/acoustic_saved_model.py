"""A SavedModel of a recogniser: samples in and text out, with front end, network and labels in one graph.

Loaded by `tf.saved_model.load` or TensorFlow Serving; with SentencePiece tensorflow-text's operations must be
registered. A SavedModel is a program: load only those you trust.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from seq2seq.audio.features import FLOOR, FULL_SCALE, PREEMPHASIS
from seq2seq.audio.frontend import Frontend
from seq2seq.export.graphs import check_backend, largest, traced, traced_once, write_version
from seq2seq.inference.recognition import Recognizer
from seq2seq.search.ctc import BLANK
from seq2seq.text.vocabulary import Vocabulary
from seq2seq.types import Padded

_SOUND = (tf.TensorSpec((None, None), tf.float32, "waveform"), tf.TensorSpec((None,), tf.int32, "lengths"))


class GraphFrontend:
    """The front end in operations of TensorFlow; agrees with `audio.frontend.Frontend`, but not to the bit."""

    def __init__(self, frontend: Frontend):
        self._mels, self._normalizer = frontend.mels, frontend.normalizer

    def __call__(self, samples: Any, lengths: Any) -> Padded:
        """`(batch, width)` samples, of which `lengths (batch,)` count -> frames `(batch, time, mels)`.

        Frames that hold samples of the padding are none. There is one frame at least, real or not.
        """
        mels = self._mels
        size, hop = mels.window_samples, mels.hop_samples
        counts = tf.maximum(0, 1 + tf.math.floordiv(lengths - size, hop))
        most = tf.maximum(1, largest(counts))
        width = size + (most - 1) * hop
        samples = samples[:, :width]
        samples = tf.pad(samples, [[0, 0], [0, width - tf.shape(samples)[1]]])
        windows = tf.signal.frame(samples * FULL_SCALE, size, hop)
        windows -= tf.reduce_mean(windows, axis=2, keepdims=True)
        before = tf.concat([windows[:, :, :1], windows[:, :, :-1]], axis=2)
        spectrum = tf.signal.rfft((windows - PREEMPHASIS * before) * mels.taper, [mels.fft_size])[:, :, :-1]
        power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
        frames = tf.math.log(tf.maximum(tf.matmul(power, mels.filters), FLOOR))
        mean, scale = (tf.constant(values, tf.float32) for values in (self._normalizer.mean, self._normalizer.scale))
        return Padded((frames - mean) / scale, tf.range(most)[tf.newaxis] < counts[:, tf.newaxis])


class IdsService(tf.Module):
    """Samples to ids of labels; needs TensorFlow's own operations alone.

    log_probs   `waveform (batch, width)`, `lengths (batch,)` -> `log_probs (batch, t, size)`, `lengths (batch,)`, steps
    ids         as log_probs -> `ids (batch, n)`, then PAD; `lengths (batch,)`; `log_probability (batch,)`, of the path

    The likeliest symbol of each step is taken; repeats and blanks are dropped.
    """

    def __init__(self, recognizer: Recognizer):
        super().__init__(name="recognizer")
        # The network stays behind the recogniser, where TensorFlow does not look: it would save the variables twice.
        self._recognizer = recognizer
        frontend: Any = recognizer.frontend
        self._frontend = GraphFrontend(frontend)
        network: Any = recognizer.network
        self.weights = [variable.value for variable in network.model.hearing_variables]
        self._hear = traced_once(self._trace_hearing, *_SOUND)
        self.log_probs = traced(self._log_probs, *_SOUND)
        self.ids = traced(self._ids, *_SOUND)

    def signatures(self) -> dict[str, Any]:
        """By the names that a client calls."""
        return {"serving_default": self.ids, "ids": self.ids, "log_probs": self.log_probs}

    def _trace_hearing(self, waveform: Any, lengths: Any) -> tuple[Any, Any]:
        """Returns log-probabilities `(batch, t, size)` and how many steps of each row are real."""
        network: Any = self._recognizer.network
        waveform, lengths = _checked(waveform, lengths)
        source = self._frontend(waveform, lengths)
        # A row must have a frame.
        begun = source.mask | (tf.range(tf.shape(source.mask)[1]) == 0)[tf.newaxis]
        outputs = network.model.listen(Padded(source.values, begun), training=False)
        some = tf.cast(source.mask[:, 0], tf.int32)
        return network.model.log_probs(outputs), some * tf.reduce_sum(tf.cast(outputs.mask, tf.int32), axis=1)

    def _log_probs(self, waveform: Any, lengths: Any) -> dict[str, Any]:
        log_probs, steps = self._hear(waveform, lengths)
        return {"log_probs": log_probs, "lengths": steps}

    def _best_path(self, waveform: Any, lengths: Any) -> tuple[Any, Any]:
        """Returns ids `(batch, None)`, ragged, and the log-probability of each path."""
        log_probs, steps = self._hear(waveform, lengths)
        real = tf.range(tf.shape(log_probs)[1])[tf.newaxis] < steps[:, tf.newaxis]
        path = tf.argmax(log_probs, axis=2, output_type=tf.int32)
        before = tf.pad(path[:, :-1], [[0, 0], [1, 0]], constant_values=BLANK)
        ids = tf.ragged.boolean_mask(path, real & (path != BLANK) & (path != before))
        return ids, tf.reduce_sum(tf.where(real, tf.reduce_max(log_probs, axis=2), 0.0), axis=1)

    def _ids(self, waveform: Any, lengths: Any) -> dict[str, Any]:
        ids, log_probs = self._best_path(waveform, lengths)
        counts = tf.cast(ids.row_lengths(), tf.int32)
        return {"ids": ids.to_tensor(BLANK), "lengths": counts, "log_probability": log_probs}


class TextService(IdsService):
    """Samples to text; SentencePiece by tensorflow-text's operations, words and characters by TensorFlow's.

    transcribe  as log_probs -> `text (batch,)`, words with one blank between them; `log_probability (batch,)`
    """

    def __init__(self, recognizer: Recognizer):
        super().__init__(recognizer)
        codec: Any = recognizer.codec
        if isinstance(codec, Vocabulary):
            from seq2seq.text.vocabulary_in_graph import GraphVocabulary

            self._codec: Any = GraphVocabulary(codec)
        else:
            from seq2seq.text.in_graph import GraphTokenizer

            self._codec = GraphTokenizer(codec.model)
        self.transcribe = traced(self._transcribe, *_SOUND)

    def signatures(self) -> dict[str, Any]:
        """By the names that a client calls."""
        text = {"serving_default": self.transcribe, "transcribe": self.transcribe}
        return super().signatures() | text

    def _transcribe(self, waveform: Any, lengths: Any) -> dict[str, Any]:
        ids, log_probs = self._best_path(waveform, lengths)
        text = tf.strings.strip(tf.strings.regex_replace(self._codec.decode(ids), r"\s+", " "))
        return {"text": text, "log_probability": log_probs}


def export_acoustic_saved_model(recognizer: Recognizer, folder: Path, ids_only: bool = False) -> Path:
    """Writes the next version, `folder/1`, `folder/2`, …, whole or not at all.

    Args:
        recognizer: What to export, with a network in memory; its beam is not: the graph takes the best path.
        folder: Made if missing.
        ids_only: Leave out the text, and with it all that may need tensorflow-text.

    Returns:
        The folder of the version.
    """
    check_backend()
    return write_version(IdsService(recognizer) if ids_only else TextService(recognizer), folder)


def _checked(waveform: Any, lengths: Any) -> tuple[Any, Any]:
    """Refuses lengths that cannot be, and names the first row with samples that are not numbers, counted from 0."""
    finite = tf.reduce_all(tf.math.is_finite(waveform), axis=1)
    checks = [
        tf.debugging.assert_less_equal(
            largest(lengths), tf.shape(waveform)[1], "A length is larger than the width of the waveform."
        ),
        tf.debugging.assert_non_negative(lengths, "A length is negative."),
        tf.debugging.Assert(
            tf.reduce_all(finite),
            ["The waveform at this place of the batch", "holds NaN or infinity", tf.reduce_min(tf.where(~finite))],
        ),
    ]
    with tf.control_dependencies(checks):
        return tf.identity(waveform), tf.identity(lengths)
