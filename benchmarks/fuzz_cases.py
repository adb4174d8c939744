"""Inputs of the fuzzer and the functions that read them. A case is a pure function of (target, number)."""

from __future__ import annotations

import argparse
import gzip
import json
import random
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.fuzz_watch import watched

RUN = Path("run")
"""A finished run with a LiteRT export, in the working folder; cases copy it."""
ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 10**18, 10**400, 0.5, float("inf"), float("nan"), "", "x", "\ud800", "../../x"),
    *("\0", "/etc/passwd", [], [[]], {}, {"a": {}}, "numpy.load", "__import__('os')", ["a", 1], 1e308, "1" * 5000),
]
FRAGMENTS = [
    *(
        b"\0",
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\r\n",
        b"\n",
        b"\t",
        b"\xe2\x80\xae",
        b"\xef\xbb\xbf",
        b"\x1f\x8b",
    ),
    *(
        b"{",
        b"}",
        b'"',
        b"null",
        b"1e999",
        b"|||",
        b"0-0",
        b"-1",
        b"999999999999",
        b"\xf4\x8f\xbf\xbf",
        b"<unk>",
        b"PK",
    ),
]


def mutate(data: bytes, draw: random.Random) -> bytes:
    """Corrupts valid bytes in a few places."""
    found = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 4, 16))):
        at = draw.randrange(len(found) + 1)
        length = draw.choice((1, 2, 8, 64, 1024))
        what = draw.randrange(7)
        if what == 0:
            found[at : at + 1] = bytes([draw.randrange(256)])
        elif what == 1:
            del found[at : at + length]
        elif what == 2:
            found[at:at] = found[at : at + length] * draw.choice((1, 1, 50))
        elif what == 3:
            found[at:at] = draw.choice(FRAGMENTS)
        elif what == 4:
            found[at : at + 4] = draw.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF)).to_bytes(4, "little")
        elif what == 5:
            found[at:at] = draw.randbytes(length)
        elif draw.random() < 0.3:
            del found[at:]
    return bytes(found)


def mutate_json(tree: Any, draw: random.Random) -> str:
    """Corrupts a JSON value: other types, numbers out of range, missing and new keys, deep nesting."""
    text = json.dumps(tree)
    if draw.random() < 0.25:
        return mutate(text.encode(), draw).decode("utf-8", "replace")
    tree = json.loads(text)
    for _ in range(draw.choice((1, 1, 1, 2, 5))):
        place, key, value = None, None, tree
        while isinstance(value, (dict, list)) and value and (place is None or draw.random() < 0.8):
            place, key = value, draw.choice(list(value) if isinstance(value, dict) else range(len(value)))
            value = place[key]
        if place is None:
            return json.dumps(draw.choice(ODD))
        if draw.random() < 0.15:
            del place[key]
        elif draw.random() < 0.1 and isinstance(place, dict):
            place[draw.choice(("", "x", "seed", "\ud800"))] = draw.choice(ODD)
        else:
            place[key] = draw.choice(ODD)
    text = json.dumps(tree)
    if draw.random() < 0.02:
        text = text.replace("null", "[" * 100_000, 1) if "null" in text else "[" * 100_000 + text
    return text


def wild_text(draw: random.Random, most: int = 60) -> str:
    """Characters of every plane, lone surrogates, control characters, direction marks, many accents and spaces."""
    kinds: list[Callable[[], str]] = [
        lambda: draw.choice(["the", "cat", "Straße", "<s>", "</s>", "<unk>", "▁", "|||", "0-0", "{", '"', "-", "'"]),
        lambda: chr(draw.randrange(0x20, 0x7F)),
        lambda: chr(draw.randrange(0x80, 0x3000)),
        lambda: chr(draw.randrange(0x3000, 0xD800)),
        lambda: chr(draw.randrange(0xD800, 0xE000)),
        lambda: chr(draw.randrange(0xE000, 0x10000)),
        lambda: chr(draw.randrange(0x10000, 0x110000)),
        lambda: draw.choice("\0\x01\x07\x1b\x7f\x85\ufeff\ufffe\uffff"),
        lambda: draw.choice("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"),
        lambda: "e" + "".join(chr(draw.randrange(0x300, 0x370)) for _ in range(draw.choice((1, 3, 200)))),
        lambda: draw.choice(" \t\v\f\u00a0\u1680\u2003\u2028\u2029\u202f\u3000\u200b\u200d"),
    ]
    if draw.random() < 0.002:
        return draw.choice(("a", "ab ", "é", "😀", "\u0301", "字")) * (1 << 20)
    some = draw.sample(kinds, draw.randint(1, len(kinds)))
    return "".join(draw.choice(some)() for _ in range(draw.randrange(most)))


