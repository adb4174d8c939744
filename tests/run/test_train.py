import json
import shutil

import pytest

import seq2seq
from seq2seq.run.folder import RunFolderError
from seq2seq.search.options import SearchOptions
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.learned import load_search
from seq2seq.tasks.text_to_text.loading import load_generator
from seq2seq.text.corpus import read_lines
from tests.runs import history_of, training_of


def test_a_finished_run_holds_everything(finished):
    for name in [
        "README.md",
        "recipe.json",
        "source.model",
        "target.model",
        "model.weights.h5",
        "history.csv",
        "scores.json",
        "curves.png",
    ]:
        assert (finished / name).stat().st_size > 0, name
    assert not list(finished.rglob("partial-*"))
    scores = json.loads((finished / "scores.json").read_text())["tests"]["test"]
    assert {"bleu", "bleu_published", "chrf", "ter", "exact_match", "cer"} == set(scores)
    assert all("version:" in value["signature"] for value in scores.values())
    assert len(list(read_lines(finished / "hypotheses" / "test.txt"))) == 8


def test_what_was_learned_of_the_text_is_kept_and_used_where_the_recipe_names_no_limit(finished, tmp_path):
    learned = json.loads((finished / "learned.json").read_text())
    assert learned["selection"]["score"] == "chrf"  # of 3.5 words a line
    assert "by chrf" in (finished / "README.md").read_text()
    assert "val_chrf" in history_of(finished)[0]
    assert learned["longest_target"] >= 6
    assert load_search(TextRunFolder(finished)) == SearchOptions(beam_size=2, max_ratio=1.0, max_extra=10)
    shutil.copytree(finished, tmp_path / "run")
    values = json.loads((finished / "recipe.json").read_text())
    values["recipe"]["search"]["max_ratio"] = None
    (tmp_path / "run" / "recipe.json").write_text(json.dumps(values))
    options = load_generator(tmp_path / "run").options
    assert {"max_ratio": options.max_ratio, "max_extra": options.max_extra} == learned["limits"]
    (tmp_path / "run" / "learned.json").write_text("{}")
    with pytest.raises(RunFolderError, match=r"learned\.json: damaged"):
        load_search(TextRunFolder(tmp_path / "run"))


def test_the_stored_hypotheses_are_what_the_loaded_run_says(finished, corpus_files):
    translator = seq2seq.load(finished)
    lines = list(read_lines(corpus_files / "test.x"))
    assert translator(lines) == list(read_lines(finished / "hypotheses" / "test.txt"))
    assert translator(lines[0]) == translator(lines)[0]


def test_training_lowers_the_loss_although_the_average_lags_behind(finished):
    losses = [float(row["loss"]) for row in history_of(finished)]
    assert losses == sorted(losses, reverse=True)
    # The average of the weights must not be what the next epoch starts from.
    assert losses[-1] < losses[0] - 0.2


CHECKPOINTS = ("--training.checkpoint_minutes", "1e-9")
SAMPLED = ("--tokenizer.sampling", "0.3", "--training.precision", "mixed_float16", "--training.accumulate", "2")


@pytest.mark.parametrize(
    ("extra", "kills"),
    [((*CHECKPOINTS, "--training.patience", "1"), [(0, 2), (2, 0)]), ((*CHECKPOINTS, *SAMPLED), [(1, 1)])],
    ids=["in_the_first_epoch_and_after_one", "sampled_accumulated_float16_in_an_epoch"],
)
def test_stopped_and_continued_equals_never_stopped(quick_run, quick_finished, tmp_path, monkeypatch, extra, kills):
    whole = quick_finished  # neither checkpoints nor patience change a run that improves in each epoch
    if "--training.patience" not in extra:
        whole = tmp_path / "whole"
        assert quick_run(whole, *extra) == 0

    class Killed(BaseException):
        pass

    from seq2seq.training import checkpoint

    save = checkpoint.save_checkpoint

    for kill in kills:

        def save_then_die(path, objective, progress, kill=kill):
            save(path, objective, progress)
            if (progress["epoch"], progress["step"]) == kill:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(checkpoint, "save_checkpoint", save_then_die)
            with pytest.raises(Killed):
                quick_run(tmp_path / "parted", *extra)
        assert not (tmp_path / "parted" / "scores.json").exists()
    assert quick_run(tmp_path / "parted", *extra) == 0
    assert training_of(tmp_path / "parted") == training_of(whole)


