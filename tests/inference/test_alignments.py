"""What attention says: links, arrays, pictures, and what stands in the place of an unknown piece."""

from __future__ import annotations

import json

import numpy as np
import pytest

from seq2seq.inference.alignments import Alignment, ArrayFile, align_pieces, align_text, as_json, as_pharaoh, hard
from seq2seq.inference.generator import Generator
from seq2seq.inference.heatmap import draw_heatmap
from seq2seq.inference.lines import LineGenerator
from seq2seq.inference.unknown import read_dictionary, replace_unknown
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import NAMES, UNK
from seq2seq.text.corpus import CorpusError
from seq2seq.types import EMPTY, Hypothesis

OPTIONS = SearchOptions(beam_size=2, max_ratio=1.0, max_extra=3)
PAIRS = [("the cat sits", "a dog"), ("", "house"), ("green trees", ""), ("hello, naïve world!", "the mat sees a house")]


@pytest.fixture(scope="module")
def tokenizer(tokenizers):
    return tokenizers["unigram", False]


@pytest.fixture(scope="module")
def generator(build_model, tokenizer):
    return Generator(build_model(sizes=(tokenizer.size, tokenizer.size)), tokenizer, tokenizer, OPTIONS)


class Planted(LineGenerator):
    """Attends from the n-th target piece to the piece that `places` names for it."""

    has_attention = True

    def __init__(self, tokenizer, places):
        super().__init__(tokenizer, tokenizer, OPTIONS)
        self.places = places

    def _search(self, sources, places):
        raise NotImplementedError

    def _align(self, sources, targets):
        weights = np.zeros((len(sources), max(map(len, targets)) + 1, max(map(len, sources)) + 1), np.float32)
        for row, target in enumerate(targets):
            for place in range(len(target)):
                weights[row, place, self.places[place]] = 1.0
        return weights


def example(labels=("▁a", "b", "▁c"), seed=1):
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(labels) + 1), 3).astype("float32")
    return Alignment(tuple(labels), ("▁x", "y"), weights, tuple(range(len(labels))), (0, 0))


EMPTY_ALIGNMENT = Alignment((), (), np.zeros((0, 0), np.float32), (), ())


def test_a_link_goes_to_the_piece_with_most_attention_but_never_to_the_end():
    weights = np.array([[0.1, 0.6, 0.3, 0.0], [0.2, 0.1, 0.1, 0.6], [0.3, 0.3, 0.4, 0.0], [0.9, 0.0, 0.1, 0.0]])
    assert hard(weights) == [(0, 1), (1, 0), (2, 2)]
    assert hard(weights[-1:]) == hard(weights[:, -1:]) == hard(np.zeros((0, 0))) == []


def test_links_of_words_join_their_pieces():
    weights = np.array([[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 1.0, 0], [0, 0, 0, 1.0]])
    alignment = Alignment(("▁a", "b", "▁c"), ("▁x", "y", "▁z"), weights, (0, 0, 1), (0, 0, 1))
    assert alignment.hard() == [(0, 0), (1, 1), (2, 2)]
    assert as_pharaoh(alignment, "words") == "0-0 1-1"
    with pytest.raises(ValueError, match="Unknown units"):
        alignment.hard("letters")


def test_rows_sum_to_one_and_have_a_column_for_each_piece(generator, tokenizer):
    for alignment, (source, target) in zip(align_text(generator, PAIRS), PAIRS, strict=True):
        if not source:
            assert alignment.weights.shape == (0, 0)
            continue
        assert alignment.weights.shape == tuple(len(tokenizer.encode([text])[0]) + 1 for text in (target, source))
        np.testing.assert_allclose(alignment.weights.sum(1), 1, atol=1e-5)
        sizes = len(source.split()), len(target.split())
        assert all(i < sizes[0] and j < sizes[1] for i, j in alignment.hard("words"))
        assert {j for _, j in alignment.hard("words")} == set(range(sizes[1]))


