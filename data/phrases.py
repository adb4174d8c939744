"""Generated messages with one-line summaries: a copying task that needs no download.

Each message names two people, a place and two numbers; the kind of message decides which of them the summary repeats.
No name or number of the test is in the training text. A model without a pointer must learn from few examples to spell
token by token; one with a pointer learns where to look.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from seq2seq.files import write_text
from seq2seq.folders import whole_folder
from seq2seq.text.corpus import Records

from .fetch import cache_folder, prepare

NAME = "phrases"
LANGUAGES = ("en",)
SPLITS = {"train": 6_000, "val": 300, "test": 1_000}
LICENCE = "Apache-2.0: written for this project"
CITATION = "This project"
NAMES = {"train": 6_000, "val": 300, "test": 1_000}
"""How many names each split draws from, and how many numbers."""


def _list(words: str) -> list[str]:
    return words.split()


CONSONANTS = _list("b d f g h j k l m n p r s t v w z br dr gr kl kr pl sch st tr th")
VOWELS = _list("a e i o u ai au ei ie oo")
ENDINGS = _list("l m n r s t x ck nd rt lt sk")
THINGS = _list("lamps chairs pumps filters cables doors valves boxes shelves wheels mirrors clocks")
DAYS = _list("Monday Tuesday Wednesday Thursday Friday")

KINDS = (
    ("{a} of {p} writes that order {n} has not arrived and asks {b} for the {t} .", "{a} misses order {n}"),
    ("The {t} that {b} sent to {a} in {p} were broken , says note {n} of {d} .", "{b} sent broken {t}"),
    ("{a} will visit {p} on {d} with {b} to count the {m} {t} of store {n} .", "{a} counts {t} in {p}"),
    ("Please pay {b} the {n} euros for {m} {t} before {d} ; {a} in {p} has signed .", "{n} euros are due to {b}"),
    ("On {d} {a} found {m} {t} too many in {p} and told {b} to change bill {n} .", "{b} must change bill {n}"),
    ("{b} cannot come to {p} on {d} , so {a} will fetch the {m} {t} at gate {n} .", "{a} goes to gate {n}"),
    ("Store {n} in {p} is out of {t} since {d} : {a} needs {m} more from {b} .", "Store {n} needs {m} {t}"),
    ("{a} thanks {b} for the {t} , but wants {n} of them on {d} instead of {m} .", "{a} wants {n} {t}"),
)
"""Message and summary. {a}, {b}: people; {p}: place; {n}, {m}: numbers; {t}: things; {d}: day."""


def load(split: str, source: str = "en", target: str = "en") -> Records:
    """Returns a split, generated on first use. ValueError for an unknown split or language."""
    if split not in SPLITS:
        raise ValueError(f"The phrases have the splits {', '.join(SPLITS)}. Received: {split!r}")
    if {source, target} != set(LANGUAGES):
        raise ValueError(f"The phrases are in English (en). Received: {source!r}, {target!r}")

    def fill(folder: Path) -> None:
        rows = ({"message": message, "summary": summary} for message, summary in generate(split))
        with whole_folder(folder) as partial:
            write_text(partial / f"{split}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    version = zlib.crc32(Path(__file__).read_bytes())
    folder = prepare(cache_folder(NAME) / f"{version:08x}-{split}", fill)
    return Records(folder / f"{split}.jsonl", "message", "summary")


def generate(split: str) -> Iterator[tuple[str, str]]:
    """Yields pairs of message and summary, the same ones on every machine."""
    draw = random.Random(zlib.crc32(f"{NAME}/{split}".encode()))
    names, numbers = vocabulary()[split]
    for _ in range(SPLITS[split]):
        message, summary = draw.choice(KINDS)
        a, b, p = draw.sample(names, 3)
        n, m = draw.sample(numbers, 2)
        parts = {"a": a, "b": b, "p": p, "n": n, "m": m, "t": draw.choice(THINGS), "d": draw.choice(DAYS)}
        yield message.format(**parts), summary.format(**parts)


@cache
def vocabulary() -> dict[str, tuple[list[str], list[str]]]:
    """Returns the names and the numbers of each split; no two splits share one."""
    draw = random.Random(zlib.crc32(NAME.encode()))
    names: set[str] = set()
    numbers: set[str] = set()
    by_split = {}
    for split, count in NAMES.items():
        fresh_names: list[str] = []
        fresh_numbers: list[str] = []
        while len(fresh_names) < count:
            syllables = [draw.choice(CONSONANTS) + draw.choice(VOWELS) for _ in range(draw.choice((2, 2, 3)))]
            name = ("".join(syllables) + draw.choice(ENDINGS)).capitalize()
            if name not in names:
                names.add(name)
                fresh_names.append(name)
        while len(fresh_numbers) < count:
            number = str(draw.randrange(1_000, 100_000))
            if number not in numbers:
                numbers.add(number)
                fresh_numbers.append(number)
        by_split[split] = fresh_names, fresh_numbers
    return by_split
