"""Other software for `training.py`: the same network, trained on the same batches.

torch      Written by hand in PyTorch: cuDNN-style layers for the encoder, a loop over GRUCell for the decoder.
           pip install torch==2.13.0
keras      Written by hand in stock Keras: its GRU layers and a loss over whole logits, with `AdditiveAttention` after
           the decoder, as in TensorFlow's translation tutorial; a little cheaper, as its attention is not recurrent.
opennmt    OpenNMT-tf: its own model, loss and training step.  Its last release needs TensorFlow 2.13, and so its own
           environment: pip install OpenNMT-tf==2.32.0 tensorflow==2.13.1, and then --python opennmt=…/bin/python
"""

from __future__ import annotations

import importlib.util
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.symbols import PAD
from seq2seq.types import Batch

SIZES = {"embedding": 256, "encoder": 256, "decoder": 512, "readout": 512, "attention": 512, "vocabulary": 8000}
BFLOAT16 = " in bfloat16"
PEERS = {"torch": "torch", "keras": "keras", "opennmt": "opennmt"}
PEERS |= {f"{name}{BFLOAT16}": PEERS[name] for name in ("torch", "keras")}
"""The peers, and the module that each needs. Those in bfloat16 use what their makers offer for it: autocast on the CPU,
and the policy mixed_bfloat16."""


class Steps(ABC):
    """A model that is trained a batch at a time."""

    @abstractmethod
    def train(self, batch: Batch) -> None:
        """Takes one step."""

    @abstractmethod
    def validate(self, batch: Batch) -> tuple[float, float]:
        """Returns the summed negative log-likelihood and the number of target tokens."""


