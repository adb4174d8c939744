import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.music.abc_reading import read_abc
from seq2seq.music.abc_structure import part_order
from seq2seq.music.chord_symbols import chord_pitches
from seq2seq.music.keys import fifths, signature

COMMON = "M:4/4\nL:1/4\nK:C"


def tune(body, head=COMMON, **options):
    (music,) = read_abc(f"X:1\nT:A tune\n{head}\n{body}\n", "a.abc", **options)
    return music


def melody(body, head=COMMON, **options):
    """(pitch, steps) of each note, 0 for a rest."""
    played, at = [], 0
    for note in tune(body, head, **options).notes:
        if note.start > at:
            played.append((0, note.start - at))
        played.append((note.pitch, note.length))
        at = note.start + note.length
    return played


def pitches(body, head=COMMON, **options):
    return [note.pitch for note in tune(body, head, **options).notes if note.voice == 0]


def letters(body, head=COMMON):
    """The notes that are played, as letters of the octave above middle C."""
    return "".join({60: "C", 62: "D", 64: "E", 65: "F", 67: "G", 69: "A", 71: "B"}[one] for one in pitches(body, head))


def losses(body, head=COMMON, **options):
    told = []
    tune(body, head, warn=told.append, **options)
    return told


# Notes.


def test_letters_octaves_and_lengths():
    assert melody("C c c' C, G3/2 A/ B// z2 C3/4") == [
        *((60, 4), (72, 4), (84, 4), (48, 4), (67, 6), (69, 2), (71, 1), (0, 8), (60, 3))
    ]


@pytest.mark.parametrize(
    ("meter", "steps"), [("2/4", 1), ("3/4", 2), ("6/8", 2), ("C", 2), ("C|", 2), ("5/8", 1), ("2+3/8", 1)]
)
def test_without_l_the_meter_gives_the_unit(meter, steps):
    assert melody("C", f"M:{meter}\nK:C") == [(60, steps)]


def test_an_accidental_holds_to_the_bar_line_in_its_octave():
    assert pitches("^C C c C | C ^^D __E =E") == [61, 61, 72, 61, 60, 64, 62, 64]


def test_the_directive_says_how_far_an_accidental_holds():
    assert pitches("^C c C|c", "%%propagate-accidentals pitch\n" + COMMON) == [61, 73, 61, 72]
    assert pitches("^C c C|c", COMMON + "\nI:propagate-accidentals not") == [61, 72, 60, 72]


@pytest.mark.parametrize(
    ("key", "f_c_b"),
    [
        ("C", [65, 60, 71]),
        ("G", [66, 60, 71]),
        ("D", [66, 61, 71]),
        ("F", [65, 60, 70]),
        ("Am", [65, 60, 71]),
        ("B minor", [66, 61, 71]),
        ("Ador", [66, 60, 71]),
        ("A Mixolydian", [66, 61, 71]),
        ("Cmin clef=bass", [65, 60, 70]),
        ("HP", [66, 61, 71]),
        ("none", [65, 60, 71]),
        ("D exp ^c _B", [65, 61, 70]),
        ("D =c", [66, 60, 71]),
        ("F# locrian", [66, 60, 71]),
    ],
)
def test_the_key_sets_accidentals(key, f_c_b):
    assert pitches("F C B", f"L:1/4\nK:{key}") == f_c_b


def test_broken_rhythm():
    lengths = [length for _, length in melody("C2>D2 C2<D2 C2>>D2 F2 > z2 F2")]
    assert lengths == [12, 4, 4, 12, 14, 2, 12, 4, 8]


def test_tuplets_on_a_grid_that_holds_them():
    assert melody("(3CDE (3:2:2C2D C", steps_per_quarter=3) == [(60, 2), (62, 2), (64, 2), (60, 4), (62, 2), (60, 3)]
    assert [length for _, length in melody("(5CDEFG", "M:6/8\nL:1/4\nK:C", steps_per_quarter=5)] == [3] * 5


def test_tuplets_are_moved_to_the_nearest_step_and_it_is_told():
    assert melody("(3C/D/E/ F") == [(60, 1), (62, 2), (64, 1), (65, 4)]
    (told,) = losses("(3C/D/E/ F")
    assert told == (
        "a.abc:1: 3 of 4 notes are not on the grid of 4 steps a quarter; they were moved to the nearest step, by at "
        "most 0.33 steps. A grid of 12 steps a quarter holds them all."
    )


