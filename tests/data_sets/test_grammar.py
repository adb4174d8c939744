"""The embedded corpus: the same everywhere, right in both languages, its test sentences new in their combinations."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from data import grammar
from data.grammar import BE, HOMOGRAPHS, NOUNS, PREDICATES, VERBS, WE, Adjective, Clause, Noun, Phrase, Verb

ROOT = Path(__file__).parents[2]
SHA256 = {
    "train": "",
    "dev": "",
    "test": "",
}
SPLITS = tuple(grammar.SPLITS)


# The laws of the splits


def digest(split: str) -> str:
    text = "".join(f"{english}\t{german}\n" for english, german in grammar.generate(split))
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("split", SPLITS)
def test_bytes_are_pinned(split):
    assert digest(split) == SHA256[split]


def test_another_process_with_another_hash_seed_writes_the_same():
    program = "import sys; from data import grammar\nfor pair in grammar.generate('test'): print(*pair, sep='\\t')"
    environment = {"PYTHONHASHSEED": "4711", "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    written = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, check=True, timeout=120
    ).stdout
    assert hashlib.sha256(written.replace(b"\r\n", b"\n")).hexdigest() == SHA256["test"]


@pytest.mark.parametrize("split", SPLITS)
def test_sizes(split):
    assert len(list(grammar.generate(split))) == grammar.SPLITS[split]


@pytest.mark.parametrize("column", [0, 1], ids=grammar.LANGUAGES)
def test_no_sentence_twice_within_or_across_splits(column):
    sentences = [pair[column] for split in SPLITS for pair in grammar.generate(split)]
    assert len(set(sentences)) == len(sentences)


def test_one_translation_per_source_even_before_repetitions_are_dropped():
    writer = grammar._Writer(seed=1, reserved=True)
    translations: dict[str, str] = {}
    drawn = [writer.sentence() for _ in range(10_000)] + [
        sentence for split in SPLITS for sentence in grammar.derivations(split)
    ]
    for sentence in drawn:
        assert translations.setdefault(sentence.english, sentence.german) == sentence.german


def test_training_holds_no_reserved_pair_and_each_other_sentence_at_least_one():
    assert not any(pair.reserved for sentence in grammar.derivations("train") for pair in sentence.pairs)
    for split in ("dev", "test"):
        assert all(any(pair.reserved for pair in sentence.pairs) for sentence in grammar.derivations(split))


def test_reserved_pairs_of_test_sentences_never_meet_in_training():
    known = {pair for sentence in grammar.derivations("train") for pair in sentence.pairs}
    for split in ("dev", "test"):
        assert all(set(sentence.pairs) - known for sentence in grammar.derivations(split))


def reserved(*names: str) -> bool:
    return zlib.crc32("/".join(names).encode()) % 100 < 8


def neighbours(split: str) -> list[tuple[str, str]]:
    """Words that stand side by side in the German text."""
    return [pair for _, german in grammar.generate(split) for pair in pairwise(re.findall(r"\w+|,", german))]


def noun_names() -> dict[str, str]:
    """Written form -> the noun's name, read off the tables."""
    forms: dict[str, str] = {}
    for noun in NOUNS + HOMOGRAPHS:
        for form in {noun.singular, noun.plural, noun.plural + "n", noun.genitive} - {"!"}:
            forms.setdefault(form, noun.name)
    return forms


def test_the_text_of_training_shows_no_reserved_adjective_before_its_noun():
    nouns = noun_names()
    stems = {adjective.stem: adjective.german for adjective in grammar.ADJECTIVES}
    endings = {stem + ending: german for stem, german in stems.items() for ending in ("e", "en", "er", "es", "em")}
    met = {(endings[one], nouns[two]) for one, two in neighbours("train") if one in endings and two in nouns}
    assert len(met) > 1_000
    assert not [pair for pair in met if reserved("adjective", *pair)]


def test_the_text_of_training_shows_no_reserved_object_before_its_participle():
    nouns = {form: name for form, name in noun_names().items() if name not in people()}
    verbs: dict[str, set[str]] = {}
    for verb in grammar.OBJECT_VERBS + VERBS["placing"] + VERBS["giving"]:
        verbs.setdefault(verb.german[3], set()).add(verb.name)
    placed = {verb.german[3] for verb in VERBS["placing"]}
    sole = {participle: names.pop() for participle, names in verbs.items() if len(names) == 1 and participle not in placed}
    met = {(sole[two], nouns[one]) for one, two in neighbours("train") if one in nouns and two in sole}
    assert len(met) > 200
    assert not [pair for pair in met if reserved("object", *pair)]


def people() -> set[str]:
    return {noun.name for noun in NOUNS if "person" in noun.classes}


@pytest.mark.parametrize("split", ["dev", "test"])
def test_every_word_form_occurs_in_training(split):
    known = {word for sentence in grammar.derivations("train") for word in grammar.words_of(sentence)}
    assert {word for sentence in grammar.derivations(split) for word in grammar.words_of(sentence)} <= known


