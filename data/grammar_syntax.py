"""Phrases and clauses: declension, agreement, tense and word order, in English and German side by side."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .grammar_words import Adjective, Forms, Noun, Verb, _suffixed

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


def join(*words: str) -> str:
    """Joins the words that are not empty, with spaces."""
    return " ".join(word for word in words if word)


def third(verb: str) -> str:
    """Returns an English verb in the third person singular, present tense."""
    return "has" if verb == "have" else _suffixed(verb, "s")


def article(following: str) -> str:
    """Returns "a" or "an", by the sound of the next word."""
    return "an" if re.match("(?!used|uni)[aeiou]", following) else "a"


@dataclass(frozen=True)
class Phrase:
    """A noun phrase, a pronoun in its place, or a gap that a relative pronoun fills."""

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
        """The English pronoun; empty for a noun without one."""
        return "they" if self.noun.pronoun and self.noun.pronoun != "we" and self.many else self.noun.pronoun

    def english(self, subject: bool = False) -> str:
        if self.form == "pronoun":
            return self.pronoun if subject else OBJECTIVE[self.pronoun]
        if self.form == "gap":
            return "that" if "person" not in self.noun.classes else "who" if subject else "whom"
        noun = self.noun.english_plural if self.many else self.noun.english
        words = join(*(adjective.english for adjective in self.adjectives), noun)
        determiner = (
            {"this": "these", "a": "", "no": "any"}.get(self.determiner, self.determiner)
            if self.many
            else self.determiner
        )
        if determiner in ("a", "no"):
            determiner = article(words)
        return join(
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
        return join(determiner, *adjectives, self._noun(case), owner)

    def tail(self) -> str:
        """The relative clause in German, with commas."""
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
    """A verb and its arguments. `complement`, `adverbial`, `frequency` and `manner` are (English, German)."""

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
    """Leave out the subject, which is that of the clause before."""

    def english(self) -> str:
        gap = self.object is not None and self.object.form == "gap"
        objects = self.object.english() if self.object and not gap else ""
        particle = self.verb.particle
        heavy = self.object is not None and self.object.relative is not None
        objects = join(particle, objects) if self.verb.before or heavy else join(objects, particle)
        subject = "" if self.silent or self.tense == "infinitive" else self.subject.english(subject=True)
        return join(
            self.adverbial[0] if self.fronted else "",
            self.object.english() if self.object and gap else "",
            subject,
            self._english_verb(),
            objects,
            "to " + self.recipient.english() if self.recipient else "",
            join(self.direction[0], self.direction[2].english()) if self.direction else "",
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
                modal = "cannot" if no and modal == "can" else join(modal, no)
                return join(modal, often, base)
            return join(often, modal, base)
        if self.tense in ("perfect", "pluperfect"):
            return join("had" if self.tense == "pluperfect" else "have" if many else "has", no, often, participle)
        if self.tense == "infinitive":
            return "to " + base
        if base == "be":
            present = "are" if many else "is"
            return join(present if self.tense == "present" else "were" if many else "was", no, often)
        if self.negated:
            return join("did" if self.tense == "past" else "do" if many else "does", "not", base)
        return join(often, past if self.tense == "past" else base if many else third(base))

    def german_main(self, inverted: bool = False) -> str:
        finite, rest, prefix = self._german_verb()
        subject = "" if self.silent else join(self.subject.german("nom"), self.subject.tail())
        if self.fronted:
            return join(self.adverbial[1], finite, subject, self._middle(), rest, prefix, self._tail())
        opening = (finite, subject) if inverted else (subject, finite)
        return join(*opening, self._middle(), rest, prefix, self._tail())

    def german_subordinate(self) -> str:
        """Verb last; a relative pronoun comes first."""
        finite, rest, prefix = self._german_verb()
        gap = self.object is not None and self.object.form == "gap"
        first = self.object.german(self.verb.case) if self.object and gap else ""
        subject = join(self.subject.german("nom"), self.subject.tail())
        return join(first, subject, self._middle(), rest, prefix + finite, self._tail())

    def german_infinitive(self) -> str:
        infinitive = self.verb.german[0]
        end = f"{self.verb.prefix}zu{infinitive}" if self.verb.prefix else f"zu {infinitive}"
        return join(self._middle(), end)

    def _tail(self) -> str:
        return self.object.tail() if self.object else ""

    def _middle(self) -> str:
        """Pronoun, recipient, time or place, object, manner or "nicht", goal; manner precedes an indefinite object."""
        case, noun, pronoun, definite = self.verb.case, "", "", True
        if self.object and self.object.form == "pronoun":
            pronoun = self.object.german(case)
        elif self.object and self.object.form == "noun":
            noun = self.object.german(case)
            definite = self.object.determiner in ("the", "this", *POSSESSIVE.values(), "my")
        no = "nicht" if self.negated and not (self.object and self.object.determiner == "no") else ""
        manner = join(no, self.manner[1])
        goal = ""
        if self.direction:
            goal = join(self.direction[1], self.direction[2].german("acc"))
        return join(
            pronoun,
            self.recipient.german("dat") if self.recipient else "",
            self.frequency[1],
            "" if self.fronted else self.adverbial[1],
            join(noun, manner) if definite else join(manner, noun),
            goal,
            self.complement[1],
        )

    def _german_verb(self) -> tuple[str, str, str]:
        """The finite verb, the non-finite verb at the end of the clause, and the separable prefix."""
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