def test_a_note_without_a_step_is_dropped_unless_the_step_is_free():
    assert melody("C/8D/8 E/4 F") == [(60, 1), (64, 1), (65, 4)]
    assert melody("z/8 C/8 z/8 z/ z/8 F") == [(0, 1), (60, 1), (0, 2), (65, 4)]
    assert "1 left without a step were dropped" in losses("C/8D/8 E/4 F")[0]


def test_ties_join_notes_of_the_same_pitch_only():
    assert melody("C-C D-E|^F2-|F F") == [(60, 8), (62, 4), (64, 4), (66, 12), (65, 4)]


def test_chords_in_brackets():
    notes = tune("[CEG]2 [C2E2] [C-E][CG]").notes
    assert [(note.start, note.pitch, note.length) for note in notes] == [
        *((0, 60, 8), (0, 64, 8), (0, 67, 8), (8, 60, 8), (8, 64, 8), (16, 60, 8), (16, 64, 4), (20, 67, 4))
    ]


def test_grace_notes_decorations_slurs_and_words_are_left_out():
    assert letters("{/g}C (DE) !trill!F +fermata+G ~A .B u C y2 \\\nw:la la\nD `E % F\n%%staves 1\nF") == "CDEFGABCDEF"


def test_rests_of_whole_bars():
    assert melody("C4|Z2|D4", "M:3/4\nL:1/4\nK:C")[1] == (0, 24)


# Structure.


@pytest.mark.parametrize(
    ("body", "played"),
    [
        ("C|D|E|", "CDE"),
        ("|:C|D:|E|", "CDCDE"),
        ("C|D:|E:|", "CDCDEE"),
        ("C||D:|", "CDD"),
        ("|:C||D:|", "CDCD"),
        ("C|:D::E:|F", "CDDEEF"),
        ("|::C::|D", "CCCD"),
        ("|:C|1D:|2E||F", "CDCEF"),
        ("|:C [1D:| [2E|]F|", "CDCEF"),
        ("|:C[1,3D:|[2E:|[4F||G", "CDCECDCFG"),
        ("|:C[1-2D:|[3E||", "CDCDCE"),
        ("|:C[1D:|E|", "CDCE"),
        ("C|:D|[1E:|[2F::G:|", "CDEDFGG"),
        ('|:C["1"D:|["2"E||', "CDCE"),
        ("C|[1D:|[2E|:F:|", "CDCEFF"),
    ],
)
def test_repeats_and_endings_are_played(body, played):
    assert letters(body) == played


def test_parts_are_played_in_the_order_of_the_header():
    body = "P:A\nC|\nP:B\nD:|\nP:C\nE|"
    assert letters(body) == "CDDE"
    assert letters(body, "P:A(BC)2A.\n" + COMMON) == "CDDEDDEC"


def test_a_tie_reaches_into_the_repeat():
    assert melody("|:C D-:|D") == [(60, 4), (62, 4), (60, 4), (62, 8)]


def test_orders_of_parts():
    assert part_order("A(AB)2C3") == "AABABCCC"
    with pytest.raises(ValueError, match=r"A\(AB\)2C"):
        part_order("A(B")


def test_voices_keep_their_order_and_their_own_bars():
    body = "V:1\n^C2|C2|\nV:2\nE2|E2|\nV:1\nD2|\nV:2\nF2|"
    notes = tune(body, "M:2/4\nL:1/4\nK:C").notes
    assert [(n.start, n.pitch) for n in notes if n.voice == 0] == [(0, 61), (8, 60), (16, 62)]
    assert [(n.start, n.pitch) for n in notes if n.voice == 1] == [(0, 64), (8, 64), (16, 65)]


def test_a_voice_described_above_the_key_need_not_come_first():
    notes = tune("[V:low] C4|\n[V:high] e4|", "V:high\nV:low clef=bass octave=-1\n" + COMMON).notes
    assert [(n.pitch, n.voice) for n in notes] == [(48, 1), (76, 0)]


def test_an_overlay_sounds_from_the_bar_line():
    assert [(n.start, n.pitch) for n in tune("C4|E2 & G4|C4|").notes] == [(0, 60), (16, 64), (16, 67), (32, 60)]


def test_inline_fields():
    music = tune("F [K:G]F [L:1/8]F [M:3/4] F|")
    assert [(n.pitch, n.length) for n in music.notes] == [(65, 4), (66, 4), (66, 2), (66, 2)]


# The piece.


def test_what_the_header_says():
    music = tune("D|G2B|", 'T:A subtitle\nC:Trad.\nM:3/4\nL:1/4\nQ:"Lively" 1/8=240\nK:Gm % minor')
    assert (music.title, music.meter, music.key, music.tempo) == ("A tune", (3, 4), "Gm", 120)
    assert (music.upbeat, music.bar) == (4, 12)
    assert tune("C4|").upbeat == tune("C").upbeat == 0


