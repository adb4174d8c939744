import pytest

from seq2seq.metrics.exact import exact_match


def test_whole_lines_are_compared_without_their_odd_blanks():
    assert exact_match(["a b", "A", "c"], [" a  b ", "a", "c"]).score == pytest.approx(200 / 3)
    assert exact_match(["a"], ["a"]).signature.startswith("exact_match|")


def test_what_cannot_be_scored_is_refused():
    for hypotheses, references, message in ((["a"], [], "1 hypotheses for 0"), ([], [], "nothing to score")):
        with pytest.raises(ValueError, match=message):
            exact_match(hypotheses, references)
