"""The LiteRT folder of a detector of anomalies: its network, how tables are read, and what alarms are.

The signatures `step_1` and `step_32` are those of an autoregressive forecaster, see `export.forecast_networks`: one
step of as many streams, whose features are `series.stream_features` and whose parameters those of Student's t.
`static` is 0. `seq2seq.lite.anomaly` drives them.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from seq2seq.export.forecast_litert import BATCHES, signatures
from seq2seq.export.forecast_networks import StepNetwork
from seq2seq.export.litert import check_conversion, convert, write_shape
from seq2seq.files import follow_links
from seq2seq.folders import check_replaceable, whole_folder
from seq2seq.inference.anomalies import AnomalyDetector
from seq2seq.lite.anomaly_shape import check_detector
from seq2seq.lite.folder import NETWORKS_FILE
from seq2seq.lite.kinds import DETECTOR
from seq2seq.outputs import export_kind
from seq2seq.series.alarms import NORMAL_FILE, save_normal
from seq2seq.series.streams import STREAMS_FILE


def export_anomaly_litert(detector: AnomalyDetector, folder: Path, quantize: str = "int8") -> Path:
    """Writes the LiteRT folder of a detector, whole or not at all; one that stood there before is replaced.

    Args:
        detector: What to export: one with a network in memory.
        folder: Where; nothing, or an earlier LiteRT export.
        quantize: "none"; "float16": weights of half the size; "int8": of a quarter.

    Raises:
        ValueError: no threshold yet, another backend, an unknown `quantize`, or another folder's place.
    """
    check_conversion(quantize)
    folder, kind = follow_links(folder), export_kind("litert")
    check_replaceable(folder, kind)
    keras_network: Any = detector.network
    network = StepNetwork(keras_network.model)
    shape = {"kind": DETECTOR, **describe(network, detector), "batches": list(BATCHES)}
    check_detector(shape)
    with whole_folder(folder, kind) as partial:
        (partial / NETWORKS_FILE).write_bytes(convert(network.model, signatures(network, list(BATCHES)), quantize))
        detector.codec.save(partial / STREAMS_FILE)
        save_normal(partial / NORMAL_FILE, detector.normal_scores())
        write_shape(partial, quantize, shape)
    return folder


def describe(network: StepNetwork, detector: AnomalyDetector) -> dict[str, Any]:
    """Returns what a host must know to make the inputs, and scores and alarms of the parameters."""
    detector.threshold()  # says what is missing before the training has ended
    head = network.model.head
    return {
        "network": network.name,
        "distribution": head.KIND,
        "size": network.model.target_size,
        "inputs": {name: list(sizes) for name, sizes in network.inputs.items() if not name.startswith("state_")},
        "state": network.state,
        "least_scale": head.least_scale,
        "alarms": detector.alarms._asdict() if detector.alarms else None,
        "scores": asdict(detector.make),
    }
