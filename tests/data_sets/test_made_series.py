"""The embedded series: the same each time, with what they promise, and labels that say where the faults are."""

import dataclasses

import numpy as np
import pytest

from seq2seq.catalogue import faults, seasons
from seq2seq.series.cells import Columns
from seq2seq.series.reading import read_table
from seq2seq.series.table import table_of
from seq2seq.series.writing import write_table

KNOWN = Columns(covariates=("holiday", "promotion"), static=("region",))


def same(one, other):
    for field in dataclasses.fields(one):
        if field.name != "notes":
            np.testing.assert_equal(getattr(other, field.name), getattr(one, field.name), field.name)


@pytest.fixture(scope="module")
def whole():
    return seasons.generate()


def test_the_seasons_are_the_same_each_time_and_others_with_another_seed(whole):
    same(whole, seasons.generate())
    fewer = seasons.generate(series=3)
    np.testing.assert_array_equal(fewer.values, whole.values[: len(fewer.values)])
    assert not np.array_equal(seasons.generate(1, 3).values[:600], whole.values[:600])


def test_the_test_follows_training_and_all_series_end_on_one_day(whole):
    train, test = seasons.load("train"), seasons.load("test")
    assert len(train) == len(test) == seasons.SERIES
    assert set(test.lengths) == {seasons.TEST}
    assert train.lengths.min() >= 365 * seasons.YEARS[0] - seasons.TEST
    for before, after, series in zip(train, test, whole, strict=True):
        assert after.times[0] - before.times[-1] == np.timedelta64(1, "D")
        assert after.times[-1] == seasons.END
        np.testing.assert_array_equal(np.concatenate([before.values, after.values]), series.values)
    assert set(seasons.load("test", context=56).lengths) == {seasons.TEST + 56}


def test_covariates_are_known_everywhere_and_some_readings_are_missing(whole):
    assert all(np.isfinite(column).all() for column in whole.covariates.values())
    assert 0.9 < whole.observed.mean() < 0.995
    assert set(whole.static["region"]) == set(seasons.REGIONS)
    assert (whole.values[whole.observed] > 0).all()


def residuals(series):
    """What is left of the logarithms when the same weekdays around are taken away."""
    values = np.where(series.observed, np.log(np.maximum(series.values, 0.01)), np.nan)
    return values[7:-7] - (values[:-14] + values[14:]) / 2, series.covariates["holiday"][7:-7] > 0


def test_holidays_matter_and_noise_differs_between_series(whole):
    drops, sizes = [], []
    for series in whole:
        left, holiday = residuals(series)
        drops.append(np.nanmedian(left[~holiday]) - np.nanmedian(left[holiday]))
        sizes.append(np.nanmedian(np.abs(left)))
    assert min(drops) > 0.2
    assert max(sizes) > 4 * min(sizes)


def test_easter_moves_and_regions_differ():
    days = np.arange(np.datetime64("2023-01-01"), np.datetime64("2024-12-31"))
    north, south = (days[seasons.holidays(days, region) > 0].astype(str) for region in ("north", "south"))
    assert {"2023-04-10", "2024-04-01", "2024-12-25"} <= set(north)
    assert set(south) - set(north) == {f"{y}-{d}" for y in (2023, 2024) for d in ("01-06", "08-15", "11-01")}


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_seasons_come_back_from_their_file(split, tmp_path):
    table = seasons.load(split)
    write_table(table, tmp_path / "t.csv")
    same(table, read_table(tmp_path / "t.csv", KNOWN, "D"))


@pytest.mark.parametrize("frequency", ["15min", "MS", "step"])
def test_a_table_comes_back_from_its_file(frequency, tmp_path):
    start = 3 if frequency == "step" else "2024-02-01"
    table = table_of({"a,b": [1.5, np.nan, 0.1 + 0.2, -7e-30], "c": [1e17, 2.0]}, frequency, start)
    write_table(table, tmp_path / "t.csv", Columns("who", "when", "what"))
    same(table, read_table(tmp_path / "t.csv", Columns("who", "when", "what"), frequency))


def test_instants_of_a_time_zone_come_back_from_their_file(tmp_path):
    table = dataclasses.replace(table_of({"a": np.arange(5.0)}, "h", "2024-10-27T00:00"), time_zone="Europe/Berlin")
    write_table(table, tmp_path / "t.csv")
    same(table, read_table(tmp_path / "t.csv", time_zone="Europe/Berlin"))


def test_the_faults_are_the_same_each_time():
    for split, hours in faults.SPLITS.items():
        one, other = faults.load(split), faults.load(split)
        assert len(one) == faults.SENSORS
        for name, recording in one.items():
            assert len(recording.values) == len(recording.stamps) == hours
            np.testing.assert_array_equal(recording.values, other[name].values)
            assert recording.windows == other[name].windows
    before, after = faults.load("train")["sensor_00"], faults.load("test")["sensor_00"]
    assert after.stamps[0] - before.stamps[-1] == np.timedelta64(1, "h")
    assert not any(recording.windows for recording in faults.load("train").values())


def test_windows_lie_apart_after_the_probation_and_some_sensors_have_none():
    every = list(faults.faults().values())
    assert sum(not found for found in every) == 2
    assert {fault.kind for found in every for fault in found} == set(faults.KINDS)
    recordings = faults.load("test").values()
    for found, recording in zip(every, recordings, strict=True):
        assert recording.windows == tuple(fault.window for fault in found)
        ends = 0
        for first, last in recording.windows:
            assert faults.PROBATION * faults.SPLITS["test"] <= first <= last < faults.SPLITS["test"]
            assert first - ends >= faults.APART
            ends = last


def test_a_reading_differs_from_the_faultless_one_only_within_faults():
    for sensor in faults.generate().values():
        clean = sensor.values[faults.SPLITS["train"] :]
        inside = np.zeros(len(clean), bool)
        for fault in sensor.faults:
            inside[fault.first : fault.last + 1] = True
            rows = slice(fault.first, fault.last + 1)
            if fault.kind == "frozen":
                assert len(set(sensor.faulty[rows])) == 1
            elif fault.kind == "spike":
                assert np.abs(sensor.faulty - clean)[rows].min() > 7.9 * sensor.noise
            elif fault.kind == "level_shift":
                assert np.abs(sensor.faulty - clean)[rows].min() > 4.9 * sensor.noise
        np.testing.assert_array_equal(sensor.faulty[~inside], clean[~inside])


def test_the_table_of_faults_holds_the_readings():
    for split in faults.SPLITS:
        table = faults.table(split)
        for series, (name, recording) in zip(table, faults.load(split).items(), strict=True):
            assert series.id == name
            np.testing.assert_array_equal(series.values, recording.values)
            np.testing.assert_array_equal(series.times, recording.stamps)


@pytest.mark.parametrize("load", [seasons.load, faults.load, faults.table])
def test_an_unknown_split_is_refused(load):
    with pytest.raises(ValueError, match=r"splits train, test\. Received: 'dev'"):
        load("dev")
