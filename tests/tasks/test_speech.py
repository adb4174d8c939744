"""A recogniser from the command line: trained once, asked by every verb."""

import csv
import json
import shutil
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest

from recipes.speech import RECIPES
from seq2seq.audio.features import LogMels, Normalizer
from seq2seq.audio.frontend import Frontend
from seq2seq.audio.manifest import Manifest, load_samples
from seq2seq.audio.reading import read
from seq2seq.cli.captions import Latency
from seq2seq.cli.train import run_recipe
from seq2seq.cli.transcribe import subtitles
from seq2seq.inference.recognition import LONGEST, Transcript, joined
from seq2seq.inference.streaming import NEVER, Update, Word
from seq2seq.run.parsing import RecipeError, from_json
from seq2seq.symbols import BOS, EOS
from seq2seq.tasks.speech import evaluation
from seq2seq.tasks.speech.codec import SpeechCodec
from seq2seq.tasks.speech.data import Corpus, find_corpus
from seq2seq.tasks.speech.evaluation import find_manifest
from seq2seq.tasks.speech.folder import SpeechRunFolder
from seq2seq.tasks.speech.prepare import SAMPLES, Collation, SpeechStores, load_noises
from seq2seq.tasks.speech.recipe import Recipe
from seq2seq.text.vocabulary import Vocabulary
from tests.language_models import write_run as write_language_run
from tests.sounds import wav

pytestmark = pytest.mark.usefixtures("loaded_once")

RATE = 8000
TONES = {"low": 300.0, "mid": 900.0, "high": 2500.0}


def spoken(words, random, rate=RATE):
    """A tone for each word, with pauses."""
    parts = []
    for word in words:
        time = np.arange(int(random.uniform(0.15, 0.25) * rate)) / rate
        parts += [np.zeros(int(0.08 * rate)), 0.3 * np.sin(2 * np.pi * TONES[word] * time)]
    samples = np.concatenate([*parts, np.zeros(int(0.1 * rate))])
    return samples + 0.001 * random.standard_normal(len(samples))


@pytest.fixture(scope="session")
def recordings(made_once):
    """A folder with train.tsv, test.tsv, and tight.tsv, whose last text does not fit its sound."""

    def fill(folder):
        folder.mkdir()
        random = np.random.default_rng(1)
        for split, count in (("train", 48), ("test", 8)):
            lines = ["audio\ttext\tspeaker"]
            for number in range(count):
                words = random.choice([*TONES], random.integers(1, 4)).tolist()
                (folder / f"{split}{number}.wav").write_bytes(wav(spoken(words, random), RATE))
                lines.append(f"{split}{number}.wav\t{' '.join(words)}\tx")
            (folder / f"{split}.tsv").write_text("\n".join(lines) + "\n")
        tight = (folder / "train.tsv").read_text() + f"train0.wav\t{'low ' * 60}\tx\n"
        (folder / "tight.tsv").write_text(tight)

    return made_once("recordings", fill)


def train(recordings, folder, *more):
    flags = {
        "--data.corpus": "files",
        "--data.max_train": 0,
        "--data.train": recordings / "train.tsv",
        "--data.validation": recordings / "test.tsv",
        "--data.test": recordings / "test.tsv",
        "--run-folder": folder,
        "--training.epochs": 8,
        "--training.learning_rate": 0.03,
        "--training.ema": 0.9,
        "--augmentation.speeds": "0.9,1.0",
        "--batching.seconds": 6,
        "--tokenizer.kind": "words",
        "--exports": "",
    }
    flags.update(zip(more[::2], more[1::2], strict=True))
    words = ["tiny", *(str(word) for flag in flags.items() for word in flag)]
    return run_recipe(RECIPES, "python -m recipes.speech", "", words)


@pytest.fixture(scope="session")
def speech_run(recordings, made_once):
    """A finished run; tests may not change it, nor lock it."""

    def make(folder):
        assert train(recordings, folder) == 0

    return made_once("speech_run", make)


@pytest.fixture(scope="session")
def recognizer(speech_run):
    import seq2seq

    return seq2seq.load(speech_run)


