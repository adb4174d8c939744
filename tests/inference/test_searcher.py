"""A search on a model: prompts read in one call are what prompts read step by step are."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seq2seq.inference.constraints import ConstraintArrays
from seq2seq.inference.searcher import first_of, search
from seq2seq.layers.decoder_state import track_coverage
from seq2seq.models.ensemble import Ensemble
from seq2seq.search import SearchOptions, prefill
from seq2seq.search.rules import forbid_control_symbols
from seq2seq.symbols import BOS, EOS
from tests.inputs import padded

SOURCE = np.array([[5, 6, 7, 3], [8, 3, 0, 0], [9, 10, 3, 0], [4, 4, 11, 3]], np.int32)
PROMPTS = [[5, 9, 4], [], [11, 11, 6, 7], [8]]
MODELS = {
    "additive": {},
    "no attention": {"decoder": {"attention": "none", "cell": "lstm", "num_layers": 2}},
    "between": {"decoder": {"attention_position": "between", "num_layers": 2}},
    "input feeding": {"decoder": {"attention": "multi_head", "input_feeding": True, "attention_position": "after"}},
    "coverage": {"decoder": {"coverage": True}},
    "pointer": {"pointer": True},
    "ensemble": None,
}


@pytest.fixture(params=MODELS)
def model_and_source(request, build_model):
    source = padded(SOURCE)
    if MODELS[request.param] is None:
        members = [build_model(), build_model({"cell": "lstm"}, {"attention": "none", "cell": "ssru"}, seed=4)]
        return Ensemble(members), (source, source)
    return build_model(**MODELS[request.param]), source


def prompts_and_lengths():
    ids = np.zeros((len(PROMPTS), 6), np.int32)
    for row, prompt in zip(ids, PROMPTS, strict=True):
        row[: len(prompt)] = prompt
    return ids, np.asarray([len(prompt) for prompt in PROMPTS], np.int32)


def log_softmax(logits):
    return ops.convert_to_numpy(ops.log_softmax(forbid_control_symbols(logits)))


def flat(state):
    return [ops.convert_to_numpy(tensor) for tensor in keras.tree.flatten(state)]


def test_a_prompt_read_in_one_call_leaves_what_its_steps_leave(model_and_source):
    model, source = model_and_source
    encoded = model.encode(source, training=False)
    first = encoded.state
    if not isinstance(model, Ensemble) and model.has_attention:
        first = track_coverage(first, encoded.source_memory)
    ids, lengths = prompts_and_lengths()
    start, prefilled = prefill(
        lambda ids, mask, state: model.decode(ids, encoded, state, training=False, mask=mask), first, ids, lengths
    )
    state, total, last = first, np.zeros(len(PROMPTS)), np.full(len(PROMPTS), BOS, np.int32)
    expected = [np.array(part) for part in flat(first)]
    for t in range(ids.shape[1]):
        logits, state = model.decode(ops.expand_dims(last, 1), encoded, state, training=False)
        real = t < lengths
        total += np.where(real, log_softmax(logits)[np.arange(len(PROMPTS)), 0, ids[:, t]], 0.0)
        for before, after in zip(expected, flat(state), strict=True):
            before[real] = after[real]
        last = ids[:, t]
    for one, other in zip(flat(prefilled), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    np.testing.assert_allclose(start.log_probabilities, total, atol=1e-4)
    assert ops.convert_to_numpy(start.token).tolist() == [4, BOS, 7, 8]


@pytest.mark.parametrize("model_and_source", ["additive", "coverage", "ensemble"], indirect=True)
@pytest.mark.parametrize("beam", [{"beam_size": 1}, {"beam_size": 3, "num_best": 3, "no_repeat_ngram": 2}])
def test_outputs_begin_with_their_prompts_and_score_as_the_model_scores_them(model_and_source, beam):
    model, source = model_and_source
    ids, _ = prompts_and_lengths()
    nothing = np.zeros((len(PROMPTS), 4), np.int32)
    constraints = ConstraintArrays(ids, np.zeros((len(PROMPTS), 4, 8), np.int32), nothing, nothing)
    options = SearchOptions(max_ratio=1.0, max_extra=2, **beam)
    penalized = beam["beam_size"] > 1 and not isinstance(model, Ensemble) and model.has_attention
    result = search(model, source, options.changed(coverage_penalty=0.2 * penalized), constraints=constraints)
    found, counts, totals, _ = map(ops.convert_to_numpy, result)
    limits = ops.convert_to_numpy(first_of(source).mask).sum(axis=1) - 1 + 2
    for row, prompt in enumerate(PROMPTS):
        one = tuple(padded(SOURCE[row : row + 1]) for _ in (source if isinstance(model, Ensemble) else [0]))
        one = one if isinstance(model, Ensemble) else one[0]
        again = None
        if len(prompt) in (0, max(map(len, PROMPTS))):  # the two that differ most from the rows beside them
            alone = ConstraintArrays(*(part[row : row + 1] for part in constraints))
            again = search(model, one, options.changed(coverage_penalty=0.2 * penalized), constraints=alone)
        encoded = model.encode(one, training=False)
        for n in range(found.shape[1]):
            written = found[row, n, : counts[row, n]].tolist()
            assert written[: len(prompt)] == prompt
            assert len(written) <= limits[row] + len(prompt)
            inputs = np.asarray([[BOS, *written]], np.int32)
            log_probs = log_softmax(model.decode(inputs, encoded, encoded.state, training=False)[0])[0]
            total = log_probs[np.arange(len(written) + 1), [*written, EOS]].sum()
            np.testing.assert_allclose(totals[row, n], total, atol=1e-4)
            if again is not None:
                assert ops.convert_to_numpy(again.ids)[0, n, : len(written)].tolist() == written
