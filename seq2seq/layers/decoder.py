"""The recurrent decoder: one call for every length, teacher forcing (all steps) and search (one step) alike."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import keras
from keras import ops

from seq2seq.layers.attention import AdditiveAttention, make_attention
from seq2seq.layers.attention_kernels import run_before, run_conditional
from seq2seq.layers.bridge import Bridge
from seq2seq.layers.cells import CellState, make_cell, state_sizes, zero_state
from seq2seq.layers.decoder_state import DecoderOutput, DecoderState, StackOutputs, StepInputs, track_coverage
from seq2seq.layers.dropout import drop_weights, make_dropouts, make_step_dropout, make_weight_dropouts
from seq2seq.layers.names import AttentionPosition, BridgeName, CellName
from seq2seq.layers.options import AttentionOptions, DropoutOptions
from seq2seq.layers.recurrence import (
    Implementation,
    Step,
    choose_implementation,
    repeat_over_time,
    run_layer,
)
from seq2seq.types import Mask, Memory, Shape, Tensor


@keras.saving.register_keras_serializable("seq2seq")
class RNNDecoder(keras.layers.Layer):
    """Stacked recurrent layers that may attend to a memory.

    The position of attention decides what queries the memory, and which layer reads the context:

        before       the bottom layer's previous output queries; its input at this step includes the context
                     (Bahdanau et al. 2015)
        conditional  the bottom layer's state makes two transitions a step (Sennrich et al. 2017, Nematus): the first
                     reads the input, its output queries, and the second reads the context; so the query depends on
                     the last token and on the contexts before
        between      the bottom layer's new output queries, and the next layer reads the context: as "conditional", but
                     with a state for each of the two, so the query does not depend on the contexts before
        after        the top layer's new output queries; only the readout reads the context (Luong et al. 2015)

    The features are `readout = tanh(W [output; context; input])`. Without attention this is the encoder-decoder of
    Sutskever et al. 2014.

    Only what recurs through attention or input feeding runs in the time loop: with "between" or "after" attention works
    on all steps at once; with "before" or "conditional" the layers above the bottom one run after it, one by one.

    Args:
        units: Width of every layer, at least 1.
        cell: A `CellName`.
        num_layers: Layers on top of each other, at least 1; attention "between" needs 2.
        attention: How to attend to the memory; None: not at all.
        readout_units: Width of the features; None: no readout, the top output is the features (no attention only).
        bridge: A `BridgeName`: how the encoder's last state becomes the first one here.
        residual: Add a layer's input to its output from the second layer on.
        dropout: `DropoutOptions`, or a rate on every layer's input and on the features; in training only. That of
            weights excludes input feeding and attention "before" or "conditional".

    Raises:
        ValueError: unknown names, numbers out of range, or options that exclude each other.
    """

    def __init__(
        self,
        units: int,
        cell: CellName = "gru",
        num_layers: int = 1,
        attention: AttentionOptions | None = AttentionOptions(),
        readout_units: int | None = None,
        bridge: BridgeName = "dense",
        residual: bool = False,
        dropout: DropoutOptions | float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.supports_masking = True  # otherwise Keras warns of a mask given by name
        if num_layers < 1:
            raise ValueError(f"A decoder needs at least one layer. Received: num_layers={num_layers}")
        if attention is not None and attention.position == "between" and num_layers < 2:
            raise ValueError(f'Attention position "between" needs at least two layers. Received: {num_layers}')
        if attention is not None and readout_units is None:
            raise ValueError("With attention the decoder needs readout_units, the width of its features.")
        self.units = units
        self.cell = cell
        self.num_layers = num_layers
        self.attention = attention
        self.readout_units = readout_units
        self.bridge = bridge
        self.residual = residual
        self.dropout = DropoutOptions.of(dropout)
        if self.dropout.weights and (self._feeds_readout or self._attends("before", "conditional")):
            raise ValueError(
                'Dropout of weights excludes input feeding and attention position "before" or "conditional".'
            )

        self.cells = [make_cell(cell, units, f"layer_{number}") for number in range(num_layers)]
        self.bridge_layer = Bridge(bridge, [state_sizes(c) for c in self.cells])
        self.step_dropout = make_step_dropout(self.dropout)
        self.dropouts = make_dropouts(self.dropout, num_layers)
        self.weight_dropouts = make_weight_dropouts(self.dropout, self.cells)
        self.context_cell: Any = None  # the second transition of the bottom layer's state
        if self._attends("conditional"):
            self.context_cell = make_cell(cell, units, "layer_0_context")
        self.attention_layer: Any = None if attention is None else make_attention(attention, units)
        self.readout = None if readout_units is None else keras.layers.Dense(readout_units, "tanh", name="readout")
        self.query_input_projection = self._make_query_input_projection()
        self.feedback_projection: Any = None  # of [context; readout], added to the bottom layer's projected input

    def _make_query_input_projection(self) -> Any:
        """Returns the projection of a step's input that is added to the projected query, if there is one."""
        if self.attention is None or not self.attention.query_input:
            return None
        return keras.layers.Dense(self.attention_layer.query_dim(self.units), use_bias=False, name="query_input")

    @property
    def features_dim(self) -> int:
        """Width of the features."""
        return self.readout_units or self.units

    @property
    def coverage(self) -> bool:
        """Whether attention reads the coverage, so that every state must hold it."""
        return self.attention is not None and self.attention.coverage

    @property
    def _feeds_readout(self) -> bool:
        return self.attention is not None and self.attention.input_feeding

    def _attends(self, *positions: AttentionPosition) -> bool:
        return self.attention is not None and self.attention.position in positions

    def implementations(self) -> list[Implementation]:
        """How each layer runs over time in training, from the bottom up."""
        if self._feeds_readout:
            return [Implementation("loop", "the readout recurs")] * self.num_layers
        bottom, *above = (choose_implementation(cell, inputs_known=True) for cell in self.cells)
        return [self._attending_implementation() if self._attends("before", "conditional") else bottom, *above]

    def _attending_implementation(self) -> Implementation:
        """How the bottom layer runs over time together with attention before it or within it."""
        if type(self.attention_layer) is not AdditiveAttention or self.coverage:
            kind = self.attention and self.attention.kind
            return Implementation("loop", f"there is no kernel for {kind} attention" + " with coverage" * self.coverage)
        return choose_implementation(self.cells[0])

    def build(
        self,
        inputs_shape: Shape,
        memory_dim: int | None = None,
        encoder_state_sizes: list[list[int]] | None = None,
    ) -> None:
        """Builds the weights.

        Args:
            inputs_shape: `(…, features)`.
            memory_dim: Width of the encoder's values; None without attention.
            encoder_state_sizes: For each layer of the encoder the widths of its state's tensors; None: there is no
                encoder, and every state starts as zeros.
        """
        context_dim, inputs_dim = 0, int(inputs_shape[-1] or 0)
        if encoder_state_sizes is not None:
            self.bridge_layer.build(encoder_state_sizes)
        if self.query_input_projection is not None:
            self.query_input_projection.build((None, None, inputs_dim))
        if self.attention_layer is not None:
            self.attention_layer.build((None, None, self.units), (None, None, memory_dim))
            context_dim = self.attention_layer.context_dim(memory_dim)
        width = inputs_dim
        for number, cell in enumerate(self.cells):
            cell.build((None, width))
            width = self.units + (context_dim if number == 0 and self._attends("between") else 0)
        if self.context_cell is not None:
            self.context_cell.build((None, context_dim))
        feedback_dim = context_dim if self._attends("before") else 0
        feedback_dim += self.features_dim if self._feeds_readout else 0
        if feedback_dim:
            self.feedback_projection = keras.layers.Dense(self.cells[0].projected_size, use_bias=False, name="feedback")
            self.feedback_projection.build((None, feedback_dim))
        if self.readout is not None:
            self.readout.build((None, None, self.units + context_dim + inputs_dim))
        self.built = True

    def build_memory(self, values: Tensor, mask: Mask) -> Memory:
        """Makes the `Memory` of a source, which all its steps share.

        Args:
            values: `(batch, source, memory_dim)`, float, from the encoder.
            mask: `(batch, source)`, bool.
        """
        if self.attention_layer is None:
            return Memory(values, None, mask)
        keys, values = self.attention_layer.project_memory(values)
        return Memory(values, keys, mask)

    def initial_state(self, encoder_state: list[CellState], memory: Memory | None = None) -> DecoderState:
        """Makes the first state from the encoder's last one; with coverage the memory says for how many positions."""
        return self._start(self.bridge_layer(encoder_state), memory)

    def zero_state(self, rows: int | Tensor, memory: Memory | None = None) -> DecoderState:
        """Makes the first state of a decoder without an encoder: zeros."""
        return self._start([zero_state(cell, rows) for cell in self.cells], memory)

    def _start(self, layers: list[CellState], memory: Memory | None) -> DecoderState:
        first, state = layers[0][0], DecoderState(layers)
        if self._feeds_readout:
            zeros = ops.zeros((ops.shape(first)[0], self.features_dim), dtype=first.dtype)
            state = state._replace(feedback=(zeros,))
        if not self.coverage:
            return state
        if memory is None:
            raise ValueError("The state of a decoder with coverage is as wide as its memory. Received: memory=None")
        return track_coverage(state, memory)

    def call(
        self,
        inputs: Tensor,
        memory: Memory | None,
        state: DecoderState,
        mask: Mask | None = None,
        training: bool | None = None,
    ) -> DecoderOutput:
        """Runs over `inputs` from `state`.

        Args:
            inputs: `(rows, target, features)`, float. `rows` is the batch of `memory` times any number of rows that
                share a source, next to each other.
            memory: From `build_memory`; None without attention. Its mask may be one for each step, `(rows, target,
                source)`, where attention works on all steps at once: "between" or "after", without input feeding and
                coverage.
            state: From `initial_state`, or from an earlier call. Where it tracks coverage, so does the new one.
            mask: `(rows, target)`, bool, True at the left; None: all inputs are real. At padding the state does not
                change, and the outputs have no meaning.
        """
        if memory is None:
            if self.attention is not None:
                raise ValueError("This decoder attends to a memory. Received: memory=None")
            memory = Memory(None, None, None)
        inputs, first = self.step_dropout(inputs, training=training), state
        inputs = self.dropouts[0](inputs, training=training)
        if not self.coverage:  # if tracked at all, it is added up at the end
            state = state._replace(coverage=())
        if self._feeds_readout or self._attends("before", "conditional"):
            parts, state = self._run_with_attention(inputs, memory, state, mask, training)
        else:
            outputs, bottom = self._run_layer(0, inputs, state.layers[0], mask, training)
            parts, state = StackOutputs(outputs), state._replace(layers=[bottom, *state.layers[1:]])
        if not self._feeds_readout:
            parts, state = self._run_above(parts, memory, state, mask, training)
            parts = parts._replace(outputs=self._read_out(parts.outputs, parts.context, inputs))
        features = self.dropouts[-1](parts.outputs, training=training)
        output = DecoderOutput(features, parts.queries, parts.weights, state)
        return output if self.coverage or not first.coverage else self._add_coverage(output, memory, first, mask)

    def _run_layer(
        self, number: int, inputs: Tensor, state: CellState, mask: Mask | None, training: bool | None
    ) -> tuple[Tensor, CellState]:
        """Runs one layer over inputs that are all known."""
        cell = self.cells[number]
        kernel = drop_weights(self.weight_dropouts[number], cell, training)
        return run_layer(cell, inputs, state, mask, False, training, kernel)

    def _run_with_attention(
        self, inputs: Tensor, memory: Memory, state: DecoderState, mask: Mask | None, training: bool | None
    ) -> tuple[StackOutputs, DecoderState]:
        """Runs all layers with input feeding, otherwise the bottom one, together with attention in one time loop."""
        bottom, depth = self.cells[0], self.num_layers if self._feeds_readout else 1
        query = None if self.query_input_projection is None else self.query_input_projection(inputs)
        projected = bottom.project(inputs)
        if not self._feeds_readout and training and self._attending_implementation().name == "kernel":
            parts, finals = self._run_kernel(projected, query, memory, state.layers[0], mask)
            coverage: tuple[Tensor, ...] = ()
        else:
            given = StepInputs(projected, query, None, [])
            if self._feeds_readout:
                given = given._replace(inputs=inputs, dropout=self._draw_dropout(inputs, training))
            start = state._replace(layers=list(state.layers[:depth]))
            parts, (finals, feedback, coverage) = repeat_over_time(self._step(memory, depth), given, start, mask)
            state = state._replace(feedback=feedback)
        if parts.queries is None:  # quicker than one by one in the loop
            before = ops.expand_dims(bottom.state_output(state.layers[0]), 1)
            before = ops.concatenate([before, parts.outputs[:, :-1]], axis=1)
            parts = parts._replace(queries=self._project_query(before, query))
        return parts, state._replace(layers=[*finals, *state.layers[depth:]], coverage=coverage)

    def _step(self, memory: Memory, depth: int) -> Step:
        """Returns the step of the `depth` bottom layers and of attention; with input feeding it makes the readout."""

        def step(given: StepInputs, state: DecoderState) -> tuple[StackOutputs, DecoderState]:
            layers, feedback, coverage = list(state.layers), list(state.feedback), state.coverage
            query = context = weights = None
            if self._attends("before"):
                query = self._project_query(self.cells[0].state_output(layers[0]), given.query)
                context, weights, coverage = self.attention_layer.attend_once(query, memory, coverage)
                feedback.insert(0, context)
            projected = given.projected
            if feedback:
                projected = projected + self.feedback_projection(ops.concatenate(feedback, -1))
            output, layers[0] = self.cells[0].recur(projected, layers[0])
            if self.context_cell is not None:
                query = self._project_query(output)
                context, weights, coverage = self.attention_layer.attend_once(query, memory, coverage)
                output, layers[0] = self.context_cell.recur(self.context_cell.project(context), layers[0])
            for i, cell in enumerate(self.cells[1:depth], 1):
                below = output
                dropped = below * given.dropout[i - 1] if given.dropout else below
                output, layers[i] = cell.recur(cell.project(dropped), layers[i])
                output = output + below if self.residual else output
            if not self._feeds_readout:
                known = query if self.context_cell is not None else None
                return StackOutputs(output, context, known, weights), DecoderState(layers, (), coverage)
            if self._attends("after"):
                query = self._project_query(output)
                context, weights, coverage = self.attention_layer.attend_once(query, memory, coverage)
            readout = self._read_out(output, context, given.inputs)
            return StackOutputs(readout, None, query, weights), DecoderState(layers, (readout,), coverage)

        return step

    def _run_kernel(
        self, projected: Tensor, query: Tensor | None, memory: Memory, state: CellState, mask: Mask | None
    ) -> tuple[StackOutputs, list[CellState]]:
        """Runs the loop of the bottom layer and additive attention with its hand-written gradient."""
        cell, attention = self.cells[0], self.attention_layer
        if self.context_cell is not None:
            return run_conditional(cell, self.context_cell, attention, projected, memory, state, mask)
        kernel = self.feedback_projection.kernel
        return run_before(cell, attention, kernel, projected, query, memory, state, mask)

    def _draw_dropout(self, inputs: Tensor, training: bool | None) -> list[Tensor]:
        """Draws the dropout between layers for all steps before the loop, which must stay pure."""
        if not training or self.dropout.rate == 0:
            return []
        ones = ops.ones((*ops.shape(inputs)[:2], self.units), dtype=inputs.dtype)
        return [dropout(ones, training=True) for dropout in self.dropouts[1:-1]]

    def _run_above(
        self, parts: StackOutputs, memory: Memory, state: DecoderState, mask: Mask | None, training: bool | None
    ) -> tuple[StackOutputs, DecoderState]:
        """Runs attention "between", the layers above the bottom one, and attention "after", each over all steps."""
        outputs, finals = parts.outputs, [state.layers[0]]
        above = outputs
        if self._attends("between"):
            parts, state = self._attend_to_all(outputs, memory, state, mask)
            above = ops.concatenate([outputs, parts.context], -1)
        for number, (start, dropout) in enumerate(zip(state.layers[1:], self.dropouts[1:-1], strict=True), 1):
            below, dropped = outputs, dropout(above, training=training)
            outputs, final = self._run_layer(number, dropped, start, mask, training)
            outputs = above = outputs + below if self.residual else outputs
            finals.append(final)
        if self._attends("after"):
            parts, state = self._attend_to_all(outputs, memory, state, mask)
        return parts._replace(outputs=outputs), state._replace(layers=finals)

    def _attend_to_all(
        self, outputs: Tensor, memory: Memory, state: DecoderState, mask: Mask | None
    ) -> tuple[StackOutputs, DecoderState]:
        """Attends at all steps of `outputs`, `(rows, target, units)`; with coverage one after the other."""
        queries = self._project_query(outputs)
        if not state.coverage:
            context, weights = self.attention_layer.attend(queries, memory)
            return StackOutputs(outputs, context, queries, weights), state

        def step(query: Tensor, coverage: tuple[Tensor]) -> tuple[tuple[Tensor, Tensor], tuple[Tensor]]:
            context, weights, coverage = self.attention_layer.attend_once(query, memory, coverage)
            return (context, weights), coverage

        (context, weights), coverage = repeat_over_time(step, queries, state.coverage, mask)
        return StackOutputs(outputs, context, queries, weights), state._replace(coverage=coverage)

    def _project_query(self, outputs: Tensor, query_input: Tensor | None = None) -> Tensor:
        """`(…, units)` -> `(…, query_dim)`, with the input's share of the query where there is one."""
        query = self.attention_layer.project_query(outputs)
        return query if query_input is None else query + query_input

    def compute_mask(self, inputs: Tensor, previous_mask: Mask | None) -> None:
        """Attaches no mask to the outputs: masks are passed as values."""

    def align(self, output: DecoderOutput, memory: Memory) -> Tensor:
        """Returns the attention weights `(rows, steps, source)` of a call of this decoder."""
        return self.attention_layer.attend(output.queries, memory)[1] if output.weights is None else output.weights

    def _add_coverage(
        self, output: DecoderOutput, memory: Memory, before: DecoderState, mask: Mask | None
    ) -> DecoderOutput:
        """Adds the weights of these steps to the coverage before them, where it is tracked but not attended with."""
        weights, (coverage,) = self.align(output, memory), before.coverage
        added = ops.cast(weights, coverage.dtype)
        if mask is not None:
            added = added * ops.expand_dims(ops.cast(mask, coverage.dtype), 2)
        state = output.state._replace(coverage=(coverage + ops.sum(added, axis=1),))
        return output._replace(weights=weights, state=state)

    def _read_out(self, outputs: Tensor, context: Tensor | None, inputs: Tensor) -> Tensor:
        if self.readout is None:
            return outputs
        return self.readout(ops.concatenate([x for x in (outputs, context, inputs) if x is not None], -1))

    def get_config(self) -> dict[str, Any]:
        names = ("units", "cell", "num_layers", "readout_units", "bridge", "residual")
        options = {
            "attention": None if self.attention is None else asdict(self.attention),
            "dropout": asdict(self.dropout),
        }
        return {**super().get_config(), **{name: getattr(self, name) for name in names}, **options}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> RNNDecoder:
        attention = config["attention"]
        options = {
            "attention": None if attention is None else AttentionOptions(**attention),
            "dropout": DropoutOptions.of(config["dropout"]),
        }
        return cls(**{**config, **options})
