import pytest

from seq2seq.inference.constraints import Constraints, Terminology, TokenConstraints, to_arrays
from seq2seq.symbols import UNK
from seq2seq.text.corpus import CorpusError


@pytest.fixture(params=["unigram", "bpe"])
def tokenizer(tokenizers, request):
    return tokenizers[request.param, False]


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("the cat sits", True),
        ("the cat sat, on", True),
        ("a cat sits", False),  # another beginning
        ("the mat sits", False),  # without the term
        ("the cat sees a dog", False),
        ("the cat sees a dogma", True),  # not as a word of its own
        ("the cat, dog.", False),
    ],
)
def test_constraints_hold_or_not(text, held):
    assert Constraints("the", ("cat",), ("dog",)).satisfied_by(text) is held


def test_constraints_add_up_and_the_own_prefix_wins():
    one, other = Constraints("a", ("x",), ("y",)), Constraints("b", ("x", "z"), ())
    assert one + other == Constraints("a", ("x", "z"), ("y",))
    assert (Constraints() + other).prefix == "b"
    assert not Constraints()
    assert Constraints(exclude=("x",))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"prefix": 3}, "prefix must be text. Received: 3"),
        ({"include": [""]}, "include must be a list of non-empty texts"),
        ({"exclude": {"a": 1}}, "exclude must be a list of non-empty texts"),
        ({"include": ["a", None]}, "include must be a list of non-empty texts"),
    ],
)
def test_fields_of_other_kinds_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Constraints.parse(fields)


def test_a_term_alone_may_stand_for_a_list():
    assert Constraints.parse({"include": "a b", "other": 1}) == Constraints(include=("a b",))


def test_pieces_write_what_was_asked(tokenizer):
    asked = Constraints("the cat", ("house", "dog sits"), ("trees",))
    row = TokenConstraints.encode(asked, tokenizer)
    assert row.texts == asked
    assert tokenizer.decode([row.prefix, *row.include, *row.exclude]) == ["the cat", "house", "dog sits", "trees"]


def test_what_the_vocabulary_cannot_write_is_refused(tokenizer):
    with pytest.raises(ValueError, match="no tokens for '漢'"):
        TokenConstraints.encode(Constraints(include=("漢",)), tokenizer)
    assert TokenConstraints.encode(Constraints(exclude=("漢",)), tokenizer).exclude == ()


def test_another_spelling_of_an_excluded_word_is_found(tokenizer):
    row = TokenConstraints.encode(Constraints(exclude=("cat",)), tokenizer)
    letters = tokenizer.ids(["▁", "c", "a", "t"])
    assert UNK not in letters
    text = tokenizer.decode([letters])[0]
    more = row.without_spellings_in(text, letters, tokenizer)
    assert len(more.exclude) == len(row.exclude) + 1
    assert more.without_spellings_in(text, letters, tokenizer) == more
    assert row.without_spellings_in("no such word", letters, tokenizer) == row


def test_arrays_hold_every_piece(tokenizer):
    rows = [
        TokenConstraints.encode(c, tokenizer) for c in (Constraints("the", ("cat", "dog sits"), ("a",)), Constraints())
    ]
    made = to_arrays(rows)
    assert made.prefix[0, made.prefix[0] > 0].tolist() == list(rows[0].prefix)
    assert made.terms[0, made.terms[0] > 0].tolist() == [i for term in rows[0].include for i in term]
    assert max(made.term_numbers[0]) == 2
    assert made.exclude[0, 0, -1] == rows[0].exclude[0][-1]
    assert not any(part[1].any() for part in made)


def test_terminology_takes_the_longest_term_whatever_its_case(tmp_path):
    path = tmp_path / "terms.tsv"
    path.write_text("tax\tSteuer\nIncome tax\tEinkommensteuer\n\n", "utf-8")
    terms = Terminology.load(path)
    assert terms.for_line("The income  tax and a TAX").include == ("Einkommensteuer", "Steuer")
    assert terms.for_line("taxi") == Constraints()
    assert Terminology({}).for_line("x") == Constraints()


def test_a_line_that_is_no_term_is_named(tmp_path):
    path = tmp_path / "terms.tsv"
    path.write_text("a\tb\nc\n", "utf-8")
    with pytest.raises(CorpusError, match=r"terms.tsv:2: expected a source term"):
        Terminology.load(path)
