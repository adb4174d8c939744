"""Several processes give what one gives, byte for byte, and whoever was stopped goes on."""

import gzip
import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seq2seq.cli import bulk_translation
from seq2seq.cli.main import main
from seq2seq.cli.stderr_filter import CHATTER

pytestmark = pytest.mark.usefixtures("loaded_once")  # processes of their own load for themselves

ROOT = Path(__file__).parents[2]
SMALL = ("--batch-size", 1)
"""Makes a shard of 32 lines."""
LIMIT = "reached the limit of length"
WORDS = ["ab", "cd", "ef", "gh", "ij", "kl", "mn", "op"]


def sentences(count):
    draw = random.Random(1)
    return [" ".join(draw.choices(WORDS, k=draw.randint(0, 6))) for _ in range(count)]


def write(path, lines):
    path.write_text("".join(line + "\n" for line in lines), "utf-8")
    return path


@pytest.fixture(scope="module")
def lite(request):
    """A LiteRT folder, which starts at once; tests may not change it."""
    pytest.importorskip("ai_edge_litert")
    return request.getfixturevalue("litert_folder")


@pytest.fixture
def text(tmp_path):
    return write(tmp_path / "in", sentences(100))


@pytest.fixture
def plain(cli, tmp_path):
    """Translates by one process; returns the bytes."""

    def run(model, source, *more):
        code, _, err = cli("translate", model, "--input", source, "--output", tmp_path / "plain", *more)
        assert code == 0, err
        return (tmp_path / "plain").read_bytes()

    return run


@pytest.fixture
def bulk(cli, tmp_path):
    """Translates by workers; returns exit code and stderr."""

    def run(model, source, *more, workers=2):
        code, out, err = cli(
            *("translate", model, "--input", source, "--output", tmp_path / "out", "--workers", workers, *more)
        )
        assert out == ""
        lines = (line for line in err.splitlines(keepends=True) if not CHATTER.match(line.encode()))
        return code, "".join(line for line in lines if LIMIT not in line)  # this model hardly ends by itself

    return run


@pytest.fixture
def shards(tmp_path):
    """The finished shards, in order."""

    def find():
        return sorted(path for path in (tmp_path / "out.shards").glob("0*") if not path.suffix)

    return find


def test_a_worker_on_a_run_folder_gives_and_tells_what_one_process_does(plain, bulk, finished, text):
    # One worker, as each has to import TensorFlow; several of them share the work on a LiteRT folder below.
    rows = [{"text": line, "id": number} for number, line in enumerate(text.read_text().splitlines())]
    rows = [
        dict(row) for row in rows * 3 if len(row["text"].split()) in (2, 3)
    ]  # few shapes, each of which is compiled
    assert len(rows) > 71
    rows[70] |= {"text": "ab cd", "include": ["AB"], "exclude": ["AB"]}
    write(text, map(json.dumps, rows))
    words = (*SMALL, "--json", "--n-best", 2, "--exclude", "CD")
    expected = plain(finished, text, *words)
    asked = "include 'AB', exclude 'AB', exclude 'CD'"
    code, err = bulk(finished, text, *words, workers=1)
    assert code == 0
    assert [line for line in err.splitlines() if str(text) in line] == [f"{text}:71: no output fits: {asked}"]
    assert (text.parent / "out").read_bytes() == expected
    assert not (text.parent / "out.shards").exists()


@pytest.fixture
def in_this_process(monkeypatch):
    """Makes this process, which has TensorFlow already, the only worker; it takes the last shard first."""

    def map_here(make, tasks, workers, notify, name):
        work = make()
        yield from ((task, work(task)) for task in reversed(tasks))

    monkeypatch.setattr(bulk_translation, "map_on_processes", map_here)
    logger = logging.getLogger("seq2seq")  # which a worker has for itself
    for name, value in (("level", logger.level), ("handlers", list(logger.handlers)), ("propagate", logger.propagate)):
        monkeypatch.setattr(logger, name, value)


def test_workers_draw_what_one_process_draws(plain, bulk, finished, text, in_this_process):
    words = (*SMALL, "--sampling", "--temperature", 2, "--seed", 5)
    expected = plain(finished, text, *words)
    assert bulk(finished, text, *words)[0] == 0
    assert (text.parent / "out").read_bytes() == expected


def test_outputs_at_their_limit_are_counted_over_all_shards(cli, lite, text, tmp_path):
    words = ("translate", lite, "--input", text, "--output", tmp_path / "out", *SMALL)
    alone, shared = (
        [line for line in cli(*words, *more)[2].splitlines() if LIMIT in line] for more in ((), ("--workers", 2))
    )
    assert len(alone) == 1
    assert shared == alone