def wild_bytes(draw: random.Random, lines: int = 8) -> bytes:
    """Lines of `wild_text`, some of them not UTF-8, with line ends of all kinds."""
    found = b""
    for _ in range(draw.randrange(lines)):
        line = wild_text(draw).encode("utf-8", "surrogatepass")
        found += (mutate(line, draw) if draw.random() < 0.1 else line) + draw.choice(
            (b"\n", b"\n", b"\n", b"\r\n", b"")
        )
    return found


def save(name: str, data: bytes) -> Path:
    path = Path(name)
    path.write_bytes(data)
    return path


def text_pairs(draw: random.Random) -> None:
    from seq2seq.text.corpus import ParallelText

    one, two = wild_bytes(draw), wild_bytes(draw)
    if draw.random() < 0.3:
        one = gzip.compress(one)
        one = mutate(one, draw) if draw.random() < 0.5 else one
    name = draw.choice(("a.txt", "a.gz", "a.tsv"))
    list(ParallelText(save(name, one), save("b.txt", two) if draw.random() < 0.7 else None))


def records(draw: random.Random) -> None:
    from seq2seq.text.corpus import text_at

    rows = [{"source": wild_text(draw), "target": wild_text(draw), "more": draw.choice(ODD)} for _ in range(4)]
    if draw.random() < 0.5:
        text = "".join(mutate_json(row, draw) + "\n" for row in rows).encode("utf-8", "surrogatepass")
        path = save("a.jsonl", text)
    else:
        header = draw.choice((b"source\ttarget\tmore\n", b"source\tsource\n", b"", b"x\ty\n"))
        path = save("a.tsv", header + wild_bytes(draw))
    list(text_at(str(path), "", draw.choice(("source", "x", "")), "target", draw.choice(((), ("more",)))))


def alignments(draw: random.Random) -> None:
    from seq2seq.text.alignment import parse_alignment

    good = " ".join(f"{draw.randrange(9)}-{draw.randrange(9)}" for _ in range(draw.randrange(6)))
    line = mutate(good.encode(), draw).decode("utf-8", "surrogateescape") if draw.random() < 0.7 else wild_text(draw)
    parse_alignment(line, draw.randrange(12), draw.randrange(12))


def command_line(draw: random.Random) -> None:
    from recipes import summarization, translation
    from seq2seq.cli.train import parse, take_count
    from seq2seq.run.parsing import leaves

    recipes = draw.choice((translation.RECIPES, summarization.RECIPES))
    names = [name for name, _ in leaves(next(iter(recipes.values())))]
    words = [draw.choice([*recipes, "", wild_text(draw, 5)])] if draw.random() < 0.9 else []
    for _ in range(draw.randrange(4)):
        name = draw.choice(names)
        name = mutate(name.encode(), draw).decode("utf-8", "replace") if draw.random() < 0.2 else name
        value = draw.choice([str(draw.choice(ODD)), wild_text(draw, 8), "true", "0.3", "7", "gru", "a,b,,c"])
        words += [f"--{name}", value] if draw.random() < 0.8 else [f"--{name}={value}"]
    _, rest = take_count(words, draw.choice(("workers", "seeds")), "things")
    parse(recipes, rest)


def replay(draw: random.Random) -> None:
    from seq2seq.tasks import load_recipe

    tree = json.loads((RUN / "recipe.json").read_text("utf-8"))
    load_recipe(save("recipe.json", mutate_json(tree, draw).encode("utf-8", "surrogatepass")))


