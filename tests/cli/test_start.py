"""The command as a process: locales, closed streams, and what happens before a verb begins."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NO_UTF8 = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}


def command(*words, streams="", module="seq2seq.cli.main", cwd=ROOT, **variables):
    """Runs the command with a shell's redirections; returns exit code, stdout and stderr as bytes."""
    line = f'exec "$0" -m {module} "$@" {streams}'
    arguments = ["/bin/sh", "-c", line, sys.executable, *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(arguments, cwd=cwd, env=environment, input=b"", capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def pair(tmp_path):
    """A text of both sides whose name and lines are not ASCII."""
    path = tmp_path / "Kälte.tsv"
    path.write_text("Kälte\tcold — naïve\n" * 3, "utf-8")
    return path


def test_arguments_files_and_output_are_utf8_whatever_the_locale(pair):
    code, out, error = command("doctor", "--source", str(pair), "--processes", "1", **NO_UTF8)
    assert (code, error) == (0, b"")
    assert "Kälte.tsv" in out.decode()
    assert "naïve" in out.decode()  # of the duplicates
    code, _, error = command("translate", "nowhere", "--include", "Kälte", **NO_UTF8)
    assert (code, error) == (2, b"error: nowhere: no such run folder.\n")


def test_text_that_is_no_utf8_is_refused_and_the_name_of_a_file_need_not_be(pair):
    code, _, error = command("translate", "nowhere", "--include", b"K\xe4lte")
    assert code == 2
    assert error.endswith(b"argument --include: expected UTF-8, received b'K\\xe4lte'\n")
    other = os.fsencode(pair.parent) + b"/K\xe4lte.tsv"
    os.rename(pair, other)
    assert command("doctor", "--source", other, "--processes", "1")[0] == 0


@pytest.mark.parametrize("module", ["seq2seq.cli.main", "recipes.translation"])
def test_help_needs_no_utf8(module):
    words = ["doctor", "--help"] if module.startswith("seq2seq") else ["--help"]
    code, out, error = command(*words, module=module, **NO_UTF8)
    assert (code, error) == (0, b"")
    assert out.decode("utf-8")


@pytest.mark.parametrize(
    ("streams", "code", "message"),
    [
        ("<&-", 0, ""),
        ("2>&-", 0, ""),
        ("<&- 2>&-", 0, ""),
        ("2>/dev/full", 0, ""),
        (">&-", 2, "error: standard output is closed. Send it to a file, or to /dev/null.\n"),
        ("<&- >&- 2>&-", 2, ""),
        (">/dev/full", 1, "error: No space left on device. Free some space and run the same command again.\n"),
    ],
)
def test_a_closed_stream_is_no_riddle(pair, streams, code, message):
    """Errors never go to standard output, and no file gets the number of a closed stream."""
    found = command("doctor", "--source", str(pair), "--processes", "1", streams=streams)
    assert (found[0], found[2].decode()) == (code, message)
    assert bool(found[1]) == (code == 0)


@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full"])
def test_an_error_that_cannot_be_said_has_its_exit_code(streams):
    assert command("translate", "nowhere", streams=streams) == (2, b"", b"")


def test_fatal_lines_of_a_library_pass_the_filter_and_chatter_does_not():
    code = "import os; from seq2seq.cli.stderr_filter import install; install()\n"
    code += "os.write(2, b'I0000 00:00:17 1 a.cc:1] chatter\\nF0000 00:00:17 1 a.cc:1] Check failed\\n'); os.abort()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGABRT
    assert done.stderr == b"F0000 00:00:17 1 a.cc:1] Check failed\n"


@pytest.fixture
def interruptible():
    """Processes started inside do not ignore Ctrl-C, as those of a test run in the background otherwise do."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("module", ["seq2seq.cli.main", "recipes.translation"])
def test_ctrl_c_while_modules_are_imported_is_one_line(module, tmp_path, interruptible):
    (tmp_path / "argparse.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGINT)\n")
    (tmp_path / "difflib.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGINT)\n")
    code, out, error = command("doctor", module=module, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert (code, out, error) == (130, b"", b"\nInterrupted.\n")
