"""The student factory: what teachers write becomes training text that holds nothing it must not, however often it is
stopped."""

import json
import shutil
from pathlib import Path

import pytest

from seq2seq.cli import distill, distill_texts
from seq2seq.cli.distill_folds import cut_folds, join_folds
from seq2seq.cli.distill_texts import Factory, FactoryOptions, write_synthetic
from seq2seq.cli.line_translator import Counts
from seq2seq.evaluation.pareto import CostPoint, cost_table, pareto_front
from seq2seq.tasks.text_to_text.data import find_corpus
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.pooling import choose
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.tasks.text_to_text.students import STUDENTS, student_recipe

pytest.importorskip("ai_edge_litert")


def lines_of(path):
    return path.read_text("utf-8").splitlines()


class Stopped(Exception):
    pass


@pytest.fixture
def teacher(quick_finished, tmp_path):
    return shutil.copytree(quick_finished, tmp_path / "teacher")


@pytest.fixture
def written(monkeypatch):
    """Puts writers in place of networks, which write the source in capitals, or with letters doubled; collects the
    names of what they wrote. Raises `Stopped` before the file that `stop` names."""
    names, stop = [], []

    def write(bulk, options, output):
        name = output.rsplit("/", 1)[-1]
        if name in stop:
            raise Stopped
        names.append(name)
        lines = lines_of(Path(options.input.input))
        with open(output, "w", encoding="utf-8") as out:
            for line in lines:
                if name.endswith("tsv"):
                    out.write(f"{line.lower()} zz\t{line}\n")
                else:
                    out.write(json.dumps([line.upper(), f"{line.upper()} YY", f"{line.upper()} YY XX"]) + "\n")
        return Counts()

    monkeypatch.setattr(distill_texts, "run_bulk", write)
    return names, stop


@pytest.fixture
def factory(tmp_path, teacher, written):
    def make(name, **changes):
        options = {"teachers": (str(teacher),) * 2, "backward": (str(teacher),), "monolingual": None}
        options |= {"monolingual_target": None, "choose": ("reference", "mbr"), "n_best": 3, "folds": 0}
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        recipe = TextRunFolder(teacher).load_recipe()
        return Factory(folder, recipe, FactoryOptions(**options | changes, workers=1, batch_size=8))

    return make


def test_synthetic_text_holds_no_held_out_source_no_pair_of_the_corpus_and_none_twice(factory, tmp_path):
    held_out = {
        e.source for text in (find_corpus(factory("x").base.data),) for e in [*text.validation, *text.tests["test"]]
    }
    mono = tmp_path / "mono"
    mono.write_text("".join(f"{line.upper()}  \n{line}\nnew {line}\n" for line in sorted(held_out)), "utf-8")
    made = factory("made", monolingual=str(mono))
    true, count = write_synthetic(made)
    pairs = [tuple(line.split("\t")) for line in lines_of(made.synthetic)]
    corpus = {(e.source, e.target) for e in made.corpus.train}
    assert (true, count) == (120, len(pairs))
    assert len(set(pairs)) == len(pairs) > 100
    assert not set(pairs) & corpus
    assert not {source.casefold() for source, _ in pairs} & {source.casefold() for source in held_out}
    counts = json.loads(made.counts.read_text())
    assert sum(source.startswith("new ") for source, _ in pairs) == len(held_out) - counts["left_out"]["repetitions"]
    # Nearest the reference is the reference, which the corpus has already.
    assert counts["equal"] == {"reference": 1.0, "mbr": 0.0}


@pytest.mark.parametrize("stop", ["corpus-teacher2.jsonl", "corpus-backward1.tsv"])
def test_killed_and_resumed_equals_never_killed_and_nothing_is_written_twice(factory, written, stop):
    names, stops = written
    whole = factory("whole")
    write_synthetic(whole)
    expected, before = whole.synthetic.read_bytes(), list(names)
    names.clear()
    stops.append(stop)
    with pytest.raises(Stopped):
        write_synthetic(factory("stopped"))
    assert not factory("stopped").synthetic.exists()
    stops.clear()
    write_synthetic(factory("stopped"))
    assert factory("stopped").synthetic.read_bytes() == expected
    assert names == before
    names.clear()
    write_synthetic(factory("stopped"))
    assert names == []


