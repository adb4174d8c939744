"""Files that want to run code, to be written or read elsewhere, or to take all memory: refused in words."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import pickle
import shutil
import tarfile
import threading
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from seq2seq.catalogue.fetch import FetchError, RemoteFile

from seq2seq.catalogue import aeslc, fetch
from seq2seq.run.folder import RunFolderError, load_weights
from seq2seq.tasks.text_to_text.folder import TextRunFolder


class Bomb:
    """What unpickling it does can be seen: a file appears."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.fixture
def mark(tmp_path):
    """A file that must not appear. It would: that is tried out first."""
    mark = tmp_path / "code-has-run"
    pickle.loads(pickle.dumps(Bomb(mark)))
    assert mark.exists()
    mark.unlink()
    yield mark
    assert not mark.exists()


@pytest.fixture
def copy(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "run"))


def test_a_checkpoint_that_would_unpickle_is_refused(run, copy, mark, capsys):
    (copy / "scores.json").unlink()
    with zipfile.ZipFile(copy / "checkpoint.npz") as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    bomb = io.BytesIO()
    np.save(bomb, np.array([Bomb(mark)], dtype=object), allow_pickle=True)
    for name in ("checkpoint.npz", "checkpoint.before.npz"):
        with zipfile.ZipFile(copy / name, "w") as spoilt:
            for member, data in members.items():
                spoilt.writestr(member, bomb.getvalue() if member == "v0.npy" else data)
    assert run(copy) == 2
    assert "its arrays are of another kind" in capsys.readouterr().err


def test_a_checkpoint_that_declares_more_than_the_model_is_refused_before_it_is_read(run, copy, capsys):
    (copy / "scores.json").unlink()
    with zipfile.ZipFile(copy / "checkpoint.npz") as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": (1 << 45,)})
    for name in ("checkpoint.npz", "checkpoint.before.npz"):
        with zipfile.ZipFile(copy / name, "w") as spoilt:
            for member, data in members.items():
                spoilt.writestr(member, head.getvalue() if member == "v0.npy" else data)
    assert run(copy) == 2
    assert "v0.npy is float32[35184372088832], the model needs" in capsys.readouterr().err


def test_a_keras_file_with_a_layer_of_code_in_the_place_of_weights_is_refused(cli, copy, mark):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Lambda(lambda x: x)])
    archive = copy / "model.keras"
    model.save(archive)
    with zipfile.ZipFile(archive) as whole:
        assert "Lambda" in whole.read("config.json").decode()
    archive.replace(copy / "model.weights.h5")
    code, out, err = cli("translate", copy, text=b"ab\n")
    assert (code, out) == (2, "")
    assert "the weights are damaged or of another model" in err


def _first(group):
    """The name of some array."""
    found = []
    group.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found[0]


def _external_link(file, name, other):
    del file[name]
    file[name] = h5py.ExternalLink(str(other), name)


def _soft_link(file, name, other):
    del file[name]
    file[name] = h5py.SoftLink("/elsewhere")


def _external_array(file, name, other):
    shape = file[name].shape
    del file[name]
    file.create_dataset(name, shape, "f4", external=[(str(other), 0, h5py.h5f.UNLIMITED)])


def _huge(file, name, other):
    del file[name]
    file.create_dataset(name, (1 << 40,), "f4", chunks=(1 << 16,))


def _ring(file, name, other):
    file["ring"] = file["/"]
    _huge(file, name, other)


def _kind(kind):
    def change(file, name, other):
        values = file[name][()]
        del file[name]
        file[name] = values.astype(kind)

    return change


