"""The fuzzer, guided by coverage: python -m benchmarks.fuzz_coverage RUN TARGET [options of libFuzzer, as -runs=100000]

Needs `pip install atheris`. RUN is a finished run folder (with a LiteRT export for the targets that read one).
libFuzzer mutates the random draws of a case, and so reaches branches that random cases seldom enter.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["seq2seq", "recipes"]):
    from benchmarks.fuzz_cases import RUN, TARGETS, judge
    from recipes import summarization, translation  # noqa: F401  # instrumented here, used by a case
    from seq2seq.cli import request_input  # noqa: F401
    from seq2seq.run import folder  # noqa: F401


class Draws(random.Random):
    """Random numbers from the given bytes, and then from a generator that they seed."""

    def __init__(self, data: bytes):
        self.left = iter(data)
        super().__init__(data)

    def getrandbits(self, bits: int) -> int:
        value = 0
        for _ in range((bits + 7) // 8):
            byte = next(self.left, None)
            if byte is None:
                return super().getrandbits(bits)
            value = value << 8 | byte
        return value >> (-bits % 8)

    def random(self) -> float:
        return self.getrandbits(53) / (1 << 53)


def main() -> None:
    run, target, *options = sys.argv[1:]
    run, run_target = str(Path(run).absolute()), TARGETS[target]

    def case(data: bytes) -> None:
        failure = judge(run_target, Draws(data))
        if failure:
            raise AssertionError(failure)

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        RUN.symlink_to(run)
        atheris.Setup([sys.argv[0], *options], case)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
