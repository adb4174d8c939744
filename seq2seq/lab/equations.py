"""Equations are code: each cell as a textbook has it, as the toolkit computes it, and one step with real numbers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from textwrap import dedent
from typing import Any, NamedTuple

import numpy as np

from seq2seq.lab.report import Item, Listing, Part, Progress, Report, Settings, Table
from seq2seq.layers.cells import CELLS, LinearCell, make_cell, state_sizes
from seq2seq.layers.names import CellName

TITLE = "Equations are code"
QUESTION = "What does a recurrent cell compute, and which lines of the toolkit compute it?"

Values = dict[str, Any]
"""The arrays of a step by their names: the input, the state, the weights, and what was computed so far."""
TOLERANCE = 1e-5
UNITS, INPUTS = 2, 3


class Equation(NamedTuple):
    """One line of a cell's definition."""

    name: str
    """What it defines."""
    text: str
    """Its right side, as a textbook writes it."""
    compute: Callable[[Values], np.ndarray]
    """The same in NumPy."""


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-x)."""
    return 1 / (1 + np.exp(-x))


def normalised(x: np.ndarray, gain: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """`x` with mean 0 and variance 1, then scaled and shifted."""
    return (x - x.mean()) / np.sqrt(x.var() + 1e-5) * gain + shift


def _gate(name: str, squash: Callable[[np.ndarray], np.ndarray] = sigmoid) -> Callable[[Values], np.ndarray]:
    return lambda v: squash(v[f"W_{name}"] @ v["x"] + v[f"U_{name}"] @ v["h"] + v[f"b_{name}"])


def _normal_gate(name: str, squash: Callable[[np.ndarray], np.ndarray] = sigmoid) -> Callable[[Values], np.ndarray]:
    bias = 1.0 if name == "f" else 0.0
    return lambda v: squash(v["a"][name] + bias)


def _normal_sums(v: Values) -> Any:
    """All gates at once, since one normalisation goes over the sums of all four."""
    x, h = (np.concatenate([v[f"{kind}_{gate}"] for gate in "ifgo"]) for kind in ("W", "U"))
    total = normalised(x @ v["x"], v["gain_x"], v["shift_x"]) + normalised(h @ v["h"], v["gain_h"], v["shift_h"])
    total = total + np.concatenate([v[f"b_{gate}"] for gate in "ifgo"])
    return dict(zip("ifgo", np.split(total, 4), strict=True))


EQUATIONS: dict[CellName, list[Equation]] = {
    "simple": [
        Equation("h'", "tanh(W x + U h + b)", lambda v: np.tanh(v["W_h"] @ v["x"] + v["U_h"] @ v["h"] + v["b_h"]))
    ],
    "gru": [
        Equation("z", "σ(W_z x + U_z h + b_z)", _gate("z")),
        Equation("r", "σ(W_r x + U_r h + b_r)", _gate("r")),
        Equation(
            "g",
            "tanh(W_g x + b_g + r ⊙ (U_g h + c_g))",
            lambda v: np.tanh(v["W_g"] @ v["x"] + v["b_g"] + v["r"] * (v["U_g"] @ v["h"] + v["c_g"])),
        ),
        Equation("h'", "z ⊙ h + (1 - z) ⊙ g", lambda v: v["z"] * v["h"] + (1 - v["z"]) * v["g"]),
    ],
    "lstm": [
        Equation("i", "σ(W_i x + U_i h + b_i)", _gate("i")),
        Equation("f", "σ(W_f x + U_f h + b_f)", _gate("f")),
        Equation("g", "tanh(W_g x + U_g h + b_g)", _gate("g", np.tanh)),
        Equation("o", "σ(W_o x + U_o h + b_o)", _gate("o")),
        Equation("c'", "f ⊙ c + i ⊙ g", lambda v: v["f"] * v["c"] + v["i"] * v["g"]),
        Equation("h'", "o ⊙ tanh(c')", lambda v: v["o"] * np.tanh(v["c'"])),
    ],
    "layer_norm_lstm": [
        Equation("a", "LN(W x) + LN(U h) + b, for i, f, g and o together", _normal_sums),
        Equation("i", "σ(a_i)", _normal_gate("i")),
        Equation("f", "σ(a_f + 1)", _normal_gate("f")),
        Equation("g", "tanh(a_g)", _normal_gate("g", np.tanh)),
        Equation("o", "σ(a_o)", _normal_gate("o")),
        Equation("c'", "f ⊙ c + i ⊙ g", lambda v: v["f"] * v["c"] + v["i"] * v["g"]),
        Equation("h'", "o ⊙ tanh(LN(c'))", lambda v: v["o"] * np.tanh(normalised(v["c'"], v["gain_c"], v["shift_c"]))),
    ],
    "ssru": [
        Equation("f", "σ(W_f x + b_f)", lambda v: sigmoid(v["W_f"] @ v["x"] + v["b_f"])),
        Equation("c'", "f ⊙ c + (1 - f) ⊙ W_g x", lambda v: v["f"] * v["c"] + (1 - v["f"]) * (v["W_g"] @ v["x"])),
        Equation("h'", "max(c', 0)", lambda v: np.maximum(v["c'"], 0)),
    ],
    "min_gru": [
        Equation("f", "σ(W_f x + b_f)", lambda v: sigmoid(v["W_f"] @ v["x"] + v["b_f"])),
        Equation("g", "W_g x + b_g", lambda v: v["W_g"] @ v["x"] + v["b_g"]),
        Equation("h'", "f ⊙ h + (1 - f) ⊙ g", lambda v: v["f"] * v["h"] + (1 - v["f"]) * v["g"]),
    ],
}
"""σ is the logistic function, ⊙ the product of elements, LN layer normalisation with its own gain and shift."""

GATES = {"simple": "h", "gru": "zrg", "lstm": "ifgo", "layer_norm_lstm": "ifgo", "ssru": "fg", "min_gru": "fg"}
"""The parts of a cell's weights, in their order."""
STATES = {"lstm": ("h", "c"), "layer_norm_lstm": ("h", "c"), "ssru": ("c",)}
WORDS = {
    "simple": "The network of Elman (1990): the state is squashed and mixed anew at each step.",
    "gru": "The gated recurrent unit (Cho et al. 2014): z keeps the state, r gates what the candidate sees of it.",
    "lstm": "Long short-term memory (Hochreiter & Schmidhuber 1997; the forget gate by Gers et al. 2000): c is only "
    "scaled and added to, so that what it holds can stay.",
    "layer_norm_lstm": "The LSTM with layer normalisation (Ba et al. 2016) of both products and of c.",
    "ssru": "The simpler simple recurrent unit (Kim et al. 2019): no matrix meets the state, so all products are "
    "computed for all steps at once.",
    "min_gru": "The minimal GRU (Feng et al. 2024): gates see the input alone; the state is linear in the one before.",
}


