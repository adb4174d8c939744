"""Error rates of recognisers with intervals, and their comparison."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.evaluation.recognition import Heard, as_text, compare, measured, read_table, table
from seq2seq.text.opening import CorpusError

WORDS = ["zero", "one", "two", "three"]


def system(errors, count=80, seed=1, test="t"):
    """Utterances of four words, of which a share is wrong."""
    random = np.random.default_rng(seed)
    rows = []
    for n in range(count):
        said = np.random.default_rng(n).choice(WORDS, 4).tolist()
        heard = [f"not-{word}" if random.random() < errors else word for word in said]
        rows.append(Heard(test, f"m.tsv:{n}", " ".join(said), " ".join(heard)))
    return rows


def test_a_better_system_is_told_from_a_lucky_one():
    [found] = compare({"base": system(0.3), "better": system(0.1, seed=2), "like": system(0.3, seed=3)})
    words = found.scores["wer"]
    assert words["base"].score.p_bootstrap is None
    assert max(words["better"].score.p_bootstrap, words["better"].score.p_randomization) < 0.01
    assert min(words["like"].score.p_bootstrap, words["like"].score.p_randomization) > 0.05
    assert words["base"].length == 320
    assert words["base"].score.score == pytest.approx(100 * words["base"].substitutions / 320)
    assert words["base"].deletions == words["base"].insertions == 0
    text, base, other = found.better["better"][0]
    assert base.count("not-") > other.count("not-")
    assert text in {row.text for row in system(0.3)}
    assert "better better than the baseline" in as_text(found)


def test_the_interval_is_that_of_a_share():
    """Words that are wrong independently have the deviation of a binomial distribution."""
    errors = measured(system(0.2, 400))["wer"]
    share = errors.score.score / 100
    assert errors.score.interval == pytest.approx(196 * np.sqrt(share * (1 - share) / 1600), rel=0.15)


def test_a_table_is_read_as_it_was_written(tmp_path):
    rows = [*system(0.3, 3), Heard("other", "m.tsv:9", "one  two", "")]
    (tmp_path / "heard.tsv").write_text(table(rows))
    assert read_table(tmp_path / "heard.tsv") == [*rows[:3], Heard("other", "m.tsv:9", "one two", "")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a b\n", ":1: expected the columns test, place, text, heard"),
        ("test\tplace\ttext\theard\none\n", ":2: expected 4 columns. Received: 1"),
        ("test\tplace\ttext\theard\n", "expected utterances. Received: none"),
    ],
)
def test_another_table_is_refused(tmp_path, content, message):
    (tmp_path / "heard.tsv").write_text(content)
    with pytest.raises(CorpusError, match=message):
        read_table(tmp_path / "heard.tsv")


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match=r"a test set that all have\. Received: a: t; b: u"):
        compare({"a": system(0.1), "b": system(0.1, test="u")})
    changed = system(0.1)
    changed[4] = changed[4]._replace(text="four")
    with pytest.raises(ValueError, match="utterance 5 differs"):
        compare({"a": system(0.1), "b": changed})
    with pytest.raises(ValueError, match="80 and 79 of them"):
        compare({"a": system(0.1), "b": system(0.1)[:79]})
