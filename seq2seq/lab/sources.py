"""What the experiments learn from: the embedded data sets, as windows of ids or of numbers. No framework."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from seq2seq.music.notes import Music
from seq2seq.series.table import Series
from seq2seq.symbols import BOS, EOS, PAD
from seq2seq.text.subword import SubwordTokenizer


def random_windows(ids: np.ndarray, rows: int, steps: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields ids and those that follow, `(rows, steps)` each, from random places of `(time,)`; it does not end."""
    random = np.random.default_rng(seed)
    while True:
        places = random.integers(0, len(ids) - steps, rows)[:, None] + np.arange(steps + 1)
        yield ids[places[:, :-1]], ids[places[:, 1:]]


@dataclass(frozen=True)
class Stream:
    """A long sequence of symbols, cut into windows.

    Attributes:
        symbols: By id.
        train, held: Ids, `(time,)`; the second part is never trained on.
    """

    symbols: Sequence[str]
    train: np.ndarray
    held: np.ndarray

    def batches(self, rows: int, steps: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """As `random_windows` of the part to train on."""
        return random_windows(self.train, rows, steps, seed)

    def windows(self, rows: int, steps: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Returns up to `count` batches of windows of the held part, one after the other."""
        count = min(count, (len(self.held) - 1) // (rows * steps))
        end = count * rows * steps
        inputs, targets = (self.held[shift : end + shift].reshape(count, rows, steps) for shift in (0, 1))
        return list(zip(inputs, targets, strict=True))


def _stream(train: Sequence[str], held: Sequence[str]) -> Stream:
    symbols = sorted(set(train) | set(held))
    ids = {symbol: number for number, symbol in enumerate(symbols)}
    return Stream(symbols, *(np.asarray([ids[one] for one in part], np.int32) for part in (train, held)))


def characters(most: int = 20_000) -> Stream:
    """Returns the characters of the embedded English sentences, of the first `most`; a line end follows each."""
    sentences = importlib.import_module("seq2seq.catalogue.sentences")
    train, held = ("".join(line + "\n" for line in islice(sentences.load(name), most)) for name in ("train", "test"))
    return _stream(train, held)


def melodies() -> Stream:
    """Returns the embedded tunes: for each note or rest its pitch and its length, and an end of each tune."""
    tunes = importlib.import_module("seq2seq.catalogue.tunes")
    return _stream(*([word for tune in tunes.load(name) for word in words_of(tune)] for name in ("train", "test")))


REST, END = "rest", "end"


def words_of(tune: Music) -> list[str]:
    """Returns a melody as words: pitch and length in steps of each note, and of each rest before one; an end."""
    words, now = [], 0
    for note in tune.notes:
        if note.start > now:
            words += [REST, f"length {note.start - now}"]
        words += [f"pitch {note.pitch}", f"length {note.length}"]
        now = note.start + note.length
    return [*words, END]


SHOP_FEATURES = 11
"""Value of a day; holiday, promotion and weekday of the next; whether the value was observed."""
HELD_DAYS, EARLIER_DAYS = 84, 56
"""Days that are scored, and those before them that are read."""


class Shops:
    """The embedded series of sales, one day ahead: each in shares of its own mean, as logarithms.

    A window has inputs `(steps, SHOP_FEATURES)`, targets `(steps,)`, the next day's value, and weights, 0 where it is
    missing.
    """

    def __init__(self) -> None:
        seasons = importlib.import_module("seq2seq.catalogue.seasons")
        known, later = seasons.load("train"), seasons.load("test", EARLIER_DAYS)
        means = [float(series.values[series.observed].mean()) for series in known]
        self.train = [_days(series, mean) for series, mean in zip(known, means, strict=True)]
        self.held = [_days(series, mean) for series, mean in zip(later, means, strict=True)]

    def batches(self, rows: int, steps: int, seed: int) -> Iterator[tuple[np.ndarray, ...]]:
        """Yields windows from random places, `(rows, steps, …)`; it does not end."""
        random = np.random.default_rng(seed)
        while True:
            chosen = [self.train[number] for number in random.integers(0, len(self.train), rows)]
            starts = [random.integers(0, len(parts[0]) - steps + 1) for parts in chosen]
            yield _together([[p[s : s + steps] for p in parts] for parts, s in zip(chosen, starts, strict=True)])

    def windows(self) -> list[tuple[np.ndarray, ...]]:
        """Returns one batch: the held days of every series, behind earlier ones that are read and not scored."""
        inputs, targets, weights = _together(self.held)
        weights[:, :-HELD_DAYS] = 0
        return [(inputs, targets, weights)]

    def naive(self) -> float:
        """Returns the mean absolute error of the value of a week before, on the days of `windows`."""
        ((inputs, targets, weights),) = self.windows()
        before, known = inputs[:, :-6, 0], inputs[:, :-6, -1]  # of day t, where the target is of day t + 1
        weights = weights[:, 6:] * known
        return float((np.abs(before - targets[:, 6:]) * weights).sum() / weights.sum())


def _days(series: Series, mean: float) -> tuple[np.ndarray, ...]:
    values = np.log(np.where(series.observed, np.maximum(series.values / mean, 0.01), 1.0))
    weekday = np.eye(7)[series.times.astype("datetime64[D]").astype(np.int64) % 7]
    columns = [series.covariates["holiday"], series.covariates["promotion"]]
    known = np.column_stack([*columns, weekday])[1:]
    inputs = np.column_stack([values[:-1], known, series.observed[:-1]]).astype(np.float32)
    return inputs, values[1:].astype(np.float32), series.observed[1:].astype(np.float32)


def _together(rows: Sequence[Sequence[np.ndarray]]) -> tuple[np.ndarray, ...]:
    return tuple(np.stack(parts) for parts in zip(*rows, strict=True))


HELD_PAIRS = 600
"""Pairs of the test that are read."""


@dataclass(frozen=True)
class Pairs:
    """Sentences with their translations as ids of one vocabulary, padded.

    A batch has, `(rows, steps)` each: source; target, which begins with BOS; what follows in it; the weights of that;
    and the same in one piece for a network without an encoder: source and target joined, what follows, its weights.
    """

    size: int
    train: tuple[np.ndarray, ...]
    held: tuple[np.ndarray, ...]
    tokenizer: SubwordTokenizer | None = None
    """Of both sides."""

    def batches(self, rows: int, seed: int) -> Iterator[tuple[np.ndarray, ...]]:
        """Yields random rows; it does not end."""
        random = np.random.default_rng(seed)
        while True:
            chosen = random.integers(0, len(self.train[0]), rows)
            yield tuple(part[chosen] for part in self.train)

    def windows(self, rows: int, count: int) -> list[tuple[np.ndarray, ...]]:
        """Returns the first `count` batches of the held part."""
        return [tuple(part[n * rows : (n + 1) * rows] for part in self.held) for n in range(count)]


def translations(most: int, size: int, width: int) -> Pairs:
    """Returns the embedded pairs, English to German, in subwords; those longer than `width` are left out.

    Args:
        most: Pairs to train on.
        size: Of the vocabulary.
        width: The most ids of a side, without the end.
    """
    grammar = importlib.import_module("seq2seq.catalogue.grammar_files")
    pairs = [
        [(pair.source, pair.target) for pair in islice(grammar.load(split, "en", "de"), count)]
        for split, count in (("train", most), ("test", HELD_PAIRS))
    ]
    tokenizer = SubwordTokenizer.train((line for pair in pairs[0][:3000] for line in pair), size)
    train, held = (_joined(tokenizer, part, width) for part in pairs)
    return Pairs(tokenizer.size, train, held, tokenizer)


def _joined(tokenizer: SubwordTokenizer, pairs: Sequence[tuple[str, str]], width: int) -> tuple[np.ndarray, ...]:
    sides = [tokenizer.encode([pair[side] for pair in pairs]) for side in (0, 1)]
    rows = [(one, other) for one, other in zip(*sides, strict=True) if max(len(one), len(other)) <= width]
    source, target, following = (np.full((len(rows), width + 1), PAD, np.int32) for _ in range(3))
    whole, after, weights = (np.full((len(rows), 2 * width + 2), PAD, np.int32) for _ in range(3))
    for number, (one, other) in enumerate(rows):
        source[number, : len(one) + 1] = [*one, EOS]
        target[number, : len(other) + 1] = [BOS, *other]
        following[number, : len(other) + 1] = [*other, EOS]
        joined = [*one, EOS, BOS, *other, EOS]
        whole[number, : len(joined) - 1] = joined[:-1]
        after[number, : len(joined) - 1] = joined[1:]
        weights[number, len(one) + 1 : len(joined) - 1] = 1
    return source, target, following, (following != PAD).astype(np.float32), whole, after, weights.astype(np.float32)
