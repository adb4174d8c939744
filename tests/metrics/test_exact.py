import random

import pytest

from seq2seq.metrics.exact import character_error_rate, edit_distance, exact_match


def by_the_table(one, other):
    row = list(range(len(other) + 1))
    for i, character in enumerate(one, 1):
        before, row = row, [i]
        for j, against in enumerate(other, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (character != against)))
    return row[-1]


def test_the_edit_distance_is_that_of_the_table():
    draw = random.Random(3)
    for _ in range(300):
        one, other = ("".join(draw.choice("abc") for _ in range(draw.randint(0, 9))) for _ in range(2))
        assert edit_distance(one, other) == by_the_table(one, other)
    assert edit_distance("kitten" * 20, "sitting" * 20) == by_the_table("kitten" * 20, "sitting" * 20)


def test_whole_lines_are_compared_without_their_odd_blanks():
    assert exact_match(["a b", "A", "c"], [" a  b ", "a", "c"]).score == pytest.approx(200 / 3)
    assert exact_match(["a"], ["a"]).signature.startswith("exact_match|")


def test_errors_are_counted_for_the_characters_of_all_references_together():
    assert character_error_rate(["abc", "x"], ["abcd", "x"]).score == pytest.approx(20)
    assert character_error_rate(["aaaaaa"], ["b"]).score == 600
    assert character_error_rate([""], [""]).score == 0


@pytest.mark.parametrize("metric", [exact_match, character_error_rate])
def test_what_cannot_be_scored_is_refused(metric):
    for hypotheses, references, message in ((["a"], [], "1 hypotheses for 0"), ([], [], "nothing to score")):
        with pytest.raises(ValueError, match=message):
            metric(hypotheses, references)
