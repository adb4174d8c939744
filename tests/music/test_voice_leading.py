"""What the benchmark of voice leading counts."""

import pytest

from benchmarks.voice_leading import Leading, has_parallels, is_chord, leading
from seq2seq.music.notes import Music, Note


@pytest.mark.parametrize(
    ("pitches", "expected"),
    [((48, 64, 67, 72), True), ((43, 53, 59, 62), True), ((48, 52, 60, 64), True), ((48, 53, 60, 67), False)],
)
def test_a_chord_is_a_triad_or_a_seventh_chord(pitches, expected):
    assert is_chord(pitches) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((48, 55, 64, 72), (50, 57, 65, 74), True),  # fifths of the lower voices, octaves of the outer ones
        ((48, 60, 64, 67), (50, 62, 65, 69), True),
        ((48, 55, 64, 72), (48, 55, 65, 72), False),  # a fifth that stays
        ((48, 55, 64, 72), (47, 55, 62, 74), False),
        ((48, 52, 57, 60), (50, 53, 59, 60), False),  # thirds and sixths
    ],
)
def test_parallels_are_fifths_and_octaves_of_which_both_voices_move(before, after, expected):
    assert has_parallels(before, after) == expected


def chords(*found):
    notes = sorted(Note(4 * at, pitch, 4) for at, pitches in enumerate(found) for pitch in pitches)
    return Music(tuple(notes), 4 * len(found))


def test_shares_are_over_the_beats_and_moves_of_all_pieces():
    first = chords((48, 64, 67, 72), (53, 57, 60, 69), (55, 62, 67, 71), (48, 64, 67, 72))
    second = chords((48, 55, 64, 72), (50, 57, 65, 74), (52, 53, 54, 55), (60, 64, 67))
    found = leading([first, second])
    assert found == Leading(2, 6 / 7, pytest.approx(1 / 5), 1.0, pytest.approx(found.in_key), 0.0)


def test_pieces_of_fewer_voices_are_refused():
    with pytest.raises(ValueError, match="four notes"):
        leading([chords((60,), (62,), (64,))])