def test_lines_of_several_sentences_are_counted_where_training_had_single_ones(cli, finished, lite, text, tmp_path):
    write(text, ["ab cd", "Abab cd. Ef gh!", "ab cd."] * 30)
    words = ("--input", text, "--output", tmp_path / "out", *SMALL)
    for model, more in ((finished, ("--beam-size", 1)), (lite, ()), (lite, ("--workers", 2))):
        err = cli("translate", model, *words, *more)[2]
        assert err.count("30 lines have several sentences, but the model was trained on lines of one") == 1
        assert err.count("sentences") == 1


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("words", [(), ("--n-best", 2), ("--shard-lines", 33)], ids=str)
def test_workers_on_a_litert_folder_give_what_one_process_gives(plain, bulk, lite, text, words, workers):
    expected = plain(lite, text, *SMALL, *([] if "--shard-lines" in words else words))
    assert bulk(lite, text, *SMALL, *words, workers=workers) == (0, "")
    assert (text.parent / "out").read_bytes() == expected


@pytest.mark.parametrize("content", [b"", b"\n", b"ab cd", b"ab\r\ncd\n"])
@pytest.mark.parametrize("name", ["in", "in.gz"])
def test_files_of_every_kind_are_taken(plain, bulk, lite, tmp_path, name, content):
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    expected = plain(lite, tmp_path / name)
    assert bulk(lite, tmp_path / name) == (0, "")
    assert (tmp_path / "out").read_bytes() == expected


def test_a_gzipped_file_gives_what_its_text_gives(plain, bulk, lite, text):
    packed = text.with_name("in.gz")
    packed.write_bytes(gzip.compress(text.read_bytes()))
    assert bulk(lite, packed, *SMALL) == (0, "")
    assert (text.parent / "out").read_bytes() == plain(lite, text, *SMALL)
    assert not (text.parent / "out.shards").exists()


def test_a_line_that_is_too_long_is_left_empty_by_workers_as_by_one_process(cli, bulk, lite, text):
    good = text.read_bytes().split(b"\n")
    text.write_bytes(b"\n".join([*good[:80], b"ab " * 2000, *good[81:]]))
    code, out, err = cli("translate", lite, *SMALL, "--input", text)
    assert code == 2
    assert out.splitlines()[80] == ""
    assert f"{text}:81: the line has" in err
    told = "".join(line for line in err.splitlines(keepends=True) if "too long" in line or str(text) in line)
    assert bulk(lite, text, *SMALL) == (code, told)
    assert (text.parent / "out").read_text() == out


def test_after_a_bad_line_is_mended_the_finished_shards_are_not_translated_again(plain, bulk, shards, lite, text):
    good = text.read_bytes().split(b"\n")
    text.write_bytes(b"\n".join([*good[:80], b"\xff", *good[81:]]))
    code, err = bulk(lite, text, *SMALL, workers=1)
    assert code == 2
    assert f"{text}:81: not valid UTF-8" in err
    assert "2 of 4 shards are kept in" in err
    assert "Traceback" not in err
    assert [path.name[:6] for path in shards()] == ["000000", "000001"]
    assert not (text.parent / "out").exists()

    text.write_bytes(b"\n".join(good))
    expected = plain(lite, text, *SMALL)
    mark = "not translated again\n" * 32
    shards()[1].write_text(mark)
    code, err = bulk(lite, text, *SMALL)
    assert (code, err) == (0, "2 of 4 shards are already there: going on.\n")
    lines = expected.decode().splitlines(keepends=True)
    assert (text.parent / "out").read_text() == "".join([*lines[:32], mark, *lines[64:]])


def test_finished_shards_of_other_options_another_model_or_text_are_refused(bulk, shards, lite, finished, text):
    text.write_bytes(text.read_bytes() + b"\xff\n")
    assert bulk(lite, text, *SMALL, workers=1)[0] == 2
    kept = shards()
    assert len(kept) == 3
    for model, words, message in (
        (lite, (*SMALL, "--beam-size", 1), "was begun with --beam-size null. Received: --beam-size 1."),
        (lite, (*SMALL, "--max-extra", 0), "was begun with --max-extra null. Received: --max-extra 0."),
        (lite, (*SMALL, "--shard-lines", 40), "was begun with --shard-lines 32. Received: --shard-lines 64."),
        (finished, SMALL, "was begun with model"),
    ):
        code, err = bulk(model, text, *words)
        assert code == 2
        assert message in err
    text.write_bytes(b"new\n" + text.read_bytes())
    code, err = bulk(lite, text, *SMALL)
    assert code == 2
    assert "holds shards of another text" in err
    assert shards() == kept


def test_files_that_options_name_count_by_what_is_in_them(bulk, lite, finished, text, tmp_path):
    (tmp_path / "terms").write_text("ab\tXY\n")
    code, err = bulk(lite, text, *SMALL, "--dictionary", tmp_path / "terms", "--replace-unknown", workers=1)
    assert (code, err) == (0, "")
    text.write_bytes(text.read_bytes() + b"\xff\n")
    words = (*SMALL, "--dictionary", tmp_path / "terms", "--replace-unknown")
    assert bulk(lite, text, *words, workers=1)[0] == 2
    (tmp_path / "terms").write_text("ab\tZZ\n")
    assert 'was begun with --dictionary "sha256' in bulk(lite, text, *words)[1]


