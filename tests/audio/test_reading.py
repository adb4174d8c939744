"""Audio in every encoding becomes the same samples, whole or in pieces; all else is refused in one sentence."""

from __future__ import annotations

import os
import re
import struct
import sys
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.audio.reading import AudioError, AudioInfo, blocks, inspect, read
from seq2seq.extras import MissingPackage
from tests.audio.waves import FLOAT, PCM, Pipe, chunk, format_chunk, riff, wav

RAMP = np.arange(-500, 500, dtype="<i2") * 60


@pytest.fixture
def write(tmp_path):
    def write_(data: bytes, name: str = "a.wav"):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write_


def whole(source, seconds=0.01, **cut):
    return np.concatenate([piece.samples for piece in blocks(source, seconds, **cut)])


# Full scale up and down, nothing, a quarter, and the smallest step.
ENCODINGS = {
    "8 bits, unsigned": (PCM, 8, bytes([255, 0, 128, 160, 129]), [127 / 128, -1, 0, 1 / 4, 1 / 128]),
    "16 bits": (PCM, 16, struct.pack("<5h", 32767, -32768, 0, 8192, 1), [1 - 2**-15, -1, 0, 1 / 4, 2**-15]),
    "24 bits": (
        PCM,
        24,
        b"".join(value.to_bytes(3, "little", signed=True) for value in (2**23 - 1, -(2**23), 0, 2**21, 1)),
        [1 - 2**-23, -1, 0, 1 / 4, 2**-23],
    ),
    "32 bits": (PCM, 32, struct.pack("<5i", 2**31 - 1, -(2**31), 0, 2**29, 1), [1, -1, 0, 1 / 4, 2**-31]),
    "20 bits in 3 bytes": (PCM, 20, b"\0\0\x80\0\0\0\0\0\x20", [-1, 0, 1 / 4]),
    "32-bit float": (FLOAT, 32, struct.pack("<5f", 1, -1, 0, 0.25, 1e-20), [1, -1, 0, 1 / 4, 1e-20]),
    "64-bit float": (FLOAT, 64, struct.pack("<5d", 1, -1, 0, 0.25, 1.5), [1, -1, 0, 1 / 4, 1.5]),
}


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_has_full_scale_at_one(write, encoding, extensible):
    tag, bits, data, expected = ENCODINGS[encoding]
    path = write(riff(format_chunk(tag, bits=bits, extensible=extensible), chunk(b"data", data)))
    audio = read(path)
    assert audio.samples.dtype == np.float32
    assert audio.samples.tolist() == np.float32(expected).tolist()
    assert inspect(path) == AudioInfo(16000, 1, len(expected))


@settings(max_examples=50, deadline=None)
@given(
    count=st.integers(1, 400),
    channels=st.integers(1, 3),
    cuts=st.tuples(st.integers(0, 399), st.integers(1, 400)),
    size=st.integers(1, 500),
    piped=st.booleans(),
)
def test_pieces_together_are_the_whole_and_a_cut_is_its_slice(tmp_path_factory, count, channels, cuts, size, piped):
    values = np.random.default_rng(count).integers(-32768, 32768, (count, channels))
    data = wav(values, rate=1000)
    path = tmp_path_factory.mktemp("cut") / "a.wav"
    path.write_bytes(data)
    start, end = min(cuts[0], count - 1), max(min(cuts[1], count), min(cuts[0], count - 1) + 1)
    samples = read(path).samples
    np.testing.assert_allclose(samples, values.mean(axis=1) / 32768, atol=1e-7)
    source = Pipe(data, 7) if piped else path
    pieces = list(blocks(source, size / 1000, start / 1000, end / 1000))
    assert all(len(piece.samples) == size for piece in pieces[:-1])
    assert np.concatenate([piece.samples for piece in pieces]).tolist() == samples[start:end].tolist()
    assert read(path, channel=channels).samples.tolist() == np.float32(values[:, -1] / 32768).tolist()


def test_chunks_around_the_samples_are_skipped_with_their_padding(write):
    odd = chunk(b"LIST", b"odd")
    data = riff(odd, format_chunk(), odd, chunk(b"data", RAMP.tobytes()), chunk(b"id3 ", b"trailing"))
    assert read(write(data)).samples.tolist() == (RAMP / 32768).tolist()
    assert whole(Pipe(data)).tolist() == (RAMP / 32768).tolist()


