"""Alignments of words, read beside the text that they belong to."""

from __future__ import annotations

import pytest

from seq2seq.text.corpus import AlignedText, CorpusError, ParallelText, Part


@pytest.fixture
def aligned(tmp_path):
    """Makes a text of three pairs with the alignments that are given as text."""

    def make(alignments):
        (tmp_path / "x").write_text("a b c\nd\ne f\n")
        (tmp_path / "y").write_text("A B\nD\nE F G\n")
        (tmp_path / "alignments").write_text(alignments)
        return AlignedText(ParallelText(tmp_path / "x", tmp_path / "y"), tmp_path / "alignments")

    return make


def test_alignments_go_with_their_lines_and_with_a_part_of_them(aligned):
    text = aligned("0-0 2-1\n\n1-2\n")
    assert [e.alignment for e in text] == [((0, 0), (2, 1)), (), ((1, 2),)]
    part = [(e.line, e.alignment) for e in Part(text, held_out=False, every=2)]
    assert part == [(1, ((0, 0), (2, 1))), (3, ((1, 2),))]


@pytest.mark.parametrize(
    ("alignments", "message"),
    [
        ("0-0\n0-0\n", r"alignments ends before line 3: it must have a line for each pair"),
        ("\n\n\n\n", r"alignments:4: the text has only 3 pairs"),
        ("0-0\n0-x\n\n", r"alignments:2: expected alignments as source-target"),
        ("0-0\n1-0\n\n", r"alignments:2: '1-0' aligns word 1 of the source, which has 1 words"),
        ("0-2\n0-0\n\n", r"alignments:1: '0-2' aligns word 2 of the target, which has 2 words"),
    ],
)
def test_a_mistake_in_the_alignments_names_file_and_line(aligned, alignments, message):
    with pytest.raises(CorpusError, match=message):
        list(aligned(alignments))
