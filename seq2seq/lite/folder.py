"""The files of a LiteRT folder, and their checks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seq2seq import __version__
from seq2seq.audio.frontend import FRONTEND_FILE, Frontend
from seq2seq.files import check_regular, read_bytes, read_json
from seq2seq.lite.anomaly_shape import check_detector
from seq2seq.lite.forecast_shape import check_forecaster
from seq2seq.lite.kinds import ACOUSTIC, DETECTOR, FORECASTER, LANGUAGE, SHAPE_FILE, kind_in
from seq2seq.search.options import SearchOptions
from seq2seq.series.alarms import NORMAL_FILE
from seq2seq.series.codec import CODEC_FILE
from seq2seq.series.streams import STREAMS_FILE
from seq2seq.text.codecs import TOKENIZER_FILE, VOCABULARY_FILE, Codec, load_codec
from seq2seq.text.placeholders import Placeholders
from seq2seq.text.subword import SubwordTokenizer

FORMAT = 8
"""Of the folder; the only one that is read."""
NETWORKS_FILE = "model.tflite"
SOURCE_FILE = "source.model"
TARGET_FILE = "target.model"
MOST = (1 << 31) - 1
"""Most bytes of a file, by the format of its networks."""

MOST_SIZE = 1 << 28
"""Largest size of any part of a network."""
MOST_NETWORKS = 64
"""Most batch sizes, beams or layers."""


class LiteFolderError(ValueError):
    """A LiteRT folder is incomplete, damaged or of another version. The message says which and what to do."""


def is_lite_folder(path: Path) -> bool:
    """Whether `path` is what `seq2seq export --format litert` makes."""
    return (Path(path) / SHAPE_FILE).is_file()


def load_shape(path: Path) -> dict[str, Any]:
    """Reads model.json and checks every file of the folder against it.

    Raises:
        LiteFolderError: something is missing, cut off, altered, or of another version.
    """
    path = Path(path)
    try:
        shape = read_json(path / SHAPE_FILE)
        version, maker, files = shape["format"], shape["seq2seq"], dict(shape.get("files") or {})
        kind = kind_in(shape)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LiteFolderError(f"{path / SHAPE_FILE}: missing or damaged ({error}). Export the run again.") from error
    if version != FORMAT:
        raise LiteFolderError(
            f"{path}: written in format {version} by seq2seq {maker}; this is seq2seq {__version__}, which reads "
            f"format {FORMAT}. Export the run again with this version."
        )
    names = {
        LANGUAGE: [_codec_file(files)],
        ACOUSTIC: [_codec_file(files), FRONTEND_FILE],
        FORECASTER: [CODEC_FILE],
        DETECTOR: [STREAMS_FILE, NORMAL_FILE],
    }
    for name in (NETWORKS_FILE, *(names[kind] if kind else [SOURCE_FILE, TARGET_FILE])):
        _check(path / name, files.get(name))
    try:
        if kind == LANGUAGE:
            _count(shape["state"])
            _count(shape["size"])
        elif kind == ACOUSTIC:
            _check_acoustic(shape)
        elif kind == FORECASTER:
            check_forecaster(shape)
        elif kind == DETECTOR:
            check_detector(shape)
        else:
            _check_description(shape)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise LiteFolderError(
            f"{path / SHAPE_FILE}: its description of the networks is damaged ({error!r}). Export the run again."
        ) from error
    return shape


def _count(value: Any, least: int = 1) -> None:
    if type(value) is not int or not least <= value <= MOST_SIZE:
        raise ValueError(f"expected a whole number from {least} to {MOST_SIZE}, not {str(value)[:40]}")


def _check_acoustic(shape: dict[str, Any]) -> None:
    """As `_check_description`, of a recogniser."""
    for name in ("steps", "stack", "mels", "size"):
        _count(shape[name])
    _count(shape["search"]["beam_size"])
    if shape["delay"] is not None:
        _count(shape["delay"], 0)
        parts = shape["state"]
    else:
        _count(shape["width"])
        _count(shape["units"])
        parts = [layer["state"] for layer in shape["layers"]]
        if any(type(layer["residual"]) is not bool or len(layer["state"]) % 2 for layer in shape["layers"]):
            raise ValueError("a layer is not of two directions")
    if not isinstance(parts, list) or not 0 < len(parts) <= MOST_NETWORKS:
        raise ValueError("expected a few layers")
    for part in parts:
        if not isinstance(part, list) or not 0 < len(part) <= MOST_NETWORKS:
            raise ValueError("a state is not a list of a few sizes")
        for size in part:
            _count(size)
    if shape["delay"] is not None:
        ahead = [part[0] for part in parts if len(part) > 1]
        if ahead != [shape["delay"]] * (shape["delay"] > 0):
            raise ValueError("the state does not fit the delay")


def _check_description(shape: dict[str, Any]) -> None:
    """Raises KeyError, TypeError, AttributeError or ValueError for a value of the wrong type or out of bounds."""

    def flag(value: Any) -> None:
        if type(value) is not bool:
            raise ValueError(f"expected true or false, not {str(value)[:40]}")

    for name in ("batches", "beams"):
        if not isinstance(shape[name], list) or not 0 < len(set(shape[name])) == len(shape[name]) <= MOST_NETWORKS:
            raise ValueError(f"{name} is not a list of a few different numbers")
        for value in shape[name]:
            _count(value)
    if not isinstance(shape["encoder"], list) or not 0 < len(shape["encoder"]) <= MOST_NETWORKS:
        raise ValueError("encoder is not a list of a few layers")
    for layer in shape["encoder"]:
        for name in ("directions", "units", "state"):
            _count(layer[name])
        flag(layer["residual"])
    decoder, rules = shape["decoder"], shape["rules"]
    flag(decoder["attention"])
    flag(decoder["pointer"])
    if decoder["state"] is not None:
        _count(decoder["state"])
    for name in ("min_length", "no_repeat"):
        _count(rules[name], 0)
    for name in ("words", "extract", "right_to_left"):
        flag(shape[name])
    for name in ("source_size", "target_size"):
        _count(shape[name])
    waits = shape.get("wait_k", [])
    if not isinstance(waits, list) or len(waits) > MOST_NETWORKS:
        raise ValueError("wait_k is not a list of a few numbers")
    for value in waits:
        _count(value)
    if waits and (not decoder["attention"] or decoder["pointer"] or decoder["state"] is None or shape["extract"]):
        raise ValueError("wait_k does not fit the decoder")
    if waits and any(layer["directions"] > 1 for layer in shape["encoder"]):
        raise ValueError("wait_k does not fit the encoder")
    share = shape.get("several_sentences")
    if share is not None and (type(share) not in (int, float) or not 0 <= share <= 1):
        raise ValueError(f"several_sentences is not a share: {str(share)[:40]}")


def _check(file: Path, expected: Any) -> None:
    try:
        check_regular(file)
        data = read_bytes(file, MOST)
    except OSError as error:
        raise LiteFolderError(f"{file}: {error.strerror}. Export the run again.") from error
    except ValueError as error:
        raise LiteFolderError(f"{file}: {error}. Export the run again.") from error
    size = expected.get("bytes") if isinstance(expected, dict) else None
    if len(data) != size:
        raise LiteFolderError(f"{file}: {len(data):,} bytes; {SHAPE_FILE} says {size}. It was truncated or replaced.")
    if hashlib.sha256(data).hexdigest() != expected.get("sha256"):
        raise LiteFolderError(f"{file}: its checksum is not the one in {SHAPE_FILE}. It was damaged or replaced.")


def load_tokenizers(path: Path, shape: dict[str, Any]) -> tuple[SubwordTokenizer, SubwordTokenizer]:
    """Returns the source and target tokenisers; LiteFolderError if a vocabulary does not fit the network."""
    found = []
    placeholders = _placeholders(shape.get("placeholders"), Path(path) / SHAPE_FILE)
    for name, side in ((SOURCE_FILE, "source_size"), (TARGET_FILE, "target_size")):
        try:
            right_to_left = side == "target_size" and bool(shape.get("right_to_left"))
            tokenizer = SubwordTokenizer.load(Path(path) / name, right_to_left, placeholders)
        except ValueError as error:
            raise LiteFolderError(str(error)) from error
        if tokenizer.size != shape.get(side):
            raise LiteFolderError(
                f"{Path(path) / name}: a vocabulary of {tokenizer.size:,} tokens; the network has {shape.get(side)}."
            )
        found.append(tokenizer)
    return found[0], found[1]


def _codec_file(files: Mapping[str, Any]) -> str:
    return VOCABULARY_FILE if VOCABULARY_FILE in files else TOKENIZER_FILE


def load_frontend(path: Path, shape: dict[str, Any]) -> Frontend:
    """Returns the front end of a recogniser; LiteFolderError if it is damaged or does not fit the network."""
    try:
        frontend = Frontend.load(Path(path) / FRONTEND_FILE)
    except ValueError as error:
        raise LiteFolderError(str(error)) from error
    if frontend.mels.mels != shape["mels"]:
        raise LiteFolderError(
            f"{Path(path) / FRONTEND_FILE}: {frontend.mels.mels} mels; the network has {shape['mels']:,}."
        )
    return frontend


def load_text_codec(path: Path, shape: dict[str, Any]) -> Codec:
    """Returns the tokeniser of a language model or the labels of a recogniser.

    LiteFolderError if the vocabulary does not fit the network.
    """
    path = Path(path)
    file = path / _codec_file(shape["files"])
    try:
        codec = load_codec(file)
    except ValueError as error:
        raise LiteFolderError(str(error)) from error
    if codec.size != shape["size"]:
        raise LiteFolderError(f"{file}: a vocabulary of {codec.size:,} tokens; the network has {shape['size']:,}.")
    return codec


def _placeholders(values: Any, path: Path) -> Placeholders | None:
    if not values:
        return None
    try:
        return Placeholders(tuple(values["names"]), bool(values["required"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LiteFolderError(f"{path}: its placeholders are damaged ({error}).") from error


def load_search(path: Path, shape: dict[str, Any]) -> SearchOptions:
    """Returns the search options of the exported run."""
    try:
        return SearchOptions(**shape["search"])
    except (KeyError, TypeError, ValueError) as error:
        raise LiteFolderError(f"{Path(path) / SHAPE_FILE}: its search options are damaged ({error}).") from error
