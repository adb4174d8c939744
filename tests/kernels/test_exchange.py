"""Local processes share the GPUs of their machine out; what a lost process looks like."""

from __future__ import annotations

import keras
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("the sums are TensorFlow's", allow_module_level=True)

import tensorflow as tf

from seq2seq.kernels import exchange


@pytest.fixture
def gpus(monkeypatch):
    """Pretends that there are so many; returns what becomes visible."""

    def pretend(count):
        seen = []
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [f"{kind}:{i}" for i in range(count)])
        monkeypatch.setattr(tf.config, "set_visible_devices", lambda device, kind: seen.append(device))
        return seen

    return pretend


def test_each_local_process_takes_a_gpu_of_its_own(gpus):
    seen = gpus(3)
    for rank in range(2):
        exchange._take_a_gpu(rank, 2)
    assert seen == ["GPU:0", "GPU:1"]


def test_fewer_gpus_than_local_processes_are_refused(gpus):
    gpus(1)
    with pytest.raises(ValueError, match="--workers 2 wants a GPU for each process, and there are 1"):
        exchange._take_a_gpu(1, 2)


def test_without_gpus_nothing_is_chosen(gpus):
    seen = gpus(0)
    exchange._take_a_gpu(1, 2)
    assert seen == []


def test_only_errors_of_the_connection_tell_of_a_lost_process():
    errors = tf.errors
    lost = [
        errors.UnavailableError(None, None, "Connection reset by peer"),
        errors.AbortedError(None, None, "aborted"),
        errors.InternalError(None, None, "Collective ops is aborted by: peer down"),
    ]
    own = [errors.ResourceExhaustedError(None, None, "OOM"), errors.InternalError(None, None, "blas"), ValueError("x")]
    assert all(map(exchange.is_loss_of_a_process, lost))
    assert not any(map(exchange.is_loss_of_a_process, own))