def test_a_finished_run_is_not_run_again(run, finished, capsys):
    before = (finished / "model.weights.h5").read_bytes()
    assert run(finished) == 0
    assert "is finished" in capsys.readouterr().out
    assert (finished / "model.weights.h5").read_bytes() == before


def test_a_folder_of_another_recipe_is_refused_and_left_alone(run, finished, capsys):
    before = (finished / "recipe.json").read_bytes()
    assert run(finished, "--seed", "9") == 2
    message = capsys.readouterr().err
    assert "seed: 1 there, 9 now" in message
    assert "--run-folder" in message
    assert (finished / "recipe.json").read_bytes() == before


def test_a_folder_of_something_else_is_refused_and_left_alone(run, tmp_path, capsys):
    (tmp_path / "letter.txt").write_text("dear")
    assert run(tmp_path) == 2
    assert "is no run folder" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_a_recipe_is_replayed_from_its_run(finished, tmp_path):
    from recipes.translation import RECIPES
    from seq2seq.cli.train import parse

    recipe, _ = parse(RECIPES, ["--from", str(finished / "recipe.json")])
    assert recipe == TextRunFolder(finished).load_recipe()


def _cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _other_version(path):
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))


def _other_units(path):
    values = json.loads(path.read_text())
    values["recipe"]["model"]["decoder"]["units"] = 9
    path.write_text(json.dumps(values))


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("model.weights.h5", _cut, "damaged or of another model"),
        ("model.weights.h5", lambda p: p.write_bytes(b""), "damaged or of another model"),
        ("model.weights.h5", lambda p: p.unlink(), "no trained weights"),
        ("source.model", _cut, "Not a SentencePiece model"),
        ("target.model", lambda p: p.unlink(), "tokeniser is missing"),
        ("recipe.json", _cut, "not a readable JSON file"),
        ("recipe.json", _other_version, "written in format 99"),
        ("recipe.json", _other_units, "damaged or of another model"),
        ("recipe.json", lambda p: p.write_text("{}"), "no format number"),
        ("recipe.json", lambda p: p.unlink(), "no run folder"),
    ],
)
def test_a_damaged_run_is_told_by_name(finished, tmp_path, name, damage, message):
    shutil.copytree(finished, tmp_path / "run")
    damage(tmp_path / "run" / name)
    with pytest.raises(RunFolderError, match=message):
        load_generator(tmp_path / "run")


def _unfinished(finished, folder):
    shutil.copytree(finished, folder)
    for name in ("scores.json", "history.csv"):
        (folder / name).unlink()
    return folder


def test_a_damaged_checkpoint_is_told_and_the_one_before_it_is_used(quick_run, quick_finished, tmp_path, caplog):
    folder = _unfinished(quick_finished, tmp_path / "run")
    _cut(folder / "checkpoint.npz")
    assert quick_run(folder) == 0
    assert "checkpoint.npz: the checkpoint is damaged" in caplog.text
    assert "Going on from checkpoint.before.npz" in caplog.text
    assert training_of(folder) == training_of(quick_finished)


def test_without_a_whole_checkpoint_nothing_is_lost(quick_run, quick_finished, tmp_path, capsys):
    folder = _unfinished(quick_finished, tmp_path / "run")
    _cut(folder / "checkpoint.npz")
    _cut(folder / "checkpoint.before.npz")
    assert quick_run(folder) == 2
    message = capsys.readouterr().err
    assert message.count("the checkpoint is damaged") == 2
    assert "Delete the run folder" in message
    assert (folder / "model.weights.h5").read_bytes() == (quick_finished / "model.weights.h5").read_bytes()


def test_without_validation_files_a_fixed_part_of_the_training_text_is_held_out(corpus_files):
    from seq2seq.tasks.text_to_text.data import find_corpus
    from seq2seq.tasks.text_to_text.recipe import Data, Files

    files = Files(source=str(corpus_files / "train.x"), target=str(corpus_files / "train.y"))
    corpus = find_corpus(Data(corpus="files", train=files))
    assert [e.line for e in corpus.validation] == [50, 100]
    assert {e.line for e in corpus.train} == set(range(1, 121)) - {50, 100}


def test_a_missing_file_is_told_before_anything_is_made(quick_run, tmp_path, capsys):
    assert quick_run(tmp_path / "run", "--data.test.source", "nowhere.txt") == 2
    assert "nowhere.txt: no such file" in capsys.readouterr().err
    assert quick_run(tmp_path / "run", "--data.max_train", "20") == 0, "the mended command must not be refused"
