"""From a table to the batches of a forecaster: what contradicts itself is refused, and what is held back stays so."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.run.folder import RunFolder
from seq2seq.series.table import table_of
from seq2seq.tasks import forecast as task
from seq2seq.tasks.forecast.data import find_corpus
from seq2seq.tasks.forecast.prepare import check_counts
from seq2seq.tasks.forecast.recipe import Batching, Data, Model, Recipe, Window
from tests.forecasters import model_inputs

DAYS = np.datetime64("2024-01-01") + np.arange(60)
HORIZON, CONTEXT = 5, 10
HEAD = "unique_id,ds,y"


@pytest.fixture
def table(tmp_path):
    """Writes a CSV file of rows."""

    def write(rows, head=HEAD, name="table.csv"):
        (tmp_path / name).write_text("\n".join([head, *rows]) + "\n")
        return str(tmp_path / name)

    return write


def rows_of(**series):
    """Rows of series; NaN is an empty cell."""
    return [
        f"{name},{day},{'' if np.isnan(value) else value}"
        for name, values in series.items()
        for day, value in zip(DAYS, values, strict=False)
    ]


def recipe_of(path, test="", data=None, window=None, model=None, **sections):
    return Recipe(
        name="small",
        data=Data(corpus="files", train=path, test=test, **(data or {})),
        window=Window(**{"horizon": HORIZON, "context": CONTEXT, **(window or {})}),
        model=Model(**{"segment": 5, "units": 4, **(model or {})}),
        batching=Batching(size=8),
        **sections,
    )


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"model": {"levels": (0.25, 0.5, 0.75)}},
            r"model\.levels must reach from 0\.025 to 0\.975 for intervals of 95",
        ),
        ({"model": {"levels": (0.2, 0.8)}, "scoring": {"level": ()}}, r"from 0\.1 to 0\.9 for intervals of 80 %"),
        ({"model": {"levels": (0.5, 0.1)}}, r"model\.levels must ascend"),
        ({"data": {"target_columns": ()}}, r"data\.target_columns must name a column"),
        ({"data": {"target_columns": ("y", "y")}}, "name y twice: a column is one of them"),
        ({"data": {"future": ("a",), "historic": ("a",)}}, "name a twice"),
        ({"data": {"time_zone": "Mars/Base"}}, r"data\.time_zone: Expected the name of a time zone"),
        ({"data": {"frequency": "fortnight"}}, r"data\.frequency: Expected a frequency"),
        ({"model": {"kind": "autoregressive"}}, "quantiles is for direct models"),
        ({"window": {"context": 56}}, "received 56 and 24: choose a segment such as 14, or a context such as 72 "),
        ({"window": {"context": 0}}, r"window\.context must be from 1"),
        ({"model": {"segment": 0}}, r"model\.segment"),
        ({"scoring": {"level": (0,)}}, "percents from 1 to 99"),
        ({"window": {"horizon": 0}}, r"window\.horizon must be from 1"),
        (
            {
                "model": {"head": "negative_binomial"},
                "window": {"scaling": "mean_absolute"},
                "data": {"standardize": True},
            },
            "what is standardised is no count",
        ),
    ],
)
def test_contradictions_of_a_recipe_are_said(sections, message):
    with pytest.raises(ValueError, match=message):
        Recipe(name="odd", **sections)


def test_validation_is_the_end_of_each_series_and_training_ends_before_it(table):
    path = table(rows_of(a=np.arange(60.0), b=np.arange(30.0), c=np.arange(4.0)))
    corpus = find_corpus(recipe_of(path, data={"validation_windows": 2}))
    assert corpus.known.lengths.tolist() == [60, 30, 4]
    assert corpus.train.lengths.tolist() == [50, 20, 0]
    assert [w.tolist() for w in corpus.validation.windows] == [[0, 0, 1, 1], [50, 55, 20, 25]]
    assert not corpus.tests


def test_tests_go_on_where_the_training_table_ends(table):
    train = table(rows_of(a=np.arange(50.0), b=np.arange(30.0)))
    later = [f"a,{day},{value}" for day, value in zip(DAYS[50:], range(50, 60), strict=True)]
    for rows in (later, [*rows_of(a=np.arange(50.0))[45:], *later]):  # with rows of the past too
        corpus = find_corpus(recipe_of(train, table(rows, name="later.csv")))
        held = corpus.tests[corpus.files[1].as_posix()] if "test" not in corpus.tests else corpus.tests["test"]
        assert [w.tolist() for w in held.windows] == [[0, 0], [50, 55]]
        np.testing.assert_array_equal(held.table[0].values, np.arange(60.0))
    with pytest.raises(ValueError, match=r"no series goes on for a horizon of 5 steps.*The longest has 3"):
        find_corpus(recipe_of(train, table(later[:3], name="short.csv")))


def test_windows_that_cannot_be_forecast_are_left_out(table, caplog):
    caplog.set_level("INFO")
    values = np.arange(60.0)
    blind = np.where((values >= 40) & (values < 55), np.nan, values)
    corpus = find_corpus(recipe_of(table(rows_of(a=values, b=blind))))
    assert corpus.validation.windows.series.tolist() == [0]
    assert "Left out 1 window of validation with no reading in the 10 steps before them" in caplog.text
    with pytest.raises(ValueError, match="No window of validation can be forecast: 1 window with no reading in"):
        find_corpus(recipe_of(table(rows_of(b=blind))))
    with pytest.raises(ValueError, match="No window of validation has a reading in its 5 steps"):
        find_corpus(recipe_of(table(rows_of(b=np.where(values < 55, values, np.nan)))))
    rows = [f"{row},{'' if 'a,' in row and '2024-02-29' in row else 1}" for row in rows_of(a=values, b=values)]
    corpus = find_corpus(recipe_of(table(rows, HEAD + ",promo"), data={"future": ("promo",)}))
    assert corpus.validation.windows.series.tolist() == [1]


def test_a_table_without_a_reading_is_refused(tmp_path):
    path = tmp_path / "empty.csv"
    path.write_text("unique_id,ds,y\n" + "".join(f"a,{day},\n" for day in range(40)))
    with pytest.raises(ValueError, match=r"empty\.csv: no row has a number in column y"):
        find_corpus(recipe_of(str(path)))


def test_numbers_that_are_no_counts_are_refused_for_counts(table):
    for values, shown in (([1.0, 2.0, -1.0], "-1"), ([1.0, 2.5], r"2\.5")):
        with pytest.raises(ValueError, match=f"is for counts. Series 'b' has the reading {shown}"):
            check_counts(table_of({"a": [0.0, 3.0], "b": values}))
    check_counts(table_of({"a": [0.0, 3.0, np.nan]}))


def prepared(tmp_path, recipe):
    data = task.open_data(recipe)
    run = RunFolder(tmp_path / "run")
    run.path.mkdir(exist_ok=True)
    return data, task.prepare(run, recipe, data)


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ({"attention": True, "series_units": 2}, {}),
        ({"kind": "autoregressive", "head": "negative_binomial"}, {"scaling": "mean_absolute"}),
        ({"head": "squares"}, {"scaling": "standard", "per_series": 9}),
    ],
    ids=["direct", "counts", "squares"],
)
def test_a_recipe_is_prepared_trained_and_validated(tmp_path, table, model, window):
    random = np.random.default_rng(0)
    path = table(rows_of(a=random.poisson(9, 60) * 1.0, b=np.zeros(60), c=random.poisson(90, 40) * 1.0))
    recipe = recipe_of(path, model=model, window=window)
    data, ready = prepared(tmp_path, recipe)
    network = task.build_model(recipe, ready.codec)
    objective = task.objective(recipe, network)
    objective.compile(keras.optimizers.Adam(0.01), jit_compile=False)
    plan = ready.stores.plan(0)
    losses = []
    for step in range(2):
        batch = plan[step]
        losses.append(objective.train_on_batch(model_inputs(batch), batch.target_output, batch.weights))
    assert np.isfinite(losses).all()
    scores = task.validator(network, ready.codec, data, recipe)(losses[-1])
    assert set(scores) == {"crps", "mse", "mae"}
    assert all(np.isfinite(score.score) for score in scores.values())
    # A run that goes on reads the codec that was written, and the same batches.
    _, again = prepared(tmp_path, recipe)
    assert again.codec.series == ready.codec.series
    for one, other in zip(plan[2].extras.values(), again.stores.plan(0)[2].extras.values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_nothing_of_validation_reaches_training(tmp_path, table):
    random = np.random.default_rng(0)
    values = random.normal(size=(2, 60))
    other = values.copy()
    other[:, 55:] += 1e6
    ready = []
    for number, one in enumerate((values, other)):
        recipe = recipe_of(table(rows_of(a=one[0], b=one[1])), data={"standardize": True})
        (tmp_path / str(number)).mkdir()
        ready.append(prepared(tmp_path / str(number), recipe)[1])
    assert ready[0].codec.series == ready[1].codec.series
    np.testing.assert_array_equal(ready[0].codec.skip, ready[1].codec.skip)
    for step in range(ready[0].stores.steps):
        one, two = (part.stores.plan(1)[step] for part in ready)
        np.testing.assert_array_equal(one.target_output, two.target_output)
        np.testing.assert_array_equal(one.extras["source"], two.extras["source"])
