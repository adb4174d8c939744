import io

import pytest

from seq2seq.clock import clock
from seq2seq.training.progress import TrainingProgress


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [io.StringIO(), _Terminal()], ids=["log", "terminal"])
def test_the_line_says_where_the_run_is_and_what_is_left(stream, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    line = TrainingProgress(epochs=2, steps=100, tokens=lambda step: 50, stream=stream)
    line.on_epoch_begin(0)
    for step in range(61):
        now[0] += 1.0
        line.on_train_batch_end(step, {"loss": 2.5})
    text = stream.getvalue()
    shown = 30 if not stream.isatty() else 61
    assert f"epoch 1/2  step {shown}/100  loss 2.500  50 tokens/s  time left {clock(200 - shown)}" in text
    assert (text.count("\n") == 2) is (not stream.isatty())
