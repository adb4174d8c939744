"""A process that uses crafted LiteRT folders: nothing that passes the checks may make the runtime crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

USE = """
import random, sys
from pathlib import Path
from benchmarks.fuzz_crafted import craft_folder, use_folder
folder, copy, count, used = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), 0
use_folder(folder)
for number in range(count):
    print(number, flush=True)
    craft_folder(folder, copy, random.Random(f"use/{number}"))
    try:
        use_folder(copy)
        used += 1
    except (ValueError, OSError) as error:
        assert str(error).strip()
print(used)
"""


def use_crafted(folder: Path, copy: Path, count: int = 30) -> int:
    """Uses so many crafted copies of a folder, which must end in order or in words; returns how many were used."""
    words = [sys.executable, "-c", USE, str(folder), str(copy), str(count)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, (done.returncode, done.stdout[-20:], done.stderr[-2000:])
    return int(done.stdout.split()[-1])
