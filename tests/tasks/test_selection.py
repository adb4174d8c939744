import math

import pytest

from recipes.translation import RECIPES
from seq2seq.cli.train import parse
from seq2seq.run.parsing import RecipeError, from_json
from seq2seq.run.selection import Selection
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.tasks.text_to_text.selection import choose_selection


def recipe(task="translation", language="de", select_by="auto"):
    values = {"task": task, "data": {"target_language": language}, "training": {"select_by": select_by}}
    return Recipe.model_validate(values)


WORDS = [f"wort{n}" for n in range(20)]
LINES = [f"hier sind {n} kurze Zeilen" for n in range(20)]


@pytest.mark.parametrize(
    ("given", "targets", "score"),
    [
        (recipe(), LINES, "bleu"),
        (recipe("summarization"), LINES, "rouge"),
        (recipe(), WORDS, "chrf"),
        (recipe("summarization"), WORDS, "chrf"),
        (recipe(), ["gut", "schlecht"] * 10, "exact_match"),
        (recipe(language="zh"), [f"我喜欢吃{n}个苹果" for n in range(20)], "bleu"),
        (recipe(select_by="cer"), LINES, "cer"),
        (recipe(select_by="loss"), WORDS, "chrf"),
    ],
)
def test_the_validation_text_says_what_chooses(given, targets, score):
    found = choose_selection(given, targets)
    assert found.score == score
    assert found.by_loss == (given.training.select_by == "loss")
    assert found == choose_selection(given, list(targets))


def rows(*values):
    return [{"epoch": n, "val_bleu": score, "val_nll": loss} for n, (score, loss) in enumerate(values, 1)]


BLEU = Selection("bleu", False, "")


def test_a_higher_score_is_better_and_of_equal_ones_the_lower_loss_and_the_earlier_epoch():
    assert BLEU.best(rows((1, 3), (2, 9), (2, 8), (2, 8))) == 2
    assert BLEU.best(rows((0, 2.55), (0, 1.4), (0, 0.8))) == 2
    assert Selection("bleu", True, "").best(rows((1, 3), (2, 2), (3, 4))) == 1
    lower = [{"val_cer": 3, "val_nll": 1}, {"val_cer": 2, "val_nll": 4}]
    assert Selection("cer", False, "").best(lower) == 1
    assert BLEU.best(rows((math.nan, 1), (0, math.nan), (0, 5))) == 2


def test_patience_counts_by_the_same_order_and_begins_anew_where_a_run_goes_on():
    history = rows((0, 3), (0, 2), (0, 2.5), (0, 2.2))
    assert BLEU.stale([]) == 0
    assert [BLEU.stale(history[: n + 1]) for n in range(4)] == [0, 0, 1, 2]
    assert BLEU.stale(history, 3) == 1
    assert BLEU.stale(history, 4) == 0


def test_patience_waits_while_the_loss_still_falls():
    history = rows((2.8, 4.7), (2.0, 4.5), (1.2, 4.3), (1.1, 4.4))
    assert [BLEU.stale(history[: n + 1]) for n in range(4)] == [0, 0, 0, 1]
    assert BLEU.best(history) == 0


def test_a_constant_score_is_noticed():
    assert BLEU.is_constant(rows((0, 3), (0, 2)))
    assert not BLEU.is_constant(rows((0, 3)))
    assert not BLEU.is_constant(rows((0, 3), (1, 2)))
    assert not Selection("bleu", True, "").is_constant(rows((0, 3), (0, 2)))


def test_a_measure_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(RecipeError, match="exact_match"):
        parse(RECIPES, ["tiny", "--training.select_by", "score"])
    assert from_json(Recipe, recipe(select_by="ter").model_dump(mode="json"), "here").training.select_by == "ter"