def test_a_run_leaves_error_rates_what_was_heard_and_a_readme(speech_run):
    scores = json.loads((speech_run / "scores.json").read_text())["tests"]["test"]
    assert scores["wer"]["score"] <= 20
    with open(speech_run / "samples.txt", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == 8
    assert sum(row["text"] == row["heard"] for row in rows) >= 6
    assert "seq2seq transcribe" in (speech_run / "README.md").read_text()
    assert not (speech_run / "stores").exists()


def test_more_padding_changes_nothing_and_batched_equals_alone(recognizer, recordings):
    frames = [recognizer.frontend.frames(load_samples(u, recognizer.rate)) for u in Manifest(recordings / "test.tsv")]
    together = recognizer.transcribe_frames(frames)
    for part, found in zip(frames, together, strict=True):
        alone = recognizer.transcribe_frames([part])[0]
        assert alone.text == found.text
        assert alone.log_probability == pytest.approx(found.log_probability, abs=1e-4)


def test_transcribe_writes_text_json_and_subtitles(speech_run, recordings, cli):
    files = [recordings / "test0.wav", recordings / "test1.wav"]
    code, text, _ = cli("transcribe", speech_run, *files)
    assert code == 0
    assert len(text.splitlines()) == 2
    code, out, _ = cli("transcribe", speech_run, *files, "--format", "json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert (code, [row["text"] for row in rows]) == (0, text.splitlines())
    for row in rows:
        assert " ".join(word["text"] for word in row["words"]) == row["text"]
        times = [time for word in row["words"] for time in (word["start"], word["end"])]
        assert times == sorted(times)
        assert all(0 <= word["confidence"] <= 1 for word in row["words"])
        assert times[-1] <= row["seconds"] + 0.05
    code, out, _ = cli("transcribe", speech_run, files[0], "--format", "srt")
    assert code == 0
    assert out.startswith("1\n00:00:00,")
    assert cli("transcribe", speech_run, *files, "--format", "vtt")[0] == 2


def test_a_model_of_both_directions_refuses_a_stream_and_says_what_streams(recognizer):
    with pytest.raises(ValueError, match="an4_streaming"):
        recognizer.stream(RATE)


@pytest.fixture(scope="module")
def streaming_run(recordings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("streaming") / "run"
    flags = ("--model.bidirectional", "false", "--model.lookahead", 2, "--training.epochs", 6, "--exports", "litert")
    assert train(recordings, folder, *flags) == 0
    return folder


@pytest.fixture(scope="module")
def streaming(streaming_run):
    import seq2seq

    return seq2seq.load(streaming_run)


def test_a_stream_hears_what_the_whole_recording_gives_and_what_a_batch_gives(streaming, recordings):
    texts = []
    for utterance in list(Manifest(recordings / "test.tsv"))[:4]:
        samples = load_samples(utterance, RATE)
        offline = streaming.transcribe(samples, RATE)
        stream = streaming.stream(RATE, NEVER)
        updates = [stream.push(samples[n : n + 777]) for n in range(0, len(samples), 777)]
        updates.append(stream.finish())
        assert tuple(word for update in updates for word in update.tokens) == offline.words  # to the bit
        assert offline.text == streaming.transcribe_frames([streaming.frontend.frames(samples)])[0].text
        parts = list(streaming.transcribe_file(utterance.audio))
        assert joined(parts).words == offline.words
        texts.append(offline.text)
    assert any(texts)


def test_standard_input_is_written_down_while_it_arrives(streaming_run, recordings, cli):
    sound = (recordings / "test0.wav").read_bytes()
    _, whole, _ = cli("transcribe", streaming_run, recordings / "test0.wav")
    assert cli("transcribe", streaming_run, "-", text=sound)[1].split() == whole.split() != []
    _, out, _ = cli("transcribe", streaming_run, "-", "--format", "json", text=sound)
    rows = [json.loads(line) for line in out.splitlines()]
    assert " ".join(row["final"] for row in rows).split() == whole.split()
    assert rows[-1]["endpoint"]
    assert cli("transcribe", streaming_run, "-", "--format", "srt", text=sound)[1].startswith("1\n00:00:00,")


def test_a_run_of_both_directions_hears_standard_input_to_its_end(speech_run, recordings, cli):
    file = recordings / "test0.wav"
    assert cli("transcribe", speech_run, "-", text=file.read_bytes())[:2] == cli("transcribe", speech_run, file)[:2]


def test_a_recording_played_at_its_own_speed_shows_how_late_words_come(streaming_run, recordings, cli):
    file = recordings / "test0.wav"
    begin = time.monotonic()
    code, out, err = cli("transcribe", streaming_run, "--live", file)
    assert time.monotonic() - begin >= read(file).samples.size / RATE
    assert code == 0
    assert out.split() == cli("transcribe", streaming_run, file)[1].split()
    assert f"{len(out.split())} words. Seconds from the end" in err


def test_a_microphone_is_heard_until_it_is_interrupted(streaming_run, recordings, cli, monkeypatch):
    sound = read(recordings / "test0.wav").samples

    class Input:
        def __init__(self, samplerate, channels, dtype, blocksize):
            assert (samplerate, channels, dtype) == (RATE, 1, "float32")
            self.place = 0

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def read(self, size):
            if self.place >= len(sound):
                raise KeyboardInterrupt
            self.place += size
            piece = sound[self.place - size : self.place]
            return np.pad(piece, (0, size - len(piece)))[:, None], False

    monkeypatch.setitem(sys.modules, "sounddevice", types.SimpleNamespace(InputStream=Input))
    code, out, err = cli("transcribe", streaming_run, "--microphone")
    assert code == 130
    assert f"{len(out.split())} words. Seconds from the end" in err
    assert out.split() == cli("transcribe", streaming_run, recordings / "test0.wav")[1].split()


def test_an_n_best_list_begins_with_the_text_and_falls(speech_run, recordings, cli):
    file = recordings / "test0.wav"
    [text] = cli("transcribe", speech_run, file)[1].splitlines()
    _, out, _ = cli("transcribe", speech_run, file, "--n-best", "3")
    rows = [line.split(" ||| ") for line in out.splitlines()]
    assert [row[0] for row in rows] == ["0"] * 3
    assert rows[0][1] == text
    assert len({row[1] for row in rows}) == 3
    scores = [float(row[2]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    [line] = cli("transcribe", speech_run, file, "--n-best", "3", "--format", "json")[1].splitlines()
    assert [one["text"] for one in json.loads(line)["alternatives"]] == [row[1] for row in rows]


def test_a_language_model_and_hotwords_decide_what_is_heard(speech_run, recordings, cli, tmp_path):
    file = recordings / "test0.wav"
    (tmp_path / "hot.txt").write_text("high\n")
    _, out, _ = cli("transcribe", speech_run, file, "--hotwords", tmp_path / "hot.txt", "--hotword-bonus", 60)
    assert "high" in out.split() != cli("transcribe", speech_run, file)[1].split()
    folder = write_language_run(tmp_path / "language", Vocabulary.learn([*TONES], "words"))
    quiet = cli("transcribe", speech_run, file, "--language-model", folder, "--weight", 0)[1]
    assert quiet == cli("transcribe", speech_run, file)[1]
    options = ("--language-model", folder, "--weight", 60)
    assert cli("transcribe", speech_run, file, *options)[1] != quiet
    assert '"wer"' in cli("evaluate", speech_run, "--json", *options)[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Expected a FILE"),
        (["-", "-"], "give - once"),
        (["a.wav", "--microphone"], "--microphone is heard alone"),
        (["a.wav", "b.wav", "--live"], "--live plays one recording"),
        (["a.wav", "--live", "--format", "srt"], "text or json"),
        (["a.wav", "--live", "--n-best", "2"], "--n-best is for"),
        (["0.wav", "--weight", "1"], "--weight is of a language model"),
        (["0.wav", "--language-model", "{run}"], "expected the run of a language model"),
        (["0.wav", "--live"], "model of both directions"),
        (["0.wav", "--hotwords", "{file}"], "has characters that the recogniser never writes"),
    ],
)
def test_options_that_do_not_go_together_are_told(speech_run, recordings, cli, tmp_path, words, message):
    shutil.copy(recordings / "test0.wav", tmp_path / "0.wav")
    (tmp_path / "hot.txt").write_text("shrill\n")
    words = [word.format(run=speech_run, file=tmp_path / "hot.txt") for word in words]
    words = [str(tmp_path / word) if word == "0.wav" else word for word in words]
    code, _, err = cli("transcribe", speech_run, *words)
    assert code == 2
    assert message in err


def test_latency_counts_from_the_end_of_a_word_to_when_it_stood_there():
    times = iter([1.0, 1.5, 2.0])
    latency = Latency(lambda: next(times))
    latency.add(Update("", "one tw", (), False))
    latency.add(Update("", "one two", (), False))
    timed = latency.add(Update("one two", "", (Word("one", 0.1, 0.5, 1.0), Word("two", 0.6, 1.0, 1.0)), False))
    assert [(one.shown, one.final) for one in timed] == [(0.5, 1.5), (0.5, 1.0)]


def test_the_export_at_the_end_of_a_run_hears_as_the_run(streaming_run, streaming, recordings, cli):
    pytest.importorskip("ai_edge_litert", reason="the LiteRT runtime is not installed")
    files = [recordings / f"test{number}.wav" for number in range(3)]
    code, out, _ = cli("transcribe", streaming_run / "export" / "litert", *files)
    assert code == 0
    expected = [joined(streaming.transcribe_file(file)).text for file in files]
    assert out.splitlines() == expected
    assert f"seq2seq transcribe {streaming_run / 'export' / 'litert'}" in (streaming_run / "README.md").read_text()


def test_another_rate_says_the_same(speech_run, recognizer):
    random = np.random.default_rng(3)
    words = ["low", "high", "mid"]
    assert recognizer.transcribe(spoken(words, random), RATE).text == " ".join(words)
    assert recognizer.transcribe(spoken(words, random, 22050), 22050).text == " ".join(words)


def test_a_long_file_is_heard_in_stretches_that_end_where_it_is_quiet(recognizer, tmp_path):
    random = np.random.default_rng(5)
    (tmp_path / "long.wav").write_bytes(wav(spoken(random.choice([*TONES], 250).tolist(), random), RATE))
    samples = read(tmp_path / "long.wav").samples
    parts = list(recognizer.transcribe_file(tmp_path / "long.wav"))
    assert len(parts) >= 3
    begin = 0
    for part in parts:
        end = begin + round(part.seconds * RATE)
        assert part.seconds <= LONGEST
        assert np.abs(samples[end - 40 : end + 40]).max() < 0.05
        alone = recognizer.transcribe(samples[begin:end], RATE)
        assert part.text == alone.text != ""
        for word, other in zip(part.words, alone.words, strict=True):
            assert word.start == pytest.approx(other.start + begin / RATE)
        begin = end
    assert begin == len(samples)
    whole = joined(parts)
    assert [word.text for word in whole.words] == whole.text.split()
    assert whole.seconds == pytest.approx(len(samples) / RATE)


def test_sound_too_short_for_a_frame_and_silence_have_no_words(recognizer):
    for samples in (np.zeros(1), np.zeros(100), np.zeros(RATE)):
        assert recognizer.transcribe(samples, RATE).words == ()


def test_evaluate_gives_the_scores_of_the_run(speech_run, recordings, cli):
    scores = json.loads((speech_run / "scores.json").read_text())["tests"]["test"]
    code, out, _ = cli("evaluate", speech_run, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["wer"].items() >= scores["wer"].items()
    assert found["wer"]["interval"] > 0 or found["wer"]["score"] in (0, 100)
    assert found["real_time_factor"] > 0
    code, out, _ = cli("evaluate", speech_run, "--manifest", recordings / "test.tsv", "--examples", "2")
    assert code == 0
    assert "8 utterances" in out


def test_compare_takes_runs_and_tables_of_evaluate(speech_run, cli, tmp_path):
    table = tmp_path / "heard.tsv"
    assert cli("evaluate", speech_run, "--beam-size", 1, "--output", table)[0] == 0
    code, out, _ = cli("compare", speech_run, table, "--json")
    assert code == 0
    [found] = json.loads(out)
    assert [*found["scores"]["wer"]] == [str(speech_run), str(table)]
    other = tmp_path / "other.tsv"
    other.write_text(table.read_text())
    code, out, _ = cli("compare", table, other)
    assert (code, "1.0000 1.0000" in out) == (0, True)
    assert cli("compare", speech_run)[0] == 2


def test_the_first_test_set_of_a_run_has_its_own_name(speech_run, recordings, monkeypatch):
    corpus = Corpus([], [], recordings / "train.tsv", {"strings": recordings / "test.tsv", "test": Path("x")}, ())
    monkeypatch.setattr(evaluation, "find_corpus", lambda data: corpus)
    monkeypatch.setattr(SpeechRunFolder, "load_recipe", lambda folder: Recipe())
    assert find_manifest(speech_run, None, None) == ("strings", recordings / "test.tsv")
    assert find_manifest(speech_run, "validation", None) == ("validation", recordings / "train.tsv")
    assert find_manifest(speech_run, None, "own.tsv") == ("own.tsv", Path("own.tsv"))


def test_tables_of_recognisers_refuse_what_is_for_runs(tmp_path, cli):
    (tmp_path / "heard.tsv").write_text("test\tplace\ttext\theard\nt\tm:1\ta\ta\n")
    code, _, err = cli("compare", tmp_path / "heard.tsv", tmp_path / "heard.tsv", "--html", tmp_path / "page.html")
    assert code == 2
    assert "--html is for runs" in err


def test_evaluate_hears_the_channel_of_the_recipe(speech_run, tmp_path, cli):
    run = shutil.copytree(speech_run, tmp_path / "run")
    values = json.loads((run / "recipe.json").read_text())
    values["recipe"]["data"]["channel"] = 2
    (run / "recipe.json").write_text(json.dumps(values))
    code, _, err = cli("evaluate", run)
    assert code == 2
    assert "expected a channel from 1 to 1. Received: 2" in err


def test_an_utterance_whose_text_does_not_fit_is_left_out_and_named(recordings, tmp_path, caplog):
    assert train(recordings, tmp_path / "run", "--data.train", recordings / "tight.tsv", "--training.epochs", 1) == 0
    assert "1 of 49 utterances are left out" in caplog.text
    assert "tight.tsv:50 (60 labels" in caplog.text


def make_stores(recordings, folder, **model):
    fields = {
        "data": {
            "corpus": "files",
            "train": str(recordings / "train.tsv"),
            "validation": str(recordings / "test.tsv"),
        },
        "audio": {"rate": RATE, "mels": 20},
        "augmentation": {"noise": 0.5, "channel": 3.0},
        "batching": {"seconds": 6},
        "model": model,
    }
    recipe, frontend = (
        from_json(Recipe, fields, "recipe.json"),
        Frontend(LogMels(RATE, 20), Normalizer((0.0,) * 20, (1.0,) * 20)),
    )
    codec = SpeechCodec(frontend, Vocabulary.learn([*TONES], "words"))
    return SpeechStores(SpeechRunFolder(folder), recipe, find_corpus(recipe.data), codec)


def test_what_is_drawn_for_a_row_follows_from_seed_epoch_and_row_alone(recordings, tmp_path):
    stores = make_stores(recordings, tmp_path)
    once, again, later = stores.plan(3), stores.plan(3), stores.plan(4)
    first = {step: once[step].source.values for step in (2, 0, 1)}
    for step in (0, 1, 2):
        np.testing.assert_array_equal(again[step].source.values, first[step])
    assert not all(np.array_equal(later[step].source.values, first[step]) for step in first)
    validation = stores.validation_plan()
    np.testing.assert_array_equal(validation[0].source.values, stores.validation_plan()[0].source.values)
    assert len(stores.train[SAMPLES]) == 48


def test_noise_is_drawn_from_the_recordings_of_a_folder(tmp_path):
    folder = tmp_path / "noise"
    folder.mkdir()
    (folder / "hum.wav").write_bytes(wav(0.5 * np.sin(np.arange(2 * RATE) * 0.5), 2 * RATE))
    [noise] = load_noises(folder, RATE)
    assert len(noise) == RATE
    recipe = from_json(Recipe, {"augmentation": {"noise": 1.0, "speeds": [1.0], "time_masks": 0}}, "recipe.json")
    mels = LogMels(recipe.audio.rate, recipe.audio.mels)
    frontend = Frontend(mels, Normalizer((0.0,) * mels.mels, (1.0,) * mels.mels))
    stored = np.random.default_rng(1).integers(-300, 300, 8000).astype(np.int16)
    made, drawn, again = (
        Collation(recipe, frontend, 0, True, True, noises).frames(stored, 3) for noises in ([], [noise], [noise])
    )
    np.testing.assert_array_equal(drawn, again)
    assert not np.array_equal(made, drawn)
    (folder / "text.txt").write_text("no sound")
    with pytest.raises(ValueError, match=r"text\.txt: expected audio"):
        load_noises(folder, RATE)
    with pytest.raises(ValueError, match="is no folder"):
        load_noises(tmp_path / "missing", RATE)


def test_a_decoder_reads_each_label_after_its_beginning_and_predicts_its_end(recordings, tmp_path):
    plain, joint = make_stores(recordings, tmp_path), make_stores(recordings, tmp_path, attention_weight=0.3)
    for step in range(2):
        before, after = plain.plan(1)[step], joint.plan(1)[step]
        np.testing.assert_array_equal(after.source.values, before.source.values)
        lengths = before.weights.sum(axis=1).astype(int)
        np.testing.assert_array_equal(after.weights.sum(axis=1), lengths + 1)
        np.testing.assert_array_equal(after.target_input[:, 1:] * after.weights[:, 1:], before.target_output)
        assert set(after.target_input[:, 0]) == {BOS}
        for row, label, length in zip(after.target_output, before.target_output, lengths, strict=True):
            assert row.tolist() == [*label[:length], EOS, *[0] * (len(row) - length - 1)]
    assert joint.steps_per_label < plain.steps_per_label


def test_a_run_beside_a_decoder_rescores_its_tests_and_says_what_exports_leave_out(recordings, tmp_path, cli):
    flags = ("--model.attention_weight", 0.3, "--model.decoder_units", 16, "--search.rescoring", 0.5)
    assert train(recordings, tmp_path / "run", *flags, "--training.epochs", 1) == 0
    assert "Exports leave it out and transcribe by CTC alone." in (tmp_path / "run" / "README.md").read_text()
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())["tests"]["test"]
    found = json.loads(cli("evaluate", tmp_path / "run", "--json")[1])
    assert found["wer"].items() >= scores["wer"].items()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"data": {"corpus": "files"}}, "data.train must name a manifest"),
        ({"audio": {"rate": 100}}, "audio.rate must be from 4000"),
        ({"audio": {"mels": 2}}, "audio.mels must be from 8"),
        ({"augmentation": {"speeds": [0.1]}}, "augmentation.speeds must be from 0.5 to 2"),
        ({"augmentation": {"noise": 2.0}}, "augmentation.noise must be in"),
        ({"augmentation": {"noise_folder": "x"}}, "augmentation.noise_folder needs augmentation.noise"),
        ({"augmentation": {"channel": -1.0}}, "augmentation.channel must be from 0 to 100 dB"),
        ({"model": {"filters": [8, 0]}}, "model.filters must be at least 1 each"),
        ({"model": {"lookahead": 3}}, "model.lookahead is for one direction"),
        ({"training": {"label_smoothing": 0.1}}, "training.label_smoothing"),
        ({"model": {"attention_weight": 1.0}}, r"model.attention_weight must be in \[0, 1\)"),
        ({"model": {"decoder_units": 0}}, "model.decoder_units must be at least 1"),
        ({"search": {"rescoring": -1.0}}, "search.rescoring must not be negative"),
        ({"search": {"rescoring": 0.5}}, "set model.attention_weight above 0"),
        (
            {"search": {"rescoring": 0.5}, "model": {"attention_weight": 0.3, "bidirectional": False}},
            "search.rescoring is for both directions",
        ),
        (
            {"search": {"rescoring": 0.5, "beam_size": 1}, "model": {"attention_weight": 0.3}},
            "set search.beam_size above 1",
        ),
        ({"tokenizer": {"kind": "bpe"}}, "tokenizer.size must be at least 5 for bpe"),
        ({"batching": {"seconds": 0}}, "batching.seconds must be above 0"),
        ({"model": {"stack": 0}}, "model.stack must be at least 1"),
    ],
)
def test_what_contradicts_itself_is_told(fields, message):
    with pytest.raises(RecipeError, match=message):
        from_json(Recipe, fields, "recipe.json")


def test_subtitles_end_at_pauses_and_where_they_are_full():
    words = [
        Word(f"word{n}", n * 0.5 + (3.0 if n > 3 else 0.0), n * 0.5 + 0.4 + (3.0 if n > 3 else 0.0), 1.0)
        for n in range(12)
    ]
    found = [*subtitles(Transcript("", tuple(words), 20.0, 0.0))]
    assert " ".join(text for _, _, text in found).split() == [word.text for word in words]
    assert found[0] == (0.0, words[3].end, "word0 word1 word2 word3")
    assert all(len(text) <= 42 for _, _, text in found)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.wav", None, "missing.wav"),
        ("text.wav", b"no audio at all", "text.wav"),
        ("empty.wav", b"", "empty.wav"),
    ],
)
def test_what_is_no_recording_is_told_in_one_sentence(speech_run, cli, tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, out, err = cli("transcribe", speech_run, tmp_path / name)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
