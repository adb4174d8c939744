"""Gets the files of a data set from the mirror folder, the cache or their official address, and checks their sha256."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pooch

from seq2seq.files import locked, remove_leftovers

_log = logging.getLogger(__name__)

MIRROR = "SEQ2SEQ_DATA_MIRROR"
"""Environment variable: a folder that is searched first, for `<mirror>/<data set>/<file>`."""
CACHE = "SEQ2SEQ_DATA_CACHE"
"""Environment variable: the folder for downloads. Default: the user's cache folder."""


class FetchError(ValueError):
    """A file is not available. The message says which file to put where."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a data set."""

    dataset: str
    """Folder name in mirror and cache."""
    name: str
    """Its path in this folder, with `/`."""
    url: str
    sha256: str
    """Empty where the server builds the file for each download: the reader then checks its contents."""


def cache_folder(dataset: str) -> Path:
    """Returns the folder for the files of a data set; creates it if it is missing."""
    root = os.environ.get(CACHE) or pooch.os_cache("seq2seq")
    folder = Path(root) / dataset
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def prepare(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Returns `folder`; calls `fill` to create it if it is missing. Of several processes only one does."""
    if not folder.is_dir():
        with locked(folder.parent):
            remove_leftovers(folder.parent)
            if not folder.is_dir():
                fill(folder)
    return folder


def fetch(file: RemoteFile) -> Path:
    """Returns the path of `file`, complete and checked; downloads it if it is in neither folder.

    Raises:
        FetchError: the download failed, or the checksum differs.
    """
    if local := find(file):
        return local
    folder = cache_folder(file.dataset)
    path = folder / file.name
    path.parent.mkdir(parents=True, exist_ok=True)
    _log.info("Fetching %s", file.url)
    pooch.get_logger().setLevel("ERROR")
    try:
        # pooch downloads to a temporary name, and renames the file only if its checksum is right.
        known = f"sha256:{file.sha256}" if file.sha256 else None
        pooch.retrieve(file.url, known, fname=path.name, path=path.parent)
    except ValueError as error:
        raise FetchError(f"{file.url} is not the expected file: {error}") from error
    except Exception as error:  # a network fails in many ways
        raise FetchError(
            f"Could not download {file.url} ({type(error).__name__}).\n"
            f"Download it by other means and put it at {path}, "
            f"or set {MIRROR} to a folder that holds {file.dataset}/{file.name}."
            + (f"\nIts sha256 must be {file.sha256}." if file.sha256 else "")
        ) from error
    return path


def find(file: RemoteFile) -> Path | None:
    """Returns the path of `file` in the mirror or the cache, checked; None if it is in neither."""
    mirror = os.environ.get(MIRROR)
    for folder in ([Path(mirror) / file.dataset] if mirror else []) + [cache_folder(file.dataset)]:
        path = folder / file.name
        if path.is_file():
            _check(path, file)
            return path
    return None


def _check(path: Path, file: RemoteFile) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if file.sha256 else ""
    if digest != file.sha256:
        raise FetchError(
            f"{path} is not the expected file.\n  expected sha256 {file.sha256}\n  received sha256 {digest}\n"
            f"Delete it, or replace it with the one from {file.url}."
        )
