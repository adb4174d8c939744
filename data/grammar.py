"""English-German sentences of a small grammar, made on the spot: a corpus that needs no download.

The words stand in `data.grammar_lexicon`. The translation is a function of the source: whatever decides a German word
(the particle of a verb, the predicate that tells one bat from the other) stands in the English sentence, most of it to
the right. A dev or test sentence holds a pair of words (`Pair`) that training never shows together.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple, TypeGuard, TypeVar

from data import grammar_lexicon as lexicon

NAME = "grammar"
LANGUAGES = ("en", "de")
SPLITS = {"train": 30_000, "dev": 500, "test": 1_000}
RESERVED_PERCENT = 8
MIN_WORDS, MAX_WORDS = 4, 25

Item = TypeVar("Item")
Forms = tuple[str, str]
"""English and German."""


class Pair(NamedTuple):
    """Two German words that meet: `object` (verb, noun), `subject` (noun, verb) or `adjective` (adjective, noun)."""

    kind: str
    first: str
    second: str

    @property
    def reserved(self) -> bool:
        """Whether training must not show it: a fixed 8 % of all pairs."""
        return zlib.crc32("/".join(self).encode()) % 100 < RESERVED_PERCENT


class Sentence(NamedTuple):
    """A pair of sentences; `right_context` counts the words whose translation a later word decides."""

    english: str
    german: str
    pairs: tuple[Pair, ...]
    right_context: int


class Noun(NamedTuple):
    """`group` names the predicates that tell a homograph's sense, else it is empty."""

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
        """English says trousers, German Hose."""
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


def _entries(table: str) -> list[str]:
    return [entry.strip() for entry in re.split("[;\n]", table) if entry.strip()]


def _forms(table: str) -> tuple[Forms, ...]:
    """Reads `english > german`."""
    return tuple((english, german) for english, german in (entry.split(" > ") for entry in _entries(table)))


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


NOUNS = tuple(_noun(entry, kind) for kind, table in lexicon.NOUNS.items() for entry in _entries(table))
HOMOGRAPHS = tuple(_noun(entry, "homograph") for entry in _entries(lexicon.HOMOGRAPHS))
ADJECTIVES = tuple(_adjective(entry) for entry in _entries(lexicon.ADJECTIVES))
KINDS = ("particle", "transitive", "placing", "giving", "intransitive", "sentence", "feeling")
VERBS = {kind: tuple(map(_verb, _entries(getattr(lexicon, f"{kind.upper()}_VERBS")))) for kind in KINDS}
BE = Verb(("be", "was", "been"), ("sein", "ist", "war", "gewesen"), auxiliary="sein")
WE = Noun("we", "", "we", "m", "wir", "", "")
THAT = Noun("that", "those", "", "n", "das", "", "")
"""The subject that is a clause."""


@cache
def _nouns_of(classes: frozenset[str]) -> tuple[Noun, ...]:
    return tuple(noun for noun in NOUNS + HOMOGRAPHS if ("any" in classes or not noun.group) and classes & noun.classes)


@cache
def _adjectives_of(classes: frozenset[str]) -> tuple[Adjective, ...]:
    return tuple(adjective for adjective in ADJECTIVES if classes & adjective.classes)


def _several(translations: Iterator[Forms]) -> frozenset[str]:
    """The English words that have more than one German word."""
    german: dict[str, str] = {}
    return frozenset([english for english, word in translations if german.setdefault(english, word) != word])


AMBIGUOUS_VERBS = _several((verb.english[0], verb.name) for verbs in VERBS.values() for verb in verbs)
AMBIGUOUS_ADJECTIVES = _several((adjective.english, adjective.german) for adjective in ADJECTIVES)


def _predicates() -> dict[str, tuple[tuple[Verb, Forms], ...]]:
    """Group -> verbs with their complements."""
    german = dict(entry.split(": ") for entry in _entries(lexicon.PREDICATE_VERBS))
    groups: dict[str, tuple[tuple[Verb, Forms], ...]] = {}
    for entry in _entries(lexicon.PREDICATES):
        left, _, right = entry.partition(" >")
        group, forms, *english = left.split()
        phrase, _, other = right.strip().removesuffix(")").partition(" (")
        base = forms.split("/")[0]
        verb = _verb(f"{'be/was/been' if base == 'be' else forms} | - | {german[other or base]}")
        complement = (" ".join(english).replace("_", " "), phrase.replace("_", " "))
        groups[group] = (*groups.get(group, ()), (verb, complement))
    return groups


