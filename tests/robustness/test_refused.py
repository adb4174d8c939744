"""What has no end, stands elsewhere, or has numbers without bounds: refused in words, each found by the fuzzer."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import keras
import pytest
from seq2seq.catalogue.fetch import FetchError

import seq2seq
from recipes.translation import RECIPES
from seq2seq.catalogue import aeslc
from seq2seq.cli.common import EXIT_FAILED, guarded
from seq2seq.cli.train import parse
from seq2seq.files import check_regular, format_json, parse_json, read_bytes, read_json
from seq2seq.lite.folder import NETWORKS_FILE, SOURCE_FILE, TARGET_FILE, LiteFolderError, load_shape
from seq2seq.lite.kinds import SHAPE_FILE
from seq2seq.lite.networks import LiteNetworks
from seq2seq.run.folder import RunFolderError
from seq2seq.run.parsing import RecipeError
from seq2seq.search.options import MOST, SearchOptions
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.text.corpus import CorpusError, Records, read_lines
from seq2seq.text.subword import SubwordTokenizer


@pytest.fixture
def copy(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture
def endless(tmp_path):
    """A pipe into which nobody writes: whoever opens it waits for ever."""
    path = tmp_path / "endless"
    os.mkfifo(path)
    return path


def test_only_a_regular_file_of_few_bytes_is_read_whole(tmp_path, endless):
    check_regular(tmp_path)  # opening it tells more
    (tmp_path / "file").write_bytes(b"12")
    assert read_bytes(tmp_path / "file", 2) == b"12"
    assert read_json(tmp_path / "file") == 12
    with pytest.raises(ValueError, match="it is longer than 1 bytes"):
        read_bytes(tmp_path / "file", 1)
    with pytest.raises(ValueError, match="it is longer than 1,000 bytes"):
        read_bytes("/dev/zero", 1000)  # its user may name a device; it is not read for ever
    with pytest.raises(ValueError, match="not a regular file"):
        read_json(endless)
    with pytest.raises(IsADirectoryError):
        read_bytes(tmp_path, 1)
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "nothing", 1)


@pytest.mark.parametrize("name", ["source.model", "scores.json", "data.json", "hypotheses/test.txt"])
def test_a_file_of_a_run_that_has_no_end_is_not_opened(cli, copy, finished, endless, name):
    (copy / name).unlink()
    (copy / name).symlink_to(endless)
    other = shutil.copytree(finished, copy.parent / "other")
    words = ("translate", copy) if name == "source.model" else ("compare", copy, other)
    code, out, err = cli(*words, text=b"ab\n")
    assert (code, out) == (2, "")
    assert str(copy) in err
    assert "not a regular file" in err


@pytest.mark.parametrize("name", [SHAPE_FILE, NETWORKS_FILE, SOURCE_FILE, TARGET_FILE])
def test_a_file_of_an_export_that_has_no_end_or_stands_elsewhere_is_refused(tmp_path, endless, name):
    folder = tmp_path / "lite"
    folder.mkdir()
    shape = {"format": 5, "seq2seq": "0", "files": {n: {"bytes": 0, "sha256": ""} for n in (name, "../../x", "/etc/x")}}
    for each in (NETWORKS_FILE, SOURCE_FILE, TARGET_FILE):
        (folder / each).write_bytes(b"")
    (folder / SHAPE_FILE).write_text(json.dumps(shape))
    (folder / name).unlink()
    (folder / name).symlink_to(endless)
    with pytest.raises(LiteFolderError, match=str(folder)):
        load_shape(folder)
    (folder / name).unlink()
    (tmp_path / "other").write_bytes(b"{}")
    (folder / name).symlink_to(tmp_path / "other")
    with pytest.raises(LiteFolderError, match=str(folder)):
        load_shape(folder)


def test_a_network_that_breaks_while_it_runs_is_told(tmp_path):
    def broken(**arrays):
        raise RuntimeError("node 3 failed to prepare")

    networks = LiteNetworks.__new__(LiteNetworks)
    networks._made_from, networks._runners = (tmp_path, {}), {"greedy_1": broken}
    with pytest.raises(LiteFolderError, match=r"model\.tflite: its network greedy_1 cannot be run \(node 3"):
        networks._call("greedy_1", ())


@pytest.mark.parametrize("size", [0, 1, 100, 5000])
def test_random_bytes_are_no_tokeniser(tmp_path, rng, size):
    (tmp_path / "a.model").write_bytes(rng.bytes(size))
    with pytest.raises(ValueError, match=r"a\.model: "):
        SubwordTokenizer.load(tmp_path / "a.model")


def test_a_test_set_on_record_that_waits_for_ever_is_not_opened(cli, copy, endless):
    record = json.loads((copy / "data.json").read_text())
    record["tests"]["test"]["source"] = str(endless)
    (copy / "data.json").write_text(json.dumps(record))
    for words in (("evaluate", copy), ("compare", copy, copy)):
        code, _, err = cli(*words)
        assert code == 2
        assert "endless is not a regular file" in err


def test_a_test_set_on_record_cannot_name_files_elsewhere(cli, copy):
    (copy.parent / "secret.txt").write_text("x\n" * 8)
    for name in ("scores.json", "data.json"):
        record = json.loads((copy / name).read_text())
        record["tests"] = {"../../secret": record["tests"]["test"]}
        (copy / name).write_text(json.dumps(record))
    code, out, err = cli("compare", copy, copy)
    assert (code, out) == (2, "")
    assert "'../../secret' is no name of a test set" in err


@pytest.mark.parametrize("scores", ["x", {"bleu": 1}, {"bleu": {}}, ["bleu"], None])
def test_damaged_scores_are_named(cli, copy, scores):
    shutil.copytree(copy, copy.parent / "other")
    (copy / "scores.json").write_text(json.dumps({"tests": {"test": scores}}))
    code, out, err = cli("compare", copy.parent / "other", copy)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {copy}: damaged scores")


def test_a_name_on_record_that_no_file_can_have_is_told(cli, copy):
    record = json.loads((copy / "data.json").read_text())
    record["tests"]["test"]["source"] = "1" * 5000
    (copy / "data.json").write_text(json.dumps(record))
    code, out, err = cli("compare", copy, copy)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {copy}: damaged data")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/tmp/x", "a/../../b", "a\\b", "a\0"])
def test_a_recipe_cannot_choose_a_place_for_its_run(name, finished, tmp_path):
    values = json.loads((finished / "recipe.json").read_text())
    values["recipe"]["name"] = name
    (tmp_path / "recipe.json").write_text(json.dumps(values))
    words = ["--from", str(tmp_path / "recipe.json")]
    with pytest.raises(RecipeError, match="does not lead into runs/"):
        parse(RECIPES, words)
    assert parse(RECIPES, [*words, "--run-folder", "there"])[1] == Path("there")
    assert parse(RECIPES, [*words, "--name", "a/b"])[1] == Path("runs/a/b")


def test_a_recipe_of_a_larger_network_than_the_weights_is_refused_before_it_is_made(copy, monkeypatch):
    values = json.loads((copy / "recipe.json").read_text())
    for place, name in (("encoder", "units"), ("decoder", "attention_units"), ("encoder", "num_layers")):
        changed = json.loads(json.dumps(values))
        changed["recipe"]["model"][place][name] = 10**9
        (copy / "recipe.json").write_text(json.dumps(changed))
        with pytest.raises(RunFolderError, match=r"the recipe's has .* bytes of them or more, the file holds"):
            TextRunFolder(copy).load_model()
    (copy / "recipe.json").write_text(json.dumps(values))
    TextRunFolder(copy).load_model()


@pytest.mark.parametrize("field", ["length_penalty", "max_ratio", "temperature", "mbr", "diversity"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e300])
def test_numbers_of_a_search_are_finite(field, value):
    with pytest.raises(ValueError, match=f"{field} must be a number of at most"):
        SearchOptions(**{field: value})


def test_whole_numbers_of_a_search_fit_a_graph():
    for field in ("beam_size", "min_length", "max_extra", "top_k", "no_repeat_ngram"):
        with pytest.raises(ValueError, match=f"{field} must be a number of at most"):
            SearchOptions(**{field: 10**30})
    assert SearchOptions(max_ratio=1e9).output_limit(10**9) == MOST
    assert SearchOptions(seed=10**18, sampling=True).seed == 10**18
    with pytest.raises(ValueError, match="seed must not be negative"):
        SearchOptions(seed=-1, sampling=True)
    with pytest.raises(RecipeError, match="max_ratio must be a number of at most"):
        parse(RECIPES, ["demo", "--search.max_ratio", "inf"])


@pytest.mark.parametrize("text", ["epoch,val_nll,val_bleu\n1,2\n", "epoch,val_nll\n1,x\n", "\udcff\n"])
def test_a_damaged_history_is_named(cli, copy, text):
    (copy / "history.csv").write_bytes(text.encode("utf-8", "surrogateescape") * 2)
    shutil.copytree(copy, copy.parent / "other")
    code, _, err = cli("compare", copy, copy.parent / "other")
    assert code == 2
    assert "history.csv: damaged" in err


def test_a_name_with_a_nul_is_told_as_one():
    with pytest.raises(CorpusError, match=r"'a\\x00b' is not a file name"):
        list(read_lines(Path("a\0b")))


def test_lone_surrogates_in_json_leave_as_they_came_and_are_read_as_unknown_characters(cli, finished):
    row = {"text": "ab \ud800", "id": "\udfff", "name": "é"}
    code, out, _ = cli("translate", finished, "--json", text=json.dumps(row).encode() + b"\n")
    assert code == 0
    assert row.items() <= json.loads(out).items()
    assert cli("translate", finished, text="ab \ufffd\n".encode())[1] == json.loads(out)["output"] + "\n"
    assert format_json({"a": "é"}) == '{"a": "é"}'
    assert parse_json(format_json(["é", "\ud800"])) == ["é", "\ud800"]


def test_lone_surrogates_in_records_become_characters(cli, finished, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"source": "a\ud800b", "target": "\udc00 AB", "more": "\ud83d\ude00"}) + "\n")
    (example,) = Records(path, reference_fields=("more",))
    assert (example.source, example.target, example.references) == ("a\ufffdb", "\ufffd AB", ("😀",))
    for more in ("--json", "--target-pieces"):
        code, _, err = cli("score", finished, "--source", path, more)
        assert code == 0, err


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_what_is_no_file_in_an_archive_is_left_out(tmp_path, kind):
    name = "enron_subject_line/train/{}.subject"
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        odd, plain = tarfile.TarInfo(name.format("odd")), tarfile.TarInfo(name.format("plain"))
        odd.type, odd.linkname, plain.size = kind, "/etc/passwd", 2
        archive.addfile(odd)
        archive.addfile(plain, io.BytesIO(b"ab"))
    assert dict(aeslc._members(tmp_path / "a.tar")) == {"train/plain.subject": b"ab"}


@pytest.mark.parametrize("ending", ["zip", "tar.gz"])
def test_an_archive_that_grows_without_bounds_is_left(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(aeslc, "MAX_BYTES", 1 << 16)
    path, names = tmp_path / f"a.{ending}", [f"enron_subject_line/train/{n}.subject" for n in range(2)]
    if ending == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.writestr(name, bytes(1 << 16))
    else:
        with tarfile.open(path, "w:gz") as packed:
            for name in names:
                member = tarfile.TarInfo(name)
                member.size = 1 << 16
                packed.addfile(member, io.BytesIO(bytes(1 << 16)))
    assert path.stat().st_size < 1 << 12
    with pytest.raises(FetchError, match="holds over 65,536 bytes"):
        list(aeslc._members(path))


def _encrypt(path):
    """Marks every member of a zip as encrypted: in its own header, and in the list at the end."""
    data = path.read_bytes()
    for head, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.find(head)
        while at >= 0:
            data = data[: at + place] + bytes([data[at + place] | 1]) + data[at + place + 1 :]
            at = data.find(head, at + 4)
    path.write_bytes(data)


def test_encrypted_archives_are_told(run, copy, tmp_path, monkeypatch, capsys):
    (copy / "scores.json").unlink()
    (copy / "checkpoint.before.npz").unlink(missing_ok=True)
    _encrypt(copy / "checkpoint.npz")
    assert run(copy) == 2
    assert "checkpoint.npz: the checkpoint is damaged" in capsys.readouterr().err
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("enron_subject_line/train/1.subject", b"ab")
    _encrypt(tmp_path / "a.zip")
    monkeypatch.setattr(aeslc, "find", lambda file: tmp_path / "a.zip")
    with pytest.raises(FetchError, match=r"a\.zip is not a readable archive"):
        aeslc._unpack(tmp_path / "out")


class ResourceExhaustedError(Exception):
    """As TensorFlow has one."""


@pytest.mark.parametrize(
    "error", [MemoryError(), ResourceExhaustedError("OOM when allocating"), RuntimeError("RESOURCE_EXHAUSTED: 9 GB")]
)
def test_memory_that_is_not_there_gets_one_message(error, capsys):
    def work():
        raise error

    assert guarded(work) == EXIT_FAILED
    assert capsys.readouterr().err.startswith("error: out of memory.")


@pytest.fixture
def archive(tmp_path):
    """A model that runs code when it is loaded unsafely: it is tried out that it would."""
    mark = tmp_path / "code-has-run"
    code = keras.layers.Lambda(
        lambda x, place: (__import__("pathlib").Path(place).touch(), x)[1], arguments={"place": str(mark)}
    )
    model = keras.Sequential([keras.Input((1,)), code])
    mark.unlink(missing_ok=True)
    path = tmp_path / "model.keras"
    model.save(path)
    keras.saving.load_model(path, safe_mode=False)
    assert mark.exists()
    mark.unlink()
    yield path
    assert not mark.exists()


VERBS = [
    ["translate", "FILE"],
    ["score", "FILE", "--source", "TEXT", "--target", "TEXT"],
    ["align", "FILE", "--source", "TEXT", "--target", "TEXT"],
    ["evaluate", "FILE"],
    ["compare", "FILE", "FILE"],
    ["average", "FILE", "FILE", "--output", "NEW"],
    ["export", "FILE", "--format", "saved_model"],
    ["augment", "FILE", "--input", "TEXT", "--output", "NEW"],
    ["rerank", "--source", "TEXT", "--n-best", "LIST", "--score", "FILE"],
    ["doctor", "--source", "TEXT", "--target", "TEXT", "--run", "FILE"],
    ["doctor", "--source", "TEXT", "--target", "TEXT", "--recipe", "FILE"],
    ["doctor", "--source", "TEXT", "--target", "TEXT", "--source-model", "FILE"],
]


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_no_command_runs_the_code_of_a_keras_archive(cli, archive, tmp_path, words):
    (tmp_path / "text").write_text("ab\n")
    (tmp_path / "list").write_text("0 ||| AB ||| 1\n")
    names = {"FILE": archive, "TEXT": tmp_path / "text", "LIST": tmp_path / "list", "NEW": tmp_path / "new"}
    code, out, err = cli(*[names.get(word, word) for word in words], text=b"ab\n")
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert archive.name in err
    assert "Traceback" not in err


@pytest.mark.parametrize("name", ["model.weights.h5", "recipe.json", "source.model", "target.model"])
def test_no_file_of_a_run_may_be_a_keras_archive(copy, archive, name):
    shutil.copy(archive, copy / name)
    with pytest.raises(ValueError, match=name):
        seq2seq.load(copy)
