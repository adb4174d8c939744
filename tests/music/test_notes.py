import pytest

from seq2seq.music.notes import Music, Note, music_of_voices

CHORD = music_of_voices([[(0, 72, 2), (2, 74, 2)], [(0, 60, 4)]], meter=(3, 8))


def test_frames_hold_what_sounds():
    assert CHORD.frames() == [[60, 72], [60, 72], [60, 74], [60, 74]]


def test_a_bar_of_three_eighths_has_six_sixteenths():
    assert CHORD.bar == 6


def test_transposing_up_and_down_again_is_the_same():
    assert CHORD.transposed(5).transposed(-5) == CHORD
    assert CHORD.transposed(5).frames() == [[p + 5 for p in frame] for frame in CHORD.frames()]


@pytest.mark.parametrize(
    "fields",
    [
        {"notes": (Note(0, 128, 1),)},
        {"notes": (Note(3, 60, 2),)},
        {"notes": (Note(0, 60, 0),)},
        {"meter": (3, 5)},
        {"tempo": 0.0},
        {"upbeat": 16},
        {"steps_per_quarter": 0},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(fields):
    with pytest.raises(ValueError, match="Expected"):
        Music(**{"notes": (), "steps": 4, **fields})
