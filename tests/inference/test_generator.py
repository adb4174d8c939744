"""Text to text: the same for every line, whatever stands beside it."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.inference.generator import Generator
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import EOS

OPTIONS = {
    "greedy": SearchOptions(beam_size=1, max_ratio=1.0, max_extra=3),
    "beam": SearchOptions(beam_size=3, num_best=2, max_ratio=1.0, max_extra=3),
    "mbr": SearchOptions(beam_size=3, num_best=2, max_ratio=1.0, max_extra=3, mbr=5.0),
    "sampling": SearchOptions(sampling=True, max_ratio=1.0, max_extra=3),
}
LINES = [
    "the cat sits on a mat",
    "a dog",
    "",
    "green trees",
    "the house sees a dog on the green mat",
    "   ",
    "hello, world!",
]


@pytest.fixture(scope="module")
def tokenizer(tokenizers):
    return tokenizers["unigram", False]


@pytest.fixture(scope="module")
def model(build_model, tokenizer):
    model = build_model(sizes=(tokenizer.size, tokenizer.size), decoder={"attention_position": "after"})
    bias = model.head.bias.numpy()
    bias[EOS] = 1.5  # ends come at different lengths
    model.head.bias.assign(bias)
    return model


@pytest.fixture(scope="module")
def generators(model, tokenizer):
    return {name: Generator(model, tokenizer, tokenizer, options) for name, options in OPTIONS.items()}


@pytest.fixture(scope="module")
def results(generators):
    return {name: generator.generate(LINES) for name, generator in generators.items()}


every_search = pytest.mark.parametrize("name", OPTIONS)


def same(got, wanted):
    assert [[h.text for h in line] for line in got] == [[h.text for h in line] for line in wanted]
    for ours, theirs in zip(got, wanted, strict=True):
        np.testing.assert_allclose([h.score for h in ours], [h.score for h in theirs], atol=1e-4)
        np.testing.assert_allclose([h.log_probability for h in ours], [h.log_probability for h in theirs], atol=1e-4)


@every_search
@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_batch_size_changes_neither_order_nor_text(generators, results, name, batch_size):
    same(generators[name].generate(LINES, batch_size), results[name])
    assert len({line[0].text for line in results[name]}) > 3


@pytest.mark.parametrize("name", ["greedy", "beam"])
def test_the_order_of_the_lines_is_the_order_of_the_output(generators, results, name):
    same(generators[name].generate(LINES[::-1]), results[name][::-1])


@pytest.mark.parametrize("name", ["greedy", "beam"])
def test_a_line_alone_equals_the_line_in_a_batch(generators, results, name):
    for line, expected in zip(LINES[:4], results[name], strict=False):
        same(generators[name].generate([line]), [expected])
        assert generators[name](line) == expected[0].text


@every_search
def test_an_empty_line_becomes_an_empty_line(generators, results, name):
    for place in (2, 5):
        assert [(h.text, h.pieces) for h in results[name][place]] == [("", ())]
    assert generators[name]("") == ""
    assert generators[name]([]) == []
    assert generators[name](["", " "]) == ["", ""]


def test_hypotheses_come_best_first_and_differ(results):
    for line, hypotheses in zip(LINES, results["beam"], strict=True):
        if line.strip():
            assert len(hypotheses) == 2
            assert hypotheses[0].score >= hypotheses[1].score
            assert hypotheses[0].pieces != hypotheses[1].pieces


def test_mbr_chooses_among_what_the_beam_has(generators, results):
    everything = generators["beam"].with_options(num_best=3).generate(LINES)
    changed = 0
    for found, beam in zip(results["mbr"], everything, strict=True):
        known = {h.pieces: h.log_probability for h in beam}
        assert all(known[h.pieces] == pytest.approx(h.log_probability, abs=1e-4) for h in found)
        assert all(0 <= h.score <= 1 for h in found)
        changed += found[0].pieces != beam[0].pieces
    assert changed


def test_an_output_is_as_long_as_allowed_at_most(generators, results, tokenizer):
    ended_early = 0
    for line, hypotheses in zip(LINES, results["sampling"], strict=True):
        limit = len(tokenizer.encode([line])[0]) + 3
        assert len(hypotheses[0].pieces) <= limit
        ended_early += len(hypotheses[0].pieces) < limit
    assert ended_early > 3


@every_search
def test_forced_decoding_of_its_own_output_gives_its_own_probability(generators, results, tokenizer, name):
    full = [
        (line, h) for line, hypotheses in zip(LINES, results[name], strict=True) for h in hypotheses if line.strip()
    ]
    ids = [tokenizer.ids(h.pieces) for _, h in full]
    # Scores depend on the model alone: one generator scores the outputs of every search.
    found = generators["beam"].score_ids([line for line, _ in full], ids, batch_size=3)
    assert [len(gains) for gains in found] == [len(row) + 1 for row in ids]
    np.testing.assert_allclose([gains.sum() for gains in found], [h.log_probability for _, h in full], atol=1e-4)


def test_the_score_of_a_hypothesis_is_its_normalised_probability(results):
    for hypotheses in results["beam"]:
        for h in hypotheses:
            np.testing.assert_allclose(h.score, h.log_probability / (len(h.pieces) + 1), atol=1e-5)


def test_scores_of_text_do_not_depend_on_the_batch(generators):
    pairs = [("the cat", "a dog"), ("", "a"), ("a green house", "hello, hello, hello,"), ("the dog", "")]
    whole, alone = generators["beam"].score(pairs), generators["beam"].score(pairs, batch_size=1)
    for a, b in zip(whole, alone, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert whole[1].shape == (0,)
    assert whole[3].shape == (1,)
    assert all((gains < 0).all() for gains in whole)


def test_alignments_have_a_row_for_each_piece_and_sum_to_one(generators, tokenizer):
    pairs = [("the cat sits", ("▁the", "▁a")), ("a", ()), ("green trees on a mat", ("▁a",))]
    found = generators["beam"].align(pairs)
    for (line, pieces), weights in zip(pairs, found, strict=True):
        assert weights.shape == (len(pieces) + 1, len(tokenizer.encode([line])[0]) + 1)
        np.testing.assert_allclose(weights.sum(1), 1.0, atol=1e-5)
    for weights, (alone,) in zip(found, ([generators["beam"].align([pair])[0]] for pair in pairs), strict=True):
        np.testing.assert_allclose(weights, alone, atol=1e-5)


def test_a_model_without_attention_has_no_alignments(build_model, tokenizer):
    model = build_model(sizes=(tokenizer.size, tokenizer.size), decoder={"attention": "none"})
    with pytest.raises(ValueError, match="no attention"):
        Generator(model, tokenizer, tokenizer).align([("a", ())])


def test_a_seed_gives_its_text_again_and_another_seed_another(generators, results):
    again = generators["sampling"].with_options(seed=1)
    same(again.generate(LINES), results["sampling"])
    other = generators["sampling"].with_options(seed=2)
    assert other(LINES) != [line[0].text for line in results["sampling"]]


def test_with_options_leaves_the_generator_as_it_was(generators):
    changed = generators["beam"].with_options(beam_size=2)
    assert (changed.options.beam_size, generators["beam"].options.beam_size) == (2, 3)
    assert changed.model is generators["beam"].model


def test_many_samples_are_each_drawn_by_itself_and_come_again(generators, results):
    several = generators["sampling"].with_options(num_best=3)
    found = several.generate(LINES)
    same(several.generate(LINES, batch_size=2), found)
    for lines, (alone,) in zip(found, results["sampling"], strict=True):
        assert alone.text in [h.text for h in lines]  # the first is the one that is drawn alone
        assert [h.score for h in lines] == sorted((h.score for h in lines), reverse=True)
    assert max(map(len, found)) == 3


def test_what_is_drawn_depends_on_the_number_of_the_line_and_not_on_the_call(generators, results):
    sampling = generators["sampling"]
    same(sampling.generate(LINES[:2]) + sampling.generate(LINES[2:], first=2), results["sampling"])


def test_lines_come_from_whatever_yields_texts(generators):
    greedy = generators["greedy"]
    wanted = greedy(LINES)
    assert greedy(line for line in LINES) == wanted
    assert greedy(np.array(LINES)) == wanted
    assert greedy(tuple(LINES), batch_size=np.int64(2)) == wanted
    assert greedy([]) == []


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a", None], r"lines\[1\]: expected text. Received: 'None' \(NoneType\)"),
        (["a", "b", float("nan")], r"lines\[2\]: expected text. Received: 'nan' \(float\)"),
        ([b"a"], r"lines\[0\]: .*bytes.*Decode it first"),
        (b"a", "Expected several lines"),
        (None, "Expected several lines"),
        (3, "Expected several lines"),
        ({"a": 1}, "Expected several lines"),
    ],
)
def test_what_is_no_text_is_named_by_its_index(generators, lines, message):
    with pytest.raises(TypeError, match=message):
        generators["greedy"](lines)


def test_one_text_where_several_are_expected_is_refused(generators):
    with pytest.raises(TypeError, match="Expected several lines"):
        generators["greedy"].generate("a dog")
    with pytest.raises(TypeError, match=r"pairs\[1\]"):
        generators["greedy"].score([("a", "b"), "cd"])


@pytest.mark.parametrize("size", [0, -1, 2.5, "x", None, True])
def test_a_batch_size_is_a_whole_number_from_one(generators, size):
    for call in (generators["greedy"], generators["greedy"].align, generators["greedy"].score):
        with pytest.raises(ValueError, match="batch_size must be a whole number"):
            call([], batch_size=size)


@every_search
def test_a_model_whose_weights_are_no_numbers_is_not_searched(generators, model, name):
    before = model.get_weights()
    model.set_weights([np.full_like(weight, np.nan) for weight in before])
    try:
        with pytest.raises(ValueError, match="no numbers"):
            generators[name].generate(LINES)
        with pytest.raises(ValueError, match="no numbers"):
            generators["beam"].score([("a dog", "a dog")])
    finally:
        model.set_weights(before)
