"""Music as tokens, and what is known before each of them."""

from dataclasses import replace

import numpy as np
import pytest

from seq2seq.music.batches import INPUTS, TOKENS, Collation, cut
from seq2seq.music.events import END_OF_FRAME, FIRST, EventCodec
from seq2seq.music.inputs import FURTHEST
from seq2seq.music.notes import Music, Note
from seq2seq.music.scales import key_number, scale_pitches, transposed_key
from seq2seq.symbols import BOS, EOS, UNK

EVERY = ("place", "bar", "meter", "key", "before", "bar_before", "section_before", "transposed")


def piece(seed, steps=24, **fields):
    """Notes of two voices and rests, pitches 55 to 70; no pitch sounds in both voices at once."""
    draw, notes = np.random.default_rng(seed), []
    for voice, pitches in enumerate((range(64, 71), range(55, 63))):
        step = 0
        while step < steps:
            length = min(int(draw.integers(1, 5)), steps - step)
            if draw.random() < 0.8:
                notes.append(Note(step, int(draw.choice(pitches)), length, voice))
            step += length
    return Music(tuple(notes), steps, **{"meter": (3, 4), "key": "Am", "upbeat": 2, **fields})


PIECES = [piece(seed) for seed in range(6)]


def codec(onsets=True, **options):
    return EventCodec.learn(PIECES, options.pop("steps_per_quarter", 4), onsets, options.pop("inputs", EVERY))


def test_notes_become_tokens_and_the_same_notes_again():
    """But for their voices, which tokens do not tell."""
    for music in PIECES:
        found = codec().decode(codec().encode(music).tokens, music)
        assert [note.voice for note in found.notes if note.voice] != []
        same = tuple(replace(note, voice=0) for note in music.notes)
        assert replace(found, notes=tuple(replace(note, voice=0) for note in found.notes)) == replace(music, notes=same)


@pytest.mark.parametrize("onsets", [True, False])
def test_any_tokens_in_order_become_notes_and_the_same_tokens_again(onsets):
    coder, draw = codec(onsets), np.random.default_rng(3)
    for _ in range(20):
        frames, before = [], set()
        for _ in range(10):
            pitches = sorted(draw.choice(np.arange(coder.low, coder.high + 1), draw.integers(0, 4), replace=False))
            held = coder.pitches * np.asarray([onsets and p in before and draw.random() < 0.5 for p in pitches], int)
            frames += [*(FIRST + np.asarray(pitches, int) - coder.low + held), END_OF_FRAME]
            before = set(pitches)
        tokens = [int(token) for token in frames] + [EOS]
        assert coder.encode(coder.decode(tokens)).tokens.tolist() == tokens


def test_a_frame_has_its_pitches_ascending_and_an_end():
    music = Music((Note(0, 67, 2), Note(0, 60, 1), Note(1, 60, 1)), 2)
    assert codec(False).surface(codec(False).encode(music).tokens) == ["60", "67", "|", "60", "67", "|", "</s>"]
    assert codec().surface(codec().encode(music).tokens) == ["60", "67", "|", "60", "67-", "|", "</s>"]


def test_what_is_known_before_a_token_does_not_depend_on_it_nor_on_what_follows():
    coder = codec()
    one, other = (coder.encode(music) for music in PIECES[:2])
    start = coder.piece(PIECES[0])
    assert start == coder.piece(PIECES[1])
    for place in range(0, len(one.tokens), 5):
        mixed = coder.with_inputs([*one.tokens[:place], *other.tokens[place:]], start)
        np.testing.assert_array_equal(mixed.inputs[: place + 1], one.inputs[: place + 1])
    assert one.inputs[0, 0] == BOS
    np.testing.assert_array_equal(one.inputs[1:, 0], one.tokens[:-1])


