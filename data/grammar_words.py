"""The words of the grammar as values, parsed from the tables of `grammar_lexicon`."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from . import grammar_lexicon as lexicon

RESERVED_PERCENT = 8

Forms = tuple[str, str]
"""English and German."""


class Pair(NamedTuple):
    """Two German words in relation: `object` (verb, noun), `subject` (noun, verb) or `adjective` (adjective, noun)."""

    kind: str
    first: str
    second: str

    @property
    def reserved(self) -> bool:
        """Whether it must not occur in training: a fixed 8 % of all pairs."""
        return zlib.crc32("/".join(self).encode()) % 100 < RESERVED_PERCENT


class Sentence(NamedTuple):
    """A sentence and its translation; `right_context` counts the words whose translation depends on a later word."""

    english: str
    german: str
    pairs: tuple[Pair, ...]
    right_context: int


class Noun(NamedTuple):
    """`group` names the predicates that decide the sense of a homograph; empty for other nouns."""

    english: str
    english_plural: str
    pronoun: str
    gender: str
    singular: str
    genitive: str
    plural: str
    classes: frozenset[str] = frozenset()
    group: str = ""

    @property
    def plural_only(self) -> bool:
        """Plural in English, singular in German: trousers, Hose."""
        return self.english == self.english_plural

    @property
    def weak(self) -> bool:
        """Der Junge, den Jungen; der Buchstabe, den Buchstaben, des Buchstabens."""
        return self.gender == "m" and self.plural.endswith("n") and self.genitive.startswith(self.plural)

    @property
    def name(self) -> str:
        return self.plural if self.singular == "!" else self.singular


class Verb(NamedTuple):
    """`english`: base, past, participle; `german`: infinitive, 3rd person, preterite, participle.

    `before`: the particle is a preposition before the object.
    """

    english: tuple[str, ...]
    german: tuple[str, ...]
    particle: str = ""
    before: bool = False
    prefix: str = ""
    auxiliary: str = "haben"
    case: str = "acc"
    classes: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return self.prefix + self.german[0]


class Adjective(NamedTuple):
    """`german` is the predicative form, `stem` takes the endings."""

    rank: int
    english: str
    german: str
    stem: str
    classes: frozenset[str]


def entries_of(table: str) -> list[str]:
    """Returns the entries of a table, which are separated by line breaks or semicolons."""
    return [entry.strip() for entry in re.split("[;\n]", table) if entry.strip()]


def forms_of(table: str) -> tuple[Forms, ...]:
    """Reads `english > german`."""
    return tuple((english, german) for english, german in (entry.split(" > ") for entry in entries_of(table)))


def _suffixed(word: str, suffix: str) -> str:
    """Adds the -s or -ed of regular nouns and verbs."""
    if re.search("[^aeiou]y$", word):
        return word[:-1] + ("ies" if suffix == "s" else "ied")
    if suffix == "s":
        return word + ("es" if re.search("(s|sh|ch|x|o)$", word) and word != "radio" else "s")
    return word + ("d" if word.endswith("e") else "ed")


def _noun(entry: str, kind: str) -> Noun:
    entry, _, group = entry.partition(" / ")
    left, right = (side.split() for side in entry.split(" = "))
    tags = [word[1:] for word in right if word[0] == "+"]
    english = [word.replace("_", " ") for word in right if word[0] != "+"]
    gender, singular, *genitive, plural = left
    own = genitive[0] if genitive else singular + ("" if gender == "f" else "s")
    pronoun = {"m": "he", "f": "she", "n": ""}[gender] if "person" in (kind, *tags) else "it"
    thing = ["any"] if kind in lexicon.THINGS.split() else []
    many = english[1] if len(english) > 1 else _suffixed(english[0], "s")
    return Noun(english[0], many, pronoun, gender, singular, own, plural, frozenset([kind, *tags, *thing]), group)


def _verb(entry: str) -> Verb:
    english, classes, german = (part.split() for part in entry.split("|"))
    base, *past = english[0].split("/")
    first = past[0] if past else _suffixed(base, "ed")
    particle = " ".join(english[1:])
    prefix = german.pop(0)[:-1] if german[0].endswith("-") else ""
    return Verb(
        (base, first, past[-1] if past else first),
        (*german[:3], prefix + german[3]),
        particle.removeprefix("~"),
        particle.startswith("~"),
        prefix,
        "sein" if german[-1] == "sein" else "haben",
        "dat" if "dat" in classes else "acc",
        frozenset(classes),
    )


def _adjective(entry: str) -> Adjective:
    words, classes = entry.split(": ")
    rank, english, german = words.split()
    predicative, _, stem = german.partition("/")
    return Adjective(int(rank), english, predicative, stem or predicative, frozenset(classes.split()))


NOUNS = tuple(_noun(entry, kind) for kind, table in lexicon.NOUNS.items() for entry in entries_of(table))
HOMOGRAPHS = tuple(_noun(entry, "homograph") for entry in entries_of(lexicon.HOMOGRAPHS))
ADJECTIVES = tuple(_adjective(entry) for entry in entries_of(lexicon.ADJECTIVES))
KINDS = ("particle", "transitive", "placing", "giving", "intransitive", "sentence", "feeling")
VERBS = {kind: tuple(map(_verb, entries_of(getattr(lexicon, f"{kind.upper()}_VERBS")))) for kind in KINDS}
BE = Verb(("be", "was", "been"), ("sein", "ist", "war", "gewesen"), auxiliary="sein")
WE = Noun("we", "", "we", "m", "wir", "", "")
THAT = Noun("that", "those", "", "n", "das", "", "")
"""A clause as a subject."""


@cache
def nouns_of(classes: frozenset[str]) -> tuple[Noun, ...]:
    """Returns the nouns of any of these classes."""
    return tuple(noun for noun in NOUNS + HOMOGRAPHS if ("any" in classes or not noun.group) and classes & noun.classes)


@cache
def adjectives_of(classes: frozenset[str]) -> tuple[Adjective, ...]:
    """Returns the adjectives that go with any of these classes."""
    return tuple(adjective for adjective in ADJECTIVES if classes & adjective.classes)


def _ambiguous(translations: Iterator[Forms]) -> frozenset[str]:
    """Returns the English words that have more than one German translation."""
    german: dict[str, str] = {}
    return frozenset([english for english, word in translations if german.setdefault(english, word) != word])


AMBIGUOUS_VERBS = _ambiguous((verb.english[0], verb.name) for verbs in VERBS.values() for verb in verbs)
AMBIGUOUS_ADJECTIVES = _ambiguous((adjective.english, adjective.german) for adjective in ADJECTIVES)


def _predicates() -> dict[str, tuple[tuple[Verb, Forms], ...]]:
    """Group -> verbs with their complements."""
    german = dict(entry.split(": ") for entry in entries_of(lexicon.PREDICATE_VERBS))
    groups: dict[str, tuple[tuple[Verb, Forms], ...]] = {}
    for entry in entries_of(lexicon.PREDICATES):
        left, _, right = entry.partition(" >")
        group, forms, *english = left.split()
        phrase, _, other = right.strip().removesuffix(")").partition(" (")
        base = forms.split("/")[0]
        verb = _verb(f"{'be/was/been' if base == 'be' else forms} | - | {german[other or base]}")
        complement = (" ".join(english).replace("_", " "), phrase.replace("_", " "))
        groups[group] = (*groups.get(group, ()), (verb, complement))
    return groups


PREDICATES = _predicates()
TIMES = {tense: forms_of(table) for tense, table in lexicon.TIMES.items()}
FREQUENCIES, MANNERS, CIRCUMSTANCES = (
    forms_of(table) for table in (lexicon.FREQUENCIES, lexicon.MANNERS, lexicon.CIRCUMSTANCES)
)
