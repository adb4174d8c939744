"""A file cut into shards is the file; what stands in the folder of shards is whole, known, and for one process."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq import files
from seq2seq.bulk import shards as module
from seq2seq.bulk.shards import cut, outcome, read_shard, shard_folder
from seq2seq.text.corpus import CorpusError, read_lines
from seq2seq.text.lines import BOM

MADE_WITH = {"model": ["a"], "--beam-size": 5}


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"".join(b"line %d\n" % i for i in range(10)))
    return path


def fill(folder, shards):
    for shard in shards:
        with outcome(folder.path, shard) as out:
            out.write(f"{shard.number}\n" * shard.lines)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    lines=st.lists(st.text(st.characters(exclude_characters="\n\r\0", codec="utf-8"), max_size=6), max_size=30),
    ended=st.booleans(),
    size=st.integers(1, 9),
    block=st.integers(1, 20),
    packed=st.booleans(),
    mark=st.sampled_from([b"", BOM]),
)
def test_the_lines_of_all_shards_are_the_lines_of_the_file(tmp_path_factory, lines, ended, size, block, packed, mark):
    folder = tmp_path_factory.mktemp("cut")
    source, text = folder / ("x.gz" if packed else "x"), folder / "text"
    content = ("\n".join(lines) + "\n" * ended).encode()
    source.write_bytes(gzip.compress(mark + content) if packed else mark + content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block + len(mark))
        shards = cut(source, size, text)
    in_place = [] if packed else cut(source, size)
    expected = list(enumerate(read_lines(source), 1))
    assert text.read_bytes() == content
    assert [pair for shard in shards for pair in read_shard(text, shard, "x")] == expected
    assert packed or [pair for shard in in_place for pair in read_shard(source, shard, "x")] == expected
    assert packed or [shard.name for shard in in_place] == [shard.name for shard in shards]
    assert [shard.lines for shard in shards] == [len(expected[i : i + size]) for i in range(0, len(expected), size)]
    assert [shard.number for shard in shards] == list(range(len(shards)))


def test_a_bad_line_is_named_by_its_number_in_the_whole_file(text):
    text.write_bytes(text.read_bytes().replace(b"line 7", b"\xff"))
    with pytest.raises(CorpusError, match="it:8: not valid UTF-8"):
        list(read_shard(text, cut(text, 3)[2], "it"))


def test_text_that_changes_between_cutting_and_reading_is_told(text):
    shard = cut(text, 3)[1]
    text.write_bytes(text.read_bytes().replace(b"line 4", b"LINE 4"))
    with pytest.raises(CorpusError, match="it: lines 4 to 6 changed while they were read"):
        list(read_shard(text, shard, "it"))


def test_outcomes_are_put_together_in_order_and_the_folder_goes(text, tmp_path):
    shards = cut(text, 4)
    with shard_folder(tmp_path / "out", MADE_WITH) as folder:
        fill(folder, reversed(shards))
        folder.join(shards, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "0\n" * 4 + "1\n" * 4 + "2\n" * 2
    assert not folder.path.exists()


def test_what_is_finished_is_not_missing_when_the_folder_is_opened_again(text, tmp_path):
    shards = cut(text, 4)
    with shard_folder(tmp_path / "out", MADE_WITH) as folder:
        assert folder.missing(shards, text) == shards
        fill(folder, shards[1:2])
    (folder.path / f"partial-{'0' * 32}-1").write_text("a worker was killed")
    with shard_folder(tmp_path / "out", MADE_WITH) as folder:
        assert folder.missing(shards, text) == [shards[0], shards[2]]
        assert sorted(path.name for path in folder.path.iterdir()) == [shards[1].name, "shards.json"]


def test_a_folder_in_which_nothing_was_finished_does_not_stay(tmp_path):
    with pytest.raises(KeyboardInterrupt), shard_folder(tmp_path / "out", MADE_WITH):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_an_outcome_that_fails_is_not_there(text, tmp_path):
    shard = cut(text, 4)[0]
    with pytest.raises(UnicodeEncodeError), outcome(tmp_path, shard) as out:
        out.write("half \ud800")
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--beam-size": 6}, "was begun with --beam-size 5. Received: --beam-size 6"),
        ({"model": ["b"]}, r'was begun with model \["a"\]. Received: model \["b"\]'),
        ({"--json": True}, "was begun with --json null. Received: --json true"),
    ],
)
def test_outcomes_made_with_something_else_are_refused(text, tmp_path, changes, message):
    with shard_folder(tmp_path / "out", MADE_WITH) as folder:
        fill(folder, cut(text, 4)[:1])
    with pytest.raises(ValueError, match=message), shard_folder(tmp_path / "out", MADE_WITH | changes):
        pytest.fail("opened")


def test_text_may_change_where_nothing_was_finished_and_nowhere_else(text, tmp_path):
    with shard_folder(tmp_path / "out", MADE_WITH) as folder:
        fill(folder, cut(text, 4)[:2])
        text.write_bytes(text.read_bytes().replace(b"line 9", b"line nine"))
        assert [shard.number for shard in folder.missing(cut(text, 4), text)] == [2]
        text.write_bytes(text.read_bytes().replace(b"line 5", b"line five"))
        with pytest.raises(ValueError, match=r"of another text: .*text differs at lines 5 to 8"):
            folder.missing(cut(text, 4), text)
        text.write_bytes(b"line 0\n")
        with pytest.raises(ValueError, match=r"differs at lines 1 to 1\."):
            folder.missing(cut(text, 4), text)


def test_two_processes_do_not_write_one_output(tmp_path):
    with (
        shard_folder(tmp_path / "out", MADE_WITH),
        pytest.raises(ValueError, match="another process is at work on this output"),
        shard_folder(tmp_path / "out", MADE_WITH),
    ):
        pytest.fail("opened")


@pytest.mark.parametrize("manifest", [None, "", "[]"])
def test_a_manifest_that_is_missing_or_damaged_is_told(text, tmp_path, manifest):
    with shard_folder(tmp_path / "out", MADE_WITH) as folder:
        fill(folder, cut(text, 4)[:1])
    (folder.path / "shards.json").unlink()
    if manifest is not None:
        (folder.path / "shards.json").write_text(manifest)
    with (
        pytest.raises(ValueError, match=r"shards\.json: missing or damaged"),
        shard_folder(tmp_path / "out", MADE_WITH),
    ):
        pytest.fail("opened")


@pytest.mark.parametrize("name", ["thesis.txt", "partial-thesis", "input"])
def test_a_folder_of_somebody_else_is_left_alone(tmp_path, name):
    (tmp_path / "out.shards").mkdir()
    (tmp_path / "out.shards" / name).write_text("all of it")
    with pytest.raises(ValueError, match=rf"it holds {name}"), shard_folder(tmp_path / "out", MADE_WITH):
        pytest.fail("opened")
    (tmp_path / "out.shards").rename(tmp_path / "elsewhere")
    (tmp_path / "out.shards").symlink_to("elsewhere")
    with pytest.raises(ValueError, match="is a link"), shard_folder(tmp_path / "out", MADE_WITH):
        pytest.fail("opened")
    assert (tmp_path / "elsewhere" / name).read_text() == "all of it"


def test_what_somebody_else_puts_into_the_folder_stays(text, tmp_path):
    shards = cut(text, 4)
    with shard_folder(tmp_path / "out", MADE_WITH) as folder:
        fill(folder, shards)
        (folder.path / "thesis.txt").write_text("all of it")
        folder.join(shards, tmp_path / "out")
    assert [path.name for path in folder.path.iterdir()] == ["thesis.txt"]


def test_a_folder_that_its_owner_removes_while_it_is_opened_is_not_used(tmp_path, monkeypatch):
    def flock(number, how):
        (tmp_path / "out.shards").rmdir()

    monkeypatch.setattr(files.fcntl, "flock", flock)
    with pytest.raises(ValueError, match="another process is at work"), shard_folder(tmp_path / "out", MADE_WITH):
        pytest.fail("opened")
