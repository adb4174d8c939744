"""LSTM or GRU: sizes, scores and sentences are those of the networks that are compared."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.lab import cells
from seq2seq.lab.models import new_model
from seq2seq.lab.sources import END, HELD_DAYS, REST, SHOP_FEATURES, Shops, Stream, words_of
from seq2seq.lab.training import Run
from seq2seq.music.notes import Music, Note


def test_a_gru_of_as_many_weights_is_nearest_to_the_lstm():
    sizes = cells.sizes_of(16, 5, 3)
    lstm, gru, wide = (cells.weights_of(cell, units, 5, 3) for cell, units in sizes.values())
    assert abs(wide - lstm) < abs(gru - lstm)
    for cell, units in sizes.values():
        assert new_model(cell, units, 5, 3, 1).count_params() == cells.weights_of(cell, units, 5, 3)


def test_an_lstm_and_a_gru_of_equal_units_are_as_four_to_three():
    lstm, gru = (cells.weights_of(cell, 1000, 10, 0) for cell in ("lstm", "gru"))
    assert gru / lstm == pytest.approx(0.75, abs=0.001)


def test_windows_of_a_stream_follow_each_other():
    stream = Stream("abc", np.arange(50, dtype=np.int32), np.arange(100, 141, dtype=np.int32))
    ids, following = next(stream.batches(4, 6, 1))
    np.testing.assert_array_equal(ids + 1, following)
    windows = stream.windows(2, 5, 9)
    assert len(windows) == 4
    np.testing.assert_array_equal(np.concatenate([part[0].ravel() for part in windows]), np.arange(100, 140))


def test_a_tune_can_be_read_back_from_its_words():
    tune = Music((Note(0, 60, 4), Note(6, 62, 2), Note(8, 60, 4)), 12)
    words = words_of(tune)
    assert words[-1] == END
    notes, now = [], 0
    for kind, length in zip(words[:-1:2], words[1:-1:2], strict=True):
        steps = int(length.removeprefix("length "))
        if kind != REST:
            notes.append(Note(now, int(kind.removeprefix("pitch ")), steps))
        now += steps
    assert tuple(notes) == tune.notes


def test_series_are_asked_for_the_next_day_and_scored_on_days_never_trained_on():
    shops = Shops()
    inputs, targets, weights = next(shops.batches(3, 20, 1))
    assert inputs.shape == (3, 20, SHOP_FEATURES)
    seen = inputs[:, 1:, -1] == 1
    np.testing.assert_allclose(inputs[:, 1:, 0][seen], targets[:, :-1][seen])
    np.testing.assert_array_equal(inputs[:, 1:, -1], weights[:, :-1])
    ((_, _, held),) = shops.windows()
    assert not held[:, :-HELD_DAYS].any()
    assert held[:, -HELD_DAYS:].mean() > 0.9
    assert 0.05 < shops.naive() < 1


def test_sentences_are_made_from_the_numbers():
    assert cells.verdict([1.0, 1.1], [1.2, 1.3]) == "the LSTM is better, with every seed"
    assert cells.verdict([1.0, 1.5], [0.9, 1.3]) == "the GRU is better, by less than the ranges over the seeds"
    assert cells.verdict([1.0], [1.0]) == "both are equal"


def test_the_answer_names_the_winner_of_each_task():
    tasks = [cells.Task("text", "bits", 5, 5, None, (), None, 1.0, 10.0)]
    scores = {cells.LSTM: 2.0, cells.SMALL: 3.0, cells.EQUAL: 1.0}
    found = {"text": {name: [Run([1], [score], 0.1 * score)] for name, score in scores.items()}}
    counts = {"text": {name: (4, 300 if name == cells.SMALL else 400, 500) for name in scores}}
    answer = cells._answer(tasks, counts, found)
    assert "0.75 of an LSTM's weights" in answer
    assert "text 1.50" in answer
    assert "on text the GRU is better, with every seed" in answer
    part = cells._theory(tasks, found, "so")
    assert "not 0.75" in part.paragraphs[0]
