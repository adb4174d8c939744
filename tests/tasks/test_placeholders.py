"""A model that never saw a URL copies it, in memory and in LiteRT."""

from __future__ import annotations

import json
import logging
import random

import pytest

import seq2seq

pytestmark = pytest.mark.usefixtures("loaded_once")

UNSEEN = ["ef https://never.seen/a?b=%7E#c ab", "{other} cd http://localhost:80", "gh {other} gh {other}"]
STRINGS = [["https://never.seen/a?b=%7E#c"], ["{other}", "http://localhost:80"], ["{other}", "{other}"]]


@pytest.fixture(scope="module")
def copier(run, tmp_path_factory):
    """A run on lines with a URL or a name in braces, or both."""
    folder, draw = tmp_path_factory.mktemp("copied"), random.Random(3)
    flags = []
    for split, count in (("train", 160), ("validation", 4), ("test", 2)):
        sources = []
        for number in range(count):
            words = [draw.choice(["ab", "cd", "ef", "gh"]) for _ in range(draw.randint(1, 3))]
            for string in (f"https://x.org/{number}", f"{{n{number}}}")[: draw.randint(1, 2)]:
                words.insert(draw.randint(0, len(words)), string)
            sources.append(words)
        targets = [[w.upper() if w.isalpha() else w for w in words] for words in sources]
        for side, rows in (("source", sources), ("target", targets)):
            (folder / f"{split}.{side}").write_text("".join(" ".join(row) + "\n" for row in rows))
            flags += [f"--data.{split}.{side}", str(folder / f"{split}.{side}")]
    flags += ["--tokenizer.placeholders", "url,braces", "--tokenizer.size", "36", "--exports", "litert,saved_model"]
    flags += ["--training.epochs", "4", "--training.learning_rate", "0.02", "--batching.tokens", "300"]
    flags += ["--model.decoder.units", "24", "--model.embedding", "16", "--model.decoder.dropout", "0"]
    assert run(folder / "run", *flags) == 0
    return folder / "run"


@pytest.fixture(scope="module")
def translator(copier):
    return seq2seq.load(copier)


def copied(text):
    return sorted(word for word in text.split() if not word.isupper())


def test_unseen_strings_come_out_exactly_in_memory(translator):
    assert translator.source_tokenizer.placeholders.count == 2
    for text, strings in zip(translator(UNSEEN), STRINGS, strict=True):
        assert set(copied(text)) == set(strings)


def test_every_hypothesis_is_restored(translator, copier):
    lite = seq2seq.load(copier / "export" / "litert")
    for generator in (translator, lite):
        for rows in generator.with_options(beam_size=2, num_best=2).generate(UNSEEN):
            assert not any("⟨" in hypothesis.text for hypothesis in rows)
    assert set(copied(lite(UNSEEN[0]))) <= set(STRINGS[0])


def test_what_the_search_loses_is_asked_for_or_told(translator, caplog):
    line = " ".join(["https://a.b/1", "{one}"] * 6)  # longer than any in training
    assert set(copied(translator(line))) == {"https://a.b/1", "{one}"}
    with caplog.at_level(logging.WARNING):
        translator.with_options(beam_size=1, max_ratio=0.0, max_extra=1)(UNSEEN)
    assert "Of 3 outputs with placeholders" in caplog.text
    assert "lack some of their source" in caplog.text


def test_constraints_and_the_command_line_see_the_strings(copier, cli):
    record = {"text": UNSEEN[0], "prefix": "https://never.seen/a?b=%7E#c AB"}
    code, out, _ = cli("translate", copier, "--json", text=(json.dumps(record) + "\n").encode())
    assert code == 0
    assert json.loads(out)["output"].startswith(record["prefix"])


def test_scores_and_alignments_take_the_strings_for_symbols(translator):
    from seq2seq.inference.alignments import align_text

    target = "EF https://never.seen/a?b=%7E#c AB"
    assert len(translator.score([(UNSEEN[0], target)])[0]) == len(translator.target_ids([(UNSEEN[0], target)])[0]) + 1
    (alignment,) = align_text(translator, [(UNSEEN[0], target)])
    assert "⟨1⟩" in alignment.source
    assert max(alignment.source_words) == max(alignment.target_words) == 2


def test_a_graph_that_takes_text_is_refused(copier, cli):
    assert not (copier / "export" / "saved_model").exists()
    code, _, err = cli("export", copier, "--format", "saved_model")
    assert code == 2
    assert "cannot copy placeholders" in err