def test_text_and_its_pieces_are_aligned_alike(generator, tokenizer):
    lines, targets = zip(*PAIRS, strict=True)
    pieces = [tokenizer.pieces(ids) for ids in tokenizer.encode(targets)]
    for one, other in zip(align_text(generator, PAIRS), align_pieces(generator, lines, pieces), strict=True):
        assert as_json(one) == as_json(other)
        assert one.hard("words") == other.hard("words")


def test_arrays_are_read_without_pickle_and_are_those_of_the_json(tmp_path):
    found = [example(), EMPTY_ALIGNMENT, example(("▁é", "$", "漢"), 2)]
    file = ArrayFile(tmp_path / "a.npz")
    for alignment in found:
        file.add(alignment)
    file.close()
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert len(arrays.files) == 9
        for n, alignment in enumerate(found):
            row = json.loads(as_json(alignment))
            assert arrays[f"source_{n}"].tolist() == row["source"]
            assert arrays[f"target_{n}"].tolist() == row["target"]
            assert arrays[f"weights_{n}"].dtype == np.float32
            np.testing.assert_array_equal(arrays[f"weights_{n}"], alignment.weights)
            np.testing.assert_allclose(arrays[f"weights_{n}"].ravel(), np.ravel(row["weights"]), atol=1e-5)


@pytest.mark.parametrize(("ending", "begin"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("PNG", b"\x89PNG")])
def test_a_heatmap_of_any_script_is_drawn_without_a_word(tmp_path, ending, begin):
    labels = ("▁$x$", "漢字", "مرحبا", "𝄞", "<&>", "_^{", "\\frac")
    path = tmp_path / f"map.{ending}"
    draw_heatmap(example(labels), path)
    first = path.read_bytes()
    assert first.startswith(begin)
    if ending == "svg":
        assert all(word.encode() in first for word in ("漢字", "$x$", "&lt;&amp;&gt;"))
    draw_heatmap(example(labels), path)
    assert path.read_bytes() == first
    draw_heatmap(example(labels, seed=2), path)
    assert path.read_bytes() != first


def test_no_heatmap_is_drawn_of_nothing_or_in_another_format(tmp_path):
    with pytest.raises(ValueError, match=r"\.png or \.svg"):
        draw_heatmap(example(), tmp_path / "map.jpg")
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_heatmap(EMPTY_ALIGNMENT, tmp_path / "map.png")
    assert not list(tmp_path.iterdir())


def hypothesis(tokenizer, *pieces):
    return Hypothesis(tokenizer.decode([tokenizer.ids(pieces)])[0], pieces, -1.0, -2.0)


def replaced(tokenizer, line, pieces, places, dictionary=None):
    """The text of `pieces` once the unknown ones are replaced; `places` are words of the line, a word a piece."""
    (ids,) = tokenizer.encode([line])
    (numbers,) = tokenizer.line_word_numbers([line], [ids])
    planted = Planted(tokenizer, [numbers.index(place) for place in places])
    before = hypothesis(tokenizer, *pieces)
    ((after,),) = replace_unknown(planted, [line], [[before]], dictionary)
    assert (after.pieces, after.score, after.log_probability) == (before.pieces, before.score, before.log_probability)
    return after.text


def test_an_unknown_piece_becomes_the_word_it_attends_to(tokenizer):
    line = "the ☃漢 sees Бог, (Ω)"
    assert UNK in tokenizer.encode([line])[0]
    pieces = ("▁", NAMES[UNK], "▁the", "▁", NAMES[UNK])
    assert "⁇" in hypothesis(tokenizer, *pieces).text
    assert replaced(tokenizer, line, pieces, (1, 1, 0, 0, 3)) == "☃漢 the Бог"
    assert replaced(tokenizer, line, pieces, (1, 2, 0, 0, 4)) == "sees the Ω"
    assert replaced(tokenizer, line, pieces, (1, 1, 0, 0, 3), {"Бог": "Gott", "☃漢": "snow man"}) == "snow man the Gott"
    assert replaced(tokenizer, line, pieces, (1, 1, 0, 0, 3), {"Бог": "Gott", "Бог,": "God!"}) == "☃漢 the God!"


