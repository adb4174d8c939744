"""Crafted files for the fuzzer: their checksums are right, their content is not.

In a model.tflite fields, vectors, offsets and constants are changed, and the rest stays, as an attacker would do who
aims at the runtime's memory. In a checkpoint the progress and the arrays are changed.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import struct
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.fuzz_cases import RUN, _objective, mutate, mutate_json
from benchmarks.fuzz_outputs import SHARE, TARGETS

VECTOR = {"bytes": 1, "ints": 4, "floats": 4, "longs": 8}
SCALAR = {"byte": "b", "bool": "B", "int": "i", "uint": "I", "long": "q", "float": "f", "ulong": "Q"}
OPTIONS = ["byte|int"] * 8
"""An operator of any kind: each field is a byte or an int, which is known from the distance to the next."""

SCHEMA: dict[str, list[str]] = {
    "Model": ["uint", "[OperatorCode", "[SubGraph", "bytes", "[Buffer", "ints", "[Metadata", "[Signature"],
    "OperatorCode": ["byte", "bytes", "int", "int"],
    "SubGraph": ["[Tensor", "ints", "ints", "[Operator", "bytes", "int"],
    "Tensor": ["ints", "byte", "uint", "bytes", "Quantization", "bool", "", "ints", "bool", ""],
    "Quantization": ["floats", "floats", "floats", "longs", "byte", "", "int"],
    "Operator": ["uint", "ints", "ints", "byte", "Options", "bytes", "byte", "bytes", "ints", "ulong", "ulong", "byte"],
    "Options": OPTIONS,
    "Buffer": ["bytes", "ulong", "ulong"],
    "Metadata": ["bytes", "uint"],
    "Signature": ["[TensorMap", "[TensorMap", "bytes", "bytes", "uint"],
    "TensorMap": ["bytes", "uint"],
}


class Place(NamedTuple):
    """A number in the file."""

    at: int
    format: str
    name: str
    """What the number is: the table and the field, "offset", "length", "table" or "constant"."""


def places(data: bytes) -> list[Place]:
    """Every number of a well-formed file, except the values of large arrays and the letters of names."""
    found: list[Place] = []
    seen: set[tuple[str, int]] = set()

    def at(place: int, kind: str) -> int:
        return int(struct.unpack_from("<" + kind, data, place)[0])

    def table(name: str, start: int) -> None:
        if (name, start) in seen:
            return
        seen.add((name, start))
        vtable = start - at(start, "i")
        found.append(Place(start, "i", f"{name}.table"))
        size = at(vtable, "H")
        if ("vtable", vtable) not in seen:
            seen.add(("vtable", vtable))
            found.extend(Place(vtable + step, "H", "vtable") for step in range(0, size, 2))
        offsets = [at(vtable + step, "H") for step in range(4, size, 2)]
        for number, (kind, offset) in enumerate(zip(SCHEMA[name], offsets, strict=False)):
            if offset and kind:
                field(f"{name}.{number}", kind, start + offset, at(vtable + 2, "H") - offset)

    def field(name: str, kind: str, place: int, room: int) -> None:
        if kind in SCALAR:
            found.append(Place(place, SCALAR[kind], name))
        elif kind == "byte|int":
            found.append(Place(place, "i" if place % 4 == 0 and room >= 4 else "b", name))
        else:
            found.append(Place(place, "I", f"{name}.offset"))
            target = place + at(place, "I")
            if kind in SCHEMA:
                table(kind, target)
                return
            found.append(Place(target, "I", f"{name}.length"))
            count = at(target, "I")
            if kind[0] == "[":
                for item in range(target + 4, target + 4 + 4 * count, 4):
                    found.append(Place(item, "I", f"{name}.offset"))
                    table(kind[1:], item + at(item, "I"))
            elif kind == "bytes" and name == "Buffer.0" and count <= 64:
                found.extend(Place(target + 4 + step, "i", "constant") for step in range(0, count - 3, 4))
            elif kind != "bytes":
                letter = {"ints": "i", "floats": "f", "longs": "q"}[kind]
                step = VECTOR[kind]
                found.extend(Place(target + 4 + step * n, letter, name) for n in range(count))

    found.append(Place(0, "I", "root.offset"))
    table("Model", at(0, "I"))
    return found


class Crafter:
    """Makes changed copies of a well-formed file."""

    def __init__(self, data: bytes):
        self.data = data
        self.by_name: dict[str, list[Place]] = {}
        for place in places(data):
            self.by_name.setdefault(place.name, []).append(place)

    def craft(self, draw: random.Random) -> tuple[bytes, str]:
        """Returns another file, and what was changed."""
        data, changes = bytearray(self.data), []
        for _ in range(draw.choice((1, 1, 1, 2, 4))):
            place = draw.choice(self.by_name[draw.choice(list(self.by_name))])
            before = self._read(data, place)
            for value in self._values(place, before, draw):
                try:
                    struct.pack_into("<" + place.format, data, place.at, value)
                except struct.error:
                    continue
                changes.append(f"{place.name}@{place.at}: {before} -> {value}")
                break
        if draw.random() < 0.03:
            del data[draw.randrange(len(data)) :]
            changes.append(f"cut to {len(data)}")
        return bytes(data), "; ".join(changes)

    def _read(self, data: bytearray, place: Place) -> float:
        value: float = struct.unpack_from("<" + place.format, data, place.at)[0]
        return value

    def _values(self, place: Place, before: float, draw: random.Random) -> Iterator[float]:
        """Yields candidates; the first that fits the format is used."""
        kind = draw.randrange(5)
        if kind == 0:
            yield draw.choice((0, -1, 1, 2, -2, 3, 4, 5, 8, 127, 255))
        elif kind == 1:
            yield before + draw.choice((-1, 1, -4, 4, 2, -2, 16, 1000))
        elif kind == 2:
            yield draw.choice((2**31 - 1, -(2**31), 2**32 - 1, 2**16 - 1, 2**15, 1 << 28, -(1 << 28), 2**63 - 1))
        elif kind == 3:
            other = draw.choice(self.by_name[place.name])
            there = self._read(bytearray(self.data), other)
            # An offset counts forward from its own place; a table's first number counts back to its vtable.
            moved = {"offset": other.at - place.at, "table": place.at - other.at}
            yield there + moved.get(place.name.rpartition(".")[2], 0)
        else:
            yield draw.randrange(64)
        yield draw.randrange(128)


TEXT = ["the old man", "a", "because the letter is very old, our teacher gives it back today."]


@cache
def _crafter(folder: Path) -> Crafter:
    return Crafter((folder / "model.tflite").read_bytes())


def craft_folder(folder: Path, copy: Path, draw: random.Random) -> None:
    """Copies a LiteRT folder with changed networks and correct checksums."""
    data, _ = _crafter(folder).craft(draw)
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    (copy / "model.tflite").write_bytes(data)
    shape = json.loads((copy / "model.json").read_text("utf-8"))
    shape["files"]["model.tflite"] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (copy / "model.json").write_text(json.dumps(shape), "utf-8")


def use_folder(folder: Path) -> None:
    """Calls every kind of network of a LiteRT folder, in small and large batches."""
    from seq2seq.lite.kinds import ACOUSTIC, DETECTOR, FORECASTER, kind_of_folder

    uses = {ACOUSTIC: _use_recognizer, FORECASTER: _use_forecaster, DETECTOR: _use_detector}
    uses.get(kind_of_folder(folder), _use_generator)(folder)


def _use_recognizer(folder: Path) -> None:
    import numpy as np

    from seq2seq.lite.acoustic import load_recognizer

    recognizer = load_recognizer(folder)
    recognizer.transcribe(np.random.default_rng(1).standard_normal(recognizer.rate) / 8, recognizer.rate)


def _use_forecaster(folder: Path) -> None:
    import numpy as np

    from seq2seq.lite.forecast import load_forecaster

    (network,) = (forecaster := load_forecaster(folder)).networks
    shapes = json.loads((folder / "model.json").read_text())["inputs"]
    for rows in (1, 33):
        arrays = {
            name: np.ones((rows, *sizes), np.int32 if name == "series" else np.float32)
            for name, sizes in shapes.items()
        }
        if forecaster.samples:
            network.advance(arrays, network.begin(rows))
        else:
            network.parameters(arrays)


def _use_detector(folder: Path) -> None:
    import numpy as np

    from seq2seq.inference.surprises import Surprises
    from seq2seq.lite.anomaly import load_detector

    detector = load_detector(folder)
    for rows in (1, 33):
        surprises = Surprises(detector.network, np.full(rows, 24))
        surprises.advance(np.random.default_rng(1).normal(size=(rows, 30)))


def _use_generator(folder: Path) -> None:
    from seq2seq.lite.generator import LiteGenerator

    one = LiteGenerator.load(folder, threads=1).with_options(cut_input=True)  # of any limit
    many = one.networks.batches[-1]
    searches = [one] if one.options.extract else [one, one.with_options(beam_size=1, mbr=0.0, num_best=1)]
    for search in searches:
        search.generate(TEXT)
        search.generate(TEXT[:2] * many)
    if one.has_attention and not one.options.extract:
        one.align([(TEXT[0], one.target_tokenizer.pieces([4, 5, 4]))])
    if one.wait_k:
        one.interpreter(2).interpret(TEXT)
        one.interpreter(2).interpret(TEXT[:2] * many)


def lite_networks(draw: random.Random) -> None:
    """A crafted model.tflite, used like any other."""
    craft_folder(RUN.absolute() / "export" / "litert", Path("crafted").absolute(), draw)
    use_folder(Path("crafted"))


def _change(array: Any, draw: random.Random) -> Any:
    """Returns the array with another type or shape, or with NaN or infinity in it."""
    import numpy as np

    kind = draw.randrange(4)
    if kind == 0:
        return array.astype(draw.choice(("i4", "f8", "c8", "?", "f2", "S4", "u1")))
    if kind == 1:
        return draw.choice((array[None], array.reshape(-1)[:-1], np.zeros((0,), array.dtype)))
    if kind == 2 and array.dtype.kind == "f" and array.size:
        array = array.copy()
        array.reshape(-1)[draw.randrange(array.size)] = draw.choice((np.nan, np.inf, -np.inf))
    return array


def save_crafted_checkpoint(path: Path, draw: random.Random) -> None:
    """Writes a changed checkpoint of the run with a correct checksum."""
    import numpy as np

    from seq2seq.training.checkpoint import _digest

    with np.load(RUN / "checkpoint.npz") as file:
        arrays = [file[f"v{number}"] for number in range(len(file.files) - 2)]
        progress = json.loads(file["progress"].tobytes())
    if draw.random() < 0.3:
        place = draw.randrange(len(arrays))
        arrays[place] = _change(arrays[place], draw)
    text = mutate_json(progress, draw).encode("utf-8", "surrogatepass")
    parts = {f"v{number}": array for number, array in enumerate(arrays)}
    parts |= {"progress": np.frombuffer(text, np.uint8), "sha256": np.frombuffer(_digest(text, arrays), np.uint8)}
    compression = draw.choice((zipfile.ZIP_STORED,) * 5 + (zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, array in parts.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array)
    if compression != zipfile.ZIP_STORED:
        path.write_bytes(mutate(path.read_bytes(), draw))


def crafted_checkpoint(draw: random.Random) -> None:
    """A checkpoint is refused, or its progress can be used."""
    from seq2seq.run.folder import RunFolder
    from seq2seq.run.report import write_history
    from seq2seq.training.checkpoint import load_checkpoint
    from seq2seq.training.guard import Watch
    from seq2seq.training.resume import check_progress

    path = Path("crafted.npz")
    save_crafted_checkpoint(path, draw)
    columns = "nll", "val_nll", "val_bleu", "seconds"
    progress = load_checkpoint(path, _objective(), lambda found: check_progress(found, 3, 10, columns))
    assert progress is not None
    Watch(**progress["watch"])
    write_history(RunFolder(Path("crafted-run")), progress["history"])
    assert 0 <= progress["epoch"] == len(progress["history"])
    assert progress["patience_from"] + progress["step"] + progress["seconds"] + progress["tokens_per_second"] >= 0


TARGETS.update({each.__name__: each for each in (lite_networks, crafted_checkpoint)})
SHARE.update({"lite_networks": 0.3, "crafted_checkpoint": 0.3})