PREDICATES = _predicates()
TIMES = {tense: _forms(table) for tense, table in lexicon.TIMES.items()}
FREQUENCIES, MANNERS, CIRCUMSTANCES = (
    _forms(table) for table in (lexicon.FREQUENCIES, lexicon.MANNERS, lexicon.CIRCUMSTANCES)
)


GENDERED = {
    "nom": ("r", "s", "e", "e"),
    "acc": ("n", "s", "e", "e"),
    "dat": ("m", "m", "r", "n"),
    "gen": ("s", "s", "r", "r"),
}
ARTICLE = {"nom": "der das die die", "acc": "den das die die", "dat": "dem dem der den", "gen": "des des der der"}
PRONOUN = {"nom": "er es sie sie", "acc": "ihn es sie sie", "dat": "ihm ihm ihr ihnen"}
EIN = {"a": "ein", "no": "kein", "my": "mein", "our": "unser", "his": "sein", "her": "ihr", "their": "ihr"}
NUMBERS = {"two": "zwei", "three": "drei", "four": "vier", "several": "mehrere", "many": "viele"}
OBJECTIVE = {"he": "him", "she": "her", "it": "it", "they": "them", "we": "us"}
POSSESSIVE = {"he": "his", "she": "her", "they": "their", "we": "our"}
MODALS = {
    "can": ("can", "can", "kann", "können"),
    "could": ("could", "could", "konnte", "konnten"),
    "have to": ("has to", "have to", "muss", "müssen"),
    "had to": ("had to", "had to", "musste", "mussten"),
    "want to": ("wants to", "want to", "will", "wollen"),
    "wanted to": ("wanted to", "wanted to", "wollte", "wollten"),
    "will": ("will", "will", "wird", "werden"),
}
"""Tense -> English and German, singular and plural."""


def _join(*words: str) -> str:
    return " ".join(word for word in words if word)


def _third(verb: str) -> str:
    return "has" if verb == "have" else _suffixed(verb, "s")


def _article(following: str) -> str:
    return "an" if re.match("(?!used|uni)[aeiou]", following) else "a"


@dataclass(frozen=True)
class Phrase:
    """A noun phrase, or the pronoun that stands for it, or the gap that a relative pronoun fills."""

    noun: Noun
    plural: bool = False
    determiner: str = "the"
    adjectives: tuple[Adjective, ...] = ()
    genitive: Phrase | None = None
    relative: Clause | None = None
    form: str = "noun"

    @property
    def many(self) -> bool:
        """Whether the English noun is plural."""
        return self.plural or self.noun.plural_only

    @property
    def pronoun(self) -> str:
        """The English pronoun, empty for a noun that has none."""
        return "they" if self.noun.pronoun and self.noun.pronoun != "we" and self.many else self.noun.pronoun

    def english(self, subject: bool = False) -> str:
        if self.form == "pronoun":
            return self.pronoun if subject else OBJECTIVE[self.pronoun]
        if self.form == "gap":
            return "that" if "person" not in self.noun.classes else "who" if subject else "whom"
        noun = self.noun.english_plural if self.many else self.noun.english
        words = _join(*(adjective.english for adjective in self.adjectives), noun)
        determiner = (
            {"this": "these", "a": "", "no": "any"}.get(self.determiner, self.determiner)
            if self.many
            else self.determiner
        )
        if determiner in ("a", "no"):
            determiner = _article(words)
        return _join(
            determiner,
            words,
            "of " + self.genitive.english() if self.genitive else "",
            self.relative.english() if self.relative else "",
        )

    def german(self, case: str) -> str:
        column = 3 if self.plural else "mnf".index(self.noun.gender)
        if self.form == "pronoun":
            return ("uns" if case != "nom" else "wir") if self.pronoun == "we" else PRONOUN[case].split()[column]
        if self.form == "gap":
            return "denen" if (case, column) == ("dat", 3) else ARTICLE[case].split()[column]
        determiner, ending = self._determiner(case, column)
        adjectives = (adjective.stem + ending for adjective in self.adjectives)
        owner = self.genitive.german("gen") if self.genitive else ""
        return _join(determiner, *adjectives, self._noun(case), owner)

    def tail(self) -> str:
        """The relative clause in German with its commas."""
        return f", {self.relative.german_subordinate()}," if self.relative else ""

    def _noun(self, case: str) -> str:
        if self.plural:
            return self.noun.plural + ("n" if case == "dat" and self.noun.plural[-1] not in "ns" else "")
        if case == "gen":
            return self.noun.genitive
        return self.noun.plural if self.noun.weak and case != "nom" else self.noun.singular

    def _determiner(self, case: str, column: int) -> tuple[str, str]:
        """The German determiner and the ending it leaves to the adjectives."""
        strong = GENDERED[case][column]
        weak = "en" if self.plural or case in ("dat", "gen") or strong == "n" else "e"
        if self.determiner == "the":
            return ARTICLE[case].split()[column], weak
        if self.determiner == "this":
            return f"diese{strong}" if strong != "e" else "diese", weak
        ending = "e" if strong == "e" else f"e{strong}"
        if self.determiner in NUMBERS:
            number = NUMBERS[self.determiner]
            return number + (ending[1:] if number[-1] == "e" else ""), ending
        if self.determiner == "a" and self.plural:
            return "", ending
        bare = (case, column) in (("nom", 0), ("nom", 1), ("acc", 1))
        return EIN[self.determiner] + ("" if bare else ending), ending if bare else weak


