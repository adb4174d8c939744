"""Draws sentences at random: their structure, subjects, verbs and objects."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeGuard, TypeVar

from . import grammar_lexicon as lexicon
from .grammar_syntax import MODALS, NUMBERS, POSSESSIVE, Clause, Phrase, join
from .grammar_words import (
    AMBIGUOUS_ADJECTIVES,
    AMBIGUOUS_VERBS,
    BE,
    CIRCUMSTANCES,
    FREQUENCIES,
    HOMOGRAPHS,
    MANNERS,
    PREDICATES,
    THAT,
    TIMES,
    VERBS,
    WE,
    Forms,
    Noun,
    Pair,
    Sentence,
    Verb,
    adjectives_of,
    forms_of,
    nouns_of,
)

MIN_WORDS, MAX_WORDS = 4, 25
Item = TypeVar("Item")


class RetryError(Exception):
    """The sentence is discarded, and another one is drawn."""


class Writer:
    """Draws sentences. Every choice is one call of `random`, the same on every platform."""

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
            except RetryError:
                continue
            if MIN_WORDS <= len(english.split()) <= MAX_WORDS:
                return Sentence(finish(english), finish(german), tuple(dict.fromkeys(self._pairs)), self._right_context)

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _pick(self, items: Sequence[Item]) -> Item:
        return items[int(self._random.random() * len(items))]

    # Phrases

    def _phrase(self, noun: Noun, determiners: str, adjectives: float = 1.0) -> Phrase:
        """A noun with one of the determiners and up to two adjectives."""
        plural = noun.singular == "!" or (not noun.plural_only and self._chance(0.3))
        determiner = self._pick(determiners.split())
        if determiner == "NUMBER":
            determiner = self._pick(tuple(NUMBERS)) if plural else "the"
        allowed = (
            ("this", "my", "our") if noun.group else () if noun.plural_only and determiner == "a" else (determiner,)
        )
        determiner = determiner if determiner in allowed else "the"
        known = adjectives_of(noun.classes)
        count = self._pick((0, 1, 1, 1, 2, 2)) if known and self._chance(adjectives) else 0
        chosen = [self._pick(known) for _ in range(count)]
        if count == 2 and chosen[0].rank >= chosen[1].rank:
            chosen = chosen[1:]
        for adjective in chosen:
            self._add_pair("adjective", adjective.german, noun.name)
            self._right_context += adjective.english in AMBIGUOUS_ADJECTIVES
        self._right_context += bool(noun.group)
        return Phrase(noun, plural, determiner, tuple(chosen))

    def _person(self, determiners: str = "the the the the a my our this NUMBER") -> Phrase:
        if self._chance(0.05):
            return Phrase(WE, plural=True, form="pronoun")
        return self._phrase(self._pick(nouns_of(PERSON)), determiners, 0.35)

    def _thing(self, verb: Verb, subject: Phrase, negated: bool, giving: bool) -> Phrase:
        """An object of the verb, possibly owned by the subject, or with an owner in the genitive."""
        noun = self._pick(nouns_of(verb.classes))
        determiners = "the the the a a this NUMBER"
        ownable = not noun.classes & NOT_OWNED and not noun.group
        if subject.pronoun in POSSESSIVE and ownable:
            determiners += f" {POSSESSIVE[subject.pronoun]}" * 2
        if negated:
            determiners = "the this" if giving or noun.group else "the the no no this"
        phrase = self._phrase(noun, determiners)
        if phrase.determiner == "the" and ownable and not negated and not giving and self._chance(0.25):
            return replace(phrase, genitive=self._phrase(self._pick(nouns_of(PERSON)), "the the my our", 0.3))
        return phrase

    def _add_pair(self, kind: str, first: str, second: str) -> None:
        pair = Pair(kind, first, second)
        if pair.reserved and not self._reserved:
            raise RetryError
        self._pairs.append(pair)

    def _verb_for(self, noun: Noun, other_than: Verb = BE) -> Verb:
        """A verb that takes this noun as its object."""
        return self._pick([verb for verb in OBJECT_VERBS if verb.classes & noun.classes and verb != other_than])

    # Clauses

    def _build(self, subject: Phrase, verb: Verb, tense: str, **parts: Any) -> Clause:
        """Makes a clause and counts its pairs; replaces a tense that the English form would not show."""
        if verb.english[0] == verb.english[1] and subject.many and tense in ("present", "past"):
            tense = "have to" if tense == "present" else "had to"
        if verb.english[0] in STATIVE and tense in MODALS:
            tense = "past" if tense in PAST_TENSES else "present"
        if tense in UNNEGATED and parts.get("negated"):
            raise RetryError
        clause = Clause(subject, verb, tense=tense, **parts)
        if subject.noun.classes and not subject.noun.group:
            self._add_pair("subject", subject.noun.name, verb.name)
        if clause.object:
            self._add_pair("object", verb.name, clause.object.noun.name)
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
            parts["recipient"] = self._phrase(self._pick(nouns_of(PERSON)), "the the my our this", 0.3)
        if kind == "placing":
            self._right_context += 1
            place = self._pick(tuple(PREPOSITIONS))
            goal = self._phrase(self._pick(nouns_of(frozenset([place]))), "the the the this our", 0.5)
            parts["direction"] = (*self._pick(PREPOSITIONS[place]), goal)
        return self._build(subject, verb, self._tense(past, style), **parts)

    def _predicate(self, past: bool, phrase: Phrase, form: str) -> Clause:
        """A predicate that decides the sense of a homograph, or an adjective for other nouns; `form` as in `Phrase`."""
        subject = replace(phrase, form=form, adjectives=phrase.adjectives if form == "noun" else ())
        tense = self._tense(past, style="simple")
        if phrase.noun.group:
            verb, complement = self._pick(PREDICATES[phrase.noun.group])
            return Clause(subject, verb, tense=tense, complement=complement)
        known = [adjective for adjective in adjectives_of(phrase.noun.classes) if adjective.rank < 3]
        ranks = [adjective.rank for adjective in phrase.adjectives]
        adjective = self._pick([adjective for adjective in known if adjective.rank not in ranks] or known)
        self._add_pair("adjective", adjective.german, phrase.noun.name)
        self._right_context += adjective.english in AMBIGUOUS_ADJECTIVES
        degrees = () if adjective.german in ABSOLUTE else (("very", "sehr"), ("too", "zu"))
        english, german = self._pick(degrees[: 1 + (adjective.german in EXCESSIVE.split())] or (("", ""),))
        complement = (join(english, adjective.english), join(german, adjective.german))
        return Clause(subject, BE, tense=tense, complement=complement)

    def _follow(self, past: bool, first: Clause, style: str = "", silent: bool = False) -> Clause:
        """A clause that refers to persons and things of the clause before with pronouns."""
        subject = first.subject
        style = "simple" if silent else style
        if not silent:
            again = subject.pronoun and self._chance(0.5)
            subject = replace(subject, form="pronoun", relative=None) if again else self._person()
        thing = first.object
        if not self._is_referable(thing) or first.recipient or first.direction or self._chance(0.25):
            return replace(self._clause(past, subject, style), silent=silent)
        verb = self._verb_for(thing.noun, other_than=first.verb)
        thing = replace(thing, form="pronoun", genitive=None, relative=None)
        return self._build(subject, verb, self._tense(past, style), object=thing, silent=silent)

    def _adorn(self, clause: Clause, front: bool = True, frequent: bool = True) -> Clause:
        """Adds an adverbial of time, place, frequency or manner."""
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
        place = self._phrase(self._pick(nouns_of(frozenset([kind]))), "the the our this", 0.6)
        place = replace(place, plural=False)
        return join(english, place.english()), join(german, place.german("dat"))

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
        if causal and not leading and self._is_referable(first.object) and self._settled(first) and self._chance(0.4):
            second = self._predicate(past, first.object, "pronoun")
        minor, main = (first, second) if leading else (second, first)
        if minor.negated and english in ("before", "after"):
            raise RetryError
        if english == "after" and minor.tense == "past":
            minor = replace(minor, tense="pluperfect")
        if english == "when":
            german = "als" if past else "wenn"
        main = self._adorn(main, front=not leading, frequent=causal or english == "if")
        return complex_sentence((english, german), minor, main, leading)

    def coordinate(self, past: bool) -> Forms:
        first = self._adorn(self._clause(past, style="simple"))
        if self._chance(0.5):
            second = self._follow(past, first, silent=True)
            return f"{first.english()} and {second.english()}", f"{first.german_main()} und {second.german_main()}"
        second = self._follow(past, first)
        return f"{first.english()}, but {second.english()}", f"{first.german_main()}, aber {second.german_main()}"

    def content(self, past: bool) -> Forms:
        """She knows that …, he asks whether …"""
        verb = self._pick(VERBS["sentence"])
        main = self._build(self._person(), verb, self._tense(past, style="simple"), negated=self._chance(0.1))
        if self._chance(0.25):
            minor = self._predicate(past, self._phrase(self._pick(HOMOGRAPHS), "the this"), "noun")
        else:
            minor = self._adorn(self._clause(past), front=False)
        that = self._pick([word for word in ("that", "whether") if word in verb.classes])
        return complex_sentence((that, {"that": "dass", "whether": "ob"}[that]), minor, main, leading=False)

    def feeling(self, past: bool) -> Forms:
        """A clause as subject: that she sleeps surprises the man."""
        minor = self._clause(past, style="simple")
        someone = self._phrase(self._pick(nouns_of(PERSON)), "the the my our this a", 0.5)
        tense = self._tense(past, style="simple")
        main = Clause(Phrase(THAT), self._pick(VERBS["feeling"]), object=someone, tense=tense, silent=True)
        self._add_pair("object", main.verb.name, someone.noun.name)
        return (
            f"that {minor.english()} {main.english()}",
            f"dass {minor.german_subordinate()}, {main.german_main()}",
        )

    def relative_subject(self, past: bool) -> Forms:
        person = self._phrase(self._pick(nouns_of(PERSON)), "the the the my our this NUMBER", 0.5)
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
        """With "in order to"."""
        first = self._adorn(self._clause(past))
        second = replace(self._follow(past, first, silent=True), tense="infinitive", negated=False)
        if second.object and second.object.determiner == "no":
            second = replace(second, object=replace(second.object, determiner="the"))
        tail = second.object.tail() if second.object else ""
        english = f"{first.english()} in order {second.english()}"
        if " in in " in english:
            raise RetryError
        return english, f"{first.german_main()}, um {second.german_infinitive()}{tail}"

    def homograph(self, past: bool) -> Forms:
        """A homograph, with its predicate in another clause and a pronoun in its place."""
        phrase = self._phrase(self._pick(HOMOGRAPHS), "the the this our")
        subject = self._phrase(self._pick(nouns_of(PERSON)), "the the my our this a", 0.35)
        verb = self._pick([verb for verb in OBJECT_VERBS if "any" in verb.classes])
        conjunction = self._pick(CONJUNCTIONS[:2])
        leading = self._chance(0.5)
        minor = self._predicate(past, phrase, "noun" if leading else "pronoun")
        thing = replace(phrase, form="pronoun") if leading else phrase
        main = self._build(subject, verb, self._tense(past, "simple" if leading else ""), object=thing)
        if not leading and self._chance(0.3):
            return f"{main.english()}, but {minor.english()}", f"{main.german_main()}, aber {minor.german_main()}"
        return complex_sentence(conjunction, minor, self._adorn(main, front=not leading), leading)

    def homograph_subject(self, past: bool) -> Forms:
        """The bat that is made of wood is old."""
        phrase = self._phrase(self._pick(HOMOGRAPHS), "the the this our")
        relative = self._predicate(past, phrase, "gap")
        plain = replace(phrase, noun=phrase.noun._replace(group=""))
        statement = self._predicate(past, plain, "noun")
        main = replace(statement, subject=replace(phrase, relative=relative))
        return main.english(), main.german_main()

    @staticmethod
    def _is_referable(thing: Phrase | None) -> TypeGuard[Phrase]:
        """Whether "it" or "them" can only mean this thing."""
        return thing is not None and thing.form == "noun" and thing.noun.pronoun == "it" and thing.determiner != "no"

    @staticmethod
    def _settled(clause: Clause) -> bool:
        """Whether a pronoun as subject could only mean the object."""
        return not (clause.subject.many or clause.direction or clause.recipient)


PERSON = frozenset(["person"])
NOT_OWNED = frozenset(["person", "building", "business", "event", "transport", "speech"])
OBJECT_VERBS = VERBS["particle"] + VERBS["transitive"]
UNNEGATED = ("have to", "had to", "want to", "wanted to")
STATIVE = frozenset(["know", "love", "need", "understand", "trust", "believe", "forget", "miss", "find", "notice"])
EXCESSIVE = "groß klein schwer teuer alt kurz schwierig hart weich dunkel nass schmutzig leicht langweilig leise"
"""Adjectives that go with "too"."""
ABSOLUTE = frozenset(["kaputt", "leer", "gebraucht"])
CLAUSE_KINDS = ("particle",) * 11 + ("transitive",) * 4 + ("placing", "placing", "giving", "giving", "intransitive")
PAST_TENSES = ("past",) * 7 + ("could", "had to", "wanted to")
PRESENT_TENSES = ("present",) * 4 + ("perfect",) * 3 + ("can", "have to", "want to", "will")
PLACES, PREPOSITIONS = (
    {kind: forms_of(table) for kind, table in tables.items()} for tables in (lexicon.PLACES, lexicon.DIRECTIONS)
)
CONJUNCTIONS = (*forms_of(lexicon.CONJUNCTIONS), ("when", ""), ("after", "nachdem"))
TEMPLATES: tuple[Callable[[Writer, bool], Forms], ...] = (
    *(Writer.subordinate,) * 6,
    *(Writer.single, Writer.coordinate, Writer.content, Writer.relative_subject, Writer.relative_object) * 2,
    *(Writer.feeling, Writer.purpose, Writer.homograph, Writer.homograph, Writer.homograph_subject),
)


def complex_sentence(conjunction: Forms, minor: Clause, main: Clause, leading: bool) -> Forms:
    """Joins a main clause and a subordinate clause, which comes first if `leading`."""
    english, german = join(conjunction[0], minor.english()), join(conjunction[1], minor.german_subordinate())
    if leading:
        return f"{english}, {main.english()}", f"{german}, {main.german_main(inverted=True)}"
    return f"{main.english()} {english}", f"{main.german_main()}, {german}"


def finish(text: str) -> str:
    """Adds the capital and the full stop, and leaves one comma between clauses."""
    text = re.sub(r"\s+(?=,)", "", text + ".").replace(" .", ".")
    text = re.sub(r",+(?=[,.])", "", text)
    text = re.sub(r"\b([Ii])n dem\b", r"\1m", re.sub(r"\b([Ii])n das\b", r"\1ns", text))
    return text[0].upper() + text[1:]
