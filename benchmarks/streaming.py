"""Measures the LiteRT folders of a recogniser of one direction, hearing an hour of sound as it would arrive.

    python -m benchmarks.streaming [RUN] [--sound FILE …] [--minutes 60]

Of RUN, or of an untrained network of the size of the recipe an4_streaming, the folders of int8 and float32 are made.
Each is loaded in a process of its own on one core, without TensorFlow, and hears recordings (--sound, or those of the
embedded synthesiser) over and over, one block of the network at a time, with endpoints. Prints for each: megabytes of
the folder; seconds from the start of the process to the first answer; the real-time factor, seconds for a second of
sound, by the clock, by processor time (which other work on the machine leaves alone), and by the clock of the network
alone; milliseconds for a block, median and 99th percentile by the clock, then by processor time; resident megabytes
after each ten minutes of sound.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

FORMS = {"int8": "int8", "float32": "none"}
SIZE = 32
"""Labels of the untrained network: letters, digits and the control symbols."""
EVERY = 10
"""Minutes of sound between two looks at the memory."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?")
    parser.add_argument("--sound", nargs="+", default=[], metavar="FILE")
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        print("MEASURED", json.dumps(measure(Path(arguments.work), arguments.sound, arguments.minutes)))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        places = export(arguments.run, Path(temporary))
        found = {form: work(place, arguments) for form, place in places.items()}
    report(found)
    return 0


def export(run: str | None, folder: Path) -> dict[str, Path]:
    """Writes the folders."""
    from seq2seq.cli.common import quiet_start

    quiet_start()
    from seq2seq.export.acoustic_litert import export_acoustic_litert
    from seq2seq.tasks.speech.loading import load_recognizer

    recognizer = load_recognizer(Path(run)) if run else untrained()
    if not recognizer.can_stream:
        sys.exit(f"Expected a run of one direction (model.bidirectional false). Received: {run}")
    return {form: export_acoustic_litert(recognizer, folder / form, kind) for form, kind in FORMS.items()}


def untrained() -> Any:
    """Returns a recogniser of the recipe an4_streaming with weights as before training."""
    from recipes.speech import AN4_STREAMING as recipe
    from seq2seq.audio.features import LogMels, Normalizer
    from seq2seq.audio.frontend import Frontend
    from seq2seq.inference.acoustic import KerasNetwork
    from seq2seq.inference.recognition import Recognizer, plain_search
    from seq2seq.tasks.speech.network import build_network
    from seq2seq.text.vocabulary import Vocabulary

    mels = recipe.audio.mels
    codec = Vocabulary([*" abcdefghijklmnopqrstuvwxyz'"][: SIZE - 4], "characters")
    frontend = Frontend(LogMels(recipe.audio.rate, mels), Normalizer((10.0,) * mels, (4.0,) * mels))
    network = KerasNetwork(build_network(recipe.model, mels, codec.size))
    return Recognizer(network, frontend, codec, plain_search(codec, recipe.search.beam_size))


def work(place: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    words = [sys.executable, "-m", "benchmarks.streaming", "--work", str(place), "--minutes", str(arguments.minutes)]
    start = time.time()
    done = subprocess.run(
        [*words, *(["--sound", *arguments.sound] if arguments.sound else [])],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{place.name} failed:\n{done.stderr[-2000:]}")
    measured: dict[str, Any] = json.loads(done.stdout.split("MEASURED ")[1])
    return measured | {"start": measured["first_at"] - start}


def measure(place: Path, files: list[str], minutes: int) -> dict[str, Any]:
    """Runs in a process of its own, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    from seq2seq.lite.acoustic import load_recognizer

    recognizer = load_recognizer(place)
    network: Any = recognizer.network
    rate = recognizer.rate
    size = network.steps * round(recognizer.step_seconds * rate)  # samples of a block
    stream = recognizer.stream(rate)
    stream.push(np.zeros(2 * size, np.float32))
    found: dict[str, Any] = {"first_at": time.time(), "size": sum(each.stat().st_size for each in place.iterdir())}
    spent = timed(network, "hear")
    memory, words = list[float](), 0
    blocks = endless(recordings(files, rate), size)
    count = minutes * 60 * rate // size
    times, busy = np.ones((2, count))  # in memory from the beginning
    for number in range(1, count + 1):
        block = next(blocks)
        begin, before = time.perf_counter(), time.process_time()
        update = stream.push(block)
        times[number - 1] = time.perf_counter() - begin
        busy[number - 1] = time.process_time() - before
        words += len(update.tokens)
        if number % (EVERY * 60 * rate // size) == 0:
            status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            memory.append(int(status["VmRSS"].split()[0]) / 1024)
    seconds = len(times) * size / rate
    return found | {
        "factor": times.sum() / seconds,
        "busy factor": busy.sum() / seconds,
        "network factor": spent[0] / seconds,
        "block": size / rate * 1000,
        "latency": [float(np.percentile(each, share)) * 1000 for each in (times, busy) for share in (50, 99)],
        "memory": memory,
        "words": words,
        "tensorflow": sorted({"tensorflow", "keras"} & set(sys.modules)),
    }


def timed(network: Any, name: str) -> list[float]:
    """Makes a method add up how long its calls take; returns the sum, which grows."""
    call, spent = getattr(network, name), [0.0]

    def noted(*given: Any) -> Any:
        begin = time.perf_counter()
        found = call(*given)
        spent[0] += time.perf_counter() - begin
        return found

    setattr(network, name, noted)
    return spent


def recordings(files: list[str], rate: int) -> list[np.ndarray]:
    from seq2seq.audio.resampling import resample

    if files:
        from seq2seq.audio.reading import read

        return [resample(audio.samples, audio.rate, rate) for audio in map(read, map(Path, files))]
    from seq2seq.audio.synthesis import WORDS, draw_voice, synthesize

    random = np.random.default_rng(1)
    found = []
    for _ in range(20):
        words = random.choice(WORDS, random.integers(1, 6)).tolist()
        found += [synthesize(words, draw_voice(random), random, rate).samples, np.zeros(rate // 2, np.float32)]
    return found


def endless(parts: list[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """Yields the recordings over and over, in pieces of one size."""
    whole, place = np.concatenate(parts).astype(np.float32), 0
    while True:
        yield np.take(whole, range(place, place + size), mode="wrap")
        place = (place + size) % len(whole)


def report(found: dict[str, dict[str, Any]]) -> None:
    first = next(iter(found.values()))
    minutes = [EVERY * (number + 1) for number in range(len(first["memory"]))]
    print(f"Blocks of {first['block']:.0f} ms of sound; {first['words']:,} words were heard by the first.")
    columns = ["size, MB", "start, s", "real-time factor", "of processor time", "of the network"]
    columns += ["block, ms", "99 %", "processor, ms", "99 %"]
    print(f"| weights | {' | '.join(columns)} | {' | '.join(f'MB after {m} min' for m in minutes)} |")
    print("|---" * (1 + len(columns) + len(minutes)) + "|")
    for form, values in found.items():
        assert not values["tensorflow"], values["tensorflow"]
        cells = [f"{values['size'] / 1e6:.2f}", f"{values['start']:.2f}"]
        cells += [f"{values[name]:.4f}" for name in ("factor", "busy factor", "network factor")]
        cells += [f"{milliseconds:.2f}" for milliseconds in values["latency"]]
        cells += [f"{memory:.1f}" for memory in values["memory"]]
        print(f"| {form} | {' | '.join(cells)} |")


if __name__ == "__main__":
    sys.exit(main())