def test_the_inputs_are_what_their_names_say():
    music = Music((Note(0, 60, 12), Note(0, 64, 6), Note(8, 66, 4)), 12, meter=(2, 4), upbeat=2, key="Dm")
    coder = EventCodec.learn([music], 4, True, EVERY)
    events = coder.encode(music)
    named = {name: events.inputs[:, 1 + number] for number, name in enumerate(EVERY)}
    ends = np.flatnonzero(events.tokens == END_OF_FRAME)
    assert named["place"][ends].tolist() == [2] * 6 + [1] * 2 + [2] * 4
    assert named["bar"][ends].tolist() == [7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2]
    assert set(named["meter"]) == {1}
    assert set(named["key"]) == {key_number("Dm")}
    first_of = np.append(0, ends[:-1] + 1)
    assert named["before"][first_of].tolist() == [0] + [1] * 11
    assert named["before"][first_of + 1].tolist()[:8] == [0] + [5] * 6 + [0]
    assert named["bar_before"][first_of].tolist() == [0] * 8 + [1] * 4
    assert named["bar_before"][first_of[8:] + 1].tolist() == [5, 5, 5, 5]
    again = coder.continued(coder.continued(music, [END_OF_FRAME] * 52), coder.encode(music).tokens)
    assert coder.encode(again).inputs[-1 - len(events.tokens) :, 1 + EVERY.index("section_before")].any()
    for column, size in zip(events.inputs.T, coder.input_sizes, strict=True):
        assert 0 <= column.min() <= column.max() < size


@pytest.mark.parametrize("onsets", [True, False])
def test_transposing_tokens_is_transposing_notes(onsets):
    coder = codec(onsets)
    for music in PIECES:
        events = coder.encode(music)
        for by in coder.intervals(events, 12):
            moved, expected = coder.transposed(events, by), coder.encode(music.transposed(by))
            np.testing.assert_array_equal(moved.tokens, expected.tokens)
            kept = [number for number, name in enumerate(("token", *EVERY)) if name not in ("key", "transposed")]
            np.testing.assert_array_equal(moved.inputs[:, kept], expected.inputs[:, kept])
            assert set(moved.inputs[:, 1 + EVERY.index("key")]) == {transposed_key(key_number("Am"), by)}
            assert set(moved.inputs[:, 1 + EVERY.index("transposed")]) == {FURTHEST + by}


def test_intervals_stay_within_the_range_and_the_limit():
    coder = EventCodec(50, 70)
    events = coder.encode(Music((Note(0, 52, 1), Note(0, 69, 1)), 1))
    assert coder.intervals(events, 12) == range(-2, 2)
    assert coder.intervals(events, 1) == range(-1, 2)
    assert coder.intervals(coder.encode(Music((), 1)), 12) == range(1)


def test_a_part_is_transposed_within_the_range_with_the_frames_before_it_that_it_still_reads():
    coder = codec()
    for part in cut(coder.encode(piece(9, steps=200)), 30):
        for by in (coder.intervals(part, 12)[0], coder.intervals(part, 12)[-1]):
            inputs = coder.transposed(part, by).inputs
            assert (inputs >= 0).all()
            assert (inputs < coder.input_sizes).all()


def test_how_a_row_is_transposed_follows_from_seed_epoch_and_row():
    coder = codec()
    events = [coder.encode(music) for music in PIECES]
    store = {TOKENS: [e.tokens for e in events], INPUTS: [e.inputs for e in events]}

    def drawn(seed, epoch):
        change = Collation(coder, 12, 0.0, seed, epoch)
        return [change.piece(store, row).tokens.tolist() for row in range(len(events))]

    assert drawn(1, 0) == drawn(1, 0)
    assert drawn(1, 0) != drawn(1, 1)
    assert drawn(1, 0) != drawn(2, 0)
    plain = Collation(coder)(store, np.asarray([0, 3]), (400,))
    assert plain.target_output[1, : len(events[3].tokens)].tolist() == events[3].tokens.tolist()
    assert plain.weights.sum(axis=1).tolist() == [len(events[0].tokens), len(events[3].tokens)]


