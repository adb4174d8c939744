import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.search.limits import learn_limits, too_long
from seq2seq.search.options import MOST, SearchOptions
from seq2seq.text.sentences import count_sentences

PAIRS = st.lists(st.tuples(st.integers(1, 150), st.integers(1, 150)), min_size=1, max_size=30)


@given(PAIRS)
def test_every_pair_that_limits_are_learned_from_fits_with_headroom(pairs):
    sources, targets = np.asarray(pairs).T
    options = SearchOptions().with_limits(learn_limits(sources, targets))
    assert not too_long(options, sources, targets + 4).any()


def test_short_inputs_with_long_outputs_get_room_and_long_ones_no_more_than_they_need():
    sources, targets = np.asarray([3, 4, 3, 60]), np.asarray([45, 44, 46, 50])
    options = SearchOptions().with_limits(learn_limits(sources, targets))
    assert options.output_limit(3) >= 46
    assert options.output_limit(60) < 300
    doubled = learn_limits(np.arange(1, 40), 2 * np.arange(1, 40))
    assert doubled == (2.5, 5)


@pytest.mark.parametrize("ratio", [1.3, 2.0, 0.7, 1.2, 4.35])
def test_a_limit_is_one_integer_whatever_computes_it(ratio, array):
    options, lengths = SearchOptions(max_ratio=ratio, max_extra=3, min_length=7), np.arange(1000, dtype=np.int32)
    expected = [max(7, length * round(1000 * ratio) // 1000 + 3) for length in range(1000)]
    tensor = options.output_limit(keras.ops.convert_to_tensor(lengths), keras.ops.minimum, keras.ops.maximum)
    assert [options.output_limit(length) for length in range(1000)] == expected
    assert options.output_limit(lengths, np.minimum, np.maximum).tolist() == expected
    assert array(tensor).tolist() == expected
    assert SearchOptions(max_ratio=1.3, max_extra=0).output_limit(10) == 13


@pytest.mark.parametrize("options", [SearchOptions(max_ratio=1e9, max_extra=MOST), SearchOptions(max_ratio=999.999)])
def test_no_limit_leaves_the_integers_of_a_graph(options, array):
    lengths = np.asarray([1, 1000, 10**9], np.int32)
    tensor = options.output_limit(keras.ops.convert_to_tensor(lengths), keras.ops.minimum, keras.ops.maximum)
    assert array(tensor).tolist() == [options.output_limit(int(length)) for length in lengths]
    assert (array(tensor) > 0).all()


def test_limits_that_are_named_win_over_learned_ones():
    assert SearchOptions().with_limits((3.0, 7)).max_ratio == 3.0
    assert SearchOptions().with_limits() == SearchOptions(max_ratio=2.0, max_extra=10)
    assert SearchOptions(max_ratio=1.0).with_limits((3.0, 7)) == SearchOptions(max_ratio=1.0, max_extra=10)
    assert SearchOptions(max_extra=4).with_limits((3.0, 7)) == SearchOptions(max_ratio=2.0, max_extra=4)


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("One sentence, by J. Smith on the 3. of May.", 1),
        ("It rains. We go home! Do you?", 3),
        ("Er kam um 3.5 Uhr. „Nein.“ Dann ging er.", 3),
        ("今天下雨。我们回家吧！", 2),
        ("यह एक है। वह दो है।", 2),
        ("", 1),
    ],
)
def test_sentences_are_counted_by_their_punctuation(line, count):
    assert count_sentences(line) == count
