"""Each local process takes a GPU of its own; which errors mean a lost process."""

from __future__ import annotations

import keras
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("the sums are TensorFlow's", allow_module_level=True)

import tensorflow as tf

from seq2seq.kernels import exchange


@pytest.fixture
def gpus(monkeypatch):
    """Pretends that there are so many GPUs; returns the list of what becomes visible."""

    def pretend(count):
        visible = []
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [f"{kind}:{i}" for i in range(count)])
        monkeypatch.setattr(tf.config, "set_visible_devices", lambda device, kind: visible.append(device))
        return visible

    return pretend


def test_each_local_process_takes_a_gpu_of_its_own(gpus):
    visible = gpus(3)
    for rank in range(2):
        exchange._take_gpu(rank, 2)
    assert visible == ["GPU:0", "GPU:1"]


def test_fewer_gpus_than_local_processes_are_refused(gpus):
    gpus(1)
    with pytest.raises(ValueError, match=r"--workers 2 needs a GPU for each process. Received: 1"):
        exchange._take_gpu(1, 2)


def test_without_gpus_nothing_is_chosen(gpus):
    visible = gpus(0)
    exchange._take_gpu(1, 2)
    assert visible == []


def test_only_errors_of_the_connection_mean_a_lost_process():
    errors = tf.errors
    lost = [
        errors.UnavailableError(None, None, "Connection reset by peer"),
        errors.AbortedError(None, None, "aborted"),
        errors.InternalError(None, None, "Collective ops is aborted by: peer down"),
    ]
    own = [errors.ResourceExhaustedError(None, None, "OOM"), errors.InternalError(None, None, "blas"), ValueError("x")]
    assert all(map(exchange.is_lost_process, lost))
    assert not any(map(exchange.is_lost_process, own))
