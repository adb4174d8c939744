import zipfile

import numpy as np
import pytest

from seq2seq.training.checkpoint import _digest, load_checkpoint, save_checkpoint
from seq2seq.training.objective import Objective
from seq2seq.training.optimizers import AveragingAdam, averaged_weights
from tests.inputs import named


@pytest.fixture(scope="module")
def make_objective(build_model):
    def make(units=4):
        objective = Objective(build_model({"units": units, "dropout": 0.5}, {"dropout": 0.5}))
        objective.build()
        objective.compile(AveragingAdam(0.05, use_ema=True, ema_momentum=0.9), run_eagerly=True)
        objective.optimizer.build(objective.trainable_variables)
        return objective

    return make


@pytest.fixture(scope="module")
def objective(make_objective):
    return make_objective()


@pytest.fixture
def batch(rng):
    source, target = rng.integers(4, 12, (6, 5)), rng.integers(4, 12, (6, 5))
    return named(source, target), target, np.ones((6, 5), "float32")


def _losses(objective, batch, steps=3):
    losses = []
    for _ in range(steps):
        objective.reset_metrics()
        losses.append(float(objective.train_on_batch(*batch, return_dict=True)["loss"]))
    return losses


def test_a_restored_objective_goes_on_as_the_saved_one_would_have(make_objective, batch, tmp_path):
    first = make_objective()
    _losses(first, batch)
    save_checkpoint(tmp_path / "c.npz", first, {"epoch": 1, "history": [{"a": 0.5}]})
    second = make_objective()
    assert load_checkpoint(tmp_path / "c.npz", second) == {"epoch": 1, "history": [{"a": 0.5}]}
    # Dropout is on: the same losses also mean the same states of the random generators.
    assert _losses(first, batch) == _losses(second, batch)
    with averaged_weights(first), averaged_weights(second):
        for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_another_model_or_a_damaged_file_changes_nothing(make_objective, batch, tmp_path):
    save_checkpoint(tmp_path / "c.npz", make_objective(), {})
    other = make_objective(units=3)
    before = other.get_weights()
    with pytest.raises(ValueError, match="of another model"):
        load_checkpoint(tmp_path / "c.npz", other)
    whole = (tmp_path / "c.npz").read_bytes()
    (tmp_path / "c.npz").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(ValueError, match="damaged"):
        load_checkpoint(tmp_path / "c.npz", other)
    for one, two in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def _pack(path, arrays, told, compression=zipfile.ZIP_STORED):
    """Writes a checkpoint with a right checksum."""
    parts = {f"v{number}": array for number, array in enumerate(arrays)}
    parts |= {"progress": np.frombuffer(told, np.uint8), "sha256": np.frombuffer(_digest(told, arrays), np.uint8)}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, array in parts.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array)


def _change(number, value):
    def change(arrays):
        place = [n for n, array in enumerate(arrays) if array.ndim and array.dtype == np.float32][number]
        arrays[place] = value(arrays[place])

    return change


def _first(value):
    return _change(0, lambda array: np.where(np.arange(array.size).reshape(array.shape) == 0, np.float32(value), array))


@pytest.mark.parametrize(
    ("change", "told", "compression", "reason"),
    [
        (None, b"[1]", zipfile.ZIP_STORED, "its progress is a list"),
        (None, b'{"epoch": "x"}', zipfile.ZIP_STORED, "no such epoch"),
        (None, b"[" * 100_000, zipfile.ZIP_STORED, "nested too deeply"),
        (None, b"\xff", zipfile.ZIP_STORED, "utf-8"),
        (None, b'{"epoch": 1}', zipfile.ZIP_DEFLATED, "is compressed"),
        (None, b'{"epoch": 1}', zipfile.ZIP_LZMA, "is compressed"),
        (_first(np.nan), b'{"epoch": 1}', zipfile.ZIP_STORED, "numbers that are not finite"),
        (_first(np.inf), b'{"epoch": 1}', zipfile.ZIP_STORED, "numbers that are not finite"),
        (_change(0, lambda array: array.astype(np.complex64)), b"{}", zipfile.ZIP_STORED, "complex64"),
        (_change(0, lambda array: array.astype(np.int32)), b"{}", zipfile.ZIP_STORED, "int32"),
        (_change(0, lambda array: array[None]), b"{}", zipfile.ZIP_STORED, "the model needs"),
    ],
)
def test_a_checkpoint_nobody_can_go_on_from_gives_way_to_the_one_before(
    objective, tmp_path, caplog, change, told, compression, reason
):
    def check(progress):
        if progress.get("epoch") != 1:
            raise ValueError("no such epoch")

    path = tmp_path / "c.npz"
    save_checkpoint(path, objective, {"epoch": 1})
    path.replace(tmp_path / "c.before.npz")
    with np.load(tmp_path / "c.before.npz") as file:
        arrays = [file[f"v{number}"] for number in range(len(file.files) - 2)]
    if change:
        change(arrays)
    _pack(path, arrays, told, compression)
    if compression != zipfile.ZIP_STORED:  # damaged within as well
        data = bytearray(path.read_bytes())
        data[60:80] = bytes(20)
        path.write_bytes(data)
    assert load_checkpoint(path, objective, check) == {"epoch": 1}
    assert reason in caplog.text
    assert "Going on from c.before.npz" in caplog.text
    (tmp_path / "c.before.npz").unlink()
    with pytest.raises(ValueError, match="Delete the run folder to train from the start"):
        load_checkpoint(path, objective, check)


def test_the_average_is_seen_inside_and_leaves_no_trace(make_objective, batch):
    objective = make_objective()
    _losses(objective, batch)
    before = [np.array(w) for w in objective.get_weights()]
    with averaged_weights(objective):
        inside = [np.array(w) for w in objective.get_weights()]
    assert any(not np.array_equal(a, b) for a, b in zip(before, inside, strict=True))
    for one, two in zip(before, objective.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_fit_leaves_the_weights_as_training_left_them(make_objective, batch):
    fitted, stepped = make_objective(), make_objective()
    for variable, other in zip(fitted.variables, stepped.variables, strict=True):
        other.assign(variable)
    fitted.fit(batch[0], batch[1], sample_weight=batch[2], epochs=2, batch_size=6, verbose=0, shuffle=False)
    _losses(stepped, batch, steps=2)
    for one, two in zip(fitted.get_weights(), stepped.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)
