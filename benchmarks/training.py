"""Measures how fast the same model trains, here and in other software, in turn.

    python -m benchmarks.training [--turns 3] [--seconds 40] [--threads 2] [--only NAME ...] [--python PEER=PATH ...]
    python -m benchmarks.training --until 3.0 --turns 1     # seconds to that validation loss, instead of a fixed time
    python -m benchmarks.training --pairs 2900 29000        # a whole epoch of each number of pairs: is time linear?
    python -m benchmarks.training --profile                 # where the milliseconds of a step go

Multi30k en-de, joint vocabulary of 8,000; embedding 256, bidirectional GRU of 256 a direction, Bahdanau attention,
decoder GRU 512, readout 512, nothing tied; dropout 0.3, label smoothing 0.1, Adam with rate 0.001, gradients clipped at
norm 1; the same batches in the same order for all, some 70 sentences each. Those peers of `training_peers.py` are
measured that this interpreter has, or one given by --python. Each contender runs in a process of its own. Prints for
each, as medians over the turns: sentences, source + target tokens and target tokens a second, without padding; peak
memory; utilisation, the floating-point operations of the model (`operations`) a second as a share of TensorFlow's
matrix peak in float32, measured in the same process; and the tokens of the fastest peer in the same number format.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
from seq2seq.catalogue.fetch import FetchError

from benchmarks.training_peers import BFLOAT16, PEERS, SIZES, Steps, is_installed
from benchmarks.training_peers import load as load_peer
from seq2seq.cli import stderr_filter
from seq2seq.pipeline.plan import Batching, Plan
from seq2seq.pipeline.store import Store
from seq2seq.text.token_batches import PAIRS
from seq2seq.types import Batch

ROOT = Path(__file__).parent.parent
OURS = {"seq2seq": "float32", f"seq2seq{BFLOAT16}": "mixed_bfloat16"}
"""Names of the project's own contenders, with their dtype policies."""
WARM_UP = 30
"""Steps before the clock starts: graphs are traced, memory is allocated."""
VALIDATE_EVERY = 100
"""Steps between two measurements of the validation loss."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--until", type=float, metavar="LOSS", help="train to this validation loss, in nats a token")
    parser.add_argument("--steps", type=int, default=6000, help="stop --until after so many steps")
    parser.add_argument(
        "--pairs", type=int, nargs="+", metavar="N", help="train an epoch of the first N pairs, for each N"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only contenders whose name begins with NAME")
    parser.add_argument("--python", nargs="+", default=[], metavar="PEER=PATH", help="interpreter that has this peer")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--work", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        print("MEASURED", json.dumps(measure(*arguments.work, arguments)))
        return 0
    pythons = dict(pair.partition("=")[::2] for pair in arguments.python)
    names = [*OURS, *(name for name in PEERS if PEERS[name] in pythons or is_installed(name))]
    if arguments.only:
        names = [name for name in names if name.startswith(tuple(arguments.only))]
    if not names or not set(pythons) <= set(PEERS.values()):
        parser.error(f"expected contenders among: {', '.join([*OURS, *PEERS])}")
    with tempfile.TemporaryDirectory() as temporary:
        try:
            prepare(Path(temporary), arguments.pairs or ())
        except FetchError as error:
            sys.exit(str(error))
        if arguments.profile:
            from benchmarks.training_profile import profile

            use_cores(arguments.threads)
            for name in (name for name in names if name in OURS):
                print(name)
                profile(OurSteps(OURS[name]), batches(Path(temporary), "train"))
            return 0
        if arguments.pairs:
            report_epochs(names, temporary, arguments)
            return 0
        found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
        for turn in range(arguments.turns):
            for name in names:
                print(f"turn {turn + 1}/{arguments.turns}: {name}", file=sys.stderr, flush=True)
                found[name].append(work(name, temporary, pythons.get(PEERS.get(name, ""), sys.executable), arguments))
    report(found, arguments)
    return 0


def prepare(folder: Path, pairs: Sequence[int]) -> None:
    """Writes token stores of the corpus, and of its first pairs, `pairs` of them, for all contenders."""
    from seq2seq.catalogue import multi30k
    from seq2seq.text.subword import SubwordTokenizer
    from seq2seq.text.token_store import write_token_store

    texts = {split: list(multi30k.load(split, "en", "de")) for split in ("train", "val")}
    lines = chain.from_iterable((example.source, example.target) for example in texts["train"])
    tokenizer = SubwordTokenizer.train(lines, SIZES["vocabulary"], "unigram")
    texts |= {f"train_{number}": texts["train"][:number] for number in pairs}
    for split, examples in texts.items():
        encode = lambda lines, _: tokenizer.encode(lines)  # noqa: E731
        write_token_store(folder / split, examples, encode, encode, 150)


def batches(folder: Path, split: str) -> Iterator[Batch]:
    """Yields the batches of all epochs, one after another; of the validation text once."""
    store = Store(folder / split)
    for epoch in count() if split == "train" else (0,):
        yield from Plan(store, PAIRS, Batching(), 1, epoch, shuffle=split == "train")


def work(name: str, folder: str, python: str, arguments: argparse.Namespace, pairs: int = 0) -> dict[str, float]:
    words = [python, "-m", "benchmarks.training", "--work", name, folder, "--seconds", str(arguments.seconds)]
    words += ["--threads", str(arguments.threads), "--steps", str(arguments.steps)]
    words += ["--until", str(arguments.until)] if arguments.until else []
    words += ["--pairs", str(pairs)] if pairs else []
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(words, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} failed.")
    return json.loads(done.stdout.split("MEASURED ")[1])


def use_cores(number: int) -> None:
    """Limits the process to a number of cores; TensorFlow and PyTorch start a thread for each."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:number])


