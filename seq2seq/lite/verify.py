"""Checks that a model.tflite could come from `seq2seq.export.litert`, before the runtime sees it.

The runtime trusts such a file: bad axes, counts or kinds of options can make it read and write out of bounds. A
checksum does not help, since whoever changes the file can change the checksum. So every number that the runtime uses is
checked: the structure of the file (`flatbuffer`, `graph`), the inputs and outputs of each operator (`grammar`,
`operators`), and the order of operators, loops and signatures (here).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from seq2seq.lite.flatbuffer import FlatBufferError, Tables
from seq2seq.lite.forecast_shape import Ends
from seq2seq.lite.forecast_shape import networks as forecast_networks
from seq2seq.lite.grammar import DEQUANTIZE, RULES, WHILE, WHILE_OPTIONS, Field
from seq2seq.lite.graph import BOOL, FLOAT32, INT32, Graph, Network, Operator, Tensor, read_graph
from seq2seq.lite.kinds import ACOUSTIC, DETECTOR, FORECASTER, LANGUAGE, kind_in
from seq2seq.lite.operators import Step, Values, agree


def verify(data: bytes, shape: dict[str, Any]) -> None:
    """Raises ValueError if a model.tflite does not match its model.json.

    Args:
        data: The file.
        shape: The contents of model.json.
    """
    graph = read_graph(data)
    options = {kind: _columns(kind, tables) for kind, tables in graph.options.items()}
    users = [0] * len(graph.networks)
    passed: set[Any] = set()
    for signature in graph.signatures:
        users[signature.network] += 1
    for place in range(len(graph.networks)):
        _verify_network(graph, place, options, users, passed)
    if set(users) - {1}:
        raise FlatBufferError("it holds a network that is not called exactly once")
    _verify_signatures(graph, shape)


def verify_export(data: bytes, shape: dict[str, Any]) -> None:
    """As `verify`, for a network just converted: refuse it at export rather than in use."""
    try:
        verify(data, shape)
    except ValueError as error:
        raise ValueError(
            f"TensorFlow {shape['tensorflow']} converts this model to networks that seq2seq {shape['seq2seq']} does "
            f"not accept: {error}. Please report it, or export with another version of TensorFlow."
        ) from error


def _columns(kind: int, tables: Tables) -> list[Values]:
    """The values of all options of a kind, one row each."""
    if kind == WHILE_OPTIONS:
        fields: Sequence[Field] = [("i4", 0, None), ("i4", 0, None)]
    else:
        known = [rule.options[1] for rule in RULES.values() if rule.options[0] == kind and kind]
        if not known:
            raise FlatBufferError(f"an operator has options of a kind that no export writes ({kind})")
        fields = known[0]
    tables.check_fields(set(range(len(fields))))
    columns = [tables.scalar(number, width, default) for number, (width, default, _) in enumerate(fields)]
    for column, (_, _, allowed) in zip(columns, fields, strict=True):
        if allowed is not None and not set(column.tolist()) <= allowed:
            raise FlatBufferError(f"an operator is set to what no export sets it to (options {kind})")
    return list(zip(*(column.tolist() for column in columns), strict=True)) if fields else [()] * len(tables)


def _verify_network(
    graph: Graph, place: int, options: dict[int, list[Values]], users: list[int], passed: set[Any]
) -> None:
    """`users` counts the callers of each network; `passed` holds verified steps, many of which repeat."""
    network = graph.networks[place]
    tensors, count = network.tensors, len(network.tensors)
    ends = (*network.inputs, *network.outputs)
    if ends and not (min(ends) >= 0 and max(ends) < count):
        raise FlatBufferError("a network takes or gives a tensor that is not there")
    ready = [tensor.is_constant for tensor in tensors]
    for tensor in network.inputs:
        if ready[tensor]:
            raise FlatBufferError("a network takes a constant, or one tensor twice")
        ready[tensor] = True
    for number, operator in enumerate(network.operators):
        try:
            inputs, outputs = _step_tensors(operator, count)
            for tensor in inputs:
                if not ready[tensor]:
                    raise FlatBufferError("order")
            for tensor in outputs:
                if ready[tensor]:
                    raise FlatBufferError("order")
                ready[tensor] = True
            step = Step(
                tuple([tensors[i] for i in inputs]), tuple([tensors[i] for i in outputs]), _options(operator, options)
            )
            kind = operator.code, operator.options_type, step
            if operator.code == WHILE:
                _verify_loop(graph, place, step, users)
            elif kind not in passed:
                _verify_step(operator, step)
                passed.add(kind)
            if operator.code == DEQUANTIZE and step.inputs[0].values is not None:
                tensors[outputs[0]] = tensors[outputs[0]]._replace(values=step.inputs[0].values)
        except FlatBufferError as error:
            raise FlatBufferError(f"operator {number} of network {place} ({operator.code}): {error}") from error
    if not all(map(ready.__getitem__, network.outputs)):
        raise FlatBufferError("a network gives a tensor that nothing makes")


def _step_tensors(operator: Operator, count: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    inputs = operator.inputs
    if inputs[2:] == (-1,) and operator.code == 9:  # no bias
        inputs = inputs[:2]
    if min((*inputs, *operator.outputs), default=0) < 0 or max((*inputs, *operator.outputs), default=0) >= count:
        raise FlatBufferError("tensors")
    return inputs, operator.outputs


def _options(operator: Operator, options: dict[int, list[Values]]) -> Values:
    return options[operator.options_type][operator.options] if operator.options_type else ()


def _verify_step(operator: Operator, step: Step) -> None:
    rule = RULES.get(operator.code)
    if rule is None:
        raise FlatBufferError("no export has it")
    if operator.options_type != rule.options[0]:
        raise FlatBufferError("kind of options")
    if not rule.inputs[0] <= len(step.inputs) <= rule.inputs[1]:
        raise FlatBufferError("number of inputs")
    if not rule.outputs[0] <= len(step.outputs) <= rule.outputs[1]:
        raise FlatBufferError("number of results")
    for tensor, shape in zip(step.outputs, rule.shapes(step), strict=True):
        if not agree(tensor.shape, shape):
            raise FlatBufferError(f"it gives {list(shape)}, on record is {list(tensor.shape)}")


def _verify_loop(graph: Graph, place: int, step: Step, users: list[int]) -> None:
    """Loop variables keep type and shape; a network calls only later ones, so there is no recursion."""
    if len(step.options) != 2:
        raise FlatBufferError("kind of options")
    condition, body = (int(number) for number in step.options)
    if not (place < condition < len(graph.networks) and place < body < len(graph.networks) and condition != body):
        raise FlatBufferError("networks")
    users[condition] += 1
    users[body] += 1
    asked, turn = graph.networks[condition], graph.networks[body]
    expected = step.inputs
    for found in (step.outputs, _named(asked, asked.inputs), _named(turn, turn.inputs), _named(turn, turn.outputs)):
        if [tensor.type for tensor in found] != [tensor.type for tensor in expected]:
            raise FlatBufferError("types")
        if not all(agree(one.shape, other.shape) for one, other in zip(found, expected, strict=True)):
            raise FlatBufferError("sizes")
    answer = _named(asked, asked.outputs)
    if [(tensor.type, tensor.shape) for tensor in answer] != [(BOOL, ())]:
        raise FlatBufferError("condition")


def _named(network: Network, places: Iterable[int]) -> list[Tensor]:
    if any(not 0 <= place < len(network.tensors) for place in places):
        raise FlatBufferError("tensors")
    return [network.tensors[place] for place in places]


def _verify_signatures(graph: Graph, shape: dict[str, Any]) -> None:
    expected = dict(_expected(shape))
    names = [signature.name for signature in graph.signatures]
    if missing := sorted(set(expected) - set(names)):
        raise FlatBufferError(f"it lacks the networks {', '.join(missing)}")
    if sorted(names) != sorted(expected):
        raise FlatBufferError("it holds networks that model.json does not know")
    sizes: dict[str, int] = {}
    for signature in graph.signatures:
        tensors = graph.networks[signature.network].tensors
        for known, found in zip(expected[signature.name], (signature.inputs, signature.outputs), strict=True):
            if set(known) != set(found):
                raise FlatBufferError(f"its network {signature.name} has {', '.join(found)}, not {', '.join(known)}")
            for name, (type_, dimensions) in known.items():
                tensor = tensors[found[name]]
                expected_shape = tuple(-1 if size is None else sizes.get(size, size) for size in dimensions)
                if tensor.type != type_ or len(tensor.shape) != len(expected_shape):
                    raise FlatBufferError(f"{name} of its network {signature.name} is of another type or rank")
                for size, real in zip(expected_shape, tensor.shape, strict=True):
                    if isinstance(size, str):
                        sizes[size] = real
                    elif -1 not in (size, real) and size != real:
                        raise FlatBufferError(f"{name} of its network {signature.name} is of another size")


def _expected(shape: dict[str, Any]) -> Iterable[tuple[str, tuple[Ends, Ends]]]:
    """Inputs and outputs of the networks, as `Networks` in `seq2seq.export.litert_networks` lists them,
    `seq2seq.export.language_step`, `Blocks` and `Passes` in `seq2seq.export.acoustic_litert`, and
    `seq2seq.export.forecast_networks`."""
    if kind_in(shape) == LANGUAGE:
        state = (FLOAT32, (1, shape["state"]))
        given: Ends = {"ids": (INT32, (1,)), "state": state}
        yield "step", (given, {"log_probabilities": (FLOAT32, (1, shape["size"])), "state": state})
        return
    if kind_in(shape) == ACOUSTIC:
        yield from _acoustic(shape)
        return
    if kind_in(shape) in (FORECASTER, DETECTOR):
        yield from forecast_networks(shape)
        return
    attention, pointer = shape["decoder"]["attention"], shape["decoder"]["pointer"]
    state_size = shape["decoder"]["state"]
    word_ids: dict[str, Any] = {"source": None} if shape["words"] else {}
    for b in shape["batches"]:
        ids, mask = (INT32, (b, None)), (BOOL, (b, None))
        state = (FLOAT32, (b, state_size))
        embedded: Ends = {"vectors": (FLOAT32, (b, None, "embedding")), "kept": (FLOAT32, (b, None))}
        yield f"embed_{b}", ({"ids": ids}, embedded)
        for number, layer in enumerate(shape["encoder"]):
            width = f"layer {number}" if number else None
            turns = layer["directions"]
            carried = (FLOAT32, (b, layer["state"]))
            given = {"inputs": (FLOAT32, (b, width)), "keep": (FLOAT32, (b, turns)), "state": carried}
            yield f"encode_{number}_{b}", (given, {"outputs": (FLOAT32, (b, turns * layer["units"])), "state": carried})
        finals: Ends = {"state": (FLOAT32, (b, sum(layer["state"] for layer in shape["encoder"])))}
        first: Ends = {"state": state}
        memory: Ends = {}
        if attention:
            memory = {"keys": (FLOAT32, (b, None, "keys")), "values": (FLOAT32, (b, None, "values")), "mask": mask}
            finals |= {"values": (FLOAT32, (b, None, None)), "mask": mask, **({"source": ids} if word_ids else {})}
            first |= {name: memory[name] for name in ("keys", "values")}
        memory |= {"source": ids} if pointer else {}
        yield f"remember_{b}", (finals, first)
        if shape["extract"]:
            score = (FLOAT32, (b,))
            found: Ends = {"ids": ids, "lengths": (INT32, (b,)), "log_probability": score, "score": score}
            yield f"extract_{b}", ({"ids": ids}, found)
            continue
        for k in shape["beams"]:
            if k > 1 or shape.get("wait_k"):
                yield f"decode_{b}x{k}", _decode(b * k, min(k + 1, shape["target_size"]), shape, memory)
        lengths = (INT32, (b,))
        greedy: Ends = {"ids": ids, "lengths": lengths, "log_probability": (FLOAT32, (b,))}
        yield f"greedy_{b}", ({"ids": ids, "limits": lengths}, greedy)
    if attention:
        row: Ends = {"ids": (INT32, (1,)), "state": (FLOAT32, (1, state_size))}
        one = {name: (type_, (1, *size[1:])) for name, (type_, size) in memory.items()}
        yield "align", (row | one, {"weights": (FLOAT32, (1, None)), "state": row["state"]})


def _decode(rows: int, top: int, shape: dict[str, Any], memory: Ends) -> tuple[Ends, Ends]:
    state = (FLOAT32, (rows, shape["decoder"]["state"]))
    given: Ends = {"ids": (INT32, (rows,)), "state": state, **memory}
    if shape["rules"]["no_repeat"]:
        given["banned"] = (INT32, (rows, None))
    best = (FLOAT32, (rows, top))
    return given, {"top": best, "top_ids": (INT32, (rows, top)), "eos": (FLOAT32, (rows,)), "state": state}


def _acoustic(shape: dict[str, Any]) -> Iterable[tuple[str, tuple[Ends, Ends]]]:
    steps = shape["steps"]
    frames: Ends = {"frames": (FLOAT32, (1, steps * shape["stack"], shape["mels"])), "real": (INT32, (1,))}
    found: Ends = {"log_probs": (FLOAT32, (1, steps, shape["size"]))}
    if shape["delay"] is not None:
        state: Ends = {f"state_{number}": (FLOAT32, (1, *sizes)) for number, sizes in enumerate(shape["state"])}
        yield "hear", (frames | state, found | state)
        return

    def blocks(width: int) -> Ends:
        return dict.fromkeys(("forward", "backward"), (FLOAT32, (1, steps, width)))

    width = shape["width"]
    yield "embed", (frames, {"vectors": (FLOAT32, (1, steps, width))})
    for number, layer in enumerate(shape["layers"]):
        state = {f"state_{place}": (FLOAT32, (1, size)) for place, size in enumerate(layer["state"])}
        kept: Ends = {"kept": (FLOAT32, (1, steps, 2))}
        yield f"layer_{number}", (blocks(width) | kept | state, blocks(shape["units"]) | state)
        width = 2 * shape["units"]
    yield "head", ({"vectors": (FLOAT32, (1, steps, width))}, found)
