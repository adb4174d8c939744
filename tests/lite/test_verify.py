"""Crafted networks: refused before the runtime sees them, and nothing that passes makes it crash."""

from __future__ import annotations

import contextlib
import json
import random
import struct

import keras
import numpy as np
import pytest

from benchmarks.fuzz_crafted import Crafter, craft_folder
from seq2seq.lite.flatbuffer import FlatBufferError
from seq2seq.lite.folder import LiteFolderError
from seq2seq.lite.generator import LiteGenerator
from seq2seq.lite.verify import verify
from tests.crafted import use_crafted

pytest.importorskip("ai_edge_litert", reason="the LiteRT runtime is not installed")
if keras.backend.backend() != "tensorflow":
    pytest.skip("a LiteRT model is made by TensorFlow", allow_module_level=True)


@pytest.fixture(scope="module")
def content(folder):
    return (folder / "model.tflite").read_bytes(), json.loads((folder / "model.json").read_text())


def test_an_export_passes(content):
    verify(*content)


def _patched(data, name, change):
    """Yields the file with another number in a dozen of the places of a name."""
    places = Crafter(data).by_name[name]
    for place in places[:: -(-len(places) // 12)]:
        changed = bytearray(data)
        before = struct.unpack_from("<" + place.format, data, place.at)[0]
        struct.pack_into("<" + place.format, changed, place.at, change(before))
        yield bytes(changed)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("root.offset", lambda before: 1 << 31),
        ("Model.table", lambda before: -before),
        ("Model.0", lambda before: 4),
        ("Model.2.length", lambda before: 1 << 28),
        ("OperatorCode.3", lambda before: 200),
        ("SubGraph.1", lambda before: 1 << 20),
        ("SubGraph.2", lambda before: -1),
        ("Tensor.0", lambda before: -7),
        ("Tensor.0", lambda before: before + (1 << 30)),
        ("Tensor.1", lambda before: 5),  # a string
        ("Tensor.2", lambda before: 1 << 20),
        ("Tensor.8", lambda before: 0),
        ("Operator.0", lambda before: 1 << 20),
        ("Operator.1", lambda before: 1 << 20),
        ("Operator.2", lambda before: -1),
        ("Operator.3", lambda before: 127),
        ("SubGraph.3.offset", lambda before: before - 4),
        ("Operator.4.offset", lambda before: (1 << 32) - 8),
        ("Signature.4", lambda before: 1 << 20),
        ("TensorMap.1", lambda before: 1 << 20),
    ],
)
def test_a_number_that_cannot_be_is_refused_wherever_it_stands(content, name, change):
    data, shape = content
    for changed in _patched(data, name, change):
        with pytest.raises(ValueError, match=r"\w"):
            verify(changed, shape)


def test_weights_that_are_not_finite_are_refused(content):
    data, shape = content
    values = np.frombuffer(data, "<f4", len(data) // 4)
    at = int(np.flatnonzero(np.abs(values - 1.5) < 1e-6)[-1])  # the bias of EOS, see `make`
    for value in (np.nan, np.inf, -np.inf):
        changed = np.array(values)
        changed[at] = value
        with pytest.raises(FlatBufferError, match="not finite"):
            verify(changed.tobytes() + data[4 * len(values) :], shape)


def test_another_description_of_the_networks_is_refused(content):
    data, shape = content
    layer = shape["encoder"][0]
    for change in (
        {"batches": [1, 2]},
        {"beams": [1]},
        {"encoder": [layer, layer]},
        {"encoder": [{**layer, "units": 5}]},
        {"decoder": {**shape["decoder"], "state": 9}},
        {"decoder": {**shape["decoder"], "pointer": True}},
        {"decoder": {**shape["decoder"], "attention": False}},
        {"rules": {"min_length": 0, "no_repeat": 2}},
        {"extract": True},
        {"words": True},
    ):
        with pytest.raises(FlatBufferError, match=r"its network|networks"):
            verify(data, {**shape, **change})


def test_crafted_files_are_refused_in_words(content):
    data, shape = content
    crafter = Crafter(data)
    refused = 0
    for number in range(150):
        with contextlib.suppress(ValueError):
            verify(crafter.craft(random.Random(f"words/{number}"))[0], shape)
            continue
        refused += 1
    assert refused > 100  # the others changed what nobody reads


def test_nothing_that_passes_makes_the_runtime_crash(folder, tmp_path):
    use_crafted(folder, tmp_path / "copy", 40)


def test_the_message_names_the_file(folder, tmp_path):
    draw = next(draw for draw in map(random.Random, range(20)) if not _passes(folder, tmp_path / "copy", draw))
    craft_folder(folder, tmp_path / "copy", draw)
    with pytest.raises(LiteFolderError, match=r"copy/model\.tflite: .* Export the run again\."):
        LiteGenerator.load(tmp_path / "copy")


def _passes(folder, copy, draw):
    state = draw.getstate()
    craft_folder(folder, copy, draw)
    draw.setstate(state)
    try:
        verify((copy / "model.tflite").read_bytes(), json.loads((copy / "model.json").read_text()))
    except ValueError:
        return False
    return True
