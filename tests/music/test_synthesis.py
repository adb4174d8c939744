import io
import wave

import numpy as np
import pytest

from seq2seq.music.notes import Music, Note
from seq2seq.music.synthesis import PEAK, RATE, synthesise, tone, wav_bytes


def fundamental(samples, rate, near):
    """The frequency of the strongest sine within a half tone of `near`, Hz."""
    size = 1 << 20
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size))
    low, high = (int(near * factor * size / rate) for factor in (0.97, 1.03))
    return (low + int(spectrum[low:high].argmax())) * rate / size


@pytest.mark.parametrize("rate", [22_050, 44_100])
@pytest.mark.parametrize("pitch", [36, 60, 69, 81, 100])
def test_the_fundamental_is_within_a_cent(pitch, rate):
    expected = 440 * 2 ** ((pitch - 69) / 12)
    found = fundamental(tone(pitch, 2 * rate, rate).astype(float), rate, expected)
    assert abs(1200 * np.log2(found / expected)) < 1


def test_the_first_harmonic_is_the_strongest():
    sound = tone(57, RATE).astype(float)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert int(spectrum.argmax()) == 220
    assert spectrum[440] > 0.05 * spectrum[220]  # and it is no sine


def test_a_note_sounds_its_length_and_no_longer():
    music = Music((Note(4, 60, 4), Note(12, 72, 4)), 20, tempo=120.0)
    sound = synthesise(music).astype(float)
    step = music.seconds_per_step * RATE
    assert len(sound) == round(20 * step)
    loud = [np.abs(sound[round(k * step) : round((k + 1) * step)]).max() > 500 for k in range(20)]
    assert [k for k in range(20) if loud[k]] == [4, 5, 6, 7, 12, 13, 14, 15]
    assert not sound[: round(4 * step)].any()
    assert not sound[round(8 * step) : round(12 * step)].any()


def test_a_held_note_still_sounds_after_a_while():
    sound = tone(60, 8 * RATE)
    assert np.abs(sound[7 * RATE : 7 * RATE + 1000]).max() > 0.25


@pytest.mark.parametrize("pitch", [30, 60, 90])
def test_nothing_clicks(pitch):
    """At the beginning and the end no step is larger than in the middle of the note."""
    sound = tone(pitch, RATE // 2)
    steps = np.abs(np.diff(np.concatenate([[0], sound, [0]])))
    assert max(steps[:60].max(), steps[-60:].max()) <= steps[60:-60].max()
    assert sound[0] == sound[-1] == 0


def test_nothing_clips_however_many_notes_sound():
    music = Music(tuple(Note(0, pitch, 8) for pitch in range(40, 100)), 8)
    assert np.abs(synthesise(music)).max() == round(PEAK * 32767)
    assert not synthesise(Music((), 8)).any()


def test_a_pitch_above_half_the_rate_does_not_come_back_as_another():
    assert not tone(127, 1000, 22_050).any()
    assert tone(127, 1000, 44_100).any()


def test_the_wav_file_holds_the_samples():
    sound = synthesise(Music((Note(0, 60, 2),), 2), 22_050)
    with wave.open(io.BytesIO(wav_bytes(sound, 22_050))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22_050)
        assert np.array_equal(np.frombuffer(file.readframes(file.getnframes()), "<i2"), sound)


def test_the_shortest_note_at_the_fastest_tempo_sounds():
    assert synthesise(Music((Note(0, 60, 1),), 1, 96, tempo=999.0)).any()


def test_a_piece_of_hours_is_refused():
    with pytest.raises(ValueError, match=r"at most 3600 seconds to synthesise\. Received: 60000"):
        synthesise(Music((Note(0, 60, 1),), 4000, tempo=1.0))
