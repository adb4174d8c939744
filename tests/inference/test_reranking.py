"""n-best lists: read, scored, sorted anew, and weights that serve BLEU."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.inference.nbest import Candidate, format_n_best, read_n_best
from seq2seq.inference.requests import InputTooLong
from seq2seq.inference.reranking import TooLong, Tuning, rerank, score_lists
from seq2seq.metrics.bleu import bleu
from seq2seq.text.corpus import CorpusError

LIST = "0 ||| Ein Hund ||| -0.5\n0 ||| Der Hund ||| -0.75\n1 |||  ||| 0.0\n2 ||| a b ||| f= 1.5 2 g= -1 ||| -3\n"


@pytest.fixture
def read(tmp_path):
    def read_(text, sources):
        (tmp_path / "list").write_text(text, "utf-8")
        return read_n_best(tmp_path / "list", sources)

    return read_


def test_a_list_is_read_and_written_as_it_was(read):
    lists = read(LIST, 3)
    assert [[c.text for c in candidates] for candidates in lists] == [["Ein Hund", "Der Hund"], [""], ["a b"]]
    assert [c.line for candidates in lists for c in candidates] == [1, 2, 3, 4]
    assert lists[2][0].features == {"f": (1.5, 2.0), "g": (-1.0,)}
    written = "".join(format_n_best(lists))
    assert [[(c.text, c.score, c.features) for c in candidates] for candidates in read(written, 3)] == [
        [(c.text, c.score, c.features) for c in candidates] for candidates in lists
    ]
    assert written.splitlines()[2] == "1 |||  ||| 0.000000"


@pytest.mark.parametrize(
    ("text", "sources", "message"),
    [
        ("0 ||| a ||| 1\n0 ||| b\n", 1, "list:2: expected 'id ||| hypothesis ||| score'"),
        ("0 ||| a ||| f= 1 ||| 2 ||| 3\n", 1, "list:1: .* Received 5 parts"),
        ("x ||| a ||| 1\n", 1, "list:1: the id must be a whole number from 0. Received: 'x'"),
        ("-1 ||| a ||| 1\n", 1, "list:1: the id must be"),
        ("0 ||| a ||| best\n", 1, "list:1: the score must be a number. Received: 'best'"),
        ("0 ||| a ||| nan\n", 1, "list:1: the score must be a number"),
        ("0 ||| a ||| 7 ||| 1\n", 1, "list:1: expected features as 'name= number …'"),
        ("0 ||| a ||| f= x ||| 1\n", 1, "list:1: the feature 'f' must be a number"),
        ("0 ||| a ||| f= 1 f= 2 ||| 1\n", 1, "list:1: the feature 'f' is given twice"),
        ("0 ||| a ||| 1\n2 ||| b ||| 1\n", 3, "list:2: expected the id 0 or 1"),
        ("1 ||| a ||| 1\n", 3, "list:1: expected the id 0:"),
        ("0 ||| a ||| 1\n1 ||| a ||| 1\n0 ||| b ||| 1\n", 3, "list:3: expected the id 1 or 2"),
        ("0 ||| a ||| 1\n1 ||| a ||| 1\n", 1, "list:2: the id is 1, and the source has 1 lines"),
        ("0 ||| a ||| 1\n", 2, "list:1: the list ends with the hypotheses of 1 lines; the source has 2"),
    ],
)
def test_a_malformed_list_is_told_by_file_and_line(read, text, sources, message):
    with pytest.raises(CorpusError, match=message.replace("|||", r"\|\|\|")):
        read(text, sources)


class Lengths:
    """Gives each word of the target -1 a word of the source, and -1 for the end."""

    def score(self, pairs, batch_size=64):
        self.pairs = list(pairs)
        return [np.array([-1.0 * len(s.split())] * len(t.split()) + [-1.0]) if s else np.zeros(0) for s, t in pairs]


def lists_of(*texts):
    return [[Candidate(text, -float(n), n + 1) for n, text in enumerate(line)] for line in texts]


def test_scores_are_of_the_text_or_of_a_piece_and_reverse_asks_for_the_source():
    lists = lists_of(["x", "x y"], ["z"])
    scorer = Lengths()
    whole = score_lists(scorer, ["a b", "c"], lists, normalization="none")
    assert [row.tolist() for row in whole] == [[-3.0, -5.0], [-2.0]]
    assert [row.tolist() for row in score_lists(scorer, ["a b", "c"], lists)] == [[-1.5, -5 / 3], [-1.0]]
    back = score_lists(scorer, ["a b", "c"], lists, reverse=True, normalization="none")
    assert scorer.pairs == [("x", "a b"), ("x y", "a b"), ("z", "c")]
    assert [row.tolist() for row in back] == [[-3.0, -5.0], [-2.0]]


def test_from_an_empty_hypothesis_no_source_comes_back_so_it_is_the_worst_of_its_list():
    found = score_lists(Lengths(), ["a b", ""], lists_of(["x", "", "x y"], [""]), reverse=True, normalization="none")
    assert [row.tolist() for row in found] == [[-3.0, -5.0, -5.0], [0.0]]


def test_a_text_too_long_for_a_model_is_told_by_its_place():
    class Strict:
        def score(self, pairs, batch_size=64):
            raise InputTooLong({2: 9}, 5)

    with pytest.raises(TooLong, match="9 tokens") as caught:
        score_lists(Strict(), ["a", "b"], lists_of(["x", "y"], ["z"]), reverse=True)
    assert (caught.value.source, caught.value.candidate.text) == (1, "z")


def made_up(rng, sources=30, width=3):
    """Lists, features of which the last knows how good a hypothesis is, and references."""
    words = np.array(["a", "b", "c", "d", "e", "f", "g", "h"])
    references = [" ".join(rng.choice(words, 8)) for _ in range(sources)]
    lists, features = [], []
    for reference in references:
        candidates, values = [], []
        for n in range(5):
            wrong = rng.random(8) < rng.random() * 0.8
            text = " ".join(np.where(wrong, rng.choice(words, 8), reference.split()))
            candidates.append(Candidate(text, -float(n), n))
            values.append([-float(n), *rng.normal(size=width - 2), -wrong.sum() + rng.normal()])
        lists.append(candidates)
        features.append(np.array(values))
    return lists, features, references


def test_the_lists_own_score_alone_keeps_its_order(rng):
    lists, features, _ = made_up(rng)
    for weight in (1.0, 0.3):
        found = rerank(lists, features, ["list", "one", "two"], [weight, 0.0, 0.0])
        assert [[c.text for c in line] for line in found] == [[c.text for c in line] for line in lists]
    equal = rerank(lists, features, ["list", "one", "two"], [0.0, 0.0, 0.0])
    assert [[c.line for c in line] for line in equal] == [[c.line for c in line] for line in lists], "ties keep it too"


def test_a_sorted_list_falls_by_the_weighted_sum_and_has_all_features(rng):
    lists, features, _ = made_up(rng)
    lists[0][0] = Candidate(lists[0][0].text, 1.0, 1, {"before": (1.0, 2.0)})
    weights = [0.2, 0.5, 1.0]
    for line in rerank(lists, features, ["list", "one", "two"], weights):
        scores = [c.score for c in line]
        assert scores == sorted(scores, reverse=True)
        for c in line:
            named = [c.features[name][0] for name in ("list", "one", "two")]
            assert c.score == pytest.approx(np.dot(weights, named))
    assert any("before" in c.features for c in rerank(lists, features, ["list", "one", "two"], weights)[0])


@pytest.mark.parametrize("start", [(1.0, 1.0, 1.0), (1.0, 0.0, 0.0), (0.1, 0.2, 0.7), (-1.0, 0.0, 0.0)])
def test_tuning_never_lowers_the_score_of_its_start(rng, start):
    lists, features, references = made_up(rng)
    tuning = Tuning(lists, features, references)
    weights, score = tuning.search(start, restarts=2)
    assert score >= tuning.bleu(start)
    assert score == tuning.bleu(weights)
    best = [line[0].text for line in rerank(lists, features, ["list", "one", "two"], weights)]
    assert score == pytest.approx(bleu(best, references).score), "it is the BLEU of what is then printed"
    assert score > tuning.bleu((1.0, 0.0, 0.0)) + 5, "a feature that knows must help"


def test_tuning_is_the_same_for_the_same_seed_and_blind_to_scale(rng):
    lists, features, references = made_up(rng)
    tuning = Tuning(lists, features, references)
    assert tuning.search((1, 1, 1), seed=3, restarts=2) == tuning.search((1, 1, 1), seed=3, restarts=2)
    scaled = Tuning(lists, [values * [1, 1, 1000] for values in features], references)
    assert scaled.search((1, 1, 1), restarts=2)[1] == pytest.approx(tuning.search((1, 1, 1), restarts=2)[1], abs=3)
    uneven = Tuning(
        [line[: 1 + i % 5] for i, line in enumerate(lists)],
        [v[: 1 + i % 5] for i, v in enumerate(features)],
        references,
    )
    assert 0 <= uneven.search((1, 1, 1), restarts=1)[1] <= 100


def test_features_that_are_all_alike_do_no_harm(rng):
    lists, features, references = made_up(rng)
    tuning = Tuning(lists, [np.concatenate([v, np.zeros((5, 1))], axis=1) for v in features], references)
    weights, score = tuning.search((1, 1, 1, 1), restarts=1)
    assert np.isfinite(weights).all()
    assert score >= tuning.bleu((1, 1, 1, 1))