@dataclass(frozen=True)
class Clause:
    """One verb and what belongs to it. `complement`, `adverbial`, `frequency` and `manner` are (English, German)."""

    subject: Phrase
    verb: Verb
    object: Phrase | None = None
    recipient: Phrase | None = None
    direction: tuple[str, str, Phrase] | None = None
    tense: str = "present"
    negated: bool = False
    complement: Forms = ("", "")
    adverbial: Forms = ("", "")
    frequency: Forms = ("", "")
    manner: Forms = ("", "")
    fronted: bool = False
    silent: bool = False
    """The subject is that of the clause before it, and is left out."""

    def english(self) -> str:
        gap = self.object is not None and self.object.form == "gap"
        objects = self.object.english() if self.object and not gap else ""
        particle = self.verb.particle
        heavy = self.object is not None and self.object.relative is not None
        objects = _join(particle, objects) if self.verb.before or heavy else _join(objects, particle)
        subject = "" if self.silent or self.tense == "infinitive" else self.subject.english(subject=True)
        return _join(
            self.adverbial[0] if self.fronted else "",
            self.object.english() if self.object and gap else "",
            subject,
            self._english_verb(),
            objects,
            "to " + self.recipient.english() if self.recipient else "",
            _join(self.direction[0], self.direction[2].english()) if self.direction else "",
            self.complement[0],
            self.manner[0],
            "" if self.fronted else self.adverbial[0],
        )

    def _english_verb(self) -> str:
        base, past, participle = self.verb.english
        many = self.subject.many
        often, no = self.frequency[0], "not" if self.negated else ""
        if self.tense in MODALS:
            modal = MODALS[self.tense][many]
            if self.tense in ("can", "could", "will"):
                modal = "cannot" if no and modal == "can" else _join(modal, no)
                return _join(modal, often, base)
            return _join(often, modal, base)
        if self.tense in ("perfect", "pluperfect"):
            return _join("had" if self.tense == "pluperfect" else "have" if many else "has", no, often, participle)
        if self.tense == "infinitive":
            return "to " + base
        if base == "be":
            present = "are" if many else "is"
            return _join(present if self.tense == "present" else "were" if many else "was", no, often)
        if self.negated:
            return _join("did" if self.tense == "past" else "do" if many else "does", "not", base)
        return _join(often, past if self.tense == "past" else base if many else _third(base))

    def german_main(self, inverted: bool = False) -> str:
        finite, rest, prefix = self._german_verb()
        subject = "" if self.silent else _join(self.subject.german("nom"), self.subject.tail())
        if self.fronted:
            return _join(self.adverbial[1], finite, subject, self._middle(), rest, prefix, self._tail())
        opening = (finite, subject) if inverted else (subject, finite)
        return _join(*opening, self._middle(), rest, prefix, self._tail())

    def german_subordinate(self) -> str:
        """Verb last; a relative pronoun comes first."""
        finite, rest, prefix = self._german_verb()
        gap = self.object is not None and self.object.form == "gap"
        first = self.object.german(self.verb.case) if self.object and gap else ""
        subject = _join(self.subject.german("nom"), self.subject.tail())
        return _join(first, subject, self._middle(), rest, prefix + finite, self._tail())

    def german_infinitive(self) -> str:
        infinitive = self.verb.german[0]
        end = f"{self.verb.prefix}zu{infinitive}" if self.verb.prefix else f"zu {infinitive}"
        return _join(self._middle(), end)

    def _tail(self) -> str:
        return self.object.tail() if self.object else ""

    def _middle(self) -> str:
        """Pronoun, recipient, time or place, object, manner or nicht, goal; manner precedes an indefinite object."""
        case, noun, pronoun, definite = self.verb.case, "", "", True
        if self.object and self.object.form == "pronoun":
            pronoun = self.object.german(case)
        elif self.object and self.object.form == "noun":
            noun = self.object.german(case)
            definite = self.object.determiner in ("the", "this", *POSSESSIVE.values(), "my")
        no = "nicht" if self.negated and not (self.object and self.object.determiner == "no") else ""
        manner = _join(no, self.manner[1])
        goal = ""
        if self.direction:
            goal = _join(self.direction[1], self.direction[2].german("acc"))
        return _join(
            pronoun,
            self.recipient.german("dat") if self.recipient else "",
            self.frequency[1],
            "" if self.fronted else self.adverbial[1],
            _join(noun, manner) if definite else _join(manner, noun),
            goal,
            self.complement[1],
        )

    def _german_verb(self) -> tuple[str, str, str]:
        """The finite verb, what closes the clause before it, and the separable prefix."""
        infinitive, third, preterite, participle = self.verb.german
        plural = self.subject.plural
        if self.tense in MODALS:
            return MODALS[self.tense][2 + plural], self.verb.prefix + infinitive, ""
        if self.tense in ("perfect", "pluperfect"):
            forms = {"haben": "hat haben hatte hatten", "sein": "ist sind war waren"}[self.verb.auxiliary].split()
            return forms[plural + 2 * (self.tense == "pluperfect")], participle, ""
        if self.tense == "past":
            plural_form = preterite + ("n" if preterite.endswith("e") else "en")
            return plural_form if plural else preterite, "", self.verb.prefix
        plural_form = "sind" if infinitive == "sein" else infinitive
        return plural_form if plural else third, "", self.verb.prefix


