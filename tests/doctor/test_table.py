"""What the doctor finds in tables of series; it refuses what training refuses, and clean tables have nothing."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from seq2seq.catalogue import faults, seasons
from seq2seq.cli.main import main
from seq2seq.doctor.table import Asked, as_text, examine
from seq2seq.doctor.table_kinds import KINDS
from seq2seq.series.cells import Columns
from seq2seq.series.reading import read_table
from seq2seq.series.writing import write_table
from seq2seq.text.opening import CorpusError


def silent(*_):
    pass


def stamps(size, start="2024-01-01T00", unit="h", step=1):
    found = np.datetime64(start, unit) + step * np.arange(size)
    return [str(one).replace("T", " ") for one in found.astype("datetime64[s]")]


def noise(size, seed=0):
    return np.round(10 + np.sin(np.arange(size) * 2 * np.pi / 24) + np.random.default_rng(seed).normal(0, 1, size), 3)


def rows_of(name="a", size=60, seed=0, **options):
    return [f"{name},{stamp},{value}" for stamp, value in zip(stamps(size, **options), noise(size, seed), strict=True)]


def write(folder, rows, head="unique_id,ds,y", name="t.csv"):
    (folder / name).write_text("\n".join([head, *rows]) + "\n")
    return folder / name


def clean(names="abc"):
    return [row for seed, name in enumerate(names) for row in rows_of(name, seed=seed)]


def look(path, columns=Columns(), **asked):
    return examine(path, Asked(columns, **asked), silent)


def found(report):
    return {finding.kind: finding.count for finding in report.findings}


def examples(report, kind):
    return next(finding.examples for finding in report.findings if finding.kind == kind)


def other(rows, place, row):
    return [*rows[:place], row, *rows[place + 1 :]]


@pytest.fixture
def doctor(capfd):
    def call(*words):
        capfd.readouterr()
        code = main(["doctor", *map(str, words)])
        return code, *capfd.readouterr()

    return call


def test_a_clean_table_has_nothing_and_its_figures_are_told(doctor, tmp_path):
    code, out, _ = doctor("--table", write(tmp_path, clean()))
    assert code == 0
    assert "Nothing found: the table looks fine." in out
    assert "180 rows, 3 series" in out
    assert "frequency h (inferred)" in out
    assert "2024-01-01 to 2024-01-03 11:00:00" in out
    assert "60 to 60 steps (median 60), 100.0 % with a value" in out


def test_the_embedded_series_have_nothing_but_notes(tmp_path):
    write_table(seasons.load("train"), tmp_path / "shops.csv")
    known = Columns(covariates=("holiday", "promotion"), static=("region",))
    report = look(tmp_path / "shops.csv", known, horizon=seasons.HORIZON, context=56)
    assert set(found(report)) <= {"outliers", "gaps"}
    assert (report.frequency, report.covariates, report.static) == ("D", ["holiday", "promotion"], ["region"])
    write_table(faults.table("train"), tmp_path / "sensors.csv")
    assert found(look(tmp_path / "sensors.csv")) == {}


A = rows_of("a")
REFUSED = {
    "columns": (A, "unique_id,ds,Y"),
    "records": (other(A, 5, "a,2024-01-01 05:00:00"), None),
    "names": (other(A, 5, ",2024-01-01 05:00:00,1"), None),
    "stamps": (other(A, 5, "a,yesterday,1"), None),
    "text": (other(A, 5, "a,2024-01-01 05:00:00,high"), None),
    "infinite": (other(A, 5, "a,2024-01-01 05:00:00,inf"), None),
    "kinds": (other(A, 5, "a,5,1"), None),
    "zones": (
        [f"{n},{s}{z},{i}" for n, z in (("a", "+01:00"), ("b", "+05:00")) for i, s in enumerate(stamps(9))],
        None,
    ),
    "dates": ([f"a,202401{day:02d},{day % 5}" for day in range(1, 20)], None),
    "duplicates": ([*A, A[7].rpartition(",")[0] + ",1"], None),
    "no_frequency": (["a,2024-01-01,1", "b,2024-01-01,2"], None),
    "off_grid": (other(A, 5, "a,2024-01-01 05:10:00,1"), None),
    "sparse": ([*A, "a,2204-01-01,1"], None),
    "unreadable": ([*A, 'a,"2024-01-01,1'], None),
    "static": ([f"{row},{i > 30}" for i, row in enumerate(A)], "unique_id,ds,y,site"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_the_reader_refuses_is_an_error_in_its_words_and_the_look_goes_on(kind, tmp_path):
    rows, head = REFUSED[kind]
    path = write(tmp_path, [*rows, *(rows_of("b") if kind == "duplicates" else [])], head or "unique_id,ds,y")
    columns = Columns(static=("site",)) if kind == "static" else Columns()
    with pytest.raises((ValueError, CorpusError)) as error:
        read_table(path, columns)
    report = look(path, columns)
    assert report.refused
    (finding,) = (one for one in report.findings if one.severity == "error" and one.kind == kind)
    expected = str(error.value)
    if kind == "columns":  # the reader does not look at another column
        expected = "there is no column 'y'. The columns are: unique_id, ds, Y. Did you mean 'Y'? It was looked at."
    assert expected in finding.examples[0]
    errors = {one.kind for one in report.findings if one.severity == "error"}
    assert errors - {kind} <= {"nothing", "too_short"}
    if kind not in ("unreadable", "sparse"):
        assert report.frequency, "nothing was looked at behind the error"


def test_stamps_of_several_zones_are_looked_at_in_utc(tmp_path):
    report = look(write(tmp_path, REFUSED["zones"][0]))
    assert (report.first, report.last) == ("2023-12-31 19:00:00", "2024-01-01 07:00:00")
    assert ["+1 h" in one or "+5 h" in one for one in examples(report, "zones")] == [False, True, True]


def test_a_table_that_is_not_refused_can_be_read(tmp_path):
    path = write(tmp_path, [*rows_of("b", 30), *rows_of("a", 20, step=2), *["c,2024-01-01,", "c,2024-01-01 02:00,"]])
    report = look(path)
    assert not report.refused
    assert [*read_table(path).notes] == report.notes


def test_several_errors_are_all_found_and_counted(tmp_path):
    rows = clean()
    rows[3] = "a,2024-01-01 03:00:00,x"
    rows[70:75] = [f"b,2024-01-01 {hour}:00:00,?" for hour in range(10, 15)]
    rows[100] = "b,2024-01-02 16:00:00,1e999"
    rows[130] = "c,noon,3"
    rows[140] = "c,2024-01-01 20:00:00"
    rows += [rows[20], rows[25]]
    report = look(write(tmp_path, rows))
    errors = {one.kind: one.count for one in report.findings if one.severity == "error"}
    assert errors == {"text": 6, "infinite": 1, "stamps": 1, "records": 1, "duplicates": 2}
    assert "t.csv:5: " in examples(report, "text")[0]
    assert len(examples(report, "text")) == 5
    assert "t.csv:183: as " in examples(report, "duplicates")[1]
    assert "the same value" in examples(report, "duplicates")[1]
    assert (report.rows, report.series) == (182, 3)


@pytest.mark.parametrize(
    ("rows", "head", "kind", "where"),
    [
        ([*A[:20], *A[30:]], None, "gaps", "t.csv:21: 'a', 2024-01-01 19:00:00: the next 10; 10 of 60 in all"),
        ([*A[:20], *A[21:]], None, "gaps", "t.csv:21: 'a', 2024-01-01 19:00:00: the next 1; 1 of 60 in all"),
        ([*A[:10], *A[20:30], *A[40:]], None, "missing", "t.csv:2: 'a': 33 % of 60"),
        ([*A[:30], *A[:29:-1]], None, "unsorted", "t.csv:33: 'a'"),
        ([*A, *(f"b,{s},7" for s in stamps(60))], None, "constant", "t.csv:62: 'b': 60 times 7"),
        ([*A, *(f"b,{s}," for s in stamps(60))], None, "empty", "t.csv:62: 'b'"),
        ([*A, "b,2024-01-01,1"], None, "short", "t.csv:62: 'b': 1 steps, 1 with a value"),
        ([*A, *(row.replace("a,", "b,") for row in A)], None, "copies", "t.csv:62: 'b': as 'a'"),
        ([*A, *rows_of("b", 40, 1)], None, "ended", "t.csv:101: 'b', 2024-01-02 15:00:00"),
        ([*A, *rows_of("A ", 60, 1)], None, "near_names", "series: 'a' and 'A '"),
        (other(A, 9, "a,2024-01-01 09:00:00,60"), None, "outliers", "t.csv:11: 'a', 2024-01-01 09:00:00: 60, "),
        (
            [row.rpartition(",")[0] + ",-999" if i in (7, 8, 30) else row for i, row in enumerate(A)],
            None,
            "sentinels",
            "t.csv:9: 'a', 2024-01-01 07:00:00: -999, 3 times",
        ),
        ([*A, *rows_of("b", 30, 1, unit="D")], None, "frequencies", "t.csv:62: 'b': D, and the table h"),
        ([f"a,{1_600_000_000 + 60 * i},{v}" for i, v in enumerate(noise(60))], None, "epoch", "taken as seconds"),
        (A, "store,ds,y", "id_column", "column 'store'"),
        ([f"{row},3" for row in A], "unique_id,ds,y,load", "useless", "column 'load': always 3"),
        (
            [f"{row},{'' if i == 4 else i % 7}" for i, row in enumerate(A)],
            "unique_id,ds,y,load",
            "covariates",
            "column 'load': 1 of 60 steps, in 1 series",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value in KINDS else "",
)
def test_what_harms_is_found_where_it_is_and_nothing_else(rows, head, kind, where, tmp_path):
    columns = Columns(covariates=("load",)) if head and "load" in head else Columns()
    report = look(write(tmp_path, rows, head or "unique_id,ds,y"), columns)
    beside = {"missing": {"gaps"}, "frequencies": {"ended"}, "short": {"ended"}, "sentinels": {"outliers"}}
    assert set(found(report)) - beside.get(kind, set()) == {kind}
    assert where in examples(report, kind)[0]
    assert not report.refused


def leak(tmp_path, make, slope=0.0, **asked):
    rows = []
    for name in "abc":
        values = noise(200, ord(name)) + slope * np.arange(200)
        beside = make(values)
        rows += [f"{name},{s},{v},{c:.9g}" for s, v, c in zip(stamps(200), values, beside, strict=True)]
    report = look(write(tmp_path, rows, "unique_id,ds,y,load"), Columns(covariates=("load",)), **asked)
    return examples(report, "leaks")[0] if found(report) else ""


def test_a_covariate_that_gives_the_target_away_is_named(tmp_path):
    random = np.random.default_rng(5)
    assert leak(tmp_path, lambda y: y) == "column 'load' equals the target of the same step"
    assert "linear function of the target (r² 1.0000) of the same step" in leak(tmp_path, lambda y: 3 - 2 * y)
    assert "linear function" in leak(tmp_path, lambda y: y + random.normal(0, 0.05, len(y)))
    assert leak(tmp_path, lambda y: np.roll(y, -1)) == "column 'load' equals the target 1 step later"
    assert leak(tmp_path, lambda y: y + random.normal(0, 0.5, len(y))) == ""
    assert leak(tmp_path, lambda y: np.arange(len(y)) * 1.5) == ""
    assert leak(tmp_path, lambda y: np.arange(len(y)) + random.normal(0, 1, len(y)), slope=5) == ""


def test_a_lag_is_a_leak_only_for_horizons_that_do_not_know_it(tmp_path):
    assert "3 steps earlier; a longer horizon" in leak(tmp_path, lambda y: np.roll(y, 3), horizon=12)
    assert leak(tmp_path, lambda y: np.roll(y, 3), horizon=3) == ""


@pytest.mark.parametrize(("spring", "autumn"), [(True, True), (True, False), (False, True)])
def test_daylight_saving_is_seen_in_a_wall_clock(spring, autumn, tmp_path):
    begin, end = ("2024-03-20T00" if spring else "2024-10-10T00"), ("2024-11-05T00" if autumn else "2024-06-01T00")
    size = int((np.datetime64(end, "h") - np.datetime64(begin, "h")).astype(int))
    rows = [row for row in rows_of("a", size, start=begin) if ",2024-03-31 02:" not in row]
    rows = [again for row in rows for again in [row] * (2 if ",2024-10-27 02:" in row else 1)]
    path = write(tmp_path, rows)
    report = look(path)
    assert report.refused == autumn
    assert "as in Europe/Berlin" in examples(report, "daylight")[0]
    assert found(look(path, time_zone="Europe/Berlin")) == {}


def test_horizon_and_context_say_which_series_are_too_short(tmp_path):
    path = write(tmp_path, [*rows_of("a", 60), *rows_of("b", 24, 1), *rows_of("c", 10, 2)])
    report = look(path, horizon=12, context=24)
    assert {k: n for k, n in found(report).items() if k != "ended"} == {"short": 1, "padded": 1}
    assert "'c'" in examples(report, "short")[0]
    assert found(look(path, horizon=60))["too_short"] == 1


def test_nearly_right_columns_are_named_and_looked_at(tmp_path):
    path = write(tmp_path, [f"{row},1" for row in A], "Unique_ID,date,value,promo")
    report = look(path, Columns(covariates=("promotion", "weather")))
    assert found(report)["columns"] == 5
    hints = [example.partition("Did you mean ")[2].split("?")[0] for example in examples(report, "columns")]
    assert hints == ["'date'", "'value'", "'promo'", "", "'Unique_ID'"]
    assert (report.series, report.frequency, report.covariates) == (1, "h", ["promo"])
    report = look(write(tmp_path, A, "a,b,c"))
    assert report.refused
    assert report.frequency == ""


def test_other_forms_are_looked_at_too(tmp_path):
    lines = [{"unique_id": "a", "ds": s, "y": y} for s, y in zip(stamps(60), noise(60).tolist(), strict=True)]
    (tmp_path / "t.jsonl").write_text("\n".join([json.dumps(line) for line in lines] + ["{"]))
    assert found(look(tmp_path / "t.jsonl")) == {"unreadable": 1}
    columns = {name: [line[name] for line in lines] for name in lines[0]}
    parquet.write_table(pa.table({**columns, "y": [*columns["y"][:-1], None]}), tmp_path / "t.parquet")
    assert found(look(tmp_path / "t.parquet")) == {}
    write(tmp_path, [row.replace(",", "\t") for row in A], "unique_id\tds\tvalue", "t.tsv")
    assert found(look(tmp_path / "t.tsv")) == {"columns": 1}
    series = {"start": "2024-01-01", "target": [1.0, 2.5, "NaN", 4.0], "item_id": "a"}
    (tmp_path / "g.jsonl").write_text(json.dumps(series) + "\n")
    assert found(look(tmp_path / "g.jsonl")) == {"unreadable": 1}
    assert found(look(tmp_path / "g.jsonl", frequency="D")) == {"missing": 1}
    wide = [f"{s},{a},{b}" for s, a, b in zip(stamps(60), noise(60, 1), noise(60, 2), strict=True)]
    report = look(write(tmp_path, wide, "ds,one,two"), Columns(target=("one", "two")))
    assert (found(report), report.series) == ({}, 2)


def test_rows_as_they_come_are_no_error(tmp_path):
    rows = [*A[:10], A[5], *A[10:]]
    path = write(tmp_path, rows)
    assert found(look(path, irregular="rows")) == {"unsorted": 1}
    assert found(look(path))["duplicates"] == 1


def test_of_rows_with_one_stamp_the_first_is_looked_at(tmp_path):
    path = write(tmp_path, [*A, A[5].rpartition(",")[0] + ",500"])
    assert look(path).values[2] < 20
    assert look(path, irregular="rows").values[2] == 500


def test_an_empty_table_and_one_without_values_are_refused(tmp_path):
    assert found(look(write(tmp_path, []))) == {"unreadable": 1}
    (tmp_path / "nothing.csv").write_text("")
    assert look(tmp_path / "nothing.csv").refused
    report = look(write(tmp_path, [f"a,{s}," for s in stamps(20)]))
    assert report.refused
    assert found(report) == {"nothing": 1, "empty": 1}


def test_every_kind_is_in_a_test_here():
    with open(__file__, encoding="utf-8") as file:
        text = file.read()
    assert not [kind for kind in KINDS if f'"{kind}"' not in text]


def test_the_report_is_text_or_json(doctor, tmp_path):
    path = write(tmp_path, [*A, A[3]])
    code, out, _ = doctor("--table", path, "--json", "--horizon", "6")
    report = json.loads(out)
    assert (code, report["refused"], report["frequency"]) == (1, True, "h")
    assert [finding["kind"] for finding in report["findings"]] == ["duplicates", "unsorted"]
    code, out, _ = doctor("--table", path)
    assert "1 error, 1 note. Training would refuse this table." in out
    assert "-> Keep one row for each stamp" in out
    assert as_text(look(path)).splitlines()[:-1] == out.splitlines()[:-1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--horizon", "3"], "--horizon needs --table"),
        (["--id-column", "x", "--source", "a.en"], "--id-column needs --table"),
        (["--table", "t.csv", "--source", "a.en"], "--source is for text, and series are looked at"),
        (["--table", "t.csv", "--recipe", "multi30k_en_de"], "--table goes with a recipe or a run of forecasting"),
        (["--table", "t.csv", "--recipe", "m4_weekly", "--horizon", "3"], "--horizon is the recipe's"),
        (["--recipe", "m4_weekly"], "m4_weekly learns from the catalogue"),
        (["--table", "t.csv", "--manifest", "x.tsv"], "either --table or --manifest"),
        (["--table", "t.csv", "--frequency", "fortnight"], "Expected a frequency"),
        (["--table", "t.csv", "--time-zone", "Mars/Base"], "Expected the name of a time zone"),
        (["--table", "missing.csv"], "missing.csv: no such file"),
        (["--table", "t.txt"], "expected a table as"),
    ],
)
def test_options_that_do_not_go_together_are_told(doctor, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, A)
    (tmp_path / "t.txt").write_text("x")
    code, _, err = doctor(*words)
    assert code == 2
    assert message in err


def test_all_wrong_cells_of_parquet_are_found_as_those_of_text(tmp_path):
    stamp, values = stamps(60), [str(value) for value in noise(60)]
    for row in (7, 20, 41):
        values[row] = "x"
    values[30] = "inf"
    stamp[50] = "noon"
    parquet.write_table(pa.table({"unique_id": ["a"] * 60, "ds": stamp, "y": values}), tmp_path / "t.parquet")
    rows = [f"a,{one},{value}" for one, value in zip(stamp, values, strict=True)]
    report, expected = look(tmp_path / "t.parquet"), look(write(tmp_path, rows))
    assert found(report) == found(expected)
    assert found(report)["text"] == 3
    assert [text.split(" column")[0] for text in examples(report, "text")] == [
        f"{tmp_path / 't.parquet'}: row {row}:" for row in (7, 20, 41)
    ]
    assert (report.rows, report.series, report.frequency) == (60, 1, "h")


def test_all_wrong_lines_and_cells_of_gluonts_are_found(tmp_path):
    def line(name, **parts):
        return json.dumps({"item_id": name, "start": "2024-01-01", "target": noise(60).tolist(), **parts})

    wrong = noise(60).tolist()
    wrong[5], wrong[9] = "x", "y"
    lines = [line("a"), line("b", target=wrong), line("c", start="noon"), line("d", target=7), line("a"), line("e")]
    (tmp_path / "t.jsonl").write_text("\n".join(lines) + "\n")
    report = look(tmp_path / "t.jsonl", frequency="h")
    assert (found(report)["text"], found(report)["records"], report.series) == (2, 3, 3)
    assert "t.jsonl:2: target" in examples(report, "text")[0].replace("column 'target'", "target")
    assert [text.partition(".jsonl")[2][:2] for text in examples(report, "records")] == [":3", ":4", ": "]
    assert "It is step 5 of the list, from 0." in examples(report, "text")[0]
