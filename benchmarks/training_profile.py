"""Where the time of a training step goes, for `training.py --profile`: sums over TensorFlow's profile."""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.training_peers import Steps
from seq2seq.types import Batch

PARTS = (
    ("optimizer", ("adam",)),
    ("attention", ("attention", "Softmax")),
    ("decoder", ("rnn_decoder",)),
    ("encoder", ("rnn_encoder",)),
    ("embedding", ("embedding",)),
)
"""Parts of a step, and what the names of their operations contain; the first match counts. The rest is the output layer
and the loss, which have no layer of their own, and the sums of gradients."""
STEPS = 20


def profile(steps: Steps, batches: Iterator[Batch]) -> None:
    """Prints the milliseconds of a step, and of its operations by part and by kind.

    Operations run in parallel, so their sum is more than the step."""
    import tensorflow as tf

    for _ in range(STEPS):
        steps.train(next(batches))
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as temporary:
        tf.profiler.experimental.start(temporary, tf.profiler.experimental.ProfilerOptions(host_tracer_level=2))
        for number in range(STEPS):
            with tf.profiler.experimental.Trace("measured_step", step_num=number):
                steps.train(next(batches))
        tf.profiler.experimental.stop()
        events = list(_events(Path(temporary)))
    step = sum(took for name, took in events if name.startswith("measured_step")) / STEPS
    parts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for name, took in events:
        # The event of an operation is called `name:Kind`; others are the runtime's.
        place, _, kind = name.rpartition(":")
        if not place or not kind.isidentifier() or "::" in name:
            continue
        parts[next((part for part, marks in PARTS if any(m in place for m in marks)), "output and loss")] += (
            took / STEPS
        )
        kinds[kind] += took / STEPS
    print(f"  step {step:.0f} ms; operations {sum(parts.values()):.0f} ms, in parallel")
    for title, counter in (("by part", parts), ("by kind", kinds)):
        print(f"  {title}: " + ", ".join(f"{name} {took:.1f}" for name, took in counter.most_common(12)))


def _events(folder: Path) -> Iterator[tuple[str, float]]:
    """Yields the name and the milliseconds of each event on the CPU."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    for path in folder.rglob("*.xplane.pb"):
        space: Any = xplane_pb2.XSpace()
        space.ParseFromString(path.read_bytes())
        for plane in (plane for plane in space.planes if "CPU" in plane.name):
            for line in plane.lines:
                for event in line.events:
                    yield plane.event_metadata[event.metadata_id].name, event.duration_ps / 1e9
