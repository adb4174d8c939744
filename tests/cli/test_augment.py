"""Synthetic pairs: what is written and left out, by any number of processes."""

import pytest

from seq2seq.bulk.shards import Shard, ShardFolder, shard_folder, write_record
from seq2seq.cli.main import main
from seq2seq.tasks.text_to_text.data import find_corpus
from seq2seq.tasks.text_to_text.recipe import Data, Files
from seq2seq.text.corpus import CorpusError, text_at
from seq2seq.text.synthetic import PairFilter, noisy

pytest.importorskip("ai_edge_litert")

LINES = ["ab cd", "", "ef gh ij", "kl", "mn op ab cd ef", "ab\tcd"] * 8


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("mono") / "mono"
    path.write_text("".join(line + "\n" for line in LINES), "utf-8")
    return path


@pytest.fixture(scope="module")
def outputs(litert_folder, text):
    """What the model writes for each line."""
    path = text.with_name("outputs")
    assert main(["translate", str(litert_folder), "--input", str(text), "--output", str(path)]) == 0
    return [" ".join(line.split()) for line in path.read_text("utf-8").split("\n")[:-1]]


@pytest.fixture
def augment(cli, tmp_path, text):
    """Returns exit code, pairs and what was said."""

    def run(*words, source=text):
        path = tmp_path / "pairs.tsv"
        code, out, err = cli("augment", *words, "--input", source, "--output", path)
        assert out == ""
        pairs = [line.split("\t") for line in path.read_text("utf-8").splitlines()] if code == 0 else []
        return code, pairs, err

    return run


def expected(outputs, kind, judge):
    lines = [" ".join(line.split()) for line in LINES]
    pairs = zip(outputs, lines, strict=True) if kind == "back" else zip(lines, outputs, strict=True)
    return [list(pair) for pair in pairs if not judge.reason(*pair)]


@pytest.mark.parametrize("kind", ["back", "forward"])
def test_the_model_writes_one_side_and_the_rest_is_counted_by_reason(augment, litert_folder, outputs, tmp_path, kind):
    code, pairs, err = augment(litert_folder, "--kind", kind, "--max-words", 60, "--length-ratio", 8, "--min-words", 2)
    judge = PairFilter(2, 60, 8.0)
    assert code == 0
    assert pairs == expected(outputs, kind, judge)
    assert 0 < len(pairs) < len(LINES)
    assert f"{len(pairs)} of {len(LINES)} pairs. Left out: " in err
    assert "an empty side: 8" in err
    assert f"seq2seq doctor --source {tmp_path / 'pairs.tsv'}" in err


def test_any_number_of_processes_writes_the_same_noise_and_tags(augment, litert_folder, outputs):
    words = (litert_folder, "--tag", "<BT>", "--noise", "--noise-seed", 7, "--batch-size", 1, "--length-ratio", 99)
    _, one, _ = augment(*words, "--workers", 1)
    _, two, _ = augment(*words, "--workers", 2)
    judge = PairFilter(length_ratio=99.0)
    lines = [" ".join(line.split()) for line in LINES]
    pairs = enumerate(zip(outputs, lines, strict=True))
    kept = [("<BT> " + noisy(out, (7, n)), line) for n, (out, line) in pairs if not judge.reason(out, line)]
    assert one == two == [list(pair) for pair in kept]


def test_a_stopped_command_counts_what_it_had_done_before(augment, litert_folder, tmp_path, monkeypatch):
    words = (litert_folder, "--batch-size", 1, "--max-words", 3, "--length-ratio", 99)
    whole = augment(*words)
    (tmp_path / "pairs.tsv").unlink()

    class Stopped(Exception):
        pass

    def stop(*_):
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(ShardFolder, "join", stop)
        with pytest.raises(Stopped):
            augment(*words)
    shards = sorted(path for path in (tmp_path / "pairs.tsv.shards").iterdir() if "-" in path.name and not path.suffix)
    assert len(shards) > 1
    shards[-1].unlink()
    again = augment(*words)
    assert again[:2] == whole[:2]
    assert "1 of 2 shards is already there: going on." in again[2]
    assert again[2].splitlines()[-2:] == whole[2].splitlines()[-2:]


def test_nothing_is_certain_enough(augment, litert_folder):
    code, pairs, err = augment(litert_folder, "--min-confidence", 1)
    assert (code, pairs) == (0, [])
    assert f"0 of {len(LINES)} pairs. Left out: outputs below --min-confidence: {len(LINES) - 8}" in err


def test_a_line_that_is_too_long_has_no_pair(augment, litert_folder, tmp_path):
    (tmp_path / "long").write_text("ab\n" + "cd " * 300 + "\n")
    _, _, err = augment(litert_folder, "--max-input", 20, source=tmp_path / "long")
    assert "long:2: " in err
    assert "Its pair is left out." in err


def test_what_a_killed_process_left_of_a_shard_goes_with_the_folder(tmp_path):
    with shard_folder(tmp_path / "out", {}) as folder:
        write_record(folder.path, Shard(0, 0, 1, 0, "0" * 32), {"pairs": 1})
    assert not list(tmp_path.iterdir())


def test_copies_need_no_run(augment):
    code, pairs, _ = augment("--kind", "copy", "--tag", "<C>")
    kept = [" ".join(line.split()) for line in LINES if line]
    assert (code, pairs) == (0, [[f"<C> {line}", line] for line in kept])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Expected a run with --kind back: it writes one side. Received: none"),
        (("RUN", "--kind", "copy"), "Expected no run with --kind copy. Received: "),
        (("RUN", "--min-confidence", "2"), "Expected --min-confidence in [0, 1]. Received: 2"),
        (("RUN", "--min-words", "9", "--max-words", "8"), "--min-words of at most --max-words. Received: 9 and 8"),
        (("RUN", "--tag", "a\tb"), "without tabs and line breaks. Received: 'a\\tb'"),
        (("--kind", "copy", "--tag", "a\nb"), "without tabs and line breaks. Received: 'a\\nb'"),
        (("--kind", "copy", "--min-words", "9", "--max-words", "8"), "Received: 9 and 8"),
        (("nowhere",), "nowhere"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(augment, litert_folder, tmp_path, words, message):
    code, _, err = augment(*(litert_folder if word == "RUN" else word for word in words))
    assert code == 2
    assert message in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_named_twice_counts_twice(tmp_path):
    for name, rows in (("true", "a\tb\nc\td\n"), ("back", "e\tf\n")):
        (tmp_path / f"{name}.tsv").write_text(rows)
    true, back = tmp_path / "true.tsv", tmp_path / "back.tsv"
    assert [example.source for example in text_at(f"{true},{true},{back}")] == ["a", "c", "a", "c", "e"]
    twice = Data(corpus="files", train=Files(source=f"{true},{back},{true}"))
    with pytest.raises(
        CorpusError, match=r"names .*true\.tsv twice.*Name a validation text: --data\.validation\.source"
    ):
        find_corpus(twice)
    find_corpus(twice.model_copy(update={"validation": Files(source=str(back))}))
    find_corpus(twice.model_copy(update={"train": Files(source=f"{true},{back}")}))