@pytest.mark.parametrize(
    ("size", "outer"),
    [(0, 36), *((size, outer) for size in (0, 0x7FFFF000, 0x80000000, 0xFFFFFFFF) for outer in (0, 0xFFFFFFFF))],
)
def test_a_file_whose_writer_could_not_count_lasts_to_its_end(write, size, outer):
    data = riff(format_chunk(), chunk(b"data", RAMP.tobytes() + b"\1", size), size=outer)[:-1]
    assert inspect(write(data)).frames == 1000
    assert whole(write(data)).tolist() == whole(Pipe(data, 5)).tolist() == (RAMP / 32768).tolist()


def test_a_file_of_more_than_4_gb_has_its_size_in_a_chunk_of_its_own(write):
    sizes = chunk(b"ds64", struct.pack("<QQQI", 0, 2 * 1000, 1000, 0))
    data = riff(
        sizes, format_chunk(), chunk(b"data", RAMP.tobytes(), 0xFFFFFFFF), b"trailing", size=0xFFFFFFFF, kind=b"RF64"
    )
    assert read(write(data)).samples.tolist() == (RAMP / 32768).tolist()


def test_hours_are_read_in_constant_memory_and_a_cut_reads_nothing_before_it(tmp_path):
    path, frames = tmp_path / "hours.wav", 4 * 3600 * 16000
    head = riff(format_chunk(), chunk(b"data", b"", 2 * frames))
    path.write_bytes(head)
    os.truncate(path, len(head) + 2 * frames)  # without taking room on the disk
    assert inspect(path).seconds == 4 * 3600
    tracemalloc.start()
    pieces = blocks(path, 1.0)
    assert [len(next(pieces).samples) for _ in range(20)] == [16000] * 20
    assert len(read(path, start=14399.5).samples) == 8000
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_times_may_pass_the_end_by_a_rounding(write):
    path = write(wav(RAMP, rate=1000))
    assert len(read(path, end=1.05).samples) == len(read(path, start=0.0, end=1.0).samples) == 1000


TEXT = b"RIFFled through the papers\n" * 9
BROKEN = {
    "empty": (b"", "the file is empty; expected audio"),
    "text": (b"Dear Sir or Madam,\n", "expected audio: WAV.* Received: a file that begins with b'Dear Sir or '"),
    "another RIFF": (riff(b"").replace(b"WAVE", b"AVI "), "expected audio"),
    "5 bytes": (b"RIFF\0", "the header is truncated: the file ends after 5 bytes"),
    "half a header": (wav(RAMP)[:30], "the header is truncated: the file ends before its samples begin"),
    "half a chunk": (riff(format_chunk(), chunk(b"LIST", b"12", 9999)), "the header is truncated"),
    "no description": (riff(chunk(b"data", b"1234")), "the samples begin before a chunk 'fmt '"),
    "a short description": (riff(chunk(b"fmt ", b"12")), "a chunk 'fmt ' of at least 16 bytes. Received: 2"),
    "no channels": (riff(format_chunk(channels=0)), r"contradicts itself. Received: a rate of 16,000 Hz, channels: 0"),
    "no rate": (riff(format_chunk(rate=0)), r"contradicts itself. Received: a rate of 0 Hz"),
    "unlike sizes": (riff(format_chunk(frame=3)), "contradicts itself.* bytes of a sample of all channels: 3"),
    "no samples": (wav([]), "the file holds 0 samples"),
    "no samples, but chunks": (riff(format_chunk(), chunk(b"data", b""), chunk(b"LIST", b"1234")), "holds 0 samples"),
    "less than announced": (
        wav(RAMP)[:-500],
        r"announces 1,000 samples \(0.06 s\); the last 250 \(0.02 s\) are missing. .* only up to 0.046 s",
    ),
    "40-bit samples": (riff(format_chunk(bits=40), chunk(b"data", b"12345")), "Received: 40 bits|not audio"),
    "16-bit floats": (riff(format_chunk(FLOAT, bits=16), chunk(b"data", b"12")), "Received: 16 bits|not audio"),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("library", [True, False])
def test_what_is_not_whole_audio_is_refused_by_name(write, monkeypatch, case, library):
    if not library:
        monkeypatch.setitem(sys.modules, "soundfile", None)
    data, message = BROKEN[case]
    path = write(data)
    for look in (inspect, read):
        with pytest.raises((AudioError, MissingPackage), match=f"{re.escape(str(path))}: .*({message})") as found:
            look(path)
        assert "\n" not in str(found.value)
    with pytest.raises(AudioError, match="standard input: "):
        whole(Pipe(data))


@settings(max_examples=150, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, 67), st.sampled_from([0, 1, 2, 127, 128, 255])), max_size=4),
    length=st.integers(0, 700),
)
def test_a_damaged_header_is_read_or_refused_and_takes_no_memory(tmp_path_factory, changes, length):
    data = bytearray(riff(chunk(b"LIST", b"odd"), format_chunk(extensible=True), chunk(b"data", RAMP[:300].tobytes())))
    for place, value in changes:
        data[place] = value
    path = tmp_path_factory.mktemp("damaged") / "a.wav"
    path.write_bytes(data[:length])
    for source, cut in ((path, {}), (Pipe(data[:length], 50), {}), (path, {"start": 0.01})):
        tracemalloc.start()
        with suppress(AudioError, MissingPackage):
            assert np.isfinite(read(source, **cut).samples).all()
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
        tracemalloc.stop()


