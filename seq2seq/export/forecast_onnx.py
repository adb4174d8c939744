"""The ONNX folder of a forecaster: its network for any number of rows, and what was learned of the table.

window.onnx  or  step.onnx    as `export.forecast_networks` has them; the state after a step is `next_state_0`, …
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from seq2seq.export.forecast_networks import WHOLE, Network, describe, network_of
from seq2seq.export.onnx import check_converter, write_network, write_shape
from seq2seq.files import follow_links
from seq2seq.folders import check_replaceable, whole_folder
from seq2seq.inference.forecasting import Forecaster
from seq2seq.outputs import export_kind
from seq2seq.series.codec import CODEC_FILE


def export_forecast_onnx(forecaster: Forecaster, folder: Path) -> Path:
    """Writes the ONNX folder of a forecaster, whole or not at all; one that stood there before is replaced.

    Args:
        forecaster: What to export: one with a network in memory.
        folder: Where; nothing, or an earlier ONNX export.

    Raises:
        ValueError: another backend, several networks, a folder that holds something else, or the converter is not
            installed.
    """
    check_converter()
    folder, kind, network = follow_links(folder), export_kind("onnx"), network_of(forecaster)
    check_replaceable(folder, kind)
    with whole_folder(folder, kind) as partial:
        write_forecast_network(network, partial)
        forecaster.codec.save(partial / CODEC_FILE)
        write_shape(partial, describe(network, forecaster), text=False)
    return folder


def write_forecast_network(network: Network, folder: Path) -> None:
    """Writes a network for any number of rows to a folder, as NAME.onnx."""
    inputs: dict[str, tuple[str | int, ...]] = {name: ("rows", *sizes) for name, sizes in network.inputs.items()}
    write_network(_Network(network), folder / f"{network.name}.onnx", inputs, WHOLE)


class _Network(keras.Model):
    def __init__(self, network: Network):
        super().__init__(name=network.name)
        self.model, self._network = network.model, network
        self.built = self._called = True  # the exporter asks; the model inside is

    def call(self, inputs: Sequence[Any]) -> dict[str, Any]:
        found = self._network(dict(zip(self._network.inputs, inputs, strict=True)))
        return {name if name == "parameters" else f"next_{name}": part for name, part in found.items()}
