"""The loss of connectionist temporal classification against brute force over all alignments."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from seq2seq import symbols
from seq2seq.layers import ctc
from seq2seq.layers.ctc import BLANK, IMPOSSIBLE, CTCHead, ctc_loss
from seq2seq.layers.recurrence import Implementation
from seq2seq.search import ctc as search
from seq2seq.training.objective import Objective
from seq2seq.types import Encoded, Memory, Padded

SIZE = 3
LABELS = [(1, 2), (1, 1), (), (2,), (1, 1, 1), (2, 1, 2, 1), (1, 1), ()]
FRAMES = [5, 4, 3, 1, 5, 4, 3, 0]
"""Of each label; the fifth to the seventh just fit."""
UNFIT = [((1, 1), 2), ((1, 2, 1), 2), ((2,), 0)]


@pytest.fixture(params=["kernel", "loop"])
def implementation(request, monkeypatch):
    if request.param == "kernel" and keras.backend.backend() != "tensorflow":
        pytest.skip("the kernel is TensorFlow's")
    monkeypatch.setattr(ctc, "choose_implementation", lambda: Implementation(request.param, ""))
    return request.param


def filled(rows, width=None):
    """Ids of different lengths and their mask; what is behind them is no padding to go by."""
    width = max(map(len, rows), default=0) if width is None else width
    ids = np.full((len(rows), width), 2, np.int32)
    for row, own in zip(ids, rows, strict=True):
        row[: len(own)] = own
    return ids, lengths_mask([len(own) for own in rows], width)


def lengths_mask(lengths, width):
    return np.arange(width) < np.asarray(lengths)[:, None]


def random_logits(rows, time, seed=0):
    return 2 * np.random.default_rng(seed).normal(size=(rows, time, SIZE)).astype("float32")


def brute_force(logits, label):
    """The loss of one row without padding and its gradient, in float64."""
    logits = logits.astype(np.float64)
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    total, through = 0.0, np.zeros_like(logits)
    for path in itertools.product(range(SIZE), repeat=len(logits)):
        if tuple(symbol for symbol, _ in itertools.groupby(path) if symbol) == label:
            steps = np.arange(len(path)), np.asarray(path, int)
            probability = np.exp(log_probs[steps].sum())
            total += probability
            through[steps] += probability
    return -np.log(total), np.exp(log_probs) - through / total


def value_and_gradient(gradients, logits, frames, labels, upstream=None):
    """The losses of the rows and the gradient by the logits of their sum, each times a factor."""
    variable = keras.Variable(logits)
    mask, (ids, label_mask) = lengths_mask(frames, logits.shape[1]), filled(labels)
    factors = np.ones(len(labels), "float32") if upstream is None else np.asarray(upstream, "float32")
    _, (found,) = gradients(
        lambda: ops.sum(factors * ctc_loss(variable + 0.0, mask, ids, label_mask)),
        [variable],
    )
    return ops.convert_to_numpy(ctc_loss(logits, mask, ids, label_mask)), found


@pytest.mark.parametrize("spread", [1.0, 0.0])  # at 0 all paths are equally likely: no maximum may take the gradient
def test_values_and_gradients_are_those_of_all_alignments(implementation, gradients, spread):
    logits = spread * random_logits(len(LABELS), 6)
    upstream = 0.5 + np.arange(len(LABELS))
    losses, found = value_and_gradient(gradients, logits, FRAMES, LABELS, upstream)
    for row, (label, frames) in enumerate(zip(LABELS, FRAMES, strict=True)):
        value, gradient = brute_force(logits[row, :frames], label)
        assert losses[row] == pytest.approx(value, abs=1e-5), label
        np.testing.assert_allclose(found[row, :frames], upstream[row] * gradient, atol=1e-5, err_msg=str(label))
        assert not found[row, frames:].any()


def test_a_label_that_does_not_fit_has_no_loss_and_no_gradient_and_spoils_no_other(implementation, gradients):
    labels, frames = zip(*UNFIT, strict=True)
    logits = random_logits(len(LABELS) + len(UNFIT), 5)
    losses, found = value_and_gradient(gradients, logits, [*FRAMES, *frames], [*LABELS, *labels])
    alone, expected = value_and_gradient(gradients, logits[: len(LABELS)], FRAMES, LABELS)
    np.testing.assert_allclose(losses, [*alone, *[0.0] * len(UNFIT)], atol=1e-6)
    np.testing.assert_allclose(found[: len(LABELS)], expected, atol=1e-6)
    assert not found[len(LABELS) :].any()


def test_padding_changes_nothing_and_rows_are_as_they_are_alone(implementation, gradients):
    logits = random_logits(len(LABELS), 5)
    longer = np.concatenate([logits, 50 * random_logits(len(LABELS), 3, seed=1)], axis=1)
    wider = [*LABELS, (1, 2, 1, 2, 1, 2)]
    losses, found = value_and_gradient(gradients, np.concatenate([longer, longer[:1]]), [*FRAMES, 8], wider)
    for row, (label, frames) in enumerate(zip(LABELS, FRAMES, strict=True)):
        frames = max(frames, 1)  # a tensor without frames is none
        kept = 0 if frames > FRAMES[row] else frames
        alone, gradient = value_and_gradient(gradients, logits[row : row + 1, :frames], [kept], [label])
        assert losses[row] == pytest.approx(alone[0], abs=1e-5)
        np.testing.assert_allclose(found[row, :frames], gradient[0], atol=1e-5)


def test_logits_of_any_size_stay_finite(implementation, gradients):
    losses, found = value_and_gradient(gradients, 1e4 * random_logits(len(LABELS), 5), FRAMES, LABELS)
    assert np.isfinite(losses).all()
    assert np.isfinite(found).all()
    assert abs(found).max() <= 1


def test_without_any_symbol_all_frames_are_blanks(implementation):
    logits = random_logits(2, 4)
    nothing = np.zeros((2, 0), np.int32)
    losses = ops.convert_to_numpy(ctc_loss(logits, np.ones((2, 4), bool), nothing, nothing > 0))
    np.testing.assert_allclose(losses, [brute_force(row, ())[0] for row in logits], atol=1e-5)


def test_the_frames_that_a_label_needs_are_counted_alike_everywhere(array):
    labels = [label for length in range(4) for label in itertools.product((1, 2), repeat=length)]
    found = array(ctc.frames_needed(*filled(labels, 5)))
    assert found.tolist() == [search.frames_needed(label) for label in labels]


def test_the_blank_is_one_id_everywhere():
    assert BLANK == search.BLANK == symbols.PAD


@pytest.fixture
def head(randomize):
    layer = CTCHead(SIZE)
    layer.build((None, None, 4))
    return randomize(layer)


@pytest.fixture
def features(rng):
    return Padded(rng.normal(size=(3, 5, 4)).astype("float32"), lengths_mask([5, 4, 2], 5))


TARGET = filled([(1, 2), (), (1, 1)])
"""The last does not fit its two frames."""


def test_a_head_adds_up_the_losses_of_its_rows_by_their_weights(head, features, array):
    weights = np.array([[0.5, 0.5], [0, 0], [1, 1]], "float32")
    loss, nll, count = map(float, head.loss(features, TARGET[0], weights))
    losses = array(ctc_loss(head.logits(features), features.mask, *TARGET))
    assert loss == nll == pytest.approx(0.5 * losses[0], rel=1e-5)  # neither filler nor what cannot fit
    assert count == 1


def test_a_target_that_has_an_end_is_a_label_without_it(head, features, array):
    target, mask = filled([(1, 2, 3), (3,), (2, 3)])  # an id that the head does not even have
    loss, _, count = map(float, head.loss(features, target, mask.astype("float32"), has_end=True))
    losses = array(ctc_loss(head.logits(features), features.mask, *filled([(1, 2), (), (2,)])))
    assert loss == pytest.approx(losses.sum(), rel=1e-5)
    assert count == 6


def test_the_log_probabilities_of_all_labels_sum_to_1(head, array):
    labels = [label for length in range(4) for label in itertools.product((1, 2), repeat=length)]
    features = Padded(np.ones((len(labels), 3, 4), "float32"), np.ones((len(labels), 3), bool))
    found = array(head.log_prob(features, *filled(labels)))
    fits = np.asarray([search.frames_needed(label) <= 3 for label in labels])
    assert np.exp(found.astype(np.float64)).sum() == pytest.approx(1, abs=1e-5)
    assert (found[~fits] == IMPOSSIBLE).all()
    assert (found[fits] > -50).all()


def test_a_head_is_made_again_from_its_config(head, features, array):
    again = CTCHead.from_config(head.get_config())
    again.build((None, None, 4))
    again.set_weights(head.get_weights())
    np.testing.assert_array_equal(array(again.logits(features)), array(head(features)))


class Recogniser:
    """The parts of a model that an objective calls, around a head."""

    def __init__(self, head):
        self.head = head

    def encode(self, source, training=None):
        return Encoded(Memory(source.values, None, source.mask), ())

    def decode_features(self, ids, encoded, state, training=None):
        return None

    def head_features(self, output, encoded):
        return Padded(encoded.memory.values, encoded.memory.mask)


def test_an_objective_takes_the_head_as_any_other(head, features):
    target, mask = TARGET
    inputs = {"source": features.values, "source_mask": features.mask, "target_input": target}
    objective = Objective(Recogniser(head))
    objective.built = True
    objective.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    weights = mask.astype("float32")
    found = objective.evaluate(inputs, target, sample_weight=weights, verbose=0, return_dict=True)
    loss, _, count = map(float, head.loss(features, target, weights))
    assert found["loss"] == pytest.approx(loss / count, rel=1e-5)
    assert found["nll"] == pytest.approx(loss / count, rel=1e-5)