def run_records(draw: random.Random) -> None:
    from seq2seq.run.environment import same_data
    from seq2seq.tasks.text_to_text.folder import TextRunFolder
    from seq2seq.tasks.text_to_text.record import Scored

    folder = Path("records")
    folder.mkdir(exist_ok=True)
    (folder / "hypotheses").mkdir(exist_ok=True)
    name = draw.choice(("scores.json", "data.json", "history.csv", "hypotheses/test.txt"))
    for each in ("recipe.json", "scores.json", "data.json", "history.csv", "hypotheses/test.txt"):
        data = (RUN / each).read_bytes()
        if each == name and each.endswith(".json"):
            data = mutate_json(json.loads(data), draw).encode("utf-8", "surrogatepass")
        elif each == name:
            data = mutate(data, draw)
        (folder / each).write_bytes(data)
    same_data(TextRunFolder(folder), {"/x": "y"} if draw.random() < 0.1 else {})
    scored = Scored(folder)
    for test in scored.tests:
        scored.system(test)
        scored.examples(test)
    scored.history()
    TextRunFolder(folder).load_test("test")


@cache
def _tokenizers() -> list[Any]:
    from seq2seq.text.normalization import Normalization
    from seq2seq.text.subword import SubwordTokenizer

    text = ["the cat sees a dog", "Straße und Häuser", "never 1234 again, said she"] * 20
    rules = [Normalization(rule, mark) for rule, mark in (("keep", False), ("lossless", True), ("nmt_nfkc", False))]
    return [
        SubwordTokenizer.train(text, 400, kind, byte_fallback=fallback, normalization=rule)
        for kind in ("unigram", "bpe")
        for fallback in (False, True)
        for rule in rules
    ]


def tokenizer(draw: random.Random) -> None:
    one = draw.choice(_tokenizers())
    lines = [wild_text(draw) for _ in range(4)]
    ids = one.encode(lines)
    one.decode(ids)
    one.decode(one.sample(lines, draw.choice((0.0, 0.1, 5.0)), draw.randrange(10)))
    one.line_word_numbers(lines, ids)
    assert all(0 <= i < one.size for row in ids for i in row)
    for masked, line in ((_placeholders().mask(line), line) for line in lines):
        assert masked.restore(masked.text) == line


@cache
def _placeholders() -> Any:
    from seq2seq.text.placeholders import PATTERNS, Placeholders

    return Placeholders(tuple(PATTERNS))


def tokenizer_file(draw: random.Random) -> None:
    from seq2seq.text.subword import SubwordTokenizer

    found = SubwordTokenizer.load(save("a.model", mutate((RUN / "source.model").read_bytes(), draw)))
    found.decode(found.encode(["the cat", "Straße"]))


@cache
def _store() -> Path:
    from seq2seq.text.examples import Example
    from seq2seq.text.token_store import write_token_store

    examples = [Example("a b c", "d e", number) for number in range(1, 20)]

    def encode(lines: list[str], chunk: int) -> list[list[int]]:
        return [[ord(c) for c in line] for line in lines]

    write_token_store(Path("store"), examples, encode, encode, 20)
    return Path("store").absolute()


def token_store(draw: random.Random) -> None:
    from seq2seq.pipeline.store import Store

    folder = Path("corrupted")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(_store(), folder)
    path = draw.choice(sorted(folder.iterdir()))
    data = path.read_bytes()
    tree = json.loads(data) if path.suffix == ".json" else None
    path.write_bytes(mutate_json(tree, draw).encode("utf-8", "surrogatepass") if tree else mutate(data, draw))
    store = Store(folder)
    for pair in range(min(30, len(store))):
        store["source"][pair], store["target"][pair]


@cache
def _model() -> Any:
    from seq2seq.tasks.text_to_text.folder import TextRunFolder

    return TextRunFolder(RUN.absolute()).load_model()[0]


@cache
def _objective() -> Any:
    from seq2seq.run.train import make_optimizer
    from seq2seq.tasks.text_to_text.folder import TextRunFolder
    from seq2seq.training.objective import Objective

    objective = Objective(_model())
    objective.build()
    objective.compile(make_optimizer(TextRunFolder(RUN.absolute()).load_recipe(), 10))
    objective.optimizer.build(objective.trainable_variables)
    return objective


def checkpoint(draw: random.Random) -> None:
    from seq2seq.training.checkpoint import load_checkpoint

    load_checkpoint(save("c.npz", mutate((RUN / "checkpoint.npz").read_bytes(), draw)), _objective())


