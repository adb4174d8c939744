"""An attention decoder beside CTC: it is trained with it, and judges what the search has found."""

from __future__ import annotations

import json
import shutil

import keras
import numpy as np
import pytest

import seq2seq
from seq2seq.inference.recognition import Recognizer
from seq2seq.pipeline.padding import padded
from seq2seq.symbols import BOS, EOS
from seq2seq.tasks.speech.network import build_network, build_objective
from seq2seq.tasks.speech.recipe import Model
from seq2seq.types import Batch, Padded
from tests.recognizers import MELS, SMALL, make_recognizer, sound, write_run, write_wav

JOINT = {"bidirectional": True, "attention_weight": 0.3, "decoder_units": 6, "decoder_layers": 2}
SIZE = 7
LABELS = [(4, 5, 4), (6,), (), (5, 5, 6, 4, 6, 5, 4, 4, 4, 5, 6, 6, 5, 4, 5, 4, 6)]


@pytest.fixture(scope="module")
def recognizer():
    return make_recognizer(scale=0.9, **JOINT)


@pytest.fixture
def frames(rng):
    return [rng.normal(size=(count, MELS)).astype(np.float32) for count in (60, 17, 90, 0, 33)]


def heard_by(recognizer: Recognizer, frames):
    (found,) = recognizer.network.rescorer.hear([frames])
    return found


def test_the_score_of_a_label_is_its_cross_entropy_step_by_step(recognizer, frames, array):
    network = recognizer.network
    decoder = network.model.label_decoder
    log_probs, heard = heard_by(recognizer, frames[0])
    (expected,) = network.log_probs(frames[:1])
    np.testing.assert_array_equal(log_probs, expected)
    scores = network.rescorer.score(heard, LABELS)
    assert scores.shape == (len(LABELS),)
    memory = decoder.decoder.build_memory(heard[None], np.ones((1, len(heard)), bool))
    for label, score in zip(LABELS, scores, strict=True):
        state, total = decoder.decoder.zero_state(1), 0.0
        for last, following in zip((BOS, *label), (*label, EOS), strict=True):
            inputs = decoder.embedding.embed(np.array([[last]]))
            features, _, _, state = decoder.decoder(inputs, memory, state)
            logits = array(decoder.head(features))[0, 0].astype(np.float64)
            total += logits[following] - np.log(np.exp(logits).sum())
        assert score == pytest.approx(total, abs=1e-4)
        assert network.rescorer.score(heard, [label]) == pytest.approx([score], abs=1e-4)  # alone as among others


def test_what_the_beam_kept_is_ranked_by_both_scores_and_weight_0_leaves_it_alone(recognizer, frames):
    beam = recognizer.beam.options.beam_size
    plain = recognizer.transcribe_frames(frames, beam)
    changed = 0
    for weight in (0.0, 0.5, 40.0):
        both = Recognizer(recognizer.network, recognizer.frontend, recognizer.codec, recognizer.beam, weight)
        found = both.transcribe_frames(frames, beam)
        if not weight:
            assert found == plain
            continue
        for part, before, after in zip(frames, plain, found, strict=True):
            _, heard = heard_by(recognizer, part)
            labels = recognizer.codec.encode([one.text for one in before.alternatives])
            scores = recognizer.network.rescorer.score(heard, labels)
            expected = {
                one.text: one.score + weight * score for one, score in zip(before.alternatives, scores, strict=True)
            }
            best = sorted(expected, key=lambda text: -expected[text])
            assert [one.text for one in after.alternatives] == best
            assert [one.score for one in after.alternatives] == pytest.approx([expected[text] for text in best])
            assert after.text == " ".join(best[0].split())
            changed += after.text != before.text
        alone = [one.text for one in both.transcribe_frames(frames)]
        assert alone == [one.text for one in found]  # the first of the list, however long it is
    assert changed


def test_rescored_together_equals_alone(recognizer, frames):
    both = Recognizer(recognizer.network, recognizer.frontend, recognizer.codec, recognizer.beam, 5.0)
    for part, found in zip(frames, both.transcribe_frames(frames, 3), strict=True):
        (alone,) = both.transcribe_frames([part], 3)
        assert [one.text for one in alone.alternatives] == [one.text for one in found.alternatives]
        for one, other in zip(alone.alternatives, found.alternatives, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-3)


def test_a_decoder_changes_nothing_of_what_is_heard_and_without_a_share_there_is_none(rng):
    options = {**SMALL, **JOINT}
    plain, joint = (build_network(Model(**{**options, "attention_weight": share}), MELS, SIZE) for share in (0.0, 0.3))
    assert plain.label_decoder is None
    assert [*plain.recurrent_parts] == ["encoder"]
    source = Padded(rng.normal(size=(2, 9, MELS)).astype("float32"), np.ones((2, 9), bool))
    for one, other in zip(plain.variables, joint.hearing_variables, strict=True):
        other.assign(one)
    one, other = (keras.ops.convert_to_numpy(model.log_probs(model.listen(source))) for model in (plain, joint))
    np.testing.assert_array_equal(one, other)


