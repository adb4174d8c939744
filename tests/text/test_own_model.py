"""SentencePiece models that were learned elsewhere."""

import io

import pytest
import sentencepiece
from sentencepiece.sentencepiece_model_pb2 import ModelProto

from seq2seq.run.folder import RunFolderError
from seq2seq.run.parsing import RecipeError, override
from seq2seq.symbols import NAMES
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.prepare import Corpus, learn_tokenizers
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.tasks.text_to_text.tokenizers import learn
from seq2seq.text.own_model import read_own_model

TEXT = ["the cat sat on the mat", "a dog and a cat", "the dog sat down", "nobody sat on the dog's mat <sep>"] * 5
LINES = [*TEXT[:4], "The ñandú saw 3 cats", "  spaces  here ", "tab\tnul", ""]


def trained(**options):
    model = io.BytesIO()
    options = {"vocab_size": 60, "model_type": "unigram", "minloglevel": 2, "hard_vocab_limit": False, **options}
    sentencepiece.SentencePieceTrainer.Train(sentence_iterator=iter(TEXT), model_writer=model, **options)
    return model.getvalue()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"model_type": "bpe", "hard_vocab_limit": True, "vocab_size": 45},
        {"pad_id": 3},
        {"pad_id": 0, "unk_id": 3, "bos_id": 2, "eos_id": 1, "unk_piece": "[unknown]", "eos_piece": "[end]"},
        {"bos_id": -1, "eos_id": -1},
        {"byte_fallback": True, "vocab_size": 330},
        {"control_symbols": ["<2de>"], "user_defined_symbols": ["<sep>"]},
        {"add_dummy_prefix": False, "normalization_rule_name": "identity", "remove_extra_whitespaces": False},
    ],
)
def test_text_is_cut_as_the_model_cut_it(tmp_path, options):
    path = tmp_path / "my.model"
    path.write_bytes(trained(**options))
    theirs, ours = sentencepiece.SentencePieceProcessor(str(path)), read_own_model(path)
    assert tuple(ours.pieces(range(len(NAMES)))) == NAMES
    specials = {theirs.IdToPiece(i) for i in range(len(theirs)) if theirs.IsControl(i) or theirs.IsUnknown(i)}
    own = {theirs.IdToPiece(i) for i in (theirs.pad_id(), theirs.unk_id(), theirs.bos_id(), theirs.eos_id()) if i >= 0}
    assert ours.vocabulary[len(NAMES) :] == [p for p in map(theirs.IdToPiece, range(len(theirs))) if p not in own]
    for line in LINES:
        # The class itself adds the space before the first word that such a model lacks.
        lead = " " if line and not options.get("add_dummy_prefix", True) else ""
        expected = theirs.EncodeAsIds(lead + line)
        (ids,) = ours.encode([line])
        unknown = theirs.IdToPiece(theirs.unk_id())
        pieces = ["<unk>" if piece == unknown else piece for piece in map(theirs.IdToPiece, expected)]
        assert ours.pieces(ids) == pieces
        assert not {*pieces} & (specials - {unknown})
        assert ours.decode([ids])[0] == theirs.DecodeIds(expected).removeprefix(lead)


def made(content):
    """Bytes as they are, a model of these options, or one without pieces of text."""
    if isinstance(content, bytes):
        return content
    if isinstance(content, dict):
        return trained(**content)
    model = ModelProto.FromString(trained())
    del model.pieces[3:]
    return model.SerializeToString()


def test_another_model_under_the_name_of_the_first_is_refused_and_none_at_all_is_fine(tmp_path):
    path, folder = tmp_path / "my.model", TextRunFolder(tmp_path / "run")
    path.write_bytes(trained())
    recipe = override(Recipe(), {"tokenizer.model": str(path)})
    folder.path.mkdir()
    folder.save_recipe(recipe)
    first, _ = learn_tokenizers(folder, recipe, Corpus([], [], {}))
    path.unlink()
    assert learn_tokenizers(folder, recipe, Corpus([], [], {}))[0].model == first.model
    path.write_bytes(trained(model_type="bpe", hard_vocab_limit=True, vocab_size=45))
    with pytest.raises(RunFolderError, match=r"my\.model: another model than the one that .*run began with"):
        learn_tokenizers(folder, recipe, Corpus([], [], {}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "my.model: no such file. Expected a SentencePiece model"),
        (b"", "my.model: Not a SentencePiece model"),
        (b"hello, I am text", "my.model: Not a SentencePiece model"),
        (
            {"treat_whitespace_as_suffix": True},
            "begin with the space. Received: a model with treat",
        ),
        (".", "my.model: it is a folder. Expected a SentencePiece model"),
        ("symbols", "Expected a SentencePiece model with pieces of text. Received: symbols alone"),
        ({"model_type": "word"}, "kind unigram or bpe. Received: word"),
        ({"model_type": "char"}, "kind unigram or bpe. Received: char"),
    ],
)
def test_a_file_that_is_no_such_model_is_named(tmp_path, content, message):
    if content == ".":
        (tmp_path / "my.model").mkdir()
    elif content is not None:
        (tmp_path / "my.model").write_bytes(made(content))
    with pytest.raises(ValueError, match=message):
        read_own_model(tmp_path / "my.model")


def test_a_recipe_takes_one_for_both_sides_or_one_for_each(tmp_path):
    for name, size in (("a", 40), ("b", 50)):
        (tmp_path / f"{name}.model").write_bytes(trained(vocab_size=size, model_type="bpe"))
    one = override(Recipe(), {"tokenizer.model": str(tmp_path / "a.model")})
    source, target = learn(one, lambda: pytest.fail("the text was read"))
    assert source is target
    assert source.size == 41  # with padding
    both = f"{tmp_path / 'a.model'},{tmp_path / 'b.model'}"
    two = override(Recipe(), {"tokenizer.model": both, "tokenizer.joint": "false", "model.tie": "target"})
    assert [side.size for side in learn(two, list)] == [41, 51]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "a.model,b.model"}, "tokenizer.model must name one file where tokenizer.joint is true, received 2"),
        ({"model": "a.model", "joint": "false"}, "must name two where tokenizer.joint is false, received 1"),
        ({"model": "a.model", "casing": "mark"}, "tokenizer.casing mark is learned with a vocabulary"),
        ({"model": "a.model", "placeholders": "url"}, "tokenizer.placeholders is learned with a vocabulary"),
    ],
)
def test_what_would_have_to_be_learned_is_refused(changes, message):
    tie = {"model.tie": "target"} if "joint" in changes else {}
    with pytest.raises(RecipeError, match=message):
        override(Recipe(), {f"tokenizer.{name}": value for name, value in changes.items()} | tie)
