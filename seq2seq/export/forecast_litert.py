"""The LiteRT folder of a forecaster: its network, and what was learned of the table.

`export.forecast_networks` says what the signatures take and give: `window` for one window, or `step_1`, `step_32`, …,
for a step of as many rows. `seq2seq.lite.forecast` drives them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from seq2seq.export.forecast_networks import WHOLE, Network, WindowNetwork, describe, network_of
from seq2seq.export.litert import check_conversion, convert, write_shape
from seq2seq.files import follow_links
from seq2seq.folders import check_replaceable, whole_folder
from seq2seq.inference.forecasting import Forecaster
from seq2seq.lite.folder import NETWORKS_FILE
from seq2seq.lite.kinds import FORECASTER
from seq2seq.outputs import export_kind
from seq2seq.series.codec import CODEC_FILE

BATCHES = (1, 32)
"""Rows of a step. Sample paths go side by side."""
MOST_SEGMENTS = 512
"""Segments of a context that are written out."""


def refusal_of_litert(forecaster: Forecaster) -> str:
    """Returns why a forecaster has no LiteRT folder; "" where it has."""
    network = network_of(forecaster)
    if not isinstance(network, WindowNetwork):
        return ""
    segments = forecaster.context // network.model.frontend.length
    if segments <= MOST_SEGMENTS:
        return ""
    return (
        f"A LiteRT folder takes contexts of at most {MOST_SEGMENTS} segments; this one has {segments:,}. Train with a "
        "longer model.segment or a shorter window.context, or export in another form."
    )


def export_forecast_litert(forecaster: Forecaster, folder: Path, quantize: str = "int8") -> Path:
    """Writes the LiteRT folder of a forecaster, whole or not at all; one that stood there before is replaced.

    Args:
        forecaster: What to export: one with a network in memory.
        folder: Where; nothing, or an earlier LiteRT export.
        quantize: "none"; "float16": weights of half the size; "int8": of a quarter, and faster.

    Raises:
        ValueError: several networks, another backend, an unknown `quantize`, or another folder's place.
    """
    check_conversion(quantize)
    if reason := refusal_of_litert(forecaster):
        raise ValueError(reason)
    folder, kind, network = follow_links(folder), export_kind("litert"), network_of(forecaster)
    check_replaceable(folder, kind)
    batches = [1] if isinstance(network, WindowNetwork) else list(BATCHES)
    shape = {"kind": FORECASTER, **describe(network, forecaster), "batches": batches}
    with whole_folder(folder, kind) as partial:
        (partial / NETWORKS_FILE).write_bytes(convert(network.model, signatures(network, batches), quantize))
        forecaster.codec.save(partial / CODEC_FILE)
        write_shape(partial, quantize, shape)
    return folder


def signatures(network: Network, batches: list[int]) -> dict[str, Any]:
    """Returns the functions of a network by name, one for each number of rows.

    The fast kernels for weights of 8 bits need a fixed number of them.
    """
    names = list(network.inputs)

    def call(*given: Any) -> dict[str, Any]:
        return network.unrolled(dict(zip(names, given, strict=True)))

    found = {}
    for rows in batches:
        specs = [
            tf.TensorSpec((rows, *sizes), WHOLE.get(name, "float32"), name) for name, sizes in network.inputs.items()
        ]
        name = network.name if isinstance(network, WindowNetwork) else f"{network.name}_{rows}"
        found[name] = tf.function(call, autograph=False).get_concrete_function(*specs)
    return found
