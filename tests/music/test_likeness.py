"""What of a composition stands in the corpus, and what it may hold at all."""

import numpy as np
import pytest

from seq2seq.music.constraints import Constraints, TokenRules
from seq2seq.music.events import END_OF_FRAME, EventCodec
from seq2seq.music.inputs import Piece
from seq2seq.music.likeness import Corpus, longest_copy, statistics
from seq2seq.music.notes import Music, Note, music_of_voices


def melody(pitches, lengths=None, at=0):
    notes, step = [], at
    for pitch, length in zip(pitches, lengths or [2] * len(pitches), strict=True):
        notes.append((step, pitch, length))
        step += length
    return music_of_voices([notes])


CORPUS = [melody([60, 62, 64, 65, 67, 69, 71, 72]), melody([70, 60, 70, 61, 71, 61], [1, 2, 3, 1, 2, 3])]


def test_the_longest_copy_is_found_at_any_pitch_and_time():
    new = melody([50, 65, 67, 69, 70, 72, 40], at=3)  # 60 62 64 65 67, five higher
    found = longest_copy(new.notes, Corpus.of(CORPUS))
    assert (found.notes, found.start, found.piece, found.step) == (5, 1, 0, 0)
    found = longest_copy(CORPUS[1].notes[1:], Corpus.of(CORPUS))
    assert (found.notes, found.piece, found.step) == (5, 1, 1)


def test_another_rhythm_is_no_copy_and_a_copy_does_not_cross_pieces():
    slow = melody([60, 62, 64, 65], [4, 4, 4, 4])
    assert longest_copy(slow.notes, Corpus.of(CORPUS)).notes == 1
    across = melody([71, 72, 70, 60], [2, 2, 1, 2])
    assert longest_copy(across.notes, Corpus.of(CORPUS)).notes == 2
    assert longest_copy((), Corpus.of(CORPUS)).notes == 0


def test_a_copy_is_as_long_as_comparing_all_stretches_says():
    draw = np.random.default_rng(5)
    pieces = [melody(draw.integers(60, 63, 40).tolist(), draw.integers(1, 3, 40).tolist()) for _ in range(3)]
    new = melody(draw.integers(60, 63, 30).tolist(), draw.integers(1, 3, 30).tolist())

    def links(music):
        pairs = zip(music.notes, music.notes[1:], strict=False)
        return [(b.start - a.start, b.pitch - a.pitch, a.length) for a, b in pairs]

    own, best = links(new), 0
    for known in map(links, pieces):
        for i in range(len(own)):
            for j in range(len(known)):
                k = 0
                while i + k < len(own) and j + k < len(known) and own[i + k] == known[j + k]:
                    k += 1
                best = max(best, k)
    assert longest_copy(new.notes, Corpus.of(pieces)).notes == best + 1


def test_statistics_count_the_highest_notes_that_begin_at_a_time():
    music = Music((Note(0, 60, 4), Note(0, 67, 2), Note(2, 69, 2), Note(4, 69, 2), Note(6, 76, 2)), 8)
    known = Corpus.of([music])
    found = statistics(known.notes, known.ends, known.steps, 4)
    assert found["notes_per_quarter"] == 5 / 2
    assert found["length"] == pytest.approx(12 / 5 / 4)
    assert found["sounding"] == 12 / 8
    assert [found[name] for name in ("repeats", "steps", "thirds", "leaps")] == pytest.approx([1 / 3, 1 / 3, 0, 1 / 3])
    assert statistics(known.notes[:0], known.ends * 0, known.steps, 4) == {}


def test_a_corpus_gives_back_the_notes_of_its_pieces():
    empty = Music((), 8)
    pieces = [CORPUS[0], empty, CORPUS[1]]
    assert list(Corpus.of(pieces).pieces()) == pieces


def test_a_corpus_with_a_note_that_cannot_be_is_damaged(tmp_path):
    for place, value in ((0, -1), (0, 10**6), (1, 128), (2, 0), (3, -1)):
        known = Corpus.of(CORPUS)
        known.notes[3, place] = value
        known.save(tmp_path / "corpus.npz")
        with pytest.raises(ValueError, match=r"corpus\.npz: missing or damaged"):
            Corpus.load(tmp_path / "corpus.npz")
    known = Corpus.of(CORPUS)
    known.steps[0] = 10**9
    known.save(tmp_path / "corpus.npz")
    with pytest.raises(ValueError, match="steps"):
        Corpus.load(tmp_path / "corpus.npz")


def test_a_corpus_is_written_and_read_again_and_a_damaged_one_is_named(tmp_path):
    known = Corpus.of(CORPUS)
    known.save(tmp_path / "corpus.npz")
    again = Corpus.load(tmp_path / "corpus.npz")
    np.testing.assert_array_equal(again.notes, known.notes)
    np.testing.assert_array_equal(again.ends, known.ends)
    assert (again.steps_per_quarter, again.tempo) == (4, 100.0)
    (tmp_path / "corpus.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"corpus\.npz: missing or damaged"):
        Corpus.load(tmp_path / "corpus.npz")


def test_pitches_of_a_frame_ascend_within_range_and_scale_and_only_what_sounds_goes_on():
    codec = EventCodec(60, 72, onsets=True)
    rules = TokenRules(codec, Constraints(61, 71, frozenset({0, 2, 4, 5, 7, 9, 11}), most_notes=2))
    tape = codec.tape(Piece(16))

    def names():
        return codec.surface(np.flatnonzero(rules.allowed(tape)))

    def push(name):
        codec.advance(tape, int(np.flatnonzero(np.asarray(codec.surface(range(codec.size))) == name)[0]))

    assert names() == ["|", "62", "64", "65", "67", "69", "71"]
    push("65")
    assert names() == ["|", "67", "69", "71"]
    push("69")
    assert names() == ["|"]
    codec.advance(tape, END_OF_FRAME)
    assert names() == ["|", "62", "64", "65", "67", "69", "71", "65-", "69-"]
    with pytest.raises(ValueError, match="The range and the scale leave no pitch"):
        TokenRules(codec, Constraints(80, 90))
