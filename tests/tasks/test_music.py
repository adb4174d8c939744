"""Models of music from the command line: trained once, asked by every verb; and what each law says of a small one."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

import seq2seq
from recipes.music import RECIPES
from seq2seq.catalogue import tunes
from seq2seq.cli.train import run_recipe
from seq2seq.inference.music import ComposeOptions, Composer, likelihood
from seq2seq.music.constraints import Constraints
from seq2seq.music.events import EventCodec
from seq2seq.music.likeness import Corpus
from seq2seq.music.music_json import music_from_json, music_to_json
from seq2seq.music.notes import Music, Note
from seq2seq.music.rolls import LOWEST_KEY, ROLL, RollCollation, roll_of
from seq2seq.run.parsing import RecipeError, from_json
from seq2seq.tasks.music.data import find_corpus
from seq2seq.tasks.music.evaluation import Baseline, open_pieces
from seq2seq.tasks.music.folder import MusicRunFolder
from seq2seq.tasks.music.network import build_network
from seq2seq.tasks.music.recipe import Recipe
from seq2seq.text.ngrams import KneserNey
from seq2seq.training import checkpoint
from tests.runs import training_of

pytestmark = pytest.mark.usefixtures("loaded_once")

SMALL = ["--model.embedding", "6", "--model.units", "6", "--batching.tokens", "600", "--training.warmup_steps", "2"]


def pieces(count=9, bars=2):
    """Short tunes in two voices."""
    found = []
    for number, tune in enumerate(tunes.load("train")[:count]):
        steps = tune.upbeat + bars * tune.bar
        notes = [note for note in tune.notes if note.start + note.length <= steps]
        notes.append(Note(0, 48 + number % 3, steps, 1))
        found.append(Music(tuple(notes), steps, 4, tune.meter, tune.upbeat, tune.key, title=str(number)))
    return found


@pytest.fixture(scope="session")
def music_folder(made_once):
    def fill(folder):
        folder.mkdir()
        for number, piece in enumerate(pieces()):
            (folder / f"{number}.json").write_text(music_to_json(piece))

    return made_once("music_folder", fill)


def train(music_folder, folder, *more):
    words = ["custom", "--data.corpus", "files", "--data.train", str(music_folder), "--data.test", str(music_folder)]
    words += ["--run-folder", str(folder), "--training.epochs", "2", *SMALL, *more]
    return run_recipe(RECIPES, "python -m recipes.music", "", words)


@pytest.fixture(scope="session")
def music_run(music_folder, made_once):
    """A finished run; tests may not change it, nor lock it."""

    def make(folder):
        assert train(music_folder, folder) == 0

    return made_once("music_run", make)


@pytest.fixture(scope="module")
def composer():
    """Random weights, large enough that what is composed is not all alike."""
    corpus = pieces()
    codec = EventCodec.learn(corpus, 4, True, ("place", "bar", "meter", "key", "before", "bar_before", "transposed"))
    recipe = from_json(Recipe, {"model": {"embedding": 6, "units": 6, "readout": False}}, "recipe.json")
    model = build_network(recipe, codec)
    random = np.random.default_rng(2)
    model.set_weights([0.7 * random.normal(size=weight.shape) for weight in model.get_weights()])
    return Composer(model, codec, "it", Corpus.of(corpus))


def test_a_run_leaves_scores_that_say_how_they_are_averaged_and_a_readme(music_run):
    scores = json.loads((music_run / "scores.json").read_text())["tests"]["test"]
    frames = sum(piece.steps for piece in pieces())
    assert f"nats|frames:2..T|count:{frames - 9}|mean:over all frames|pieces:9" in scores["frame_nll"]["signature"]
    assert f"frames:1..T|count:{frames}|" in scores["frame_nll_all"]["signature"]
    assert 0 < scores["frame_nll"]["score"] < 20
    assert "seq2seq compose" in (music_run / "README.md").read_text()
    assert not (music_run / "stores").exists()


def test_evaluate_gives_what_the_run_has_recorded_with_an_n_gram_beside_it(music_run, cli):
    recorded = json.loads((music_run / "scores.json").read_text())["tests"]["test"]
    code, out, err = cli("evaluate", music_run, "--json", "--ngram", "3", "--mix")
    assert code == 0, err
    found = json.loads(out)
    assert found["model"] == recorded
    assert "kneser-ney:3|transposed:6" in found["3-gram"]["frame_nll"]["signature"]
    assert "|given:" in found["model"]["frame_nll"]["signature"]
    assert set(found) == {"model", "3-gram", "model and 3-gram"}
    assert found["model and 3-gram"]["frame_nll"]["score"] < found["model"]["frame_nll"]["score"]


def test_n_grams_learn_from_the_pieces_that_the_run_keeps_in_every_key(music_run):
    recipe, codec = MusicRunFolder(music_run).load_recipe(), MusicRunFolder(music_run).load_codec()
    rows = []
    for piece in find_corpus(recipe).train:
        events = codec.encode(piece)
        rows += [codec.transposed(events, by).tokens for by in codec.intervals(events, recipe.events.transpose)]
    baseline, direct = Baseline(music_run, 3), KneserNey(codec.size, 3).fit(rows)
    for one, piece in zip(baseline.score(pieces(3)), pieces(3), strict=True):
        np.testing.assert_allclose(one.log_probs, direct.log_probs(codec.encode(piece).tokens), rtol=1e-6)


def test_only_the_split_that_is_asked_for_is_read(tmp_path, monkeypatch):
    MusicRunFolder(tmp_path).save_recipe(Recipe())
    read = []
    monkeypatch.setattr(tunes, "load", lambda split, grid: read.append(split) or [split])
    assert open_pieces(tmp_path, None, None) == ["test"]
    assert open_pieces(tmp_path, "validation", None) == ["validation"]
    assert read == ["test", "validation"]
    with pytest.raises(ValueError, match="knows the test sets test"):
        open_pieces(tmp_path, "dev", None)


def test_a_model_that_knows_nothing_takes_the_logarithm_of_the_size_for_each_token(composer):
    model = build_network(
        from_json(Recipe, {"model": {"embedding": 4, "units": 4, "readout": False}}, ""), composer.codec
    )
    model.set_weights([0 * weight for weight in model.get_weights()])
    music = pieces(3)
    scored = Composer(model, composer.codec).score(music)
    for piece, one in zip(music, scored, strict=True):
        assert one.log_probability == pytest.approx(-len(one.tokens) * math.log(composer.codec.size), rel=1e-5)
        assert len(one.frames) == piece.steps
        assert one.frames.sum() - one.log_probs[-1] == pytest.approx(-one.log_probability, rel=1e-6)
    found, tokens = likelihood(scored), sum(len(one.tokens) for one in scored)
    assert found.scores()["token_nll"].score == pytest.approx(math.log(composer.codec.size))
    assert found.tokens == tokens - 3


def test_pieces_are_scored_alike_alone_and_beside_others(composer):
    music = pieces(5)
    for one, other in zip(composer.score(music), [composer.score([piece])[0] for piece in music], strict=True):
        np.testing.assert_allclose(one.log_probs, other.log_probs, atol=1e-5)


def test_a_primer_is_continued_and_not_altered(composer):
    for primer in pieces(2):
        for found in composer.compose(primer, 2, ComposeOptions(bars=1)):
            kept = [note for note in found.music.notes if note.start < primer.steps]
            assert [(note.start, note.pitch, note.voice) for note in kept] == [
                (note.start, note.pitch, note.voice) for note in primer.notes
            ]
            for note, before in zip(kept, primer.notes, strict=True):
                ends = before.start + before.length
                assert note.length == before.length or (ends == primer.steps and note.length > before.length)
            assert found.music.frames()[: primer.steps] == primer.frames()
            assert (found.music.key, found.music.meter) == (primer.key, primer.meter)


def test_the_meter_closes_and_notes_end(composer):
    for primer in (None, pieces(1)[0], Music((Note(0, 60, 3),), 5, meter=(3, 4), upbeat=2)):
        found = composer.compose(primer, 1, ComposeOptions(bars=2))[0].music
        assert (found.steps - found.upbeat) % found.bar == 0
        begin = primer.steps if primer else 0
        assert 2 * found.bar <= found.steps - begin < 3 * found.bar + found.upbeat
        assert all(note.start + note.length <= found.steps for note in found.notes)


def test_limits_hold_and_the_same_seed_composes_the_same(composer):
    limits = Constraints(55, 66, frozenset({0, 2, 4, 7, 9}), most_notes=2)
    options = ComposeOptions(bars=2, seed=5, constraints=limits)
    first, again = composer.compose(None, 3, options), composer.compose(None, 1, options)
    assert first[0].music == again[0].music
    assert len({one.music.notes for one in first}) == 3
    for one in first:
        assert one.music.notes
        assert {note.pitch for note in one.music.notes} <= {55, 57, 60, 62, 64}
        assert max(map(len, one.music.frames())) <= 2
    assert composer.compose(None, 1, ComposeOptions(bars=2, seed=6, constraints=limits))[0].music != first[0].music


def test_a_composition_is_scored_as_it_would_be_by_itself(composer):
    found = composer.compose(None, 1, ComposeOptions(bars=2))[0]
    assert found.frame_nll == pytest.approx(composer.score([found.music])[0].frames.mean(), rel=1e-5)
    assert found.copied.notes >= 1
    assert set(found.statistics) == set(found.corpus_statistics)
    assert (found.music.meter, found.music.key) == (composer.codec.meters[0], composer.corpus.key)


def test_a_harmonised_melody_keeps_its_notes_on_top(composer):
    melody = Music((Note(0, 62, 4), Note(6, 64, 2), Note(8, 64, 4)), 12)
    found = composer.harmonise(melody, beam_size=3).music
    assert [(n.start, n.pitch, n.length) for n in found.notes if n.voice == 0] == [
        (n.start, n.pitch, n.length) for n in melody.notes
    ]
    below = [note for note in found.notes if note.voice]
    assert below
    for frame, top in zip(found.frames(), melody.frames(), strict=True):
        assert frame[-1:] == top
        assert len(frame) <= 4


def test_a_beam_as_wide_as_the_space_finds_the_likeliest_harmony(composer):
    melody, limits = Music((Note(0, 60, 1), Note(1, 62, 1)), 2), Constraints(50, 58, frozenset({0, 2, 4}), 2)
    below = [50, 52]
    found = composer.harmonise(melody, 30, limits)
    best = max(
        (
            Music(
                (
                    *melody.notes,
                    *([Note(0, a, 2)] if held and a else [Note(s, p, 1) for s, p in enumerate((a, b)) if p]),
                ),
                2,
            )
            for a in (0, *below)
            for b in (0, *below)
            for held in ((False, True) if a and a == b else (False,))
        ),
        key=lambda piece: -composer.score([piece])[0].frames.sum(),
    )
    assert found.frame_nll == pytest.approx(composer.score([best])[0].frames.mean(), rel=1e-4)


def test_compose_writes_pieces_and_says_how_they_compare(music_run, cli, tmp_path):
    primer = tmp_path / "primer.json"
    primer.write_text(music_to_json(pieces(1)[0]))
    words = ["compose", music_run, "--primer", primer, "--bars", "1", "--count", "2", "--json"]
    code, out, err = cli(*words, "--output", tmp_path / "new.json")
    assert code == 0, err
    records = [json.loads(line) for line in out.splitlines()]
    assert [record["file"] for record in records] == [str(tmp_path / f"new-{number}.json") for number in (1, 2)]
    for record in records:
        music = music_from_json(Path(record["file"]).read_text(), "")[0]
        assert music.steps == record["steps"] > record["composed_from_step"] == pieces(1)[0].steps
        assert record["longest_copy"]["notes"] >= 0
        assert set(record["statistics"]) <= set(record["training_statistics"])
    more = ["--scale", "C major", "--key", "Am", "--meter", "2/4", "--output", tmp_path / "b.json"]
    code, out, err = cli("compose", music_run, "--bars", "1", *more)
    assert code == 0, err
    assert json.loads((tmp_path / "b.json").read_text())["meter"] == [2, 4]
    assert "nats a frame (mean over the composed frames" in out
    assert "longest stretch that also stands in training" in out
    code, _, err = cli("compose", music_run, "--harmonise", primer, "--beam", "2", "--output", tmp_path / "h.json")
    assert code == 0, err


def test_of_several_pieces_each_is_a_line_of_a_table_that_says_what_json_says(music_run, cli, tmp_path):
    words = ["compose", music_run, "--bars", "1", "--count", "10", "--output", tmp_path / "t.json"]
    code, out, err = cli(*words, "--json")
    assert code == 0, err
    records = [json.loads(line) for line in out.splitlines()]
    code, out, err = cli(*words)
    assert code == 0, err
    heads, *lines = out.splitlines()
    assert heads.split() == ["key", "bars", "nats", "copied", "in", "key", "intervals"]
    names = [f"t-{number:02}.json" for number in range(1, 11)]
    for name, line, record in zip(names, lines, records, strict=False):
        assert record["file"] == str(tmp_path / name)
        assert music_from_json((tmp_path / name).read_text(), name)[0].steps == record["steps"]
        share = ["–"] if record["in_key"] is None else [f"{100 * record['in_key']:.0f}", "%"]
        distance = "–" if record["interval_distance"] is None else f"{record['interval_distance']:.2f}"
        key = [record["key"] + "?" * record["key_is_estimated"]] if record["key"] else []
        cells = [f"{record['bars']:g}", f"{record['frame_nll']:.2f}", str(record["longest_copy"]["notes"]), *share]
        assert line.split() == [record["file"], *key, *cells, distance]
    assert [line.split()[0] for line in lines[10:13]] == ["median", "lowest", "highest"]
    most = max(records, key=lambda record: record["longest_copy"]["notes"])
    assert lines[12].split()[3] == str(most["longest_copy"]["notes"])
    assert lines[14].endswith(f"most in {most['file']}")


def test_a_scale_or_an_unusual_name_of_a_key_is_written_as_a_key(music_run, cli, tmp_path):
    for words, key in (
        (["--scale", "Eb major"], "Eb"),
        (["--scale", "G# minor", "--key", "a minor"], "Am"),
        (["--key", "G#"], "Ab"),
        (["--key", "Dbm"], "C#m"),
    ):
        code, _, err = cli("compose", music_run, "--bars", "1", *words, "--output", tmp_path / "a.json")
        assert code == 0, err
        assert json.loads((tmp_path / "a.json").read_text())["key"] == key


def test_what_is_in_key_and_how_far_intervals_are_from_training(composer):
    notes = (Note(0, 60, 2), Note(2, 62, 2), Note(4, 66, 2), Note(6, 67, 2))
    found = composer.compared(Music(notes, 16, key="C"), 0, 0.0, notes)
    assert (found.key, found.in_key, found.bars) == ("C", 0.75, 1.0)
    known = found.corpus_statistics
    shares = {"repeats": 0, "steps": 2 / 3, "thirds": 1 / 3, "leaps": 0}
    expected = sum(abs(share - known[name]) for name, share in shares.items()) / 2
    assert found.interval_distance == pytest.approx(expected)
    free = composer.compared(Music(notes, 16), 0, 0.0, notes)
    assert (free.key, free.in_key) == ("", None)  # four pitches are in many keys
    more = (*notes, Note(8, 69, 2), Note(10, 71, 2), Note(12, 64, 2))
    free = composer.compared(Music(more, 16), 0, 0.0, more)
    assert (free.key, free.in_key) == ("G", 1.0)
    assert composer.compared(Music((), 16, key="C"), 0, 0.0, ()).in_key is None


def test_python_composes_and_scores_too(music_run):
    model = seq2seq.load(music_run)
    music = model.compose(options=ComposeOptions(bars=1))[0].music
    assert np.isfinite(model.score([music])[0].log_probability)


def test_killed_and_resumed_equals_never_killed(music_folder, music_run, tmp_path, monkeypatch):
    more = ["--training.checkpoint_minutes", "1e-9"]

    class Killed(BaseException):
        pass

    save = checkpoint.save_checkpoint

    def save_then_die(path, objective, progress):
        save(path, objective, progress)
        if (progress["epoch"], progress["step"]) == (1, 1):
            raise Killed

    monkeypatch.setattr(checkpoint, "save_checkpoint", save_then_die)
    with pytest.raises(Killed):
        train(music_folder, tmp_path / "parted", *more)
    monkeypatch.undo()
    assert train(music_folder, tmp_path / "parted", *more) == 0
    assert training_of(tmp_path / "parted") == training_of(music_run)


@pytest.fixture(scope="session")
def keys_run(music_folder, made_once):
    """A finished run over 88 keys; tests may not change it."""

    def make(folder):
        more = ["--events.keys", "true", "--events.inputs", "", "--model.tie", "false"]
        assert train(music_folder, folder, *more) == 0

    return made_once("keys_run", make)


def test_a_model_of_88_keys_scores_frames_and_says_that_it_does_not_compose(keys_run, cli, tmp_path):
    recorded = json.loads((keys_run / "scores.json").read_text())["tests"]["test"]
    assert set(recorded) == {"frame_nll", "frame_nll_all"}
    assert "compose" not in (keys_run / "README.md").read_text().replace("does not compose", "")
    assert 0 < recorded["frame_nll"]["score"] < 88 * math.log(2)
    code, out, err = cli("evaluate", keys_run, "--json", "--ngram", "2")
    assert code == 0, err
    assert json.loads(out)["model"] == recorded
    code, out, err = cli("compose", keys_run, "--output", tmp_path / "a.json")
    assert (code, out) == (2, "")
    assert "it scores music and does not compose" in err
    assert cli("evaluate", keys_run, "--mix", "--ngram", "2")[0] == 2


def test_keys_are_transposed_within_the_range_and_scored_given_the_frames_before(keys_run):
    codec = EventCodec(48, 72)
    rolls = [roll_of(codec, piece) for piece in pieces(3)]
    change = RollCollation(48, 72, 12, 0.0, 1, 0)
    batch = change({ROLL: rolls}, np.asarray([0, 2]), (200,))
    for row, roll, inputs in zip(batch.target_output, (rolls[0], rolls[2]), batch.target_input, strict=True):
        assert row[: len(roll)].sum() == roll.sum()
        assert row[:, : 48 - LOWEST_KEY].sum() == row[:, 72 - LOWEST_KEY + 1 :].sum() == 0
        np.testing.assert_array_equal(inputs[1 : len(roll)], row[: len(roll) - 1])
        assert not inputs[0].any()
    model = seq2seq.load(keys_run)
    music = pieces(2)
    for scored, alone in zip(model.score(music), [model.score([piece])[0] for piece in music], strict=True):
        np.testing.assert_allclose(scored.frames, alone.frames, rtol=1e-4)


def test_runs_average(music_run, cli, tmp_path):
    shutil.copytree(music_run, tmp_path / "other")
    code, _, err = cli("average", music_run, tmp_path / "other", "--output", tmp_path / "mean")
    assert code == 0, err
    code, _, err = cli("compose", tmp_path / "mean", "--bars", "1", "--output", tmp_path / "a.json")
    assert code == 0, err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compose", "RUN", "--output", "OUT", "--primer", "nowhere.mid"], "--primer: nowhere.mid: no such file."),
        (["compose", "RUN", "--output", "OUT", "--primer", "HIGH"], "the model knows those from"),
        (["compose", "RUN", "--output", "OUT", "--harmonise", "EMPTY"], "expected notes. Received: none"),
        (["compose", "RUN", "--output", "OUT", "--primer", "TEXT"], "expected pieces of music as JSON"),
        (["compose", "RUN", "--output", "OUT", "--scale", "D doric"], 'Expected a scale such as "D dorian"'),
        (["compose", "RUN", "--output", "OUT", "--range", "70", "60"], "--range takes the lowest and the highest"),
        (["compose", "RUN", "--output", "OUT", "--range", "120", "127"], "leave no pitch"),
        (["compose", "RUN", "--output", "OUT", "--temperature", "0"], "temperature must be above 0"),
        (["compose", "RUN", "--output", "OUT", "--key", "H"], "--key: expected a key such as G, Am or Bbdor"),
        (["compose", "RUN", "--output", "OUT", "--meter", "6/9"], "expected a meter such as 6/8"),
        (["compose", "RUN", "--output", "OUT", "--primer", "TEXT", "--key", "G"], "has its own key and meter"),
        (["compose", "RUN", "--output", "OUT.txt"], "expected a file of music to write"),
        (["compose", "RUN", "--output", "OUT", "--bars", "0"], "must be from 1 to"),
        (["compose", "RUN", "--output", "OUT", "--primer", "EMPTY", "--harmonise", "EMPTY"], "Give either --primer or"),
        (["compose", "RUN", "--output", "OUT", "--harmonise", "EMPTY", "--bars", "2"], "--harmonise writes one piece"),
        (["compose", "RUN", "--output", "RUN/a.json"], "it is inside of"),
        (["evaluate", "RUN", "--test", "nothing"], "This run knows the test sets test. Received: 'nothing'."),
        (["evaluate", "RUN", "--files", "nowhere"], "--files: nowhere: no such file or folder."),
        (["evaluate", "RUN", "--mix"], "give --ngram N too"),
        (["sample", "RUN"], "takes runs of language_model. Received: "),
    ],
    ids=lambda value: " ".join(value)[15:50] if isinstance(value, list) else "",
)
def test_a_mistake_gets_one_sentence(words, message, music_run, cli, tmp_path):
    files = {"HIGH": Music((Note(0, 120, 4),), 4), "EMPTY": Music((), 4)}
    for name, music in files.items():
        (tmp_path / f"{name}.json").write_text(music_to_json(music))
    (tmp_path / "TEXT.json").write_text("la la")
    places = {name: tmp_path / f"{name}.json" for name in (*files, "TEXT")}
    places |= {"RUN": music_run, "OUT": tmp_path / "out.json", "RUN/a.json": music_run / "a.json"}
    code, out, err = cli(*[places.get(word, word) for word in words])
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert err.splitlines()[-1].count("error: ") == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"data": {"corpus": "files"}}, "data.train must name a folder or a file"),
        ({"data": {"corpus": "jsb"}, "events": {"steps_per_quarter": 3}}, "must be 1, 2 or 4 for jsb"),
        ({"events": {"transpose": 13}}, "events.transpose must be from 0 to 12"),
        ({"events": {"inputs": ["bar", "bar"]}}, "events.inputs must differ"),
        ({"events": {"inputs": ["mood"]}}, "events.inputs"),
        ({"events": {"keys": True}}, "events.inputs must be empty with events.keys"),
        ({"events": {"native": 1.0}}, r"events.native must be in \[0, 1\)"),
        ({"model": {"cell": "ssru", "weight_dropout": 0.5}}, "needs a cell with recurrent weights"),
    ],
)
def test_a_recipe_that_contradicts_itself_says_so(values, message):
    with pytest.raises(RecipeError, match=message):
        from_json(Recipe, values, "recipe.json")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "holds no file that ends in .mid"),
        ([Music((Note(0, 60, 1),), 4)], "has 1 pieces, so none can be held out"),
        ([Music((), 4)] * 3, "expected notes. Received: none"),
    ],
)
def test_pieces_that_cannot_be_learned_get_one_sentence(files, message, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    for number, music in enumerate(files):
        (tmp_path / "in" / f"{number}.json").write_text(music_to_json(music))
    words = ["custom", "--data.corpus", "files", "--data.train", str(tmp_path / "in")]
    assert run_recipe(RECIPES, "x", "", [*words, "--run-folder", str(tmp_path / "run")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_tunes_are_the_same_each_time_and_fill_their_bars():
    assert tunes.load("test") == tunes.load("test")
    for tune in tunes.load("validation"):
        assert tune.steps == tune.upbeat + 16 * tune.bar
        assert max(map(len, tune.frames())) == 1
    with pytest.raises(ValueError, match=r"splits train, validation, test\. Received: 'dev'"):
        tunes.load("dev")
