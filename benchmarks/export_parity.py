"""Compares the exports of a run with the run itself, on real text.

    python -m benchmarks.export_parity runs/multi30k_en_de --source test.en [--limit 1000]

Translates each line with the model in memory; with the SavedModel, in a process that imports only tensorflow and
tensorflow-text, in batches of 1 and of 64; with the LiteRT folder, not quantised and int8; and with the ONNX folder, if
the converter and ONNX Runtime are installed. Prints how many lines have another text, and the largest difference of a
log-probability among the other lines. Exit code 1 if a text of the SavedModel or of ONNX differs, or a log-probability
by more than 1e-4.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

from seq2seq.cli import stderr_filter
from seq2seq.cli.common import quiet_start
from seq2seq.export.litert import export_litert
from seq2seq.export.onnx import export_onnx
from seq2seq.export.saved_model import export_saved_model
from seq2seq.lite.generator import LiteGenerator
from seq2seq.tasks.text_to_text.loading import load_generator
from seq2seq.text.corpus import read_lines

CLIENT = """
import json, sys
import tensorflow as tf, tensorflow_text
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
lines, size, found = json.load(sys.stdin), int(sys.argv[2]), []
for start in range(0, len(lines), size):
    answer = serve(text=tf.constant(lines[start : start + size], tf.string))
    found += zip([t.decode() for t in answer["text"].numpy()], answer["log_probability"].numpy().tolist())
assert not {"seq2seq", "sentencepiece"} & set(sys.modules)
print("ANSWER", json.dumps(found))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--source", required=True)
    parser.add_argument("--limit", type=int, default=1000)
    arguments = parser.parse_args()
    lines = list(islice(read_lines(Path(arguments.source)), arguments.limit))
    generator = load_generator(Path(arguments.run))
    expected = [(best[0].text, best[0].log_probability) for best in generator.generate(lines)]
    print(f"{len(lines)} lines, beam {generator.options.beam_size}")
    failed = False
    with tempfile.TemporaryDirectory() as temporary:
        path = export_saved_model(generator, Path(temporary) / "saved_model")
        for size in (1, 64):
            client = subprocess.run(
                [sys.executable, "-c", CLIENT, str(path), str(size)],
                input=json.dumps(lines), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True, check=True, cwd="/",
            )  # fmt: skip
            found = json.loads(client.stdout.split("ANSWER ")[1])
            failed |= not report(f"SavedModel, batch {size}", found, expected)
        for quantize in ("none", "int8"):
            lite = LiteGenerator.load(export_litert(generator, Path(temporary) / quantize, quantize))
            found = [(best[0].text, best[0].log_probability) for best in lite.generate(lines)]
            report(f"LiteRT, {quantize}", found, expected)
        if all(map(importlib.util.find_spec, ("tf2onnx", "onnxruntime"))):
            from benchmarks.onnx_host import OnnxHost

            host = OnnxHost(export_onnx(generator, Path(temporary) / "onnx"))
            for size in (1, 64):
                failed |= not report(f"ONNX Runtime, batch {size}", host.translate(lines, size), expected)
    return int(failed)


def report(name: str, found: list[tuple[str, float]], expected: list[tuple[str, float]]) -> bool:
    """Prints a line; returns whether all texts are equal and the log-probabilities within 1e-4."""
    pairs = list(zip(found, expected, strict=True))
    other = sum(got[0] != run[0] for got, run in pairs)
    gap = max((abs(got[1] - run[1]) for got, run in pairs if got[0] == run[0]), default=0.0)
    print(f"{name:22} {other:4} texts differ, log-probabilities of the others by at most {gap:.1e}", flush=True)
    return other == 0 and gap <= 1e-4


if __name__ == "__main__":
    stderr_filter.install()
    quiet_start()
    sys.exit(main())
