"""Alignments of words, read beside the text that they belong to."""

from __future__ import annotations

import pytest

from seq2seq.text.corpus import CorpusError, Linked, ParallelText, Part


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
