from seq2seq.music.abc_reading import read_abc


def tune(body, head="M:4/4\nL:1/4\nK:C", **options):
    (music,) = read_abc(f"X:1\nT:A tune\n{head}\n{body}\n", "a.abc", **options)
    return music


def melody(body, head="M:4/4\nL:1/4\nK:C", **options):
    """(pitch, steps) of each note, where one begins when the one before ends, 0 for a rest."""
    played, at = [], 0
    for note in tune(body, head, **options).notes:
        if note.start > at:
            played.append((0, note.start - at))
        played.append((note.pitch, note.length))
        at = note.start + note.length
    return played


def pitches(body, head="M:4/4\nL:1/4\nK:C", **options):
    return [note.pitch for note in tune(body, head, **options).notes]


def test_letters_octaves_and_lengths():
    assert melody("C c c' C, G3/2 A/ B// z2 C3/4") == [
        *((60, 4), (72, 4), (84, 4), (48, 4), (67, 6), (69, 2), (71, 1), (0, 8), (60, 3)),
    ]
