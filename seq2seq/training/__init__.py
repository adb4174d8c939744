"""Training: objectives with a memory-saving loss, an optimizer that averages weights, schedules, checkpoints.

Everything works with Keras' own `compile` and `fit`; see `seq2seq.models` for the same with stock losses. `Objective`
computes the loss of a model's head without making all logits at once, and adds further terms, such as one that keeps
activations small:

>>> import keras
>>> import numpy as np
>>> from seq2seq.layers import RNNDecoder, RNNEncoder, TokenEmbedding, VocabularyHead
>>> from seq2seq.models import Seq2Seq
>>> from seq2seq.training import ActivationLoss, AveragingAdam, Objective
>>> from seq2seq.training import StreamObjective, WarmUpDecay, averaged_weights
>>> table = TokenEmbedding(size=9, units=8)
>>> decoder = RNNDecoder(8, readout_units=8)
>>> model = Seq2Seq(table, RNNEncoder(8), table, decoder, VocabularyHead(9, embedding=table))
>>> objective = Objective(model, [ActivationLoss(0.5)], {"label_smoothing": 0.1})
>>> rate = WarmUpDecay("cosine", peak=0.01, warmup_steps=2, total_steps=10)
>>> objective.compile(AveragingAdam(rate, use_ema=True, ema_momentum=0.9))
>>> ids = np.array([[4, 5, 6], [7, 8, 0]], "int32")
>>> inputs = {
...     "source": ids,
...     "source_mask": ids > 0,
...     "target_input": np.array([[2, 6, 5], [2, 8, 0]], "int32"),
... }
>>> target = np.array([[6, 5, 3], [8, 3, 0]], "int32")
>>> history = objective.fit(inputs, target, sample_weight=(target > 0).astype("float32"), epochs=2, verbose=0)
>>> sorted(history.history)
['loss', 'nll']

The weights that training goes on with and their moving average are kept apart:

>>> with averaged_weights(objective):
...     logits = model.predict(inputs, verbose=0)
>>> logits.shape
(2, 3, 9)

A `StreamObjective` trains a `LanguageModel` on one long text, cut into rows that go on from batch to batch:

>>> from seq2seq.models import LanguageModel
>>> from seq2seq.pipeline.stream import StreamPlan
>>> language = LanguageModel(TokenEmbedding(9, 8), RNNDecoder(8, "lstm", attention=None), VocabularyHead(9))
>>> stream = StreamObjective(language, rows=4)
>>> stream.compile("adam")
>>> for batch in StreamPlan(np.arange(120) % 9, rows=4, length=10, seed=1):
...     losses = stream.train_on_batch(batch.inputs(), batch.target_output, batch.weights, return_dict=True)
>>> sorted(losses)
['loss', 'nll']
"""

from typing import TYPE_CHECKING

from seq2seq.lazy import lazy_names

if TYPE_CHECKING:
    from seq2seq.training.auxiliary import ActivationLoss as ActivationLoss
    from seq2seq.training.auxiliary import AlignmentLoss as AlignmentLoss
    from seq2seq.training.auxiliary import CoverageLoss as CoverageLoss
    from seq2seq.training.auxiliary import SelectorLoss as SelectorLoss
    from seq2seq.training.auxiliary import SlownessLoss as SlownessLoss
    from seq2seq.training.checkpoint import load_checkpoint as load_checkpoint
    from seq2seq.training.checkpoint import save_checkpoint as save_checkpoint
    from seq2seq.training.objective import Objective as Objective
    from seq2seq.training.optimizers import AveragingAdam as AveragingAdam
    from seq2seq.training.optimizers import AveragingSGD as AveragingSGD
    from seq2seq.training.optimizers import averaged_weights as averaged_weights
    from seq2seq.training.schedules import WarmUpDecay as WarmUpDecay
    from seq2seq.training.stream import SequenceObjective as SequenceObjective
    from seq2seq.training.stream import StreamObjective as StreamObjective

__all__ = [
    "ActivationLoss",
    "AlignmentLoss",
    "AveragingAdam",
    "AveragingSGD",
    "CoverageLoss",
    "Objective",
    "SelectorLoss",
    "SequenceObjective",
    "SlownessLoss",
    "StreamObjective",
    "WarmUpDecay",
    "averaged_weights",
    "load_checkpoint",
    "save_checkpoint",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "auxiliary": ["ActivationLoss", "AlignmentLoss", "CoverageLoss", "SelectorLoss", "SlownessLoss"],
        "checkpoint": ["load_checkpoint", "save_checkpoint"],
        "objective": ["Objective"],
        "optimizers": ["AveragingAdam", "AveragingSGD", "averaged_weights"],
        "schedules": ["WarmUpDecay"],
        "stream": ["SequenceObjective", "StreamObjective"],
    },
)
