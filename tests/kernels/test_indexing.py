"""Parts of tensors: what kernels take, split and repeat is what generic code does, and NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seq2seq.indexing import gather, join, repeat_rows, split

SHAPES = {
    "rows": ((5, 3), (4,)),
    "one of each row": ((5, 3), (5, 1)),
    "rows of rows": ((2, 4, 3), (2, 6)),
    "one of each last axis": ((2, 4, 3), (2, 4, 2)),
}


@pytest.fixture(params=["kernel", "generic"])
def implementation(request, monkeypatch):
    if request.param == "kernel" and keras.backend.backend() != "tensorflow":
        pytest.skip("kernels are TensorFlow")
    monkeypatch.setattr(keras.backend, "backend", lambda: {"kernel": "tensorflow", "generic": "any"}[request.param])


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_taken_is_what_numpy_takes(name, implementation, rng, array):
    shape, places = SHAPES[name]
    tensor, index = rng.normal(size=shape).astype("float32"), rng.integers(shape[len(places) - 1], size=places)
    axis, more = len(places) - 1, len(shape) - len(places)
    wanted = np.take_along_axis(tensor, index.reshape(*places, *[1] * more), axis) if axis else tensor[index]
    found = gather(ops.convert_to_tensor(tensor), ops.convert_to_tensor(index.astype("int32")))
    np.testing.assert_array_equal(array(found), wanted)


@pytest.mark.parametrize("widths", [[4], [2, 2], [3, 1, 2]])
def test_what_was_joined_is_split_again(widths, implementation, rng, array):
    parts = [rng.normal(size=(2, 5, width)).astype("float32") for width in widths]
    found = split(join([ops.convert_to_tensor(part) for part in parts]), widths)
    assert [part.shape[-1] for part in found] == widths
    for one, other in zip(found, parts, strict=True):
        np.testing.assert_array_equal(array(one), other)


def test_copies_of_a_row_are_neighbours(implementation, rng, array):
    nest = {"a": rng.normal(size=(3, 2)).astype("float32"), "b": (rng.normal(size=(3,)).astype("float32"),)}
    found = repeat_rows(keras.tree.map_structure(ops.convert_to_tensor, nest), 2)
    np.testing.assert_array_equal(array(found["a"]), np.repeat(nest["a"], 2, axis=0))
    np.testing.assert_array_equal(array(found["b"][0]), np.repeat(nest["b"][0], 2))
    assert repeat_rows(None, 2) is None
    assert repeat_rows((), 2) == ()
