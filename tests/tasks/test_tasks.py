"""Tasks are modules: named in one dict, read from a run folder, and asked which verbs take their runs."""

import json
import sys
from types import ModuleType

import pytest

import seq2seq
from seq2seq import tasks
from seq2seq.cli.main import VERBS, main
from seq2seq.run.folder import FORMAT, RunFolderError
from seq2seq.run.sections import Recipe
from seq2seq.tasks import TASKS, check_verb, load_recipe, named_recipes, task_named, task_of


class FortuneRecipe(Recipe):
    """Of a task that reads no text."""

    task: str = "fortune"


@pytest.fixture
def fortune(monkeypatch):
    """A task that only the verb 'divine' takes; returns its module."""
    module = ModuleType("tests.fortune")
    module.NAME, module.VERBS, module.Recipe = "fortune", {"divine": "divine", "export": "export"}, FortuneRecipe
    module.load = lambda path, others=(), **options: f"divines {path}"
    monkeypatch.setitem(sys.modules, "tests.fortune", module)
    monkeypatch.setitem(TASKS, "fortune", "tests.fortune")
    return module


def run_of(folder, task):
    folder.mkdir(parents=True)
    record = {"format": FORMAT, "seq2seq": seq2seq.__version__, "recipe": {"task": task}}
    (folder / "recipe.json").write_text(json.dumps(record))
    return folder


@pytest.mark.parametrize("name", list(TASKS))
def test_every_task_says_what_the_driver_and_the_commands_need(name):
    task = task_named(name)
    assert name == task.NAME
    assert task.Recipe.model_validate({"task": name}).task == name
    assert set(task.VERBS) <= set(VERBS)
    for recipe in named_recipes(name).values():
        assert task.example(recipe).format(run="runs/a").split("seq2seq ")[1].split()[0] in task.VERBS
    for function in ("open_data", "prepare", "build_model", "objective", "validator", "finish", "load"):
        assert callable(getattr(task, function))


def test_a_run_folder_knows_its_task(fortune, tmp_path):
    assert task_of(run_of(tmp_path / "run", "fortune")) is fortune
    assert isinstance(load_recipe(tmp_path / "run" / "recipe.json"), FortuneRecipe)
    assert seq2seq.load(tmp_path / "run") == f"divines {tmp_path / 'run'}"
    for name in TASKS:
        assert task_of(run_of(tmp_path / name, name)) is task_named(name)


@pytest.mark.parametrize("task", ["juggling", None, 7, ["translation"]])
def test_an_unknown_task_is_named_with_those_that_are_known(task, tmp_path):
    folder = run_of(tmp_path / "run", task)
    with pytest.raises(RunFolderError, match=r"recipe\.json: expected a recipe of a task: translation, .*Received: "):
        task_of(folder)
    with pytest.raises(RunFolderError, match="expected a recipe of a task"):
        check_verb(folder, "translate")
    with pytest.raises(ValueError, match=r"Expected the name of a task: translation, .*Received: 'juggling'"):
        task_named("juggling")


def test_a_verb_takes_the_runs_of_its_tasks_alone(fortune, tmp_path):
    folder = run_of(tmp_path / "run", "fortune")
    check_verb(folder, "divine")
    check_verb(tmp_path / "nowhere", "translate")
    for name in set(TASKS) - {"fortune"}:
        for verb in task_named(name).VERBS:
            check_verb(run_of(tmp_path / name / verb, name), verb)
        run_of(tmp_path / name / "run", name)
        with pytest.raises(
            RunFolderError, match=rf"takes runs of fortune\. Received: .*, a run of {name}\. Use one of"
        ):
            check_verb(tmp_path / name / "run", "divine")


@pytest.mark.parametrize(
    "words",
    [
        ["translate", "RUN"],
        ["summarize", "RUN"],
        ["evaluate", "RUN"],
        ["evaluate", "ANOTHER", "RUN"],
        ["compare", "ANOTHER", "RUN"],
        ["align", "RUN", "--source", "x", "--target", "x"],
        ["score", "RUN", "--source", "x", "--target", "x"],
        ["augment", "RUN", "--input", "x", "--output", "x"],
        ["rerank", "--source", "x", "--n-best", "x", "--score", "RUN"],
        ["rerank", "--source", "x", "--n-best", "x", "--reverse", "RUN"],
        ["average", "RUN", "--output", "x"],
        ["doctor", "--run", "RUN"],
    ],
    ids=" ".join,
)
def test_every_verb_refuses_a_run_of_another_task_in_one_sentence(words, fortune, tmp_path, capsys):
    folder, another = run_of(tmp_path / "run", "fortune"), run_of(tmp_path / "another", "translation")
    assert main([{"RUN": str(folder), "ANOTHER": str(another)}.get(word, word) for word in words]) == 2
    takers = [name for name in TASKS if words[0] in task_named(name).VERBS]
    assert takers[:3] == ["translation", "summarization", "compression"]
    assert capsys.readouterr().err == (
        f"error: `seq2seq {words[0]}` takes runs of {', '.join(takers[:-1])} and {takers[-1]}. "
        f"Received: {folder}, a run of fortune. Use one of its verbs: divine, export.\n"
    )


def test_runs_of_other_kinds_make_no_ensemble(fortune, tmp_path):
    folder, another = run_of(tmp_path / "run", "fortune"), run_of(tmp_path / "another", "translation")
    with pytest.raises(
        ValueError, match=r"runs of tasks of one kind\. Received: .* a run of translation, and .* fortune"
    ):
        tasks.load(another, [folder])
