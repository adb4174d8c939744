"""`seq2seq train FILE …`: what is chosen for the user's own files, and what is refused."""

import json

import pytest

from seq2seq.cli import own_files
from seq2seq.cli.main import main
from seq2seq.cli.recipe_flags import read_flags
from seq2seq.cli.train import run_recipe
from seq2seq.tasks.text_to_text.presets import MIN_PAIRS, CorpusSize, measure, preset_for
from seq2seq.text.corpus import CorpusError
from seq2seq.text.examples import Example

WIDTHS = ("embedding", "encoder.units", "decoder.units", "decoder.attention_units")
TINY = [word for name in WIDTHS for word in (f"--model.{name}", "8")]
TINY += ["--tokenizer.size", "60", "--training.epochs", "1", "--search.max_ratio", "1", "--exports", ""]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """An empty working folder with a corpus, as two files and as one."""
    monkeypatch.chdir(tmp_path)
    pairs = [(f"the cat sees house {n % 7}", f"die Katze sieht Haus {n % 7}") for n in range(130)]
    for name, lines in (("my.en", [a for a, _ in pairs]), ("my.de", [b for _, b in pairs])):
        (tmp_path / name).write_text("".join(line + "\n" for line in lines))
    (tmp_path / "my.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in pairs))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "name"),
    [(20_000, "small"), (299_999, "small"), (300_000, "medium"), (1_500_000, "medium"), (9**9, "large")],
)
def test_the_preset_follows_from_the_number_of_words(words, name):
    assert preset_for(CorpusSize(1000, words)).name == name


def test_more_text_means_a_larger_vocabulary_and_batches_fewer_epochs_and_no_smaller_network():
    sizes = [CorpusSize(1000, words) for words in (100_000, 1_000_000, 10_000_000)]
    chosen = [preset_for(size) for size in sizes]
    for name, rises in {"vocabulary": True, "encoder": True, "decoder": True, "batch": True, "dropout": False}.items():
        values = [getattr(preset, name) for preset in chosen]
        assert values == sorted(values, reverse=not rises)
        assert len(set(values)) == 3 or name not in ("vocabulary", "batch")
    epochs = [int(preset.fields(size)["training.epochs"]) for preset, size in zip(chosen, sizes, strict=True)]
    assert epochs == [40, 14, 3]


def test_pairs_with_an_empty_side_do_not_count_and_words_without_spaces_do():
    corpus = [Example("a b", "c", 1)] * MIN_PAIRS + [Example("a", " ", 1), Example("x" * 40, "y", 1)]
    assert measure(corpus) == CorpusSize(MIN_PAIRS + 1, 3 * MIN_PAIRS + 21)
    with pytest.raises(CorpusError, match=r"Expected at least 100 pairs .* Received: 99\."):
        measure(corpus[1:100])


def test_two_files_and_one_of_both_sides_get_the_same_sizes(files):
    two = own_files.read(["--source", "my.en", "--target", "my.de"]).recipe
    one = own_files.read(["my.tsv"]).recipe
    assert two.name == one.name == "my"
    assert (two.data.source_language, two.data.target_language) == ("en", "de")
    assert (one.data.source_language, one.data.target_language) == ("und", "und")
    assert one.model_copy(update={"data": two.data}) == two
    (files / "my.tsv").rename("x.en-fr.tsv")
    assert own_files.read(["x.en-fr.tsv"]).recipe.data.target_language == "fr"


def test_a_field_on_the_command_line_wins_and_the_notice_shows_what_is_used(files):
    chosen = own_files.read(["my.tsv", "--training.epochs", "3", "--name", "other", "--data.target_language", "de"])
    assert (chosen.recipe.training.epochs, chosen.recipe.name) == (3, "other")
    assert chosen.recipe.data.target_language == "de"
    assert "130 pairs, 1,300 words: preset small" in chosen.notice
    assert "3 epochs" in chosen.notice
    assert "--FIELD VALUE" in chosen.notice


def test_summaries_start_from_the_recipe_for_summaries(files):
    recipe = own_files.read(["my.tsv", "--task", "summarization"]).recipe
    assert (recipe.task, recipe.model.pointer, recipe.model.encoder.units) == ("summarization", True, 256)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.tsv"], "none.tsv: no such file."),
        (["my.pdf"], "a .pdf file, a PDF, cannot be read."),
        (["my.en"], "my.en holds one side only. Expected two files, --source my.en --target FILE, or one with both"),
        (["my.en", "my.de"], "my.en holds one side only."),
        (["--target", "my.de"], "--source is missing"),
        (["--source", "my.en"], "my.en holds one side only."),
        (["--source", "my.en", "--target", "none.de"], "none.de: no such file."),
        (["my.tsv", "--source", "my.en"], "Received both: my.tsv and --source."),
        (["few.tsv"], "Expected at least 100 pairs"),
        (["one.tsv"], "expected source and target with a tab between them"),
        (["./"], "is a folder, a pipe or a device"),
        (["my.tsv", "--task", "compression"], "expected translation or summarization for files of your own."),
        (["my.tsv", "--training.epoch", "2"], "Did you mean --training.epochs?"),
        (["transaltion", "tiny"], "Did you mean translation?"),
        (["dmeo"], "Did you mean: seq2seq train translation demo"),
        (["translation", "dmeo"], "Did you mean demo?"),
    ],
)
def test_a_mistake_gets_one_message_and_leaves_nothing(files, words, message, capsys):
    (files / "few.tsv").write_text("a\tb\n" * 3)
    (files / "one.tsv").write_text("a\n" * 300)
    before = sorted(files.iterdir())
    assert main(["train", *words]) == 2
    assert message in capsys.readouterr().err
    assert sorted(files.iterdir()) == before


@pytest.mark.parametrize("words", [[], ["--help"], ["my.tsv", "--help"]])
def test_train_alone_lists_what_there_is(files, words, capsys):
    assert main(["train", *words]) == 0
    out = capsys.readouterr().out
    assert "seq2seq train --source FILE --target FILE" in out
    assert "translation    demo, tiny, multi30k_en_de" in out
    assert "summarization  phrases" in out


def test_the_same_command_goes_on_with_a_stopped_run(files, capsys):
    words = ["my.tsv", *TINY]

    def stopped(folder, recipe):
        (folder.path / "model.weights.h5").touch()
        raise KeyboardInterrupt

    assert run_recipe({}, "seq2seq train", "", words, build=stopped, read=own_files.read) == 130
    assert "the same command goes on from there" in capsys.readouterr().err
    (files / "runs" / "my" / "model.weights.h5").unlink()
    assert main(["train", *words]) == 0
    assert "preset small" in capsys.readouterr().out
    assert json.loads((files / "runs" / "my" / "recipe.json").read_text())["recipe"]["data"]["corpus"] == "files"
    assert main(["train", *words]) == 0
    assert "is finished" in capsys.readouterr().out


def test_fields_of_several_columns_take_words_or_commas():
    expected = ["custom"], {"data.future": "holiday,promotion", "scoring.level": "80,95", "data.static": "region"}
    words = ["--data.future", "holiday", "promotion", "--scoring.level", "80", "95", "--data.static", "region"]
    assert read_flags(["custom", *words], ["custom"]) == expected
    assert read_flags([*words[:5], "95", "custom", *words[6:]], ["custom"]) == expected
    assert read_flags(["custom", "--data.future=holiday,promotion", *words[3:]], ["custom"]) == expected
