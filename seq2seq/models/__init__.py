"""Models: `Seq2Seq`, an encoder-decoder of parts that it is given, `LanguageModel`, `AcousticModel`, and `Ensemble`.

A `Seq2Seq` is a Keras model. Its inputs are named; the mask is given, it does not follow from the ids:

>>> import keras
>>> import numpy as np
>>> from seq2seq.layers import RNNDecoder, RNNEncoder, TokenEmbedding, VocabularyHead
>>> from seq2seq.models import Seq2Seq
>>> model = Seq2Seq(
...     source_frontend=TokenEmbedding(size=9, units=8),
...     encoder=RNNEncoder(8),
...     target_embedding=TokenEmbedding(size=9, units=8),
...     decoder=RNNDecoder(8, readout_units=8),
...     head=VocabularyHead(9),
... )
>>> source = np.array([[4, 5, 6], [7, 8, 0]], "int32")
>>> inputs = {
...     "source": source,
...     "source_mask": np.array([[True, True, True], [True, True, False]]),
...     "target_input": np.array([[2, 6, 5], [2, 8, 0]], "int32"),  # BOS and the target
... }
>>> target = np.array([[6, 5, 3], [8, 3, 0]], "int32")  # the target and EOS
>>> weights = (target > 0).astype("float32")  # 0 at padding

Stock losses and metrics of Keras, `fit`, `save` and `load_model`. The output is logits:

>>> loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
>>> model.compile("adam", loss, weighted_metrics=["sparse_categorical_accuracy"])
>>> history = model.fit(inputs, target, sample_weight=weights, epochs=2, verbose=0)
>>> sorted(history.history)
['loss', 'sparse_categorical_accuracy']
>>> import pathlib, tempfile
>>> folder = tempfile.TemporaryDirectory()
>>> path = pathlib.Path(folder.name) / "model.keras"
>>> model.save(path)
>>> restored = keras.saving.load_model(path)  # `import seq2seq.models` must come before
>>> np.allclose(restored.predict(inputs, verbose=0), model.predict(inputs, verbose=0), atol=1e-5)
True
>>> folder.cleanup()

To write a target, encode the source once and search over the model's steps:

>>> from seq2seq.search import greedy_search
>>> from seq2seq.types import Padded
>>> encoded = restored.encode(Padded(source, inputs["source_mask"]))
>>> limits = np.array([5, 5], "int32")  # at most 5 tokens each
>>> result, _ = greedy_search(restored.step(encoded), encoded.state, limits, 5)
>>> tuple(result.ids.shape)  # (batch, hypotheses, tokens)
(2, 1, 5)

A `LanguageModel` has no source. Its state is a value, so that a text can be read in parts, and gone on with:

>>> from seq2seq.models import LanguageModel
>>> language = LanguageModel(
...     TokenEmbedding(size=9, units=8), RNNDecoder(8, "lstm", attention=None), VocabularyHead(9)
... )
>>> language.compile("adam", loss, weighted_metrics=["sparse_categorical_accuracy"])
>>> history = language.fit({"target_input": target[:, :-1]}, target[:, 1:], epochs=1, verbose=0)
>>> logits, state = language.decode(target[:, :2], language.initial_state(2))
>>> result, _ = greedy_search(language.step, state, limits, 5)
>>> tuple(result.ids.shape)
(2, 1, 5)

An `AcousticModel` hears frames, and gives log-probabilities of symbols at each step, the blank first:

>>> from seq2seq.layers import CTCHead, FrameStack
>>> from seq2seq.models import AcousticModel
>>> acoustic = AcousticModel(FrameStack(features=5, units=8, stack=2), RNNEncoder(8), CTCHead(9))
>>> acoustic.build()
>>> outputs = acoustic.listen(Padded(np.zeros((1, 7, 5), "float32"), np.ones((1, 7), bool)))
>>> tuple(acoustic.log_probs(outputs).shape)  # (batch, steps, symbols)
(1, 4, 9)
"""

from seq2seq.models.acoustic import AcousticModel
from seq2seq.models.ensemble import Ensemble
from seq2seq.models.language_model import LanguageModel
from seq2seq.models.seq2seq import Seq2Seq

__all__ = ["AcousticModel", "Ensemble", "LanguageModel", "Seq2Seq"]