def run(settings: Settings, progress: Progress) -> Report:
    """Computes one step of each cell twice, by the equations and by the toolkit."""
    parts, worst = [], 0.0
    for number, name in enumerate(CELLS):
        progress(number / len(CELLS), name)
        differences = [compare(name, seed)[1] for seed in settings.seeds]
        worst = max(worst, *differences)
        parts.append(_part(name, settings.seeds[0]))
    answer = (
        f"All {len(CELLS)} cells of the toolkit compute what the textbook says: over {len(settings.seeds)} seeds the "
        f"largest difference of a step is {worst:.1g}."
    )
    return Report(TITLE, QUESTION, answer, parts, settings)


def compare(name: CellName, seed: int) -> tuple[Values, float]:
    """Returns all values of one step by the equations, and its largest difference from the toolkit's step."""
    random = np.random.default_rng(seed)
    cell = make_cell(name, UNITS)
    cell.build((1, INPUTS))
    cell.set_weights([random.normal(size=weight.shape).astype("float32") for weight in cell.get_weights()])
    x = random.normal(size=INPUTS).astype("float32")
    state = [random.normal(size=size).astype("float32") for size in state_sizes(cell)]
    values: Values = {"x": x, **dict(zip(STATES.get(name, ("h",)), state, strict=True)), **weights_of(name, cell)}
    for equation in EQUATIONS[name]:
        values[equation.name] = equation.compute(values)
    output, after = cell.recur(cell.project(x[None]), [part[None] for part in state])
    found = [np.asarray(output)[0], *(np.asarray(part)[0] for part in after)]
    expected = [values["h'"], *(values[f"{part}'"] for part in STATES.get(name, ("h",)))]
    return values, float(max(np.abs(one - other).max() for one, other in zip(found, expected, strict=True)))