class _RetryError(Exception):
    """The sentence is given up, and another is drawn."""


class _Writer:
    """Draws sentences; every choice is one call of `random`, the same on every platform."""

    def __init__(self, seed: int, reserved: bool) -> None:
        self._reserved = reserved
        self._random = random.Random(seed)
        self._pairs: list[Pair] = []
        self._right_context = 0

    def sentence(self) -> Sentence:
        while True:
            self._pairs, self._right_context = [], 0
            try:
                english, german = self._pick(TEMPLATES)(self, self._chance(0.5))
            except _RetryError:
                continue
            if MIN_WORDS <= len(english.split()) <= MAX_WORDS:
                return Sentence(
                    _finish(english), _finish(german), tuple(dict.fromkeys(self._pairs)), self._right_context
                )

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _pick(self, items: Sequence[Item]) -> Item:
        return items[int(self._random.random() * len(items))]

    # Phrases

    def _phrase(self, noun: Noun, determiners: str, adjectives: float = 1.0) -> Phrase:
        """A noun with a determiner of the list and up to two adjectives."""
        plural = noun.singular == "!" or (not noun.plural_only and self._chance(0.3))
        determiner = self._pick(determiners.split())
        if determiner == "NUMBER":
            determiner = self._pick(tuple(NUMBERS)) if plural else "the"
        allowed = (
            ("this", "my", "our") if noun.group else () if noun.plural_only and determiner == "a" else (determiner,)
        )
        determiner = determiner if determiner in allowed else "the"
        known = _adjectives_of(noun.classes)
        count = self._pick((0, 1, 1, 1, 2, 2)) if known and self._chance(adjectives) else 0
        chosen = [self._pick(known) for _ in range(count)]
        if count == 2 and chosen[0].rank >= chosen[1].rank:
            chosen = chosen[1:]
        for adjective in chosen:
            self._meet("adjective", adjective.german, noun.name)
            self._right_context += adjective.english in AMBIGUOUS_ADJECTIVES
        self._right_context += bool(noun.group)
        return Phrase(noun, plural, determiner, tuple(chosen))

    def _person(self, determiners: str = "the the the the a my our this NUMBER") -> Phrase:
        if self._chance(0.05):
            return Phrase(WE, plural=True, form="pronoun")
        return self._phrase(self._pick(_nouns_of(PERSON)), determiners, 0.35)

    def _thing(self, verb: Verb, subject: Phrase, negated: bool, giving: bool) -> Phrase:
        """An object that the verb takes, possibly the subject's own, or with an owner in the genitive."""
        noun = self._pick(_nouns_of(verb.classes))
        determiners = "the the the a a this NUMBER"
        ownable = not noun.classes & NOT_OWNED and not noun.group
        if subject.pronoun in POSSESSIVE and ownable:
            determiners += f" {POSSESSIVE[subject.pronoun]}" * 2
        if negated:
            determiners = "the this" if giving or noun.group else "the the no no this"
        phrase = self._phrase(noun, determiners)
        if phrase.determiner == "the" and ownable and not negated and not giving and self._chance(0.25):
            return replace(phrase, genitive=self._phrase(self._pick(_nouns_of(PERSON)), "the the my our", 0.3))
        return phrase

    def _meet(self, kind: str, first: str, second: str) -> None:
        pair = Pair(kind, first, second)
        if pair.reserved and not self._reserved:
            raise _RetryError
        self._pairs.append(pair)

    def _verb_for(self, noun: Noun, other_than: Verb = BE) -> Verb:
        """A verb that takes this noun for its object."""
        return self._pick([verb for verb in OBJECT_VERBS if verb.classes & noun.classes and verb != other_than])

    # Clauses

    def _build(self, subject: Phrase, verb: Verb, tense: str, **parts: Any) -> Clause:
        """The clause, with its pairs counted; a tense that English would not show becomes another."""
        if verb.english[0] == verb.english[1] and subject.many and tense in ("present", "past"):
            tense = "have to" if tense == "present" else "had to"
        if verb.english[0] in STATIVE and tense in MODALS:
            tense = "past" if tense in PAST_TENSES else "present"
        if tense in UNNEGATED and parts.get("negated"):
            raise _RetryError
        clause = Clause(subject, verb, tense=tense, **parts)
        if subject.noun.classes and not subject.noun.group:
            self._meet("subject", subject.noun.name, verb.name)
        if clause.object:
            self._meet("object", verb.name, clause.object.noun.name)
        self._right_context += verb.english[0] in AMBIGUOUS_VERBS
        return clause

    def _tense(self, past: bool, style: str = "") -> str:
        """`simple`: present or preterite; `one time`: no perfect, which does not go with `when`."""
        tenses: Sequence[str] = PAST_TENSES if past else PRESENT_TENSES
        if style == "one time":
            tenses = [tense for tense in tenses if tense != "perfect"]
        return tenses[0] if style == "simple" else self._pick(tenses)

    def _clause(self, past: bool, subject: Phrase | None = None, style: str = "", kinds: Sequence[str] = ()) -> Clause:
        subject = subject or self._person()
        kind = self._pick(kinds or CLAUSE_KINDS)
        verb = self._pick(VERBS[kind])
        negated = self._chance(0.1) and kind != "placing" and subject.determiner not in ("a", *NUMBERS)
        parts: dict[str, Any] = {"negated": negated}
        if kind != "intransitive":
            parts["object"] = self._thing(verb, subject, negated, kind == "giving")
        if parts.get("object") and parts["object"].noun.group:
            parts["object"] = replace(parts["object"], relative=self._predicate(past, parts["object"], "gap"))
        if kind == "giving":
            parts["object"] = replace(parts["object"], relative=None)
            parts["recipient"] = self._phrase(self._pick(_nouns_of(PERSON)), "the the my our this", 0.3)
        if kind == "placing":
            self._right_context += 1
            place = self._pick(tuple(PREPOSITIONS))
            goal = self._phrase(self._pick(_nouns_of(frozenset([place]))), "the the the this our", 0.5)
            parts["direction"] = (*self._pick(PREPOSITIONS[place]), goal)
        return self._build(subject, verb, self._tense(past, style), **parts)

    def _predicate(self, past: bool, phrase: Phrase, form: str) -> Clause:
        """What tells the sense of a homograph, or an adjective about another noun; `form` as in `Phrase`."""
        subject = replace(phrase, form=form, adjectives=phrase.adjectives if form == "noun" else ())
        tense = self._tense(past, style="simple")
        if phrase.noun.group:
            verb, complement = self._pick(PREDICATES[phrase.noun.group])
            return Clause(subject, verb, tense=tense, complement=complement)
        known = [adjective for adjective in _adjectives_of(phrase.noun.classes) if adjective.rank < 3]
        ranks = [adjective.rank for adjective in phrase.adjectives]
        adjective = self._pick([adjective for adjective in known if adjective.rank not in ranks] or known)
        self._meet("adjective", adjective.german, phrase.noun.name)
        self._right_context += adjective.english in AMBIGUOUS_ADJECTIVES
        degrees = () if adjective.german in ABSOLUTE else (("very", "sehr"), ("too", "zu"))
        english, german = self._pick(degrees[: 1 + (adjective.german in EXCESSIVE.split())] or (("", ""),))
        complement = (_join(english, adjective.english), _join(german, adjective.german))
        return Clause(subject, BE, tense=tense, complement=complement)

    def _follow(self, past: bool, first: Clause, style: str = "", silent: bool = False) -> Clause:
        """A clause that takes up persons and things of the one before it by pronouns."""
        subject = first.subject
        style = "simple" if silent else style
        if not silent:
            again = subject.pronoun and self._chance(0.5)
            subject = replace(subject, form="pronoun", relative=None) if again else self._person()
        thing = first.object
        if not self._taken_up(thing) or first.recipient or first.direction or self._chance(0.25):
            return replace(self._clause(past, subject, style), silent=silent)
        verb = self._verb_for(thing.noun, other_than=first.verb)
        thing = replace(thing, form="pronoun", genitive=None, relative=None)
        return self._build(subject, verb, self._tense(past, style), object=thing, silent=silent)

    def _adorn(self, clause: Clause, front: bool = True, frequent: bool = True) -> Clause:
        """Adds when, where, how often or how."""
        if clause.verb.english[0] in STATIVE:
            return clause
        heavy = clause.object is not None and clause.object.relative is not None
        choice = self._pick(("time", "time", "time", "circumstance", "frequency", "place", "", ""))
        fronted = front and (heavy or self._chance(0.5))
        known: Sequence[Forms] = ()
        if choice == "place" and front:
            known, fronted = (self._place(),), True
        elif choice == "frequency" and frequent and not clause.negated:
            often = ("already", "schon") if clause.tense == "perfect" else self._pick(FREQUENCIES)
            clause = replace(clause, frequency=often)
        elif choice in ("time", "circumstance") and (fronted or not heavy):
            known = self._times(clause.tense) if choice == "time" else CIRCUMSTANCES
            if not fronted:  # never: puts it on on Sundays
                known = [one for one in known if one[0].split()[0] != clause.verb.particle]
        if known:
            clause = replace(clause, adverbial=self._pick(known), fronted=fronted)
        calm = not (clause.negated or heavy or (known and not fronted)) and clause.verb in VERBS["particle"]
        if calm and self._chance(0.2):
            clause = replace(clause, manner=self._pick(MANNERS))
        return clause

    def _times(self, tense: str) -> Sequence[Forms]:
        if tense == "perfect":
            return ()
        return TIMES["past" if tense in PAST_TENSES else "future" if tense in ("will", "want to") else "present"]

    def _place(self) -> Forms:
        kind = self._pick(tuple(PLACES))
        english, german = self._pick(PLACES[kind])
        place = self._phrase(self._pick(_nouns_of(frozenset([kind]))), "the the our this", 0.6)
        place = replace(place, plural=False)
        return _join(english, place.english()), _join(german, place.german("dat"))

    # Templates

    def single(self, past: bool) -> Forms:
        clause = self._adorn(self._clause(past))
        return clause.english(), clause.german_main()

    def subordinate(self, past: bool) -> Forms:
        english, german = self._pick(CONJUNCTIONS)
        past = english == "after" or (past and english != "if")
        causal = english in ("because", "although")
        leading = self._chance(0.5)
        first = self._clause(past, style="" if causal else "simple" if leading else "one time")
        second = self._follow(past, first, style="" if causal else "one time" if leading else "simple")
        if causal and not leading and self._taken_up(first.object) and self._settled(first) and self._chance(0.4):
            second = self._predicate(past, first.object, "pronoun")
        minor, main = (first, second) if leading else (second, first)
        if minor.negated and english in ("before", "after"):
            raise _RetryError
        if english == "after" and minor.tense == "past":
            minor = replace(minor, tense="pluperfect")
        if english == "when":
            german = "als" if past else "wenn"
        main = self._adorn(main, front=not leading, frequent=causal or english == "if")
        return _complex((english, german), minor, main, leading)

    def coordinate(self, past: bool) -> Forms:
        first = self._adorn(self._clause(past, style="simple"))
        if self._chance(0.5):
            second = self._follow(past, first, silent=True)
            return f"{first.english()} and {second.english()}", f"{first.german_main()} und {second.german_main()}"
        second = self._follow(past, first)
        return f"{first.english()}, but {second.english()}", f"{first.german_main()}, aber {second.german_main()}"

    def content(self, past: bool) -> Forms:
        """Knows that, asks whether."""
        verb = self._pick(VERBS["sentence"])
        main = self._build(self._person(), verb, self._tense(past, style="simple"), negated=self._chance(0.1))
        if self._chance(0.25):
            minor = self._predicate(past, self._phrase(self._pick(HOMOGRAPHS), "the this"), "noun")
        else:
            minor = self._adorn(self._clause(past), front=False)
        that = self._pick([word for word in ("that", "whether") if word in verb.classes])
        return _complex((that, {"that": "dass", "whether": "ob"}[that]), minor, main, leading=False)

    def feeling(self, past: bool) -> Forms:
        """That she sleeps surprises the man."""
        minor = self._clause(past, style="simple")
        someone = self._phrase(self._pick(_nouns_of(PERSON)), "the the my our this a", 0.5)
        tense = self._tense(past, style="simple")
        main = Clause(Phrase(THAT), self._pick(VERBS["feeling"]), object=someone, tense=tense, silent=True)
        self._meet("object", main.verb.name, someone.noun.name)
        return (
            f"that {minor.english()} {main.english()}",
            f"dass {minor.german_subordinate()}, {main.german_main()}",
        )

    def relative_subject(self, past: bool) -> Forms:
        person = self._phrase(self._pick(_nouns_of(PERSON)), "the the the my our this NUMBER", 0.5)
        gap = Phrase(person.noun, person.plural, form="gap")
        if self._chance(0.7):
            relative = self._clause(past, gap)
        else:
            verb = self._pick([verb for verb in OBJECT_VERBS if "person" in verb.classes])
            relative = self._build(self._person(), verb, self._tense(past), object=gap)
        main = self._clause(past, replace(person, relative=relative))
        return main.english(), main.german_main()

    def relative_object(self, past: bool) -> Forms:
        main = self._clause(past, kinds=("particle", "particle", "transitive"))
        thing = main.object
        if thing and not thing.relative:
            known = thing.determiner in ("the", "a", "this", *NUMBERS)
            thing = replace(thing, genitive=None, determiner=thing.determiner if known else "the")
            if self._chance(0.7):
                gap = Phrase(thing.noun, thing.plural, form="gap")
                relative = self._build(
                    self._person(), self._verb_for(thing.noun, other_than=main.verb), self._tense(past), object=gap
                )
            else:
                relative = self._predicate(past, thing, "gap")
            main = replace(main, object=replace(thing, relative=relative))
        main = self._adorn(main)
        return main.english(), main.german_main()

    def purpose(self, past: bool) -> Forms:
        """In order to."""
        first = self._adorn(self._clause(past))
        second = replace(self._follow(past, first, silent=True), tense="infinitive", negated=False)
        if second.object and second.object.determiner == "no":
            second = replace(second, object=replace(second.object, determiner="the"))
        tail = second.object.tail() if second.object else ""
        english = f"{first.english()} in order {second.english()}"
        if " in in " in english:
            raise _RetryError
        return english, f"{first.german_main()}, um {second.german_infinitive()}{tail}"

    def homograph(self, past: bool) -> Forms:
        """A homograph, and its predicate in another clause: before or after a pronoun that stands for it."""
        phrase = self._phrase(self._pick(HOMOGRAPHS), "the the this our")
        subject = self._phrase(self._pick(_nouns_of(PERSON)), "the the my our this a", 0.35)
        verb = self._pick([verb for verb in OBJECT_VERBS if "any" in verb.classes])
        conjunction = self._pick(CONJUNCTIONS[:2])
        leading = self._chance(0.5)
        minor = self._predicate(past, phrase, "noun" if leading else "pronoun")
        thing = replace(phrase, form="pronoun") if leading else phrase
        main = self._build(subject, verb, self._tense(past, "simple" if leading else ""), object=thing)
        if not leading and self._chance(0.3):
            return f"{main.english()}, but {minor.english()}", f"{main.german_main()}, aber {minor.german_main()}"
        return _complex(conjunction, minor, self._adorn(main, front=not leading), leading)

    def homograph_subject(self, past: bool) -> Forms:
        """The bat that is made of wood is old."""
        phrase = self._phrase(self._pick(HOMOGRAPHS), "the the this our")
        relative = self._predicate(past, phrase, "gap")
        plain = replace(phrase, noun=phrase.noun._replace(group=""))
        statement = self._predicate(past, plain, "noun")
        main = replace(statement, subject=replace(phrase, relative=relative))
        return main.english(), main.german_main()

    @staticmethod
    def _taken_up(thing: Phrase | None) -> TypeGuard[Phrase]:
        """Whether `it` or `them` can only mean this thing."""
        return thing is not None and thing.form == "noun" and thing.noun.pronoun == "it" and thing.determiner != "no"

    @staticmethod
    def _settled(clause: Clause) -> bool:
        """Whether the object is all that a pronoun subject could mean."""
        return not (clause.subject.many or clause.direction or clause.recipient)


