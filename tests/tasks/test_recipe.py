import json

import pytest
from pydantic import ValidationError

from recipes.translation import RECIPES
from seq2seq.cli.train import parse
from seq2seq.layers.options import DropoutOptions
from seq2seq.run.folder import RunFolderError
from seq2seq.run.parsing import RecipeError, describe, from_json, leaves, override
from seq2seq.tasks import load_recipe
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.model import build_model
from seq2seq.tasks.text_to_text.recipe import Decoder, Encoder, Model, Recipe
from seq2seq.tasks.text_to_text.tokenizers import copy_rules, learn


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
        ("model.encoder.input_dropout", "1"),
        ("model.encoder.word_dropout", "none"),
        ("model.decoder.output_dropout", "-0.1"),
        ("model.decoder.weight_dropout", "0.5"),
        ("model.encoder.units", "0"),
        ("model.encoder.units", "1.5"),
        ("tokenizer.character_coverage", "0"),
        ("tokenizer.sampling", "-1"),
        ("search.beam_size", "0"),
        ("search.length_penalty", "-1"),
        ("batching.tokens", "0"),
        ("tokenizer.joint", "false"),
        ("model.decoder.readout", "false"),
        ("data.corpus", "files"),
        ("tokenizer.normalization", "nfc"),
        ("tokenizer.source_normalization", "nfkc"),
    ],
)
def test_a_value_that_cannot_work_is_refused_when_made(name, value):
    with pytest.raises(RecipeError):
        override(Recipe(), {name: value})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "words", "sampling": "0.1"}, "sampling needs unigram or bpe, .* tokenizer.kind words"),
        (
            {"source_kind": "characters", "joint": "false", "casing": "mark"},
            "casing mark needs .*source_kind characters",
        ),
        ({"kind": "characters", "byte_fallback": "true"}, "byte_fallback needs unigram or bpe"),
        ({"kind": "words", "normalization": "lossless"}, "normalization lossless needs unigram or bpe"),
        ({"kind": "words", "placeholders": "url"}, "placeholders needs unigram or bpe"),
        ({"source_kind": "words"}, "source_kind other than the target's needs tokenizer.joint false"),
    ],
)
def test_what_only_learned_pieces_can_do_is_refused_of_words_and_characters(changes, message):
    with pytest.raises(RecipeError, match=message):
        override(Recipe(), {f"tokenizer.{name}": value for name, value in changes.items()} | {"model.tie": "target"})


@pytest.mark.parametrize("name", ["model.encoder.input_dropout", "model.decoder.output_dropout", "search.max_ratio"])
def test_a_field_that_may_be_none_takes_none_and_a_number(name):
    number = override(Recipe(), {name: "0.25"})
    assert dict(leaves(number))[name] == 0.25
    assert dict(leaves(override(number, {name: "none"})))[name] is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decoder.weight_dropout": "0.2"}, "needs attention_position 'between' or 'after', or no attention"),
        ({"decoder.weight_dropout": "0.2", "decoder.attention_position": "conditional"}, "needs attention_position"),
        (
            {"decoder.weight_dropout": "0.2", "decoder.attention_position": "after", "decoder.input_feeding": "true"},
            "decoder.weight_dropout needs input_feeding false",
        ),
        ({"encoder.weight_dropout": "0.2", "encoder.cell": "ssru"}, "encoder.weight_dropout needs a cell with"),
    ],
)
def test_dropped_weights_are_refused_where_none_would_be(changes, message):
    with pytest.raises(RecipeError, match=message):
        override(Recipe(), {f"model.{name}": value for name, value in changes.items()})


def test_each_rate_of_a_recipe_reaches_the_network():
    rates = {"dropout": 0.1, "input_dropout": 0.2, "output_dropout": 0.3, "word_dropout": 0.4, "weight_dropout": 0.5}
    section = {**rates, "units": 2, "variational_dropout": True}
    decoder = Decoder(**section, attention_position="between", num_layers=2)
    model = build_model(Model(embedding=2, encoder=Encoder(**section), decoder=decoder), 4, 4)
    expected = DropoutOptions(0.1, True, 0.2, 0.3, 0.4, 0.5)
    assert model.encoder.dropout == model.decoder.dropout == expected


@pytest.mark.parametrize(
    "other", [("tokenizer.normalization", "nfkc_cf"), ("model.words", "true"), ("model.selector", "true")]
)
def test_marked_capitals_are_refused_beside_what_cannot_take_them(other):
    with pytest.raises(RecipeError, match=r"tokenizer\.casing mark"):
        override(Recipe(), {"tokenizer.casing": "mark", other[0]: other[1]})


@pytest.mark.parametrize("written", [1, 2, 3, 5, "4", None])
def test_a_recipe_of_another_format_is_refused_in_one_sentence(tmp_path, written):
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps({"format": written, "seq2seq": "0", "recipe": Recipe().model_dump(mode="json")}))
    with pytest.raises(RunFolderError, match=rf"in format {written} by seq2seq 0.*reads format 4\. .*train again"):
        load_recipe(path)


def test_sides_that_are_not_joint_may_have_rules_of_their_own(tmp_path):
    (tmp_path / "my.tsv").write_text("0061\t0062\n")
    changes = {
        "joint": "false",
        "normalization": str(tmp_path / "my.tsv"),
        "source_normalization": "nfkc",
        "size": "30",
    }
    model = {"model.tie": "none"}
    recipe = override(Recipe(), {f"tokenizer.{name}": value for name, value in changes.items()} | model)
    source, target = learn(recipe, lambda: [("½ abc", "½ abc")])
    assert source.decode(source.encode(["½ a"])) == ["1⁄2 a"]
    assert target.decode(target.encode(["½ a"])) == ["½ b"]
    copy_rules(recipe, TextRunFolder(tmp_path))
    assert (tmp_path / "target.rules.tsv").read_text() == "0061\t0062\n"
    (tmp_path / "my.tsv").write_text("0061\tx\n")
    with pytest.raises(ValueError, match=r"my\.tsv:1: expected code points"):
        learn(recipe, lambda: [("½ abc", "½ abc")])


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
        (["demo", "--seed"], "--seed expects a value"),
        (["demo", "--seed", "1", "--seed", "2"], "--seed is given twice"),
        (["demo", "--sed=1"], "--sed: no such field. Did you mean --seed?"),
        (["custom"], "custom expects files"),
        (["--from", str(tmp_path / "none.json")], "no such file"),
    ]:
        with pytest.raises(ValueError) as error:
            parse(RECIPES, words)
        assert message in str(error.value), words


def test_files_may_be_given_one_after_the_other_or_with_commas():
    words = ["--data.train.source", "a.en", "b.en", "--data.train.target", "a.de,b.de"]
    for given in (["custom", *words], [*words, "custom"]):
        recipe, _ = parse(RECIPES, given)
        assert (recipe.data.train.source, recipe.data.train.target) == ("a.en,b.en", "a.de,b.de")
    with pytest.raises(RecipeError, match="Expected one variant"):
        parse(RECIPES, ["custom", *words, "--seed", "1", "2"])


def test_both_spellings_of_a_flag_mean_the_same():
    assert parse(RECIPES, ["demo", "--seed=5", "--run-folder=x"]) == parse(
        RECIPES, ["--seed", "5", "--run-folder", "x", "demo"]
    )
