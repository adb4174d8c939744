"""What a language model reads beside tokens, or in their place, and the head over many things at once."""

import keras
import numpy as np
import pytest

from seq2seq.layers.decoder import RNNDecoder
from seq2seq.layers.frontends import ColumnEmbedding, VectorProjection
from seq2seq.layers.heads import BernoulliHead, VocabularyHead
from seq2seq.models.language_model import LanguageModel
from seq2seq.training.stream import SequenceObjective

SIZES, ROWS, TIME = (9, 3, 5), 3, 6
RANDOM = np.random.default_rng(4)
IDS = np.stack([RANDOM.integers(0, size, (ROWS, TIME)) for size in SIZES], axis=2).astype("int32")
FRAMES = (RANDOM.random((ROWS, TIME, 7)) < 0.3).astype("float32")


def columns_model():
    embedding = ColumnEmbedding(SIZES, 4)
    return LanguageModel(embedding, RNNDecoder(4, "lstm", attention=None), VocabularyHead(9, embedding))


def keys_model():
    return LanguageModel(VectorProjection(7, 5), RNNDecoder(4, "lstm", attention=None), BernoulliHead(7))


def test_columns_are_summed_and_the_head_shares_the_matrix_of_the_tokens(array, randomize):
    model = columns_model()
    model.build()
    randomize(model)
    tables = [array(table.embeddings) for table in model.embedding.tables]
    expected = sum(table[IDS[:, :, number]] for number, table in enumerate(tables)) * 4**0.5
    np.testing.assert_allclose(array(model.embedding(IDS)), expected, atol=1e-5)
    assert model.head.kernel_and_bias()[0].shape == (9, 4)
    assert len([weight for weight in model.weights if weight.shape == (9, 4)]) == 1
    with pytest.raises(ValueError, match="at least one column"):
        ColumnEmbedding([], 4)


@pytest.mark.parametrize(("make", "inputs"), [(columns_model, IDS), (keys_model, FRAMES)])
def test_step_by_step_equals_the_whole_and_a_saved_model_is_the_same(make, inputs, array, randomize, tmp_path):
    model = make()
    model.build()
    randomize(model)
    whole, _ = model.decode(inputs, model.initial_state(ROWS))
    state, steps = model.initial_state(ROWS), []
    for time in range(TIME):
        logits, state = model.step(inputs[:, time], state)
        steps.append(array(logits))
    np.testing.assert_allclose(np.stack(steps, axis=1), array(whole), atol=1e-5)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(array(again({"target_input": inputs})), array(whole), atol=1e-5)


def test_the_loss_of_keys_is_the_sum_of_their_own_and_padding_does_not_count(array, randomize):
    head = BernoulliHead(7)
    features = RANDOM.normal(size=(ROWS, TIME, 4)).astype("float32")
    head.build(features.shape)
    randomize(head)
    odds = array(head.logits(features))
    there = 1 / (1 + np.exp(-odds))
    expected = np.log(np.where(FRAMES > 0, there, 1 - there)).sum(axis=2)
    np.testing.assert_allclose(array(head.log_prob(features, FRAMES)), expected, atol=1e-4)
    weights = (np.arange(TIME) < np.asarray([[6], [3], [1]])).astype("float32")
    loss = head.loss(features, FRAMES, weights)
    assert float(loss.loss) == pytest.approx(float(-(expected * weights).sum()), rel=1e-5)
    assert float(loss.nll) == pytest.approx(float(loss.loss))
    assert float(loss.count) == 10


def test_a_row_of_a_sequence_objective_begins_with_zeros_whatever_came_before():
    model = columns_model()
    objective = SequenceObjective(model)
    objective.build()
    objective.compile("sgd")
    targets, weights = IDS[:, :, 0], np.ones((ROWS, TIME), "float32")

    def nll(rows):
        objective.reset_metrics()
        given = {"target_input": IDS[rows]}
        return objective.test_on_batch(given, targets[rows], weights[rows], return_dict=True)["nll"]

    apart = [nll(slice(row, row + 1)) for row in range(ROWS)]
    assert len({round(float(one), 5) for one in apart}) == ROWS
    assert nll(slice(0, ROWS)) == pytest.approx(np.mean(apart), rel=1e-5)
    assert nll(slice(0, 1)) == pytest.approx(apart[0], rel=1e-6)