def measure(name: str, folder: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Runs in a process of its own."""
    stderr_filter.install()
    use_cores(arguments.threads)
    steps = OurSteps(OURS[name]) if name in OURS else load_peer(name)
    place = Path(folder)
    if arguments.pairs:
        found = epoch(steps, place, arguments.pairs[0])
    elif arguments.until:
        found = until(steps, place, arguments.until, arguments.steps)
    else:
        found = speed(steps, place, arguments.seconds)
    # Not getrusage: its maximum survives exec, and would be that of the parent process.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return found | {"memory": int(status["VmHWM"].split()[0]) / 1024, "peak": matrix_peak()}


def speed(steps: Steps, folder: Path, seconds: float) -> dict[str, float]:
    """Trains for `seconds` after the warm-up."""
    counted = np.zeros(4)
    begin = 0.0
    for number, batch in enumerate(batches(folder, "train")):
        if number == WARM_UP:
            begin = time.perf_counter()
        steps.train(batch)
        if number >= WARM_UP:
            counted += sizes(batch)
            if time.perf_counter() - begin >= seconds:
                break
    took = time.perf_counter() - begin
    rows, sources, targets, total = counted / took
    return {"sentences": rows, "tokens": sources + targets, "targets": targets, "operations": total}


def epoch(steps: Steps, folder: Path, pairs: int) -> dict[str, float]:
    """Trains one epoch of the first `pairs` pairs, after the warm-up."""
    for _, batch in zip(range(WARM_UP), batches(folder, "train"), strict=False):
        steps.train(batch)
    begin, counted = time.perf_counter(), np.zeros(4)
    for batch in Plan(Store(folder / f"train_{pairs}"), PAIRS, Batching(), 1):
        steps.train(batch)
        counted += sizes(batch)
    return {"seconds": time.perf_counter() - begin, "tokens": counted[1] + counted[2]}


def until(steps: Steps, folder: Path, loss: float, most: int) -> dict[str, float]:
    """Trains to a validation loss of `loss`, for `most` steps at most; the time of validation is not counted."""
    took, begin, reached = 0.0, time.perf_counter(), np.inf
    for number, batch in enumerate(batches(folder, "train"), 1):
        steps.train(batch)
        if number % VALIDATE_EVERY and number < most:
            continue
        took += time.perf_counter() - begin
        sums = np.sum([steps.validate(batch) for batch in batches(folder, "val")], axis=0)
        reached = sums[0] / sums[1]
        print(f"step {number}: {took:.0f} s, validation loss {reached:.3f}", file=sys.stderr, flush=True)
        if reached <= loss or number >= most:
            break
        begin = time.perf_counter()
    return {"seconds": took, "steps": number, "loss": reached}


def sizes(batch: Batch) -> np.ndarray:
    """Sentences, source tokens, target tokens and floating-point operations of a training step on `batch`."""
    source, target = batch.source.mask.sum(axis=1), (batch.weights > 0).sum(axis=1)
    return np.array([len(source), source.sum(), target.sum(), operations(source, target)])


def operations(source: np.ndarray, target: np.ndarray) -> float:
    """Floating-point operations of the matrix products of a training step, from the lengths without padding.

    A product of `(m, k)` and `(k, n)` has 2 m k n operations, and training computes it three times: forward, and for
    the gradients of both factors. Embedding e, encoder h a direction, decoder d, readout r, attention a, vocabulary v:

    a source token   2 (3h e + 3h h) for the encoder, 2h a for the keys
    a target token   3d (e + 2h) + 3d d for the decoder, d a for the query, r (d + 2h + e) for the readout, v r for the
                     output layer
    a pair of both   a for the score, 2h for the context
    """
    e, h, d, r, a, v = SIZES.values()
    by_source = 2 * (3 * h * e + 3 * h * h) + 2 * h * a
    by_target = 3 * d * (e + 2 * h) + 3 * d * d + d * a + r * (d + 2 * h + e) + v * r
    return 3 * 2 * float(source.sum() * by_source + target.sum() * by_target + (source * target).sum() * (a + 2 * h))


def matrix_peak() -> float:
    """Floating-point operations a second of TensorFlow's float32 product of two 2048 x 2048 matrices."""
    import tensorflow as tf

    a, b = (tf.random.normal((2048, 2048)) for _ in range(2))
    product = tf.function(lambda a, b: tf.reduce_sum(tf.matmul(a, b)))
    times = []
    for _ in range(10):
        begin = time.perf_counter()
        product(a, b).numpy()
        times.append(time.perf_counter() - begin)
    return 2 * 2048**3 / min(times)


class OurSteps(Steps):
    """The model, objective and optimizer of this project's recipes, a batch at a time."""

    def __init__(self, policy: str):
        import keras

        from seq2seq.layers.decoder import RNNDecoder
        from seq2seq.layers.encoder import RNNEncoder
        from seq2seq.tasks.text_to_text.model import connect
        from seq2seq.training.objective import Objective
        from seq2seq.training.optimizers import AveragingAdam

        keras.config.set_dtype_policy(policy)
        keras.utils.set_random_seed(1)
        encoder = RNNEncoder(SIZES["encoder"], dropout=0.3)
        decoder = RNNDecoder(SIZES["decoder"], readout_units=SIZES["readout"], dropout=0.3)
        sizes = SIZES["vocabulary"], SIZES["vocabulary"]
        self.objective = Objective(connect(encoder, decoder, sizes, SIZES["embedding"]), (), {"label_smoothing": 0.1})
        self.objective.build()
        self.objective.compile(AveragingAdam(1e-3, global_clipnorm=1.0), jit_compile=False)

    def train(self, batch: Batch) -> None:
        self.objective.train_on_batch(batch.inputs(), batch.target_output, batch.weights)

    def validate(self, batch: Batch) -> tuple[float, float]:
        self.objective.reset_metrics()
        found = self.objective.test_on_batch(batch.inputs(), batch.target_output, batch.weights, return_dict=True)
        return float(found["nll"]) * float(batch.weights.sum()), float(batch.weights.sum())


def report_epochs(names: list[str], folder: str, arguments: argparse.Namespace) -> None:
    print("| model | pairs | seconds an epoch | tokens/s | memory, MB |")
    print("|---|---|---|---|---|")
    for name in (name for name in names if name in OURS):
        for pairs in arguments.pairs:
            found = work(name, folder, sys.executable, arguments, pairs)
            rate = found["tokens"] / found["seconds"]
            print(f"| {name} | {pairs:,} | {found['seconds']:.1f} | {rate:,.0f} | {found['memory']:,.0f} |", flush=True)


def report(found: dict[str, list[dict[str, float]]], arguments: argparse.Namespace) -> None:
    def middle(name: str, key: str) -> float:
        return statistics.median(turn[key] for turn in found[name])

    if arguments.until:
        print(f"| model | seconds to a validation loss of {arguments.until:g} | steps | memory, MB |")
        print("|---|---|---|---|")
        for name in found:
            cells = [f"{middle(name, key):,.0f}" for key in ("seconds", "steps", "memory")]
            if middle(name, "loss") > arguments.until:
                cells[0] = f"not reached in {cells[0]}: {middle(name, 'loss'):.3f}"
            print(f"| {name} | {' | '.join(cells)} |")
        return
    fastest: dict[bool, float] = {}  # peer, by whether it is in bfloat16
    for name in (name for name in found if name in PEERS):
        fastest[name.endswith(BFLOAT16)] = max(middle(name, "tokens"), fastest.get(name.endswith(BFLOAT16), 0.0))
    print("| model | sentences/s | tokens/s | target tokens/s | memory, MB | utilisation | of the fastest peer so |")
    print("|---|---|---|---|---|---|---|")
    for name, turns in found.items():
        numbers: list[Any] = [f"{middle(name, key):,.0f}" for key in ("sentences", "tokens", "targets", "memory")]
        utilisation = statistics.median(turn["operations"] / turn["peak"] for turn in turns)
        peer = fastest.get(name.endswith(BFLOAT16))
        ratio = f"{middle(name, 'tokens') / peer:.2f}" if peer else ""
        print(f"| {name} | {' | '.join(numbers)} | {utilisation:.0%} | {ratio} |")
    print(f"\nMatrix peak {statistics.median(t['peak'] for turns in found.values() for t in turns) / 1e9:.0f} GFLOP/s")


if __name__ == "__main__":
    sys.exit(main())