def test_folds_are_parts_of_the_text_that_their_teachers_have_not_seen(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("".join(f"s{n}\n" for n in range(8)))
    target.write_text("".join(f"t{n}\n" for n in range(8)))
    folds = cut_folds(source, target, 3, tmp_path)
    for own, others in folds:
        seen = {line.split("\t")[0] for line in lines_of(others)}
        assert not seen & set(lines_of(own))
        assert len(seen) + len(lines_of(own)) == 8
        assert all(a[1:] == b[1:] for a, b in (line.split("\t") for line in lines_of(others)))
    join_folds([own for own, _ in folds], tmp_path / "joined")
    assert lines_of(tmp_path / "joined") == lines_of(source)


def test_a_choice_is_nearest_the_reference_or_what_most_agree_on():
    texts = ["a b c d", "a b c x", "a b c x", "q r s t"]
    assert choose("reference", texts, "q r s t", str.split) == "q r s t"
    assert choose("reference", texts, "q r", str.split) == "q r s t"
    assert choose("mbr", texts, "q r s t", str.split) == "a b c x"
    assert choose("reference", texts, None, str.split) == "a b c x"
    assert choose("mbr", ["one"], None, str.split) == "one"
    with pytest.raises(ValueError, match="at least one"):
        choose("mbr", [], None, str.split)


def test_added_pairs_are_trained_on_and_neither_counted_nor_held_out(corpus_files, tmp_path):
    added = tmp_path / "added.tsv"
    added.write_text("".join(f"n{n}\tN{n}\n" for n in range(60)), "utf-8")
    data = {"corpus": "files", "train": {"source": f"{corpus_files}/train.x", "target": f"{corpus_files}/train.y"}}
    plain = find_corpus(Recipe(data=data).data)
    corpus = find_corpus(Recipe(data=data | {"added": {"source": str(added)}}).data)
    assert [e.source for e in corpus.training(5)] == [
        *(e.source for e in plain.training(5)),
        *(f"n{n}" for n in range(60)),
    ]
    assert list(corpus.validation) == list(plain.validation)
    with pytest.raises(ValueError, match=r"data\.added has no alignments"):
        Recipe(data=data | {"added": {"source": "x.tsv"}, "train_alignments": "a"}, training={"alignment_loss": 1.0})


@pytest.mark.parametrize("student", STUDENTS)
def test_a_student_keeps_the_corpus_of_its_teacher_and_fields_come_last(student, tmp_path):
    base = Recipe(training={"epochs": 20}, search={"beam_size": 10, "mbr": 0.2})
    recipe = student_recipe(base, student, tmp_path / "s.tsv", (100, 300), {"model.embedding": "64"})
    assert recipe.data == base.data.model_copy(update={"added": recipe.data.added})
    assert recipe.data.added.source == str(tmp_path / "s.tsv")
    assert (recipe.search.beam_size, recipe.search.mbr, recipe.training.epochs, recipe.model.embedding) == (
        1,
        0.0,
        10,
        64,
    )


def test_the_front_holds_what_nothing_beats():
    points = [
        CostPoint("a", "", 1, 1, 9),
        CostPoint("b", "", 3, 2, 8),
        CostPoint("c", "", 2, 3, 7),
        CostPoint("d", "", 4, 9, 9),
    ]
    assert [each.name for each in pareto_front(points, "milliseconds")] == ["a", "b", "d"]
    assert [each.name for each in pareto_front(points, "megabytes")] == ["c", "b", "d"]
    assert len(cost_table(points, "bleu").splitlines()) == 5


@pytest.fixture
def command(cli, tmp_path, teacher, written, monkeypatch):
    """The command without the trainings and the measuring."""
    trained = []
    monkeypatch.setattr(distill, "carry_out", lambda recipe, folder, build: trained.append(recipe))
    monkeypatch.setattr(distill, "compare_costs", lambda *_: "compared")
    return lambda *words: (*cli("distill", "--folder", tmp_path / "out", *words), trained)


def test_the_command_goes_on_and_takes_further_students(command, teacher):
    code, out, err, trained = command("--teachers", teacher, "--training.epochs", "3")
    assert (code, out, [recipe.name for recipe in trained]) == (0, "compared\n", ["custom_small"]), err
    assert trained[0].training.epochs == 3
    code, _, err, trained = command("--teachers", teacher, "--student", "tiny", "same")
    assert (code, [recipe.name for recipe in trained[1:]]) == (0, ["custom_tiny", "custom_same"])
    assert "Going on in" in err
    code, _, err, _ = command("--teachers", teacher, "--n-best", "2")
    assert code == 2
    assert "was begun with other values of: --n-best. Give the same again" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--teachers", "nothere"], "nothere"),
        (["--teachers", "TEACHER", "--folds", "1"], "--folds of at least 2"),
        (["--teachers", "TEACHER", "--monolingual", "nothere"], "nothere: no such file."),
        (["--teachers", "TEACHER", "--monolingual-target", "x"], "is text for --backward RUN"),
        (["--teachers", "TEACHER", "--training.epochs", "many"], "--training.epochs: "),
    ],
)
def test_a_mistake_is_one_sentence_before_any_work(command, teacher, written, words, message):
    code, out, err, trained = command(*(str(teacher) if word == "TEACHER" else word for word in words))
    assert (code, out, trained, written[0]) == (2, "", [], [])
    assert message in err
    assert "Traceback" not in err


def test_the_first_teacher_writes_from_the_left(command, backwards):
    code, _, err, _ = command("--teachers", backwards)
    assert code == 2
    assert "The first of --teachers must write from the left" in err


def test_a_folder_of_something_else_is_left_alone(command, teacher, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")
    code, _, err, _ = command("--teachers", teacher)
    assert code == 2
    assert "was not made by this command" in err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]
