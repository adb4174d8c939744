"""Error rates are counts of edits, and the counts are those of the table of distances."""

from __future__ import annotations

import random

import numpy as np
import pytest

from seq2seq.metrics import LOWER_IS_BETTER, error_rate
from seq2seq.metrics.error_rate import (
    character_error_counts,
    character_error_rate,
    character_errors,
    count_errors,
    edit_distance,
    word_error_counts,
    word_error_rate,
    word_errors,
)


def by_the_table(hypothesis, reference):
    """`(edits, substitutions, deletions, insertions)` of the best way, cell by cell."""
    row = [(i, 0, 0, i) for i in range(len(hypothesis) + 1)]
    for i, wanted in enumerate(reference, 1):
        before, row = row, [(i, 0, i, 0)]
        for j, written in enumerate(hypothesis, 1):
            edits, *others = before[j - 1]
            replaced = before[j - 1] if wanted == written else (edits + 1, others[0] + 1, *others[1:])
            deleted = before[j][0] + 1, before[j][1], before[j][2] + 1, before[j][3]
            inserted = row[-1][0] + 1, row[-1][1], row[-1][2], row[-1][3] + 1
            row.append(min(replaced, deleted, inserted))
    return row[-1]


@pytest.fixture
def lines():
    draw = random.Random(3)
    sides = [["".join(draw.choice("abc") for _ in range(draw.randint(0, 9))) for _ in range(300)] for _ in range(2)]
    return [*sides[0], "kitten" * 20, ""], [*sides[1], "sitting" * 20, ""]


def test_the_edit_distance_is_that_of_the_table(lines):
    for one, other in zip(*lines, strict=True):
        assert edit_distance(one, other) == by_the_table(one, other)[0]


@pytest.mark.parametrize("cells", [1, 40, 1 << 16])
def test_the_kinds_of_errors_are_those_of_the_table(lines, cells, monkeypatch):
    monkeypatch.setattr(error_rate, "_CELLS", cells)
    counts = count_errors(*lines)
    expected = np.asarray([by_the_table(*pair) for pair in zip(*lines, strict=True)])
    np.testing.assert_array_equal(counts.errors, expected[:, 0])
    np.testing.assert_array_equal(np.stack(counts[:3], axis=1), expected[:, 1:])
    np.testing.assert_array_equal(counts.lengths, [len(line) for line in lines[1]])


def test_a_line_is_counted_in_words_or_in_characters():
    hypotheses, references = ["the cat  sits mat", "yes"], ["the cat sat on mat ", "yes"]
    words, characters = word_error_counts(hypotheses, references), character_error_counts(hypotheses, references)
    assert [part.tolist() for part in words] == [[1, 0], [1, 0], [0, 0], [5, 1]]
    assert characters.lengths.tolist() == [18, 3]
    assert words.rate == word_error_rate(hypotheses, references).score == pytest.approx(200 / 6)
    assert characters.rate == character_error_rate(hypotheses, references).score
    for errors, counts in ((word_errors, words), (character_errors, characters)):
        edits, lengths = errors(hypotheses, references)
        assert (edits.tolist(), lengths.tolist()) == (counts.errors.tolist(), counts.lengths.tolist())


def test_errors_are_counted_for_all_references_together():
    assert character_error_rate(["abc", "x"], ["abcd", "x"]).score == pytest.approx(20)
    assert character_error_rate(["aaaaaa"], ["b"]).score == 600
    assert word_error_rate(["a b", "x"], ["a", "x y z"]).score == pytest.approx(75)
    assert word_error_rate(["a b"], ["A B"]).score == 100


def test_an_empty_reference_adds_its_insertions_and_no_length():
    assert word_error_rate(["a b", "x"], ["", "x"]).score == 200
    assert word_error_rate([""], [""]).score == character_error_rate([" "], [""]).score == 0
    assert word_error_rate(["a b"], [" "]).score == word_error_counts(["a b"], [""]).rate == 200


def test_the_signature_tells_what_must_be_equal():
    assert word_error_rate(["a"], ["a"]).signature.startswith("wer|edits:levenshtein|words:blanks|cased|")
    assert character_error_rate(["a"], ["a"]).signature.startswith("cer|edits:levenshtein|chars:code-points|cased|")
    assert {"wer", "cer"} <= LOWER_IS_BETTER


@pytest.mark.parametrize("metric", [word_error_rate, character_error_rate, word_error_counts, count_errors])
def test_what_cannot_be_scored_is_refused(metric):
    for hypotheses, references, message in ((["a"], [], "1 hypotheses for 0"), ([], [], "nothing to score")):
        with pytest.raises(ValueError, match=message):
            metric(hypotheses, references)


def test_the_rates_are_those_of_jiwer(lines):
    jiwer = pytest.importorskip("jiwer", reason="jiwer, the oracle of error rates, is not installed")
    hypotheses, references = ([" ".join(line) for line in side] for side in lines)  # some references are empty
    expected = jiwer.process_words(references, hypotheses)
    counts = word_error_counts(hypotheses, references)
    assert counts.rate == pytest.approx(100 * expected.wer)
    assert counts.errors.sum() == expected.substitutions + expected.deletions + expected.insertions
    assert (counts.insertions - counts.deletions).sum() == expected.insertions - expected.deletions
    expected = jiwer.cer(references, hypotheses)
    assert character_error_rate(hypotheses, references).score == pytest.approx(100 * expected)