@pytest.mark.parametrize(
    ("field", "tempo"), [("1/4=90", 90), ("3/8=60", 90), ("C3=40", 120), ("80", 80), ("1/4 1/8=60", 90)]
)
def test_tempos(field, tempo):
    assert tune("C", f"M:4/4\nL:1/4\nQ:{field}\nK:C").tempo == tempo


def test_the_meter_and_key_just_before_the_first_note_count():
    music = tune("M:6/8\nA3|", "M:4/4\nK:G")
    assert (music.meter, music.steps) == ((6, 8), 6)


def test_a_return_to_the_meter_above_the_key_is_a_change():
    assert len(losses("M:6/8\nA3|\nM:4/4\nA4|", "M:4/4\nK:G")) == 1


def test_changes_are_told():
    told = losses("C|\nM:3/4\nC|[K:G]F|\nQ:1/4=60\n!D.C.! F|", COMMON.replace("K:", "Q:1/4=50\nK:"))
    assert len(told) == 4
    for one, word in zip(told, ("meter changes", "key changes", "tempo changes", "jumps"), strict=True):
        assert word in one


def test_lines_outside_of_a_tune_are_told():
    told = []
    assert len(read_abc("%abc\n\nX:1\nK:C\nC\n\nDDD\n\nX:2\nK:C\nD", "b.abc", warn=told.append)) == 2
    assert told == ["b.abc:7: text outside of any tune, after an empty line, is left out."]


def test_fields_before_the_first_tune_hold_for_all():
    assert [m.notes[0].length for m in read_abc("L:1/2\n\nX:1\nK:C\nC\n\nX:2\nL:1/4\nK:C\nD", "b.abc")] == [8, 4]


# Chord symbols.


@pytest.mark.parametrize(
    ("symbol", "notes"),
    [
        ("C", (36, 40, 43)),
        ("Am", (45, 48, 52)),
        ("G7", (43, 47, 50, 53)),
        ("F#m", (42, 45, 49)),
        ("Bbmaj7", (46, 50, 53, 57)),
        ("Cdim", (36, 39, 42)),
        ("Cd", (36, 39, 42)),
        ("Caug", (36, 40, 44)),
        ("Dsus4", (38, 43, 45)),
        ("(A7)", (45, 49, 52, 55)),
        ("Am/C", (36, 45, 52)),
        ("Am/G", (43, 45, 48, 52)),
        ("A/c+", (37, 45, 52)),
        ("Gm/bb", (34, 43, 50)),
        ("Fine", None),
        ("1.", None),
        ("Cxyz", None),
    ],
)
def test_chord_symbols(symbol, notes):
    assert chord_pitches(symbol) == notes


def test_a_chord_is_held_to_the_next_and_is_a_voice_below():
    held = [(n.start, n.length, n.pitch) for n in tune('C2 "C"E2|"G7"G4|C4|').notes if n.voice == 1]
    assert held == [(8, 8, p) for p in (36, 40, 43)] + [(16, 32, p) for p in (43, 47, 50, 53)]
    assert {n.voice for n in tune('"C"C4|', chords=False).notes} == {0}


def test_a_chord_of_an_overlay_sounds_where_it_stands():
    chords = tune('z2 "G"D2 & "F"E4|"C"C4|').notes
    assert [(n.start, n.length, n.pitch) for n in chords if n.voice == 1] == [
        *((0, 8, p) for p in (41, 45, 48)),
        *((8, 8, p) for p in (43, 47, 50)),
        *((16, 16, p) for p in (36, 40, 43)),
    ]


def test_text_over_the_staff_is_no_chord_and_an_unknown_chord_is_told():
    assert losses('"^slow"C "C"D') == []
    assert losses('"Boo"C') == ['a.abc:1: chord symbols that are not known are left out: "Boo".']


