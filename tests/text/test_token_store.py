"""Pairs of texts as ids in a store."""

from __future__ import annotations

import pytest

from seq2seq.pipeline.store import Store
from seq2seq.symbols import EOS
from seq2seq.text.examples import Example
from seq2seq.text.token_store import CHUNK, check_ids, counts_of, write_token_store


def numbers(lines, chunk):
    return [[int(i) for i in line.split()] for line in lines]


def test_sequences_are_read_as_they_were_written_with_an_eos(make_store, rng):
    pairs = [tuple(rng.integers(4, 90_000, rng.integers(1, 12)).tolist() for _ in range(2)) for _ in range(2500)]
    written = make_store(pairs)
    for store in (written, Store(written.folder)):
        assert len(store) == len(pairs)
        for i, (source, target) in enumerate(pairs):
            assert store["source"][i].tolist() == [*source, EOS]
            assert store["target"][i].tolist() == [*target, EOS]
        assert store.lengths("source").tolist() == [len(source) + 1 for source, _ in pairs]
        assert store.lengths("target").tolist() == [len(target) + 1 for _, target in pairs]
        assert "alignment" not in store


def test_empty_and_too_long_pairs_are_left_out_and_counted(make_store):
    pairs = [([4], [5]), ([], [5]), ([4], []), ([], []), ([4] * 4, [5]), ([4], [5] * 4), ([6] * 3, [7] * 3)]
    store = make_store(pairs, max_length=3)
    assert counts_of(store) == {"empty": 3, "too_long": 2, "cut": 0}
    assert [store["source"][i].tolist() for i in range(len(store))] == [[4, EOS], [6, 6, 6, EOS]]
    assert [store["target"][i].tolist() for i in range(len(store))] == [[5, EOS], [7, 7, 7, EOS]]


def test_a_store_without_pairs_is_empty(make_store):
    assert len(make_store([([], [])])) == 0


def test_long_sources_are_cut_and_counted_where_asked(make_store):
    store = make_store([([5, 6, 7, 8], [5]), ([5, 6], [5, 6, 7, 8]), ([5, 6, 7], [9])], max_length=3, cut_source=2)
    assert counts_of(store) == {"empty": 0, "too_long": 1, "cut": 2}
    assert [store["source"][i].tolist() for i in range(2)] == [[5, 6, EOS], [5, 6, EOS]]


def test_damaged_counts_stop_nothing(tmp_path):
    store = Store.write(tmp_path / "store", [], {}, {"empty": "many", "too_long": None})
    assert counts_of(store) == {"empty": 0, "too_long": 0, "cut": 0}


def test_each_chunk_is_encoded_with_its_number(tmp_path):
    calls = []

    def encode(lines, chunk):
        calls.append((len(lines), chunk))
        return numbers(lines, chunk)

    examples = (Example("4", "5", line) for line in range(CHUNK + 3))
    write_token_store(tmp_path / "store", examples, encode, numbers, 10)
    assert calls == [(CHUNK, 0), (3, 1)]


def test_a_failing_tokeniser_leaves_the_store_of_before(tmp_path):
    write_token_store(tmp_path / "store", [Example("4 5", "6", 1)], numbers, numbers, 10)

    def broken(lines, chunk):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        write_token_store(tmp_path / "store", [Example("7", "8", 1)], broken, numbers, 10)
    assert Store(tmp_path / "store")["source"][0].tolist() == [4, 5, EOS]


def test_sides_of_unequal_counts_are_refused(tmp_path):
    with pytest.raises(ValueError, match="shorter"):
        write_token_store(tmp_path / "store", [Example("4", "5", 1)], numbers, lambda lines, chunk: [], 10)
    assert not (tmp_path / "store").exists()


def test_ids_beyond_a_vocabulary_are_found(make_store):
    store = make_store([([4, 7], [5, 9]), ([6], [8])])
    check_ids(store, 8, 10)
    for sizes, name in (((7, 10), "source holds 7, expected 0 to 6"), ((8, 9), "target holds 9, expected 0 to 8")):
        with pytest.raises(ValueError, match=f"{name}.*Delete it"):
            check_ids(store, *sizes)


@pytest.mark.parametrize("point", [(3, 0), (0, 2), (-1, 0), (0, -1)])
def test_alignments_outside_their_pair_are_found(tmp_path, monkeypatch, point):
    monkeypatch.setattr("seq2seq.text.token_store.CHUNK", 2)
    examples = [Example("4 5", "6", line) for line in range(1, 6)]
    points = [[], [(0, 0), (1, 0)], [], [(2, 1)], [(0, 0)]]  # EOS is a position too

    def write():
        def align(kept, sources, targets):
            return [points[example.line - 1] for example in kept]

        return write_token_store(tmp_path / "store", examples, numbers, numbers, 9, align=align)

    check_ids(write(), 7, 7)
    points[3] = [(0, 0), point]
    with pytest.raises(ValueError, match=r"alignment holds a position outside its pair\)\. Delete it"):
        check_ids(write(), 7, 7)


def test_alignments_stay_with_their_pairs_when_others_are_left_out(tmp_path):
    examples = [
        Example("", "5", 1, alignment=()),
        Example("4 5 6 7", "4", 2, alignment=((3, 0),)),
        Example("8 9", "7", 3, alignment=((1, 0),)),
        Example("4", "4 5 6 7 8", 4, alignment=((0, 4),)),
    ]
    calls = []

    def align(kept, sources, targets):
        calls.extend(zip((e.line for e in kept), sources, targets, strict=True))
        return [[(i, j) for i, j in e.alignment if i < len(source)] for e, source in zip(kept, sources, strict=True)]

    store = write_token_store(tmp_path / "store", examples, numbers, numbers, 4, cut_source=2, align=align)
    assert calls == [(2, [4, 5], [4]), (3, [8, 9], [7])]
    assert [store["alignment"][i].tolist() for i in range(2)] == [[], [[1, 0]]]
