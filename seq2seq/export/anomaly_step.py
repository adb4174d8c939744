"""The SavedModel and the ONNX folder of a detector of anomalies: one step of its network, for any number of streams.

step    as `export.forecast_networks` has it, with the features of `series.stream_features`; `static` is 0. The
        parameters are location, scale and degrees of freedom of the next reading, in deviations from all before it.

The host makes the features, keeps the state, and turns -log p of each reading into a score: with `inference.surprises`
and `inference.anomalies`, which import no framework, or with code of its own by what the export says of the run.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from seq2seq.export.anomaly_litert import describe
from seq2seq.export.forecast_networks import StepNetwork
from seq2seq.files import follow_links
from seq2seq.folders import check_replaceable, whole_folder
from seq2seq.inference.anomalies import AnomalyDetector
from seq2seq.outputs import export_kind
from seq2seq.series.alarms import NORMAL_FILE, save_normal
from seq2seq.series.streams import STREAMS_FILE

_INPUTS = {
    "target_input": "(batch, 1, 6): the last reading, its change, the reading a day ago, the means around a day and "
    "around a week ago, and 1 or 0, whether there is a day; in deviations from the mean of all readings before",
    "static": "(batch, 1): 0",
    "state_N": "(batch, width): zeros at first, then what the step before gave",
}


def export_anomaly_saved_model(detector: AnomalyDetector, folder: Path) -> Path:
    """Writes the next version, `folder/1`, `folder/2`, …, whole or not at all.

    `about.json` in its folder assets.extra says what the inputs are, and what alarms and scores are.

    Args:
        detector: What to export: one with a network in memory.
        folder: Made if missing.

    Returns:
        The folder of the version.

    Raises:
        ValueError: another backend, or no threshold yet.
    """
    from seq2seq.export.forecast_saved_model import StepService
    from seq2seq.export.graphs import check_backend, write_version

    check_backend()
    network = _network_of(detector)
    about = {**describe(network, detector), "inputs": _INPUTS, "streams": asdict(detector.codec)}
    return write_version(StepService(network), folder, about)


def export_anomaly_onnx(detector: AnomalyDetector, folder: Path) -> Path:
    """Writes the ONNX folder, whole or not at all; one that stood there before is replaced.

    Beside the network are streams.json, how tables are read, and normal.npz, the scores of the training parts.

    Args:
        detector: What to export: one with a network in memory.
        folder: Where; nothing, or an earlier ONNX export.

    Raises:
        ValueError: another backend, no threshold yet, a folder that holds something else, or the converter is not
            installed.
    """
    from seq2seq.export.forecast_onnx import write_forecast_network
    from seq2seq.export.onnx import check_converter, write_shape

    check_converter()
    folder, kind, network = follow_links(folder), export_kind("onnx"), _network_of(detector)
    shape = describe(network, detector)
    check_replaceable(folder, kind)
    with whole_folder(folder, kind) as partial:
        write_forecast_network(network, partial)
        detector.codec.save(partial / STREAMS_FILE)
        save_normal(partial / NORMAL_FILE, detector.normal_scores())
        write_shape(partial, shape, text=False)
    return folder


def _network_of(detector: AnomalyDetector) -> StepNetwork:
    network: Any = detector.network
    return StepNetwork(network.model)