def test_a_truncated_file_is_read_up_to_where_it_ends(write):
    path = write(wav(RAMP)[:-500])
    assert len(read(path, end=0.046).samples) == 736
    pieces = blocks(path, 0.01)
    assert [len(next(pieces).samples) for _ in range(4)] == [160] * 4
    for cut in ({"start": 0.05}, {"start": 0.01, "end": 0.05}, {}):
        with pytest.raises(AudioError, match=r"the last 250 \(0.02 s\) are missing"):
            read(path, **cut)
    with pytest.raises(AudioError, match=r"the last 250 \(0.02 s\) are missing"):
        whole(Pipe(wav(RAMP)[:-500]), start=0.01)


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        ({"start": 0.5, "end": 0.5}, "expected a start before the end. Received: 0.5 to 0.5 seconds"),
        ({"end": 0}, "expected a start before the end. Received: 0 to 0 seconds"),
        ({"start": -1}, "expected as start a number of seconds, at least 0. Received: -1"),
        ({"end": float("nan")}, "expected as end a number of seconds"),
        ({"start": 1.0}, "expected a part from 1.00 s. Received audio that ends at 1.00 s"),
        ({"start": 0.5, "end": 1.2}, "expected a part from 0.50 s to 1.20 s. Received audio that ends at 1.00 s"),
        ({"start": 0.5001, "end": 0.5002}, "a cut at 0.5000 s holds 0 samples"),
        ({"channel": 0}, "expected a channel from 1 to 1. Received: 0"),
        ({"channel": 2}, "expected a channel from 1 to 1. Received: 2"),
    ],
    ids=str,
)
def test_a_cut_or_a_channel_that_is_not_there_is_refused(write, cut, message):
    data = wav(RAMP, rate=1000)
    with pytest.raises(AudioError, match=f"a.wav: {message}"):
        read(write(data), **cut)
    with pytest.raises(AudioError, match=f"standard input: {message}"):
        whole(Pipe(data), **cut)
    uncounted = riff(format_chunk(rate=1000), chunk(b"data", RAMP.tobytes(), 0xFFFFFFFF), size=0)
    with pytest.raises(AudioError, match=f"standard input: {message}"):
        whole(Pipe(uncounted), **cut)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_a_sample_that_is_no_number_is_refused_with_its_place(write, value):
    values = np.zeros((1000, 2))
    values[700, 1] = value
    path = write(riff(format_chunk(FLOAT, 2, 1000, 64), chunk(b"data", values.astype("<f8").tobytes())))
    with pytest.raises(AudioError, match=r"NaN or infinity at 0.7000 s \(sample 701\)"):
        whole(path, 0.3)
    assert not read(path, channel=1).samples.any()
    assert not read(path, end=0.7).samples.any()