# Errors.


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.abc: expected tunes in ABC, each from a line X: on. Received: a file without one"),
        ("hello", "a.abc: expected tunes in ABC, each from a line X: on. Received: a file without one"),
        ("X:1\nK:C\n", "a.abc:1: expected notes in this tune. Received: none"),
        ("X:1\nK:C\nz4|\n", "a.abc:1: expected notes in this tune. Received: none"),
        ("X:1\nT:x\nCDE\n", "a.abc:3: expected a field K: before the first notes. Received: 'CDE'"),
        ("X:1\nT:x\n", "a.abc:2: expected a field K: before the notes. Received: none in this tune"),
        ("X:1\nK:H\nC", "a.abc:2: expected a key such as G, Am or Bbdor. Received: 'H'"),
        ("X:1\nK:G#\nC", "a.abc:2: expected a key of at most 7 sharps or flats. Received: G# with 8"),
        ("X:1\nK:Gfoo\nC", "a.abc:2: expected a key such as G, Am or Bbdor. Received: 'Gfoo'"),
        ("X:1\nM:4\nK:C\nC", "a.abc:2: expected a meter such as 4/4, 6/8 or C. Received: '4'"),
        ("X:1\nM:4/5\nK:C\nC", "a.abc:2: expected a meter such as 4/4, 6/8 or C. Received: '4/5'"),
        ("X:1\nM:0/4\nK:C\nC", "a.abc:2: expected a meter such as 4/4, 6/8 or C. Received: '0/4'"),
        ("X:1\nL:0\nK:C\nC", "a.abc:2: expected a length such as 1/8. Received: '0'"),
        ("X:1\nQ:fast\nK:C\nC", "a.abc:2: expected a tempo such as 1/4=120. Received: 'fast'"),
        ("X:1\nQ:1/4=5000\nK:C\nC", "a.abc:2: expected a tempo of 0 to 1000 quarter notes a minute. Received: 5000"),
        ("X:1\nQ:1/0=50\nK:C\nC", "a.abc:2: expected a tempo such as 1/4=120. Received: '1/0=50'"),
        ("X:1\nK:C\nCD #E", "a.abc:3: expected a note, rest or bar line. Received: '#E'"),
        ('X:1\nK:C\nCD "G7 E|', "a.abc:3: expected a closing \" on the same line. Received: '\"G7 E|'"),
        ("X:1\nK:C\nCD {gE", "a.abc:3: expected } on the same line. Received: '{gE'"),
        ("X:1\nK:C\nCD [CE", "a.abc:3: expected ] after the notes of a chord. Received: '[CE'"),
        ("X:1\nK:C\nCD [C1z]", "a.abc:3: expected notes between [ and ]. Received: '[C1z]'"),
        ("X:1\nK:C\nCD []", "a.abc:3: expected notes between [ and ]. Received: none"),
        ("X:1\nK:C\nCD ^|", "a.abc:3: expected a note after an accidental. Received: '^|'"),
        ("X:1\nK:C\nC0", "a.abc:3: expected a length above 0. Received: C0"),
        ("X:1\nK:C\nC/0", "a.abc:3: expected a length above 0. Received: C/0"),
        ("X:1\nK:C\nC123456", "a.abc:3: expected a length such as 2, 3/2 or /2. Received: C123456"),
        (
            "X:1\nK:C\n" + "C99999" * 3,
            "a.abc:3: expected a tune of at most 100,000 quarter notes. Received: a longer one",
        ),
        ("X:1\nK:C\nC''''''", "a.abc:3: expected pitches of 0 to 127. Received: 132, \"C''''''\""),
        ("X:1\nK:C\n>C", "a.abc:3: expected > between two notes of a bar. Received: no note before it"),
        ("X:1\nK:C\n(0CD", "a.abc:3: expected a tuplet such as (3 or (3:2:3. Received: '(0'"),
        ("X:1\nP:A)\nK:C\nC", "a.abc:2: expected an order of parts such as A(AB)2C. Received: 'A)'"),
        ("X:1\nK:C\nV:\nC", "a.abc:3: expected the name of a voice after V:. Received: nothing"),
        ("X:1\nK:C\n|" + ":" * 99999 + "C" + ":" * 99999 + "|", "a.abc:1: expected at most 10,000 stretches"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(text, message):
    with pytest.raises(ValueError) as caught:
        read_abc(text, "a.abc")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("X:1KCGMLPQV/ \n|:[]()12349^_='\"{}<>-&zZabDEF,+!%\\.y"), max_size=60))
def test_any_text_gives_tunes_or_one_sentence(text):
    try:
        pieces = read_abc("X:1\nK:C\nC" + text, "a.abc")
    except ValueError as error:
        message = str(error)
    else:
        message = "a.abc"
        assert all(music.notes for music in pieces)
    assert message.startswith("a.abc")
    assert "\n" not in message


def test_keys():
    assert [fifths(key) for key in ("C", "G", "Bb", "Am", "F#m", "Bbdor", "")] == [0, 1, -2, 0, 3, -4, 0]
    assert signature("Eb") == {"B": -1, "E": -1, "A": -1}
