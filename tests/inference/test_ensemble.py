"""Text to text on several models: as one model, whatever the members read."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.export.formats import export
from seq2seq.inference.ensemble import EnsembleGenerator
from seq2seq.inference.generator import Generator
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import EOS
from seq2seq.text.subword import SubwordTokenizer

OPTIONS = {
    "greedy": SearchOptions(beam_size=1, max_ratio=1.0, max_extra=3),
    "beam": SearchOptions(beam_size=3, num_best=2, max_ratio=1.0, max_extra=3),
    "mbr": SearchOptions(beam_size=3, num_best=2, max_ratio=1.0, max_extra=3, mbr=5.0),
    "sampling": SearchOptions(sampling=True, max_ratio=1.0, max_extra=3),
}
LINES = ["the cat sits on a mat", "", "green trees", "a dog", "   ", "hello, world!"]


@pytest.fixture(scope="module")
def target(tokenizers):
    return tokenizers["unigram", False]


@pytest.fixture(scope="module")
def members(build_model, tokenizers, target):
    """Three that write alike; the second reads other pieces, and the third has no attention."""

    def make(seed, source, decoder):
        model = build_model(sizes=(source.size, target.size), decoder=decoder, seed=seed)
        bias = model.head.bias.numpy()
        bias[EOS] = 1.5  # ends come at different lengths
        model.head.bias.assign(bias)
        return Generator(model, source, target, OPTIONS["beam"])

    return [
        make(3, target, {"attention_position": "after"}),
        make(4, tokenizers["bpe", True], {}),
        make(5, target, {"attention": "none"}),
    ]


@pytest.fixture(scope="module")
def ensemble(members):
    return EnsembleGenerator(members[:2])


def same(got, wanted):
    assert [[h.text for h in line] for line in got] == [[h.text for h in line] for line in wanted]
    for ours, theirs in zip(got, wanted, strict=True):
        np.testing.assert_allclose([h.score for h in ours], [h.score for h in theirs], atol=1e-4)


@pytest.mark.parametrize("name", ["greedy", "beam", "sampling"])
def test_an_ensemble_of_one_is_the_model(members, name):
    one = EnsembleGenerator(members[:1]).with_options(**vars(OPTIONS[name]))
    same(one.generate(LINES), members[0].with_options(**vars(OPTIONS[name])).generate(LINES))


def test_forced_decoding_gives_the_mean_of_what_the_members_give(members, ensemble):
    pairs = [("the cat", "a dog"), ("", "a"), ("a green house", "hello, hello"), ("the dog", "")]
    alone = [member.score(pairs) for member in members[:2]]
    means = {
        "probabilities": lambda gains: np.log(np.mean(np.exp(gains), axis=0)),
        "log-probabilities": lambda gains: np.mean(gains, axis=0),
    }
    for found, *gains in zip(ensemble.score(pairs), *alone, strict=True):
        np.testing.assert_allclose(found, means["probabilities"](np.asarray(gains)), atol=1e-5)
    logs = EnsembleGenerator(members[:2], "log-probabilities").score(pairs)
    for found, *gains in zip(logs, *alone, strict=True):
        # Normalised again, so never below the mean.
        assert (found >= means["log-probabilities"](np.asarray(gains)) - 1e-5).all()


def test_the_batch_size_changes_nothing_and_its_own_output_scores_as_it_did(ensemble, target):
    by_mbr = ensemble.with_options(**vars(OPTIONS["mbr"]))
    results = by_mbr.generate(LINES)
    same(by_mbr.generate(LINES, batch_size=1), results)
    full = [(line, h) for line, found in zip(LINES, results, strict=True) for h in found if line.strip()]
    gains = ensemble.score_ids([line for line, _ in full], [target.ids(h.pieces) for _, h in full])
    np.testing.assert_allclose([g.sum() for g in gains], [h.log_probability for _, h in full], atol=1e-4)
    assert results[1][0].text == results[4][0].text == ""


def test_alignments_are_those_of_members_that_read_the_same_pieces(members):
    pairs = [("the cat sits", ("▁the", "▁a")), ("a", ())]
    ensemble = EnsembleGenerator(members)
    for found, wanted in zip(ensemble.align(pairs), members[0].align(pairs), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_different_target_vocabularies_are_refused_by_name(members, tokenizers, build_model, target):
    other = tokenizers["bpe", False]
    wrong = Generator(build_model(sizes=(target.size, other.size)), target, other)
    with pytest.raises(ValueError, match="runs/a and runs/b have different target vocabularies"):
        EnsembleGenerator([members[0], wrong], names=["runs/a", "runs/b"])


def test_different_directions_are_refused_by_name(members, target):
    backwards = SubwordTokenizer(target.model, right_to_left=True)
    wrong = Generator(members[0].model, target, backwards)
    with pytest.raises(ValueError, match="member 1 writes from left to right, member 2 from right to left"):
        EnsembleGenerator([members[0], wrong])


def test_a_coverage_penalty_and_an_export_are_refused(ensemble, tmp_path):
    with pytest.raises(ValueError, match="no coverage penalty"):
        ensemble.with_options(coverage_penalty=0.2)
    with pytest.raises(ValueError, match="An ensemble is not exported"):
        export("saved_model", ensemble, tmp_path / "saved")
    assert not list(tmp_path.iterdir())
