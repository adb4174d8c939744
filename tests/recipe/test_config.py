import json

import pytest
from pydantic import ValidationError

from recipes.command import parse
from recipes.translation import RECIPES
from seq2seq.recipe.config import Recipe
from seq2seq.recipe.parsing import RecipeError, describe, from_json, leaves, override


def test_every_named_variant_survives_json():
    for recipe in RECIPES.values():
        values = json.loads(json.dumps(recipe.model_dump(mode="json")))
        assert from_json(Recipe, values, "here") == recipe


def test_an_override_changes_its_field_and_no_other():
    before = Recipe()
    after = override(before, {"model.encoder.units": "64", "data.tests": "a,b", "training.learning_rate": "1e-4"})
    changed = {name: value for name, value in leaves(after) if dict(leaves(before))[name] != value}
    assert changed == {"model.encoder.units": 64, "data.tests": ("a", "b"), "training.learning_rate": 1e-4}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("model.encoder.unit", "model.encoder.units"),
        ("training.epoch", "training.epochs"),
        ("beam_size", "search.beam_size"),
        ("batching.token", "batching.tokens"),
    ],
)
def test_an_unknown_field_gets_the_nearest_name(name, hint):
    with pytest.raises(RecipeError, match=rf"--{name}: no such field. Did you mean --{hint}\?"):
        override(Recipe(), {name: "3"})


def test_every_error_is_told_at_once():
    changes = {"training.epochs": "many", "model.tie": "al", "search.beam": "3", "model.encoder.bidirectional": "si"}
    with pytest.raises(RecipeError) as error:
        override(Recipe(), changes)
    for name in changes:
        assert f"--{name}: " in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("training.epochs", "0"),
        ("training.learning_rate", "0"),
        ("training.learning_rate", "nan"),
        ("training.label_smoothing", "1"),
        ("model.encoder.dropout", "-0.1"),
        ("model.encoder.units", "0"),
        ("model.encoder.units", "1.5"),
        ("tokenizer.character_coverage", "0"),
        ("tokenizer.sampling", "-1"),
        ("search.beam_size", "0"),
        ("search.strength", "-1"),
        ("batching.tokens", "0"),
        ("tokenizer.joint", "false"),
        ("model.decoder.readout", "false"),
        ("data.corpus", "files"),
    ],
)
def test_a_value_that_cannot_work_is_refused_when_made(name, value):
    with pytest.raises(RecipeError):
        override(Recipe(), {name: value})


def test_a_recipe_is_frozen():
    with pytest.raises(ValidationError):
        Recipe().seed = 2


def test_help_names_every_field_with_its_default_and_a_meaning():
    recipe = RECIPES["multi30k_en_de"]
    text = describe(recipe)
    entries = {line.split()[0][2:]: i for i, line in enumerate(text.splitlines()) if line.startswith("  --")}
    assert list(entries) == [name for name, _ in leaves(recipe)]
    lines = text.splitlines()
    for name, i in entries.items():
        assert "(default: " in lines[i], name
        assert len(lines[i + 1].split()) > 1, f"{name} has no meaning"


def test_values_from_a_file_are_checked_like_overrides():
    values = Recipe().model_dump(mode="json")
    values["training"]["epocs"] = 3
    with pytest.raises(
        RecipeError, match=r"recipe.json: --training.epocs: no such field. Did you mean --training.epochs"
    ):
        from_json(Recipe, values, "recipe.json")
    with pytest.raises(RecipeError, match="expected a JSON object"):
        from_json(Recipe, [], "recipe.json")


def test_the_command_line_says_what_is_missing_or_twice(tmp_path):
    for words, message in [
        ([], "Name one variant"),
        (["demo", "tiny"], "Expected one variant"),
        (["dem"], "No such variant: 'dem'. Did you mean demo?"),
        (["demo", "--seed"], "--seed wants a value"),
        (["demo", "--seed", "1", "--seed", "2"], "--seed is given twice"),
        (["demo", "--sed=1"], "--sed: no such field. Did you mean --seed?"),
        (["custom"], "custom wants files"),
        (["--from", str(tmp_path / "none.json")], "no such file"),
    ]:
        with pytest.raises(ValueError) as error:
            parse(RECIPES, words)
        assert message in str(error.value), words


def test_both_spellings_of_a_flag_mean_the_same():
    assert parse(RECIPES, ["demo", "--seed=5", "--run-folder=x"]) == parse(
        RECIPES, ["--seed", "5", "--run-folder", "x", "demo"]
    )