def weights(draw: random.Random) -> None:
    from seq2seq.run.folder import load_weights

    load_weights(_model(), save("a.weights.h5", mutate((RUN / "model.weights.h5").read_bytes(), draw)))


def lite_folder(draw: random.Random) -> None:
    from seq2seq.lite.generator import LiteGenerator

    folder = Path("lite")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(RUN / "export" / "litert", folder)
    path = folder / "model.json" if draw.random() < 0.8 else draw.choice(sorted(folder.iterdir()))
    data = path.read_bytes()
    tree = json.loads(data) if path.suffix == ".json" else None
    path.write_bytes(mutate_json(tree, draw).encode("utf-8", "surrogatepass") if tree else mutate(data, draw))
    LiteGenerator.load(folder)


def requests(draw: random.Random) -> None:
    from seq2seq.cli.arguments import options_from
    from seq2seq.cli.request_input import InputOptions, RequestReader, add_input_arguments

    parser = argparse.ArgumentParser()
    add_input_arguments(parser)
    good = {"text": wild_text(draw), "prefix": "a", "include": ["b"], "exclude": ["c d"], "x": 1}
    text = "".join(mutate_json(good, draw) + "\n" for _ in range(3)).encode("utf-8", "surrogatepass")
    words = ["--input", str(save("in.txt", text if draw.random() < 0.7 else wild_bytes(draw)))]
    words += ["--json"] * (draw.random() < 0.8)
    if draw.random() < 0.3:
        words += ["--terms", str(save("terms.tsv", b"a\tb\n" + wild_bytes(draw)))]
    if draw.random() < 0.3:
        words += ["--exclude-file", str(save("words.txt", wild_bytes(draw)))]
    list(RequestReader(options_from(InputOptions, parser.parse_args(words))).read(2))


def lists(draw: random.Random) -> None:
    from seq2seq.inference.nbest import read_n_best
    from seq2seq.inference.unknown import read_dictionary

    if draw.random() < 0.5:
        read_dictionary(save("d.tsv", b"a\tb\n" + wild_bytes(draw)))
        return
    good = b"0 ||| a b ||| F= 1 2 ||| -1.5\n0 ||| c ||| -2\n1 ||| d ||| -0.5\n"
    read_n_best(save("n.txt", mutate(good, draw) if draw.random() < 0.8 else wild_bytes(draw)), 2)


@cache
def _generators() -> list[Any]:
    import seq2seq

    return [seq2seq.load(str(RUN.absolute() / "export" / "litert"))]


def translate(draw: random.Random) -> None:
    one = draw.choice(_generators())
    lines = [wild_text(draw, 30) for _ in range(4)]
    beam = draw.choice((1, 3))
    results = one.with_options(beam_size=beam, cut_input=True, max_input=40).generate(lines)
    assert len(list(results)) == len(lines)


def doctor(draw: random.Random) -> None:
    from seq2seq.cli.main import main

    one, two = save("s.txt", wild_bytes(draw, 20)), save("t.txt", wild_bytes(draw, 20))
    code = main(["doctor", "--source", str(one), "--target", str(two), "--processes", "1"])
    assert code in (0, 1, 2), code


TARGETS: dict[str, Callable[[random.Random], None]] = {
    each.__name__: each
    for each in (
        *(text_pairs, records, alignments, command_line, replay, run_records, tokenizer, tokenizer_file, token_store),
        *(checkpoint, weights, lite_folder, requests, lists, translate, doctor),
    )
}
SHARE = {"weights": 0.1, "doctor": 0.02, "lite_folder": 0.3, "checkpoint": 0.5, "translate": 0.5, "tokenizer_file": 0.5}
"""How many cases a slow target gets, as a share of those of another."""


def run_case(target: str, number: int) -> str:
    """Runs one case; returns its failure, or an empty string."""
    return judge(TARGETS[target], random.Random(f"{target}/{number}"))


def judge(target: Callable[[random.Random], None], draw: random.Random) -> str:
    """Runs a target on random draws; returns its failure, or an empty string."""
    try:
        with watched(RUN):
            target(draw)
    except (ValueError, OSError) as error:
        return "" if str(error).strip() else f"{type(error).__name__} without a message"
    except MemoryError:
        return "MemoryError"
    except Exception as error:
        import traceback

        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {str(error)[:150]} ({Path(place.filename).name}:{place.lineno})"
    return ""
