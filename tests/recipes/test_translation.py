import pytest

from recipes.command import run_recipe
from recipes.translation import RECIPES, main
from seq2seq.catalogue import fetch
from seq2seq.text.corpus import read_lines


def test_the_tiny_variant_goes_from_the_embedded_corpus_to_a_scored_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(fetch.CACHE, str(tmp_path / "cache"))
    words = ["tiny", "--run-folder", str(tmp_path / "run"), "--search.beam_size", "1", "--search.max_ratio", "1"]
    assert run_recipe(RECIPES, main, "", words) == 0
    out = capsys.readouterr().out
    assert "bleu_published" in out
    assert "reference" in out
    assert (tmp_path / "run" / "export" / "saved_model" / "1" / "saved_model.pb").exists()
    assert len(list(read_lines(tmp_path / "run" / "hypotheses" / "test.txt"))) == 1000


@pytest.mark.parametrize("words", [["--help"], ["multi30k_en_de", "--help"]])
def test_help_shows_the_variant_that_was_asked_for(words, capsys):
    assert run_recipe(RECIPES, main, "About.", words) == 0
    out = capsys.readouterr().out
    assert f"variant {words[0] if len(words) > 1 else 'demo'}:" in out
    assert "--model.decoder.attention none|additive|general|dot|multi_head  (default: additive)" in out


def test_a_mistake_on_the_command_line_makes_no_folder(tmp_path, capsys):
    assert run_recipe(RECIPES, main, "", ["tiny", "--run-folder", str(tmp_path / "run"), "--training.epoch", "2"]) == 2
    assert "Did you mean --training.epochs?" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
