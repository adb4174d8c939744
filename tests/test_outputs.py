"""What a command may write: nothing that it reads, no part of a run, no file twice, nothing of another command."""

import os
import socket
import sys

import pytest

from seq2seq.folders import whole_folder
from seq2seq.outputs import STDIN, STDOUT, Folder, check_outputs, check_run_folder

KIND = "seq2seq test --folder"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to work in with an input, a run in it, and a folder that a command made."""
    (tmp_path / "input").write_text("text")
    (tmp_path / "run" / "export").mkdir(parents=True)
    for name in ("recipe.json", "source.model"):
        (tmp_path / "run" / name).write_text("{}")
    with whole_folder(tmp_path / "made", KIND) as partial:
        (partial / "it").write_text("made")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def refused(message, inputs=(), folder=None, **outputs):
    with pytest.raises(ValueError, match=message) as caught:
        check_outputs(inputs, {f"--{name}": path for name, path in outputs.items()}, folder)
    assert "\n" not in str(caught.value)
    assert str(caught.value).count(".\n") == 0


def test_outputs_of_their_own_names_are_allowed(place):
    (place / "old").write_text("of a user")
    (place / "link").symlink_to("nowhere")
    outputs = {"--a": place / "new", "--b": place / "old", "--c": place / "link", "--d": None, "--e": "", "--f": "x"}
    check_outputs([place / "input", place / "run", None, "", "missing", "/dev/null", STDIN], outputs)
    check_outputs([], {"--a": "/dev/null", "--b": "/dev/null", "--c": STDOUT})
    check_outputs([], {"--a": place / "made" / "foreign"})


def test_an_input_is_never_an_output_whatever_it_is_called(place):
    names = [
        place / "input",
        "../input",
        place / "run" / ".." / "input",
        place / "link",
        place / "hard",
        "../here/../input",
    ]
    (place / "link").symlink_to("input")
    os.link(place / "input", place / "hard")
    for one in names:
        for other in names:
            refused("--a .*: it is read by this command", ["x", one], a=other)
    (place / "further").symlink_to(place)
    refused("it is read by this command", [place / "input"], a=place / "further" / "input")
    refused("it is read by this command", ["new"], a="./new")  # a mistake, but it is not going to be made


def test_no_file_is_two_outputs(place):
    (place / "link").symlink_to("new")
    (place / "old").write_text("of a user")
    os.link(place / "old", place / "hard")
    for one, other in (("x", "x"), ("x", "./x"), (place / "new", place / "link"), (place / "old", place / "hard")):
        refused("--b .* and --a .* are one file", a=one, b=other)
    if sys.platform == "darwin":
        refused("are one file", a="x", b="X")


def test_standard_streams_that_are_files_count(place):
    input_, output = os.open(place / "input", os.O_RDONLY), os.open(place / "out", os.O_WRONLY | os.O_CREAT)
    refused("it is read by this command", [input_], a=place / "input")
    refused("standard output and --a .* are one file", a=place / "out", b=output)
    os.close(input_)
    os.close(output)
    check_outputs([input_], {"--a": place / "input"})  # closed: nothing is read


@pytest.mark.parametrize("name", ["x", "recipe.json", "export/x"])
def test_nothing_is_put_into_a_run_that_a_command_reads_or_not(place, name):
    (place / "link").symlink_to("run")
    for run in (place / "run", place / "link", "../run"):
        for inputs in ([], [place / "run"], [place / "link"]):
            refused("it is inside of .*, which is read|inside of the run folder", inputs, a=f"{run}/{name}")
            refused("it is inside of", inputs, Folder("--folder", f"{run}/{name}", KIND))
    with pytest.raises(ValueError, match="inside of the run folder"):
        check_run_folder(place / "link" / name)
    check_run_folder(place / "run")


def test_nothing_is_put_into_a_folder_that_is_read_or_in_the_place_of_what_was_made(place):
    refused(r"--a .*: it is inside of .*made, which is read by this command", [place / "made"], a=place / "made" / "x")
    refused("it is a part of what seq2seq test --folder made", a=place / "made" / "it")


def test_a_file_is_expected_where_a_file_can_be(place):
    for name in (".", "..", place):
        refused("expected the name of a file; it is a folder", a=name)
    refused("there is no folder none", a="none/x")
    refused("there is no folder", a=place / "input" / "x")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")
        refused("it is a socket", a="socket")


def test_a_folder_is_new_or_of_the_same_kind(place):
    for path in ("new", "deep/new", place / "made"):
        check_outputs([place / "input"], {"--a": "x"}, Folder("--folder", path, KIND))
    for folder, message in (
        (Folder("--folder", place / "made", "another"), f"or one that another made; {KIND} made it"),
        (Folder("--folder", place / "made"), f"expected a new or empty folder; {KIND} made it"),
        (Folder("--folder", place / "run", KIND), "it is a run folder"),
        (Folder("--folder", place / "input", KIND), "it is a file"),
        (Folder("--folder", "/dev/null/x", KIND), "no folder can be made in /dev/null"),
        (Folder("--folder", place, KIND), "it holds .*input, which is read"),
        (Folder("--folder", ".", KIND), "the command runs in it"),
        (Folder("--folder", "/proc", KIND), "it is a mount point"),
    ):
        refused(f"^--folder .*{message}", [place / "input"], folder)
    (place / "made" / "thesis.tex").touch()
    refused(r"it holds thesis\.tex", [], Folder("--folder", place / "made", KIND))


def test_a_folder_holds_neither_inputs_nor_other_outputs(place):
    made = Folder("--folder", place / "made", KIND)
    refused("it holds .*made, which is read|made/it, which is read", [place / "made" / "it"], made)
    refused(r"--folder .*made: it holds .*made, which is read", [place / "made"], made)
    refused("it would hold .*made/x, which is another output", [], made, a=place / "made" / "x")


def test_a_command_may_write_into_its_own_place_of_a_run_but_not_through_a_link(place):
    own = place / "run" / "export"
    check_outputs([place / "run"], {}, Folder("--folder", own / "x" / "y", KIND, own))
    refused("it is inside of", [], Folder("--folder", place / "run" / "other", KIND, own))
    refused("it is inside of", [], Folder("--folder", own / ".." / "other", KIND, own))
    (place / "outside").mkdir()
    (own / "x").symlink_to(place / "outside")
    for path in (own / "x", own / "x" / "y"):
        refused("export/x is a link; a run folder is written without following", [], Folder("-f", path, KIND, own))
    refused("inside of the run folder", [], Folder("--folder", own / "x" / ".." / "run" / "export" / "z", KIND, own))