def test_names_that_are_no_file_are_refused(tmp_path):
    for path, message in (
        (tmp_path / "no.wav", "no such file"),
        (tmp_path, "is a folder; expected an audio file"),
        ("a\0b", "it holds a NUL"),
    ):
        with pytest.raises(AudioError, match=message):
            inspect(path)
    with pytest.raises(ValueError, match=r"pieces of more than 0 seconds. Received: 0"):
        next(blocks(tmp_path / "no.wav", 0))


HEADS = {"FLAC": b"fLaC", "OGG": b"OggS", "MP3": b"\xff\xfb", "SPHERE": b"NIST_1A", "big-endian WAV": b"RIFX"}


@pytest.mark.parametrize("kind", HEADS)
def test_other_formats_name_the_extra_that_reads_them(write, monkeypatch, kind):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    data = HEADS[kind] + bytes(20)
    with pytest.raises(MissingPackage, match=rf"a.wav: a file in the format {kind}. This needs .*\[speech\]"):
        inspect(write(data))
    with pytest.raises(AudioError, match=f"standard input: expected audio: WAV .*not in a pipe.* Received: {kind}"):
        whole(Pipe(data))


def test_a_rare_encoding_of_wav_names_the_extra_that_reads_it(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    data = riff(format_chunk(7, bits=8), chunk(b"data", bytes(10)))
    with pytest.raises(MissingPackage, match=r"a.wav: expected PCM .* Received: mu-law. This needs .*\[speech\]"):
        inspect(write(data))
    with pytest.raises(AudioError, match=r"standard input: expected PCM .* Received: mu-law"):
        whole(Pipe(data))


@pytest.fixture(scope="module")
def soundfile():
    return pytest.importorskip("soundfile", reason="the extra [speech] is not installed")


SOUND = np.random.default_rng(3).normal(0, 0.1, (9000, 2)).cumsum(axis=0).clip(-1, 1) * np.hanning(9000)[:, None]


@pytest.mark.parametrize(
    ("format", "subtype"),
    [
        *(("WAV", f"PCM_{bits}") for bits in ("U8", 16, 24, 32)),
        *(("WAV", kind) for kind in ("FLOAT", "DOUBLE", "ULAW")),
        *(("WAVEX", kind) for kind in ("PCM_24", "FLOAT")),
        ("RF64", "PCM_16"),
        *(
            ("FLAC", "PCM_16"),
            ("OGG", "VORBIS"),
            ("OGG", "OPUS"),
            ("MP3", None),
            ("AIFF", "PCM_16"),
            ("NIST", "PCM_16"),
        ),
    ],
)
def test_every_format_agrees_with_the_library_whole_in_pieces_and_cut(tmp_path, soundfile, format, subtype):
    path = tmp_path / "sound"
    soundfile.write(path, SOUND, 16000, subtype, format=format)
    expected = soundfile.read(path, dtype="float32", always_2d=True)[0]
    samples = read(path).samples
    np.testing.assert_allclose(samples, expected.mean(axis=1), atol=1e-6)
    assert inspect(path) == (16000, 2, len(SOUND)) == (16000, 2, len(samples))
    assert whole(path, 0.0123).tolist() == samples.tolist()
    cut = read(path, 0.1, 0.15, channel=2).samples
    assert cut.tolist() == read(path, channel=2).samples[1600:2400].tolist()


def test_a_damaged_file_of_another_format_is_refused(tmp_path, soundfile):
    path = tmp_path / "a.flac"
    soundfile.write(path, SOUND, 16000, format="FLAC")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(AudioError, match=r"a.flac: (damaged after|the header announces)"):
        read(path)
    path.write_bytes(b"fLaC" + bytes(50))
    with pytest.raises(AudioError, match=r"a.flac: not audio that can be read"):
        inspect(path)
    path.rename(tmp_path / "a.raw")  # the library takes this name for samples without a header
    with pytest.raises(AudioError, match=r"a.raw: not audio that can be read \(unknown format\)"):
        inspect(tmp_path / "a.raw")