def weights_of(name: CellName, cell: Any) -> Values:
    """Returns the matrices and biases of a cell under the names of the equations, one for each gate."""
    gates, found = GATES[name], {}
    for gate, kernel in zip(gates, np.split(np.asarray(cell.kernel).T, len(gates)), strict=True):
        found[f"W_{gate}"] = kernel
    if hasattr(cell, "recurrent_kernel"):
        for gate, kernel in zip(gates, np.split(np.asarray(cell.recurrent_kernel).T, len(gates)), strict=True):
            found[f"U_{gate}"] = kernel
    bias = np.asarray(cell.bias)
    if name == "gru":  # one bias of the input, one within the reset; where both are added, they are one
        inner = dict(zip(gates, np.split(bias[1], 3), strict=True))
        for gate, part in zip(gates, np.split(bias[0], 3), strict=True):
            found[f"b_{gate}"] = part if gate == "g" else part + inner[gate]
        found["c_g"] = inner["g"]
    else:  # ssru has a bias of the forget gate alone
        parts = np.split(bias, len(bias) // UNITS)
        found |= {f"b_{gate}": part for gate, part in zip(gates, parts, strict=False)}
    for kind, gain in (("x", "input"), ("h", "recurrent"), ("c", "cell")):
        if hasattr(cell, f"{gain}_gain"):
            found[f"gain_{kind}"] = np.asarray(getattr(cell, f"{gain}_gain"))
            found[f"shift_{kind}"] = np.asarray(getattr(cell, f"{gain}_shift"))
    return found


def _part(name: CellName, seed: int) -> Part:
    values, difference = compare(name, seed)
    given = [("input", "x", values["x"])] + [("state", part, values[part]) for part in STATES.get(name, ("h",))]
    rows = [[kind, symbol, _numbers(value)] for kind, symbol, value in given]
    for equation in EQUATIONS[name]:
        value = values[equation.name]
        value = np.concatenate(list(value.values())) if isinstance(value, dict) else value
        rows.append([f"{equation.name} = {equation.text}", equation.name, _numbers(value)])
    items: list[Item] = [
        Table(
            f"{name}", f"One step of {UNITS} units with {INPUTS} inputs, seed {seed}", ["equation", "", "value"], rows
        ),
        Listing(f"seq2seq/layers/cells.py, {CELLS[name].__name__}", source_of(CELLS[name])),
    ]
    words = [WORDS[name], f"Computed by these lines instead, the step differs by at most {difference:.1g}."]
    return Part(name, words, items)


def source_of(cell: type) -> str:
    """Returns the lines that compute a step: what is known for all steps at once, then what recurs."""
    names = ["project", *(["gate"] if issubclass(cell, LinearCell) else []), "recur"]
    names += ["state_output"] if issubclass(cell, LinearCell) else []
    return "\n".join(dedent(inspect.getsource(getattr(cell, name))) for name in names).rstrip()


def _numbers(value: np.ndarray) -> str:
    return "  ".join(f"{number:+.4f}" for number in value)