PERSON = frozenset(["person"])
NOT_OWNED = frozenset(["person", "building", "business", "event", "transport", "speech"])
OBJECT_VERBS = VERBS["particle"] + VERBS["transitive"]
UNNEGATED = ("have to", "had to", "want to", "wanted to")
STATIVE = frozenset(["know", "love", "need", "understand", "trust", "believe", "forget", "miss", "find", "notice"])
EXCESSIVE = "groß klein schwer teuer alt kurz schwierig hart weich dunkel nass schmutzig leicht langweilig leise"
"""One can be too old, hardly too famous."""
ABSOLUTE = frozenset(["kaputt", "leer", "gebraucht"])
CLAUSE_KINDS = ("particle",) * 11 + ("transitive",) * 4 + ("placing", "placing", "giving", "giving", "intransitive")
PAST_TENSES = ("past",) * 7 + ("could", "had to", "wanted to")
PRESENT_TENSES = ("present",) * 4 + ("perfect",) * 3 + ("can", "have to", "want to", "will")
PLACES, PREPOSITIONS = (
    {kind: _forms(table) for kind, table in tables.items()} for tables in (lexicon.PLACES, lexicon.DIRECTIONS)
)
CONJUNCTIONS = (*_forms(lexicon.CONJUNCTIONS), ("when", ""), ("after", "nachdem"))
TEMPLATES: tuple[Callable[[_Writer, bool], Forms], ...] = (
    *(_Writer.subordinate,) * 6,
    *(_Writer.single, _Writer.coordinate, _Writer.content, _Writer.relative_subject, _Writer.relative_object) * 2,
    *(_Writer.feeling, _Writer.purpose, _Writer.homograph, _Writer.homograph, _Writer.homograph_subject),
)


