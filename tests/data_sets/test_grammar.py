"""The embedded corpus: the same everywhere, right in both languages, its test sentences new in their combinations."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import zlib
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from seq2seq.catalogue.grammar_syntax import Clause, Phrase
from seq2seq.catalogue.grammar_words import BE, HOMOGRAPHS, NOUNS, PREDICATES, VERBS, WE, Adjective, Noun, Verb

from seq2seq.catalogue import grammar, grammar_words, grammar_writer

ROOT = Path(__file__).parents[2]
SHA256 = {
    "train": "2ff88415a31b9b37c7cfb1d957be98755c5ea43ba64fde8a525dc50c34be1ff7",
    "dev": "e36abcc53ec03437b95d1707ecb25eed70f70c89aa97af75e18d3b24d2b82da3",
    "test": "dbe8ad65d5263bec9ce9e0a5eb1d911ce2ef4590cb4aa25031723dab544162f3",
}
SPLITS = tuple(grammar.SPLITS)
Named = Phrase | str | None


@pytest.mark.parametrize("split", SPLITS)
def test_bytes_are_pinned(split):
    text = "".join(f"{english}\t{german}\n" for english, german in grammar.generate(split))
    assert hashlib.sha256(text.encode()).hexdigest() == SHA256[split]


DRAW = """
import hashlib
from seq2seq.catalogue.grammar_writer import Writer
writer = Writer(seed=3, reserved=True)
drawn = hashlib.sha256(repr([tuple(writer.sentence()) for _ in range(2_000)]).encode()).hexdigest()
"""


@pytest.mark.parametrize("hash_seed", ["1", "4711"])
def test_another_process_with_another_hash_seed_draws_the_same(hash_seed):
    here: dict[str, str] = {}
    exec(DRAW, here)
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", DRAW + "print(drawn)"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True, text=True, timeout=300)
    assert run.stdout.strip() == here["drawn"]


@pytest.mark.parametrize("split", SPLITS)
def test_sizes(split):
    assert len(list(grammar.generate(split))) == grammar.SPLITS[split]


@pytest.mark.parametrize("column", [0, 1], ids=grammar.LANGUAGES)
def test_no_sentence_twice_within_or_across_splits(column):
    sentences = [pair[column] for split in SPLITS for pair in grammar.generate(split)]
    assert len(set(sentences)) == len(sentences)


def test_one_translation_per_source_even_before_repetitions_are_dropped():
    writer = grammar_writer.Writer(seed=1, reserved=True)
    translations: dict[str, str] = {}
    drawn = [writer.sentence() for _ in range(4_000)] + [
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


@cache
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
    stems = {adjective.stem: adjective.german for adjective in grammar_words.ADJECTIVES}
    endings = {stem + ending: german for stem, german in stems.items() for ending in ("e", "en", "er", "es", "em")}
    met = {(endings[one], nouns[two]) for one, two in neighbours("train") if one in endings and two in nouns}
    assert len(met) > 1_000
    assert not [pair for pair in met if reserved("adjective", *pair)]


def test_the_text_of_training_shows_no_reserved_object_before_its_participle():
    nouns = {form: name for form, name in noun_names().items() if name not in elsewhere()}
    verbs: dict[str, set[str]] = {}
    for verb in grammar_writer.OBJECT_VERBS + VERBS["placing"] + VERBS["giving"]:
        verbs.setdefault(verb.german[3], set()).add(verb.name)
    others = {verb.german[3] for verb in VERBS["placing"]} | {verb.german[1] for verb in grammar_writer.OBJECT_VERBS}
    sole = {
        participle: min(names) for participle, names in verbs.items() if len(names) == 1 and participle not in others
    }
    met = {(sole[two], nouns[one]) for one, two in neighbours("train") if one in nouns and two in sole}
    assert len(met) > 200
    assert not [pair for pair in met if reserved("object", *pair)]


def elsewhere() -> set[str]:
    """Nouns that may stand before a participle, or a finite verb of the same form, without being its object."""
    return {noun.name for noun in NOUNS if noun.classes & {"person", "room", "place"}}


@cache
def word_forms(split: str) -> set[str]:
    return {word for sentence in grammar.derivations(split) for word in grammar.words_of(sentence)}


@pytest.mark.parametrize("split", ["dev", "test"])
def test_every_word_form_occurs_in_training(split):
    assert word_forms(split) <= word_forms("train")


@pytest.mark.parametrize("split", SPLITS)
def test_sentences_are_well_formed(split):
    for pair in grammar.generate(split):
        for sentence in pair:
            assert re.fullmatch(r"[A-ZÄÖÜ][\w ,]*\w\.", sentence), sentence
            assert not re.search("  | ,|,,", sentence), sentence
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
    return next(one for one in grammar_words.ADJECTIVES if one.english == english and one.classes & noun.classes)


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
    who: Named, verb: str, what: Named = None, tense: str = "past", kind: str = "particle", **parts: Any
) -> Clause:
    """`who` and `what` are phrases or the words of definite ones."""
    subject, thing = (the(one) if isinstance(one, str) else one for one in (who, what))
    assert subject
    return Clause(subject, find_verb(verb, kind, thing), object=thing, tense=tense, **parts)


def plain(subject: Named, verb: str, thing: Named = None, tense: str = "past", **parts: Any) -> Clause:
    return clause(subject, verb, thing, tense, "transitive" if thing else "intransitive", **parts)


def predicate(subject: Phrase, complement: str, tense: str = "past") -> Clause:
    """What tells the sense of a homograph."""
    verb, both = next(one for one in PREDICATES[subject.noun.group] if one[1][0] == complement)
    return Clause(subject, verb, complement=both, tense=tense)


def is_(subject: Phrase, english: str, german: str, tense: str = "past") -> Clause:
    return Clause(subject, BE, complement=(english, german), tense=tense)


def main(one: Clause) -> tuple[str, str]:
    return one.english(), one.german_main()


def two(words: str, minor: Clause, major: Clause, leading: bool = False) -> tuple[str, str]:
    english, german = words.split()
    return grammar_writer.complex_sentence((english, german), minor, major, leading)


def both(words: str, one: Clause, other: Clause) -> tuple[str, str]:
    english, german = (word if word in ("and", "und") else f", {word}" for word in words.split())
    return f"{one.english()} {english} {other.english()}", f"{one.german_main()} {german} {other.german_main()}"


def given(subject: Named, verb: str, thing: Named, recipient: Phrase, **parts: Any) -> Clause:
    return clause(subject, verb, thing, kind="giving", recipient=recipient, **parts)


def placed(subject: Named, verb: str, thing: Named, direction: tuple[str, str, Phrase]) -> Clause:
    return clause(subject, verb, thing, "present", "placing", direction=direction)


def feeling(minor: Clause, verb: str, someone: Phrase) -> tuple[str, str]:
    major = clause(Phrase(grammar_words.THAT), verb, someone, "present", "feeling", silent=True)
    return f"that {minor.english()} {major.english()}", f"dass {minor.german_subordinate()}, {major.german_main()}"


def purpose(major: Clause, minor: Clause) -> tuple[str, str]:
    return f"{major.english()} in order {minor.english()}", f"{major.german_main()}, um {minor.german_infinitive()}"


MAN, WOMAN, HE = the("man"), the("woman"), it("man")
GLASSES, SPECTACLES = many("glass", group="filled"), the("glasses", group="spectacles")
MAIL = many("letter", group="mail")
SCRIPT = the("letter", group="script", relative=predicate(gap("letter", group="script"), "printed in bold", "present"))
US = Phrase(WE, plural=True, form="pronoun")
GOLDEN = re.split(
    r" \| |\n",
    """The man puts the old red coat on. | Der Mann zieht den alten roten Mantel an.
