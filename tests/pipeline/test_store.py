"""Tokenised pairs on disk: whole or not there."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.pipeline.store import CHUNK, TokenStore
from seq2seq.symbols import EOS
from seq2seq.types import Example


def numbers(lines, chunk):
    return [[int(i) for i in line.split()] for line in lines]


def test_what_was_written_is_read_each_sequence_with_its_eos(make_store, rng):
    pairs = [tuple(rng.integers(4, 90_000, rng.integers(1, 12)).tolist() for _ in range(2)) for _ in range(2500)]
    store = make_store(pairs)
    assert len(store) == len(pairs)
    for i, (source, target) in enumerate(pairs):
        assert store.source(i).tolist() == [*source, EOS]
        assert store.target(i).tolist() == [*target, EOS]
    assert store.source_lengths.tolist() == [len(source) + 1 for source, _ in pairs]
    assert store.target_lengths.tolist() == [len(target) + 1 for _, target in pairs]
    again = TokenStore(store.folder)
    assert again.target(1234).tolist() == [*pairs[1234][1], EOS]
    assert again.counts == store.counts


def test_empty_and_too_long_pairs_are_left_out_and_counted(make_store):
    pairs = [([4], [5]), ([], [5]), ([4], []), ([], []), ([4] * 4, [5]), ([4], [5] * 4), ([6] * 3, [7] * 3)]
    store = make_store(pairs, max_length=3)
    assert store.counts == {"pairs": 2, "empty": 3, "too_long": 2, "cut": 0}
    assert [store.source(i).tolist() for i in range(len(store))] == [[4, EOS], [6, 6, 6, EOS]]
    assert [store.target(i).tolist() for i in range(len(store))] == [[5, EOS], [7, 7, 7, EOS]]


def test_each_chunk_is_encoded_with_its_number(tmp_path):
    seen = []

    def encode(lines, chunk):
        seen.append((len(lines), chunk))
        return numbers(lines, chunk)

    examples = (Example("4", "5", line) for line in range(CHUNK + 3))
    TokenStore.write(tmp_path / "store", examples, encode, numbers, 10)
    assert seen == [(CHUNK, 0), (3, 1)]


def test_an_interrupted_write_leaves_nothing_under_the_final_name(tmp_path):
    def endless():
        for line in range(2 * CHUNK):
            if line > CHUNK:
                raise KeyboardInterrupt
            yield Example("4", "5", line)

    with pytest.raises(KeyboardInterrupt):
        TokenStore.write(tmp_path / "store", endless(), numbers, numbers, 10)
    assert not (tmp_path / "store").exists()
    store = TokenStore.write(tmp_path / "store", [Example("4 5", "6", 1)], numbers, numbers, 10)
    assert store.source(0).tolist() == [4, 5, EOS]
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_an_interrupted_write_leaves_the_store_of_before(tmp_path):
    TokenStore.write(tmp_path / "store", [Example("4 5", "6", 1)], numbers, numbers, 10)

    def broken(lines, chunk):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        TokenStore.write(tmp_path / "store", [Example("7", "8", 1)], broken, numbers, 10)
    assert TokenStore(tmp_path / "store").source(0).tolist() == [4, 5, EOS]


def test_sides_of_unequal_counts_are_refused(tmp_path):
    with pytest.raises(ValueError, match="shorter"):
        TokenStore.write(tmp_path / "store", [Example("4", "5", 1)], numbers, lambda lines, chunk: [], 10)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("damage", ["missing", "json", "ids", "lengths", "count"])
def test_a_store_that_is_not_whole_is_refused_and_named(make_store, damage):
    folder = make_store([([4, 5], [6]), ([7], [8])]).folder
    if damage == "missing":
        (folder / "store.json").unlink()
    elif damage == "json":
        (folder / "store.json").write_text("{")
    elif damage == "ids":
        np.zeros(3, "<u4").tofile(folder / "source.ids")
    elif damage == "lengths":
        (folder / "target.lengths").unlink()
    else:
        np.zeros(3, "<u4").tofile(folder / "target.ids")
        np.asarray([1, 1, 1], "<u4").tofile(folder / "target.lengths")
    with pytest.raises(ValueError, match=r"store is no whole token store .* Delete it"):
        TokenStore(folder)


def test_a_store_without_pairs_is_empty(make_store):
    assert len(make_store([([], [])])) == 0


def test_long_sources_are_cut_and_counted_where_asked(make_store):
    store = make_store([([5, 6, 7, 8], [5]), ([5, 6], [5, 6, 7, 8]), ([5, 6, 7], [9])], max_length=3, cut_source=2)
    assert store.counts == {"pairs": 2, "empty": 0, "too_long": 1, "cut": 2}
    assert [store.source(i).tolist() for i in range(2)] == [[5, 6, EOS], [5, 6, EOS]]


def test_ids_beyond_a_vocabulary_are_found(make_store):
    store = make_store([([4, 7], [5, 9]), ([6], [8])])
    store.check_ids(8, 10)
    for sizes, name in (((7, 10), "source.ids holds the id 7"), ((8, 9), "target.ids holds the id 9")):
        with pytest.raises(ValueError, match=rf"{name}, the vocabulary has .*Delete it"):
            store.check_ids(*sizes)
