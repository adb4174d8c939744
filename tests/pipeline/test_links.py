"""Links between pieces, from a file to the batches."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.pipeline.batches import Batching, Plan, guide
from seq2seq.pipeline.feed import as_fit_data
from seq2seq.pipeline.store import TokenStore
from seq2seq.text.corpus import CorpusError, Linked, ParallelText, Part
from seq2seq.types import Example


def numbers(lines, chunk):
    return [[int(i) for i in line.split()] for line in lines]


def given(examples, sources, targets):
    return [list(example.links) for example in examples]


@pytest.fixture
def pairs():
    """Every source is known by its first id; of its pieces two in three are linked to their like in the target."""
    random, found = np.random.default_rng(4), []
    for i in range(300):
        size = int(random.integers(2, 12))
        links = (*((n, n) for n in range(size) if (n + i) % 3), (0, 1))
        text = " ".join(map(str, [1000 + i, *random.integers(4, 99, size - 1)]))
        found.append(Example(text, text, i + 1, links=links))
    return found


def test_links_are_read_as_they_were_written(tmp_path, pairs):
    written = TokenStore.write(tmp_path / "store", pairs, numbers, numbers, 100, link=given)
    for store in (written, TokenStore(tmp_path / "store")):
        assert store.has_links
        assert [store.links(i).tolist() for i in range(300)] == [[list(link) for link in e.links] for e in pairs]


def test_a_store_of_before_is_read_and_has_no_links(make_store):
    store = make_store([([4], [5])])
    assert not store.has_links
    assert len(store) == 1
    with pytest.raises(ValueError, match="has no links"):
        store.links(0)


def test_links_that_are_missing_make_a_store_no_whole_one(tmp_path, pairs):
    TokenStore.write(tmp_path / "store", pairs, numbers, numbers, 100, link=given)
    np.zeros(3, "<u4").tofile(tmp_path / "store" / "links.lengths")
    with pytest.raises(ValueError, match="no whole token store"):
        TokenStore(tmp_path / "store")


def test_links_stay_with_their_pairs_when_others_are_left_out(tmp_path):
    examples = [
        Example("", "5", 1, links=()),
        Example("4 5 6 7", "4", 2, links=((3, 0),)),
        Example("8 9", "7", 3, links=((1, 0),)),
        Example("4", "4 5 6 7 8", 4, links=((0, 4),)),
    ]
    seen = []

    def link(kept, sources, targets):
        seen.extend(zip((e.line for e in kept), sources, targets, strict=True))
        return [[(i, j) for i, j in e.links if i < len(source)] for e, source in zip(kept, sources, strict=True)]

    store = TokenStore.write(tmp_path / "store", examples, numbers, numbers, 4, cut_source=2, link=link)
    assert seen == [(2, [4, 5], [4]), (3, [8, 9], [7])]
    assert [store.links(i).tolist() for i in range(2)] == [[], [[1, 0]]]


def test_a_guide_is_even_over_the_linked_pieces_and_nothing_elsewhere():
    found = guide([np.array([[0, 0], [2, 0], [1, 2]]), np.zeros((0, 2), int)], (3, 4, 3))
    wanted = np.zeros((3, 4, 3))
    wanted[0, 0] = 0.5, 0, 0.5
    wanted[0, 2, 1] = 1
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == np.float32


@pytest.mark.parametrize("trim", [True, False])
def test_a_guided_plan_has_the_same_batches_and_the_guide_of_each_row(tmp_path, pairs, trim):
    store = TokenStore.write(tmp_path / "store", pairs, numbers, numbers, 100, link=given)
    batching = Batching(tokens=100, buckets=3, max_rows=8)
    guided, plain = (Plan(store, batching, 1, 2, trim=trim, guided=flag) for flag in (True, False))
    assert len(guided) == len(plain)
    for step, (batch, other) in enumerate(zip(guided, plain, strict=True)):
        assert other.guide is None
        assert all(np.array_equal(one, two) for one, two in zip(batch[:4], other[:4], strict=True))
        assert batch.guide.shape == (*batch.target_output.shape, batch.source.shape[1])
        assert np.array_equal(batch.guide, guided[step].guide)  # without the steps before it
        for row, weights, wanted in zip(batch.source, batch.weights, batch.guide, strict=True):
            if not weights.any():
                continue
            links = sorted(pairs[row[0] - 1000].links)
            assert sorted((int(s), int(t)) for t, s in np.argwhere(wanted > 0)) == sorted(set(links))
            assert set(wanted.sum(1).round(5).tolist()) <= {0.0, 1.0}
    for ((*_, given_guide), _, _), batch in zip(as_fit_data(guided), guided, strict=True):
        assert np.array_equal(given_guide, batch.guide)


@pytest.fixture
def linked(tmp_path):
    """A text of three pairs with the links that are given as text."""

    def make(links, part=None):
        (tmp_path / "x").write_text("a b c\nd\ne f\n")
        (tmp_path / "y").write_text("A B\nD\nE F G\n")
        (tmp_path / "links").write_text(links)
        return Linked(ParallelText(tmp_path / "x", tmp_path / "y"), tmp_path / "links")

    return make


def test_links_go_with_their_lines_and_with_a_part_of_them(linked):
    text = linked("0-0 2-1\n\n1-2\n")
    assert [e.links for e in text] == [((0, 0), (2, 1)), (), ((1, 2),)]
    assert [(e.line, e.links) for e in Part(text, held_out=False, every=2)] == [(1, ((0, 0), (2, 1))), (3, ((1, 2),))]


@pytest.mark.parametrize(
    ("links", "message"),
    [
        ("0-0\n0-0\n", r"links ends before line 3: it must have a line for each pair"),
        ("\n\n\n\n", r"links:4: the text has 3 pairs, and no more"),
        ("0-0\n0-x\n\n", r"links:2: expected links as source-target"),
        ("0-0\n1-0\n\n", r"links:2: '1-0' links word 1 of the source, which has 1"),
        ("0-2\n0-0\n\n", r"links:1: '0-2' links word 2 of the target, which has 2"),
    ],
)
def test_a_mistake_in_the_links_is_told_by_file_and_line(linked, links, message):
    with pytest.raises(CorpusError, match=message):
        list(linked(links))
