"""Measures the ways to run a trained model, in turn, each in a process of its own on one core.

    python -m benchmarks.inference runs/multi30k_en_de --source test.en [--target test.de] [--limit 200] [--turns 3]

In memory (Keras on TensorFlow), the SavedModel, the LiteRT folder as float32, float16 and int8, and the installed peers
of `peers.py`. Prints for each, as medians over the turns: seconds from the start of the process
to its first translation; milliseconds a sentence one by one and in batches of 32, greedy and with a beam of 5 (no
minimum Bayes risk); peak resident memory; size on disk; with --target the BLEU of the beam.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from benchmarks.peers import PEERS, is_installed
from benchmarks.peers import load as load_peer

KINDS = ("memory", "saved_model", "litert none", "litert float16", "litert int8")
BEAMS = (1, 5)
Translate = Callable[[list[str], int], list[str]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--source", required=True)
    parser.add_argument("--target")
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--work", help=argparse.SUPPRESS, choices=KINDS + PEERS)
    arguments = parser.parse_args()
    lines = list(islice(Path(arguments.source).read_text("utf-8").splitlines(), arguments.limit))
    if arguments.work:
        print("MEASURED", json.dumps(measure(arguments.work, Path(arguments.run), lines)))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        run = Path(arguments.run)
        places = {"memory": run} | export(run, Path(temporary)) | {peer: run for peer in PEERS if is_installed(peer)}
        found: dict[str, list[dict]] = {kind: [] for kind in places}
        for turn in range(arguments.turns):
            for kind in places:
                print(f"turn {turn + 1}/{arguments.turns}: {kind}", file=sys.stderr, flush=True)
                found[kind].append(work(kind, places[kind], arguments))
        report(found, {kind: size(kind, place) for kind, place in places.items()}, arguments)
    return 0


def export(run: Path, folder: Path) -> dict[str, Path]:
    """Writes all exports; a SavedModel for each beam size, which is fixed in the graph."""
    from seq2seq.cli.common import quiet_start

    quiet_start()
    from seq2seq.export.litert import QUANTIZATIONS, export_litert
    from seq2seq.export.saved_model import export_saved_model
    from seq2seq.tasks.text_to_text.loading import load_generator

    generator = load_generator(run, beam_size=max(BEAMS), num_best=1, mbr=0.0)
    for beam in BEAMS:
        export_saved_model(generator.with_options(beam_size=beam), folder / "saved_model" / str(beam))
    places = {f"litert {kind}": export_litert(generator, folder / kind, kind) for kind in QUANTIZATIONS}
    return {"saved_model": folder / "saved_model", **places}


def work(kind: str, place: Path, arguments: argparse.Namespace) -> dict:
    words = [sys.executable, "-m", "benchmarks.inference", str(place), "--work", kind, "--source", arguments.source]
    start = time.time()
    done = subprocess.run(
        [*words, "--limit", str(arguments.limit)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{kind} failed:\n{done.stderr[-2000:]}")
    measured = json.loads(done.stdout.split("MEASURED ")[1])
    measured["start"] = measured.pop("first_at") - start
    return measured


def measure(kind: str, place: Path, lines: list[str]) -> dict:
    """Runs in a process of its own, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    translate = {beam: load(kind, place, beam) for beam in BEAMS[:1]}
    translate[BEAMS[0]](lines[:1], 1)
    found: dict = {"first_at": time.time()}
    for beam in BEAMS:
        run = translate.get(beam) or load(kind, place, beam)
        for batch, sample in ((1, lines[: max(20, len(lines) // 5)]), (32, lines)):
            run(sample, batch)  # the first call traces and allocates
            begin = time.perf_counter()
            hypotheses = run(sample, batch)
            found[f"beam {beam}, batch {batch}"] = (time.perf_counter() - begin) / len(sample) * 1000
        found[f"text {beam}"] = hypotheses
    # Not getrusage: its maximum survives exec, and would be that of the parent process.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    found["memory"] = int(status["VmHWM"].split()[0]) / 1024
    return found


def load(kind: str, place: Path, beam: int) -> Translate:
    if kind in PEERS:
        return load_peer(kind, place, beam)
    if kind == "saved_model":
        import tensorflow as tf
        import tensorflow_text  # noqa: F401  registers the operations of the tokeniser

        serve = tf.saved_model.load(str(place / str(beam) / "1")).signatures["serving_default"]

        def translate(lines: list[str], batch: int) -> list[str]:
            # Lines of similar length together, which the others do themselves.
            order = sorted(range(len(lines)), key=lambda i: len(lines[i]))
            found = [""] * len(lines)
            for start in range(0, len(order), batch):
                chosen = order[start : start + batch]
                texts = serve(text=tf.constant([lines[i] for i in chosen]))["text"].numpy()
                for i, text in zip(chosen, texts, strict=True):
                    found[i] = text.decode()
            return found

        return translate
    import seq2seq

    generator = seq2seq.load(place, beam_size=beam, num_best=1, mbr=0.0)
    return lambda lines, batch: list(generator(lines, batch))


def size(kind: str, place: Path) -> float:
    """Megabytes of the files that an application needs; nan for a peer."""
    if kind in PEERS:
        return math.nan
    if kind == "memory":
        return sum((place / name).stat().st_size for name in ("model.weights.h5", "source.model", "target.model")) / 1e6
    place = place / str(BEAMS[-1]) if kind == "saved_model" else place
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file()) / 1e6


def report(found: dict[str, list[dict]], sizes: dict[str, float], arguments: argparse.Namespace) -> None:
    columns = [f"beam {beam}, batch {batch}" for beam in BEAMS for batch in (1, 32)]
    print(f"| model | start, s | {' | '.join(f'{name}, ms' for name in columns)} | memory, MB | size, MB | BLEU |")
    print("|---" * (len(columns) + 5) + "|")
    for kind, turns in found.items():
        middle = {name: statistics.median(turn[name] for turn in turns) for name in ["start", "memory", *columns]}
        cells = [f"{middle['start']:.1f}", *(f"{middle[name]:.1f}" for name in columns)]
        score = ""
        if arguments.target and kind not in PEERS:
            from seq2seq.metrics.bleu import bleu

            references = list(islice(Path(arguments.target).read_text("utf-8").splitlines(), arguments.limit))
            score = f"{bleu(turns[0][f'text {BEAMS[-1]}'], references).score:.1f}"
        shipped = "" if math.isnan(sizes[kind]) else f"{sizes[kind]:.1f}"
        print(f"| {kind} | {' | '.join(cells)} | {middle['memory']:.0f} | {shipped} | {score} |")


if __name__ == "__main__":
    sys.exit(main())
