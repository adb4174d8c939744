"""The largest tensor that a loss makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np


def largest_tensor(loss: Callable[..., Any], inputs: Sequence[np.ndarray], training: bool = True) -> int:
    """Bytes of the largest tensor of `loss(*inputs)`; in training with its gradients; bodies of loops included."""
    if keras.backend.backend() == "jax":
        import jax

        arguments = tuple(range(len(inputs)))
        program = jax.make_jaxpr(jax.grad(loss, argnums=arguments) if training else loss)(*inputs)

        def sizes(jaxpr):
            for equation in jaxpr.eqns:
                yield from (v.aval.size * v.aval.dtype.itemsize for v in equation.outvars)
            for inner in jax.core.subjaxprs(jaxpr):
                yield from sizes(inner)

        return max(sizes(program.jaxpr))

    import tensorflow as tf

    @tf.function
    def step(*inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            value = loss(*inputs)
        return tape.gradient(value, inputs) if training else value

    graph = step.get_concrete_function(*(tf.constant(x) for x in inputs)).graph.as_graph_def(add_shapes=True)
    found = []
    for node in [*graph.node, *(n for function in graph.library.function for n in function.node_def)]:
        for shape in node.attr["_output_shapes"].list.shape:
            assert not shape.unknown_rank or node.op in ("TensorListReserve", "Placeholder", "NoOp"), node.op
            found.append(4 * int(np.prod([max(d.size, 1) for d in shape.dim])))
    return max(found)
