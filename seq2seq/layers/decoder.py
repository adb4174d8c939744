"""The recurrent decoder: one call for every length, teacher forcing (T = full) and search (T = 1) alike."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

from seq2seq.layers.attention import ATTENTIONS, AdditiveAttention, MultiHeadAttention
from seq2seq.layers.bridge import Bridge
from seq2seq.layers.cells import make_cell, state_sizes
from seq2seq.layers.dropout import sequence_dropout
from seq2seq.layers.recurrence import Way, choose_way, recurrent_weights, repeat_over_time, run_layer
from seq2seq.types import Memory, State

ORDERS = ("before", "between", "after")


class DecoderOutput(NamedTuple):
    """What one call of the decoder returns."""

    features: Any
    """`(rows, target, features_dim)`: what the output layer turns into logits."""
    queries: Any
    """`(rows, target, asked_dim)`: what the memory was asked with, the way to the alignment; None without attention."""
    state: State
    """The state after the last step."""


@keras.saving.register_keras_serializable("seq2seq")
class RNNDecoder(keras.layers.Layer):
    """Stacked recurrent layers that may look at a memory.

    With `order="before"` (Bahdanau et al. 2015) the bottom layer's previous output asks, and the context is part of
    that layer's input at the same step. With `order="after"` (Luong et al. 2015) the top layer's new output asks. With
    `order="between"` the bottom layer's new output asks, and the context is part of the next layer's input: the query
    knows the piece just written, as in the conditional GRU (Sennrich et al. 2017, Nematus), and what was found still
    recurs, in the layers above.
    `readout = tanh(W [output; context; input])` is the features; with `input_feeding` (Luong et al. 2015, 3.3) it is
    part of the bottom layer's next input. Without attention it is the encoder-decoder of Sutskever et al. 2014.

    Only what recurs through attention or feeding stands in the time loop: with "between" or "after" and no feeding,
    attention works on all steps at once; with "before", the layers above the bottom one run after it, one by one.

    Args:
        units: Width of every layer, at least 1.
        cell: A name of `CELLS`.
        num_layers: Layers on top of each other, at least 1.
        attention: A name of `ATTENTIONS`, or "none".
        attention_units: Width of the keys; None: `units`.
        heads: Heads of multi-head attention; the others ignore it.
        order: "before", "between" or "after": where attention stands among the recurrent layers; "between" wants two.
        query_input: With "before", ask with the last output and this step's input, so that the query knows the piece
            just written; in Bahdanau et al. 2015 it does not.
        input_feeding: Whether the readout is part of the next input; wants attention.
        readout_units: Width of the features; None: no readout, the top output is the features (no attention only).
        bridge: A name of `BRIDGES`.
        residual: Add a layer's input to its output from the second layer on.
        dropout: Rate on every layer's input and on the features, in training only.
        variational_dropout: One mask a sequence instead of one a step.

    Raises:
        ValueError: unknown names, numbers out of range, or options that contradict each other.
    """

    def __init__(
        self,
        units: int,
        cell: str = "gru",
        num_layers: int = 1,
        attention: str = "additive",
        attention_units: int | None = None,
        heads: int = 4,
        order: str = "before",
        query_input: bool = False,
        input_feeding: bool = False,
        readout_units: int | None = None,
        bridge: str = "dense",
        residual: bool = False,
        dropout: float = 0.0,
        variational_dropout: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if num_layers < 1:
            raise ValueError(f"A decoder needs at least one layer. Received: num_layers={num_layers}")
        if attention != "none" and attention not in ATTENTIONS:
            known = ", ".join(["none", *ATTENTIONS])
            raise ValueError(f"Unknown attention. Expected one of {known}. Received: {attention!r}")
        if order not in ORDERS:
            raise ValueError(f"Unknown order. Expected one of {', '.join(ORDERS)}. Received: {order!r}")
        if order == "between" and (num_layers < 2 or input_feeding):
            raise ValueError('The order "between" wants at least two layers and no input feeding.')
        if query_input and (attention == "none" or order != "before"):
            raise ValueError('query_input wants attention, and the order "before".')
        if attention == "none" and input_feeding:
            raise ValueError("Input feeding carries what attention found to the next step: it wants attention.")
        if attention != "none" and readout_units is None:
            raise ValueError("With attention the decoder wants readout_units, the width of [output; context] reduced.")
        self.units = units
        self.cell = cell
        self.num_layers = num_layers
        self.attention = attention
        self.attention_units = attention_units
        self.heads = heads
        self.order = order
        self.query_input = query_input
        self.input_feeding = input_feeding
        self.readout_units = readout_units
        self.bridge = bridge
        self.residual = residual
        self.dropout = dropout
        self.variational_dropout = variational_dropout

        self.cells = [make_cell(cell, units) for _ in range(num_layers)]
        self.bridge_layer = Bridge(bridge, [state_sizes(c) for c in self.cells])
        self.dropouts = [sequence_dropout(dropout, variational_dropout, f"dropout_{i}") for i in range(num_layers + 1)]
        self.attend = self._make_attention()
        self.readout = None if readout_units is None else keras.layers.Dense(readout_units, "tanh", name="readout")
        self.known: Any = None  # what the input adds to a query, after the attention's own projection
        if query_input:
            self.known = keras.layers.Dense(self.attend.asked_dim(units), use_bias=False, name="known")
        self.fed: Any = None  # the bottom layer's kernel for what the loop feeds it: context, readout

    def _make_attention(self) -> Any:
        if self.attention == "none":
            return None
        width = self.attention_units or self.units
        if self.attention == "multi_head":
            return MultiHeadAttention(width, self.heads, name="attention")
        return ATTENTIONS[self.attention](width, name="attention")

    @property
    def features_dim(self) -> int:
        return self.readout_units or self.units

    @property
    def _attends_before(self) -> bool:
        return self.attend is not None and self.order == "before"

    def ways(self) -> list[Way]:
        """How each layer goes through time in training, from the bottom up."""
        if self.input_feeding:
            return [Way("loop", "the readout recurs")] * self.num_layers
        bottom, *above = (choose_way(cell, whole=True) for cell in self.cells)
        return [self._attending_way if self._attends_before else bottom, *above]

    @property
    def _attending_way(self) -> Way:
        """How the bottom layer goes through time together with the attention that it depends on."""
        if type(self.attend) is not AdditiveAttention:
            return Way("loop", f"there is no kernel for {self.attention} attention")
        return choose_way(self.cells[0])

    @property
    def _attends_between(self) -> bool:
        return self.attend is not None and self.order == "between"

    def build(self, inputs_shape: Any, memory_dim: int, memory_state_sizes: list[list[int]]) -> None:
        """Builds for inputs of `(…, features)` and an encoder's memory and state of these widths."""
        inputs_dim, context_dim = inputs_shape[-1], 0
        self.bridge_layer.build(memory_state_sizes)
        if self.known is not None:
            self.known.build((None, None, inputs_dim))
        if self.attend is not None:
            self.attend.build((None, None, self.units), (None, None, memory_dim))
            context_dim = self.attend.context_dim(memory_dim)
        width = inputs_dim
        for cell in self.cells:
            cell.build((None, width))
            width = self.units + (context_dim if cell is self.cells[0] and self._attends_between else 0)
        fed = (context_dim if self._attends_before else 0) + (self.features_dim if self.input_feeding else 0)
        if fed:
            self.fed = keras.layers.Dense(self.cells[0].projected_size, use_bias=False, name="fed")
            self.fed.build((None, fed))
        if self.readout is not None:
            self.readout.build((None, None, self.units + context_dim + inputs_dim))
        self.context_dim = context_dim
        self.built = True

    def remember(self, values: Any, mask: Any, encoder_state: list[list[Any]]) -> Memory:
        """Makes the `Memory` of a source, all that depends on it alone: keys and the first state."""
        state = {"layers": self.bridge_layer(encoder_state)}
        if self.input_feeding:
            state["feed"] = ops.zeros((ops.shape(values)[0], self.features_dim), dtype=values.dtype)
        keys, values = (None, values) if self.attend is None else self.attend.project(values)
        return Memory(values, keys, mask, state)

    def call(self, inputs: Any, memory: Memory, state: State, training: bool | None = None) -> DecoderOutput:
        """Runs over `inputs`, `(rows, target, features)`, from `state`.

        `rows` is the batch of `memory` times any number of rows that share a source, next to each other.
        """
        dropped = self.dropouts[0](inputs, training=training)
        if self.input_feeding:
            outputs, queries, state = self._all_in_loop(dropped, memory, state, training)
        else:
            outputs, queries, state = self._bottom_in_loop(dropped, memory, state, training)
        return DecoderOutput(self.dropouts[-1](outputs, training=training), queries, state)

    def _bottom_in_loop(self, inputs: Any, memory: Memory, state: State, training: Any) -> tuple[Any, Any, State]:
        bottom, first = self.cells[0], state["layers"][0]
        if self._attends_before:
            known = self._know(inputs)
            outputs, context, final = self._attending_loop(bottom.project(inputs), known, memory, first, training)
            start = ops.expand_dims(bottom.read(first), 1)
            queries = sum(known, self.attend.ask(ops.concatenate([start, outputs[:, :-1]], axis=1)))
        else:
            outputs, final = run_layer(bottom, inputs, first, None, False, training)
        above = outputs
        if self._attends_between:
            queries = self.attend.ask(outputs)
            context = self._look(queries, memory)
            above = ops.concatenate([outputs, context], -1)
        finals = [final]
        for cell, layer_state, dropout in zip(self.cells[1:], state["layers"][1:], self.dropouts[1:-1], strict=True):
            below = outputs
            dropped = dropout(above, training=training)
            outputs, final = run_layer(cell, dropped, layer_state, None, False, training)
            outputs = above = outputs + below if self.residual else outputs
            finals.append(final)
        if self.attend is None:
            context = queries = None
        elif self.order == "after":
            queries = self.attend.ask(outputs)
            context = self._look(queries, memory)
        return self._read(outputs, context, inputs), queries, {"layers": finals}

    def _attending_loop(
        self, projected: Any, known: list[Any], memory: Memory, state: list[Any], training: Any
    ) -> tuple[Any, Any, list[Any]]:
        """Repeats the bottom layer, which before each step asks the memory with its last output."""
        bottom = self.cells[0]
        if training and self._attending_way.name == "kernel":
            from seq2seq.kernels import recurrence

            query, weight, fed = (
                ops.cast(w, self.compute_dtype)
                for w in (self.attend.query_projection.kernel, self.attend.weight, self.fed.kernel)
            )
            known = known[0] if known else ops.zeros((*ops.shape(projected)[:2], query.shape[1]), projected.dtype)
            look = recurrence.AdditiveLook(memory.keys, memory.values, query, weight, fed, known)
            (outputs, context), final = recurrence.run(
                type(bottom).__name__, projected, state, *recurrent_weights(bottom), look=look, look_mask=memory.mask
            )
            return outputs, context, final

        def step(now: list[Any], current: list[Any]) -> tuple[list[Any], list[Any]]:
            projected, *known = now
            asked = sum(known, self.attend.ask(bottom.read(current)))
            context = ops.squeeze(self._look(ops.expand_dims(asked, 1), memory), 1)
            output, current = bottom.recur(projected + self.fed(context), current)
            return [output, context], current

        (outputs, context), final = repeat_over_time(step, [projected, *known], state)
        return outputs, context, final

    def _all_in_loop(self, inputs: Any, memory: Memory, state: State, training: Any) -> tuple[Any, Any, State]:
        known = self._know(inputs)
        given = [self.cells[0].project(inputs), inputs, *known]
        drops = bool(training) and self.dropout > 0 and self.num_layers > 1
        if drops:  # drawn for all steps before the loop, which must stay pure
            ones = ops.ones((*ops.shape(inputs)[:2], self.units), dtype=inputs.dtype)
            given += [dropout(ones, training=True) for dropout in self.dropouts[1:-1]]

        def step(now: list[Any], flat: list[Any]) -> tuple[list[Any], list[Any]]:
            current = keras.tree.pack_sequence_as(state, flat)
            layers, fed = list(current["layers"]), [current["feed"]]
            projected, raw, *rest = now
            kept = rest[len(known) :]
            context = None
            if self._attends_before:
                asked = sum(rest[: len(known)], self.attend.ask(self.cells[0].read(layers[0])))
                context = ops.squeeze(self._look(ops.expand_dims(asked, 1), memory), 1)
                fed.insert(0, context)
            projected = projected + self.fed(ops.concatenate(fed, -1))
            output, layers[0] = self.cells[0].recur(projected, layers[0])
            for i, cell in enumerate(self.cells[1:], 1):
                below = output
                dropped = below * kept[i - 1] if drops else below
                output, layers[i] = cell.recur(cell.project(dropped), layers[i])
                output = output + below if self.residual else output
            if not self._attends_before:
                asked = self.attend.ask(output)
                context = ops.squeeze(self._look(ops.expand_dims(asked, 1), memory), 1)
            readout = self._read(output, context, raw)
            new = {"layers": layers, "feed": readout}
            return [readout, asked], keras.tree.flatten(new)

        (features, queries), flat = repeat_over_time(step, given, keras.tree.flatten(state))
        return features, queries, keras.tree.pack_sequence_as(state, flat)

    def _know(self, inputs: Any) -> list[Any]:
        """What the inputs add to the queries, `(rows, steps, asked_dim)`, made outside the loop; empty without."""
        return [] if self.known is None else [self.known(inputs)]

    def _look(self, queries: Any, memory: Memory) -> Any:
        """Context `(rows, steps, context_dim)` for queries `(rows, steps, asked_dim)`."""
        return self._attend(queries, memory)[0]

    def align(self, queries: Any, memory: Memory) -> Any:
        """Attention weights `(rows, steps, source)` for the `queries` of a `DecoderOutput`."""
        return self._attend(queries, memory)[1]

    def _attend(self, queries: Any, memory: Memory) -> tuple[Any, Any]:
        # Rows that share a source become queries of one memory row, so that the memory is never repeated.
        batch, steps, source = ops.shape(memory.values)[0], ops.shape(queries)[1], ops.shape(memory.values)[1]
        context, weights = self.attend(ops.reshape(queries, (batch, -1, queries.shape[-1])), memory)
        return (
            ops.reshape(context, (-1, steps, self.context_dim)),
            ops.reshape(weights, (-1, steps, source)),
        )

    def _read(self, outputs: Any, context: Any, inputs: Any) -> Any:
        if self.readout is None:
            return outputs
        return self.readout(ops.concatenate([x for x in (outputs, context, inputs) if x is not None], -1))

    def get_config(self) -> dict[str, Any]:
        names = (
            *("units", "cell", "num_layers", "attention", "attention_units", "heads", "order", "query_input"),
            *("input_feeding", "readout_units", "bridge", "residual", "dropout", "variational_dropout"),
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
