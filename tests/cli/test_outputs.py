"""No command takes the place of what it reads, of a run or of a stranger's file; links, pipes and names hold."""

import os
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from seq2seq.folders import whole_folder


@pytest.fixture
def place(finished, tmp_path, monkeypatch):
    """The working folder: two copies of a run, texts, links, and folders of others."""
    for name in ("run", "other"):
        shutil.copytree(finished, tmp_path / name)
    texts = {
        "in": "ab\ncd\n",
        "ref": "AB\nCD\n",
        "list": "0 ||| AB ||| -1\n1 ||| CD ||| -1\n",
        "words.tsv": "ab\tAB\n",
        "model.json": "{}",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "link").symlink_to("in")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "model.json").write_text("{}")
    (tmp_path / "to-folder").symlink_to("folder")
    with whole_folder(tmp_path / "made", "seq2seq export --format litert") as partial:
        (partial / "model.json").write_text("{}")
    (tmp_path / "out.shards").mkdir()
    (tmp_path / "out.shards" / "input").write_text("ab\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def state(folder):
    """All that is in a folder."""
    found = {}
    for path in folder.rglob("*"):
        content = os.readlink(path) if path.is_symlink() else path.is_file() and sha256(path.read_bytes()).hexdigest()
        found[str(path)] = path.lstat().st_mode, content
    return found


REFUSED = """
translate run --input in --output in
translate run --input in --output ./link
translate run --input link --output in
translate run --output run/recipe.json
translate run --output run/new
translate run --output other/source.model
translate run --output out --alignments out
translate run --output out --alignments ./out
translate run --hard-alignments out --alignments out
translate run --heatmap out.png --output out.png
translate run --replace-unknown --dictionary words.tsv --output words.tsv
translate run --terms words.tsv --output words.tsv
translate run --exclude-file words.tsv --alignments words.tsv
translate run other --output other/x
translate run --output folder
translate run --output made/model.json
translate run --input in --workers 2 --output in
translate run --input out.shards/input --workers 2 --output out
align run --source in --target ref --hard-alignments ref
align run --source in --target ref --alignments in
align run --source in --target ref --alignments x.npz --hard-alignments x.npz
evaluate run --output-folder run
evaluate run --output-folder other
evaluate run --output-folder run/new
evaluate run --output-folder .
evaluate run --output-folder folder
evaluate run --output-folder made
evaluate run --output-folder to-folder
evaluate run --output run/scores.json
evaluate run --source in --target ref --output ref
evaluate run --source in --target ref --output x.png --calibration x.png
evaluate run --source in --target ref --output-folder new --output new/x
compare run other --html other/scores.json
compare run other --html x.svg --curves x.svg
compare run other --train in --html in
compare run other --buckets in --html in
score run --source in --target ref --output ref
score run --source words.tsv --output words.tsv
rerank --source in --n-best list --output list
rerank --source in --n-best list --n-best-output in
rerank --source in --n-best list --output x --n-best-output ./x
rerank --source in --n-best list --tune-on ref --output ref
rerank --source in --n-best list --score run --output run/x
average run other --output run
average run other --output other/mean
average run other --output folder
average run other --output made
export run --format litert --output run
export run --format litert --output other/export/x
export run --format litert --output folder
export run --format litert --output to-folder
export run --format onnx --output made
export run --format saved_model --output folder
export run --format saved_model --output run
doctor --source in --target ref --html ref
doctor --source in --target ref --fix .
doctor --source in --target ref --fix folder
doctor --source in --target ref --fix run
doctor --source in --target ref --fix new --html new/x
doctor --source in --target ref --recipe run/recipe.json --html run/recipe.json
doctor --source in --target ref --source-model run/source.model --html run/source.model
doctor --source in --target ref --test-source out.shards/input --fix out.shards
"""


@pytest.mark.parametrize("line", REFUSED.strip().splitlines())
def test_what_may_not_be_replaced_is_not_touched_and_the_output_is_named(cli, place, line):
    before = state(place)
    code, out, err = cli(*line.split(), text=b"ab\n")
    assert (code, out) == (2, ""), err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert any(word in err for word in line.split() if word.startswith("--")), err
    assert state(place) == before


@pytest.mark.parametrize("name", ["partial-out", "before-out"])
def test_names_of_users_are_no_temporary_names(cli, place, name):
    shutil.copy("in", name)
    shutil.copytree("run", f"{name}.run")
    before = state(place)
    code, _, err = cli("rerank", "--source", name, "--n-best", "list", "--output", "out", "--n-best-output", "sorted")
    assert (code, err) == (0, "")
    assert cli("average", f"{name}.run", "other", "--output", "out.run")[0] == 0
    assert cli("compare", f"{name}.run", "other", "--html", "out.html", "--samples", 2)[0] == 0
    for path, what in before.items():
        assert state(place)[path] == what


def test_outputs_on_links_and_pipes_reach_what_they_lead_to(cli, place):
    (place / "elsewhere").mkdir()
    (place / "elsewhere" / "old").write_text("old")
    names = {
        "list-link": "elsewhere/old",
        "html-link": "elsewhere/page.html",
        "curves-link.svg": "elsewhere/curves.svg",
    }
    for name, target in names.items():
        (place / name).symlink_to(target)
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    lists = ("--source", "in", "--n-best", "list")
    assert cli("rerank", *lists, "--output", "pipe", "--n-best-output", "list-link")[0] == 0
    assert os.read(reader, 99) == b"AB\nCD\n"
    words = ("compare", "run", "other", "--samples", 2, "--html", "html-link", "--curves", "curves-link.svg")
    assert cli(*words)[0] == 0
    assert cli("compare", "run", "other", "--samples", 2, "--html", "pipe", "--curves", "curves-link.svg")[0] == 0
    assert os.read(reader, 1 << 20).startswith(b"<!")
    os.close(reader)
    assert (place / "elsewhere" / "old").read_text().startswith("0 ||| AB")
    assert sorted(path.name for path in (place / "elsewhere").iterdir()) == ["curves.svg", "old", "page.html"]
    assert all((place / name).is_symlink() for name in names)
    assert Path("pipe").is_fifo()


def test_a_folder_of_the_same_kind_is_replaced_also_through_a_link(cli, place):
    words = ("doctor", "--source", "in", "--target", "ref", "--processes", 1, "--fix")
    for name in ("clean", "clean", "to-clean"):
        if name == "to-clean":
            (place / name).symlink_to("clean")
        assert cli(*words, name)[0] == 0
        assert sorted(path.name for path in Path(name).iterdir()) == [".seq2seq.json", "dropped.tsv", "in", "ref"]
    assert Path("to-clean").is_symlink()
    (place / "clean" / "thesis.tex").touch()
    code, _, err = cli(*words, "clean")
    assert code == 2
    assert "--fix clean: expected a new or empty folder, or one that seq2seq doctor --fix made; it holds thesis" in err
