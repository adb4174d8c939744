"""The networks of a LiteRT folder: what each takes and gives, traced from a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from seq2seq.indexing import join, split
from seq2seq.layers.recurrence import run_cell
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.search.greedy import follow
from seq2seq.search.rules import Rules, forbid_control_symbols, forbid_ids
from seq2seq.search.step import FORBIDDEN
from seq2seq.symbols import EOS, PAD
from seq2seq.text.extraction import extract
from seq2seq.types import Encoded, Marks, Memory, Padded


class Networks:
    """The signatures of a model, by name; b is a batch size, k a beam size, directions are concatenated.

    embed_b       `ids (b, source)` -> what the encoder reads, tokens or words: `vectors (b, source, width)`, and
                  `kept (b, source)`, 0 where there is none
    encode_L_b    layer L of the encoder, one step: `inputs (b, directions * width)`; `keep (b, directions)`, 0 at
                  padding; `state (b, …)` -> `outputs`, `state`
    remember_b    `state`, all last states of the encoder, and with attention `values (b, source, dim)`, `mask`, where
                  the encoder reads words `source`, the ids -> `state` of the decoder and, with attention, `keys`,
                  `values`
    decode_bxk    one step of the decoder and its output layer: `ids (b * k,)`, `state`, with attention `keys`,
                  `values`, `mask`, with a pointer `source`, the ids that were encoded, and where n-grams must not come
                  twice `banned (b * k, n)`, the ids that must not come next, PAD where none -> `top`,
                  `top_ids (b * k, k + 1)`: the likeliest tokens, EOS forbidden where it is one of them; `eos (b * k,)`;
                  `state`; with a beam of one where the model translates while it reads
    align         as decode for one row -> `weights (1, source)`, `state`
    greedy_b      greedy search, all of it in one graph: `ids (b, source)` that end in EOS, then PAD; `limits (b,)`, the
                  most tokens of each -> `ids (b, target)`, `lengths (b,)`, `log_probability (b,)`
    extract_b     in place of decode and greedy where the model extracts: `ids (b, source)` as for greedy ->
                  `ids (b, source)`, `lengths (b,)`, `log_probability (b,)`, `score (b,)`

    Any other host must do what `lite.networks` does: drop the result of the first call at each new largest width.
    """

    def __init__(
        self,
        model: Seq2Seq,
        batches: Sequence[int],
        beams: Sequence[int],
        rules: Rules = Rules(),
        marks: Marks | None = None,
        wait_k: Sequence[int] = (),
    ):
        self.model = model
        self.rules = rules
        self.marks = marks  # where the model extracts
        self.wait_k = wait_k  # that it was trained with, where it can translate while it reads
        self.batches = batches
        self.beams = beams
        self.encoder_layers = model.encoder.layers
        encoded = model.encode(Padded(ops.full((1, 2), EOS, dtype="int32"), ops.ones((1, 2), "bool")), training=False)
        self.encoded = encoded
        self.state_sizes = [tensor.shape[-1] for tensor in keras.tree.flatten(encoded.state)]
        # The coverage is as wide as the source, and comes last.
        self.state_width = None if model.decoder.coverage else sum(self.state_sizes)

    def all(self) -> Iterator[tuple[str, Any]]:
        """Yields names and concrete functions."""
        for b in self.batches:
            yield f"embed_{b}", self._embed(b)
            for layer in range(len(self.encoder_layers)):
                yield f"encode_{layer}_{b}", self._encode(layer, b)
            yield f"remember_{b}", self._remember(b)
            if self.marks is not None:
                yield f"extract_{b}", self._extract(b, self.marks)
                continue
            for k in self.beams:
                if k > 1 or self.wait_k:
                    yield f"decode_{b}x{k}", self._decode(b, k)
            yield f"greedy_{b}", self._greedy(b)
        if self.model.has_attention:
            yield "align", self._align()

    def shape(self) -> dict[str, Any]:
        """What the host must know to drive the networks."""
        encoder = self.model.encoder
        sizes = encoder.state_sizes
        widths = [self.model.source_frontend.output_dim, *[encoder.memory_dim] * len(sizes)]
        return {
            "batches": list(self.batches),
            "beams": list(self.beams),
            "encoder": [
                {
                    "directions": len(cells),
                    "units": encoder.units,
                    "state": sum(size),
                    "residual": encoder.residual and before == encoder.memory_dim,
                }
                for cells, size, before in zip(self.encoder_layers, sizes, widths, strict=False)
            ],
            "decoder": {
                "state": self.state_width,
                "attention": self.model.has_attention,
                "pointer": self.model.head.needs_attention,
            },
            "words": not self.model.source_frontend.keeps_positions,
            "extract": self.marks is not None,
            "rules": {"min_length": self.rules.min_length, "no_repeat": self.rules.no_repeat},
            "target_size": self.model.target_size,
            "wait_k": list(self.wait_k),
        }

    def _embed(self, b: int) -> Any:
        def embed(ids: Any) -> dict[str, Any]:
            vectors, mask = self.model.embed_source(_padded(ids))
            return {"vectors": vectors, "kept": ops.cast(mask, "float32")}

        return tf.function(embed, autograph=False).get_concrete_function(tf.TensorSpec((b, None), tf.int32, "ids"))

    def _encode_step(self, layer: int) -> Any:
        cells = self.encoder_layers[layer]
        directions, sizes = len(cells), self.model.encoder.state_sizes[layer]

        def step(given: Any, keep: Any, state: Any) -> dict[str, Any]:
            # The state holds, tensor by tensor, the directions side by side, as the encoder's own last state does.
            tensors = [ops.split(t, directions, axis=-1) for t in split(state, sizes)]
            outputs, news = [], []
            parts = zip(cells, ops.split(given, directions, -1), ops.split(keep, directions, -1), strict=True)
            for d, (cell, x, kept) in enumerate(parts):
                before = [tensor[d] for tensor in tensors]
                output, after = run_cell(cell, cell.project(x)[:, None], before, kept)
                outputs.append(ops.squeeze(output, 1))
                news.append(after)
            state = [part for pair in zip(*news, strict=True) for part in pair]
            return {"outputs": ops.concatenate(outputs, -1), "state": ops.concatenate(state, -1)}

        return step

    def _encode(self, layer: int, b: int) -> Any:
        encoder, directions = self.model.encoder, len(self.encoder_layers[layer])
        width = encoder.memory_dim if layer else self.model.source_frontend.output_dim
        given = _floats("inputs", b, directions * width)
        keep, state = _floats("keep", b, directions), _floats("state", b, sum(encoder.state_sizes[layer]))
        return tf.function(self._encode_step(layer), autograph=False).get_concrete_function(given, keep, state)

    def _finals(self, state: Any) -> list[list[Any]]:
        """The encoder's last states, layer by layer, out of all side by side."""
        sizes = self.model.encoder.state_sizes
        parts = iter(split(state, [size for layer in sizes for size in layer]))
        return [[next(parts) for _ in layer] for layer in sizes]

    def _remember(self, b: int) -> Any:
        spec = _floats("state", b, sum(map(sum, self.model.encoder.state_sizes)))

        def with_attention(state: Any, values: Any, mask: Any, source: Any = None) -> dict[str, Any]:
            if source is not None:
                values = self.model.source_frontend.expand_to_tokens(values, Padded(source, mask))
            memory = self.model.decoder.build_memory(values, mask)
            first = self.model.decoder.initial_state(self._finals(state), memory)
            return {"state": _flat(first), "keys": memory.keys, "values": memory.values}

        def without(state: Any) -> dict[str, Any]:
            return {"state": _flat(self.model.decoder.initial_state(self._finals(state)))}

        if not self.model.has_attention:
            return tf.function(without, autograph=False).get_concrete_function(spec)
        values = _floats("values", b, None, self.model.encoder.memory_dim)
        mask = tf.TensorSpec((b, None), tf.bool, "mask")
        source = [] if self.model.source_frontend.keeps_positions else [tf.TensorSpec((b, None), tf.int32, "source")]
        return tf.function(with_attention, autograph=False).get_concrete_function(spec, values, mask, *source)

    def _memory_specs(self, b: int) -> list[Any]:
        if not self.model.has_attention:
            return []
        memory = self.encoded.source_memory
        sizes = {"keys": memory.keys.shape[-1], "values": memory.values.shape[-1]}
        return [
            *(_floats(name, b, None, size) for name, size in sizes.items()),
            tf.TensorSpec((b, None), tf.bool, "mask"),
            *([] if not self.model.head.needs_attention else [tf.TensorSpec((b, None), tf.int32, "source")]),
        ]

    def _bind(self, state: Any, memory: Sequence[Any]) -> Encoded:
        leaves = split(state, self.state_sizes)
        state = keras.tree.pack_sequence_as(self.encoded.state, leaves)
        if not memory:
            return Encoded(None, state)
        keys, values, mask, *source = memory
        return Encoded(Memory(values, keys, mask), state, Padded(source[0], mask) if source else None)

    def _decode(self, b: int, k: int) -> Any:
        rows = b * k

        def step(ids: Any, state: Any, *rest: Any) -> dict[str, Any]:
            banned, memory = (rest[0], rest[1:]) if self.rules.no_repeat else (None, rest)
            bound = self._bind(state, memory)
            logits, new = self.model.decode(ids[:, None], bound, bound.state, training=False)
            logits = ops.squeeze(forbid_control_symbols(logits), 1)
            normalizer = ops.logsumexp(logits, axis=-1, keepdims=True)
            if banned is not None:
                logits = forbid_ids(logits, banned)
            top, top_ids = top_k(logits, k + 1)
            return {
                "top": ops.where(ops.equal(top_ids, EOS), FORBIDDEN, top - normalizer),
                "top_ids": top_ids,
                "eos": logits[:, EOS] - normalizer[:, 0],
                "state": _flat(new),
            }

        specs = [tf.TensorSpec((rows,), tf.int32, "ids"), _floats("state", rows, self.state_width)]
        if self.rules.no_repeat:
            specs.append(tf.TensorSpec((rows, None), tf.int32, "banned"))
        return tf.function(step, autograph=False).get_concrete_function(*specs, *self._memory_specs(b))

    def _greedy(self, b: int) -> Any:
        def greedy(ids: Any, limits: Any) -> dict[str, Any]:
            encoded = self._encode_whole(b, _padded(ids))

            def step(last: Any, state: Any) -> tuple[Any, Any]:
                logits, state = self.model.decode(last[:, None], encoded, state, training=False)
                return ops.squeeze(logits, 1), state

            # As `greedy_search`, but Keras' argmax minds the sign of zero by operations that LiteRT has not.
            found, _ = follow(
                step,
                encoded.state,
                limits,
                ops.max(limits),
                lambda logits, _: tf.argmax(logits, -1),
                rules=self.rules,
            )
            return {
                "ids": found.ids[:, 0],
                "lengths": found.lengths[:, 0],
                "log_probability": found.log_probabilities[:, 0],
            }

        return tf.function(greedy, autograph=False).get_concrete_function(
            tf.TensorSpec((b, None), tf.int32, "ids"), tf.TensorSpec((b,), tf.int32, "limits")
        )

    def _extract(self, b: int, marks: Marks) -> Any:
        def extracted(ids: Any) -> dict[str, Any]:
            source = _padded(ids)
            found = extract(self.model.keep_probabilities(self._encode_whole(b, source)), source, marks)
            return {
                "ids": found.ids[:, 0],
                "lengths": found.lengths[:, 0],
                "log_probability": found.log_probabilities[:, 0],
                "score": found.scores[:, 0],
            }

        return tf.function(extracted, autograph=False).get_concrete_function(tf.TensorSpec((b, None), tf.int32, "ids"))

    def _encode_whole(self, b: int, source: Padded) -> Encoded:
        """As the model's `encode`, by operations that LiteRT has."""
        (sequence, mask), finals = self.model.embed_source(source), []
        for layer in range(len(self.encoder_layers)):
            outputs, final = self._read(layer, b, sequence, ops.cast(mask, "float32"))
            widths = sequence.shape[-1], outputs.shape[-1]
            sequence = outputs + sequence if self.model.encoder.residual and widths[0] == widths[1] else outputs
            finals.append(final)
        return self.model.finish_encoding(source, sequence, self._finals(ops.concatenate(finals, -1)))

    def _read(self, layer: int, b: int, sequence: Any, kept: Any) -> tuple[Any, Any]:
        """Runs a layer of the encoder over `(b, source, width)` by a loop that needs no list of tensors."""
        step, directions = self._encode_step(layer), len(self.encoder_layers[layer])
        units, width = self.model.encoder.units, ops.shape(sequence)[1]
        places = ops.arange(width, dtype="int32")

        def body(time: Any, outputs: Any, state: Any) -> tuple[Any, Any, Any]:
            turns = [time, width - 1 - time][:directions]
            inputs = ops.concatenate([ops.take(sequence, turn, axis=1) for turn in turns], -1)
            keep = ops.stack([ops.take(kept, turn, axis=1) for turn in turns], -1)
            found = step(inputs, keep, state)
            olds, news = (ops.split(x, directions, -1) for x in (outputs, found["outputs"][:, None]))
            here = [(places == turn)[None, :, None] for turn in turns]
            written = [ops.where(*parts) for parts in zip(here, news, olds, strict=True)]
            return time + 1, ops.concatenate(written, -1), found["state"]

        start = (
            ops.zeros((), "int32"),
            ops.zeros((b, width, directions * units)),
            ops.zeros((b, sum(self.model.encoder.state_sizes[layer]))),
        )
        _, outputs, state = ops.while_loop(lambda time, *_: time < width, body, start)
        return outputs, state

    def _align(self) -> Any:
        def step(ids: Any, state: Any, *memory: Any) -> dict[str, Any]:
            bound = self._bind(state, memory)
            output = self.model.decode_features(ids[:, None], bound, bound.state, training=False)
            return {
                "weights": self.model.decoder.align(output, bound.source_memory)[:, 0],
                "state": _flat(output.state),
            }

        specs = [tf.TensorSpec((1,), tf.int32, "ids"), _floats("state", 1, self.state_width)]
        return tf.function(step, autograph=False).get_concrete_function(*specs, *self._memory_specs(1))