def test_unknown_pieces_side_by_side_become_their_word_once(tokenizer):
    line, unknown = "☃ Ω", NAMES[UNK]
    assert replaced(tokenizer, line, ("▁", unknown, unknown), (0, 0, 0)) == "☃"
    assert replaced(tokenizer, line, ("▁", unknown, unknown), (0, 0, 1)) == "☃ Ω"
    assert replaced(tokenizer, line, ("▁", unknown, "▁", unknown), (0, 0, 0, 0)) == "☃ ☃"


@pytest.mark.parametrize(
    ("pieces", "places", "text"),
    [
        (("▁", "?", "a", "t"), (1, 1, 1, 1), "Łat"),  # letters of the word are in it already
        (("▁the", "▁", "?", "a", "t", "."), (0, 1, 1, 1, 1, 1), "the Łat."),
        (("▁s", "a", "?"), (2, 2, 2), "saŋ"),
        (("▁the", "▁s", "?", "▁the"), (0, 2, 2, 0), "the saŋ the"),
        (("▁", "?", "o"), (1, 1, 1), "Łato"),  # but others stay
        (("▁the", "?"), (0, 1), "the Łat"),
        (("▁the", "?", "a"), (0, 1, 0), "the Łat a"),
        (("▁the", "?", "?", "▁", "?"), (0, 1, 2, 0, 2), "the Łat saŋ saŋ"),
        (("▁", "?", "▁", "?"), (0, 1, 0, 2), "Łat saŋ"),
        (("▁the", "▁", "?", "a"), (0, 0, 1, 2), "the Łat a"),
        (("?", "."), (1, 3), "Łat."),
        (("▁the", ".", "?"), (0, 3, 1), "the.Łat"),
    ],
)
def test_a_word_is_written_once_and_parted_from_others(tokenizer, pieces, places, text):
    pieces = tuple(NAMES[UNK] if piece == "?" else piece for piece in pieces)
    assert replaced(tokenizer, "the Łat saŋ .", pieces, places) == text


def test_what_has_no_unknown_piece_is_the_same_object(generator, tokenizer):
    results = generator.with_options(num_best=2).generate(["the cat", "a dog"])
    results = [[h for h in best if NAMES[UNK] not in h.pieces] or [EMPTY] for best in results]
    after = replace_unknown(generator, ["the cat", "a dog"], results, {"cat": "x", "dog": "y"})
    assert all(
        one is other
        for ours, theirs in zip(results, after, strict=True)
        for one, other in zip(ours, theirs, strict=True)
    )


def test_of_the_hypotheses_of_a_line_each_is_replaced(tokenizer):
    unknown = hypothesis(tokenizer, "▁", NAMES[UNK])
    known = hypothesis(tokenizer, "▁the")
    planted = Planted(tokenizer, [0, 0, 0, 0])
    (first, second), (third,) = replace_unknown(planted, ["☃", "Ω"], [[known, unknown], [unknown]])
    assert (first.text, second.text, third.text) == ("the", "☃", "Ω")


def test_a_dictionary_is_read_and_its_mistakes_are_told_by_line(tmp_path):
    path = tmp_path / "d.tsv"
    path.write_text("Бог\tGott\n\n☃ \t snow man\nБог\tAbgott\n", "utf-8")
    assert read_dictionary(path) == {"Бог": "Gott", "☃": "snow man"}
    for line in ("one", "one\t", "\tone", "a\tb\tc"):
        path.write_text(f"x\ty\n{line}\n")
        with pytest.raises(CorpusError, match=r"d\.tsv:2: expected a source word and a target word"):
            read_dictionary(path)
    with pytest.raises(CorpusError, match="no such file"):
        read_dictionary(tmp_path / "none.tsv")
