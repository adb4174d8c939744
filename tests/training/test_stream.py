"""Training on one endless text: the state goes from batch to batch, through checkpoints too."""

import keras
import numpy as np
import pytest

from seq2seq.layers.decoder import RNNDecoder
from seq2seq.layers.frontends import TokenEmbedding
from seq2seq.layers.heads import VocabularyHead
from seq2seq.layers.options import DropoutOptions
from seq2seq.models.language_model import LanguageModel
from seq2seq.pipeline.feed import as_fit_data
from seq2seq.pipeline.stream import StreamPlan
from seq2seq.training.auxiliary import ActivationLoss, SlownessLoss
from seq2seq.training.checkpoint import load_checkpoint, save_checkpoint
from seq2seq.training.objective import Outputs
from seq2seq.training.stream import StreamObjective
from seq2seq.types import Batch

SIZE, ROWS = 9, 3
TEXT = np.random.default_rng(2).integers(0, SIZE, 90).astype(np.int32)


def objective(terms=(), dropout=0.0, rows=ROWS, rate=0.1):
    keras.utils.set_random_seed(4)
    embedding = TokenEmbedding(SIZE, 4, dropout=dropout)
    decoder = RNNDecoder(4, "lstm", 2, None, dropout=DropoutOptions(dropout, weights=dropout))
    found = StreamObjective(LanguageModel(embedding, decoder, VocabularyHead(SIZE, embedding)), rows, terms)
    found.build()
    found.compile(keras.optimizers.Adam(rate))
    found.optimizer.build(found.trainable_variables)
    return found


@pytest.fixture(scope="module")
def still():
    return objective()


def evaluate(objective, time):
    plan = StreamPlan(TEXT, ROWS, time, seed=1, shuffle=False)
    return objective.evaluate(as_fit_data(plan), verbose=0, return_dict=True)["nll"]


def test_the_loss_of_a_text_is_the_same_however_it_is_cut_and_begins_anew_each_time(still):
    whole = evaluate(still, 30)
    for time in (1, 4, 7, 30):
        assert evaluate(still, time) == pytest.approx(whole, rel=1e-5)
    parts = [
        evaluate_rows(still, TEXT.reshape(ROWS, -1)[:, cut], begins)
        for cut, begins in ((slice(0, 10), True), (slice(10, 30), True))
    ]
    assert (10 * parts[0] + 20 * parts[1]) / 30 != pytest.approx(whole, rel=1e-4)  # without the state it is another


def evaluate_rows(objective, targets, begins):
    inputs = np.concatenate([targets[:, :1] * 0, targets[:, :-1]], axis=1)
    values = {"target_input": inputs, "carry": np.full(ROWS, float(not begins), np.float32)}
    return objective.test_on_batch(values, targets, np.ones(targets.shape, np.float32), return_dict=True)["nll"]


def test_a_row_may_begin_while_the_others_go_on(still):
    text = TEXT.reshape(ROWS, -1)
    batch = {"target_input": text[:, :5], "carry": np.zeros(ROWS, np.float32)}
    still(batch)
    after = [keras.ops.convert_to_numpy(part) for part in still.carried]
    assert all(np.abs(part).max() > 0 for part in after)
    features = still({"target_input": text[:, 5:8], "carry": np.array([1.0, 0.0, 1.0], np.float32)})["features"]
    state = keras.tree.pack_sequence_as(still.model.initial_state(ROWS), [p * [[1], [0], [1]] for p in after])
    expected, _ = still.model.decode_features(text[:, 5:8], keras.tree.map_structure(np.float32, state))
    np.testing.assert_allclose(features, expected, atol=1e-6)


def test_numbers_that_are_not_finite_are_not_carried_on():
    broken = objective()
    broken.model.embedding.embeddings.assign(np.full((SIZE, 4), np.nan))
    broken({"target_input": TEXT.reshape(ROWS, -1)[:, :4], "carry": np.zeros(ROWS, np.float32)})
    assert all(np.isfinite(keras.ops.convert_to_numpy(part)).all() for part in broken.carried)


def test_a_checkpoint_within_an_epoch_goes_on_to_the_bit(tmp_path):
    plan = StreamPlan(TEXT, ROWS, 5, seed=1)
    first = objective(dropout=0.3)
    train(first, plan, 0, 3)
    save_checkpoint(tmp_path / "c.npz", first, {"step": 3})
    second = objective(dropout=0.3)
    load_checkpoint(tmp_path / "c.npz", second)
    assert train(first, plan, 3, 6) == train(second, plan, 3, 6)
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def train(objective, plan, start, end):
    return [
        float(objective.train_on_batch(batch.inputs(), batch.target_output, batch.weights, return_dict=True)["loss"])
        for batch in (plan[step] for step in range(start, end))
    ]


def test_activation_losses_are_means_over_the_features_summed_over_the_steps_that_count(array):
    features = np.random.default_rng(1).normal(size=(2, 3, 4)).astype(np.float32)
    weights = np.array([[1, 1, 1], [1, 1, 0]], np.float32)
    batch, outputs = Batch(None, None, None, weights), Outputs(features)
    squares = (features**2).mean(2)
    assert array(ActivationLoss()(batch, outputs)) == pytest.approx(squares.sum() - squares[1, 2], rel=1e-5)
    changes = ((features[:, 1:] - features[:, :-1]) ** 2).mean(2)
    assert array(SlownessLoss()(batch, outputs)) == pytest.approx(changes.sum() - changes[1, 1], rel=1e-5)
    with_terms = objective([ActivationLoss(2.0), SlownessLoss(3.0)])
    losses = [evaluate_both(one) for one in (objective(), with_terms)]
    assert losses[0]["loss"] == pytest.approx(losses[0]["nll"])
    assert losses[1]["loss"] > losses[1]["nll"] == pytest.approx(losses[0]["nll"])


def evaluate_both(objective):
    plan = StreamPlan(TEXT, ROWS, 30, seed=1, shuffle=False)
    return objective.evaluate(as_fit_data(plan), verbose=0, return_dict=True)
