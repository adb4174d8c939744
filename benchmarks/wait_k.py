"""Training speed of simultaneous translation against pysimt (Caglayan et al. 2020), each by its own recipe, in turn.

    python -m benchmarks.wait_k --pysimt CHECKOUT --python …/bin/python [--turns 2] [--seconds 90]

Multi30k en-de. Ours is the recipe `multi30k_waitk`, one model for every k, in bfloat16 and in float32; pysimt's is
`wait3-rnn.conf`, a GRU of 320 over words, a model for k = 3 alone. pysimt (github.com/ImperialNLP/pysimt) runs on
PyTorch 2.13 once editdistance, tensorboard and scikit-learn are installed beside it. The clock runs from the 20th step.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from seq2seq.catalogue import multi30k

WARM_UP = 20
CONFIG, PER_STEP = "configs/en-de/rnn-nmt/wait3-rnn.conf", 64
"""pysimt's own configuration, and the sentences of its batches."""
OURS = {"seq2seq, bfloat16": "mixed_bfloat16", "seq2seq, float32": "float32"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pysimt", type=Path, required=True, metavar="CHECKOUT", help="its repository")
    parser.add_argument("--python", required=True, metavar="INTERPRETER", help="the interpreter that has PyTorch")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=90, help="of each turn, on the clock")
    parser.add_argument("--work", nargs=2, metavar=("PRECISION", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        print(ours(*arguments.work, arguments.seconds))
        return 0
    if not (arguments.pysimt / CONFIG).is_file():
        parser.error(f"{arguments.pysimt / CONFIG}: no such file. --pysimt is a checkout of pysimt.")
    found: dict[str, list[float]] = {name: [] for name in (*OURS, "pysimt, k = 3")}
    with tempfile.TemporaryDirectory() as temporary:
        write_corpus(Path(temporary), arguments)
        for turn, name in itertools.product(range(arguments.turns), found):
            print(f"turn {turn + 1}/{arguments.turns}: {name}", file=sys.stderr, flush=True)
            rate = start_ours(name, temporary, arguments) if name in OURS else pysimt(Path(temporary), arguments)
            found[name].append(rate)
    peer = statistics.median(found["pysimt, k = 3"])
    print("| trained | sentences/s | of pysimt |\n|---|---|---|")
    for name, rates in found.items():
        print(f"| {name} | {statistics.median(rates):,.0f} | {statistics.median(rates) / peer:.2f} |")
    return 0


def write_corpus(folder: Path, arguments: argparse.Namespace) -> None:
    """Writes the corpus where pysimt's configuration looks for it: lower-cased words, and vocabularies by its script.

    Its configuration names three test sets more; training opens the first two splits alone.
    """
    place = folder / "data/multi30k/en-de"
    place.mkdir(parents=True)
    split_words = Tokenizer13a()
    for split in ("train", "val"):
        examples = list(multi30k.load(split, "en", "de"))
        for language, side in (("en", "source"), ("de", "target")):
            lines = (split_words(getattr(example, side).lower()) for example in examples)
            path = place / f"{split}.lc.norm.tok.{language}"
            path.write_text("\n".join(lines) + "\n", "utf-8")
            if split == "train":
                words = [arguments.python, arguments.pysimt.resolve() / "bin/pysimt-build-vocab", "-o", place, path]
                environment = {**os.environ, "PYTHONPATH": str(arguments.pysimt.resolve())}
                subprocess.run(list(map(str, words)), env=environment, check=True, capture_output=True)


def pysimt(folder: Path, arguments: argparse.Namespace) -> float:
    """Returns the sentences a second that pysimt trains on, by the lines that it prints."""
    home = arguments.pysimt.resolve()
    words = [arguments.python, "-u", home / "bin/pysimt", "train", "-C", home / CONFIG, "-d", "cpu"]
    words += ["train.disp_freq:10", "train.tensorboard_dir:"]
    environment = {**os.environ, "PYTHONPATH": str(home)}
    process = subprocess.Popen(
        list(map(str, words)), cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    began, first, said = 0.0, 0, []
    try:
        for line in process.stdout:
            said.append(line)
            if step := re.search(r"Epoch 1 - update\s+(\d+)", line):
                now, number = time.perf_counter(), int(step[1])
                if number <= WARM_UP:
                    began, first = now, number
                elif now - began > arguments.seconds:
                    return (number - first) * PER_STEP / (now - began)
    finally:
        process.kill()
        process.wait()
    sys.exit("pysimt ended before its time:\n" + "".join(said[-20:]))


def start_ours(name: str, folder: str, arguments: argparse.Namespace) -> float:
    """Returns the sentences a second of this project, in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.wait_k", "--pysimt", arguments.pysimt, "--python", arguments.python]
    words += ["--work", OURS[name], folder, "--seconds", arguments.seconds]
    done = subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    return float(done.stdout.splitlines()[-1])


def ours(precision: str, folder: str, seconds: float) -> float:
    """Trains the recipe in this process, and returns sentences a second."""
    from seq2seq.recipes.translation import RECIPES

    from seq2seq.backend import prepare_keras
    from seq2seq.run.folder import RunFolder
    from seq2seq.run.train import make_optimizer
    from seq2seq.tasks.text_to_text import task

    prepare_keras()
    import keras

    recipe = RECIPES["multi30k_waitk"]
    run = RunFolder(Path(folder) / "ours")
    run.path.mkdir(exist_ok=True)
    run.save_recipe(recipe, [])
    prepared = task.prepare(run, recipe, task.open_data(recipe))
    keras.config.set_dtype_policy(precision)
    objective = task.objective(recipe, task.build_model(recipe, prepared.codec))
    objective.build()
    objective.compile(make_optimizer(recipe, prepared.stores.steps))
    plan = prepared.stores.plan(0)
    began, sentences = 0.0, 0
    for step in itertools.count():
        if step == WARM_UP:
            began = time.perf_counter()
        batch = plan[step % len(plan)]
        objective.train_on_batch(batch.inputs(), batch.target_output, batch.weights)
        if step >= WARM_UP:
            sentences += len(batch.target_output)
            if time.perf_counter() - began > seconds:
                break
    return sentences / (time.perf_counter() - began)


if __name__ == "__main__":
    sys.exit(main())