def _number(value):
    def change(file, name, other):
        file[name][(0,) * file[name].ndim] = value

    return change


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        *((_kind(kind), "an array of .*, expected floats") for kind in ("i4", "i8", "?", "c8", "S4")),
        *((_number(value), "holds numbers that are not finite") for value in (np.nan, np.inf, -np.inf)),
        (_external_link, "a link to another place"),
        (_soft_link, "a link to another place"),
        (_external_array, "an array from another file"),
        (_huge, "it declares 4,3"),
        (_ring, "it declares 4,3"),
    ],
)
def test_weights_that_lie_elsewhere_or_have_no_end_are_refused(copy, finished, spoil, told):
    model, _, _ = TextRunFolder(copy).load_model()
    path = copy / "model.weights.h5"
    with h5py.File(path, "a") as file:
        spoil(file, _first(file), finished / "model.weights.h5")
    with pytest.raises(RunFolderError, match=told):
        load_weights(model, path)


def test_a_recipe_that_names_code_is_refused(cli, copy, mark):
    values = json.loads((copy / "recipe.json").read_text())
    values["recipe"]["model"]["encoder"]["cell"] = {"module": "os", "class_name": "system", "config": [f"touch {mark}"]}
    values["recipe"]["__reduce__"] = ["os.system", f"touch {mark}"]
    (copy / "recipe.json").write_text(json.dumps(values))
    code, _, err = cli("translate", copy, text=b"ab\n")
    assert code == 2
    assert "recipe.json" in err
    assert "--model.encoder.cell" in err


@pytest.mark.parametrize("name", ["recipe.json", "scores.json", "data.json"])
def test_json_nested_without_end_is_refused(cli, copy, name):
    (copy / name).write_text("[" * 200_000)
    code, _, err = cli("compare", copy, copy)
    assert code == 2
    assert err.startswith("error: ")
    assert "Traceback" not in err


def _archive(kind, path, members, links=()):
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return
    with tarfile.open(path, "w:gz") as archive:
        for name, target in links:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            archive.addfile(link)
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_writes_nothing_outside_of_its_folder(tmp_path, monkeypatch, kind):
    monkeypatch.setenv(fetch.MIRROR, str(tmp_path / "mirror"))
    monkeypatch.setenv(fetch.CACHE, str(tmp_path / "a" / "b" / "cache"))
    mail = b"body\n\n@subject\nit\n"
    inside = "enron_subject_line/train/1.subject"
    names = [f"../../{inside}", f"{tmp_path}/out/{inside}", f"x/../../../{inside}", inside, "link/enron_subject_line/x"]
    members = {**dict.fromkeys(names, mail), "enron_subject_line/train/../../../../2.subject": mail}
    file = aeslc.OFFICIAL if kind == "zip" else aeslc.MIRRORED
    path = tmp_path / "mirror" / aeslc.NAME / file.name
    _archive(kind, path, members, [("link", str(tmp_path / "out"))])
    checked = RemoteFile(file.dataset, file.name, file.url, hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(aeslc, "OFFICIAL" if kind == "zip" else "MIRRORED", checked)
    before = {p for p in tmp_path.rglob("*") if "cache" not in p.parts}
    with pytest.raises(FetchError, match="does not hold the expected e-mails"):
        aeslc.load("train")
    assert {p for p in tmp_path.rglob("*") if "cache" not in p.parts} - before <= {
        tmp_path / "a",
        tmp_path / "a" / "b",
    }
    assert not [p for p in (tmp_path / "a" / "b" / "cache").rglob("*") if p.is_file()]


def test_a_download_with_another_checksum_says_both_and_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.delenv(fetch.MIRROR, raising=False)
    monkeypatch.setenv(fetch.CACHE, str(tmp_path / "cache"))
    data = b"something else\n"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *words):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            wanted = hashlib.sha256(b"hello\n").hexdigest()
            file = RemoteFile("set", "a.txt", f"http://127.0.0.1:{server.server_port}/a.txt", wanted)
            with pytest.raises(FetchError) as error:
                fetch.fetch(file)
        finally:
            server.shutdown()
            thread.join()
    assert wanted in str(error.value)
    assert hashlib.sha256(data).hexdigest() in str(error.value)
    assert not [name for _, _, names in os.walk(tmp_path) for name in names]