@pytest.mark.parametrize("split", SPLITS)
def test_sentences_are_well_formed(split):
    for pair in grammar.generate(split):
        for sentence in pair:
            assert re.fullmatch(r"[A-ZÄÖÜ][\w ,]*\w\.", sentence), sentence
            assert "  " not in sentence
            assert " ," not in sentence
            assert ",," not in sentence
        assert 4 <= len(pair[0].split()) <= 25


def test_most_sentences_hang_on_their_right_context():
    sentences = grammar.derivations("train")
    assert sum(sentence.right_context > 0 for sentence in sentences) > 0.6 * len(sentences)


def test_an_unknown_split_is_told_with_the_known_ones():
    with pytest.raises(ValueError, match=r"train, dev, test.*'valid'"):
        grammar.generate("valid")


# Golden pairs: written by hand, then held against the grammar


def find_noun(english: str, group: str = "") -> Noun:
    return next(noun for noun in NOUNS + HOMOGRAPHS if noun.english == english and noun.group == group)


def find_adjective(english: str, noun: Noun) -> Adjective:
    return next(one for one in grammar.ADJECTIVES if one.english == english and one.classes & noun.classes)


def the(words: str, determiner: str = "the", group: str = "", **parts: Any) -> Phrase:
    """A phrase of adjectives and a noun: `the("old coat")`."""
    *adjectives, last = words.split()
    noun = find_noun(last.replace("_", " "), group)
    return Phrase(noun, determiner=determiner, adjectives=tuple(find_adjective(a, noun) for a in adjectives), **parts)


def many(words: str, determiner: str = "the", **parts: Any) -> Phrase:
    return the(words, determiner, plural=True, **parts)


def it(words: str, group: str = "", plural: bool = False) -> Phrase:
    return the(words, group=group, plural=plural, form="pronoun")


def gap(words: str, plural: bool = False, group: str = "") -> Phrase:
    return the(words, plural=plural, group=group, form="gap")


def find_verb(words: str, kind: str, thing: Phrase | None) -> Verb:
    """The verb that takes this object: the same choice that a reader of English makes."""
    base, *particle = words.split()
    found = [verb for verb in VERBS[kind] if (verb.english[0], verb.particle) == (base, " ".join(particle))]
    fits = [verb for verb in found if thing is None or verb.classes & thing.noun.classes]
    assert len(fits) == 1, f"{words} {thing}"
    return fits[0]


def clause(
    subject: Phrase, verb: str, thing: Phrase | None = None, tense: str = "past", kind: str = "particle", **parts: Any
) -> Clause:
    return Clause(subject, find_verb(verb, kind, thing), object=thing, tense=tense, **parts)


def plain(subject: Phrase, verb: str, thing: Phrase | None = None, tense: str = "past", **parts: Any) -> Clause:
    return clause(subject, verb, thing, tense, "transitive" if thing else "intransitive", **parts)


def predicate(subject: Phrase, complement: str, tense: str = "past") -> Clause:
    """What tells the sense of a homograph."""
    verb, both = next(one for one in PREDICATES[subject.noun.group] if one[1][0] == complement)
    return Clause(subject, verb, complement=both, tense=tense)


def is_(subject: Phrase, english: str, german: str, tense: str = "past") -> Clause:
    return Clause(subject, BE, complement=(english, german), tense=tense)


def main(one: Clause) -> tuple[str, str]:
    return one.english(), one.german_main()


def two(english: str, german: str, minor: Clause, major: Clause, leading: bool = False) -> tuple[str, str]:
    return grammar._complex((english, german), minor, major, leading)


def both(word: str, german: str, one: Clause, other: Clause) -> tuple[str, str]:
    return f"{one.english()}{word} {other.english()}", f"{one.german_main()}{german} {other.german_main()}"


MAN, WOMAN = the("man"), the("woman")
HE, SHE, WE_ = it("man"), it("woman"), Phrase(WE, plural=True, form="pronoun")
YESTERDAY: dict[str, Any] = {"adverbial": ("yesterday", "gestern")}
GOLDEN = [
    # particle verbs, split, joined, with ge; the object decides too
    (
        "The man puts the old red coat on.",
        "Der Mann zieht den alten roten Mantel an.",
        main(clause(MAN, "put on", the("old red coat"), "present")),
    ),
    (
        "The man puts the old red hat on.",
        "Der Mann setzt den alten roten Hut auf.",
        main(clause(MAN, "put on", the("old red hat"), "present")),
    ),
    (
        "The women have put the box down.",
        "Die Frauen haben die Schachtel abgestellt.",
        main(clause(many("woman"), "put down", the("box"), "perfect")),
    ),
    (
        "The child put the book down.",
        "Das Kind legte das Buch hin.",
        main(clause(the("child"), "put down", the("book"))),
    ),
    (
        "The nurse picked the brush up.",
        "Die Krankenschwester hob die Bürste auf.",
        main(clause(the("nurse"), "pick up", the("brush"))),
    ),
    (
        "The nurse picked the boy up.",
        "Die Krankenschwester holte den Jungen ab.",
        main(clause(the("nurse"), "pick up", the("boy"))),
    ),
    (
        "The cook must not.",
        "",
        None,
    ),
]
