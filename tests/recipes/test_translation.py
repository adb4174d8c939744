import pytest

from recipes.translation import RECIPES
from seq2seq.catalogue import fetch, grammar
from seq2seq.cli.main import main as command
from seq2seq.cli.train import _module_words, named_recipes, run_recipe
from seq2seq.text.corpus import read_lines


@pytest.fixture
def small_grammar(monkeypatch):
    """Makes the embedded corpus small."""
    for split, size in (("train", 2000), ("dev", 50), ("test", 100)):
        monkeypatch.setitem(grammar.SPLITS, split, size)
    grammar._corpus.cache_clear()
    yield
    grammar._corpus.cache_clear()


def test_the_tiny_variant_goes_from_the_embedded_corpus_to_a_scored_run(tmp_path, monkeypatch, capsys, small_grammar):
    monkeypatch.setenv(fetch.CACHE, str(tmp_path / "cache"))
    words = ["tiny", "--run-folder", str(tmp_path / "run"), "--search.beam_size", "1", "--search.max_ratio", "1"]
    assert run_recipe(RECIPES, "train", "", words) == 0
    out = capsys.readouterr().out
    assert "bleu_published" in out
    assert "reference" in out
    assert (tmp_path / "run" / "export" / "saved_model" / "1" / "saved_model.pb").exists()
    assert len(list(read_lines(tmp_path / "run" / "hypotheses" / "test.txt"))) == 100


@pytest.mark.parametrize("words", [["--help"], ["multi30k_en_de", "--help"]])
def test_help_shows_the_variant_that_was_asked_for(words, capsys):
    assert run_recipe(RECIPES, "train", "About.", words) == 0
    out = capsys.readouterr().out
    assert f"variant {words[0] if len(words) > 1 else 'demo'}:" in out
    assert "--model.decoder.attention none|additive|general|dot|multi_head  (default: additive)" in out


def test_a_mistake_on_the_command_line_makes_no_folder(tmp_path, capsys):
    assert (
        run_recipe(RECIPES, "train", "", ["tiny", "--run-folder", str(tmp_path / "run"), "--training.epoch", "2"]) == 2
    )
    assert "Did you mean --training.epochs?" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_verb_train_knows_tasks_and_their_variants(tmp_path, capsys):
    assert command(["train", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"translation", "summarization", "compression"} <= {line.split(" ")[0] for line in lines}
    assert command(["train", "translatoin", "tiny"]) == 2
    assert "Did you mean translation?" in capsys.readouterr().err
    assert command(["train", "translation", "--help"]) == 0
    assert "usage: seq2seq train translation VARIANT" in capsys.readouterr().out
    assert command(["train", "translation", "tiny", "--run-folder", str(tmp_path / "a"), "--training.epoch", "2"]) == 2
    assert "Did you mean --training.epochs?" in capsys.readouterr().err
    assert set(named_recipes("compression")) == {"sentence_compression"}
    assert not list(tmp_path.iterdir())


def test_another_process_is_started_by_the_same_command():
    assert _module_words("python -m recipes.translation") == ["recipes.translation"]
    assert _module_words("seq2seq train translation") == ["seq2seq.cli.main", "train", "translation"]