def ids_of(batch: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns source, decoder input and expected output, padded with PAD."""
    return batch.source.values, batch.target_input, batch.target_output


def is_installed(name: str) -> bool:
    """Whether the peer can be measured by this interpreter."""
    return importlib.util.find_spec(PEERS[name]) is not None


def load(name: str) -> Steps:
    """Returns a new model of the peer, which uses all cores of the process."""
    if PEERS[name] == "opennmt":
        return _opennmt()
    return {"torch": _torch, "keras": _keras}[PEERS[name]](name.endswith(BFLOAT16))


def _torch(bfloat16: bool) -> Steps:
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.manual_seed(1)
    e, h, d, r, a, v = SIZES.values()

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.source, self.target = nn.Embedding(v, e), nn.Embedding(v, e)
            self.encoder = nn.GRU(e, h, bidirectional=True, batch_first=True)
            self.bridge, self.keys, self.query = nn.Linear(2 * h, d), nn.Linear(2 * h, a), nn.Linear(d, a, bias=False)
            self.weigh, self.cell = nn.Linear(a, 1, bias=False), nn.GRUCell(e + 2 * h, d)
            self.readout, self.output, self.drop = nn.Linear(d + 2 * h + e, r), nn.Linear(r, v), nn.Dropout(0.3)

        def forward(self, source: Any, target: Any) -> Any:
            mask = source != PAD
            packed = nn.utils.rnn.pack_padded_sequence(
                self.drop(self.source(source)), mask.sum(1), batch_first=True, enforce_sorted=False
            )
            outputs, last = self.encoder(packed)
            values, _ = nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True, total_length=source.shape[1])
            values = self.drop(values)
            keys, state = self.keys(values), torch.tanh(self.bridge(torch.cat([last[0], last[1]], 1)))
            given, states, contexts = self.drop(self.target(target)), [], []
            for t in range(target.shape[1]):
                scores = self.weigh(torch.tanh(self.query(state)[:, None] + keys))[..., 0].masked_fill(~mask, -1e9)
                context = torch.bmm(scores.softmax(1)[:, None], values)[:, 0]
                state = self.cell(torch.cat([given[:, t], context], 1), state)
                states.append(state)
                contexts.append(context)
            features = torch.cat([torch.stack(states, 1), torch.stack(contexts, 1), given], 2)
            return self.output(self.drop(torch.tanh(self.readout(features))))

    network = Network()
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)

    class TorchSteps(Steps):
        def loss(self, batch: Batch, **options: Any) -> Any:
            source, given, expected = (torch.from_numpy(ids.astype(np.int64)) for ids in ids_of(batch))
            with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                logits = network(source, given)
            return F.cross_entropy(logits.float().flatten(0, 1), expected.flatten(), ignore_index=PAD, **options)

        def train(self, batch: Batch) -> None:
            network.train()
            optimizer.zero_grad(set_to_none=True)
            self.loss(batch, label_smoothing=0.1).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()

        @torch.inference_mode()
        def validate(self, batch: Batch) -> tuple[float, float]:
            network.eval()
            return float(self.loss(batch, reduction="sum")), float(batch.weights.sum())

    return TorchSteps()


def _keras(bfloat16: bool) -> Steps:
    import keras
    from keras import layers, ops

    keras.config.set_dtype_policy("mixed_bfloat16" if bfloat16 else "float32")
    keras.utils.set_random_seed(1)
    e, h, d, r, a, v = SIZES.values()
    source, target = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    read = layers.Dropout(0.3)(layers.Embedding(v, e, mask_zero=True)(source))
    values, *last = layers.Bidirectional(layers.GRU(h, return_sequences=True, return_state=True))(read)
    values = layers.Dropout(0.3)(values)
    state = layers.Dense(d, "tanh")(layers.Concatenate()(last))
    given = layers.Dropout(0.3)(layers.Embedding(v, e)(target))
    states = layers.GRU(d, return_sequences=True)(given, initial_state=state)
    mask = layers.Lambda(lambda ids: ops.not_equal(ids, PAD), output_shape=(None,))(source)
    keys, queries = layers.Dense(a)(values), layers.Dense(a, use_bias=False)(states)
    context = layers.AdditiveAttention()([queries, values, keys], mask=[None, mask])
    features = layers.Dense(r, "tanh")(layers.Concatenate()([states, context, given]))
    model = keras.Model(
        [source, target], layers.Dense(v)(layers.Dropout(0.3)(features))
    )  # logits in the policy's dtype

    def smoothed(y: Any, logits: Any) -> Any:
        logits = ops.cast(logits, "float32")
        plain = keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True)
        return 0.9 * plain - 0.1 * ops.mean(ops.log_softmax(logits), axis=-1)

    model.compile(keras.optimizers.Adam(1e-3, global_clipnorm=1.0), smoothed, jit_compile=False)

    class KerasSteps(Steps):
        def train(self, batch: Batch) -> None:
            model.train_on_batch([batch.source.values, batch.target_input], batch.target_output, batch.weights)

        def validate(self, batch: Batch) -> tuple[float, float]:
            logits = model.predict_on_batch([batch.source.values, batch.target_input]).astype(np.float32)
            log_probs = np.take_along_axis(logits, batch.target_output[..., None], 2)[..., 0]
            top = logits.max(-1)
            log_probs -= top + np.log(np.exp(logits - top[..., None]).sum(-1))
            return float(-(log_probs * batch.weights).sum()), float(batch.weights.sum())

    return KerasSteps()


def _opennmt() -> Steps:
    import opennmt
    import tensorflow as tf
    import tensorflow_addons as tfa

    tf.random.set_seed(1)
    e, h, d, _, _, v = SIZES.values()
    gru = tf.keras.layers.GRUCell
    model = opennmt.models.SequenceToSequence(
        opennmt.inputters.WordEmbedder(embedding_size=e),
        opennmt.inputters.WordEmbedder(embedding_size=e),
        opennmt.encoders.RNNEncoder(
            1, h, bidirectional=True, dropout=0.3, reducer=opennmt.layers.ConcatReducer(), cell_class=gru
        ),
        opennmt.decoders.AttentionalRNNDecoder(
            *(1, d, opennmt.layers.CopyBridge),
            attention_mechanism_class=tfa.seq2seq.BahdanauAttention,
            cell_class=gru,
            dropout=0.3,
        ),
    )
    with tempfile.TemporaryDirectory() as temporary:
        # It reads ids; the file only gives the size of the vocabulary, plus one for unknown words.
        words = Path(temporary) / "words"
        words.write_text("\n".join(["<blank>", "<s>", "</s>", *(f"w{i}" for i in range(v - 4))]) + "\n", "utf-8")
        model.initialize(
            {"source_vocabulary": str(words), "target_vocabulary": str(words)}, params={"label_smoothing": 0.1}
        )
    optimizer = tf.keras.optimizers.legacy.Adam(1e-3)
    ids = tf.TensorSpec((None, None), tf.int64)

    def arrange(source: Any, given: Any, expected: Any) -> tuple[Any, Any]:
        lengths = (tf.reduce_sum(tf.cast(side != PAD, tf.int32), 1) for side in (source, expected))
        source_length, target_length = lengths
        return {"ids": source, "length": source_length}, {"ids": given, "ids_out": expected, "length": target_length}

    @tf.function(input_signature=[ids, ids, ids])
    def step(source: Any, given: Any, expected: Any) -> None:
        features, labels = arrange(source, given, expected)
        with tf.GradientTape() as tape:
            outputs, _ = model(features, labels, training=True)
            total, count, _ = model.compute_loss(outputs, labels, training=True)
            loss = total / tf.cast(count, total.dtype)
        weights = model.trainable_weights
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, weights), 1.0)
        optimizer.apply_gradients(zip(gradients, weights, strict=True))

    @tf.function(input_signature=[ids, ids, ids])
    def summed_loss(source: Any, given: Any, expected: Any) -> Any:
        features, labels = arrange(source, given, expected)
        outputs, _ = model(features, labels, training=False)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(expected, tf.cast(outputs["logits"], tf.float32))
        return tf.reduce_sum(losses * tf.cast(expected != PAD, tf.float32))

    class OpenNMTSteps(Steps):
        def train(self, batch: Batch) -> None:
            step(*(ids.astype(np.int64) for ids in ids_of(batch)))

        def validate(self, batch: Batch) -> tuple[float, float]:
            return float(summed_loss(*(ids.astype(np.int64) for ids in ids_of(batch)))), float(batch.weights.sum())

    return OpenNMTSteps()