def top_k(scores: Any, k: int) -> tuple[Any, Any]:
    """Returns the k largest of `(rows, size)` scores and their places, `(rows, k)` each, or all if there are fewer.

    LiteRT's own goes through a row one by one. Here the row is cut into groups: the k largest scores are in the k
    groups with the largest maxima, maxima are found many at a time, and few scores are left to go through. Of equal
    scores any may come first. A prime size leaves groups of 1, and nothing is won.
    """
    rows, size = scores.shape
    k = min(k, size)
    widths = [w for w in range(1, size // k + 1) if size % w == 0]
    width = min(widths, key=lambda w: size // w + k * w)
    groups = ops.reshape(scores, (rows, size // width, width))
    _, chosen = tf.math.top_k(ops.max(groups, axis=-1), k)
    top, places = tf.math.top_k(ops.reshape(tf.gather(groups, chosen, batch_dims=1), (rows, k * width)), k)
    return top, tf.gather(chosen, places // width, batch_dims=1) * width + places % width


def _padded(ids: Any) -> Padded:
    """The source of a signature, `(b, source)` ids that end in EOS, then PAD."""
    return Padded(ids, ops.not_equal(ids, PAD))


def _floats(name: str, *shape: int | None) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.float32, name)


def _flat(state: Any) -> Any:
    """A nested state as one tensor, what a signature takes and gives."""
    return join(keras.tree.flatten(state))
