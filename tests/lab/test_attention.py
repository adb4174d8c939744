"""Attention: its weights are shares of the source, the puzzle is what it says, and the page says who lost."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.lab import attention, attention_report
from seq2seq.lab.attention import MAKE, Task, by_length, learn, mirrored, symbols_right, trimmed
from seq2seq.lab.attention_report import (
    BAHDANAU,
    LUONG,
    NETWORKS,
    ONE_WAY,
    PLAIN,
    Example,
    Found,
    Measured,
    Outcome,
    Plan,
    parts_of,
)
from seq2seq.lab.folder import rows_of
from seq2seq.lab.page import page_of
from seq2seq.lab.plots import svg_of
from seq2seq.lab.puzzles import FIRST, reversing
from seq2seq.lab.report import HeatMap, Plot, Report, Settings
from seq2seq.lab.sources import Pairs
from seq2seq.lab.translators import attention_weights, greedy
from seq2seq.symbols import BOS, EOS, PAD

PLAN = Plan(8, 0.01, 4, (2, 4, 6), 2, 4, 1, 1, 30, 12, 3, (PLAIN, BAHDANAU))


def test_a_row_and_its_reverse():
    source, target, following, weights = next(reversing(2, 6, 1, 50))
    for row, given, asked, weight in zip(source, target, following, weights, strict=True):
        count = list(row).index(EOS)
        assert 2 <= count <= 6
        assert (row[:count] >= FIRST).all()
        assert (row[count + 1 :] == PAD).all()
        assert list(asked[: count + 1]) == [*row[:count][::-1], EOS]
        assert list(given) == [BOS, *row[:count][::-1], *[PAD] * (6 - count)]
        assert list(weight) == [1] * (count + 1) + [0] * (6 - count)
    assert {list(row).index(EOS) for row in source} == {2, 3, 4, 5, 6}


@pytest.mark.parametrize("name", [BAHDANAU, LUONG, ONE_WAY])
def test_each_step_of_the_target_shares_its_attention_over_the_source_without_padding(name):
    source, target, *_ = next(reversing(2, 6, 1, 5))
    weights = attention_weights(MAKE[name](14, 4, 1), source, target)
    assert weights.shape == (5, 7, 7)
    np.testing.assert_allclose(weights.sum(axis=2), 1, atol=1e-5)
    assert (weights[:, :, 0] > 0).all()
    assert (np.moveaxis(weights, 1, 2)[source == PAD] == 0).all()


def test_networks_differ_in_what_they_are_named_for():
    models = {name: make(14, 4, 1) for name, make in MAKE.items()}
    assert [name for name, model in models.items() if not model.has_attention] == [PLAIN]
    assert [name for name, model in models.items() if not model.encoder.bidirectional] == [ONE_WAY]
    assert {model.encoder.memory_dim for model in models.values()} == {4}
    assert list(MAKE) == list(NETWORKS)


def test_attention_is_counted_on_the_mirrored_position(monkeypatch):
    batch = next(reversing(3, 3, 1, 2))
    perfect = np.zeros((2, 4, 4))
    for step in range(3):
        perfect[:, step, 2 - step] = 1
    monkeypatch.setattr(attention, "attention_weights", lambda *given: perfect)
    assert mirrored(None, batch) == 1
    monkeypatch.setattr(attention, "attention_weights", lambda *given: np.full((2, 4, 4), 0.25))
    assert mirrored(None, batch) == 0.25


def test_symbols_count_at_their_places():
    assert symbols_right([[4, 5], [6, 7, 8]], [[4, 5], [6, 8, 8, 9]]) == pytest.approx(100 * 4 / 6)
    assert symbols_right([[], [4]], [[4], [5]]) == 0


def test_a_task_is_scored_at_each_length_with_each_seed(monkeypatch):
    """The network is trained; a translator that knows the puzzle, but for rows of three symbols, takes its place."""

    def translate(source):
        rows = [[int(one) for one in row if one >= FIRST][::-1] for row in source]
        return [row if len(row) != 3 else [PAD, *row[1:]] for row in rows]

    uniform = np.full((4, 5, 5), 0.2)
    monkeypatch.setattr(attention, "greedy", lambda model: translate)
    monkeypatch.setattr(attention, "attention_weights", lambda model, source, target: uniform)
    held = [next(reversing(length, length, 0, 4)) for length in (2, 4, 3)]
    task = Task(14, [BAHDANAU], lambda seed: reversing(2, 4, seed, 4), 2, held, symbols_right, True)
    found, (source, following, weights) = learn(task, PLAN, (1, 2), lambda done, what: None)
    assert found.weights == {BAHDANAU: MAKE[BAHDANAU](14, PLAN.units, 1).count_params()}
    expected = Outcome(pytest.approx([100, 100, 200 / 3]), pytest.approx(100 * 8 / 9), pytest.approx(200 / 3), 0.2)
    assert found.outcomes[BAHDANAU] == [expected, expected]
    np.testing.assert_array_equal(source, held[1][0][0])
    np.testing.assert_array_equal(following[:4], source[:4][::-1])
    np.testing.assert_array_equal(weights, uniform[0])


def test_a_greedy_output_has_the_likeliest_id_at_each_step():
    model = MAKE[LUONG](14, 6, 1)
    model.set_weights([6 * weight for weight in model.get_weights()])  # else all rows get the same
    source = next(reversing(2, 4, 1, 3))[0]
    outputs = greedy(model)(source)
    for row, output in zip(source, outputs, strict=True):
        given, row = np.array([[BOS, *output]], np.int32), row[None, : list(row).index(EOS) + 1]
        logits = np.array(model({"source": row, "source_mask": row != PAD, "target_input": given}))[0]
        logits[:, [PAD, BOS]] = -np.inf
        likeliest = logits.argmax(axis=1)
        assert list(likeliest[: len(output)]) == output
        assert likeliest[-1] == EOS or len(output) == source.shape[1] * 3 // 2 + 5


class Words:
    """Reads each id above EOS as a word."""

    def decode(self, rows):
        return [" ".join(str(one) for one in row if one > EOS) for row in rows]


def test_sentences_are_grouped_from_short_to_long_and_lose_their_padding():
    source, target, following, weights = next(reversing(2, 9, 1, 12))
    pairs = Pairs(14, (), (source, target, following, weights, target, target, weights), Words())
    groups, words = by_length(pairs, PLAN)
    assert len(groups) == len(words) == 3
    counts = [(part[0] > EOS).sum(axis=1) for part in groups]
    assert list(np.concatenate(counts)) == sorted((source > EOS).sum(axis=1))
    assert words == pytest.approx([count.mean() for count in counts])
    for (part, *others), count in zip(groups, counts, strict=True):
        assert {one.shape[1] for one in (part, *others)} == {count.max() + 1}
    np.testing.assert_array_equal(trimmed(groups[0])[0], groups[0][0])


def measured(plain: float, other: float) -> Measured:
    """Networks with attention fall to `other`, the one without to `plain`, from 90."""

    def found(names):
        ends = {name: plain if name == PLAIN else other for name in names}
        some = {name: [Outcome([90.0, end, end / 2], end, end, 0.4)] * 2 for name, end in ends.items()}
        return Found(dict.fromkeys(names, 100), some)

    example = Example(["a", "b"], ["b", "a"], [[0.1, 0.9], [0.8, 0.2]])
    return Measured(found(NETWORKS), found(PLAN.translators), [5.0, 8.0, 12.0], example, example)


def text_of(found: Measured) -> str:
    return " ".join(paragraph for part in parts_of(PLAN, found) for paragraph in part.paragraphs)


def test_the_page_names_the_loser_whoever_it_is():
    usual, odd = text_of(measured(20.0, 80.0)), text_of(measured(80.0, 20.0))
    assert f"Last: {PLAIN}, 20" in usual
    assert "as expected" in usual
    assert f"Best: {PLAIN}, 80" in odd
    assert f"Last: {BAHDANAU}, 20" in odd
    assert "not what theory expects" in odd
    assert "as expected" not in odd
    assert f"best: {PLAIN}, 80 BLEU" in attention_report.answer_of(PLAN, measured(80.0, 20.0))
    assert "all reach 50 " in text_of(measured(50.0, 50.0)).lower()
    young = measured(1.0, 2.0)
    assert "none has learned to translate: the most is 2 BLEU" in attention_report.answer_of(PLAN, young)
    assert "Translation was not learned far enough" in text_of(young)


def test_the_numbers_are_those_that_are_drawn():
    found = measured(20.0, 80.0)
    items = [item for part in parts_of(PLAN, found) for item in part.items]
    plots = {item.name: item for item in items if isinstance(item, Plot)}
    rows = list(rows_of(plots["reversing"]))[1:]
    assert [row[:3] for row in rows if row[0] == PLAIN] == [(PLAIN, 2, 90.0), (PLAIN, 4, 20.0), (PLAIN, 6, 10.0)]
    assert {row[0] for row in rows} == set(NETWORKS)
    heat = next(item for item in items if isinstance(item, HeatMap))
    assert [row[2] for row in rows_of(heat)][1:] == [0.1, 0.9, 0.8, 0.2]
    assert heat.alt == "Each target symbol looks most at: b at b, a at a."
    assert heat.alt in svg_of(heat)
    page = page_of(Report("T", "Q?", "A.", parts_of(PLAN, found), Settings(True, (1, 2))))
    assert f"{PLAIN} 90 and 20" in page
