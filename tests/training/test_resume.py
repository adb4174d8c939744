import copy

import pytest

from seq2seq.training.resume import check_progress

ROW = {"epoch": 1, "loss": 2.0, "nll": 2.0, "val_nll": 2.5, "val_bleu": 1.0, "seconds": 3.0}
WATCH = {"skipped": 0, "best": None, "risen": 0, "steps": 3, "total": -1.5, "count": 7.0}
GOOD = {
    "epoch": 2,
    "epochs": 3,
    "patience_from": 1,
    "history": [ROW, {**ROW, "epoch": 2}],
    "step": 3,
    "seconds": 0.5,
    "tokens_per_second": 9.0,
    "watch": WATCH,
}


def _check(progress):
    check_progress(progress, epochs=3, steps=10, columns=("nll", "val_nll", "val_bleu", "seconds"))


def test_what_training_writes_is_taken():
    for change in ({}, {"watch": {}}, {"skipped": 2}, {"step": 20}, {"epochs": 12}):
        _check({**GOOD, **change})
    _check({**GOOD, "epoch": 0, "patience_from": 0, "history": []})


ODD = [None, True, "x", "1", [], {}, -1, 0.5, float("nan"), float("inf"), 10**400, [[]]]


@pytest.mark.parametrize("name", [*GOOD, "skipped"])
def test_any_other_value_is_refused_and_named(name):
    if name != "skipped":
        with pytest.raises(ValueError, match=name):
            _check({key: value for key, value in GOOD.items() if key != name})
    taken = {"seconds": (0.5,), "tokens_per_second": (0.5,), "watch": ({},)}.get(name, ())
    for value in ODD:
        if not any(type(value) is type(one) and value == one for one in taken):
            with pytest.raises(ValueError, match=f"its (progress has {name}|{name} is no list)"):
                _check({**GOOD, name: value})


@pytest.mark.parametrize("change", [{"epoch": 4}, {"epoch": 1}, {"patience_from": 3}, {"step": 21}, {"history": [ROW]}])
def test_numbers_that_do_not_fit_the_run_are_refused(change):
    with pytest.raises(ValueError, match=r"its (progress|history)"):
        _check({**GOOD, **change})


@pytest.mark.parametrize("value", ODD)
def test_rows_and_what_the_guard_remembers_hold_numbers(value):
    for column in ("epoch", "nll", "val_bleu"):
        progress = copy.deepcopy(GOOD)
        progress["history"][1][column] = value
        if column == "epoch" or value not in (-1, 0.5):
            with pytest.raises(ValueError, match=r"row 2 of its history|its progress has"):
                _check(progress)
        del progress["history"][1][column]
        with pytest.raises(ValueError, match="row 2 of its history"):
            _check(progress)
    for place in ("skipped", "risen", "steps"):
        with pytest.raises(ValueError, match=f"its progress has {place}"):
            _check({**GOOD, "watch": {**WATCH, place: value}})
    with pytest.raises(ValueError, match="its progress has watch"):
        _check({**GOOD, "watch": {**WATCH, "more": value}})
