from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.pipeline.stream import CARRY, StreamPlan

SIZES = st.integers(1, 60), st.integers(1, 7), st.integers(1, 9), st.booleans()


@given(*SIZES)
def test_every_entry_is_predicted_once_from_the_one_before_it(entries, rows, length, shuffle):
    values = np.arange(entries, dtype=np.int32)
    plan = StreamPlan(values, rows, length, seed=3, epoch=2, shuffle=shuffle)
    batches = list(plan)
    assert len(batches) == len(plan)
    predicted = np.concatenate([batch.target_output[batch.weights > 0] for batch in batches])
    assert sorted(predicted) == values.tolist()
    for step, batch in enumerate(batches):
        assert batch.source is None
        assert batch.target_input.shape == batch.target_output.shape == batch.weights.shape
        assert batch.target_input.shape[0] == rows
        assert batch.target_input.shape[1] <= length
        assert ((batch.target_input + 1) % entries == batch.target_output % entries).all()
        assert plan.length(step) == int(batch.weights.sum())
    assert sum(plan.length(step) for step in range(len(plan))) == entries


@given(*SIZES)
def test_each_batch_goes_on_where_the_one_before_it_ended(entries, rows, length, shuffle):
    plan = StreamPlan(np.arange(entries), rows, length, seed=1, shuffle=shuffle)
    for step, batch in enumerate(plan):
        assert (batch.extras[CARRY] == float(step > 0)).all()
    for one, other in pairwise(plan):
        assert (one.target_output[:, -1] == other.target_input[:, 0]).all()


def test_a_batch_is_a_function_of_seed_epoch_and_step_and_validation_begins_at_the_first_entry():
    values = np.arange(100)
    plan = StreamPlan(values, 4, 5, seed=1, epoch=3)
    np.testing.assert_array_equal(plan[2].target_output, list(StreamPlan(values, 4, 5, 1, 3))[2].target_output)
    begins = {int(StreamPlan(values, 4, 5, 1, epoch)[0].target_output[0, 0]) for epoch in range(6)}
    assert len(begins) > 2
    assert StreamPlan(values, 4, 5, 1, shuffle=False)[0].target_output[0].tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="The text is empty"):
        StreamPlan(values[:0], 4, 5, 1)
