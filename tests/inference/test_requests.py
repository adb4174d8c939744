"""A request that cannot be answered has its own error, and the others are answered."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.inference.constraints import Constraints
from seq2seq.inference.lines import LineGenerator
from seq2seq.inference.requests import InputTooLong, Request
from seq2seq.search.options import SearchOptions
from seq2seq.types import SearchResult


class Echo(LineGenerator):
    """Writes what it reads, and nothing where a term must be included."""

    has_attention = False

    def _search(self, sources, places, constraints=None):
        lengths = np.asarray([[len(ids)] for ids in sources])
        ids = np.zeros((len(sources), 1, lengths.max()), np.int32)
        for row, source in enumerate(sources):
            ids[row, 0, : len(source)] = source
        return SearchResult(ids, lengths, np.full(lengths.shape, -1.0), np.full(lengths.shape, -1.0))

    def _align(self, sources, targets):
        raise NotImplementedError


@pytest.fixture
def echo(tokenizers):
    tokenizer = tokenizers["unigram", False]
    return Echo(tokenizer, tokenizer, SearchOptions(max_input=8))


LONG = "cat " * 40


def test_each_error_is_its_requests_own(echo):
    requests = [
        Request("the cat"),
        Request(LONG),
        Request("a dog", Constraints(include=("漢",))),
        Request("a dog", Constraints(include=("mat",))),
        Request(""),
        Request("the mat", Constraints("the")),
    ]
    results = echo.answer(requests)
    assert [result.error.reason if result.error else None for result in results] == [
        None,
        "too_long",
        "constraints",
        "nothing_fits",
        None,
        None,
    ]
    assert [[h.text for h in result.hypotheses] for result in results] == [["the cat"], [], [], [], [""], ["the mat"]]
    assert "at most 8 are read" in results[1].error.message
    assert "no tokens for '漢'" in results[2].error.message
    assert results[3].error.message == "no output fits: include 'mat'"


def test_generate_raises_what_answer_returns(echo):
    with pytest.raises(InputTooLong) as raised:
        echo.generate(["a", LONG, LONG])
    assert sorted(raised.value.lengths) == [1, 2]
    assert str(raised.value) == echo.answer([Request(LONG)])[0].error.message
    with pytest.raises(ValueError, match="no tokens for"):
        echo.generate(["a"], constraints=[Constraints(include=("漢",))])
    assert echo.generate(["a"], constraints=[Constraints(include=("mat",))]) == [[]]


def test_a_long_line_is_cut_where_that_is_asked_for(tokenizers):
    tokenizer = tokenizers["unigram", False]
    cutting = Echo(tokenizer, tokenizer, SearchOptions(max_input=8, cut_input=True))
    (result,) = cutting.answer([Request(LONG)])
    assert len(result.hypotheses[0].pieces) == 8
