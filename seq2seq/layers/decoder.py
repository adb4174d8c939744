"""The recurrent decoder: one call for every length, teacher forcing (T = full) and search (T = 1) alike."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

from seq2seq.layers.attention import ATTENTIONS, AdditiveAttention, MultiHeadAttention
from seq2seq.layers.bridge import Bridge
from seq2seq.layers.cells import make_cell, state_sizes
from seq2seq.layers.dropout import sequence_dropout
from seq2seq.layers.names import (
    ATTENTION_NAMES,
    ATTENTION_POSITIONS,
    AttentionName,
    AttentionPosition,
    BridgeName,
    CellName,
)
from seq2seq.layers.recurrence import (
    Implementation,
    choose_implementation,
    recurrent_weights,
    repeat_over_time,
    run_layer,
)
from seq2seq.types import Memory, State


class DecoderOutput(NamedTuple):
    """What one call of the decoder returns."""

    features: Any
    """`(rows, target, features_dim)`: what the output layer turns into logits."""
    queries: Any
    """`(rows, target, asked_dim)`: what the memory was asked with, the way to the alignment; None without attention."""
    weights: Any
    """`(rows, target, source)`: the alignment, where it came about on the way; None where `align` has to make it."""
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
        cell: A `CellName`.
        num_layers: Layers on top of each other, at least 1.
        attention: An `AttentionName`.
        attention_units: Width of the keys; None: `units`.
        heads: Heads of multi-head attention; the others ignore it.
        order: "before", "between" or "after": where attention stands among the recurrent layers; "between" wants two.
        query_input: With "before", ask with the last output and this step's input, so that the query knows the piece
            just written; in Bahdanau et al. 2015 it does not.
        input_feeding: Whether the readout is part of the next input; wants attention.
        coverage: Whether attention knows what it attended to before; see `attention`. It then recurs, and stands in the
            time loop. The state carries the sum of the weights so far as `seen`.
        readout_units: Width of the features; None: no readout, the top output is the features (no attention only).
        bridge: A `BridgeName`.
        residual: Add a layer's input to its output from the second layer on.
        dropout: Rate on every layer's input and on the features, in training only.
        variational_dropout: One mask a sequence instead of one a step.

    Raises:
        ValueError: unknown names, numbers out of range, or options that contradict each other.
    """

    def __init__(
        self,
        units: int,
        cell: CellName = "gru",
        num_layers: int = 1,
        attention: AttentionName = "additive",
        attention_units: int | None = None,
        heads: int = 4,
        order: AttentionPosition = "before",
        query_input: bool = False,
        input_feeding: bool = False,
        coverage: bool = False,
        readout_units: int | None = None,
        bridge: BridgeName = "dense",
        residual: bool = False,
        dropout: float = 0.0,
        variational_dropout: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if num_layers < 1:
            raise ValueError(f"A decoder needs at least one layer. Received: num_layers={num_layers}")
        if attention not in ATTENTION_NAMES:
            raise ValueError(
                f"Unknown attention. Expected one of {', '.join(ATTENTION_NAMES)}. Received: {attention!r}"
            )
        if order not in ATTENTION_POSITIONS:
            raise ValueError(f"Unknown order. Expected one of {', '.join(ATTENTION_POSITIONS)}. Received: {order!r}")
        if order == "between" and (num_layers < 2 or input_feeding):
            raise ValueError('The order "between" wants at least two layers and no input feeding.')
        if query_input and (attention == "none" or order != "before"):
            raise ValueError('query_input wants attention, and the order "before".')
        if attention == "none" and (input_feeding or coverage):
            raise ValueError("Input feeding and coverage carry on what attention found: each wants attention.")
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
        self.coverage = coverage
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
            return MultiHeadAttention(width, self.heads, coverage=self.coverage, name="attention")
        return ATTENTIONS[self.attention](width, coverage=self.coverage, name="attention")

    @property
    def features_dim(self) -> int:
        return self.readout_units or self.units

    @property
    def _attends_before(self) -> bool:
        return self.attend is not None and self.order == "before"

    def implementations(self) -> list[Implementation]:
        """How each layer goes through time in training, from the bottom up."""
        if self.input_feeding:
            return [Implementation("loop", "the readout recurs")] * self.num_layers
        bottom, *above = (choose_implementation(cell, inputs_known=True) for cell in self.cells)
        return [self._attending_implementation if self._attends_before else bottom, *above]

    @property
    def _attending_implementation(self) -> Implementation:
        """How the bottom layer goes through time together with the attention that it depends on."""
        if type(self.attend) is not AdditiveAttention or self.coverage:
            return Implementation(
                "loop", f"there is no kernel for {self.attention} attention" + " with coverage" * self.coverage
            )
        return choose_implementation(self.cells[0])

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
        if self.coverage:
            state["seen"] = ops.zeros(ops.shape(values)[:2], dtype=values.dtype)
        keys, values = (None, values) if self.attend is None else self.attend.project(values)
        return Memory(values, keys, mask, state)

    def call(self, inputs: Any, memory: Memory, state: State, training: bool | None = None) -> DecoderOutput:
        """Runs over `inputs`, `(rows, target, features)`, from `state`.

        `rows` is the batch of `memory` times any number of rows that share a source, next to each other. Where `state`
        has `seen`, `(rows, source)`, the new one has it too: the weights of these steps are added to it.
        """
        seen = state.get("seen")
        state = {name: part for name, part in state.items() if name != "seen"}
        run = self._all_in_loop if self.input_feeding else self._bottom_in_loop
        outputs, queries, weights, state = run(
            self.dropouts[0](inputs, training=training), memory, state, seen if self.coverage else None, training
        )
        if seen is not None:
            weights = self._attend(queries, memory)[1] if weights is None else weights
            state["seen"] = seen + ops.sum(ops.cast(weights, seen.dtype), axis=1)
        return DecoderOutput(self.dropouts[-1](outputs, training=training), queries, weights, state)

    def _bottom_in_loop(
        self, inputs: Any, memory: Memory, state: State, seen: Any | None, training: Any
    ) -> tuple[Any, Any, Any, State]:
        bottom, first = self.cells[0], state["layers"][0]
        context = queries = weights = None
        if self._attends_before:
            known, projected = self._know(inputs), bottom.project(inputs)
            outputs, context, weights, final = self._attending_loop(projected, known, memory, first, seen, training)
            start = ops.expand_dims(bottom.read(first), 1)
            queries = sum(known, self.attend.ask(ops.concatenate([start, outputs[:, :-1]], axis=1)))
        else:
            outputs, final = run_layer(bottom, inputs, first, None, False, training)
        above = outputs
        if self._attends_between:
            queries = self.attend.ask(outputs)
            context, weights = self._look(queries, memory, seen)
            above = ops.concatenate([outputs, context], -1)
        finals = [final]
        for cell, layer_state, dropout in zip(self.cells[1:], state["layers"][1:], self.dropouts[1:-1], strict=True):
            below = outputs
            dropped = dropout(above, training=training)
            outputs, final = run_layer(cell, dropped, layer_state, None, False, training)
            outputs = above = outputs + below if self.residual else outputs
            finals.append(final)
        if self.attend is not None and self.order == "after":
            queries = self.attend.ask(outputs)
            context, weights = self._look(queries, memory, seen)
        return self._read(outputs, context, inputs), queries, weights, {"layers": finals}

    def _attending_loop(
        self, projected: Any, known: list[Any], memory: Memory, state: list[Any], seen: Any | None, training: Any
    ) -> tuple[Any, Any, Any, list[Any]]:
        """Repeats the bottom layer, which before each step asks the memory with its last output."""
        bottom = self.cells[0]
        if training and self._attending_implementation.name == "kernel":
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
            return outputs, context, None, final
        covers = [] if seen is None else [seen]

        def step(now: list[Any], current: list[Any]) -> tuple[list[Any], list[Any]]:
            projected, *known = now
            current, covered = current[: len(state)], current[len(state) :]
            asked = sum(known, self.attend.ask(bottom.read(current)))
            context, weights, covered = self._look_once(asked, memory, covered)
            output, current = bottom.recur(projected + self.fed(context), current)
            return [output, context, *weights], [*current, *covered]

        (outputs, context, *weights), final = repeat_over_time(step, [projected, *known], [*state, *covers])
        return outputs, context, weights[0] if weights else None, final[: len(state)]

    def _all_in_loop(
        self, inputs: Any, memory: Memory, state: State, seen: Any | None, training: Any
    ) -> tuple[Any, Any, Any, State]:
        known = self._know(inputs)
        given = [self.cells[0].project(inputs), inputs, *known]
        drops = bool(training) and self.dropout > 0 and self.num_layers > 1
        if drops:  # drawn for all steps before the loop, which must stay pure
            ones = ops.ones((*ops.shape(inputs)[:2], self.units), dtype=inputs.dtype)
            given += [dropout(ones, training=True) for dropout in self.dropouts[1:-1]]

        start = keras.tree.flatten(state)

        def step(now: list[Any], flat: list[Any]) -> tuple[list[Any], list[Any]]:
            current, covered = keras.tree.pack_sequence_as(state, flat[: len(start)]), flat[len(start) :]
            layers, fed = list(current["layers"]), [current["feed"]]
            projected, raw, *rest = now
            kept = rest[len(known) :]
            context = None
            if self._attends_before:
                asked = sum(rest[: len(known)], self.attend.ask(self.cells[0].read(layers[0])))
                context, weights, covered = self._look_once(asked, memory, covered)
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
                context, weights, covered = self._look_once(asked, memory, covered)
            readout = self._read(output, context, raw)
            new = {"layers": layers, "feed": readout}
            return [readout, asked, *weights], [*keras.tree.flatten(new), *covered]

        covers = [] if seen is None else [seen]
        (features, queries, *weights), flat = repeat_over_time(step, given, [*start, *covers])
        final = keras.tree.pack_sequence_as(state, flat[: len(start)])
        return features, queries, weights[0] if weights else None, final

    def _know(self, inputs: Any) -> list[Any]:
        """What the inputs add to the queries, `(rows, steps, asked_dim)`, made outside the loop; empty without."""
        return [] if self.known is None else [self.known(inputs)]

    def _look(self, queries: Any, memory: Memory, seen: Any | None) -> tuple[Any, Any]:
        """Context and weights for queries that are all known before; with coverage each step waits for the last."""
        if seen is None:
            return self._attend(queries, memory)

        def step(now: list[Any], covered: list[Any]) -> tuple[list[Any], list[Any]]:
            context, weights, covered = self._look_once(now[0], memory, covered)
            return [context, *weights], covered

        (context, weights), _ = repeat_over_time(step, [queries], [seen])
        return context, weights

    def _look_once(self, asked: Any, memory: Memory, covered: list[Any]) -> tuple[Any, list[Any], list[Any]]:
        """One step for `(rows, asked_dim)`. Returns the context and, with coverage, the weights and the new `seen`.

        The weights, whose width only the source knows, must be the last output of a loop.
        """
        context, weights = self._attend(ops.expand_dims(asked, 1), memory, *covered)
        context, weights = ops.squeeze(context, 1), ops.squeeze(weights, 1)
        return context, [weights for _ in covered], [seen + weights for seen in covered]

    def align(self, output: DecoderOutput, memory: Memory) -> Any:
        """Attention weights `(rows, steps, source)` of a call of this decoder."""
        return self._attend(output.queries, memory)[1] if output.weights is None else output.weights

    def _attend(self, queries: Any, memory: Memory, seen: Any | None = None) -> tuple[Any, Any]:
        """Context `(rows, steps, context_dim)` and weights for queries `(rows, steps, asked_dim)`."""
        # Rows that share a source become queries of one memory row, so that the memory is never repeated.
        (rows, steps, _), (batch, source, _) = ops.shape(queries), ops.shape(memory.values)
        if seen is not None:
            seen = ops.reshape(seen, (batch, -1, source))
        context, weights = self.attend(ops.reshape(queries, (batch, -1, queries.shape[-1])), memory, seen)
        return (
            ops.reshape(context, (rows, steps, self.context_dim)),
            ops.reshape(weights, (rows, steps, source)),
        )

    def _read(self, outputs: Any, context: Any, inputs: Any) -> Any:
        if self.readout is None:
            return outputs
        return self.readout(ops.concatenate([x for x in (outputs, context, inputs) if x is not None], -1))

    def get_config(self) -> dict[str, Any]:
        names = (
            *("units", "cell", "num_layers", "attention", "attention_units", "heads", "order", "query_input"),
            *("input_feeding", "coverage", "readout_units", "bridge", "residual", "dropout", "variational_dropout"),
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
