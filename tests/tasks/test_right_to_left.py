"""A run that writes from right to left: text comes and goes as ever, and only the ids are turned round."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.inference.generator import Generator
from seq2seq.pipeline.store import Store
from seq2seq.symbols import EOS
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.loading import load_generator
from seq2seq.text.corpus import read_lines
from seq2seq.text.subword import SubwordTokenizer

pytestmark = pytest.mark.usefixtures("loaded_once")

LINES = ["ab cd", "ef gh ij", "op", "kl mn ab cd"]


@pytest.fixture(scope="module")
def generator(backwards):
    # It has learned little: made to write several pieces, all different, so that their order is seen.
    return load_generator(backwards, min_length=4, no_repeat_ngram=1)


def test_ids_run_backwards_and_text_comes_back(tokenizers, sentences):
    for tokenizer in tokenizers.values():
        turned = SubwordTokenizer(tokenizer.model, right_to_left=True)
        assert turned.encode(sentences[:9]) == [ids[::-1] for ids in tokenizer.encode(sentences[:9])]
        assert turned.decode(turned.encode(sentences)) == tokenizer.decode(tokenizer.encode(sentences))
        assert turned.decode([[*turned.encode(["a dog"])[0], EOS, 0, 0]]) == ["a dog"]
        drawn = turned.sample(sentences[:20], 0.2, seed=4)
        assert drawn == [ids[::-1] for ids in tokenizer.sample(sentences[:20], 0.2, seed=4)]
        row = tokenizer.encode(["a dog sits"])[0]
        assert turned.ids(turned.pieces(row)) == row, "single pieces keep their order"


def test_only_the_target_of_such_a_run_is_turned_round(backwards):
    source, target = TextRunFolder(backwards).load_tokenizers()
    assert (source.right_to_left, target.right_to_left) == (False, True)


def test_training_reads_targets_from_their_last_piece(quick_run, corpus_files, tmp_path):
    assert quick_run(tmp_path / "run", "--data.right_to_left", "true", "--training.epochs", "1") == 0
    store = Store(tmp_path / "run" / "stores" / "train")
    plain = SubwordTokenizer.load(tmp_path / "run" / "target.model")
    sides = zip(read_lines(corpus_files / "train.x"), read_lines(corpus_files / "train.y"), strict=True)
    for pair, (source, target) in enumerate(list(sides)[:20]):
        assert store["source"][pair].tolist() == [*plain.encode([source])[0], EOS]
        assert store["target"][pair].tolist() == [*plain.encode([target])[0][::-1], EOS]


def test_outputs_are_text_in_its_order_and_their_pieces_score_as_found(generator):
    results = generator.with_options(normalization="none").generate(LINES)
    target = generator.target_tokenizer
    for line, (best, *_) in zip(LINES, results, strict=True):
        assert best.text == "".join(best.pieces[::-1]).replace("▁", " ").strip()
        gains = generator.score_ids([line], [target.ids(best.pieces)])[0]
        assert gains.sum() == pytest.approx(best.log_probability, abs=1e-4)
        assert len(set(best.pieces)) >= 4


def test_a_text_scores_as_its_reversed_pieces_do_on_the_bare_model(generator):
    plain = SubwordTokenizer(generator.target_tokenizer.model)
    bare = Generator(generator.model, generator.source_tokenizer, plain, generator.options)
    texts = [line.upper() for line in LINES]
    wanted = bare.score_ids(LINES, [ids[::-1] for ids in plain.encode(texts)])
    straight = bare.score(list(zip(LINES, texts, strict=True)))
    for found, same, other in zip(generator.score(list(zip(LINES, texts, strict=True))), wanted, straight, strict=True):
        np.testing.assert_allclose(found, same, atol=1e-5)
        assert len(found) < 3 or not np.allclose(found, other)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="exports are made by TensorFlow")
def test_a_saved_model_writes_the_text_in_its_order(generator):
    pytest.importorskip("tensorflow_text")
    import tensorflow as tf

    from seq2seq.export.saved_model import TextService

    service = TextService(generator)
    wanted = [best[0] for best in generator.generate(LINES)]
    found = service.translate(tf.constant(LINES))["text"].numpy()
    assert [text.decode() for text in found] == [h.text for h in wanted]
    ids = generator.source_tokenizer.encode(LINES)
    ragged = tf.ragged.constant(ids, dtype=tf.int32)
    served = service.translate_ids(ragged.to_tensor(0), tf.cast(ragged.row_lengths(), tf.int32))
    rows = [row[:n].tolist() for row, n in zip(served["ids"].numpy(), served["lengths"].numpy(), strict=True)]
    assert rows == [generator.target_tokenizer.ids(h.pieces)[::-1] for h in wanted]
    assert SubwordTokenizer(generator.target_tokenizer.model).decode(rows) == [h.text for h in wanted]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="exports are made by TensorFlow")
def test_a_litert_folder_writes_the_text_in_its_order(generator, tmp_path):
    pytest.importorskip("ai_edge_litert")
    from seq2seq.export.litert import export_litert
    from seq2seq.lite.generator import LiteGenerator

    lite = LiteGenerator.load(export_litert(generator, tmp_path / "lite", "none"))
    assert lite(LINES) == generator(LINES)