@pytest.fixture(scope="module")
def long_output(lite, tmp_path_factory):
    """What one process makes of 960 lines, 30 shards."""
    folder = tmp_path_factory.mktemp("long")
    text = write(folder / "in", sentences(960))
    assert main(["translate", str(lite), "--input", str(text), "--output", str(folder / "out"), *map(str, SMALL)]) == 0
    return (folder / "out").read_bytes()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_and_called_again_equals_never_killed(bulk, shards, lite, tmp_path, long_output, how):
    text = write(tmp_path / "in", sentences(960))
    words = ["translate", lite, "--input", text, "--output", tmp_path / "out", "--workers", 2, *SMALL]
    process = subprocess.Popen(
        [sys.executable, "-m", "seq2seq.cli.main", *map(str, words)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    end = time.monotonic() + 60
    while len(shards()) < 3:
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.005)
    if how == signal.SIGINT:  # as a terminal does
        os.killpg(process.pid, how)
    else:
        process.send_signal(how)
    _, err = process.communicate(timeout=60)
    assert process.returncode != 0
    assert b"Traceback" not in err
    assert 3 <= len(shards()) < 30
    assert not (tmp_path / "out").exists()
    code, err = bulk(lite, text, *SMALL)
    assert code == 0
    assert "of 30 shards are already there: going on." in err
    assert (tmp_path / "out").read_bytes() == long_output


def test_neither_the_command_nor_its_workers_need_a_framework_for_a_litert_folder(plain, lite, text, tmp_path):
    expected = plain(lite, text)
    (tmp_path / "poor").mkdir()
    for name in ("tensorflow", "keras"):
        (tmp_path / "poor" / f"{name}.py").write_text("raise ImportError('not here')\n")
    words = ["translate", lite, "--input", text, "--output", tmp_path / "out", "--workers", 2]
    done = subprocess.run(
        [sys.executable, "-m", "seq2seq.cli.main", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "poor")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if LIMIT not in line]) == (0, [])
    assert (tmp_path / "out").read_bytes() == expected


def test_a_worker_keeps_to_its_threads(finished):
    code = (
        "import sys; from seq2seq.tasks.text_to_text.loading import load_translator\n"
        "print(load_translator(sys.argv[1], threads=1)(['ab cd'], 1))\n"
        "import tensorflow as tf; print('THREADS', tf.config.threading.get_intra_op_parallelism_threads())\n"
    )
    words = [sys.executable, "-c", code, str(finished)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "THREADS 1\n" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shard-lines", "9"], "--shard-lines is for --workers"),
        (["--ray", "local"], "--ray is for --workers"),
        (["--workers", "2"], "--workers requires --input FILE, a file on disk. Received: none"),
        (["--workers", "2", "--input", "IN"], "--workers requires --output FILE, a file on disk. Received: none"),
        (["--workers", "2", "--input", "/dev/null", "--output", "o"], "--workers requires --input FILE"),
        (["--workers", "2", "--input", "IN", "--output", "/dev/null"], "--workers requires --output FILE"),
        (["--workers", "2", "--input", "nowhere", "--output", "OUT"], "nowhere: no such file"),
        (["--workers", "2", "--input", "IN", "--output", "nowhere/o"], "nowhere/o: there is no folder nowhere"),
        (["--workers", "2", "--input", "IN", "--output", "OUT", "--alignments", "a"], "--alignments is not for"),
        (["--workers", "0"], "must be from 1 to"),
        (["--workers", "2", "--input", "IN", "--output", "OUT", "--terms", "nowhere"], "nowhere: no such file"),
        (["--workers", "2", "--input", "IN", "--output", "OUT", "--dictionary", "d"], "is for --replace-unknown"),
        (["--workers", "1", "--input", "IN", "--output", "OUT", "--beam-size", "77"], "with a beam of up to"),
    ],
)
def test_a_mistake_gets_one_message_and_leaves_nothing(cli, lite, text, words, message):
    names = {"IN": str(text), "OUT": str(text.parent / "out")}
    code, out, err = cli("translate", lite, *(names.get(word, word) for word in words))
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert [path.name for path in text.parent.iterdir()] == ["in"]


def test_ray_gives_what_one_process_gives(plain, lite, text, tmp_path):
    pytest.importorskip("ray", reason="the extra [ray] is not installed")
    expected = plain(lite, text, *SMALL)
    words = ["translate", lite, "--input", text, "--output", tmp_path / "out", "--workers", 2, "--ray", "local", *SMALL]
    done = subprocess.run(
        [sys.executable, "-m", "seq2seq.cli.main", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out").read_bytes() == expected