The man puts the old red hat on. | Der Mann setzt den alten roten Hut auf.
The women have put the box down. | Die Frauen haben die Schachtel abgestellt.
The child put the book down. | Das Kind legte das Buch hin.
The nurse picked the brush up. | Die Krankenschwester hob die Bürste auf.
The nurse picked the boy up. | Die Krankenschwester holte den Jungen ab.
Yesterday the cook turned the lamp off. | Gestern schaltete der Koch die Lampe aus.
The aunt took the trousers off because she could give them back.
Die Tante zog die Hose aus, weil sie sie zurückgeben konnte.
The teacher gave the new books back to the children yesterday.
Der Lehrer gab den Kindern gestern die neuen Bücher zurück.
The guest puts the newspaper on the table. | Der Gast legt die Zeitung auf den Tisch.
The guest puts the bottle under the bed. | Der Gast stellt die Flasche unter das Bett.
This waiter does not put any shoes on. | Dieser Kellner zieht keine Schuhe an.
A student helps an old lady. | Ein Student hilft einer alten Dame.
We have followed the thief. | Wir sind dem Dieb gefolgt.
Our neighbour listens to my nephew. | Unser Nachbar hört meinem Neffen zu.
When the man put the coat on, he laughed. | Als der Mann den Mantel anzog, lachte er.
If the man puts the coat on, he laughs. | Wenn der Mann den Mantel anzieht, lacht er.
The woman knew that the man had to get up. | Die Frau wusste, dass der Mann aufstehen musste.
The woman knows the man. | Die Frau kennt den Mann.
That the man laughs surprises the woman. | Dass der Mann lacht, überrascht die Frau.
The man who locked the house up waited. | Der Mann, der das Haus abschloss, wartete.
The woman took off the hat that the man found. | Die Frau nahm den Hut ab, den der Mann fand.
The doctor whom the women thanked laughed. | Der Arzt, dem die Frauen dankten, lachte.
The girls whom we helped slept. | Die Mädchen, denen wir halfen, schliefen.
The bat that ate insects was old. | Die Fledermaus, die Insekten fraß, war alt.
The bat that was made of wood was old. | Der Schläger, der aus Holz war, war alt.
The man saw the glasses because they were half empty. | Der Mann sah die Gläser, weil sie halb leer waren.
The man saw the glasses because they had thick lenses. | Der Mann sah die Brille, weil sie dicke Gläser hatte.
Although the bank was muddy, the farmer saw it. | Obwohl das Ufer schlammig war, sah der Bauer es.
The woman forgot the letters, but they came by post. | Die Frau vergaß die Briefe, aber sie kamen mit der Post.
The woman looks for the letter that is printed in bold. | Die Frau sucht den Buchstaben, der fett gedruckt ist.
The man carries a light bag. | Der Mann trägt eine leichte Tasche.
The man cleans a light room up. | Der Mann räumt ein helles Zimmer auf.
The aunt serves the hot soup. | Die Tante serviert die heiße Suppe.
The aunt serves the guests. | Die Tante bedient die Gäste.
My sister misses the train, but our uncle misses the dog.
Meine Schwester verpasst den Zug, aber unser Onkel vermisst den Hund.
The queen put the crown of the brave prince on. | Die Königin setzte die Krone des mutigen Prinzen auf.
The students worked in order to give the books back. | Die Studenten arbeiteten, um die Bücher zurückzugeben.
After the guests had gone away, the cook washed the cups up.
Nachdem die Gäste weggegangen waren, wusch der Koch die Tassen ab.
Because of the rain the man will not come back. | Wegen des Regens wird der Mann nicht zurückkommen.
The baker wants to throw two sweet cakes away. | Der Bäcker will zwei süße Kuchen wegwerfen.
The artist often reads several long poems through. | Der Künstler liest oft mehrere lange Gedichte durch.
The mother cut the apple up slowly. | Die Mutter zerschnitt den Apfel langsam.
The mother cut an apple up slowly. | Die Mutter zerschnitt langsam einen Apfel.
The girl puts the dress on and goes away. | Das Mädchen zieht das Kleid an und geht weg.
The children have not woken the brother of my teacher up. | Die Kinder haben den Bruder meines Lehrers nicht aufgeweckt.
The man asks whether the expensive engine is new. | Der Mann fragt, ob der teure Motor neu ist.""",
)
"""Written by hand: the English, then the German sentence on the same line or the next."""

YESTERDAY = ("yesterday", "gestern")
RAIN = ("because of the rain", "wegen des Regens")
SLOWLY = ("slowly", "langsam")
BUILT = [
    main(clause(MAN, "put on", "old red coat", "present")),
    main(clause(MAN, "put on", "old red hat", "present")),
    main(clause(many("woman"), "put down", "box", "perfect")),
    main(clause("child", "put down", "book")),
    main(clause("nurse", "pick up", "brush")),
    main(clause("nurse", "pick up", "boy")),
    main(clause("cook", "turn off", "lamp", adverbial=YESTERDAY, fronted=True)),
    two(
        "because weil", clause(it("aunt"), "give back", it("trousers"), "could"), clause("aunt", "take off", "trousers")
    ),
    main(given("teacher", "give back", many("new book"), many("child"), adverbial=YESTERDAY)),
    main(placed("guest", "put", "newspaper", ("on", "auf", the("table")))),
    main(placed("guest", "put", "bottle", ("under", "unter", the("bed")))),
    main(clause(the("waiter", "this"), "put on", many("shoe", "no"), "present", negated=True)),
    main(plain(the("student", "a"), "help", the("old lady", "a"), "present")),
    main(plain(US, "follow", "thief", "perfect")),
    main(plain(the("neighbour", "our"), "listen to", the("nephew", "my"), "present")),
    two("when als", clause(MAN, "put on", "coat"), plain(HE, "laugh"), leading=True),
    two("if wenn", clause(MAN, "put on", "coat", "present"), plain(HE, "laugh", tense="present"), leading=True),
    two("that dass", plain(MAN, "get up", tense="had to"), clause(WOMAN, "know", kind="sentence")),
    main(plain(WOMAN, "know", MAN, "present")),
    feeling(plain(MAN, "laugh", tense="present"), "surprise", WOMAN),
    main(plain(the("man", relative=clause(gap("man"), "lock up", "house")), "wait")),
    main(clause(WOMAN, "take off", the("hat", relative=plain(MAN, "find", gap("hat"))))),
    main(plain(the("doctor", relative=plain(many("woman"), "thank", gap("doctor"))), "laugh")),
    main(plain(many("girl", relative=plain(US, "help", gap("girl", plural=True))), "sleep")),
    main(is_(the("bat", group="wild", relative=predicate(gap("bat", group="wild"), "insects")), "old", "alt")),
    main(is_(the("bat", group="wooden", relative=predicate(gap("bat", group="wooden"), "made of wood")), "old", "alt")),
    two("because weil", predicate(it("glass", "filled", plural=True), "half empty"), plain(MAN, "see", GLASSES)),
    two("because weil", predicate(it("glasses", "spectacles"), "thick lenses"), plain(MAN, "see", SPECTACLES)),
    two(
        "although obwohl",
        predicate(the("bank", group="shore"), "muddy"),
        plain("farmer", "see", it("bank", "shore")),
        leading=True,
    ),
    both("but aber", plain(WOMAN, "forget", MAIL), predicate(it("letter", "mail", plural=True), "by post")),
    main(plain(WOMAN, "look for", SCRIPT, "present")),
    main(plain(MAN, "carry", the("light bag", "a"), "present")),
    main(clause(MAN, "clean up", the("light room", "a"), "present")),
    main(plain("aunt", "serve", "hot soup", "present")),
    main(plain("aunt", "serve", many("guest"), "present")),
    both(
        "but aber",
        plain(the("sister", "my"), "miss", "train", "present"),
        plain(the("uncle", "our"), "miss", "dog", "present"),
    ),
    main(clause("queen", "put on", the("crown", genitive=the("brave prince")))),
    purpose(plain(many("student"), "work"), clause(many("student"), "give back", many("book"), "infinitive")),
    two(
        "after nachdem",
        plain(many("guest"), "go away", tense="pluperfect"),
        clause("cook", "wash up", many("cup")),
        leading=True,
    ),
    main(plain(MAN, "come back", tense="will", negated=True, adverbial=RAIN, fronted=True)),
    main(clause("baker", "throw away", many("sweet cake", "two"), "want to")),
    main(clause("artist", "read through", many("long poem", "several"), "present", frequency=("often", "oft"))),
    main(clause("mother", "cut up", "apple", manner=SLOWLY)),
    main(clause("mother", "cut up", the("apple", "a"), manner=SLOWLY)),
    both(
        "and und", clause("girl", "put on", "dress", "present"), plain("girl", "go away", tense="present", silent=True)
    ),
    main(clause(many("child"), "wake up", the("brother", genitive=the("teacher", "my")), "perfect", negated=True)),
    two(
        "whether ob",
        is_(the("expensive engine"), "new", "neu", "present"),
        clause(MAN, "ask", None, "present", "sentence"),
    ),
]
GOLDEN_PAIRS = list(zip(GOLDEN[::2], GOLDEN[1::2], BUILT, strict=True))


@pytest.mark.parametrize(("english", "german", "built"), GOLDEN_PAIRS, ids=GOLDEN[::2])
def test_golden(english, german, built):
    assert tuple(map(grammar_writer.finish, built)) == (english, german)
