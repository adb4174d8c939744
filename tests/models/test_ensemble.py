"""Several models as one: each step is the mean of the members' distributions."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from seq2seq.models.ensemble import MIXINGS, Ensemble
from seq2seq.symbols import BOS, PAD
from tests.inputs import named, padded

SOURCES = (np.array([[5, 6, 7, 3], [8, 3, 0, 0]], np.int32), np.array([[4, 3, 0], [9, 10, 3]], np.int32))
TARGET = np.array([[2, 9, 5], [2, 10, 7]], np.int32)


@pytest.fixture(scope="module")
def members(build_model):
    return [
        build_model(decoder={"attention_position": "after"}),
        build_model({"cell": "lstm"}, {"attention": "none", "cell": "ssru"}, sizes=(11, 12), seed=4),
        build_model(decoder={"coverage": True, "input_feeding": True}, seed=5, pointer=True),
    ]


def alone(member, source, target=TARGET):
    """The distributions of a member, as a search takes them, in NumPy."""
    logits = ops.convert_to_numpy(member(named(source, target))).astype(np.float64)
    logits[..., [PAD, BOS]] = -np.inf
    exponents = np.exp(logits - logits.max(-1, keepdims=True))
    return exponents / exponents.sum(-1, keepdims=True)


def every(*sources):
    """What each member reads."""
    return tuple(map(padded, sources))


def inputs_of(sources, target):
    return {"source": sources, "source_mask": tuple(source != 0 for source in sources), "target_input": target}


def mixed(ensemble, sources, target=TARGET):
    return np.exp(ops.convert_to_numpy(ensemble(inputs_of(sources, target))).astype(np.float64))


@pytest.mark.parametrize("mixing", MIXINGS)
@pytest.mark.parametrize("which", [0, 1, 2])
def test_an_ensemble_of_one_is_the_model(members, mixing, which):
    found = mixed(Ensemble([members[which]], mixing), (SOURCES[0],))
    np.testing.assert_allclose(found, alone(members[which], SOURCES[0]), atol=1e-6)


def test_probabilities_are_the_mean_of_the_members(members):
    sources = (SOURCES[0], SOURCES[1], SOURCES[0])
    wanted = np.mean([alone(m, s) for m, s in zip(members, sources, strict=True)], axis=0)
    np.testing.assert_allclose(mixed(Ensemble(members), sources), wanted, atol=1e-6)


def test_log_probabilities_are_the_geometric_mean_made_to_sum_to_one(members):
    sources = (SOURCES[0], SOURCES[1], SOURCES[0])
    wanted = np.prod([alone(m, s) for m, s in zip(members, sources, strict=True)], axis=0) ** (1 / 3)
    wanted /= wanted.sum(-1, keepdims=True)
    np.testing.assert_allclose(mixed(Ensemble(members, "log-probabilities"), sources), wanted, atol=1e-6)


def test_twice_the_same_member_changes_nothing(members):
    for mixing in MIXINGS:
        twice = mixed(Ensemble([members[0]] * 2, mixing), (SOURCES[0],) * 2)
        np.testing.assert_allclose(twice, alone(members[0], SOURCES[0]), atol=1e-6)


@pytest.mark.parametrize("mixing", MIXINGS)
def test_one_step_at_a_time_equals_teacher_forcing(members, mixing):
    ensemble = Ensemble(members, mixing)
    encoded = ensemble.encode(every(SOURCES[0], SOURCES[1], SOURCES[0]))
    whole, _ = ensemble.decode(TARGET, encoded, encoded.state)
    state, steps = encoded.state, []
    for t in range(TARGET.shape[1]):
        found, state = ensemble.decode(TARGET[:, t : t + 1], encoded, state)
        steps.append(ops.convert_to_numpy(found))
    np.testing.assert_allclose(np.concatenate(steps, axis=1), ops.convert_to_numpy(whole), atol=1e-5)


def test_members_that_are_sure_of_different_pieces_stay_finite(build_model, randomize):
    sure = [randomize(build_model(), seed, scale=300.0) for seed in (1, 2)]
    for mixing in MIXINGS:
        found = ops.convert_to_numpy(Ensemble(sure, mixing)(inputs_of(SOURCES[:1] * 2, TARGET)))
        assert np.isfinite(found).all()
        np.testing.assert_allclose(np.exp(found.astype(np.float64)).sum(-1), 1.0, atol=1e-4)


def test_alignments_are_the_mean_of_those_that_attend_to_the_same(members):
    source = SOURCES[0]
    weights = []
    for member in (members[0], members[2]):
        encoded = member.encode(padded(source))
        weights.append(ops.convert_to_numpy(member.align(TARGET, encoded, encoded.state)))
    for aligning, wanted in ((None, np.mean(weights, axis=0)), ((0, 1), weights[0])):
        ensemble = Ensemble(members, aligning=aligning)
        encoded = ensemble.encode(every(source, source, source))
        found = ops.convert_to_numpy(ensemble.align(TARGET, encoded, encoded.state))
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert not Ensemble(members, aligning=(1,)).has_attention


def test_what_cannot_be_mixed_is_refused(members, build_model):
    with pytest.raises(ValueError, match=r"one target vocabulary.*\[12, 13\]"):
        Ensemble([members[0], build_model(sizes=(12, 13))])
    with pytest.raises(ValueError, match="0 members"):
        Ensemble([])
    with pytest.raises(ValueError, match="Unknown mixing"):
        Ensemble(members, "votes")
    ensemble = Ensemble([members[1]])
    encoded = ensemble.encode(every(SOURCES[1]))
    with pytest.raises(ValueError, match="no alignments"):
        ensemble.align(TARGET, encoded, encoded.state)