def test_a_long_piece_is_cut_between_frames_and_nothing_is_lost():
    events = codec().encode(piece(9, steps=200))
    for longest in (7, 50, 10_000):
        parts = cut(events, longest)
        np.testing.assert_array_equal(np.concatenate([part.tokens for part in parts]), events.tokens)
        np.testing.assert_array_equal(np.concatenate([part.inputs for part in parts]), events.inputs)
        assert max(len(part.tokens) for part in parts) <= longest
        assert all(part.tokens[-1] == END_OF_FRAME for part in parts[:-1])


def test_another_grid_is_turned_into_that_of_the_codec():
    music = Music((Note(0, 60, 4), Note(4, 62, 2), Note(6, 64, 2)), 8, 4)
    assert codec(steps_per_quarter=8).on_grid(music).notes == (Note(0, 60, 8), Note(8, 62, 4), Note(12, 64, 4))
    coarse = codec(steps_per_quarter=1).on_grid(music)
    assert (coarse.notes, coarse.steps) == ((Note(0, 60, 1), Note(1, 62, 1)), 2)  # 64 sounds at no quarter
    with pytest.raises(ValueError, match="has 4 steps a quarter and the model 3"):
        codec(steps_per_quarter=3).on_grid(music)


def test_a_piece_that_goes_on_keeps_its_notes_and_lengthens_what_is_held():
    coder = codec()
    music = PIECES[0]
    held = {note.pitch for note in music.notes if note.start + note.length == music.steps}
    longer = coder.continued(music, [coder.token(note._replace(begins=False)) for note in coder.frames(music)[-1]])
    assert longer == music  # no frame has ended
    tokens = [coder.token(note._replace(begins=False)) for note in coder.frames(music)[-1]] + [END_OF_FRAME]
    longer = coder.continued(music, tokens)
    assert longer.steps == music.steps + 1
    assert len(longer.notes) == len(music.notes)
    assert {note.pitch for note in longer.notes if note.start + note.length == longer.steps} == held


def test_a_pitch_outside_the_range_is_unknown():
    tokens = codec().encode(Music((Note(0, 20, 1),), 1)).tokens
    assert tokens.tolist() == [UNK, END_OF_FRAME, EOS]


def test_a_codec_is_written_and_read_again(tmp_path):
    codec().save(tmp_path / "events.json")
    assert EventCodec.load(tmp_path / "events.json") == codec()
    for text in ("{}", "[]", '{"low": "a"}', (tmp_path / "events.json").read_text().replace('"low": 55', '"low": 300')):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(ValueError, match=r"bad\.json: missing or damaged"):
            EventCodec.load(tmp_path / "bad.json")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EventCodec(60, 50), "Expected pitches from 0 to 127"),
        (lambda: EventCodec(0, 128), "Expected pitches from 0 to 127"),
        (lambda: EventCodec(50, 60, inputs=("tempo",)), "Expected inputs among place"),
        (lambda: EventCodec.learn([Music((), 4)], 4, True, ()), "hold no note"),
        (lambda: scale_pitches("H dorian"), 'Expected a scale such as "D dorian"'),
        (lambda: scale_pitches("D doric"), "dorian, phrygian"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_keys_and_scales_have_the_pitches_of_their_names():
    assert scale_pitches("D dorian") == scale_pitches("C major") == scale_pitches("a minor")
    assert scale_pitches("Bb") == {10, 0, 2, 3, 5, 7, 9}
    assert key_number("") == key_number("none") == 0
    assert key_number("Am") == key_number("A minor") == key_number("Amin")
    assert transposed_key(key_number("Bbdor"), 2) == key_number("Cdor")
    assert len({key_number(tonic + mode) for tonic in "CDEFGAB" for mode in ("", "m", "dor", "mix")}) == 28


def test_pieces_on_the_grid_of_the_corpus_come_back_with_their_upbeat():
    music = replace(PIECES[0], upbeat=3)
    assert codec().decode(codec().encode(music).tokens, music).upbeat == 3