def _complex(conjunction: Forms, minor: Clause, main: Clause, leading: bool) -> Forms:
    """Joins a main clause and a subordinate one, which leads or follows."""
    english, german = _join(conjunction[0], minor.english()), _join(conjunction[1], minor.german_subordinate())
    if leading:
        return f"{english}, {main.english()}", f"{german}, {main.german_main(inverted=True)}"
    return f"{main.english()} {english}", f"{main.german_main()}, {german}"


def _finish(text: str) -> str:
    """One comma where clauses meet, a capital, a full stop."""
    text = re.sub(r"\s+(?=,)", "", text + ".").replace(" .", ".")
    text = re.sub(r",+(?=[,.])", "", text)
    text = re.sub(r"\b([Ii])n dem\b", r"\1m", re.sub(r"\b([Ii])n das\b", r"\1ns", text))
    return text[0].upper() + text[1:]


@cache
def _corpus() -> dict[str, tuple[Sentence, ...]]:
    """All splits, training first: the others may use its word forms only, and need a pair it lacks."""
    seen: set[str] = set()
    words: set[str] = set()
    corpus = {}
    for split, size in SPLITS.items():
        writer = _Writer(zlib.crc32(f"{NAME}/{split}".encode()), reserved=split != "train")
        sentences: list[Sentence] = []
        wanted = 0
        while len(sentences) < size:
            sentence = writer.sentence()
            reserved = sum(pair.reserved for pair in sentence.pairs)
            forms = words_of(sentence)
            fit = split == "train" or (reserved > wanted and forms <= words)
            if not fit or sentence.english in seen or sentence.german in seen:
                continue
            seen.update(sentence[:2])
            sentences.append(sentence)
            wanted = len(sentences) % 2 if split == "test" else 0
            if split == "train":
                words |= forms
        corpus[split] = tuple(sentences)
    return corpus


def words_of(sentence: Sentence) -> set[str]:
    """The word forms of both sides, each with its language."""
    sides = zip(LANGUAGES, sentence[:2], strict=True)
    return {f"{language} {word}" for language, text in sides for word in re.findall(r"\w+", text)}


def derivations(split: str) -> tuple[Sentence, ...]:
    """Returns the sentences of a split with the pairs in them; ValueError for an unknown split."""
    if split not in SPLITS:
        raise ValueError(f"The grammar has the splits {', '.join(SPLITS)}. Received: {split!r}")
    return _corpus()[split]


def generate(split: str) -> Iterator[tuple[str, str]]:
    """Yields the English and German sentences of a split, the same ones on every machine.

    Args:
        split: One of `SPLITS`.

    Raises:
        ValueError: an unknown split; raised on the call, not on the first sentence.
    """
    return ((sentence.english, sentence.german) for sentence in derivations(split))