def test_the_objective_is_the_weighted_sum_of_its_parts_and_trains_all_of_the_network(rng):
    recipe = Model(**{**SMALL, **JOINT})
    model = build_network(recipe, MELS, SIZE)
    frames = [rng.normal(size=(count, MELS)).astype(np.float32) for count in (40, 50)]
    labels = [(4, 5, 4), (6,)]
    source = padded(frames, 50, "float32", (MELS,))
    inputs, target = padded([(BOS, *label) for label in labels]), padded([(*label, EOS) for label in labels])
    batch = Batch(source, inputs.values, target.values, target.mask.astype(np.float32))

    heard = model.listen(source)
    decoder = model.label_decoder
    ctc = -float(keras.ops.sum(model.head.log_prob(heard, *padded(labels))))
    nll = -float(keras.ops.sum(decoder.log_prob(heard, inputs.values, *target)))
    features = decoder(heard, inputs.values)
    smooth = -keras.ops.mean(keras.ops.log_softmax(decoder.head(features)), axis=2)
    smoothed = 0.9 * nll + 0.1 * float(keras.ops.sum(smooth * batch.weights))

    objective = build_objective(recipe, model)
    objective.compile("sgd", run_eagerly=True)
    found = objective.evaluate(
        batch.inputs(), batch.target_output, sample_weight=batch.weights, verbose=0, return_dict=True
    )
    assert found["nll"] == pytest.approx(ctc / 6, rel=1e-4)
    assert found["loss"] == pytest.approx((0.7 * ctc + 0.3 * smoothed) / 6, rel=1e-4)
    before = model.get_weights()
    objective.train_on_batch(batch.inputs(), batch.target_output, batch.weights)
    still = [
        variable.path
        for variable, old in zip(model.weights, before, strict=True)
        if variable.trainable and np.array_equal(variable.numpy(), old)
    ]
    assert not still


@pytest.mark.parametrize("options", [{}, {"bidirectional": True}, {**JOINT, "bidirectional": False}])
def test_a_network_that_can_stream_or_has_no_decoder_refuses_rescoring(options):
    recognizer = make_recognizer(**options)
    with pytest.raises(ValueError, match="Rescoring needs a run of both directions trained with"):
        recognizer.rescoring = 0.5
    recognizer.rescoring = 0.0
    with pytest.raises(ValueError, match=r"number of at least 0\. Received: -1"):
        recognizer.rescoring = -1.0


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("joint") / "run", **JOINT)


def test_a_flag_turns_rescoring_on_and_off(run, tmp_path, cli):
    values = json.loads((run / "recipe.json").read_text())
    values["recipe"]["search"]["rescoring"] = 0.25
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "recipe.json").write_text(json.dumps(values))
    assert seq2seq.load(copy).rescoring == 0.25
    file = write_wav(tmp_path / "it.wav", sound(1.0))
    lists = {
        flags: cli("transcribe", folder, file, "--n-best", 4, "--beam-size", 8, *flags)[1]
        for folder, flags in ((copy, ()), (copy, ("--rescoring", 0)), (run, ("--rescoring", 0.25)))
    }
    assert (
        lists[()]
        == lists["--rescoring", 0.25]
        != lists["--rescoring", 0]
        == cli("transcribe", run, file, "--n-best", 4)[1]
    )
    for folder, flags, message in (
        (run, ("--rescoring", -1), "--rescoring -1: Rescoring takes a number of at least 0"),
        (run, ("--rescoring", 1, "--beam-size", 1), "give --beam-size above 1"),
        (write_run(tmp_path / "plain", bidirectional=True), ("--rescoring", 1), "Rescoring needs a run"),
    ):
        code, out, err = cli("transcribe", folder, file, *flags)
        assert (code, out) == (2, "")
        assert message in err


def test_the_average_of_runs_with_a_decoder_has_the_mean_of_its_weights(run, tmp_path, cli):
    other = write_run(tmp_path / "other", seed=8, **JOINT)
    assert cli("average", run, other, "--output", tmp_path / "mean")[0] == 0
    loaded = [seq2seq.load(path).network.model.label_decoder.get_weights() for path in (run, other, tmp_path / "mean")]
    for one, two, mean in zip(*loaded, strict=True):
        np.testing.assert_allclose(mean, (one + two) / 2, atol=1e-6)
    plain = write_run(tmp_path / "plain", bidirectional=True)
    code, _, err = cli("average", run, plain, "--output", tmp_path / "none")
    assert code == 2
    assert "attention_weight: 0.3 and 0.0" in err
