"""Every kind of attention is what its paper says, and none attends to padding."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.layers.attention import ATTENTIONS, DotAttention, GeneralAttention, MultiHeadAttention
from seq2seq.types import Memory

BATCH, QUERIES, SOURCE, DIM = 3, 6, 5, 4
MASK = np.arange(SOURCE) < np.array([[5], [3], [1]])

every_kind = pytest.mark.parametrize("attention", ATTENTIONS, indirect=True)


@pytest.fixture
def attention(request, randomize):
    layer = ATTENTIONS[request.param](DIM, **({"heads": 2} if request.param == "multi_head" else {}))
    layer.build((None, None, DIM), (None, None, DIM))
    return randomize(layer)


@pytest.fixture
def query(rng):
    return rng.normal(size=(BATCH, QUERIES, DIM)).astype("float32")


@pytest.fixture
def values(rng):
    return rng.normal(size=(BATCH, SOURCE, DIM)).astype("float32")


def build_memory(attention, values, mask=MASK):
    keys, projected = attention.project_memory(values)
    return Memory(projected, keys, mask)


def attend(attention, query, memory):
    projected = attention.project_query(query)
    assert projected.shape[-1] == attention.query_dim(DIM)
    return attention(projected, memory)


def masked_softmax(scores):
    scores = np.where(MASK[:, None], scores, -np.inf)
    exponentials = np.exp(scores - scores.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def by_formula(attention, q, m):
    """Context and weights by the formulas of the papers."""
    w = {weight.path.split("/", 1)[1]: np.asarray(weight.value, np.float64) for weight in attention.weights}
    kind = type(attention).__name__
    if kind == "MultiHeadAttention":
        split = lambda x: x.reshape(*x.shape[:2], 2, 2).transpose(0, 2, 1, 3)  # noqa: E731
        queries, keys, values = (split(x @ w[f"{name}/kernel"]) for x, name in ((q, "query"), (m, "key"), (m, "value")))
        weights = np.stack([masked_softmax(queries[:, h] @ keys[:, h].transpose(0, 2, 1) / np.sqrt(2)) for h in (0, 1)])
        heads = np.concatenate([weights[h] @ values[:, h] for h in (0, 1)], axis=-1)
        return heads @ w["output/kernel"] + w["output/bias"], weights.mean(0)
    if kind == "AdditiveAttention":
        keys = m @ w["keys/kernel"] + w["keys/bias"]
        scores = np.tanh((q @ w["query/kernel"])[:, :, None] + keys[:, None]) @ w["weight"][:, 0]
    elif kind == "GeneralAttention":
        scores = q @ (m @ w["keys/kernel"]).transpose(0, 2, 1)
    else:
        scores = q @ m.transpose(0, 2, 1)
    weights = masked_softmax(scores)
    return weights @ m, weights


@every_kind
def test_context_and_weights_equal_the_formula(attention, query, values, array):
    context, weights = attend(attention, query, build_memory(attention, values))
    expected_context, expected_weights = by_formula(attention, query, values)
    np.testing.assert_allclose(array(weights), expected_weights, atol=1e-5)
    np.testing.assert_allclose(array(context), expected_context, atol=1e-5)
    assert context.shape[-1] == attention.context_dim(DIM)


@every_kind
@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_rows_sum_to_one_and_padding_gets_exactly_zero(attention, query, values, array, scale):
    weights = array(attend(attention, query * np.float32(scale), build_memory(attention, values))[1])
    np.testing.assert_allclose(weights.sum(-1), 1.0, atol=1e-6)
    assert (weights[~np.broadcast_to(MASK[:, None], weights.shape)] == 0.0).all()


@every_kind
def test_the_values_at_padding_do_not_matter(attention, query, values, array):
    other = np.where(MASK[..., None], values, np.float32(100.0))
    for got, expected in zip(
        attend(attention, query, build_memory(attention, other)),
        attend(attention, query, build_memory(attention, values)),
        strict=True,
    ):
        np.testing.assert_allclose(array(got), array(expected), atol=1e-6)


@every_kind
def test_queries_grouped_on_a_memory_row_equal_a_repeated_memory(attention, query, values, array):
    grouped = attend(attention, query, build_memory(attention, values))
    repeated = build_memory(attention, np.repeat(values, 3, axis=0), np.repeat(MASK, 3, axis=0))
    alone = attend(attention, query.reshape(BATCH * 3, QUERIES // 3, DIM), repeated)
    for got, expected in zip(alone, grouped, strict=True):
        np.testing.assert_allclose(array(got).reshape(expected.shape), array(expected), atol=1e-6)


@every_kind
def test_projecting_a_query_is_linear(attention, query, array):
    parts = query * np.float32(0.3), query * np.float32(0.7)
    np.testing.assert_allclose(
        sum(array(attention.project_query(part)) for part in parts), array(attention.project_query(query)), atol=1e-6
    )


@pytest.mark.parametrize(("kind", "units"), [(DotAttention, 4), (GeneralAttention, 6)])
def test_unequal_widths_are_refused_where_the_score_is_a_product(kind, units):
    with pytest.raises(ValueError, match=r"equally wide. Received: query 4, key 6"):
        kind(units).build((None, None, 4), (None, None, 6))


def test_units_must_divide_by_the_heads():
    with pytest.raises(ValueError, match="units=6, heads=4"):
        MultiHeadAttention(6, 4)


@pytest.mark.parametrize("kind", ATTENTIONS)
def test_attention_without_units_is_refused(kind):
    with pytest.raises(ValueError, match="units=0"):
        ATTENTIONS[kind](0)


@pytest.mark.parametrize("kind", ["additive", "general", "dot"])
@pytest.mark.parametrize(("tap", "shift"), [(0, 0), (1, 1), (2, -1)])
def test_a_score_depends_on_the_coverage_of_a_position_and_its_neighbours(
    kind, tap, shift, query, values, array, randomize
):
    layer = ATTENTIONS[kind](DIM, coverage=True)
    layer.build((None, None, DIM), (None, None, DIM))
    randomize(layer)
    weight = np.zeros(layer.coverage_weight.shape, "float32")
    weight[tap] = 2.0
    layer.coverage_weight.assign(weight)
    keys, _ = layer.project_memory(values)
    projected = layer.project_query(query)
    coverage = np.zeros((BATCH, QUERIES, SOURCE), "float32")
    coverage[:, :, 2] = 1.0
    moved = array(layer.score(projected, keys, coverage)) - array(layer.score(projected, keys, 0 * coverage))
    touched = np.abs(moved).max(axis=(0, 1)) > 1e-6
    assert touched.tolist() == [place == 2 + shift for place in range(SOURCE)]
