"""Where a corpus file comes from: the mirror folder, the cache, or its official address, always checked by sha256."""

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
"""Environment variable: a folder that is asked first, as `<mirror>/<data set>/<file>`."""
CACHE = "SEQ2SEQ_DATA_CACHE"
"""Environment variable: where downloads are kept; otherwise the user's cache folder."""


class FetchError(ValueError):
    """A file could not be had. The message says what to put where."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a data set."""

    dataset: str
    """Folder name in mirror and cache."""
    name: str
    url: str
    sha256: str
    """Empty where the server makes the file anew: then whoever reads it checks what is in it."""


def cache_folder(dataset: str) -> Path:
    """Returns the folder that keeps a data set's files, made if need be."""
    root = os.environ.get(CACHE) or pooch.os_cache("seq2seq")
    folder = Path(root) / dataset
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def prepare(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Returns `folder`, made by `fill` where it does not stand yet; of several processes one makes it."""
    if not folder.is_dir():
        with locked(folder.parent):
            remove_leftovers(folder.parent)
            if not folder.is_dir():
                fill(folder)
    return folder


def fetch(file: RemoteFile) -> Path:
    """Returns the path of `file`, whole and checked.

    Raises:
        FetchError: it stands in neither folder and cannot be downloaded, or its checksum differs.
    """
    if local := find(file):
        return local
    folder = cache_folder(file.dataset)
    path = folder / file.name
    _log.info("Fetching %s", file.url)
    pooch.get_logger().setLevel("ERROR")
    try:
        # pooch downloads under a temporary name and renames only what has the right checksum.
        known = f"sha256:{file.sha256}" if file.sha256 else None
        pooch.retrieve(file.url, known, fname=file.name, path=folder)
    except ValueError as error:
        raise FetchError(f"{file.url} is not the file that was expected: {error}") from error
    except Exception as error:  # whatever a network can throw
        raise FetchError(
            f"Could not download {file.url} ({type(error).__name__}).\n"
            f"Fetch it by other means and put it at {path}, "
            f"or set {MIRROR} to a folder that holds {file.dataset}/{file.name}."
            + (f"\nIts sha256 must be {file.sha256}." if file.sha256 else "")
        ) from error
    return path


def find(file: RemoteFile) -> Path | None:
    """Returns where `file` stands in the mirror or in the cache, checked; None if it does not."""
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
            f"{path} is not the file that was expected.\n  expected sha256 {file.sha256}\n  received sha256 {digest}\n"
            f"Delete it, or replace it with the one from {file.url}."
        )
